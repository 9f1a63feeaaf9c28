// Our own certificate, shown to a server that asks for one.

package handshake

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"slices"

	"shakedown/scanner/wire"
)

// certificate12 is a Certificate message, an empty one without a certificate
// (RFC 5246 §7.4.6).
func certificate12(c *tls.Certificate) []byte {
	return handshakeMessage(wire.CertificateType, vector24(certificates(c, nil)))
}

// certificate13 is the same for TLS 1.3 (RFC 8446 §4.4.2).
func certificate13(c *tls.Certificate, context []byte) []byte {
	body := append([]byte{byte(len(context))}, context...)
	return handshakeMessage(wire.CertificateType, append(body, vector24(certificates(c, []byte{0, 0}))...))
}

// certificates lists a chain; each is followed by its extensions.
func certificates(c *tls.Certificate, extensions []byte) (list []byte) {
	if c == nil {
		return nil
	}
	for _, der := range c.Certificate {
		list = append(append(list, vector24(der)...), extensions...)
	}
	return list
}

func vector24(b []byte) []byte {
	return append([]byte{byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}, b...)
}

// sign12 is a CertificateVerify over the transcript itself (RFC 5246 §7.4.8).
func sign12(c *tls.Certificate, transcript []byte) ([]byte, error) {
	return sign(c, transcript, false)
}

// sign13 is a CertificateVerify over the hash of the transcript (RFC 8446 §4.4.3).
func sign13(c *tls.Certificate, transcript []byte) ([]byte, error) {
	content := slices.Repeat([]byte{0x20}, 64)
	content = append(content, "TLS 1.3, client CertificateVerify\x00"...)
	return sign(c, append(content, transcript...), true)
}

func sign(c *tls.Certificate, content []byte, tls13 bool) ([]byte, error) {
	signer, ok := c.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a client key of type %T cannot sign", c.PrivateKey)
	}
	scheme, opts := schemeOf(signer.Public(), tls13)
	digest := content
	if hash := opts.HashFunc(); hash != 0 {
		h := hash.New()
		h.Write(content)
		digest = h.Sum(nil)
	}
	signature, err := signer.Sign(rand.Reader, digest, opts)
	if err != nil {
		return nil, fmt.Errorf("signing with the client's key: %w", err)
	}
	body := binary.BigEndian.AppendUint16(nil, scheme)
	body = binary.BigEndian.AppendUint16(body, uint16(len(signature)))
	return handshakeMessage(wire.CertificateVerifyType, append(body, signature...)), nil
}

// schemeOf is the scheme that every server takes of a key: TLS 1.3 wants PSS of
// RSA, and binds a curve to a hash (RFC 8446 §4.2.3).
func schemeOf(public crypto.PublicKey, tls13 bool) (scheme uint16, opts crypto.SignerOpts) {
	switch k := public.(type) {
	case ed25519.PublicKey:
		return 0x0807, crypto.Hash(0)
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
