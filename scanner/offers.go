// Offers: what can be offered in a version, likeliest first, and how its suites are
// dealt to hands.

package scanner

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"shakedown/scanner/wire"
)

// sharesOf says how a version's suites are dealt. Suites that want an ECDSA
// certificate stand apart: some servers (HAProxy) choose the certificate first,
// by what the hello allows, and then find no suite for it although they have
// others. So do odd ones: some servers (mbed TLS) choose one that they cannot do,
// and then refuse whatever else was offered with it.
func sharesOf(version uint16) []func(*wire.SuiteInfo) bool {
	ecdsa := func(s *wire.SuiteInfo) bool { return s.Auth == "ECDSA" && !odd(s) }
	rsa := func(s *wire.SuiteInfo) bool { return s.Auth == "RSA" && !odd(s) }
	oddRSA := func(s *wire.SuiteInfo) bool { return s.Auth == "RSA" && odd(s) }
	others := func(s *wire.SuiteInfo) bool { return s.Auth != "RSA" && !ecdsa(s) }
	switch version {
	case wire.TLS13, wire.SSL30: // no ECDSA certificates before TLS 1.0 (RFC 4492)
		return []func(*wire.SuiteInfo) bool{func(*wire.SuiteInfo) bool { return true }}
	case wire.TLS12:
		return []func(*wire.SuiteInfo) bool{rsa, ecdsa, oddRSA, others}
	}
	strange := func(s *wire.SuiteInfo) bool { return s.Auth == "ECDSA" || odd(s) }
	return []func(*wire.SuiteInfo) bool{func(s *wire.SuiteInfo) bool { return !strange(s) }, strange}
}

// odd reports whether hardly any server accepts a suite.
func odd(s *wire.SuiteInfo) bool { return rareness(s) >= 3 || strings.Contains(s.Name, "_ARIA_") }

// candidates lists every suite that may be asked for in a version, likely ones
// first. Suites of TLS 1.2 are asked for in older versions too: that a server
// must not accept them there does not say that it does not. The slice is
// shared: do not change it.
func candidates(version uint16) []uint16 { return offersOf(version).suites }

// likely lists the candidates that most servers have some of: for questions in
// which any suite will do. The slice is shared.
func likely(version uint16) []uint16 { return offersOf(version).likely }

// rare13 lists the candidates of TLS 1.3 that hardly any server accepts.
func rare13() []uint16 {
	return slices.DeleteFunc(slices.Clone(candidates(wire.TLS13)), universal)
}

// offered is what can be offered in a version. shares are the suites as they are
// dealt.
type offered struct {
	suites, likely, groups, schemes []uint16
	shares                          [][]uint16
	groupsWritten, schemesWritten   wire.Extension
}

// offersOf gives what can be offered in a version.
func offersOf(version uint16) *offered {
	switch version {
	case wire.TLS13:
		return newest()
	case wire.TLS12:
		return tls12()
	case wire.SSL30:
		return oldest()
	}
	return older()
}

// The tables are made once, when they are first needed.
var (
	newest = sync.OnceValue(func() *offered { return makeOffers(wire.TLS13) })
	tls12  = sync.OnceValue(func() *offered { return makeOffers(wire.TLS12) })
	older  = sync.OnceValue(func() *offered { return makeOffers(wire.TLS11) })
	oldest = sync.OnceValue(func() *offered { return makeOffers(wire.SSL30) })
)

func makeOffers(version uint16) *offered {
	o := &offered{suites: suitesUpTo(version, rarest), likely: suitesUpTo(version, 0), groups: makeGroups(version), schemes: makeSchemes(version)}
	for _, of := range sharesOf(version) {
		share := suitesWith(o.suites, of)
		pieces := 1
		if version == wire.TLS12 { // there the large one is seldom accepted
			pieces = piecesOf(share)
		}
		o.shares = append(o.shares, spread(share, pieces)...)
	}
	all := question{version: version, groups: o.groups, schemes: o.schemes}
	o.groupsWritten, o.schemesWritten = wire.SupportedGroups(o.groups), wire.SignatureAlgorithms(all.offeredSchemes())
	return o
}

func suitesUpTo(version uint16, rare int) []uint16 {
	var ids []uint16
	for _, s := range likeliestFirst() {
		if s.newest == (version == wire.TLS13) && s.rareness <= rare {
			ids = append(ids, s.id)
		}
	}
	return ids
}

// placedSuite is a suite and what places it.
type placedSuite struct {
	id              uint16
	newest          bool // of TLS 1.3
	rareness, place int
	auth, kx        string
}

// likeliestFirst sorts all suites. A server has one kind of key, or a kind of
// exchange, or not: suites that go together stand together, so that hands get
// equal shares of them. DHE stands last: a server that has no parameters for it
// may choose it all the same (Dovecot), and then refuse whatever else was offered
// with it.
var likeliestFirst = sync.OnceValue(func() []placedSuite {
	late := []string{"RSA", "DHE"}
	all := make([]placedSuite, 0, len(wire.Suites()))
	for _, s := range wire.Suites() {
		all = append(all, placedSuite{uint16(s.ID), s.First == wire.TLS13, rareness(s), slices.Index(late, s.Kx), s.Auth, s.Kx})
	}
	slices.SortStableFunc(all, func(a, b placedSuite) int {
		return cmp.Or(a.rareness-b.rareness, strings.Compare(a.auth, b.auth), a.place-b.place, strings.Compare(a.kx, b.kx))
	})
	return all
})

// rarest is the most that rareness gives.
const rarest = 4

// rareness sorts suites by how likely a server is to accept them.
func rareness(s *wire.SuiteInfo) int {
	usual := s.Kx == "ECDHE" || s.Kx == "DHE" || s.Kx == "RSA" || s.Kx == "any"
	signed := s.Auth == "RSA" || s.Auth == "ECDSA" || s.Auth == "any"
	switch {
	case !s.Registered:
		return rarest
	case !usual:
		return 3
	case !signed:
		return 2
	case s.Strength == "aead-fs", s.Strength == "cbc-fs", s.Strength == "aead-no-fs", s.Strength == "cbc-no-fs", s.Strength == "tls13-aead":
		return 0
	}
	return 1
}

// manySuites is more than some servers read: wolfSSL refuses 151.
const manySuites = 128

// piecesOf is in how many parts any server can read suites.
func piecesOf(suites []uint16) int { return (len(suites) + manySuites - 1) / manySuites }

// groupsOf lists every group that a version can use, likely ones first. The
// slice is shared: do not change it.
func groupsOf(version uint16) []uint16 { return offersOf(version).groups }

// schemesOf lists every signature scheme that a version can use, likely ones
// first. The slice is shared.
func schemesOf(version uint16) []uint16 { return offersOf(version).schemes }

// secp224r1 is none of TLS 1.3's groups (RFC 8446 §4.2.7), and taken there by BoringSSL and
// AWS-LC where it is configured.
const secp224r1 = 0x0015

func makeGroups(version uint16) []uint16 {
	likely := []uint16{0x11EC, 0x001D, 0x0017, 0x0018, 0x0019, 0x001E, 0x0100, 0x0101}
	return likelyFirst(likely, wire.Groups(), func(g *wire.GroupInfo) (uint16, bool) {
		return g.ID, version == wire.TLS13 && (g.TLS13 || g.ID == secp224r1) || version != wire.TLS13 && g.TLS12 && g.Kind != "ec-explicit"
	})
}

func makeSchemes(version uint16) []uint16 {
	likely := []uint16{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601, 0x0807, 0x0808}
	return likelyFirst(likely, wire.Schemes(), func(s *wire.SchemeInfo) (uint16, bool) {
		return s.ID, version == wire.TLS13 && s.TLS13 || version == wire.TLS12 && s.TLS12 || version < wire.TLS12
	})
}

func likelyFirst[T any](likely []uint16, all []T, pick func(T) (id uint16, ok bool)) []uint16 {
	var ids []uint16
	for _, t := range all {
		if id, ok := pick(t); ok {
			ids = append(ids, id)
		}
	}
	rank := func(id uint16) int {
		if i := slices.Index(likely, id); i >= 0 {
			return i
		}
		return len(likely)
	}
	slices.SortStableFunc(ids, func(a, b uint16) int { return rank(a) - rank(b) })
	return ids
}
