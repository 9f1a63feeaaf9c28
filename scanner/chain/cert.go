// One certificate: read as strictly as the standard library does, else as far
// as it can be read.

package chain

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"strings"

	zx509 "github.com/zmap/zcrypto/x509"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"shakedown/results"
)

// cert is a certificate and what its path depends on.
type cert struct {
	der []byte
	sum [sha256.Size]byte
	// x is what could be read; nil if nothing could.
	x         *x509.Certificate
	malformed bool
	// subject and issuer are its names in the form in which they are compared.
	subject, issuer string
	key             publicKey
	signature       algorithm
	// names are the subject alternative names, constraints what it allows to
	// those below it.
	names       []generalName
	policies    policies
	constraints *nameConstraints
	public      bool // it is among the system's trust anchors
	// What the rules ask on every path, found once.
	hasKeyUsage, servesTLS, unknownCritical bool
}

// parseAll reads a chain, each certificate by read.
func parseAll(der [][]byte, read func([]byte) *cert) []*cert {
	certs := make([]*cert, 0, len(der))
	size := 0
	for i, d := range der {
		if size += len(d); i >= maxCertificates || size > maxBytes {
			certs = append(certs, &cert{der: d, sum: sha256.Sum256(d), malformed: true})
			continue
		}
		certs = append(certs, read(d))
	}
	return certs
}

// parse reads a certificate. The standard library is as strict as most
// clients, so what it refuses is malformed, but for what parseDespite knows.
func parse(der []byte) *cert {
	c := &cert{der: der, sum: sha256.Sum256(der)}
	whole := cryptobyte.String(der)
	var first cryptobyte.String
	if whole.ReadASN1Element(&first, cbasn1.SEQUENCE) && !whole.Empty() {
		c.malformed, der = true, first // something stands after the certificate
	}
	var err error
	if c.x, err = x509.ParseCertificate(der); err != nil {
		c.x = parseDespite(der)
	}
	if c.x == nil {
		c.malformed = true
		c.x = parseLeniently(der)
	}
	if c.x == nil {
		return c
	}
	c.key = readKey(c.x.RawSubjectPublicKeyInfo)
	c.signature = readAlgorithm(signatureAlgorithmOf(der))
	c.hasKeyUsage = extension(c.x, 15) != nil
	c.servesTLS, c.unknownCritical = servesTLS(c.x), unknownCritical(c.x)
	c.subject, c.issuer = nameKey(c.x.RawSubject), nameKey(c.x.RawIssuer)
	named, governed := c.readNames(), c.readPolicies()
	c.malformed = c.malformed || !named || !governed
	return c
}

// readNames reads the extensions of which crypto/x509 keeps only a part.
func (c *cert) readNames() (ok bool) {
	ok = true
	if der := extension(c.x, 17); der != nil {
		c.names, ok = readGeneralNames(der)
	}
	if der := extension(c.x, 30); der != nil && ok {
		c.constraints, ok = readNameConstraints(der)
	}
	return ok
}

// extension gives the value of an extension of RFC 5280 §4.2.1, by the last
// arc of its identifier; nil if x does not have it.
func extension(x *x509.Certificate, arc int) []byte {
	for _, e := range x.Extensions {
		if e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, arc}) {
			return e.Value
		}
	}
	return nil
}

// signatureAlgorithmOf is the AlgorithmIdentifier that stands beside the signature.
func signatureAlgorithmOf(der []byte) cryptobyte.String {
	in := cryptobyte.String(der)
	var whole, tbs, id cryptobyte.String
	if !in.ReadASN1(&whole, cbasn1.SEQUENCE) || !whole.ReadASN1Element(&tbs, cbasn1.SEQUENCE) ||
		!whole.ReadASN1Element(&id, cbasn1.SEQUENCE) {
		return nil
	}
	return id
}

// parseLeniently reads what the standard library refuses: nil if zcrypto does too.
func parseLeniently(der []byte) *x509.Certificate {
	z, err := zx509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	x := &x509.Certificate{
		Raw: z.Raw, RawTBSCertificate: z.RawTBSCertificate, RawSubjectPublicKeyInfo: z.RawSubjectPublicKeyInfo,
		RawSubject: z.RawSubject, RawIssuer: z.RawIssuer, Signature: z.Signature, Version: z.Version,
		SerialNumber: z.SerialNumber, NotBefore: z.NotBefore, NotAfter: z.NotAfter, KeyUsage: x509.KeyUsage(z.KeyUsage),
		BasicConstraintsValid: z.BasicConstraintsValid, IsCA: z.IsCA, MaxPathLen: z.MaxPathLen, MaxPathLenZero: z.MaxPathLenZero,
		SubjectKeyId: z.SubjectKeyId, AuthorityKeyId: z.AuthorityKeyId, DNSNames: z.DNSNames, IPAddresses: z.IPAddresses,
		IssuingCertificateURL: z.IssuingCertificateURL,
	}
	for _, e := range z.Extensions {
		x.Extensions = append(x.Extensions, pkix.Extension{Id: oid(e.Id), Critical: e.Critical, Value: e.Value})
	}
	for _, u := range z.ExtKeyUsage {
		x.ExtKeyUsage = append(x.ExtKeyUsage, usageOf(u))
	}
	for _, u := range z.UnknownExtKeyUsage {
		x.UnknownExtKeyUsage = append(x.UnknownExtKeyUsage, oid(u))
	}
	return x
}

// oid turns zcrypto's own type into the library's.
func oid[T ~[]int](id T) asn1.ObjectIdentifier { return asn1.ObjectIdentifier(id) }

// usageOf keeps the two usages that matter to a server; any other stands for all others.
func usageOf(u zx509.ExtKeyUsage) x509.ExtKeyUsage {
	switch u {
	case zx509.ExtKeyUsageAny:
		return x509.ExtKeyUsageAny
	case zx509.ExtKeyUsageServerAuth:
		return x509.ExtKeyUsageServerAuth
	}
	return x509.ExtKeyUsageOCSPSigning
}

func describeAll(certs []*cert) []results.Cert {
	list := make([]results.Cert, 0, len(certs))
	for _, c := range certs {
		list = append(list, c.describe())
	}
	return list
}

// describe makes the record of a certificate.
func (c *cert) describe() results.Cert {
	r := results.Cert{SHA256: hex.EncodeToString(c.sum[:]), DER: c.der}
	if c.x == nil {
		return r
	}
	r.Subject, r.Issuer = distinguishedName(c.x.RawSubject), distinguishedName(c.x.RawIssuer)
	r.Serial = serial(c.x.SerialNumber)
	r.NotBefore, r.NotAfter = c.x.NotBefore.UTC(), c.x.NotAfter.UTC()
	r.KeyType, r.KeyBits = string(c.key.kind), c.key.bits
	r.SignatureAlgorithm = c.signature.name
	r.MustStaple = mustStaple(c.x)
	for _, name := range c.x.DNSNames {
		r.DNSNames = append(r.DNSNames, strings.ToValidUTF8(name, "\ufffd"))
	}
	for _, ip := range c.x.IPAddresses {
		r.IPAddresses = append(r.IPAddresses, ip.String())
	}
	return r
}

func serial(n *big.Int) string {
	switch {
	case n == nil:
		return ""
	case n.Sign() == 0:
		return "00"
	case n.Sign() < 0:
		return "-" + hex.EncodeToString(n.Bytes())
	}
	return hex.EncodeToString(n.Bytes())
}

// selfIssued is about names, not about keys (RFC 5280 §3.2).
func (c *cert) selfIssued() bool { return c.subject == c.issuer }

// sameEntity reports whether two certificates speak of one name and key, as a
// root and its cross-signed twin do.
func (c *cert) sameEntity(d *cert) bool {
	return c.subject == d.subject && bytes.Equal(c.x.RawSubjectPublicKeyInfo, d.x.RawSubjectPublicKeyInfo)
}

// keyIDsAgree reports whether the key identifiers (RFC 5280 §4.2.1.1) let
// issuer be c's; where either is absent they say nothing against it.
func (c *cert) keyIDsAgree(issuer *cert) bool {
	a, s := c.x.AuthorityKeyId, issuer.x.SubjectKeyId
	return len(a) == 0 || len(s) == 0 || bytes.Equal(a, s)
}
