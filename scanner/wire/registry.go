// The code points: cipher suites, groups, signature schemes and alerts, with
// what a prober must know of each. The tables are made from the registries in
// profiles/data by gen.go.

package wire

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run gen.go

var (
	//go:embed suites.tsv
	suitesTSV string
	//go:embed groups.tsv
	groupsTSV string
	//go:embed schemes.tsv
	schemesTSV string
	//go:embed alerts.tsv
	alertsTSV string
)

// SuiteInfo is a cipher suite. Kx and Auth are those of the registry file:
// ECDHE, DHE, RSA, PSK … and RSA, ECDSA, DSS, anon …; "any" in TLS 1.3.
type SuiteInfo struct {
	ID         uint32 // three bytes for an SSLv2 cipher kind
	Name       string // IANA's; "" if unregistered
	OpenSSL    string // "" if OpenSSL has none
	Kx, Auth   string
	Strength   string // the strength group of the registry file
	First      uint16 // the version that introduced it, 0 if unknown
	Registered bool
}

// GroupInfo is a group of the supported groups registry.
type GroupInfo struct {
	ID           uint16
	Name         string // as records write it
	OpenSSL      string
	Kind         string // ec-prime, ec-binary, ec-montgomery, ec-gost, ec-explicit, ffdhe, kem, hybrid
	TLS12, TLS13 bool
	PostQuantum  bool
	ClientShare  int // bytes of key_exchange in a ClientHello, 0 if unknown
}

// SchemeInfo is a signature scheme, or a hash and signature pair of TLS 1.2.
type SchemeInfo struct {
	ID           uint16
	Name         string
	KeyType      string // rsa, rsa-pss, ecdsa, ed25519 …
	TLS12, TLS13 bool   // usable in a handshake of that version
}

// ID is a code point as records write it: "0xC02F".
func ID(v uint16) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{'0', 'x', digits[v>>12], digits[v>>8&15], digits[v>>4&15], digits[v&15]})
}

// KindID is an SSLv2 cipher kind as records write it: "0x010080".
func KindID(v uint32) string { return fmt.Sprintf("0x%06X", v) }

// Suites lists every suite of SSLv3 to TLS 1.3, registered or seen in the
// wild, without signalling values. The list and what it points to are shared, as in
// all that follow: do not change them.
func Suites() []*SuiteInfo { return tables().suites.list }

// V2Kinds lists the SSLv2 cipher kinds.
func V2Kinds() []*SuiteInfo { return tables().kinds }

// Groups lists every group.
func Groups() []*GroupInfo { return tables().groups.list }

// Schemes lists every signature scheme and TLS 1.2 pair.
func Schemes() []*SchemeInfo { return tables().schemes.list }

// LookupSuite finds a suite by its code point. An unknown one has no names.
func LookupSuite(id uint16) *SuiteInfo {
	if s := tables().suites.find(id); s != nil {
		return s
	}
	return &SuiteInfo{ID: uint32(id)}
}

// LookupGroup finds a group by its code point. An unknown one has no name.
func LookupGroup(id uint16) *GroupInfo {
	if g := tables().groups.find(id); g != nil {
		return g
	}
	return &GroupInfo{ID: id}
}

// LookupScheme finds a signature scheme by its code point. An unknown one has
// no name.
func LookupScheme(id uint16) *SchemeInfo {
	if s := tables().schemes.find(id); s != nil {
		return s
	}
	return &SchemeInfo{ID: id}
}

// SuiteNamed finds a suite by IANA's or OpenSSL's name. What is not found is empty, in
// this and what follows.
func SuiteNamed(name string) (*SuiteInfo, bool) {
	for _, s := range Suites() {
		if name != "" && (strings.EqualFold(s.Name, name) || strings.EqualFold(s.OpenSSL, name)) {
			return s, true
		}
	}
	return &SuiteInfo{}, false
}

// GroupNamed finds a group by IANA's or OpenSSL's name, or NIST's (P-256).
func GroupNamed(name string) (*GroupInfo, bool) {
	nist := map[string]string{"P-224": "secp224r1", "P-256": "secp256r1", "P-384": "secp384r1", "P-521": "secp521r1"}
	if n, ok := nist[strings.ToUpper(name)]; ok {
		name = n
	}
	for _, g := range Groups() {
		if name != "" && (strings.EqualFold(g.Name, name) || strings.EqualFold(g.OpenSSL, name)) {
			return g, true
		}
	}
	return &GroupInfo{}, false
}

// SchemeNamed finds a signature scheme by IANA's name.
func SchemeNamed(name string) (*SchemeInfo, bool) {
	for _, s := range Schemes() {
		if name != "" && strings.EqualFold(s.Name, name) {
			return s, true
		}
	}
	return &SchemeInfo{}, false
}

// AlertName names an alert description; one that is not registered by number.
func AlertName(description uint8) string {
	if name, ok := tables().alerts[description]; ok {
		return name
	}
	return fmt.Sprintf("alert_%d", description)
}

type registry struct {
	suites  points[SuiteInfo]
	kinds   []*SuiteInfo
	groups  points[GroupInfo]
	schemes points[SchemeInfo]
	alerts  map[uint8]string
}

// points are code points in the order of their file, and by both of their bytes: they
// are looked up many times for each connection.
type points[T any] struct {
	list []*T
	byID [256]*[256]*T
}

func (p *points[T]) add(id uint16, t *T) {
	p.list = append(p.list, t)
	page := &p.byID[id>>8]
	if *page == nil {
		*page = new([256]*T)
	}
	(*page)[id&0xFF] = t
}

// find is nil for an unknown one.
func (p *points[T]) find(id uint16) *T {
	if page := p.byID[id>>8]; page != nil {
		return page[id&0xFF]
	}
	return nil
}

// tables reads the embedded tables once, when they are first asked for: a verb
// that needs none does not pay for them.
var tables = sync.OnceValue(func() *registry {
	t := &registry{alerts: map[uint8]string{}}
	eachRow(suitesTSV, func(f []string) {
		s := &SuiteInfo{
			ID: uint32(number(f[0])), Name: f[1], OpenSSL: f[2], Kx: f[3], Auth: f[4], Strength: f[5],
			First: uint16(number(f[6])), Registered: f[7] == "registered",
		}
		if len(f[0]) > len("0x0000") {
			t.kinds = append(t.kinds, s)
			return
		}
		t.suites.add(uint16(s.ID), s)
	})
	eachRow(groupsTSV, func(f []string) {
		g := &GroupInfo{
			ID: uint16(number(f[0])), Name: f[1], OpenSSL: f[2], Kind: f[3],
			TLS12: f[4] == "tls12", TLS13: f[5] == "tls13", PostQuantum: f[6] == "pq", ClientShare: number(f[7]),
		}
		t.groups.add(g.ID, g)
	})
	eachRow(schemesTSV, func(f []string) {
		s := &SchemeInfo{ID: uint16(number(f[0])), Name: f[1], KeyType: f[2], TLS12: f[3] == "tls12", TLS13: f[4] == "tls13"}
		t.schemes.add(s.ID, s)
	})
	eachRow(alertsTSV, func(f []string) { t.alerts[uint8(number(f[0]))] = f[1] })
	return t
})

// eachRow calls row with the fields of each line that is no comment.
func eachRow(tsv string, row func(fields []string)) {
	for line := range strings.Lines(tsv) {
		if line = strings.TrimRight(line, "\n"); line != "" && line[0] != '#' {
			row(strings.Split(line, "\t"))
		}
	}
}

// number reads a decimal or 0x number of our own tables; "" is 0.
func number(s string) int {
	n, err := strconv.ParseInt(s, 0, 32)
	if err != nil && s != "" {
		panic("wire: bad number in a table: " + s)
	}
	return int(n)
}
