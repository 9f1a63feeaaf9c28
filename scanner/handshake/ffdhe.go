// Finite fields: the Diffie-Hellman groups of RFC 7919, for servers of TLS 1.3 that
// have no curve.

package handshake

import (
	"crypto/rand"
	"math/big"

	"shakedown/scanner/wire"
)

// ffdhe is a group of RFC 7919 appendix A: the size of its prime, what makes that
// prime, and the size of a private key (§5.2).
type ffdhe struct {
	bits    uint
	offset  int64
	private uint
}

func ffdheOf(group uint16) ffdhe {
	return [...]ffdhe{
		{2048, 560316, 225}, {3072, 2625351, 275}, {4096, 5736041, 325}, {6144, 15705020, 375}, {8192, 10965728, 400},
	}[group-ffdhe2048]
}

// prime is 2^b - 2^(b-64) + (⌊2^(b-130) e⌋ + offset) 2^64 - 1.
func (f ffdhe) prime() *big.Int {
	middle := new(big.Int).Add(euler(f.bits-130), big.NewInt(f.offset))
	p := new(big.Int).Lsh(big.NewInt(1), f.bits)
	p.Sub(p, new(big.Int).Lsh(big.NewInt(1), f.bits-64))
	p.Add(p, middle.Lsh(middle, 64))
	return p.Sub(p, big.NewInt(1))
}

// euler is ⌊2^n e⌋: the sum of 1/k!, to some bits more than are needed.
func euler(n uint) *big.Int {
	const more = 64
	term := new(big.Int).Lsh(big.NewInt(1), n+more)
	sum := new(big.Int).Set(term)
	for k := int64(1); term.Sign() > 0; k++ {
		term.Div(term, big.NewInt(k))
		sum.Add(sum, term)
	}
	return sum.Rsh(sum, more)
}

// newFiniteKey makes a key of such a group. Public and shared values are as long as
// the prime (RFC 8446 §4.2.8.1, §7.4.1).
func newFiniteKey(group uint16) (*Key, error) {
	f := ffdheOf(group)
	p := f.prime()
	private, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), f.private))
	if err != nil {
		return nil, err
	}
	power := func(base *big.Int) []byte {
		return new(big.Int).Exp(base, private, p).FillBytes(make([]byte, f.bits/8))
	}
	return &Key{wire.KeyShare{Group: group, Data: power(big.NewInt(2))}, func(server []byte) ([]byte, error) {
		public := new(big.Int).SetBytes(server)
		if len(server) != int(f.bits/8) || public.BitLen() < 2 || public.Cmp(new(big.Int).Sub(p, big.NewInt(1))) >= 0 {
			return nil, errShare
		}
		return power(public), nil
	}}, nil
}
