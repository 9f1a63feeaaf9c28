// Who issued whom: ends of paths, order, several ways up (RFC 5280 §6.1, RFC
// 4158, RFC 8446 §4.4.2).

package corpus

import (
	"fmt"

	"shakedown/results"
)

func issuers(g *maker) {
	ends(g)
	order(g)
	waysUp(g)
	traps(g)
}

func ends(g *maker) {
	const section = "RFC 5280 §6.1"
	leaf, direct, own := g.leaf(g.inter), g.leaf(g.root), g.selfSigned()
	add := func(name string, chain, roots [][]byte, problems ...results.Problem) {
		g.add(Case{Name: "end: " + name, Section: section, Chain: chain, Roots: roots}, problems...)
	}
	add("the root, not sent", ders(leaf, g.inter), nil)
	add("the root, straight", ders(direct), nil)
	add("an intermediate is the anchor", ders(leaf), ders(g.inter))
	add("an intermediate is the anchor, and sent", ders(leaf, g.inter), ders(g.inter))
	add("the leaf is the anchor", ders(leaf), ders(leaf))
	add("a self-signed leaf is the anchor", ders(own), ders(own))
	add("a self-signed leaf", ders(own), nil, results.SelfSignedProblem)
	add("another root", ders(leaf, g.inter), ders(g.other), results.UnknownAuthority)
	add("another root, and its own sent", ders(leaf, g.inter, g.root), ders(g.other), results.UnknownAuthority, results.RootSent)
	add("another root of the same name", ders(direct), ders(g.ca("Root", nil)), results.UnknownAuthority)
	add("no intermediate", ders(leaf), nil, results.Incomplete)
	low := g.ca("Low", g.inter)
	add("the upper intermediate is missing", ders(g.leaf(low), low, g.root), nil, results.Incomplete, results.RootSent, results.ExtraCertificate)
	forger := *g.inter
	forger.key = g.ecKey()
	add("signed by who only has the issuer's name", ders(g.leaf(&forger, func(s *spec) { s.unidentified = true }), g.inter), nil, results.BadSignature)
	aia := ext(idAccess, false, seq(seq(oid("1.3.6.1.5.5.7.48.2"), uri("http://ca.example.com/inter.crt"))))
	add("an address to fetch the issuer from is not followed", ders(g.leaf(g.inter, set(aia))), nil, results.Incomplete)
}

// selfSigned is a leaf that nobody vouches for.
func (g *maker) selfSigned() *party { return g.leaf(nil) }

func order(g *maker) {
	const section = "RFC 8446 §4.4.2"
	low := g.ca("Low", g.inter)
	leaf, lower := g.leaf(g.inter), g.leaf(low)
	stranger := g.ca("Stranger", g.other)
	add := func(name string, chain [][]byte, problems ...results.Problem) {
		g.add(Case{Name: "order: " + name, Section: section, Chain: chain}, problems...)
	}
	add("as it should be", ders(lower, low, g.inter))
	add("intermediates swapped", ders(lower, g.inter, low), results.WrongOrder)
	add("with the root", ders(leaf, g.inter, g.root), results.RootSent)
	add("with the root before the intermediate", ders(leaf, g.root, g.inter), results.RootSent, results.WrongOrder)
	add("with another root", ders(leaf, g.inter, g.other), results.RootSent, results.ExtraCertificate)
	add("with a stranger", ders(leaf, g.inter, stranger), results.ExtraCertificate)
	add("with another leaf", ders(leaf, g.inter, g.leaf(g.inter)), results.ExtraCertificate)
	add("the intermediate twice", ders(leaf, g.inter, g.inter), results.ExtraCertificate)
	add("the leaf twice", ders(leaf, leaf, g.inter), results.ExtraCertificate)
}

// waysUp: one good way is enough, whatever is wrong with the others.
func waysUp(g *maker) {
	const section = "RFC 4158 §2.3"
	young := g.ca("Young Root", nil)
	past := valid(now().AddDate(-5, 0, 0), now().AddDate(0, 0, -1))
	as := func(p *party, issuer *party, edits ...edit) *party { // the same name and key, otherwise certified
		return g.ca("", issuer, append([]edit{withSubject(p.subject), withKey(p.key)}, edits...)...)
	}
	cross, lapsed := as(young, g.root), as(young, g.root, past)
	inter := g.ca("Intermediate", young)
	leaf := g.leaf(inter)
	add := func(name string, chain, roots [][]byte, problems ...results.Problem) {
		g.add(Case{Name: "ways: " + name, Section: section, Chain: chain, Roots: roots}, problems...)
	}
	add("cross-signed, both roots known", ders(leaf, inter, cross), ders(g.root, young))
	add("cross-signed, the old root known", ders(leaf, inter, cross), ders(g.root))
	add("cross-signed, the young root known", ders(leaf, inter, cross), ders(young))
	add("cross-signed, neither known", ders(leaf, inter, cross), ders(g.other), results.UnknownAuthority)
	add("the cross-signature is over, the young root known", ders(leaf, inter, lapsed), ders(g.root, young))
	add("the cross-signature is over, the old root known", ders(leaf, inter, lapsed), ders(g.root), results.Expired)
	add("an expired cross-signature beside a good one", ders(leaf, inter, lapsed, cross), ders(g.root))
	add("with the old root, the young one known", ders(leaf, inter, cross, g.root), ders(young), results.RootSent)

	for why, fault := range ordered(map[string]edit{
		"expired":                       past,
		"of tomorrow":                   valid(now().AddDate(0, 0, 1), now().AddDate(1, 0, 0)),
		"for clients only":              set(extendedUsage(clientAuth)),
		"no CA":                         set(basic(false, -1)),
		"for other names":               set(permit(dns("example.org"))),
		"that may sign no certificates": set(keyUsage(crlSign)),
		"with an unknown critical extension": func(s *spec) {
			s.extensions = append(s.extensions, ext(idUnheardOf, true, []byte{5, 0}))
		},
	}) {
		good := g.ca("Twin", g.root)
		bad := as(good, g.root, fault)
		served := g.leaf(good)
		add("an issuer "+why+" before its good twin", ders(served, bad, good), nil)
		add("an issuer "+why+" behind its good twin", ders(served, good, bad), nil)
	}
	one, two := g.ca("Namesake", g.root), g.ca("Namesake", g.root)
	add("two issuers of one name, the second is it", ders(g.leaf(two), one, two), nil, results.ExtraCertificate)
	misled := g.leaf(one, set(ext(idAuthorityKey, false, seq(context(0, false, two.key.id())))))
	add("a key identifier that points to another, though the key is right", ders(misled, one), nil)
}

// traps: chains that are made to keep a client busy.
func traps(g *maker) {
	const section = "RFC 5280 §6.1"
	a, b := g.ca("A", nil), g.ca("B", nil)
	ab := g.ca("A", b, withKey(a.key))
	ba := g.ca("B", a, withKey(b.key))
	g.add(Case{Name: "trap: two that issued each other", Section: section, Chain: ders(g.leaf(ab), ab, ba)}, results.UnknownAuthority)

	// Every one of a level could have been issued by every one of the next: 8^8 ways.
	const width, depth = 8, 8
	keys := make([]*key, depth)
	for i := range keys {
		keys[i] = g.ecKey()
	}
	level := func(i int) string { return fmt.Sprintf("Level %d", i) }
	bottom := &party{spec: spec{subject: name(level(0)), key: keys[0]}}
	maze := []*party{g.leaf(bottom)}
	for i := range depth - 1 {
		above := &party{spec: spec{subject: name(level(i + 1)), key: keys[i+1]}}
		for j := range width {
			maze = append(maze, g.ca(level(i), above, withKey(keys[i]), valid(now().AddDate(-1, 0, j), now().AddDate(1, 0, j))))
		}
	}
	g.add(Case{Name: "trap: a maze without an exit", Section: section, Chain: ders(maze...)}, results.UnknownAuthority)

	long := []*party{g.root}
	for i := range 9 {
		long = append(long, g.ca(fmt.Sprintf("Step %d", i), long[len(long)-1]))
	}
	var sent [][]byte
	for i := len(long) - 1; i > 0; i-- {
		sent = append(sent, long[i].der)
	}
	served := g.leaf(long[len(long)-1])
	g.add(Case{Name: "trap: ten certificates in a row are no trap", Section: section, Chain: append(ders(served), sent...)})

	var many [][]byte
	for i := range 4000 {
		many = append(many, dns(fmt.Sprintf("h%d.a-rather-long-name-of-a-department.example.com", i)))
	}
	big := g.leaf(g.inter, named(append(many, dns(host))...))
	g.add(Case{Name: "trap: a certificate of 200 kB", Section: section, Host: host, Chain: ders(big, g.inter)})
}
