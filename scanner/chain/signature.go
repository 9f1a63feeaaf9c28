// Signatures of certificates. crypto/x509 refuses MD5 and SHA-1, so a
// certificate that verifies weakly would look as one that does not verify at
// all; here the two are told apart.

package chain

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 old certificates hold such keys
	"crypto/ecdsa"
	"crypto/ed25519"
	_ "crypto/md5" // the hashes that crypto.Hash finds
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"encoding/asn1"
	"math/big"

	"github.com/cloudflare/circl/sign/ed448"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// verdict is the outcome of checking a signature.
type verdict int

// cannot is for keys and algorithms that we do not have.
const (
	bad verdict = iota
	cannot
	good
)

// padding tells RSA's two schemes apart.
type padding int

const (
	pkcs1 padding = iota
	pss
)

// algorithm is how a certificate was signed.
type algorithm struct {
	name    string  // as crypto/x509 prints it, or the dotted OID
	kind    keyKind // of the key that signs; "" for an algorithm that is not known here
	hash    crypto.Hash
	padding padding
	salt    int  // of PSS
	broken  bool // MD5 or SHA-1, or MD2
}

// readAlgorithm reads an AlgorithmIdentifier (RFC 5280 §4.1.1.2).
func readAlgorithm(in cryptobyte.String) algorithm {
	var id cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&id, cbasn1.SEQUENCE) || !id.ReadASN1ObjectIdentifier(&oid) {
		return algorithm{}
	}
	if oid.String() == "1.2.840.113549.1.1.10" {
		return readPSS(id)
	}
	for _, a := range algorithms() {
		if a.oid == oid.String() {
			a.broken = a.broken || brokenHash(a.hash)
			return a.algorithm
		}
	}
	return algorithm{name: oid.String()}
}

func brokenHash(h crypto.Hash) bool { return h == crypto.MD5 || h == crypto.SHA1 }

type registered struct {
	oid string
	algorithm
}

func algorithms() []registered {
	rsa := func(name string, h crypto.Hash) algorithm { return algorithm{name: name, kind: keyRSA, hash: h} }
	ec := func(name string, h crypto.Hash) algorithm { return algorithm{name: name, kind: keyECDSA, hash: h} }
	dsa := func(name string, h crypto.Hash) algorithm { return algorithm{name: name, kind: keyDSA, hash: h} }
	return []registered{
		{"1.2.840.113549.1.1.11", rsa("SHA256-RSA", crypto.SHA256)},
		{"1.2.840.10045.4.3.2", ec("ECDSA-SHA256", crypto.SHA256)},
		{"1.2.840.10045.4.3.3", ec("ECDSA-SHA384", crypto.SHA384)},
		{"1.2.840.113549.1.1.12", rsa("SHA384-RSA", crypto.SHA384)},
		{"1.2.840.113549.1.1.13", rsa("SHA512-RSA", crypto.SHA512)},
		{"1.2.840.113549.1.1.5", rsa("SHA1-RSA", crypto.SHA1)},
		{"1.3.14.3.2.29", rsa("SHA1-RSA", crypto.SHA1)}, // sha1WithRSASignature, from Microsoft's old tools
		{"1.2.840.113549.1.1.14", rsa("SHA224-RSA", crypto.SHA224)},
		{"1.2.840.113549.1.1.4", rsa("MD5-RSA", crypto.MD5)},
		{"1.2.840.113549.1.1.2", algorithm{name: "MD2-RSA", broken: true}},
		{"1.2.840.10045.4.3.4", ec("ECDSA-SHA512", crypto.SHA512)},
		{"1.2.840.10045.4.3.1", ec("ECDSA-SHA224", crypto.SHA224)},
		{"1.2.840.10045.4.1", ec("ECDSA-SHA1", crypto.SHA1)},
		{"2.16.840.1.101.3.4.3.10", ec("ECDSA-SHA3-256", crypto.SHA3_256)},
		{"2.16.840.1.101.3.4.3.11", ec("ECDSA-SHA3-384", crypto.SHA3_384)},
		{"2.16.840.1.101.3.4.3.14", rsa("SHA3-256-RSA", crypto.SHA3_256)},
		{"1.3.101.112", algorithm{name: "Ed25519", kind: keyEd25519}},
		{"1.3.101.113", algorithm{name: "Ed448", kind: keyEd448}},
		{"2.16.840.1.101.3.4.3.17", algorithm{name: "ML-DSA-44", kind: keyMLDSA44}},
		{"2.16.840.1.101.3.4.3.18", algorithm{name: "ML-DSA-65", kind: keyMLDSA65}},
		{"2.16.840.1.101.3.4.3.19", algorithm{name: "ML-DSA-87", kind: keyMLDSA87}},
		{"1.2.840.10040.4.3", dsa("DSA-SHA1", crypto.SHA1)},
		{"2.16.840.1.101.3.4.3.1", dsa("DSA-SHA224", crypto.SHA224)},
		{"2.16.840.1.101.3.4.3.2", dsa("DSA-SHA256", crypto.SHA256)},
	}
}

// readPSS reads RSASSA-PSS-params (RFC 4055 §3.1), whose defaults are SHA-1
// and a salt of 20 bytes. Both hashes must be the same, as everywhere in use.
func readPSS(id cryptobyte.String) algorithm {
	a := algorithm{name: "RSAPSS", kind: keyRSA, hash: crypto.SHA1, padding: pss, salt: 20}
	mgfHash := crypto.SHA1
	unknown := algorithm{name: "RSAPSS"}
	var params, field cryptobyte.String
	if !id.Empty() && !id.ReadASN1(&params, cbasn1.SEQUENCE) {
		return unknown
	}
	explicit := func(n uint8) cbasn1.Tag { return cbasn1.Tag(n).Constructed().ContextSpecific() }
	var present bool
	if params.ReadOptionalASN1(&field, &present, explicit(0)); present {
		a.hash = readHash(field)
	}
	if params.ReadOptionalASN1(&field, &present, explicit(1)); present {
		var mgf cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !field.ReadASN1(&mgf, cbasn1.SEQUENCE) || !mgf.ReadASN1ObjectIdentifier(&oid) || oid.String() != "1.2.840.113549.1.1.8" {
			return unknown
		}
		mgfHash = readHash(mgf)
	}
	if params.ReadOptionalASN1(&field, &present, explicit(2)); present && !field.ReadASN1Integer(&a.salt) {
		return unknown
	}
	if a.hash == 0 || a.hash != mgfHash || a.salt < 0 || a.salt > 1024 {
		return unknown
	}
	a.name, a.broken = pssName(a.hash), brokenHash(a.hash)
	return a
}

func pssName(h crypto.Hash) string {
	switch h {
	case crypto.SHA1:
		return "SHA1-RSAPSS"
	case crypto.SHA224:
		return "SHA224-RSAPSS"
	case crypto.SHA256:
		return "SHA256-RSAPSS"
	case crypto.SHA384:
		return "SHA384-RSAPSS"
	}
	return "SHA512-RSAPSS"
}

// readHash reads the AlgorithmIdentifier of a hash; 0 if it is not known.
func readHash(in cryptobyte.String) crypto.Hash {
	var id cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&id, cbasn1.SEQUENCE) || !id.ReadASN1ObjectIdentifier(&oid) {
		return 0
	}
	switch oid.String() {
	case "1.3.14.3.2.26":
		return crypto.SHA1
	case "2.16.840.1.101.3.4.2.4":
		return crypto.SHA224
	case "2.16.840.1.101.3.4.2.1":
		return crypto.SHA256
	case "2.16.840.1.101.3.4.2.2":
		return crypto.SHA384
	case "2.16.840.1.101.3.4.2.3":
		return crypto.SHA512
	}
	return 0
}

// verify checks the signature of c with the key of issuer.
func verify(c, issuer *cert) verdict {
	a, key := c.signature, issuer.key
	switch {
	case a.kind == "" || key.kind == "":
		return cannot
	case a.kind != key.kind:
		return bad
	}
	digest := c.x.RawTBSCertificate
	if a.hash != 0 {
		h := a.hash.New()
		h.Write(c.x.RawTBSCertificate)
		digest = h.Sum(nil)
	}
	return verifyDigest(a, key, digest, c.x.Signature)
}

func verifyDigest(a algorithm, key publicKey, digest, signature []byte) verdict {
	ok := false
	switch k := key.crypto.(type) {
	case *rsa.PublicKey:
		return verifyRSA(a, k, digest, signature)
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(k, digest, signature)
	case ed25519.PublicKey:
		ok = ed25519.Verify(k, digest, signature)
	case ed448.PublicKey:
		ok = ed448.Verify(k, digest, signature, "")
	case *mldsa44.PublicKey:
		ok = mldsa44.Verify(k, digest, nil, signature)
	case *mldsa65.PublicKey:
		ok = mldsa65.Verify(k, digest, nil, signature)
	case *mldsa87.PublicKey:
		ok = mldsa87.Verify(k, digest, nil, signature)
	case *dsa.PublicKey:
		return verifyDSA(k, digest, signature)
	default:
		return cannot
	}
	if ok {
		return good
	}
	return bad
}

// maxRSA is the largest modulus in bits that we spend time on, as in crypto/tls.
const maxRSA = 8192

func verifyRSA(a algorithm, k *rsa.PublicKey, digest, signature []byte) verdict {
	if len(signature) != k.Size() {
		return bad // the quick answer for most pairs
	}
	var err error
	switch {
	case k.N.BitLen() > maxRSA, k.N.BitLen() < 1024 && a.padding == pss:
		return cannot
	case a.padding == pss:
		err = rsa.VerifyPSS(k, a.hash, digest, signature, &rsa.PSSOptions{SaltLength: a.salt})
	case k.N.BitLen() < 1024:
		return verifySmallRSA(k, a.hash, digest, signature)
	default:
		err = rsa.VerifyPKCS1v15(k, a.hash, digest, signature)
	}
	if err != nil {
		return bad
	}
	return good
}

// verifySmallRSA is RFC 8017 §8.2.2 for keys that crypto/rsa refuses. What it
// finds good is weak_key and never trusted.
func verifySmallRSA(k *rsa.PublicKey, h crypto.Hash, digest, signature []byte) verdict {
	prefix := digestInfo(h, digest)
	if prefix == nil || len(prefix)+11 > k.Size() {
		return cannot
	}
	want := make([]byte, k.Size())
	for i := range want {
		want[i] = 0xff
	}
	want[0], want[1] = 0, 1
	want[len(want)-len(prefix)-1] = 0
	copy(want[len(want)-len(prefix):], prefix)
	got := new(big.Int).Exp(new(big.Int).SetBytes(signature), big.NewInt(int64(k.E)), k.N)
	if got.Cmp(new(big.Int).SetBytes(want)) == 0 {
		return good
	}
	return bad
}

// digestInfo is RFC 8017 §9.2 step 2; nil for a hash that it does not name.
func digestInfo(h crypto.Hash, digest []byte) []byte {
	var oid asn1.ObjectIdentifier
	switch h {
	case crypto.MD5:
		oid = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 5}
	case crypto.SHA1:
		oid = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	case crypto.SHA224:
		oid = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 4}
	case crypto.SHA256:
		oid = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	case crypto.SHA384:
		oid = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	case crypto.SHA512:
		oid = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	default:
		return nil
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid)
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(digest)
	})
	der, err := b.Bytes()
	if err != nil {
		return nil
	}
	return der
}

// verifyDSA is FIPS 186-4 §4.7. Parameters beyond its sizes are not worked on.
func verifyDSA(k *dsa.PublicKey, digest, signature []byte) verdict {
	if k.P.BitLen() > 3072 || k.Q.BitLen() > 256 || k.Q.BitLen()%8 != 0 || k.G.BitLen() > 3072 || k.Y.BitLen() > 3072 {
		return cannot
	}
	in := cryptobyte.String(signature)
	var seq cryptobyte.String
	r, s := new(big.Int), new(big.Int)
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1Integer(r) || !seq.ReadASN1Integer(s) {
		return bad
	}
	if dsa.Verify(k, digest[:min(len(digest), k.Q.BitLen()/8)], r, s) {
		return good
	}
	return bad
}
