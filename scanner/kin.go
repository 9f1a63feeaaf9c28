// Kin: what a server is likely to accept, going by what it accepted. Libraries have all
// suites of a cipher or none, and servers all with a kind of key. That is looked
// up at every question, so that it is kept in numbers.

package scanner

import (
	"slices"
	"strings"
	"sync"

	"shakedown/scanner/wire"
)

// kinTable is which suites of a version, or which groups, go together.
type kinTable struct {
	pages   [256]*[256]kinship // by both bytes of the code point
	numbers map[string]uint16  // of families and kinds; 0 is what nothing belongs to
	usual   []hope             // of each, before anything was accepted
}

// kinship is what a candidate goes together by; it is likely if both are. The zero
// value stands for nothing.
type kinship struct {
	family, kind uint16
	implied      uint16 // what its acceptance makes fair
}

func newKinTable() *kinTable {
	return &kinTable{numbers: map[string]uint16{}, usual: []hope{faint}}
}

// number gives the number of a family or kind.
func (t *kinTable) number(name string) uint16 {
	n, ok := t.numbers[name]
	if !ok {
		n = uint16(len(t.usual))
		t.numbers[name], t.usual = n, append(t.usual, faint)
	}
	return n
}

// expect says how likely a family is before anything was accepted.
func (t *kinTable) expect(name string, h hope) { t.usual[t.number(name)] = h }

func (t *kinTable) put(id uint16, k kinship) {
	page := &t.pages[id>>8]
	if *page == nil {
		*page = new([256]kinship)
	}
	(*page)[id&0xFF] = k
}

func (t *kinTable) kinship(id uint16) kinship {
	if page := t.pages[id>>8]; page != nil {
		return page[id&0xFF]
	}
	return kinship{}
}

// prospects are how likely candidates are beside what was accepted. What stands for
// nothing is faint.
type prospects struct {
	*kinTable
	known []hope // of each family and kind
}

// beside gives the prospects beside what was accepted.
func (t *kinTable) beside(accepted []uint16) prospects {
	p := prospects{t, slices.Clone(t.usual)}
	for _, id := range accepted {
		p.learn(id)
	}
	return p
}

// learn heeds that a candidate was accepted.
func (p prospects) learn(id uint16) {
	k := p.kinship(id)
	p.known[k.family], p.known[k.kind] = high, high
	p.known[k.implied] = max(fair, p.known[k.implied])
	p.known[0] = faint
}

func (p prospects) of(id uint16) hope {
	k := p.kinship(id)
	return min(p.known[k.family], p.known[k.kind])
}

// kin gives what goes together with accepted suites: those of their kinds, with
// the usual ciphers or one that was accepted.
func kin(version uint16, accepted []uint16) prospects {
	return suiteKin[version]().beside(accepted)
}

// suiteKin has the table of each version, made when it is asked for.
var suiteKin = func() map[uint16]func() *kinTable {
	tables := map[uint16]func() *kinTable{}
	for _, v := range askedVersions() {
		tables[v] = sync.OnceValue(func() *kinTable { return newSuiteKin(v) })
	}
	return tables
}()

func newSuiteKin(version uint16) *kinTable {
	t := newKinTable()
	t.expect("family ", high)
	t.expect("family CBC_SHA256", fair)
	for _, s := range wire.Suites() {
		k := kinship{family: t.number("family " + family(version, s)), kind: t.number("kind " + s.Kx + " " + s.Auth)}
		k.implied = k.kind
		if version == wire.TLS12 && s.Kx == "ECDHE" && strings.HasSuffix(s.Name, "_CBC_SHA") {
			// As old as this, it may well have RSA's own key exchange too.
			k.implied = t.number("kind RSA " + s.Auth)
		}
		t.put(uint16(s.ID), k)
	}
	return t
}

// family is what a library has all suites of, or none; "" is what nearly all have.
func family(version uint16, s *wire.SuiteInfo) string {
	switch {
	case s.First > version:
		return "newer"
	case s.First == wire.TLS13 && !universal(uint16(s.ID)):
		return "TLS 1.3"
	}
	for _, cipher := range []string{"CAMELLIA", "ARIA", "CCM", "SEED"} {
		if _, mode, ok := strings.Cut(s.Name, "_"+cipher); ok {
			return cipher + strings.Trim(mode, "_0123456789") // OpenSSL's are in one mode
		}
	}
	_, cipher, _ := strings.Cut(s.Name, "_WITH_")
	switch {
	case s.Strength == "null":
		return s.Strength + s.Kx + s.Auth
	case rareness(s) == rarest:
		return "rare " + s.Name // each for itself
	case s.Strength == "tls13-aead":
	case !strings.HasPrefix(cipher, "AES") && !strings.HasPrefix(cipher, "CHACHA20"): // Go has RC4 for ECDSA, and no 3DES
		return cipher + s.Auth
	case strings.HasSuffix(cipher, "128_CBC_SHA256"):
		return "CBC_SHA256"
	case strings.Contains(cipher, "_CBC_SHA256"), strings.Contains(cipher, "_CBC_SHA384"):
		return "256_CBC_SHA2" // Go has none
	}
	return ""
}

// universal reports whether nearly every server of TLS 1.3 has a suite
// (RFC 8446 §9.1).
func universal(id uint16) bool { return id >= 0x1301 && id <= 0x1303 }

// kinGroups gives what goes together with groups that were accepted in a version:
// what nearly every server has, and those that libraries have all of, or none.
func kinGroups(version uint16) func(accepted []uint16) prospects {
	if version == wire.TLS13 {
		return groupKin13().beside
	}
	return groupKin12().beside
}

var (
	groupKin12 = sync.OnceValue(func() *kinTable { return newGroupKin(wire.TLS12) })
	groupKin13 = sync.OnceValue(func() *kinTable { return newGroupKin(wire.TLS13) })
)

func newGroupKin(version uint16) *kinTable {
	t := newKinTable()
	t.expect("", high)
	for _, g := range wire.Groups() {
		n := t.number(familyOfGroup(version, g))
		t.put(g.ID, kinship{n, n, n})
	}
	return t
}

func familyOfGroup(version uint16, g *wire.GroupInfo) string {
	switch {
	case slices.Contains([]uint16{x25519, 0x0017, 0x0018, 0x0019}, g.ID):
		return ""
	case g.Name == "X448" && version == wire.TLS13:
		return "ffdhe" // OpenSSL's, both
	case slices.Contains([]uint16{0x11EB, 0x11EC, 0x11ED}, g.ID):
		return "hybrid of today"
	case strings.HasPrefix(g.Name, "brainpool"):
		return "brainpool"
	}
	return g.Kind
}
