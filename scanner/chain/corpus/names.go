// Names: whom a leaf is for (RFC 9525), and how alternative names are written
// (RFC 5280 §4.2.1.6).

package corpus

import (
	"net/netip"
	"strings"

	"shakedown/results"
)

func names(g *maker) {
	type row struct {
		why, section, host string
		match              bool
		presented          [][]byte
	}
	of := func(list ...[]byte) [][]byte { return list }
	for _, r := range []row{
		{"the same name", "RFC 9525 §6.3", "www.example.com", true, of(dns("www.example.com"))},
		{"case does not count in the certificate", "RFC 9525 §6.3", "www.example.com", true, of(dns("WWW.Example.COM"))},
		{"case does not count in the question", "RFC 9525 §6.3", "WWW.example.com", true, of(dns("www.example.com"))},
		{"a trailing dot in the question is the root's", "RFC 1034 §3.1", "www.example.com.", true, of(dns("www.example.com"))},
		{"another name", "RFC 9525 §6.3", "api.example.com", false, of(dns("www.example.com"))},
		{"a parent is another name", "RFC 9525 §6.3", "example.com", false, of(dns("www.example.com"))},
		{"a child is another name", "RFC 9525 §6.3", "a.www.example.com", false, of(dns("www.example.com"))},
		{"one of several", "RFC 9525 §6.2", "www.example.com", true, of(dns("a.example.com"), dns("b.example.com"), dns("www.example.com"))},
		{"a suffix is no match", "RFC 9525 §6.3", "notexample.com", false, of(dns("example.com"))},
		{"a wildcard for one label", "RFC 9525 §6.3", "www.example.com", true, of(dns("*.example.com"))},
		{"a wildcard is no parent", "RFC 9525 §6.3", "example.com", false, of(dns("*.example.com"))},
		{"a wildcard is not two labels", "RFC 9525 §6.3", "a.www.example.com", false, of(dns("*.example.com"))},
		{"a wildcard within a label, at its end", "RFC 9525 §6.3", "www.example.com", false, of(dns("w*.example.com"))},
		{"a wildcard within a label, at its start", "RFC 9525 §6.3", "www.example.com", false, of(dns("*w.example.com"))},
		{"a wildcard in the second label", "RFC 9525 §6.3", "www.a.example.com", false, of(dns("www.*.example.com"))},
		{"two wildcards", "RFC 9525 §6.3", "a.b.example.com", false, of(dns("*.*.example.com"))},
		{"a wildcard alone", "RFC 9525 §6.3", "localhost", false, of(dns("*"))},
		{"a wildcard for a top-level domain", "Baseline Requirements §3.2.2.6", "example.com", false, of(dns("*.com"))},
		{"a wildcard for a public suffix", "Baseline Requirements §3.2.2.6", "example.co.uk", false, of(dns("*.co.uk"))},
		{"a wildcard for a private suffix is its owner's", "Baseline Requirements §3.2.2.6", "bucket.s3.amazonaws.com", true, of(dns("*.s3.amazonaws.com"))},
		{"a wildcard in an intranet", "RFC 9525 §6.3", "portal.corp", true, of(dns("*.corp"))},
		{"a wildcard before an A-label", "RFC 9525 §6.3", "www.xn--bcher-kva.example", true, of(dns("*.xn--bcher-kva.example"))},
		{"a wildcard for an A-label", "RFC 9525 §6.3", "xn--bcher-kva.example.com", true, of(dns("*.example.com"))},
		{"a wildcard within an A-label", "RFC 9525 §6.3", "xn--caf-dma.example.com", false, of(dns("xn--caf*.example.com"))},
		{"an asterisk asked for", "RFC 9525 §6.3", "*.example.com", false, of(dns("*.example.com"))},
		{"an A-label", "RFC 9525 §6.3", "xn--bcher-kva.example", true, of(dns("xn--bcher-kva.example"))},
		{"an A-label in another case", "RFC 9525 §6.3", "xn--bcher-kva.example", true, of(dns("XN--BCHER-KVA.example"))},
		{"an underscore, as in use", "RFC 9525 §6.3", "a_b.example.com", true, of(dns("a_b.example.com"))},
		{"only a common name", "RFC 9525 §2", "server", false, of(dns("www.example.com"))},
		{"an IPv4 address", "RFC 9525 §6.4", "192.0.2.1", true, of(ip("192.0.2.1"))},
		{"another IPv4 address", "RFC 9525 §6.4", "192.0.2.2", false, of(ip("192.0.2.1"))},
		{"an IPv6 address", "RFC 9525 §6.4", "2001:db8::1", true, of(ip("2001:db8::1"))},
		{"an IPv6 address in brackets", "RFC 9525 §6.4", "[2001:db8::1]", true, of(ip("2001:db8::1"))},
		{"an IPv6 address written in full", "RFC 9525 §6.4", "2001:0db8:0:0:0:0:0:1", true, of(ip("2001:db8::1"))},
		{"another IPv6 address", "RFC 9525 §6.4", "2001:db8::2", false, of(ip("2001:db8::1"))},
		{"an address is no DNS name", "RFC 9525 §6.4", "192.0.2.1", false, of(dns("192.0.2.1"))},
		{"an address matches no wildcard", "RFC 9525 §6.3", "192.0.2.1", false, of(dns("*.0.2.1"))},
		{"an IPv6 address is no DNS name", "RFC 9525 §6.4", "2001:db8::1", false, of(email("2001:db8::1"))},
		{"a DNS name is no address", "RFC 9525 §6.3", "www.example.com", false, of(ip("192.0.2.1"))},
		{"a URI is not asked", "RFC 9525 §6.1", "www.example.com", false, of(uri("https://www.example.com/"))},
		{"a mailbox is not asked", "RFC 9525 §6.1", "www.example.com", false, of(email("www.example.com"))},
		{"a name beside one of another kind", "RFC 9525 §6.1", "www.example.com", true, of(otherName(), email("a@example.com"), dns("www.example.com"))},
		{"only another kind", "RFC 9525 §6.1", "www.example.com", false, of(otherName())},
		{"a directory name is not asked", "RFC 9525 §6.1", "www.example.com", false, of(directory(name("www.example.com")))},
	} {
		c := Case{Name: "name: " + r.why, Section: r.section, Host: r.host, Chain: ders(g.leaf(g.inter, named(r.presented...)), g.inter)}
		if r.match {
			g.add(c)
		} else {
			g.add(c, results.NameMismatch)
		}
	}
	misspelt(g)
	subjects(g)
}

// misspelt: alternative names that are none.
func misspelt(g *maker) {
	v4in6 := netip.MustParseAddr("::ffff:192.0.2.1").As16()
	for _, r := range []struct {
		why, section string
		names        [][]byte
	}{
		{"no alternative name in the extension", "RFC 5280 §4.2.1.6", nil},
		{"an empty DNS name", "RFC 5280 §4.2.1.6", [][]byte{dns("")}},
		{"a space for a DNS name", "RFC 5280 §4.2.1.6", [][]byte{dns(" ")}},
		{"a DNS name with a leading dot", "RFC 5280 §4.2.1.6", [][]byte{dns(".example.com")}},
		{"a DNS name with a trailing dot", "RFC 5280 §4.2.1.6", [][]byte{dns("www.example.com.")}},
		{"a DNS name with an empty label", "RFC 5280 §4.2.1.6", [][]byte{dns("www..example.com")}},
		{"a DNS name with a null byte", "RFC 5280 §4.2.1.6", [][]byte{dns("www.example.com\x00.evil.example")}},
		{"a DNS name that is no ASCII", "RFC 5280 §7.2", [][]byte{dns("bücher.example")}},
		{"a label of 64 octets", "RFC 1034 §3.1", [][]byte{dns(strings.Repeat("a", 64) + ".example.com")}},
		{"a name of 254 octets", "RFC 1034 §3.1", [][]byte{dns(strings.Repeat("a.", 125) + "com1")}},
		{"a URL for a DNS name", "RFC 5280 §4.2.1.6", [][]byte{dns("https://www.example.com")}},
		{"an address of 5 octets", "RFC 5280 §4.2.1.6", [][]byte{context(7, false, []byte{1, 2, 3, 4, 5})}},
		{"an address of no octets", "RFC 5280 §4.2.1.6", [][]byte{context(7, false)}},
	} {
		g.add(Case{Name: "name: " + r.why, Section: r.section, Chain: ders(g.leaf(g.inter, named(r.names...)), g.inter)}, results.Malformed)
	}
	g.add(Case{Name: "name: an IPv4 address mapped into IPv6", Section: "RFC 9525 §6.4", Host: "192.0.2.1",
		Chain: ders(g.leaf(g.inter, named(context(7, false, v4in6[:]))), g.inter)})
}

// subjects: who has no name at all (RFC 5280 §4.1.2.6).
func subjects(g *maker) {
	none := withSubject(seq())
	critical := set(ext(idAlternative, true, seq(dns(host))))
	chainOf := func(edits ...edit) [][]byte { return ders(g.leaf(g.inter, edits...), g.inter) }
	const section = "RFC 5280 §4.1.2.6"
	g.add(Case{Name: "subject: none, alternative names critical", Section: section, Host: host, Chain: chainOf(none, critical)})
	g.add(Case{Name: "subject: none, alternative names not critical", Section: section, Host: host, Chain: chainOf(none)}, results.Malformed)
	g.add(Case{Name: "subject: none, and no alternative name", Section: section, Chain: chainOf(none, drop(idAlternative))}, results.Malformed)
	g.add(Case{Name: "subject: no alternative name", Section: "RFC 9525 §2", Host: "server", Chain: chainOf(drop(idAlternative))}, results.NameMismatch)
	g.add(Case{Name: "subject: alternative names critical beside a subject", Section: section, Host: host, Chain: chainOf(critical)})

	nameless := g.ca("Nameless", g.root, none)
	g.add(Case{Name: "subject: a CA without one", Section: section, Chain: ders(g.leaf(nameless), nameless)}, results.Malformed)
}
