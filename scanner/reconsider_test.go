package scanner

import (
	"net"
	"slices"
	"testing"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// A server that is offered named fields and has none of them chooses no DHE
// (RFC 7919 §4), though it does for who offers none.
func TestDHEWithoutNamedFields(t *testing.T) {
	for name, suites := range map[string][]uint16{
		"beside others": {0xC02F, 0xC013, 0x0033, 0x0039, 0x002F},
		"alone":         {0x0033, 0x0039},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{suites: map[uint16][]uint16{wire.TLS10: suites[1:], wire.TLS12: suites}, serverFirst: true, refuse: alertBytes(40)}
			f.reply = func(_ net.Conn, hello *wire.ClientHello, _ int64) bool {
				if slices.Contains(hello.Groups(), 0x0100) {
					hello.Suites = suitesWith(hello.Suites, func(s *wire.SuiteInfo) bool { return !isDHE(s) })
				}
				return false
			}
			e := scanFake(t, f.serve(t), dial.Options{}, Options{})
			if e.Status != results.Complete || e.Preference[results.TLSv12] != results.PreferenceServer {
				t.Errorf("%s, preference %v", e.Status, e.Preference)
			}
			for v, want := range f.suites {
				if got := ids(e.Suites[wire.VersionName(v)]); !slices.Equal(got, hexes(want)) {
					t.Errorf("%s: %v, want %v", wire.VersionName(v), got, hexes(want))
				}
			}
		})
	}
}

// A server that chooses in an older version what it cannot do there, and refuses all
// that was offered beside it, is asked for the others by themselves.
func TestOlderVersionByKinds(t *testing.T) {
	const cannot = 0xC009 // ECDHE-ECDSA, with a key of Ed25519
	for name, suites := range map[string][]uint16{"some was accepted": {0x0034, cannot, 0xC018}, "nothing was": {cannot, 0xC013, 0xC014}} {
		t.Run(name, func(t *testing.T) {
			f := &fake{suites: map[uint16][]uint16{wire.TLS10: suites, wire.TLS12: suites}, serverFirst: true, refuse: alertBytes(40)}
			f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
				if suite, _ := f.pick(suites, hello.Suites); hello.Version != wire.TLS10 || suite != cannot {
					return false
				}
				conn.Write(alertBytes(40))
				return true
			}
			e := scanFake(t, f.serve(t), dial.Options{}, Options{})
			want := hexes(slices.DeleteFunc(slices.Clone(suites), func(id uint16) bool { return id == cannot }))
			if got := ids(e.Suites[results.TLSv10]); !slices.Equal(got, want) || e.Status != results.Complete || e.Preference[results.TLSv10] != results.PreferenceServer {
				t.Errorf("%s, suites %v, want %v, preference %v", e.Status, got, want, e.Preference)
			}
			if e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions}}); e.Versions[results.TLSv10] != results.Yes {
				t.Errorf("versions alone: %v", e.Versions)
			}
		})
	}
}

// internal_error may be of an older version that was chosen, and breaks down, in place
// of TLS 1.2: who speaks TLS 1.3 says so when asked by its extension.
func TestVersionDenied(t *testing.T) {
	for _, c := range []struct {
		alert byte // to who asks so
		want  results.Answer
	}{{70, results.No}, {80, results.Unknown}} {
		f := &fake{suites: map[uint16][]uint16{wire.TLS13: {0x1301}}, groups: []uint16{0x001D}, refuse: alertBytes(40)}
		f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
			switch vs := hello.Versions(); {
			case slices.Contains(vs, wire.TLS13):
				return false
			case vs == nil:
				conn.Write(alertBytes(80))
			default:
				conn.Write(alertBytes(c.alert))
			}
			return true
		}
		if e := scanFake(t, f.serve(t), dial.Options{}, Options{}); e.Versions[results.TLSv12] != c.want {
			t.Errorf("answered by alert %d: %s, versions %v", c.alert, e.Status, e.Versions)
		}
	}
}

// A server of one old version that chooses what it cannot do is found out as well, though
// it refused all that it was offered, and asked all that follows.
func TestOnlyVersionByKinds(t *testing.T) {
	words := map[string][]byte{"handshake_failure": alertBytes(40), "internal_error": alertBytes(80), "a close": nil}
	for name, word := range words {
		for _, cannot := range [][]uint16{{0x0039, 0x0033}, {0x0034}, {0x0039, 0xC014}} {
			for _, version := range []uint16{wire.TLS10, wire.TLS11} {
				suites := append(slices.Clone(cannot), 0x0035, 0x002F)
				f := &fake{suites: map[uint16][]uint16{version: suites}, serverFirst: true, refuse: alertBytes(40)}
				f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
					spoken, ok := f.version(hello)
					suite, _ := f.pick(f.suites[spoken], hello.Suites)
					if !ok || !slices.Contains(cannot, suite) {
						return false
					}
					conn.Write(word)
					return true
				}
				v := results.Version(wire.VersionName(version))
				e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectSuites, AspectProtocol}})
				if got, want := ids(e.Suites[v]), hexes([]uint16{0x0035, 0x002F}); e.Versions[v] != results.Yes || !slices.Equal(got, want) || e.Protocol.SecureRenegotiation == "" {
					t.Errorf("%s, %s, by %s in place of %v: suites %v, want %v", v, e.Versions[v], name, hexes(cannot), got, want)
				}
				if e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions}}); e.Versions[v] != results.Yes {
					t.Errorf("versions alone: %v", e.Versions)
				}
			}
		}
	}
}

// A server with a gap in its versions may refuse the one in the gap by protocol_version
// although it speaks older ones (GnuTLS, which reads no list of them without TLS 1.3).
func TestGapInVersions(t *testing.T) {
	f := &fake{suites: map[uint16][]uint16{wire.TLS10: {0x002F}, wire.TLS12: {0x009C}}, refuse: alertBytes(40)}
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		if hello.Version == wire.TLS11 || slices.Contains(hello.Versions(), wire.TLS13) {
			conn.Write(alertBytes(70))
			return true
		}
		return false
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if e.Versions[results.TLSv10] != results.Yes || e.Versions[results.TLSv11] != results.No || e.Versions[results.TLSv12] != results.Yes {
		t.Errorf("versions %v", e.Versions)
	}
}
