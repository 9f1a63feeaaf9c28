// The server's signature: a handshake is finished only if the key of the
// certificate signed it, as every real client demands. What cannot be computed
// here (Ed448, certificates that the standard library refuses) is let pass.

package handshake

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/binary"
	"slices"

	"shakedown/scanner/wire"
)

var errSignature = malformed("the server's signature does not verify with the key of its certificate")

// checkKeyExchange checks a ServerKeyExchange of TLS 1.2 (RFC 8422 §5.4).
func (c *client) checkKeyExchange(k *wire.KeyExchange) error {
	return checkSignature(c.leaf, k.Scheme, slices.Concat(c.hello.Random[:], c.server.Random[:], k.Params), k.Signature)
}

// checkVerify checks a CertificateVerify of TLS 1.3 (RFC 8446 §4.4.3); the
// transcript ends before it.
func (c *client) checkVerify(body []byte) error {
	if _, err := wire.ParseCertificateVerify(body); err != nil {
		return err
	}
	content := slices.Repeat([]byte{0x20}, 64)
	content = append(content, "TLS 1.3, server CertificateVerify\x00"...)
	return checkSignature(c.leaf, binary.BigEndian.Uint16(body), append(content, c.keys.Transcript()...), body[4:])
}

func checkSignature(leaf []byte, scheme uint16, content, signature []byte) error {
	if leaf == nil {
		return malformed("a signature without a certificate")
	}
	if !slices.Contains(schemes(), scheme) {
		return malformed("signed with %s, which was not offered", wire.ID(scheme))
	}
	cert, err := x509.ParseCertificate(leaf)
	hash := schemeHash(scheme)
	if err != nil || cert.PublicKey == nil || hash == 0 && scheme != 0x0807 {
		return nil
	}
	digest := content
	if hash != 0 {
		h := hash.New()
		h.Write(content)
		digest = h.Sum(nil)
	}
	if !verifies(cert.PublicKey, scheme, hash, digest, signature) {
		return errSignature
	}
	return nil
}

// verifies reports whether a signature of a scheme (RFC 8446 §4.2.3) verifies.
func verifies(key crypto.PublicKey, scheme uint16, hash crypto.Hash, digest, signature []byte) bool {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return scheme&0xFF == 0x03 && ecdsa.VerifyASN1(key, digest, signature)
	case ed25519.PublicKey:
		return scheme == 0x0807 && ed25519.Verify(key, digest, signature)
	case *rsa.PublicKey:
		if scheme&0xFF == 0x01 {
			return rsa.VerifyPKCS1v15(key, hash, digest, signature) == nil
		}
		opt := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		return scheme>>8 == 0x08 && rsa.VerifyPSS(key, hash, digest, signature, opt) == nil
	}
	return true
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
	case 0x0203, 0x0201:
		return crypto.SHA1
	}
	return 0
}
