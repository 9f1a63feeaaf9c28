// cert: what a leaf certificate shows beside what its record says.

package profiles

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strings"
	"time"

	"shakedown/results"
)

type cert struct {
	chain  *results.Chain
	leaf   results.Cert
	parsed *x509.Certificate // nil where Go's library does not read it
}

func readCert(c *results.Chain) cert {
	leaf := c.Certificates[0]
	parsed, err := x509.ParseCertificate(leaf.DER)
	if err != nil {
		parsed = nil
	}
	return cert{c, leaf, parsed}
}

// name says which certificate it is, where there are several.
func (c cert) name() string { return strings.TrimSpace(bounded(c.leaf.KeyType) + " certificate") }

// curve is the name of an EC key's curve; "" where it is not read.
func (c cert) curve() string {
	if c.parsed == nil {
		return ""
	}
	var spki struct {
		Algorithm struct {
			OID   asn1.ObjectIdentifier
			Curve asn1.ObjectIdentifier `asn1:"optional"`
		}
		Key asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.parsed.RawSubjectPublicKeyInfo, &spki); err != nil {
		return ""
	}
	return map[string]string{
		"1.2.840.10045.3.1.7": "secp256r1", "1.3.132.0.34": "secp384r1", "1.3.132.0.35": "secp521r1", "1.3.132.0.33": "secp224r1",
	}[spki.Algorithm.Curve.String()]
}

// rsaKey is an RSA public key, nil for others.
func (c cert) rsaKey() *rsa.PublicKey {
	if c.parsed == nil {
		return nil
	}
	key, _ := c.parsed.PublicKey.(*rsa.PublicKey)
	return key
}

// lifespan is for how long a certificate is valid, in days. Both its first and
// its last second count (RFC 5280 §4.1.2.5).
func (c cert) lifespan() (days float64, known bool) {
	if c.leaf.NotBefore.IsZero() || c.leaf.NotAfter.IsZero() {
		return 0, false
	}
	return (c.leaf.NotAfter.Sub(c.leaf.NotBefore) + time.Second).Hours() / 24, true
}

// has says whether a parsed certificate has what a word names.
func (c cert) has(word string) bool {
	p := c.parsed
	switch word {
	case "x509-v3":
		return p.Version == 3
	case "san":
		return len(p.DNSNames)+len(p.IPAddresses) > 0
	case "server-auth":
		return slices.Contains(p.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	case "digital-signature":
		return p.KeyUsage&x509.KeyUsageDigitalSignature != 0
	case "ocsp":
		return len(p.OCSPServer) > 0
	case "revocation-source":
		return len(p.OCSPServer)+len(p.CRLDistributionPoints) > 0
	case "issuer-address":
		return len(p.IssuingCertificateURL) > 0
	}
	return false
}

// certPhrases are those words as people say them.
func certPhrases(words []string) string {
	said := map[string]string{
		"x509-v3": "version 3 of X.509", "san": "names in subjectAltName", "server-auth": "extended key usage serverAuth", "digital-signature": "key usage digitalSignature",
		"ocsp": "an OCSP address", "revocation-source": "an address to ask about revocation (OCSP or CRL)", "issuer-address": "an address of the issuer's certificate",
	}
	return strings.Join(mapped(words, func(w string) string { return said[w] }), ", ")
}

func certWords() []string {
	return []string{"x509-v3", "san", "server-auth", "digital-signature", "ocsp", "revocation-source", "issuer-address"}
}
