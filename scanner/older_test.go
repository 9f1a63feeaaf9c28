package scanner

import (
	"net"
	"slices"
	"testing"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// A server that chooses the suite first, and an older version where the newest may not
// have it, hides nothing of what it likes less, and what it answers so is of the older
// version alone. No question is spent on one that chooses the version first.
func TestSuiteBeforeVersion(t *testing.T) {
	both := []uint16{0xC030, 0x009D, 0x0035, 0x002F}
	late := []uint16{0x003B, 0x0002, 0xC018, 0x0034} // NULL and anonymous, with the odd ones in a hand
	older := []uint16{0x0007, 0x0009}                // IDEA and DES
	order := slices.Concat(both, older, late)
	for name, suiteFirst := range map[string]bool{"the suite first": true, "the version first": false} {
		t.Run(name, func(t *testing.T) {
			f := &fake{serverFirst: true, refuse: alertBytes(40), suites: map[uint16][]uint16{
				wire.TLS11: slices.Concat(both[2:], older, late[1:]), wire.TLS12: slices.Concat(both, late),
			}}
			f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
				chosen, _ := f.pick(order, hello.Suites)
				version, _ := f.version(hello)
				if !suiteFirst || version != wire.TLS12 || !slices.Contains(older, chosen) {
					return false
				}
				h := wire.ServerHello{Version: wire.TLS11, Suite: chosen}
				conn.Write(wire.Records(wire.TLS11, h.Marshal()))
				return true
			}
			e := scanFake(t, f.serve(t), dial.Options{PerEndpoint: 8}, Options{Aspects: []Aspect{AspectSuites}})
			for v, suites := range map[results.Version][]uint16{results.TLSv11: f.suites[wire.TLS11], results.TLSv12: f.suites[wire.TLS12]} {
				want := slices.Sorted(slices.Values(hexes(suites)))
				if got := slices.Sorted(slices.Values(ids(e.Suites[v]))); !slices.Equal(got, want) {
					t.Errorf("%s: %v, want %v", v, got, want)
				}
			}
			if e.Status != results.Complete {
				t.Errorf("%s: %+v", e.Status, e.Undetermined)
			}
		})
	}
}
