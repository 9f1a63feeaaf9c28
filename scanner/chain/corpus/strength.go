// Keys and signatures (Baseline Requirements §6.1.5, §7.1.3).

package corpus

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rsa"

	"shakedown/results"
)

func strength(g *maker) {
	keys(g)
	signatures(g)
	pss(g)
}

func keys(g *maker) {
	const section = "Baseline Requirements §6.1.5"
	leaf := func(k *key) [][]byte { return ders(g.leaf(g.inter, withKey(k)), g.inter) }
	good := func(name string, chain [][]byte) {
		g.add(Case{Name: "key: " + name, Section: section, Chain: chain})
	}
	weak := func(name string, chain [][]byte) {
		g.add(Case{Name: "key: " + name, Section: section, Chain: chain}, results.WeakKey)
	}
	small := rsaKey(g.source, 1024)
	good("RSA 2048", leaf(g.rsa2048))
	good("P-224", leaf(ecKey(g.source, elliptic.P224())))
	good("P-384", leaf(ecKey(g.source, elliptic.P384())))
	good("P-521", leaf(ecKey(g.source, elliptic.P521())))
	good("Ed25519", leaf(edKey(g.source)))
	weak("RSA 1024", leaf(small))
	weak("RSA 2047", leaf(rsaKey(g.source, 2047)))
	weak("RSA 2052, not of whole octets", leaf(rsaKey(g.source, 2052)))
	weak("P-192", leaf(unverifiable("2a8648ce3d030101", 48)))
	good("secp256k1, which signs nothing here", leaf(unverifiable("2b8104000a", 64)))

	ca := g.ca("Small", g.root, withKey(small))
	weak("RSA 1024 of an issuer", ders(g.leaf(ca), ca))
	root := g.ca("Small Root", nil, withKey(small))
	g.add(Case{Name: "key: RSA 1024 of a root", Section: section, Roots: ders(root), Chain: ders(g.leaf(root))}, results.WeakKey)
}

// unverifiable is an EC key on a curve that few know; it signs with another.
func unverifiable(curve string, size int) *key {
	id := unhex(curve)
	point := make([]byte, size)
	point[0] = 1
	spki := seq(seq(oid("1.2.840.10045.2.1"), tlv(6, id)), tlv(3, []byte{0, 4}, point))
	return &key{nil, spki}
}

func signatures(g *maker) {
	const section = "Baseline Requirements §7.1.3.2"
	rsaCA := g.ca("RSA", g.root, withKey(g.rsa2048))
	p384 := g.ca("P-384", g.root, withKey(ecKey(g.source, elliptic.P384())))
	edCA := g.ca("Ed25519", g.root, withKey(edKey(g.source)))
	by := func(ca *party, a signing) [][]byte {
		return ders(g.leaf(ca, func(s *spec) { s.algorithm = a }), ca)
	}
	const rsaArc, ecArc = "1.2.840.113549.1.1.", "1.2.840.10045.4."
	for _, r := range []struct {
		name  string
		chain [][]byte
		weak  bool
	}{
		{"RSA with SHA-256", by(rsaCA, rsaSHA256()), false},
		{"RSA with SHA-384", by(rsaCA, rsaWith(rsaArc+"12", crypto.SHA384)), false},
		{"RSA with SHA-512", by(rsaCA, rsaWith(rsaArc+"13", crypto.SHA512)), false},
		{"RSA with SHA-1", by(rsaCA, rsaWith(rsaArc+"5", crypto.SHA1)), true},
		{"RSA with SHA-1, by Microsoft's number", by(rsaCA, rsaWith("1.3.14.3.2.29", crypto.SHA1)), true},
		{"RSA with MD5", by(rsaCA, rsaWith(rsaArc+"4", crypto.MD5)), true},
		{"ECDSA with SHA-256", by(g.inter, ecdsaSHA256()), false},
		{"ECDSA with SHA-384", by(p384, ecdsaWith(ecArc+"3.3", crypto.SHA384)), false},
		{"ECDSA with SHA-512", by(p384, ecdsaWith(ecArc+"3.4", crypto.SHA512)), false},
		{"ECDSA with SHA-1", by(g.inter, ecdsaWith(ecArc+"1", crypto.SHA1)), true},
		{"Ed25519", by(edCA, ed25519Signing()), false},
	} {
		c := Case{Name: "signature: " + r.name, Section: section, Chain: r.chain}
		if r.weak {
			g.add(c, results.WeakSignature)
		} else {
			g.add(c)
		}
	}
	sha1 := func(s *spec) { s.algorithm = ecdsaWith(ecArc+"1", crypto.SHA1) }
	ca := g.ca("Signed weakly", g.root, sha1)
	g.add(Case{Name: "signature: SHA-1 on an intermediate", Section: section, Chain: ders(g.leaf(ca), ca)}, results.WeakSignature)
	root := g.ca("Signed weakly", nil, sha1)
	g.add(Case{Name: "signature: SHA-1 on a root, which is trusted for its key", Section: section, Roots: ders(root), Chain: ders(g.leaf(root))})
	flip := func(s *spec) { s.flip = true }
	g.add(Case{Name: "signature: a bit changed", Section: "RFC 5280 §6.1.3", Chain: ders(g.leaf(g.inter, flip), g.inter)}, results.BadSignature)
	bent := g.ca("Bent", g.root, flip)
	g.add(Case{Name: "signature: a bit changed on an intermediate", Section: "RFC 5280 §6.1.3", Chain: ders(g.leaf(bent), bent)}, results.BadSignature)
	const gost = "1.2.643.7.1.1.1.1"
	other := g.ca("GOST", g.root, withKey(&key{nil, seq(seq(oid(gost)), tlv(3, []byte{0}, make([]byte, 66)))}))
	unknown := g.leaf(&party{spec: spec{subject: other.subject, key: g.inter.key}}, func(s *spec) {
		s.algorithm = signing{seq(oid("1.2.643.7.1.1.3.2")), crypto.SHA256}
		s.unidentified = true
	})
	g.add(Case{Name: "signature: GOST, which cannot be verified here", Section: section, Chain: ders(unknown, other), Trusted: results.Unknown})
}

// pss: RSASSA-PSS and its parameters (RFC 4055 §3.1).
func pss(g *maker) {
	const section = "RFC 4055 §3.1"
	ca := g.ca("RSA", g.root, withKey(g.rsa2048))
	with := func(h crypto.Hash, hashID, mgfID string, salt, declared int) [][]byte {
		hash := func(id string) []byte { return seq(oid(id), []byte{5, 0}) }
		params := seq(context(0, true, hash(hashID)),
			context(1, true, seq(oid("1.2.840.113549.1.1.8"), hash(mgfID))),
			context(2, true, integer(byte(declared))))
		a := signing{seq(oid("1.2.840.113549.1.1.10"), params), &rsa.PSSOptions{Hash: h, SaltLength: salt}}
		return ders(g.leaf(ca, func(s *spec) { s.algorithm = a }), ca)
	}
	const sha256, sha384, sha512 = "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"
	g.add(Case{Name: "PSS: SHA-256", Section: section, Chain: with(crypto.SHA256, sha256, sha256, 32, 32)})
	g.add(Case{Name: "PSS: SHA-384", Section: section, Chain: with(crypto.SHA384, sha384, sha384, 48, 48)})
	g.add(Case{Name: "PSS: SHA-512", Section: section, Chain: with(crypto.SHA512, sha512, sha512, 64, 64)})
	g.add(Case{Name: "PSS: a salt of another length", Section: section, Chain: with(crypto.SHA256, sha256, sha256, 32, 20)}, results.BadSignature)
	g.add(Case{Name: "PSS: another hash than it says", Section: section, Chain: with(crypto.SHA256, sha384, sha384, 48, 48)}, results.BadSignature)
	g.add(Case{Name: "PSS: two hashes, which nobody verifies", Section: section, Chain: with(crypto.SHA256, sha256, sha384, 32, 32), Trusted: results.Unknown})
	none := signing{seq(oid("1.2.840.113549.1.1.10"), seq()), &rsa.PSSOptions{Hash: crypto.SHA1, SaltLength: 20}}
	g.add(Case{Name: "PSS: the defaults, which are SHA-1", Section: section, Chain: ders(g.leaf(ca, func(s *spec) { s.algorithm = none }), ca)}, results.WeakSignature)
}
