package scanner

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net"
	"slices"
	"testing"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// A server that puts its certificate's curve before other groups never comes to
// those with suites that show the certificate. With anonymous ones it does, if it
// has some; they are found first by the enumeration of suites.
func TestCurveOfCertificatePreferred(t *testing.T) {
	const signed, anonymous = 0xC02B, 0xC018 // ECDHE-ECDSA, ECDH-anon
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der := certificate(t, "portal.example", key).Certificate[0]
	_, _, ed := keys(t)
	edwards := certificate(t, "portal.example", ed).Certificate[0]
	for name, c := range map[string]struct {
		suites, want []uint16
		edwards      bool // a certificate of Ed25519 too
	}{
		"anonymous suites too": {[]uint16{signed, anonymous}, []uint16{0x001D, 0x0017, 0x0019, 0x0018}, false},
		"Ed25519 too":          {[]uint16{signed}, []uint16{0x001D, 0x0017, 0x0019, 0x0018}, true},
		"no other certificate": {[]uint16{signed}, []uint16{0x001D, 0x0017}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{suites: map[uint16][]uint16{wire.TLS12: c.suites}, serverFirst: true, refuse: alertBytes(40)}
			f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
				suites, der := hello.Suites, der
				if c.edwards && !slices.Contains(hello.Schemes(), 0x0403) {
					der = edwards
				} else if !slices.Contains(hello.Groups(), 0x0017) || !slices.Contains(hello.Schemes(), 0x0403) {
					suites = slices.DeleteFunc(suites, func(id uint16) bool { return id == signed })
				}
				suite, hasSuite := f.pick(c.suites, suites)
				group, hasGroup := f.pick([]uint16{0x001D, 0x0017, 0x0019, 0x0018}, hello.Groups())
				if !hasSuite || !hasGroup || hello.Version < wire.TLS12 {
					return false // the refusal of an honest server
				}
				flight := (&wire.ServerHello{Version: wire.TLS12, Suite: suite}).Marshal()
				if suite == signed {
					flight = append(flight, certificateMessage(der)...)
				}
				exchange := keyExchange(group)
				if suite == anonymous {
					exchange = []byte{12, 0, 0, 5, 3, byte(group >> 8), byte(group), 1, 4}
				}
				conn.Write(wire.Records(wire.TLS12, append(flight, exchange...)))
				return true
			}
			e := scanFake(t, f.serve(t), dial.Options{}, Options{})
			var got []string
			for _, g := range e.Groups[results.TLSv12] {
				got = append(got, g.ID)
			}
			if !slices.Equal(got, hexes(c.want)) || e.Status != results.Complete {
				t.Errorf("%s: groups %v, not %v; undetermined %+v, failures %+v", e.Status, got, hexes(c.want), e.Undetermined, e.Failures)
			}
		})
	}
}

// A group that TLS 1.3 does not have is found where a server takes it there all the same.
func TestGroupOfOlderVersions(t *testing.T) {
	groups := []uint16{0x001D, secp224r1}
	f := &fake{suites: map[uint16][]uint16{wire.TLS13: {0x1301}}, groups: groups, serverFirst: true, refuse: alertBytes(40)}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	var got []string
	for _, g := range e.Groups[results.TLSv13] {
		got = append(got, g.ID)
	}
	if !slices.Equal(got, hexes(groups)) {
		t.Errorf("groups %v, want %v; undetermined %+v", got, hexes(groups), e.Undetermined)
	}
}
