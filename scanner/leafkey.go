// Key of a certificate: its kind and its group, without reading what else is in the
// certificate: both are looked for in many answers.

package scanner

import (
	"encoding/asn1"
	"sync"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"shakedown/scanner/chain"
	"shakedown/scanner/wire"
)

// keyKind is a kind of key that a chain can be for.
type keyKind string

const (
	rsaKey     keyKind = "RSA"
	ecdsaKey   keyKind = "ECDSA"
	edwardsKey keyKind = "EdDSA"  // it shares ECDSA's suites (RFC 8422 §2.1)
	mldsaKey   keyKind = "ML-DSA" // in TLS 1.3 alone, as what follows
	sm2Key     keyKind = "SM2"
)

func keyKinds() []keyKind { return []keyKind{rsaKey, ecdsaKey, edwardsKey, mldsaKey, sm2Key} }

// leafKey is what a leaf's key is for, as the schemes that it signs by have it, "" if
// it cannot be told; and the group of the curve that it is on, 0 if on none that is
// known here.
type leafKey struct {
	keyType string
	curve   uint16
}

// kindOf is the kind of a leaf's key, "" if it cannot be told.
func kindOf(der []byte) keyKind { return leafKeyOf(der).kind() }

func (k leafKey) kind() keyKind { return kindOfType(k.keyType) }

func kindOfType(keyType string) keyKind {
	switch keyType {
	case "rsa", "rsa-pss":
		return rsaKey
	case "ecdsa":
		return ecdsaKey
	case "ed25519", "ed448":
		return edwardsKey
	case "mldsa44", "mldsa65", "mldsa87":
		return mldsaKey
	case "sm2":
		return sm2Key
	}
	return ""
}

// signs reports whether a key can sign by a scheme of TLS 1.3, which ties ECDSA to a
// curve (RFC 8446 §4.2.3). A key on a curve that is not known here signs by any.
func (k leafKey) signs(s *wire.SchemeInfo) bool {
	if s.KeyType != k.keyType || k.keyType != "ecdsa" || k.curve == 0 {
		return s.KeyType == k.keyType
	}
	switch s.ID {
	case 0x0403:
		return k.curve == 0x0017
	case 0x0503:
		return k.curve == 0x0018
	case 0x0603:
		return k.curve == 0x0019
	}
	return false
}

// beyond leaves the schemes of TLS 1.3 by which a leaf's key cannot sign. Where that
// is all, the server did not heed what was offered: its kind of key is left out.
func beyond(schemes []uint16, der []byte) []uint16 {
	key := leafKeyOf(der)
	rest := schemesWith(schemes, func(s *wire.SchemeInfo) bool { return !key.signs(s) })
	if len(rest) < len(schemes) {
		return rest
	}
	return schemesWith(schemes, func(s *wire.SchemeInfo) bool { return signedBy(s) != key.kind() })
}

// curveOf is the group of a certificate's key, 0 if it is on none that we know.
func curveOf(der []byte) uint16 { return leafKeyOf(der).curve }

// leafKeyOf reads what a certificate says of its key's algorithm (RFC 5280 §4.1,
// RFC 3279 §2.3, RFC 4055 §1.2, RFC 5480 §2.1.1, RFC 8410 §3, RFC 9881 §2).
func leafKeyOf(der []byte) leafKey {
	var info, algorithm, kind, curve cryptobyte.String
	rest, ok := chain.FromSubject(der)
	ok = ok && rest.SkipASN1(cbasn1.SEQUENCE) && // subject
		rest.ReadASN1(&info, cbasn1.SEQUENCE) && info.ReadASN1(&algorithm, cbasn1.SEQUENCE) &&
		algorithm.ReadASN1Element(&kind, cbasn1.OBJECT_IDENTIFIER)
	if !ok {
		return leafKey{}
	}
	key := leafKey{keyType: keyTypes()[string(kind)]}
	if key.keyType == "ecdsa" && algorithm.ReadASN1Element(&curve, cbasn1.OBJECT_IDENTIFIER) {
		if string(curve) == curveOfSM2() {
			return leafKey{keyType: "sm2"}
		}
		key.curve = curves()[string(curve)]
	}
	return key
}

// keyTypes are by the object identifiers of keys, as DER.
var keyTypes = sync.OnceValue(func() map[string]string {
	return map[string]string{
		oid(1, 2, 840, 113549, 1, 1, 1):      "rsa",
		oid(1, 2, 840, 113549, 1, 1, 10):     "rsa-pss",
		oid(1, 2, 840, 10045, 2, 1):          "ecdsa",
		oid(1, 3, 101, 112):                  "ed25519",
		oid(1, 3, 101, 113):                  "ed448",
		oid(2, 16, 840, 1, 101, 3, 4, 3, 17): "mldsa44",
		oid(2, 16, 840, 1, 101, 3, 4, 3, 18): "mldsa65",
		oid(2, 16, 840, 1, 101, 3, 4, 3, 19): "mldsa87",
	}
})

// curves are groups, by the object identifiers of curves, as DER.
var curves = sync.OnceValue(func() map[string]uint16 {
	return map[string]uint16{
		oid(1, 2, 840, 10045, 3, 1, 7): 0x0017, // secp256r1
		oid(1, 3, 132, 0, 34):          0x0018, // secp384r1
		oid(1, 3, 132, 0, 35):          0x0019, // secp521r1
		oid(1, 3, 132, 0, 33):          0x0015, // secp224r1
	}
})

// curveOfSM2 is of keys that are no ECDSA though they are named so (RFC 8998 §3.2.1).
var curveOfSM2 = sync.OnceValue(func() string { return oid(1, 2, 156, 10197, 1, 301) })

// oid is an object identifier as it stands in a certificate.
func oid(numbers ...int) string {
	der, err := asn1.Marshal(asn1.ObjectIdentifier(numbers))
	if err != nil {
		panic(err) // those above are well-formed
	}
	return string(der)
}
