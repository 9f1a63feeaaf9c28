// Key of a certificate: its kind and its group, without reading what else is in the
// certificate: both are looked for in many answers.

package scanner

import (
	"encoding/asn1"

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

// kindOf is the kind of a leaf's key, "" if it cannot be told.
func kindOf(der []byte) keyKind { return kindOfType(keyTypeOf(der)) }

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

// keyTypeOf is what a leaf's key is for, as the schemes that it signs by have it; ""
// if it cannot be told (RFC 3279 §2.3, RFC 4055 §1.2, RFC 8410 §3, RFC 9881 §2).
func keyTypeOf(der []byte) string {
	kind, parameters := keyAlgorithm(der)
	if kind.Equal(ecPublicKey()) && ofSM2(parameters) {
		return "sm2"
	}
	for _, known := range []struct {
		oid     asn1.ObjectIdentifier
		keyType string
	}{
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, "rsa"},
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}, "rsa-pss"},
		{ecPublicKey(), "ecdsa"},
		{asn1.ObjectIdentifier{1, 3, 101, 112}, "ed25519"},
		{asn1.ObjectIdentifier{1, 3, 101, 113}, "ed448"},
		{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 17}, "mldsa44"},
		{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 18}, "mldsa65"},
		{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 19}, "mldsa87"},
	} {
		if kind.Equal(known.oid) {
			return known.keyType
		}
	}
	return ""
}

// signsBy reports whether a leaf's key can sign by a scheme of TLS 1.3, which ties
// ECDSA to a curve (RFC 8446 §4.2.3). A key on a curve that is not known here signs
// by any.
func signsBy(der []byte, s wire.SchemeInfo) bool {
	if s.KeyType != keyTypeOf(der) {
		return false
	}
	tied := map[uint16]uint16{0x0403: 0x0017, 0x0503: 0x0018, 0x0603: 0x0019}[s.ID]
	return s.KeyType != "ecdsa" || curveOf(der) == 0 || tied == curveOf(der)
}

// beyond leaves the schemes of TLS 1.3 by which a leaf's key cannot sign. Where that
// is all, the server did not heed what was offered: its kind of key is left out.
func beyond(schemes []uint16, der []byte) []uint16 {
	rest := schemesWith(schemes, func(s wire.SchemeInfo) bool { return !signsBy(der, s) })
	if len(rest) < len(schemes) {
		return rest
	}
	return schemesWith(schemes, func(s wire.SchemeInfo) bool { return signedBy(s) != kindOf(der) })
}

// ofSM2 reports whether an elliptic key is of SM2, which is no ECDSA though it is
// named as one (RFC 8998 §3.2.1).
func ofSM2(parameters cryptobyte.String) bool {
	var curve asn1.ObjectIdentifier
	return parameters.ReadASN1ObjectIdentifier(&curve) && curve.Equal(asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301})
}

// curveOf is the group of a certificate's key, 0 if it is on none that we know
// (RFC 5480 §2.1.1).
func curveOf(der []byte) uint16 {
	kind, parameters := keyAlgorithm(der)
	var curve asn1.ObjectIdentifier
	if !kind.Equal(ecPublicKey()) || !parameters.ReadASN1ObjectIdentifier(&curve) {
		return 0
	}
	for _, known := range curves() {
		if curve.Equal(known.oid) {
			return known.group
		}
	}
	return 0
}

// keyAlgorithm is what a certificate's key is for, and what stands beside that; nil
// if it is no certificate (RFC 5280 §4.1).
func keyAlgorithm(der []byte) (kind asn1.ObjectIdentifier, parameters cryptobyte.String) {
	var key, algorithm cryptobyte.String
	rest, ok := chain.FromSubject(der)
	ok = ok && rest.SkipASN1(cbasn1.SEQUENCE) && // subject
		rest.ReadASN1(&key, cbasn1.SEQUENCE) && key.ReadASN1(&algorithm, cbasn1.SEQUENCE) &&
		algorithm.ReadASN1ObjectIdentifier(&kind)
	if !ok {
		return nil, nil
	}
	return kind, algorithm
}

func ecPublicKey() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1} }

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
