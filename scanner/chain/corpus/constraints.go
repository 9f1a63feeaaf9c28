// Name constraints (RFC 5280 §4.2.1.10).

package corpus

import "shakedown/results"

func constraints(g *maker) {
	const section = "RFC 5280 §4.2.1.10"
	type row struct {
		why   string
		limit extension
		names [][]byte
		good  bool
	}
	of := func(list ...[]byte) [][]byte { return list }
	own := of(dns(host))
	for _, r := range []row{
		{"the permitted name itself", permit(dns("www.example.com")), own, true},
		{"below a permitted name", permit(dns("example.com")), own, true},
		{"beside the permitted name", permit(dns("example.org")), own, false},
		{"a suffix is not below", permit(dns("ample.com")), own, false},
		{"above the permitted name", permit(dns("a.www.example.com")), own, false},
		{"permitted in another case", permit(dns("EXAMPLE.com")), own, true},
		{"one of two permitted", permit(dns("example.org"), dns("example.com")), own, true},
		{"one name permitted, one not", permit(dns("example.com")), of(dns(host), dns("www.example.org")), false},
		{"everything permitted", permit(dns("")), own, true},
		{"a wildcard below a permitted name", permit(dns("example.com")), of(dns("*.example.com")), true},
		{"a wildcard above a permitted name", permit(dns("www.example.com")), of(dns("*.example.com")), false},
		{"a leading dot, as CAs write it", permit(dns(".example.com")), own, true},
		{"the excluded name itself", exclude(dns("www.example.com")), own, false},
		{"below an excluded name", exclude(dns("example.com")), own, false},
		{"beside an excluded name", exclude(dns("example.org")), own, true},
		{"excluded in another case", exclude(dns("EXAMPLE.com")), own, false},
		{"everything excluded", exclude(dns("")), own, false},
		{"a wildcard that could be an excluded name", exclude(dns("www.example.com")), of(dns("*.example.com")), false},
		{"a wildcard below an excluded name", exclude(dns("example.com")), of(dns("*.example.com")), false},
		{"DNS names are free where addresses are permitted", permit(subnet("192.0.2.0/24")), own, true},
		{"an address in a permitted network", permit(subnet("192.0.2.0/24")), of(ip("192.0.2.7")), true},
		{"an address outside a permitted network", permit(subnet("192.0.2.0/24")), of(ip("198.51.100.7")), false},
		{"an address in an excluded network", exclude(subnet("192.0.2.0/24")), of(ip("192.0.2.7")), false},
		{"an address outside an excluded network", exclude(subnet("192.0.2.0/24")), of(ip("198.51.100.7")), true},
		{"an IPv6 address in a permitted network", permit(subnet("2001:db8::/32")), of(ip("2001:db8::7")), true},
		{"an IPv6 address where only IPv4 is permitted", permit(subnet("192.0.2.0/24")), of(ip("2001:db8::7")), false},
		{"an IPv6 address in an excluded network", exclude(subnet("2001:db8::/32")), of(ip("2001:db8::7")), false},
		{"a mailbox at a permitted host", permit(email("example.com")), of(dns(host), email("a@example.com")), true},
		{"a mailbox below a permitted host", permit(email("example.com")), of(dns(host), email("a@b.example.com")), false},
		{"a mailbox below a permitted domain", permit(email(".example.com")), of(dns(host), email("a@b.example.com")), true},
		{"the permitted mailbox", permit(email("a@example.com")), of(dns(host), email("a@example.com")), true},
		{"another mailbox of that host", permit(email("a@example.com")), of(dns(host), email("b@example.com")), false},
		{"a mailbox at an excluded host", exclude(email("example.com")), of(dns(host), email("a@EXAMPLE.com")), false},
		{"a URI at a permitted host", permit(uri("example.com")), of(dns(host), uri("https://example.com/x")), true},
		{"a URI below a permitted host", permit(uri("example.com")), of(dns(host), uri("https://www.example.com/x")), false},
		{"a URI below a permitted domain", permit(uri(".example.com")), of(dns(host), uri("https://www.example.com:8443/x")), true},
		{"a URI at an excluded host", exclude(uri("example.com")), of(dns(host), uri("https://example.com/")), false},
		{"a URI with an address has no host to compare", permit(uri("example.com")), of(dns(host), uri("https://192.0.2.1/")), false},
		{"the subject below a permitted name", permit(directory(organization("Acme"))), own, false},
		{"another directory excluded", exclude(directory(organization("Acme"))), own, true},
		{"a form that is not compared, excluded and present", exclude(otherName()), of(dns(host), otherName()), false},
		{"a form that is not compared, excluded and absent", exclude(otherName()), own, true},
	} {
		ca := g.ca("Constrained", g.root, set(r.limit))
		c := Case{Name: "constraints: " + r.why, Section: section, Chain: ders(g.leaf(ca, named(r.names...)), ca)}
		if r.good {
			g.add(c)
		} else {
			g.add(c, results.ConstraintViolation)
		}
	}
	directories(g)
	constraintsElsewhere(g)
}

// directories: the subject is a name too.
func directories(g *maker) {
	const section = "RFC 5280 §4.2.1.10"
	acme := g.ca("Constrained", g.root, set(permit(directory(organization("Acme")))))
	subject := func(n []byte) [][]byte { return ders(g.leaf(acme, withSubject(n)), acme) }
	g.add(Case{Name: "constraints: a subject in a permitted directory", Section: section, Chain: subject(organization("Acme", "Web"))})
	g.add(Case{Name: "constraints: a subject in it by another case", Section: "RFC 5280 §7.1", Chain: subject(organization("ACME", "Web"))})
	g.add(Case{Name: "constraints: a subject in another directory", Section: section, Chain: subject(organization("Other", "Acme"))}, results.ConstraintViolation)

	mail := g.ca("Constrained", g.root, set(exclude(email("example.com"))))
	mailbox := seq(tlv(0x31, seq(oid("1.2.840.113549.1.9.1"), tlv(0x16, []byte("a@example.com")))))
	g.add(Case{Name: "constraints: an excluded mailbox in the subject", Section: section, Chain: ders(g.leaf(mail, withSubject(mailbox)), mail)}, results.ConstraintViolation)
}

// constraintsElsewhere: on whom they bind, and what they may not say.
func constraintsElsewhere(g *maker) {
	const section = "RFC 5280 §4.2.1.10"
	top := g.ca("Top", g.root, set(permit(dns("example.com"))))
	low := g.ca("Low", top)
	foreign := g.ca("Low", top, set(alternative(dns("elsewhere.org"))))
	same := g.ca("Top", top, set(alternative(dns("elsewhere.org"))))
	tighter := g.ca("Low", top, set(permit(dns("www.example.com"))))
	wider := g.ca("Low", top, set(permit(dns("org"))))
	through := func(ca *party, edits ...edit) [][]byte { return ders(g.leaf(ca, edits...), ca, top) }
	g.add(Case{Name: "constraints: two levels above", Section: section, Chain: through(low)})
	g.add(Case{Name: "constraints: broken two levels below", Section: section, Chain: through(low, named(dns("www.example.org")))}, results.ConstraintViolation)
	g.add(Case{Name: "constraints: broken by a CA between", Section: section, Chain: through(foreign)}, results.ConstraintViolation)
	g.add(Case{Name: "constraints: a self-issued CA is free", Section: "RFC 5280 §6.1.3", Chain: through(same)})
	g.add(Case{Name: "constraints: tightened below", Section: section, Chain: through(tighter)})
	g.add(Case{Name: "constraints: tightened below, and broken", Section: section, Chain: through(tighter, named(dns("api.example.com")))}, results.ConstraintViolation)
	g.add(Case{Name: "constraints: not widened below", Section: section, Chain: through(wider, named(dns("www.example.org")))}, results.ConstraintViolation)

	root := g.ca("Constrained Root", nil, set(permit(dns("example.org"))))
	g.add(Case{Name: "constraints: of a root", Section: section, Roots: ders(root), Chain: ders(g.leaf(root))}, results.ConstraintViolation)
	soft := permit(dns("example.org"))
	soft.critical = false
	ca := g.ca("Constrained", g.root, set(soft))
	g.add(Case{Name: "constraints: binding though not critical", Section: section, Chain: ders(g.leaf(ca), ca)}, results.ConstraintViolation)
	g.add(Case{Name: "constraints: in a leaf", Section: section, Chain: ders(g.leaf(g.inter, set(permit(dns("example.com")))), g.inter)}, results.ConstraintViolation)

	for why, value := range ordered(map[string][]byte{
		"an empty extension":        seq(),
		"a minimum":                 seq(context(0, true, seq(dns("example.com"), context(0, false, []byte{1})))),
		"a network with no mask":    seq(context(0, true, seq(ip("192.0.2.1")))),
		"a network with holes":      seq(context(0, true, seq(context(7, false, []byte{192, 0, 2, 0, 255, 0, 255, 0})))),
		"a list that is cut short":  seq(context(0, true, []byte{0x30, 9, 1})),
		"something behind the list": append(seq(context(0, true, seq(dns("example.com")))), 0),
	}) {
		broken := g.ca("Constrained", g.root, set(ext(idConstraints, true, value)))
		g.add(Case{Name: "constraints: " + why, Section: section, Chain: ders(g.leaf(broken), broken)}, results.Malformed)
	}
}
