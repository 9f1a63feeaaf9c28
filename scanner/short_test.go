package scanner

import (
	"net"
	"slices"
	"testing"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// mbedGroups is mbed TLS' order of the groups that it has.
var mbedGroups = []uint16{0x0019, 0x001C, 0x0018, 0x001B, 0x0017, 0x0016, 0x001A, 0x0015, 0x0014, 0x0013, 0x0012, 0x001D, 0x001E}

// A server that keeps only the first groups of a hello that it knows has an order
// all the same, or follows the client's, or does neither.
func TestGroupsReadInPart(t *testing.T) {
	backwards := slices.Clone(mbedGroups)
	slices.Reverse(backwards)
	server := func(order []uint16) func([]uint16) uint16 {
		return func(read []uint16) uint16 {
			return order[slices.IndexFunc(order, func(id uint16) bool { return slices.Contains(read, id) })]
		}
	}
	client := func(read []uint16) uint16 { return read[0] }
	mixed := func(read []uint16) uint16 {
		if read[0] == 0x001D || read[0] == 0x001E { // as OpenSSL lets ChaCha20 be pushed
			return read[0]
		}
		return server(mbedGroups)(read)
	}
	for _, c := range []struct {
		name   string
		reads  int
		choose func([]uint16) uint16
		want   results.Preference
		order  []uint16
	}{
		{"server's order", 11, server(mbedGroups), results.PreferenceServer, mbedGroups},
		{"server's order, backwards", 11, server(backwards), results.PreferenceServer, backwards},
		{"server's order, few read", shortList, server(mbedGroups), results.PreferenceServer, mbedGroups},
		{"server's order, all read", 99, server(mbedGroups), results.PreferenceServer, mbedGroups},
		{"client's order", 11, client, results.PreferenceClient, nil},
		{"mixed order", 11, mixed, results.PreferenceMixed, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := scanFake(t, exchanger(func(offered []uint16) (uint16, bool) {
				known := slices.DeleteFunc(slices.Clone(offered), func(id uint16) bool { return !slices.Contains(mbedGroups, id) })
				if len(known) == 0 {
					return 0, false
				}
				return c.choose(known[:min(c.reads, len(known))]), true
			}).serve(t), dial.Options{}, Options{})
			var got []string
			for _, g := range e.Groups[results.TLSv12] {
				got = append(got, g.ID)
			}
			if p := e.GroupPreference[results.TLSv12]; p != c.want || len(got) != len(mbedGroups) || c.order != nil && !slices.Equal(got, hexes(c.order)) {
				t.Errorf("preference %s, groups %v; %d connections", p, got, e.Connections)
			}
		})
	}
}

// exchanger is a server of TLS 1.2 with one suite that uses a group, which it
// chooses of those on offer.
func exchanger(choose func(offered []uint16) (uint16, bool)) *fake {
	const suite = 0xC018 // ECDH-anon: no certificate
	f := &fake{suites: map[uint16][]uint16{wire.TLS12: {suite}}, refuse: alertBytes(40)}
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		group, ok := choose(hello.Groups())
		if version, _ := f.version(hello); !ok || version != wire.TLS12 || !slices.Contains(hello.Suites, suite) {
			return false // the refusal of an honest server
		}
		hi := (&wire.ServerHello{Version: wire.TLS12, Suite: suite}).Marshal()
		conn.Write(wire.Records(wire.TLS12, append(hi, 12, 0, 0, 5, 3, byte(group>>8), byte(group), 1, 4)))
		return true
	}
	return f
}
