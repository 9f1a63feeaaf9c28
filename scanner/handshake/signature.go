// The server's signature: a handshake is finished only if the key of the
// certificate signed it, as every real client demands. What cannot be computed
// here (Ed448, ML-DSA, SM2, certificates that the standard library refuses) is let pass.

package handshake

import (
	"crypto/x509"
	"encoding/binary"
	"slices"

	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

var errSignature = malformed("the server's signature does not verify with the key of its certificate")

// checkKeyExchange checks a ServerKeyExchange of TLS 1.2 (RFC 8422 §5.4).
func (c *client) checkKeyExchange(k *wire.KeyExchange) error {
	return c.checkSignature(k.Scheme, slices.Concat(c.hello.Random[:], c.server.Random[:], k.Params), k.Signature)
}

// checkVerify checks a CertificateVerify of TLS 1.3 (RFC 8446 §4.4.3); the
// transcript ends before it.
func (c *client) checkVerify(body []byte) error {
	if _, err := wire.ParseCertificateVerify(body); err != nil {
		return err
	}
	return c.checkSignature(binary.BigEndian.Uint16(body), secrets.SignedContent(c.keys.Transcript()), body[4:])
}

func (c *client) checkSignature(scheme uint16, content, signature []byte) error {
	if c.leaf == nil {
		return malformed("a signature without a certificate")
	}
	if !slices.Contains(schemes(c.offer.Version), scheme) {
		return malformed("signed with %s, which was not offered", wire.ID(scheme))
	}
	cert, err := x509.ParseCertificate(c.leaf)
	if err != nil || !secrets.Verifiable(cert.PublicKey, scheme) {
		return nil
	}
	if !secrets.Verifies(cert.PublicKey, scheme, content, signature) {
		return errSignature
	}
	return nil
}
