// Our own certificate, shown to a server that asks for one.

package handshake

import (
	"crypto/tls"
	"encoding/binary"

	"shakedown/scanner/secrets"
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
	return sign(c, secrets.ClientSignedContent(transcript), true)
}

func sign(c *tls.Certificate, content []byte, tls13 bool) ([]byte, error) {
	scheme, signature, err := secrets.Sign(c.PrivateKey, content, tls13)
	if err != nil {
		return nil, err
	}
	body := binary.BigEndian.AppendUint16(nil, scheme)
	body = binary.BigEndian.AppendUint16(body, uint16(len(signature)))
	return handshakeMessage(wire.CertificateVerifyType, append(body, signature...)), nil
}
