package scanner

import (
	"net"
	"slices"
	"sync"
	"testing"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// What hardly any server accepts takes one refusal, and none of what is accepted of
// it is missed, whichever the certificates and whoever decides.
func TestLateSuites(t *testing.T) {
	rsa, ecdsa := []uint16{0xC030, 0x009D, 0x0035}, []uint16{0xC02C, 0xC02B, 0xC00A}
	odd := []uint16{0xC060, 0xC0AE, 0x008C, 0x003A} // RSA ARIA, ECDSA CCM_8, PSK, anon
	for name, c := range map[string]struct {
		can      []uint16
		refusals int // of lists with late suites
	}{
		"RSA":          {rsa, 2}, // and the one they rode along on
		"ECDSA":        {ecdsa, 1},
		"both":         {slices.Concat(rsa, ecdsa), 3}, // those for ECDSA apart
		"RSA and odd":  {slices.Concat(odd[:1], rsa, odd[2:]), 1},
		"EC and odd":   {slices.Concat(ecdsa, odd[1:]), 1},
		"all, odd too": {slices.Concat(rsa, ecdsa, odd), 2},
	} {
		for _, serverFirst := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				f := &fake{suites: map[uint16][]uint16{wire.TLS12: c.can}, serverFirst: serverFirst, refuse: alertBytes(40)}
				var mu sync.Mutex
				refused := 0
				f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
					_, ok := f.pick(c.can, hello.Suites)
					if version, _ := f.version(hello); version == wire.TLS12 && !ok && len(hello.Suites) > 64 {
						mu.Lock()
						refused++
						mu.Unlock()
					}
					return false
				}
				e := scanFake(t, f.serve(t), dial.Options{PerEndpoint: 8}, Options{Aspects: []Aspect{AspectSuites}})
				if got, want := sorted(ids(e.Suites[results.TLSv12])), sorted(hexes(c.can)); !slices.Equal(got, want) || e.Status != results.Complete {
					t.Errorf("%s, %v, want %v", e.Status, got, want)
				}
				if refused > c.refusals {
					t.Errorf("%d long lists were refused, %d are enough", refused, c.refusals)
				}
			})
		}
	}
}

func sorted(ids []string) []string { return slices.Sorted(slices.Values(ids)) }

// That everything a server speaks is newer than TLS 1.0 holds for SSLv3 too; any
// other refusal says nothing of it.
func TestOldestVersion(t *testing.T) {
	for name, c := range map[string]struct {
		alert byte // to TLS 1.0
		sslv3 bool
		want  results.Answer
		asked bool
	}{
		"protocol_version":             {70, false, results.No, false},
		"handshake_failure":            {40, false, results.No, true},
		"handshake_failure, has SSLv3": {40, true, results.Yes, true},
		"chosen for TLS 1.0":           {0, true, results.Yes, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := usualServer()
			delete(f.suites, wire.TLS10)
			delete(f.suites, wire.SSL30)
			if c.sslv3 {
				f.suites[wire.SSL30] = []uint16{0x002F}
			}
			var mu sync.Mutex
			asked := false
			f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
				mu.Lock()
				defer mu.Unlock()
				asked = asked || hello.Version == wire.SSL30
				if hello.Version != wire.TLS10 && hello.Version != wire.TLS11 || c.alert == 0 {
					return false
				}
				conn.Write(alertBytes(c.alert))
				return true
			}
			e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions}})
			mu.Lock()
			defer mu.Unlock()
			if got := e.Versions[results.SSLv3]; got != c.want || asked != c.asked {
				t.Errorf("SSLv3 %s, want %s; asked for: %v, want %v", got, c.want, asked, c.asked)
			}
		})
	}
}
