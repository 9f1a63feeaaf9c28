// Signatures of a handshake: what is signed, whether it verifies, and those that
// we make as a client.

package secrets

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"fmt"
)

// SignedContent is what a server's CertificateVerify of TLS 1.3 signs, given the
// hash of the transcript before it (RFC 8446 §4.4.3).
func SignedContent(transcript []byte) []byte {
	return signedContent("TLS 1.3, server CertificateVerify\x00", transcript)
}

// ClientSignedContent is the same for a client's CertificateVerify.
func ClientSignedContent(transcript []byte) []byte {
	return signedContent("TLS 1.3, client CertificateVerify\x00", transcript)
}

func signedContent(context string, transcript []byte) []byte {
	b := bytes.Repeat([]byte{' '}, 64)
	b = append(b, context...)
	return append(b, transcript...)
}

// Sign signs as a client does, with the scheme that every server takes of a key.
func Sign(key crypto.PrivateKey, content []byte, tls13 bool) (scheme uint16, signature []byte, err error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return 0, nil, fmt.Errorf("a client key of type %T cannot sign", key)
	}
	scheme, opts := schemeOf(signer.Public(), tls13)
	digest := content
	if hash := opts.HashFunc(); hash != 0 {
		h := hash.New()
		h.Write(content)
		digest = h.Sum(nil)
	}
	if signature, err = signer.Sign(rand.Reader, digest, opts); err != nil {
		return 0, nil, fmt.Errorf("signing with the client's key: %w", err)
	}
	return scheme, signature, nil
}

// schemeOf is the scheme that every server takes of a key: TLS 1.3 wants PSS of
// RSA, and binds a curve to a hash (RFC 8446 §4.2.3).
func schemeOf(public crypto.PublicKey, tls13 bool) (scheme uint16, opts crypto.SignerOpts) {
	switch k := public.(type) {
	case ed25519.PublicKey:
		return ed25519Scheme, crypto.Hash(0)
	case *ecdsa.PublicKey:
		switch k.Curve.Params().BitSize {
		case 384:
			return 0x0503, crypto.SHA384
		case 521:
			return 0x0603, crypto.SHA512
		}
		return 0x0403, crypto.SHA256
	}
	if tls13 {
		return 0x0804, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	}
	return 0x0401, crypto.SHA256
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
