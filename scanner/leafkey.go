// Key of a certificate: its kind and its group, without reading what else is in the
// certificate: both are looked for in many answers.

package scanner

import (
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"shakedown/scanner/chain"
	"shakedown/scanner/wire"
)

// keyKind is a kind of key that a chain can be for.
type keyKind string

const (
	rsaKey     keyKind = "RSA"
	pssKey     keyKind = "RSA-PSS" // a key that may sign in no other way (RFC 4055 §1.2)
	ecdsaKey   keyKind = "ECDSA"
	edwardsKey keyKind = "EdDSA"  // it shares ECDSA's suites (RFC 8422 §2.1)
	mldsaKey   keyKind = "ML-DSA" // in TLS 1.3 alone, as what follows
	sm2Key     keyKind = "SM2"
)

// keyKinds lists the kinds that TLS 1.3 tells apart by their schemes, which ECDSA's
// curves are too (RFC 8446 §4.2.3).
func keyKinds() []keyKind {
	return []keyKind{rsaKey, pssKey, onCurve(0x0017), onCurve(0x0018), onCurve(0x0019), ecdsaKey, edwardsKey, mldsaKey, sm2Key}
}

// onCurve is the kind of ECDSA's keys on a usual curve.
func onCurve(group uint16) keyKind { return ecdsaKey + keyKind(" "+wire.LookupGroup(group).Name) }

// kindOf13 is kindOf, as TLS 1.3 tells them apart.
func kindOf13(der []byte) keyKind {
	kind := kindOf(der)
	if fine := onCurve(curveOf(der)); kind == ecdsaKey && slices.Contains(keyKinds(), fine) {
		return fine
	}
	return kind
}

// signedBy13 is signedBy, as TLS 1.3 tells them apart.
func signedBy13(s wire.SchemeInfo) keyKind {
	switch s.ID {
	case 0x0403:
		return onCurve(0x0017)
	case 0x0503:
		return onCurve(0x0018)
	case 0x0603:
		return onCurve(0x0019)
	}
	return signedBy12(s)
}

// kindOf is the kind of a leaf's key, "" if it cannot be told (RFC 3279 §2.3, RFC
// 8410 §3).
func kindOf(der []byte) keyKind {
	kind, parameters := keyAlgorithm(der)
	switch {
	case kind.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}):
		return rsaKey
	case kind.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}): // RFC 4055 §1.2
		return pssKey
	case kind.Equal(ecPublicKey()) && ofSM2(parameters):
		return sm2Key
	case kind.Equal(ecPublicKey()):
		return ecdsaKey
	case slices.ContainsFunc([]int{17, 18, 19}, func(n int) bool { return kind.Equal(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, n}) }): // RFC 9881 §2
		return mldsaKey
	case kind.Equal(asn1.ObjectIdentifier{1, 3, 101, 112}), kind.Equal(asn1.ObjectIdentifier{1, 3, 101, 113}): // Ed25519, Ed448
		return edwardsKey
	}
	return ""
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
