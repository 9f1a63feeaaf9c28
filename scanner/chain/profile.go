// What RFC 5280 §4 wants of a certificate by itself, beyond what parsing sees:
// fields and extensions that no certificate of a path may have so.
//
// Held to are the rules that some client enforces and no honest CA breaks.
// Others, such as a key identifier in every certificate (§4.2.1.1), are broken
// by half of all private CAs, and no client minds; a verdict that did would be
// about the CA's tools, not about trust.

package chain

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// misshapen reports what RFC 5280 forbids in any certificate.
func (c *cert) misshapen() bool {
	return !c.shapely() || c.wrongCriticality() || c.namedByNothing() || !c.namesWellFormed()
}

// shapely walks the fields (§4.1) as strictly as they are defined: extensions
// only in version 3, at least one where there is the list, and nothing behind;
// times to the second and in UTC (§4.1.2.5).
func (c *cert) shapely() bool {
	in := cryptobyte.String(c.x.RawTBSCertificate)
	var tbs, validity, list, extensions cryptobyte.String
	var extended bool
	optional := func(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific() }
	ok := in.ReadASN1(&tbs, cbasn1.SEQUENCE) && tbs.SkipOptionalASN1(optional(0).Constructed()) && tbs.SkipASN1(cbasn1.INTEGER) &&
		tbs.SkipASN1(cbasn1.SEQUENCE) && tbs.SkipASN1(cbasn1.SEQUENCE) && tbs.ReadASN1(&validity, cbasn1.SEQUENCE) &&
		tbs.SkipASN1(cbasn1.SEQUENCE) && tbs.SkipASN1(cbasn1.SEQUENCE) &&
		tbs.SkipOptionalASN1(optional(1)) && tbs.SkipOptionalASN1(optional(2)) &&
		tbs.ReadOptionalASN1(&list, &extended, optional(3).Constructed())
	if !ok || !tbs.Empty() || !inUTC(&validity) || !inUTC(&validity) {
		return false
	}
	return !extended || c.x.Version == 3 && list.ReadASN1(&extensions, cbasn1.SEQUENCE) && !extensions.Empty()
}

// inUTC reads one time: YYMMDDHHMMSSZ, or with four digits for the year.
func inUTC(in *cryptobyte.String) bool {
	var value cryptobyte.String
	var tag cbasn1.Tag
	if !in.ReadAnyASN1(&value, &tag) || len(value) == 0 || value[len(value)-1] != 'Z' {
		return false
	}
	return tag == cbasn1.UTCTime && len(value) == 13 || tag == cbasn1.GeneralizedTime && len(value) == 15
}

// wrongCriticality: some extensions must not be critical, so that clients that
// do not know them go on. That others must be is broken by old CAs without harm.
func (c *cert) wrongCriticality() bool {
	for _, e := range c.x.Extensions {
		switch e.Id.String() {
		case "2.5.29.35", "2.5.29.14", // key identifiers (§4.2.1.1, §4.2.1.2)
			"2.5.29.9", "2.5.29.46", // directory attributes, freshest CRL (§4.2.1.8, §4.2.1.15)
			"1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.11": // information access (§4.2.2)
			if e.Critical {
				return true
			}
		}
	}
	return false
}

// namedByNothing: an issuer has a name (§4.1.2.4), a CA too, and whoever has
// none has a critical alternative name (§4.1.2.6).
func (c *cert) namedByNothing() bool {
	if emptyName(c.x.RawIssuer) {
		return true
	}
	if !emptyName(c.x.RawSubject) {
		return false
	}
	alternative := slices.ContainsFunc(c.x.Extensions, func(e pkix.Extension) bool {
		return e.Critical && e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17})
	})
	return c.x.IsCA || !alternative
}

func emptyName(der []byte) bool { return len(der) <= 2 }

// namesWellFormed: there is at least one alternative name where there is the
// extension, and a DNS name is labels between dots (§4.2.1.6, RFC 1123 §2.1).
// Underscores, which names of hosts must not have, and an asterisk are let
// through: what they match is for the comparison of names to say.
func (c *cert) namesWellFormed() bool {
	if len(c.names) == 0 {
		return extension(c.x, 17) == nil
	}
	for _, name := range c.names {
		if name.form == formDNS && !dnsSyntax(string(name.value)) {
			return false
		}
	}
	return true
}

func dnsSyntax(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notInLabel) {
			return false
		}
	}
	return true
}

func notInLabel(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '*':
		return false
	}
	return true
}

// badSerial: positive, and of 20 octets at most (§4.1.2.2). Roots that are
// trusted for long have the number zero, so anchors are not asked.
func (c *cert) badSerial() bool {
	n := c.x.SerialNumber
	return n == nil || n.Sign() <= 0 || n.BitLen() > 20*8-1
}

// claimsTooMuch holds a leaf that another issued to what only a CA may have:
// name constraints (§4.2.1.10), a path length (§4.2.1.9), or basic constraints
// that call it a CA while its key usage does not (Baseline Requirements
// §7.1.2.7.8). A whole CA certificate may be a server's, as §4.2.1.9 notes.
func (c *cert) claimsTooMuch() bool {
	x := c.x
	if x.IsCA {
		return c.hasKeyUsage && x.KeyUsage&x509.KeyUsageCertSign == 0
	}
	return extension(x, 30) != nil || x.BasicConstraintsValid && (x.MaxPathLen > 0 || x.MaxPathLenZero)
}

// signsWithoutBeingCA: keyCertSign is a CA's (§4.2.1.9).
func (c *cert) signsWithoutBeingCA() bool {
	return !c.x.IsCA && c.x.BasicConstraintsValid && c.hasKeyUsage && c.x.KeyUsage&x509.KeyUsageCertSign != 0
}
