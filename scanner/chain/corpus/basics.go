// Basic constraints and path lengths (RFC 5280 §4.2.1.9), and extensions as
// such (§4.2).

package corpus

import (
	"fmt"

	"shakedown/results"
)

func basics(g *maker) {
	const section = "RFC 5280 §4.2.1.9"
	issuer := func(edits ...edit) [][]byte {
		ca := g.ca("Edited", g.root, edits...)
		return ders(g.leaf(ca), ca)
	}
	soft := basic(true, -1)
	soft.critical = false
	violated := func(name string, chain [][]byte) {
		g.add(Case{Name: "basic: " + name, Section: section, Chain: chain}, results.ConstraintViolation)
	}
	violated("a leaf that issues", issuer(set(basic(false, -1))))
	violated("an issuer that does not say what it is", issuer(drop(idBasic)))
	g.add(Case{Name: "basic: not critical, as old CAs have it", Section: section, Chain: issuer(set(soft))})
	g.add(Case{Name: "basic: a leaf that says it is none", Section: section, Chain: ders(g.leaf(g.inter, set(basic(false, -1))), g.inter)})
	violated("a leaf with a path length", ders(g.leaf(g.inter, set(basic(false, 0))), g.inter))
	violated("a leaf called a CA, for no certificates", ders(g.leaf(g.inter, set(basic(true, -1))), g.inter))
	g.add(Case{Name: "basic: no sequence", Section: section, Chain: issuer(set(ext(idBasic, true, []byte{4, 0})))}, results.Malformed, results.ConstraintViolation)
	g.add(Case{Name: "basic: a CA that is the leaf", Section: section,
		Chain: ders(g.ca("Server and CA", g.inter, set(keyUsage(digitalSignature|keyCertSign), alternative(dns(host))), valid(now().AddDate(0, 0, -30), now().AddDate(0, 0, 60))), g.inter), Host: host})

	lengths(g)
	ofVersions(g)
	extensions(g)
}

// lengths: how many CAs may stand below, without the self-issued.
func lengths(g *maker) {
	for _, r := range []struct {
		limit, below, selfIssued int
	}{
		{0, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, 0, 2}, {0, 1, 1}, {1, 0, 0}, {1, 1, 0}, {1, 2, 0}, {1, 1, 1}, {2, 3, 0}, {3, 3, 1},
	} {
		top := g.ca("Limited", g.root, set(basic(true, r.limit)))
		chain := []*party{top}
		for range r.selfIssued {
			chain = append(chain, g.ca("Limited", chain[len(chain)-1]))
		}
		for i := range r.below {
			chain = append(chain, g.ca(fmt.Sprintf("Below %d", i), chain[len(chain)-1]))
		}
		chain = append(chain, g.leaf(chain[len(chain)-1]))
		var sent [][]byte
		for i := len(chain) - 1; i >= 0; i-- {
			sent = append(sent, chain[i].der)
		}
		c := Case{Name: fmt.Sprintf("path length: %d allowed, %d below and %d self-issued", r.limit, r.below, r.selfIssued), Section: "RFC 5280 §6.1.4", Chain: sent}
		if r.below <= r.limit {
			g.add(c)
		} else {
			g.add(c, results.ConstraintViolation)
		}
	}
	root := g.ca("Limited Root", nil, set(basic(true, 0)))
	ca := g.ca("Below", root)
	g.add(Case{Name: "path length: of a root", Section: "RFC 5280 §6.1.4", Roots: ders(root), Chain: ders(g.leaf(ca), ca)}, results.ConstraintViolation)
}

// ofVersions: version 1 has no extensions (RFC 5280 §4.1.2.1).
func ofVersions(g *maker) {
	const section = "RFC 5280 §4.1.2.1"
	first := func(s *spec) { s.version = nil }
	bare := func(s *spec) { s.version, s.extensions = nil, nil }
	second := func(s *spec) { s.version = context(0, true, integer(1)) }
	fourth := func(s *spec) { s.version = context(0, true, integer(3)) }
	root := g.ca("Version 1 Root", nil, bare)
	ca := g.ca("Version 1", g.root, bare)
	g.add(Case{Name: "version 1: a root", Section: section, Roots: ders(root), Chain: ders(g.leaf(root))})
	g.add(Case{Name: "version 1: an intermediate cannot say that it is a CA", Section: "RFC 5280 §6.1.4", Chain: ders(g.leaf(ca), ca)}, results.ConstraintViolation)
	g.add(Case{Name: "version 1: a leaf without names", Section: section, Host: host, Chain: ders(g.leaf(g.inter, bare), g.inter)}, results.NameMismatch)
	g.add(Case{Name: "version 1: with extensions", Section: section, Chain: ders(g.leaf(g.inter, first), g.inter)}, results.Malformed)
	g.add(Case{Name: "version 2: with extensions", Section: section, Chain: ders(g.leaf(g.inter, second), g.inter)}, results.Malformed)
	g.add(Case{Name: "version 4", Section: section, Chain: ders(g.leaf(g.inter, fourth), g.inter)}, results.Malformed)
}

// extensions: known or not, critical or not, twice.
func extensions(g *maker) {
	const section = "RFC 5280 §4.2"
	leaf := func(edits ...edit) [][]byte { return ders(g.leaf(g.inter, edits...), g.inter) }
	more := func(e extension) edit { return func(s *spec) { s.extensions = append(s.extensions, e) } }
	poison := "1.3.6.1.4.1.11129.2.4.3"
	g.add(Case{Name: "extension: unheard of", Section: section, Chain: leaf(more(ext(idUnheardOf, false, []byte{5, 0})))})
	g.add(Case{Name: "extension: unheard of and critical", Section: section, Chain: leaf(more(ext(idUnheardOf, true, []byte{5, 0})))}, results.UnknownCriticalExtension)
	g.add(Case{Name: "extension: a precertificate's poison", Section: "RFC 6962 §3.1", Chain: leaf(more(ext(poison, true, []byte{5, 0})))}, results.UnknownCriticalExtension)
	ca := g.ca("Strange", g.root, more(ext(idUnheardOf, true, []byte{5, 0})))
	g.add(Case{Name: "extension: unheard of and critical in an issuer", Section: section, Chain: ders(g.leaf(ca), ca)}, results.UnknownCriticalExtension)
	g.add(Case{Name: "extension: unheard of and critical in a certificate beside the path", Section: section, Chain: ders(g.leaf(g.inter), g.inter, ca)}, results.ExtraCertificate)
	g.add(Case{Name: "extension: twice, alike", Section: section, Chain: leaf(more(extendedUsage(serverAuth)))}, results.Malformed)
	g.add(Case{Name: "extension: twice, unlike", Section: section, Chain: leaf(more(alternative(dns("other.example.com"))))}, results.Malformed)
	g.add(Case{Name: "extension: an empty list of them", Section: "RFC 5280 §4.1.2.9", Chain: leaf(func(s *spec) { s.extensions, s.unidentified = []extension{}, true })}, results.Malformed)
	for why, id := range ordered(map[string]string{"an authority's key identifier": idAuthorityKey, "a subject's key identifier": idSubjectKey, "information access": idAccess}) {
		value := map[string][]byte{idAuthorityKey: seq(context(0, false, g.inter.key.id())), idSubjectKey: octets([]byte{1, 2, 3}), idAccess: seq(seq(oid("1.3.6.1.5.5.7.48.1"), uri("http://ocsp.example.com")))}[id]
		g.add(Case{Name: "extension: " + why + ", critical", Section: "RFC 5280 §4.2", Chain: leaf(set(ext(id, true, value)))}, results.Malformed)
		g.add(Case{Name: "extension: " + why, Section: "RFC 5280 §4.2", Chain: leaf(set(ext(id, false, value)))})
	}
	g.add(Case{Name: "extension: no key identifiers at all", Section: "RFC 5280 §4.2.1.1", Chain: leaf(func(s *spec) { s.unidentified = true })})
}
