package scanner

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	mathrand "math/rand"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
	"shakedown/scanner/wire"
)

// dribble sends a byte now and then, for ever, of a message that never ends.
func dribble(c net.Conn) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	next := bytes.NewReader(slices.Concat([]byte{22, 3, 3, 0x40, 0, 2, 0, 0x3F, 0xFC}, make([]byte, 1<<14)))
	for range tick.C {
		b, err := next.ReadByte()
		if err != nil {
			return
		}
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
	}
}

// However slowly a server goes on answering, an exchange ends with its timeout.
func TestDribble(t *testing.T) {
	f := &fake{raw: func(conn net.Conn, _ []byte) bool { dribble(conn); return true }}
	e := scanFake(t, f.serve(t), dial.Options{Timeout: 300 * time.Millisecond}, Options{})
	if e.Status != results.Failed || len(e.Failures) == 0 || e.Failures[0].Kind != results.KindTimeout {
		t.Errorf("%s, failures %+v", e.Status, e.Failures)
	}
}

// Records may be cut anywhere (RFC 8446 §5.1): an answer in records of every
// length is the same answer.
func TestFragmentsAtEveryBoundary(t *testing.T) {
	for size := 1; size < 100; size += 7 {
		f := usualServer()
		f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
			whole := f.choose(hello)
			if whole[0] != 22 {
				return false
			}
			var cut []byte
			for fragment := range slices.Chunk(whole[5:], size) {
				cut = append(append(cut, whole[0], whole[1], whole[2], 0, byte(len(fragment))), fragment...)
			}
			conn.Write(cut)
			return true
		}
		e := scanFake(t, f.serve(t), dial.Options{}, Options{})
		if e.Status != results.Complete || len(e.Suites[results.TLSv12]) != 6 || len(e.Groups[results.TLSv13]) != 3 {
			t.Errorf("in records of %d bytes: %s, suites %v, failures %+v", size, e.Status, ids(e.Suites[results.TLSv12]), e.Failures)
		}
	}
}

// A group that nobody offered is no answer, and taints no other.
func TestGroupNobodyOffered(t *testing.T) {
	f := usualServer()
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		if v, _ := f.version(hello); v != wire.TLS13 {
			return false
		}
		conn.Write(wire.Records(wire.TLS12, wire.Retry(hello.SessionID, 0x1301, 0x5A5A).Marshal()))
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if e.Versions[results.TLSv13] != results.Unknown || e.Versions[results.TLSv12] != results.Yes || e.Status != results.Partial {
		t.Errorf("%s, versions %v", e.Status, e.Versions)
	}
	if len(e.Failures) != 1 || e.Failures[0].Kind != results.KindMalformed {
		t.Errorf("failures %+v", e.Failures)
	}
}

// Alerts at random lose facts, but make none: what is found is true, and what is
// denied by an alert that says trouble is not denied.
func TestAlertsAtRandom(t *testing.T) {
	troubles := []byte{10, 20, 21, 22, 42, 43, 44, 45, 46, 50, 51, 80, 90, 100, 109 + 30, 255}
	for seed := range int64(4) {
		random := mathrand.New(mathrand.NewSource(seed))
		var mu sync.Mutex
		f := usualServer()
		f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
			mu.Lock()
			alert, now := troubles[random.Intn(len(troubles))], random.Intn(5) == 0
			mu.Unlock()
			if now {
				conn.Write(alertBytes(alert))
			}
			return now
		}
		e := scanFake(t, f.serve(t), dial.Options{}, Options{})
		for v, suites := range e.Suites {
			real := hexes(f.suites[wire.VersionNumber(v)])
			for _, s := range suites {
				if !slices.Contains(real, s.ID) {
					t.Errorf("seed %d: %s is not in %s", seed, s.ID, v)
				}
			}
			for _, id := range real {
				found := slices.ContainsFunc(suites, func(s results.Suite) bool { return s.ID == id })
				open := e.Undetermined.Suites[v]
				if !found && !slices.Contains(open, id) && !slices.Contains(open, "*") {
					t.Errorf("seed %d: %s in %s is denied", seed, id, v)
				}
			}
		}
		for _, v := range []results.Version{results.TLSv12, results.TLSv13} {
			if e.Versions[v] == results.No {
				t.Errorf("seed %d: %s is denied", seed, v)
			}
		}
	}
}

// A server that holds back its errors, as s2n does, is waited for as long as
// patience says.
func TestDelayedErrors(t *testing.T) {
	f := usualServer()
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		answer := f.choose(hello)
		if answer[0] != 21 {
			return false
		}
		held := time.NewTimer(400 * time.Millisecond)
		defer held.Stop()
		<-held.C
		conn.Write(answer)
		return true
	}
	addr := f.serve(t)
	aspects := []Aspect{AspectVersions}
	short := dial.Options{Timeout: 150 * time.Millisecond}
	if e := scanFake(t, addr, short, Options{Aspects: aspects}); e.Versions[results.TLSv10] != results.Unknown || e.Versions[results.TLSv12] != results.Yes {
		t.Errorf("without patience: %v", e.Versions)
	}
	e := scanFake(t, addr, short, Options{Aspects: aspects, Patience: 20 * time.Second})
	if e.Status != results.Complete || e.Versions[results.TLSv10] != results.No {
		t.Errorf("with patience: %s, %v, failures %+v", e.Status, e.Versions, e.Failures)
	}
}

// What is held back is waited for side by side: here it comes when two are held.
func TestHeldBackTogether(t *testing.T) {
	f := usualServer()
	var askings atomic.Int64
	two := make(chan struct{})
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		if slices.Contains(f.suites[wire.TLS12], hello.Suites[0]) {
			return false
		}
		if askings.Add(1) == 2 {
			close(two)
		}
		<-two
		return false
	}
	a := askerOf(t, f.serve(t))
	if got := a.ask(t.Context(), new(usual(wire.TLS12, "", f.suites[wire.TLS12]))); got.outcome != accepted {
		t.Fatalf("%+v", got)
	}
	a.insist, a.patience = true, 20*time.Second
	var wg sync.WaitGroup
	for _, suite := range []uint16{0x0001, 0x0002} {
		wg.Go(func() {
			first := answer{failure: results.Failure{Stage: results.StageHello, Kind: results.KindTimeout, Count: 1}}
			if got := a.settle(t.Context(), new(usual(wire.TLS12, "", []uint16{suite})), &first); got.outcome != refused {
				t.Errorf("0x%04X: %+v", suite, got)
			}
		})
	}
	wg.Wait()
}

// A chain of 200 kB is read whole; what is no certificate is described, and a
// chain without end is cut off.
func TestLargeAndBrokenChains(t *testing.T) {
	leaf := goCertificate(t)
	padded := func(extra ...[]byte) *tls.Config {
		c := leaf
		c.Certificate = append(slices.Clone(leaf.Certificate), extra...)
		return &tls.Config{Certificates: []tls.Certificate{c}}
	}
	many := [][]byte{largeCertificate(t, 10_000)}
	for len(many) < 20 {
		many = append(many, many[0])
	}
	rubbish := bytes.Repeat([]byte{0x30, 0x82, 0xFF, 0xFF}, 500)
	for _, c := range []struct {
		name    string
		config  *tls.Config
		sent    int
		problem results.Problem
	}{
		{"200 kB", padded(many...), 1 + len(many), results.ExtraCertificate},
		{"rubbish behind the leaf", padded(rubbish), 2, results.Malformed},
		{"nothing behind the leaf", padded([]byte{0}), 2, results.Malformed},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			c.config.MinVersion, c.config.MaxVersion = version, version
			e := scanChainsOf(t, serveTLS(t, c.config.Clone()))
			if e.Status != results.Complete || len(e.Chains) == 0 {
				t.Errorf("%s, %s: %s, %d chains, failures %+v", c.name, tls.VersionName(version), e.Status, len(e.Chains), e.Failures)
				continue
			}
			if chain := e.Chains[0]; len(chain.Certificates) != c.sent || !slices.Contains(chain.Problems, c.problem) {
				t.Errorf("%s, %s: %d certificates, want %d; problems %v", c.name, tls.VersionName(version), len(chain.Certificates), c.sent, chain.Problems)
			}
		}
	}
	config := padded(slices.Repeat(leaf.Certificate, 2000)...)
	config.MinVersion = tls.VersionTLS13
	e := scanChainsOf(t, serveTLS(t, config))
	limit := slices.ContainsFunc(e.Failures, func(f results.Failure) bool { return f.Kind == results.KindLimit })
	if e.Status != results.Partial || len(e.Chains) != 0 || !limit {
		t.Errorf("a chain of 2001 certificates: %s, %d chains, failures %+v", e.Status, len(e.Chains), e.Failures)
	}
}

// largeCertificate is one of about so many bytes.
func largeCertificate(t *testing.T, size int) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	padding := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Value: make([]byte, size)}
	template := &x509.Certificate{SerialNumber: big.NewInt(8), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), ExtraExtensions: []pkix.Extension{padding}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// Another certificate on each connection is told as one address that flaps.
func TestAnotherCertificateEachTime(t *testing.T) {
	addr := serveTLS(t, &tls.Config{
		MaxVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { c := goCertificate(t); return &c, nil },
	})
	var got *results.Endpoint
	p := target(addr)
	p.ServerName = "portal.example"
	New(dial.New(dial.Options{Timeout: 10 * time.Second}), Options{Aspects: []Aspect{AspectVersions, AspectCertificates, AspectPath}}).
		Run(t.Context(), []inventory.Path{p}, func(e *results.Endpoint) error { got = e; return nil })
	if got.PathFacts.Steadiness != results.Flapping || votesOf(got.PathFacts, "TLSv1.2 certificate") == nil {
		t.Errorf("%+v", got.PathFacts)
	}
}

// Servers that cannot bear something in a hello, and in what way they say so: all
// that they speak is found nevertheless, and what they cannot bear is told.
func TestIntolerance(t *testing.T) {
	closes := func(net.Conn) {}
	alerts := func(c net.Conn) { c.Write(alertBytes(50)) } // decode_error
	large := func(n int) func(*wire.ClientHello, int) bool {
		return func(_ *wire.ClientHello, size int) bool { return size > n }
	}
	strange := func(h *wire.ClientHello, _ int) bool {
		return slices.ContainsFunc(h.Extensions, func(x wire.Extension) bool { return x.Type&0x0F0F == 0x0A0A && x.Type != 10 })
	}
	newer := func(h *wire.ClientHello, _ int) bool { return h.Version > wire.TLS12 }
	many := func(h *wire.ClientHello, _ int) bool { return len(h.Suites) > 128 }
	modern := func(h *wire.ClientHello, _ int) bool { return h.Versions() != nil }
	for _, c := range []struct {
		name   string
		cannot func(h *wire.ClientHello, size int) bool
		told   func(results.Protocol) results.Answer // nil: in no fact of its own
		tls13  results.Answer
	}{
		{"a large hello", large(1500), func(p results.Protocol) results.Answer { return p.SizeIntolerant }, results.Yes},
		{"an extension that nobody knows", strange, func(p results.Protocol) results.Answer { return p.ExtensionIntolerant }, results.Yes},
		{"a newer version", newer, func(p results.Protocol) results.Answer { return p.VersionIntolerant }, results.Yes},
		{"many suites", many, func(p results.Protocol) results.Answer { return p.ManySuitesIntolerant }, results.Yes},
		{"TLS 1.3", modern, nil, results.No},
	} {
		for way, say := range map[string]func(net.Conn){"closes": closes, "decode_error": alerts, "resets": reset} {
			t.Run(c.name+"/"+way, func(t *testing.T) {
				t.Parallel()
				f := usualServer()
				f.raw = func(conn net.Conn, first []byte) bool {
					hello, err := readHello(bytes.NewReader(first))
					if err != nil || !c.cannot(hello, len(first)) {
						return false
					}
					say(conn)
					return true
				}
				e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectSuites, AspectPreference, AspectGroups, AspectProtocol}})
				if e.Versions[results.TLSv12] != results.Yes || len(e.Suites[results.TLSv12]) != 6 {
					t.Errorf("TLS 1.2 %s, suites %v, failures %+v", e.Versions[results.TLSv12], ids(e.Suites[results.TLSv12]), e.Failures)
				}
				if got := e.Versions[results.TLSv13]; got != c.tls13 && !(way == "decode_error" && got == results.Unknown) {
					t.Errorf("TLS 1.3 %s, want %s", got, c.tls13)
				}
				if c.told != nil && c.told(e.Protocol) != results.Yes {
					t.Errorf("it is not told: %+v", e.Protocol)
				}
			})
		}
	}
}
