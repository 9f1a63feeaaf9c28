// Signatures of a handshake: what is signed, and whether it verifies.

package secrets

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
)

// SignedContent is what a server's CertificateVerify of TLS 1.3 signs, given the
// hash of the transcript before it (RFC 8446 §4.4.3).
func SignedContent(transcript []byte) []byte {
	b := bytes.Repeat([]byte{' '}, 64)
	b = append(b, "TLS 1.3, server CertificateVerify\x00"...)
	return append(b, transcript...)
}

// Verifiable reports whether Verifies knows both the key and the scheme.
func Verifiable(key crypto.PublicKey, scheme uint16) bool {
	switch key.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey, *rsa.PublicKey:
		return scheme == ed25519Scheme || schemeHash(scheme) != 0
	}
	return false
}

const ed25519Scheme = 0x0807

// Verifies reports whether a signature of a scheme (RFC 8446 §4.2.3) verifies.
func Verifies(key crypto.PublicKey, scheme uint16, content, signature []byte) bool {
	if !Verifiable(key, scheme) {
		return false
	}
	hash, digest := schemeHash(scheme), content
	if hash != 0 {
		h := hash.New()
		h.Write(content)
		digest = h.Sum(nil)
	}
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return scheme&0xFF == 0x03 && ecdsa.VerifyASN1(key, digest, signature)
	case ed25519.PublicKey:
		return scheme == ed25519Scheme && ed25519.Verify(key, content, signature)
	case *rsa.PublicKey:
		if scheme&0xFF == 0x01 {
			return rsa.VerifyPKCS1v15(key, hash, digest, signature) == nil
		}
		// The salt is as long as the hash.
		opt := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		return scheme>>8 == 0x08 && rsa.VerifyPSS(key, hash, digest, signature, opt) == nil
	}
	return false
}

// schemeHash is the hash of a scheme; 0 if it signs the content itself, or is
// not known.
func schemeHash(scheme uint16) crypto.Hash {
	switch scheme {
	case 0x0403, 0x0401, 0x0804, 0x0809:
		return crypto.SHA256
	case 0x0503, 0x0501, 0x0805, 0x080A:
		return crypto.SHA384
	case 0x0603, 0x0601, 0x0806, 0x080B:
		return crypto.SHA512
	case 0x0203, 0x0201:
		return crypto.SHA1
	}
	return 0
}
