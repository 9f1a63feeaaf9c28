// Shape and Ask: what a handshake negotiated, and what it was asked to.

package client

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// Shape is what a handshake negotiated, in code points: small, and comparable so
// that shapes can be counted.
type Shape struct {
	Version, Suite, Group, Scheme uint16
	Resumed, Retry                bool
	ALPN                          string
}

// Record is the shape as records write it.
func (s Shape) Record() results.Shape {
	resumed, retry := s.Resumed, s.Retry
	return results.Shape{
		Version:         wire.VersionName(s.Version),
		Suite:           suiteName(s.Suite),
		Group:           groupName(s.Group),
		SignatureScheme: schemeName(s.Scheme),
		Resumed:         &resumed,
		HelloRetry:      &retry,
		ALPN:            s.ALPN,
	}
}

// An unregistered code point goes by its number.
func suiteName(id uint16) string {
	if id == 0 {
		return "" // registered too, but for "no suite yet"
	}
	return cmp.Or(wire.LookupSuite(id).Name, wire.ID(id))
}

func groupName(id uint16) string {
	if id == 0 {
		return ""
	}
	return cmp.Or(wire.LookupGroup(id).Name, wire.ID(id))
}

func schemeName(id uint16) string {
	if id == 0 {
		return ""
	}
	return cmp.Or(wire.LookupScheme(id).Name, wire.ID(id))
}

// Ask is the handshake that is asked for. Where a field is zero the server
// chooses among what the client offers.
type Ask struct {
	Version uint16 // 0 is TLS 1.3
	Group   uint16
	Suite   uint16
	Scheme  uint16
	ALPN    string
	Resume  float64 // how many of all handshakes are to be resumed ones, 0 to 1
	Retry   bool    // a HelloRetryRequest is to be forced
}

// NewAsk reads an Ask from names: a version, a group by IANA's, NIST's or
// OpenSSL's name, a suite by IANA's or OpenSSL's, a signature scheme by IANA's.
// Empty names leave the choice open.
func NewAsk(version results.Version, group, suite, scheme string) (Ask, error) {
	a := Ask{Version: wire.TLS13}
	if version != "" {
		a.Version = wire.VersionNumber(version)
	}
	if a.Version != wire.TLS12 && a.Version != wire.TLS13 {
		return a, fmt.Errorf("version %q cannot be measured: use %s or %s", version, results.TLSv12, results.TLSv13)
	}
	for _, part := range []struct {
		what, name string
		to         *uint16
		find       func(string) (uint16, bool)
		some       []string
	}{
		{"group", group, &a.Group, findGroup, names(defaultGroups(), groupName)},
		{"suite", suite, &a.Suite, findSuite, names(suitesOf(a.Version), suiteName)},
		{"signature scheme", scheme, &a.Scheme, findScheme, names(defaultSchemes(), schemeName)},
	} {
		id, ok := part.find(part.name)
		if part.name != "" && !ok {
			return a, fmt.Errorf("unknown %s %q; known are, for example, %s", part.what, part.name, strings.Join(part.some, ", "))
		}
		*part.to = id
	}
	if a.Suite != 0 && !slices.Contains(suitesOf(a.Version), a.Suite) {
		return a, fmt.Errorf("suite %s cannot be measured in %s; these can: %s", suiteName(a.Suite),
			wire.VersionName(a.Version), strings.Join(names(suitesOf(a.Version), suiteName), ", "))
	}
	return a, nil
}

func findGroup(name string) (uint16, bool) {
	g, ok := wire.GroupNamed(name)
	return g.ID, ok
}

func findSuite(name string) (uint16, bool) {
	s, ok := wire.SuiteNamed(name)
	return uint16(s.ID), ok
}

func findScheme(name string) (uint16, bool) {
	s, ok := wire.SchemeNamed(name)
	return s.ID, ok
}

func names(ids []uint16, name func(uint16) string) []string {
	var list []string
	for _, id := range ids {
		list = append(list, name(id))
	}
	return list
}

// Record is the asked shape as records write it: what was not asked is absent.
// In a mix both are asked for, full handshakes and resumed ones.
func (a Ask) Record() results.Shape {
	r := results.Shape{
		Version:         wire.VersionName(a.Version),
		Suite:           suiteName(a.Suite),
		Group:           groupName(a.Group),
		SignatureScheme: schemeName(a.Scheme),
		ALPN:            a.ALPN,
	}
	if a.Resume == 0 || a.Resume == 1 {
		resumed := a.Resume == 1
		r.Resumed = &resumed
	}
	if a.Retry {
		r.HelloRetry = &a.Retry
	}
	return r
}

// Fits reports whether a handshake is of the asked shape, where resumed says
// which kind this one was to be. A resumed handshake signs nothing, and in
// TLS 1.2 exchanges no keys: the asked scheme and group are then those of the
// handshake before, to which nothing else was offered.
func (a Ask) Fits(s Shape, resumed bool) bool {
	same := func(asked, got uint16) bool { return asked == 0 || asked == got }
	return s.Version == a.Version && s.Resumed == resumed && same(a.Suite, s.Suite) &&
		(same(a.Group, s.Group) || resumed && a.Version == wire.TLS12) &&
		(same(a.Scheme, s.Scheme) || resumed) &&
		(a.ALPN == "" || a.ALPN == s.ALPN) && (s.Retry || !a.Retry)
}

// groups lists what a client with this Ask offers, most preferred first.
func (a Ask) groups() []uint16 {
	switch {
	case a.Group == 0:
		return defaultGroups()
	case a.Version == wire.TLS12 && !rsaScheme(a.Scheme):
		// The curve of an ECDSA certificate must be among them (RFC 8422 §5.1). A
		// server that then exchanges keys by another group than the first negotiates
		// another shape.
		list := []uint16{a.Group}
		for _, g := range []uint16{groupP256, groupP384, groupP521} {
			if g != a.Group {
				list = append(list, g)
			}
		}
		return list
	}
	return []uint16{a.Group}
}

// rsaScheme reports whether a scheme is of RSA certificates.
func rsaScheme(id uint16) bool { return id>>8 == 0x08 && id != 0x0807 || id&0xFF == 0x01 }

func (a Ask) suites() []uint16 {
	if a.Suite != 0 {
		return []uint16{a.Suite}
	}
	return suitesOf(a.Version)
}

func (a Ask) schemes() []uint16 {
	switch {
	case a.Scheme == 0:
		return defaultSchemes()
	case a.Version == wire.TLS13 && a.Scheme >= 0x0804 && a.Scheme <= 0x0806: // rsa_pss_rsae
		// Those of PKCS #1 v1.5 are for certificates alone (RFC 8446 §4.2.3);
		// without them HAProxy shows no RSA certificate.
		return []uint16{a.Scheme, 0x0401, 0x0501, 0x0601}
	}
	return []uint16{a.Scheme}
}

// Groups of the lean client.
const (
	groupP256           uint16 = 0x0017
	groupP384           uint16 = 0x0018
	groupP521           uint16 = 0x0019
	groupX25519         uint16 = 0x001D
	groupP256MLKEM768   uint16 = 0x11EB
	groupX25519MLKEM768 uint16 = 0x11EC
)

func defaultGroups() []uint16 { return []uint16{groupX25519, groupP256, groupP384, groupP521} }

// suitesOf lists the suites of a version that are offered by default: with
// ephemeral keys and AEAD.
func suitesOf(version uint16) []uint16 {
	if version == wire.TLS13 {
		return []uint16{0x1301, 0x1302, 0x1303}
	}
	return []uint16{0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8}
}

// defaultSchemes puts ECDSA first, so that a server with two certificates shows
// the one that costs it less.
func defaultSchemes() []uint16 {
	return []uint16{
		0x0403, 0x0804, 0x0401, // P-256, RSA-PSS and RSA PKCS#1 with SHA-256
		0x0503, 0x0805, 0x0501, // the same with SHA-384
		0x0603, 0x0806, 0x0601, // and SHA-512
		0x0807,                 // Ed25519
		0x0809, 0x080A, 0x080B, // RSA-PSS keys
	}
}
