// Curve: the group of a certificate's key, without reading what else is in the
// certificate: it is looked for in every answer with which groups are enumerated.

package scanner

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"shakedown/scanner/chain"
)

// curveOf is the group of a certificate's key, 0 if it is on none that we know
// (RFC 5480 §2.1.1).
func curveOf(der []byte) uint16 {
	var key, algorithm cryptobyte.String
	var kind, curve asn1.ObjectIdentifier
	rest, ok := chain.FromSubject(der)
	ok = ok && rest.SkipASN1(cbasn1.SEQUENCE) && // subject
		rest.ReadASN1(&key, cbasn1.SEQUENCE) && key.ReadASN1(&algorithm, cbasn1.SEQUENCE) &&
		algorithm.ReadASN1ObjectIdentifier(&kind) && kind.Equal(asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}) &&
		algorithm.ReadASN1ObjectIdentifier(&curve)
	if !ok {
		return 0
	}
	for _, known := range curves() {
		if curve.Equal(known.oid) {
			return known.group
		}
	}
	return 0
}

type namedCurve struct {
	oid   asn1.ObjectIdentifier
	group uint16
}

func curves() []namedCurve {
	return []namedCurve{
		{asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, 0x0017}, // secp256r1
		{asn1.ObjectIdentifier{1, 3, 132, 0, 34}, 0x0018},          // secp384r1
		{asn1.ObjectIdentifier{1, 3, 132, 0, 35}, 0x0019},          // secp521r1
		{asn1.ObjectIdentifier{1, 3, 132, 0, 33}, 0x0015},          // secp224r1
	}
}
