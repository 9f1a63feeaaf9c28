package scanner

import (
	"crypto/tls"
	"slices"
	"testing"

	"shakedown/scanner/wire"
)

// What goes together: ciphers within a kind of key, and what other versions
// accepted.
func TestKin(t *testing.T) {
	for _, c := range []struct {
		name      string
		version   uint16
		accepted  []uint16
		elsewhere []uint16
		id        uint16
		want      hope
	}{
		{"3DES beside 3DES", wire.TLS12, []uint16{0xC012, 0x002F}, nil, 0x000A, high},
		{"3DES for ECDSA beside RC4 for it", wire.TLS12, []uint16{0xC012, 0xC007}, nil, 0xC008, faint},
		{"RC4 beside RC4", wire.TLS10, []uint16{0xC011, 0x002F}, nil, 0x0005, high},
		{"RC4 beside AES", wire.TLS10, []uint16{0xC013, 0x002F}, nil, 0x0005, faint},
		{"RC4 as elsewhere", wire.TLS10, []uint16{0xC013}, []uint16{0x0005}, 0x0005, high},
		{"GCM as in TLS 1.2", wire.TLS10, []uint16{0xC013}, []uint16{0x009C}, 0x009C, faint},
		{"SHA-256 of long keys beside that of short ones", wire.TLS12, []uint16{0xC027, 0x003C}, nil, 0x003D, faint},
		{"SHA-256 of long keys beside SHA-384", wire.TLS12, []uint16{0xC028, 0x003C}, nil, 0x003D, high},
	} {
		others := &siblings{}
		for _, id := range c.elsewhere {
			others.learn(id)
		}
		v := newVersionScan(c.version, "", others)
		if got := v.by.hopes(c.accepted).of(c.id); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// A group of TLS 1.2 tells nothing of the finite fields, which ECDHE does not use.
func TestKinOfGroups(t *testing.T) {
	const x448, ffdhe2048 = 0x001E, 0x0100
	for version, want := range map[uint16]hope{wire.TLS12: faint, wire.TLS13: high} {
		if got := kinGroups(version)([]uint16{x448}).of(ffdhe2048); got != want {
			t.Errorf("%s: %d, want %d", wire.VersionName(version), got, want)
		}
	}
}

// crypto/tls's order is guessed from what it chose of all that it has.
func TestOrderOfGo(t *testing.T) {
	order := []uint16{
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
		tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA,
		tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
		tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA, tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_RC4_128_SHA,
	}
	var seen []offer
	for i := 0; i < len(order)-1; i += 2 { // every other choice
		seen = append(seen, offer{order[i:], order[i]})
	}
	mixed := slices.Clone(order)
	slices.Sort(mixed)
	if got := arrange(mixed, seen, usualRank); !slices.Equal(got, order) {
		t.Errorf("%v\nwant %v", hexes(got), hexes(order))
	}
}
