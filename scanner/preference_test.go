package scanner

import (
	"net"
	"slices"
	"testing"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// Where all suites but one are such as a server may let its client push to the
// front, one of those has to stand first in some offer all the same.
func TestOrderOfFavourites(t *testing.T) {
	for name, c := range map[string]struct {
		version uint16
		suites  []uint16
	}{
		"AES and ChaCha20 of TLS 1.3": {wire.TLS13, []uint16{0x1302, 0x1303}},
		"ChaCha20 first":              {wire.TLS13, []uint16{0x1303, 0x1301}},
		"AES and ChaCha20 twice":      {wire.TLS12, []uint16{0xC02F, 0xCCA8, 0xCCAA}},
	} {
		for want, serverFirst := range map[results.Preference]bool{results.PreferenceServer: true, results.PreferenceClient: false} {
			t.Run(name+", "+string(want), func(t *testing.T) {
				f := &fake{suites: map[uint16][]uint16{c.version: c.suites}, groups: []uint16{0x001D, 0x0017}, serverFirst: serverFirst, refuse: alertBytes(40)}
				e := scanFake(t, f.serve(t), dial.Options{}, Options{})
				version := wire.VersionName(c.version)
				if e.Preference[version] != want || serverFirst && !slices.Equal(ids(e.Suites[version]), hexes(c.suites)) {
					t.Errorf("preference %v, suites %v", e.Preference, ids(e.Suites[version]))
				}
			})
		}
	}
}

// A server that begins with ChaCha20 unless its client begins with AES-GCM, as
// crypto/tls does, follows neither's order alone.
func TestAESPushed(t *testing.T) {
	f := &fake{suites: map[uint16][]uint16{wire.TLS12: {0xCCA8, 0xC02F, 0xC030, 0xC013}}, serverFirst: true, refuse: alertBytes(40)}
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		first := slices.IndexFunc(hello.Suites, func(id uint16) bool { return slices.Contains(f.suites[wire.TLS12], id) })
		if v, _ := f.version(hello); v != wire.TLS12 || first < 0 || hello.Suites[first] != 0xC02F && hello.Suites[first] != 0xC030 {
			return false
		}
		suite, _ := f.pick([]uint16{0xC02F, 0xC030}, hello.Suites)
		conn.Write(wire.Records(wire.TLS12, (&wire.ServerHello{Version: wire.TLS12, Suite: suite}).Marshal()))
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if got := e.Preference[results.TLSv12]; got != results.PreferenceMixed || len(e.Suites[results.TLSv12]) != 4 {
		t.Errorf("preference %s, suites %v", got, ids(e.Suites[results.TLSv12]))
	}
}

// What rare suites were chosen while some groups were not on offer tells nothing of an
// order: those of ECDHE could not be.
func TestOrderOfRareSuites(t *testing.T) {
	const onlyGroup = 0x0018
	f := &fake{suites: map[uint16][]uint16{wire.TLS12: {0xC02F, 0xC013, 0xC027, 0xC028, 0xC060, 0xC061, 0xC050, 0xC051, 0x002F, 0x0035}}, refuse: alertBytes(40)}
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		if v, _ := f.version(hello); v != wire.TLS12 {
			return false
		}
		suites := hello.Suites
		if !slices.Contains(hello.Groups(), onlyGroup) {
			suites = suitesWith(suites, func(s *wire.SuiteInfo) bool { return s.Kx != "ECDHE" })
		}
		suite, ok := f.pick(f.suites[wire.TLS12], suites)
		switch {
		case !ok:
			conn.Write(f.refuse)
		case usesGroup(suite):
			conn.Write(wire.Records(wire.TLS12, slices.Concat((&wire.ServerHello{Version: wire.TLS12, Suite: suite}).Marshal(), keyExchange(onlyGroup))))
		default:
			conn.Write(wire.Records(wire.TLS12, (&wire.ServerHello{Version: wire.TLS12, Suite: suite}).Marshal()))
		}
		return true
	}
	for range 10 {
		if e := scanFake(t, f.serve(t), dial.Options{PerEndpoint: 8}, Options{}); e.Preference[results.TLSv12] != results.PreferenceClient || len(e.Suites[results.TLSv12]) != 10 {
			t.Fatalf("preference %v, suites %v", e.Preference, ids(e.Suites[results.TLSv12]))
		}
	}
}
