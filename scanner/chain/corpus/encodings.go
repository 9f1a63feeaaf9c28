// Encodings: serial numbers, DER and its parts (RFC 5280 §4.1).

package corpus

import (
	"bytes"
	"slices"

	"shakedown/results"
)

func encodings(g *maker) {
	leaf := func(edits ...edit) [][]byte { return ders(g.leaf(g.inter, edits...), g.inter) }
	const serials = "RFC 5280 §4.1.2.2"
	for _, r := range []struct {
		name  string
		value []byte
		good  bool
	}{
		{"one", []byte{1}, true},
		{"20 octets", append([]byte{0x7f}, bytes.Repeat([]byte{0xff}, 19)...), true},
		{"21 octets", append([]byte{1}, bytes.Repeat([]byte{0xff}, 20)...), false},
		{"20 octets and a sign", append([]byte{0, 0xff}, bytes.Repeat([]byte{0xff}, 19)...), false},
		{"zero", []byte{0}, false},
		{"negative", []byte{0xfb}, false},
		{"empty", nil, false},
		{"not the shortest", []byte{0, 1}, false},
	} {
		c := Case{Name: "serial number: " + r.name, Section: serials, Chain: leaf(withSerial(integer(r.value...)))}
		if r.good {
			g.add(c)
		} else {
			g.add(c, results.Malformed)
		}
	}
	zero := g.ca("Zero Root", nil, withSerial(integer(0)))
	g.add(Case{Name: "serial number: zero, of a root", Section: serials, Roots: ders(zero), Chain: ders(g.leaf(zero))})

	broken(g)
	namesOfIssuers(g)
}

// broken: what is no certificate, or not only one.
func broken(g *maker) {
	const section = "RFC 5280 §4.1"
	whole := g.leaf(g.inter)
	behind := func(certificate []byte) [][]byte { return [][]byte{certificate, g.inter.der} }
	bad := func(name, section string, chain [][]byte) {
		g.add(Case{Name: "encoding: " + name, Section: section, Chain: chain}, results.Malformed)
	}
	bad("a byte behind", section, behind(append(slices.Clone(whole.der), 0)))
	bad("something behind the fields", section, ders(g.leaf(g.inter, func(s *spec) { s.after = []byte{5, 0} }), g.inter))
	bad("algorithms inside and outside differ", "RFC 5280 §4.1.1.2", ders(g.leaf(g.inter, func(s *spec) { s.inner = rsaSHA256().id }), g.inter))
	bad("the same algorithm with other parameters inside", "RFC 5280 §4.1.1.2", ders(g.leaf(g.inter, func(s *spec) { s.inner = seq(oid("1.2.840.10045.4.3.2"), []byte{5, 0}) }), g.inter))
	bad("a second certificate that is none", section, [][]byte{whole.der, g.inter.der, {0x30, 3, 2, 1, 1}})
	g.add(Case{Name: "encoding: a default that is written, as many CAs do", Section: "X.690 §11.5", Chain: ders(g.leaf(g.inter, set(ext(idBasic, true, seq(boolean(false))))), g.inter)})
	bad("true that is not 0xff", "X.690 §11.1", ders(g.leaf(g.inter, set(ext(idBasic, true, seq([]byte{1, 1, 1})))), g.inter))
	relative := context(1, true, seq(oid("2.5.4.3"), tlv(0x0c, []byte("CRL1"))))
	g.add(Case{Name: "encoding: CRL distribution points named relative to their issuer", Section: "RFC 5280 §4.2.1.13", Host: host,
		Chain: ders(g.leaf(g.inter, set(ext("2.5.29.31", false, seq(seq(context(0, true, relative)))))), g.inter)})
	bad("CRL distribution points that are none", "RFC 5280 §4.2.1.13", ders(g.leaf(g.inter, set(ext("2.5.29.31", false, seq(integer(1))))), g.inter))
	for name, der := range ordered(map[string][]byte{
		"text":              []byte("hello"),
		"nothing":           {},
		"cut in half":       whole.der[:len(whole.der)/2],
		"an empty one":      {0x30, 0},
		"a length for ever": append([]byte{0x30, 0x80}, append(whole.der[4:], 0, 0)...),
		"a length of 4 GB":  append([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, whole.der[4:]...),
	}) {
		g.add(Case{Name: "encoding: " + name, Section: section, Chain: behind(der)}, results.Malformed)
	}
}

// namesOfIssuers: when two names are the same (RFC 5280 §7.1).
func namesOfIssuers(g *maker) {
	const section = "RFC 5280 §7.1"
	calls := func(n []byte) [][]byte { return ders(g.leaf(g.inter, func(s *spec) { s.issuer = n }), g.inter) }
	const utf8String, printable, bmp = 0x0c, 0x13, 0x1e
	g.add(Case{Name: "issuer's name: in another string type", Section: section, Chain: calls(nameAs(printable, "Intermediate"))})
	g.add(Case{Name: "issuer's name: in another case", Section: section, Chain: calls(nameAs(utf8String, "INTERMEDIATE"))})
	g.add(Case{Name: "issuer's name: with more spaces", Section: section, Chain: calls(nameAs(utf8String, "  Intermediate "))})
	g.add(Case{Name: "issuer's name: in UTF-16", Section: section, Chain: calls(nameAs(bmp, "\x00I\x00n\x00t\x00e\x00r\x00m\x00e\x00d\x00i\x00a\x00t\x00e"))})
	g.add(Case{Name: "issuer's name: another", Section: section, Chain: calls(name("Intermediate 2"))}, results.Incomplete, results.ExtraCertificate)
	g.add(Case{Name: "issuer's name: one part more", Section: section,
		Chain: calls(seq(g.inter.subject[2:], tlv(0x31, seq(oid("2.5.4.11"), tlv(utf8String, []byte("Unit"))))))}, results.Incomplete, results.ExtraCertificate)
	g.add(Case{Name: "issuer's name: none", Section: "RFC 5280 §4.1.2.4", Chain: calls(seq())}, results.Malformed, results.Incomplete, results.ExtraCertificate)
}
