// Signatures: checked in a sample of handshakes, so that correctness is watched
// while the client stays cheap.

package client

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"

	"shakedown/scanner/secrets"
)

// keyCache remembers the key of the latest certificate: a path shows one or two.
type keyCache struct {
	leaf []byte
	mark uint64
	key  crypto.PublicKey
}

// mark is how the SHA-256 of a certificate begins.
func mark(der []byte) uint64 {
	sum := sha256.Sum256(der)
	return binary.BigEndian.Uint64(sum[:])
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
	s.keys = keyCache{s.leaf, mark(s.leaf), cert.PublicKey}
	return cert.PublicKey, nil
}

// checkSignature checks a handshake's signature by the server's certificate.
func (s *Session) checkSignature(scheme uint16, content, signature []byte) error {
	key, err := s.leafKey()
	if err != nil {
		return err
	}
	s.sample.Leaf = s.keys.mark
	if !secrets.Verifies(key, scheme, content, signature) {
		return malformed("the server's signature (%s) does not verify with the key of its certificate", schemeName(scheme))
	}
	return nil
}
