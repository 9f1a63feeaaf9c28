package scanner

import (
	"fmt"
	"math/big"
	"net"
	"slices"
	"testing"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// The primes of RFCs are known by their formulas, which give their digits anew
// (RFC 2409 §6.1, §6.2; RFC 3526 §2 to §7; RFC 7919 §A).
func TestPrimesOfFormulas(t *testing.T) {
	for _, c := range []struct {
		name     string
		constant func(bits uint) *big.Int
		bits     uint
		add      int64
	}{
		{"rfc2409-768", pi, 768, 149686},
		{"rfc2409-1024", pi, 1024, 129093},
		{"rfc3526-1536", pi, 1536, 741804},
		{"rfc3526-2048", pi, 2048, 124476},
		{"rfc3526-3072", pi, 3072, 1690314},
		{"rfc3526-4096", pi, 4096, 240904},
		{"rfc3526-6144", pi, 6144, 929484},
		{"rfc3526-8192", pi, 8192, 4743158},
		{"ffdhe2048", euler, 2048, 560316},
		{"ffdhe3072", euler, 3072, 2625351},
		{"ffdhe4096", euler, 4096, 5736041},
		{"ffdhe6144", euler, 6144, 15705020},
		{"ffdhe8192", euler, 8192, 10965728},
	} {
		middle := new(big.Int).Add(c.constant(c.bits-130), big.NewInt(c.add))
		p := new(big.Int).Lsh(middle, 64)
		p.Add(p, power(c.bits)).Sub(p, power(c.bits-64)).Sub(p, big.NewInt(1))
		got := parametersOf(&wire.KeyExchange{DHPrime: p.Bytes(), Generator: []byte{2}})
		if want := (parameters{int(c.bits), c.name, results.Yes, results.No}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

func power(bits uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), bits) }

// margin is how many more bits are computed than asked for.
const margin = 64

// pi is π·2^bits, by Machin's formula.
func pi(bits uint) *big.Int {
	one := power(bits + margin)
	arctan := func(x int64) *big.Int { // of 1/x
		sum := new(big.Int)
		term := new(big.Int).Quo(one, big.NewInt(x))
		for n := int64(1); term.Sign() != 0; n += 2 {
			part := new(big.Int).Quo(term, big.NewInt(n))
			if n%4 == 3 {
				part.Neg(part)
			}
			sum.Add(sum, part)
			term.Quo(term, big.NewInt(x*x))
		}
		return sum
	}
	quarter := new(big.Int).Mul(arctan(5), big.NewInt(4))
	quarter.Sub(quarter, arctan(239))
	return quarter.Rsh(quarter.Mul(quarter, big.NewInt(4)), margin)
}

// euler is e·2^bits.
func euler(bits uint) *big.Int {
	sum := new(big.Int)
	term := power(bits + margin)
	for n := int64(1); term.Sign() != 0; n++ {
		sum.Add(sum, term)
		term = new(big.Int).Quo(term, big.NewInt(n))
	}
	return sum.Rsh(sum, margin)
}

func TestSharedPrimes(t *testing.T) {
	names := map[string]bool{}
	for digest, shared := range sharedPrimes() {
		names[shared.name] = true
		if len(digest) != 64 {
			t.Errorf("%s: a digest of %d digits", shared.name, len(digest))
		}
	}
	for _, name := range []string{"apache-512", "apache-1024", "nginx-1024", "java-768", "java-1024", "logjam-1024", "rfc5114-2048-256", "postfix-1024"} {
		if !names[name] {
			t.Errorf("%s is not listed", name)
		}
	}
}

func TestParameters(t *testing.T) {
	for _, c := range []struct {
		p, g int64
		want parameters
	}{
		{23, 5, parameters{5, unlisted, results.Yes, results.No}},
		{29, 2, parameters{5, unlisted, results.No, results.No}}, // 14 is no prime
		{21, 2, parameters{5, unlisted, results.No, results.No}},
		{23, 1, parameters{5, unlisted, results.Yes, results.Yes}},
		{23, 22, parameters{5, unlisted, results.Yes, results.Yes}},
		{23, 0, parameters{5, unlisted, results.Yes, results.Yes}},
		{23, 24, parameters{5, unlisted, results.Yes, results.Yes}},
		{1, 1, parameters{1, unlisted, results.No, results.Yes}},
	} {
		k := &wire.KeyExchange{DHPrime: big.NewInt(c.p).Bytes(), Generator: big.NewInt(c.g).Bytes()}
		if got := parametersOf(k); got != c.want {
			t.Errorf("p %d, g %d: %+v, want %+v", c.p, c.g, got, c.want)
		}
	}
	huge := power(mostTested)
	if got := parametersOf(&wire.KeyExchange{DHPrime: huge.Bytes(), Generator: []byte{2}}); got.safe != "" {
		t.Errorf("a number of %d bits: safe is %s", got.bits, got.safe)
	}
}

// Suites for export have parameters of their own, and the weaker are told.
func TestWeakerParameters(t *testing.T) {
	const usual, export = 0x0016, 0x0014 // DHE_RSA with 3DES, and for export
	f := &fake{suites: map[uint16][]uint16{wire.TLS12: {usual, export}}, refuse: alertBytes(40)}
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		suite, ok := f.pick([]uint16{usual, export}, hello.Suites)
		if v, spoken := f.version(hello); !ok || !spoken || v != wire.TLS12 {
			return false
		}
		p := new(big.Int).Sub(power(521), big.NewInt(1)) // a prime of Mersenne's, which is not safe
		if suite == export {
			p = new(big.Int).Sub(power(127), big.NewInt(1))
		}
		h := wire.ServerHello{Version: wire.TLS12, Suite: suite}
		conn.Write(wire.Records(wire.TLS12, slices.Concat(h.Marshal(), dheExchange(p.Bytes(), []byte{3}))))
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectSuites, AspectProtocol}})
	got := fmt.Sprint(e.Protocol.DHBits, e.Protocol.DHPrime, e.Protocol.DHPrimeSafe, e.Protocol.DHGeneratorTrivial)
	if want := fmt.Sprint(127, unlisted, results.No, results.No); got != want {
		t.Errorf("%s, want %s; %+v", got, want, e.Suites)
	}
}

// dheExchange is a ServerKeyExchange with a signature of one byte.
func dheExchange(p, g []byte) []byte {
	vector := func(b []byte) []byte { return slices.Concat([]byte{byte(len(b) >> 8), byte(len(b))}, b) }
	body := slices.Concat(vector(p), vector(g), vector([]byte{9}), []byte{8, 4, 0, 1, 9})
	return slices.Concat([]byte{12, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body)
}
