// Public keys: what they are, how strong, and whether we can verify with them.

package chain

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 old certificates hold such keys
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding"
	"encoding/asn1"
	"encoding/hex"
	"math/big"

	"github.com/cloudflare/circl/sign/ed448"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// keyKind is the key_type of a record.
type keyKind string

const (
	keyRSA     keyKind = "RSA"
	keyECDSA   keyKind = "ECDSA"
	keyEd25519 keyKind = "Ed25519"
	keyEd448   keyKind = "Ed448"
	keyDSA     keyKind = "DSA"
	keyMLDSA44 keyKind = "ML-DSA-44"
	keyMLDSA65 keyKind = "ML-DSA-65"
	keyMLDSA87 keyKind = "ML-DSA-87"
)

// publicKey is a certificate's key. Its zero value is one that could not be
// read.
type publicKey struct {
	kind         keyKind
	bits         int
	crypto       crypto.PublicKey // nil if we cannot verify with it
	unknownCurve bool             // a named curve that Go does not have
}

// auth is what the key signs a handshake with.
func (k publicKey) auth() string {
	switch k.kind {
	case keyEd25519, keyEd448:
		return "EdDSA"
	case keyMLDSA44, keyMLDSA65, keyMLDSA87:
		return "ML-DSA"
	}
	return string(k.kind)
}

// weak reports whether a key is below 2048-bit RSA or 224-bit EC; DSA is held
// to RSA's measure. RSA moduli are of whole octets (Baseline Requirements
// §6.1.5): other sizes come from broken generators. A key of unknown size is
// not called weak.
func (k publicKey) weak() bool {
	switch k.kind {
	case keyRSA:
		return 0 < k.bits && (k.bits < 2048 || k.bits%8 != 0)
	case keyDSA:
		return 0 < k.bits && k.bits < 2048
	case keyECDSA:
		return 0 < k.bits && k.bits < 224
	}
	return false
}

func (k publicKey) equal(other crypto.PublicKey) bool {
	comparable, ok := k.crypto.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(other)
}

// readKey reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
func readKey(spki []byte) publicKey {
	in := cryptobyte.String(spki)
	var info, id cryptobyte.String
	var oid asn1.ObjectIdentifier
	var bits asn1.BitString
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1(&id, cbasn1.SEQUENCE) ||
		!id.ReadASN1ObjectIdentifier(&oid) || !info.ReadASN1BitString(&bits) {
		return publicKey{}
	}
	switch oid.String() {
	case "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10": // rsaEncryption, id-RSASSA-PSS (RFC 4055 §1.2)
		return readRSA(bits.RightAlign())
	case "1.2.840.10045.2.1":
		return readEC(spki, id)
	case "1.3.101.112":
		return readEd25519(spki)
	case "1.3.101.113":
		return readEd448(bits.RightAlign())
	case "2.16.840.1.101.3.4.3.17": // RFC 9881 §2
		return readMLDSA[mldsa44.PublicKey](keyMLDSA44, bits.RightAlign())
	case "2.16.840.1.101.3.4.3.18":
		return readMLDSA[mldsa65.PublicKey](keyMLDSA65, bits.RightAlign())
	case "2.16.840.1.101.3.4.3.19":
		return readMLDSA[mldsa87.PublicKey](keyMLDSA87, bits.RightAlign())
	case "1.2.840.10040.4.1":
		return readDSA(spki)
	}
	return publicKey{}
}

func readRSA(der []byte) publicKey {
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	n, e := new(big.Int), 0
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1Integer(n) || n.Sign() <= 0 {
		return publicKey{kind: keyRSA}
	}
	k := publicKey{kind: keyRSA, bits: n.BitLen()}
	if seq.ReadASN1Integer(&e) && 2 < e && e <= 1<<31-1 {
		k.crypto = &rsa.PublicKey{N: n, E: e}
	}
	return k
}

func readEC(spki []byte, parameters cryptobyte.String) publicKey {
	if k, err := x509.ParsePKIXPublicKey(spki); err == nil {
		if ec, ok := k.(*ecdsa.PublicKey); ok {
			return publicKey{kind: keyECDSA, bits: ec.Curve.Params().BitSize, crypto: ec}
		}
	}
	var curve asn1.ObjectIdentifier
	if !parameters.ReadASN1ObjectIdentifier(&curve) {
		return publicKey{kind: keyECDSA} // explicit parameters, which RFC 5480 §2.1.1 forbids
	}
	bits, ours := curveBits(curve.String())
	return publicKey{kind: keyECDSA, bits: bits, unknownCurve: !ours}
}

// curveBits is the size of a named curve, 0 if unknown, and whether Go has it.
func curveBits(oid string) (bits int, ours bool) {
	switch oid {
	case "1.3.132.0.33":
		return 224, true
	case "1.2.840.10045.3.1.7":
		return 256, true
	case "1.3.132.0.34":
		return 384, true
	case "1.3.132.0.35":
		return 521, true
	case "1.3.132.0.8", "1.3.132.0.9", "1.3.132.0.30": // secp160r1, secp160k1, secp160r2
		return 160, false
	case "1.3.132.0.1", "1.3.132.0.15": // sect163k1, sect163r2
		return 163, false
	case "1.2.840.10045.3.1.1", "1.3.132.0.31": // secp192r1, secp192k1
		return 192, false
	case "1.3.132.0.32": // secp224k1
		return 224, false
	case "1.3.132.0.10", "1.3.36.3.3.2.8.1.1.7", "1.2.156.10197.1.301": // secp256k1, brainpoolP256r1, SM2
		return 256, false
	case "1.3.36.3.3.2.8.1.1.11": // brainpoolP384r1
		return 384, false
	case "1.3.36.3.3.2.8.1.1.13": // brainpoolP512r1
		return 512, false
	}
	return 0, false
}

func readEd25519(spki []byte) publicKey {
	k := publicKey{kind: keyEd25519, bits: 256}
	if parsed, err := x509.ParsePKIXPublicKey(spki); err == nil {
		if ed, ok := parsed.(ed25519.PublicKey); ok {
			k.crypto = ed
		}
	}
	return k
}

func readEd448(key []byte) publicKey {
	k := publicKey{kind: keyEd448, bits: 456}
	if len(key) == ed448.PublicKeySize {
		k.crypto = ed448.PublicKey(key)
	}
	return k
}

// readMLDSA reads a key of ML-DSA. Its name says how strong it is; a number of bits
// that could be set beside others it has not.
func readMLDSA[T any, K interface {
	*T
	encoding.BinaryUnmarshaler
}](kind keyKind, packed []byte) publicKey {
	key := K(new(T))
	if key.UnmarshalBinary(packed) != nil {
		return publicKey{kind: kind}
	}
	return publicKey{kind: kind, crypto: key}
}

func readDSA(spki []byte) publicKey {
	k := publicKey{kind: keyDSA}
	if parsed, err := x509.ParsePKIXPublicKey(spki); err == nil {
		if d, ok := parsed.(*dsa.PublicKey); ok {
			k.bits, k.crypto = d.P.BitLen(), d
		}
	}
	return k
}

// stockKey is a SubjectPublicKeyInfo that crypto/x509 reads: the generator of
// P-256 (SEC 2 §2.4.2). It stands in for a key that the library does not know.
func stockKey() []byte {
	der, _ := hex.DecodeString("3059301306072a8648ce3d020106082a8648ce3d030107034200" +
		"046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" +
		"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
	return der
}
