// Signatures: checked in a sample of handshakes, so that correctness is watched
// while the client stays cheap.

package client

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
)

// keyCache remembers the key of the latest certificate: a path shows one or two.
type keyCache struct {
	leaf []byte
	key  crypto.PublicKey
}

// keepLeaf keeps the certificate whose key must have signed.
func (s *Session) keepLeaf(chain [][]byte, err error) error {
	switch {
	case err != nil:
		return malformed("%v", err)
	case len(chain) == 0:
		return malformed("a Certificate message without a certificate")
	}
	s.leaf = chain[0]
	return nil
}

func (s *Session) leafKey() (crypto.PublicKey, error) {
	if s.keys.key != nil && bytes.Equal(s.keys.leaf, s.leaf) {
		return s.keys.key, nil
	}
	cert, err := x509.ParseCertificate(s.leaf)
	if err != nil {
		return nil, malformed("the server's certificate: %v", err)
	}
	s.keys = keyCache{s.leaf, cert.PublicKey}
	return cert.PublicKey, nil
}

// signedContent13 is what a server's CertificateVerify signs (RFC 8446 §4.4.3).
func signedContent13(transcript []byte) []byte {
	b := bytes.Repeat([]byte{' '}, 64)
	b = append(b, "TLS 1.3, server CertificateVerify\x00"...)
	return append(b, transcript...)
}

// checkSignature checks a handshake's signature by the server's certificate.
func (s *Session) checkSignature(scheme uint16, content, signature []byte) error {
	key, err := s.leafKey()
	if err != nil {
		return err
	}
	if !verifies(key, scheme, content, signature) {
		return malformed("the server's signature (%s) does not verify with the key of its certificate", schemeName(scheme))
	}
	return nil
}

// verifies reports whether a signature of a scheme (RFC 8446 §4.2.3) verifies.
func verifies(key crypto.PublicKey, scheme uint16, content, signature []byte) bool {
	hash := schemeHash(scheme)
	digest := content
	if hash != 0 {
		h := hash.New()
		h.Write(content)
		digest = h.Sum(nil)
	}
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return scheme&0xFF == 0x03 && ecdsa.VerifyASN1(key, digest, signature)
	case ed25519.PublicKey:
		return scheme == 0x0807 && ed25519.Verify(key, content, signature)
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

// schemeHash is the hash of a scheme; 0 if it signs the content itself.
func schemeHash(scheme uint16) crypto.Hash {
	switch scheme {
	case 0x0403, 0x0401, 0x0804, 0x0809:
		return crypto.SHA256
	case 0x0503, 0x0501, 0x0805, 0x080A:
		return crypto.SHA384
	case 0x0603, 0x0601, 0x0806, 0x080B:
		return crypto.SHA512
	}
	return 0
}
