// Our own certificate, shown to a server that asks for one.

package client

import (
	"encoding/binary"

	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

// ownCertificate is our Certificate message: an empty one where we have none
// (RFC 5246 §7.4.6, RFC 8446 §4.4.2). context is what the server's request said
// in TLS 1.3.
func (s *Session) ownCertificate(context []byte) []byte {
	tls13 := s.suite.TLS13()
	body := s.spare[:0]
	body = append(body, byte(wire.CertificateType), 0, 0, 0)
	if tls13 {
		body = append(append(body, byte(len(context))), context...)
	}
	list := len(body)
	body = append(body, 0, 0, 0)
	if c := s.l.cfg.Certificate; c != nil {
		for _, der := range c.Certificate {
			body = append(putUint24(append(body, 0, 0, 0), len(der)), der...)
			if tls13 {
				body = append(body, 0, 0) // no extensions
			}
		}
	}
	putUint24(body[:list+3], len(body)-list-3)
	putUint24(body[:messageHeader], len(body)-messageHeader)
	s.spare = body
	return body
}

// putUint24 overwrites the last three bytes of b.
func putUint24(b []byte, n int) []byte {
	at := len(b) - 3
	b[at], b[at+1], b[at+2] = byte(n>>16), byte(n>>8), byte(n)
	return b
}

// ownSignature is our CertificateVerify message.
func (s *Session) ownSignature(content []byte) ([]byte, error) {
	scheme, signature, err := secrets.Sign(s.l.cfg.Certificate.PrivateKey, content, s.suite.TLS13())
	if err != nil {
		return nil, err
	}
	n := len(signature)
	b := append(s.spare[:0], byte(wire.CertificateVerifyType), 0, byte((n+4)>>8), byte(n+4))
	b = binary.BigEndian.AppendUint16(b, scheme)
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	s.spare = append(b, signature...)
	return s.spare, nil
}
