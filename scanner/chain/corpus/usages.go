// Key usage and extended key usage (RFC 5280 §4.2.1.3, §4.2.1.12).

package corpus

import "shakedown/results"

func usages(g *maker) {
	const section, extended = "RFC 5280 §4.2.1.3", "RFC 5280 §4.2.1.12"
	leaf := func(edits ...edit) [][]byte { return ders(g.leaf(g.inter, edits...), g.inter) }
	rsaLeaf := func(bits byte) [][]byte { return leaf(withKey(g.rsa2048), set(keyUsage(bits))) }
	issuer := func(edits ...edit) [][]byte {
		ca := g.ca("Edited", g.root, edits...)
		return ders(g.leaf(ca), ca)
	}
	type row struct {
		name, section string
		chain         [][]byte
		good          bool
	}
	serverCA := g.ca("Servers' CA", g.root, set(extendedUsage(serverAuth)))
	anyCA := g.ca("Anybody's CA", g.root, set(extendedUsage(anyUsage)))
	for _, r := range []row{
		{"leaf: not said", section, leaf(drop(idKeyUsage)), true},
		{"leaf: it may sign", section, leaf(set(keyUsage(digitalSignature))), true},
		{"leaf: EC, it may only agree on keys", "RFC 8446 §4.4.2.2", leaf(set(keyUsage(keyAgreement))), false},
		{"leaf: EC, it may only encipher", section, leaf(set(keyUsage(keyEncipherment))), false},
		{"leaf: RSA, it may only encipher", "RFC 5246 §7.4.2", rsaLeaf(keyEncipherment), true},
		{"leaf: RSA, it may sign and encipher", section, rsaLeaf(digitalSignature | keyEncipherment), true},
		{"leaf: RSA, it may only agree on keys", "RFC 5246 §7.4.2", rsaLeaf(keyAgreement), false},
		{"leaf: it may sign certificates only", section, leaf(set(keyUsage(keyCertSign))), false},
		{"leaf: no CA, and may sign certificates", "RFC 5280 §4.2.1.9", leaf(set(basic(false, -1), keyUsage(digitalSignature|keyCertSign))), false},
		{"issuer: not said", section, issuer(drop(idKeyUsage)), true},
		{"issuer: CRLs only", section, issuer(set(keyUsage(crlSign))), false},
		{"issuer: handshakes only", section, issuer(set(keyUsage(digitalSignature))), false},
		{"issuer: certificates only", section, issuer(set(keyUsage(keyCertSign))), true},
		{"extended: not said", extended, leaf(drop(idExtendedUsage)), true},
		{"extended: servers", extended, leaf(), true},
		{"extended: servers and clients", extended, leaf(set(extendedUsage(serverAuth, clientAuth))), true},
		{"extended: clients only", extended, leaf(set(extendedUsage(clientAuth))), false},
		{"extended: code only", extended, leaf(set(extendedUsage(signsCode))), false},
		{"extended: anything", extended, leaf(set(extendedUsage(anyUsage))), true},
		{"extended: one that nobody knows", extended, leaf(set(extendedUsage("1.3.6.1.4.1.99999.2"))), false},
		{"extended: Netscape's step-up is not for servers", "RFC 5280 §4.2.1.12", leaf(set(extendedUsage(gatedCrypt))), false},
		{"extended: issuer for clients only", "Baseline Requirements §7.1.2.10.6", issuer(set(extendedUsage(clientAuth))), false},
		{"extended: issuer for servers", "Baseline Requirements §7.1.2.10.6", ders(g.leaf(serverCA), serverCA), true},
		{"extended: issuer for anything", "Baseline Requirements §7.1.2.10.6", ders(g.leaf(anyCA), anyCA), true},
		{"extended: issuer for servers, leaf for clients", extended, ders(g.leaf(serverCA, set(extendedUsage(clientAuth))), serverCA), false},
	} {
		c := Case{Name: "usage: " + r.name, Section: r.section, Chain: r.chain}
		if r.good {
			g.add(c)
		} else {
			g.add(c, results.BadUsage)
		}
	}
	g.add(Case{Name: "usage: extended, an empty list", Section: extended, Chain: leaf(set(ext(idExtendedUsage, false, seq())))}, results.BadUsage)
	g.add(Case{Name: "usage: no bits at all", Section: section, Chain: leaf(set(ext(idKeyUsage, true, []byte{3, 1, 0})))}, results.BadUsage)
	g.add(Case{Name: "usage: no bit string", Section: section, Chain: leaf(set(ext(idKeyUsage, true, []byte{4, 1, 0x80})))}, results.Malformed, results.BadUsage)
}
