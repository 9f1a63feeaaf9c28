// The rest of a TLS 1.2 handshake (RFC 5246 §7.3, RFC 8422), after ServerHello.

package client

import (
	"time"

	"golang.org/x/crypto/cryptobyte"

	"shakedown/scanner/wire"
)

// message12 takes one handshake message after ServerHello.
func (s *Session) message12(kind wire.HandshakeType, raw, body []byte, at time.Duration) (err error) {
	switch {
	case kind == wire.HelloRequestType:
		return nil // to be ignored, and in no transcript (RFC 5246 §7.4.1.1)
	case s.state == waitCertificate12 && kind == wire.CertificateType:
		s.state = waitKeyExchange
		err = s.certificate12(body)
	case s.state == waitKeyExchange && kind == wire.CertificateStatusType:
		// Not asked for, and harmless.
	case s.state == waitKeyExchange && kind == wire.ServerKeyExchangeType:
		s.state = waitHelloDone
		err = s.keyExchange(body)
	case s.state == waitHelloDone && kind == wire.CertificateRequestType && !s.asked:
		s.asked = true
	case s.state == waitHelloDone && kind == wire.ServerHelloDoneType:
		s.hear(raw)
		return s.clientFlight()
	case s.state == waitChangeCipherSpec && kind == wire.NewSessionTicketType:
		err = s.ticket12(body)
	case s.state == waitFinished12 && kind == wire.FinishedType:
		return s.finish12(raw, body, at)
	default:
		return unexpected(kind)
	}
	s.hear(raw)
	return err
}

func (s *Session) certificate12(body []byte) error {
	if !s.verify {
		return nil
	}
	chain, err := wire.ParseCertificate(body)
	return s.keepLeaf(chain, err)
}

// keyExchange takes the server's share, and checks its signature if this
// handshake is one of the sample.
func (s *Session) keyExchange(body []byte) error {
	kx, ok := parseKeyExchange(body)
	if !ok {
		return malformed("a ServerKeyExchange of %d bytes", len(body))
	}
	if s.share, ok = find(s.face.shares, kx.group); !ok {
		return malformed("the server chose the group %s, which was not offered", groupName(kx.group))
	}
	s.sample.Shape.Group = kx.group
	if err := s.agree(s.share, kx.point); err != nil {
		return err
	}
	if err := s.scheme(kx.scheme); err != nil || !s.verify {
		return err
	}
	return s.checkSignature(kx.scheme, s.signedContent12(kx.params), kx.signature)
}

// keyExchange is a ServerKeyExchange of ECDHE, the only one of the suites that are
// offered; its parts lie in the message (RFC 8422 §5.4).
type keyExchange struct {
	params           []byte
	group, scheme    uint16
	point, signature cryptobyte.String
}

func parseKeyExchange(body []byte) (k keyExchange, ok bool) {
	const namedCurve = 3
	var kind uint8
	r := cryptobyte.String(body)
	if !r.ReadUint8(&kind) || kind != namedCurve || !r.ReadUint16(&k.group) || !r.ReadUint8LengthPrefixed(&k.point) {
		return k, false
	}
	k.params = body[:len(body)-len(r)]
	ok = r.ReadUint16(&k.scheme) && r.ReadUint16LengthPrefixed(&k.signature) && r.Empty()
	return k, ok
}

// signedContent12 is what a ServerKeyExchange's signature covers (RFC 8422 §5.4).
func (s *Session) signedContent12(params []byte) []byte {
	b := append([]byte(nil), s.clientRandom()...)
	b = append(b, s.serverRandom[:]...)
	return append(b, params...)
}

func (s *Session) clientRandom() []byte {
	return s.hello[s.face.hello.random : s.face.hello.random+randomSize]
}

// clientFlight leaves all that a client says pending: ClientKeyExchange,
// ChangeCipherSpec, Finished.
func (s *Session) clientFlight() error {
	if s.asked {
		s.say(s.ownCertificate(nil))
	}
	n := len(s.share.public)
	s.spare = append(s.spare[:0], byte(wire.ClientKeyExchangeType), 0, 0, byte(n+1), byte(n))
	s.spare = append(s.spare, s.share.public...)
	s.say(s.spare)
	s.k.Premaster(s.shared, s.clientRandom(), s.serverRandom[:], s.extended)
	if s.asked && s.l.cfg.Certificate != nil {
		verify, err := s.ownSignature(s.said)
		if err != nil {
			return err
		}
		s.say(verify)
	}
	if err := s.k.Keys(&s.write, &s.read, s.clientRandom(), s.serverRandom[:]); err != nil {
		return err
	}
	s.lastWords()
	s.state = waitChangeCipherSpec
	return nil
}

// lastWords leaves ChangeCipherSpec and Finished pending.
func (s *Session) lastWords() {
	s.ownChangeCipherSpec()
	finished := s.finished()
	s.sealed(finished)
	s.k.Write(finished)
}

// say leaves a message pending in the clear and adds it to the transcript.
func (s *Session) say(message []byte) {
	s.hear(message)
	s.plain(message)
}

// finish12 verifies the server's Finished. In a full handshake a client of
// TLS 1.2 is done when that has arrived; in a resumed one its own comes last.
func (s *Session) finish12(raw, body []byte, at time.Duration) error {
	if err := s.verifyFinished(body); err != nil {
		return err
	}
	s.state = complete
	if s.sample.Shape.Resumed {
		s.k.Write(raw)
		s.lastWords()
		s.last = true
		return nil
	}
	s.sample.Done = at
	s.keep12(at)
	return nil
}

// scheme notes the signature scheme of the server.
func (s *Session) scheme(id uint16) error {
	if !offers(s.l.cfg.Ask.schemes(), id) {
		return malformed("the server signed with %s, which was not offered", schemeName(id))
	}
	s.sample.Shape.Scheme = id
	return nil
}
