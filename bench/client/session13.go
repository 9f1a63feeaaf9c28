// The rest of a TLS 1.3 handshake (RFC 8446 §2), after ServerHello.

package client

import (
	"golang.org/x/crypto/cryptobyte"

	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

// retry answers a HelloRetryRequest (RFC 8446 §4.1.4).
func (s *Session) retry(h *wire.ServerHello, suite secrets.Suite, raw []byte) error {
	if s.sample.Shape.Retry {
		return malformed("a second HelloRetryRequest")
	}
	s.sample.Shape.Retry = true
	wanted, ok := h.KeyShare()
	first := s.face.first
	switch {
	case !ok && len(first) == 0:
		return malformed("a HelloRetryRequest that asks for no share, where none was offered")
	case !ok:
		wanted.Group = first[0].group // a cookie alone: the same share again
	case len(first) > 0 && wanted.Group == first[0].group:
		return malformed("a HelloRetryRequest for the group that was offered")
	}
	answer, ok := find(s.face.shares, wanted.Group)
	if !ok {
		return malformed("a HelloRetryRequest for the group %s, which was not offered", groupName(wanted.Group))
	}
	s.k.Start(suite)
	s.k.Write(s.hello[recordHeader:])
	s.k.Retry()
	s.k.Write(raw)
	second := newHello(s.l.cfg, []share{answer}, h, nil)
	again := s.rebind(second, second.repeat(s.hello), suite)
	s.compatibility()
	s.out = append(s.out, again...)
	return nil
}

// compatibility is the ChangeCipherSpec that middleboxes like to see before a
// client's second flight (RFC 8446 §D.4).
func (s *Session) compatibility() {
	if !s.compatible {
		s.compatible = true
		s.ownChangeCipherSpec()
	}
}

// serverHello13 agrees on keys.
func (s *Session) serverHello13(h *wire.ServerHello) error {
	server, ok := h.KeyShare()
	if !ok {
		return malformed("a ServerHello without a key share")
	}
	shares := s.face.first
	if s.sample.Shape.Retry {
		shares = s.face.shares
	}
	own, ok := find(shares, server.Group)
	if !ok {
		return malformed("the server chose the group %s, of which it had no share", groupName(server.Group))
	}
	s.sample.Shape.Group = server.Group
	if err := s.agree(own, server.Data); err != nil {
		return err
	}
	if err := s.agree13(h); err != nil {
		return err
	}
	s.reading = true
	s.state = waitEncryptedExtensions
	return s.k.Key(&s.read, secrets.Server)
}

// agree computes the shared secret.
func (s *Session) agree(with share, server []byte) (err error) {
	if s.shared, err = with.agree(s.shared[:0], server); err != nil {
		return malformed("%v", err)
	}
	return nil
}

// message13 takes one handshake message after ServerHello.
func (s *Session) message13(kind wire.HandshakeType, raw, body []byte) (err error) {
	switch {
	case s.state == waitEncryptedExtensions && kind == wire.EncryptedExtensionsType:
		if s.state = waitCertificate13; s.sample.Shape.Resumed {
			s.state = waitFinished13 // nobody shows a certificate (RFC 8446 §2.2)
		}
		err = s.chosen(body)
	case s.state == waitCertificate13 && kind == wire.CertificateRequestType && !s.asked:
		err = s.certificateRequest13(body)
	case s.state == waitCertificate13 && kind == wire.CertificateType:
		s.state = waitCertificateVerify
		err = s.certificate13(body)
	case s.state == waitCertificateVerify && kind == wire.CertificateVerifyType:
		s.state = waitFinished13
		err = s.certificateVerify(body)
	case s.state == waitFinished13 && kind == wire.FinishedType:
		return s.finish13(raw, body)
	default:
		return unexpected(kind)
	}
	s.k.Write(raw)
	return err
}

// chosen takes the protocol from EncryptedExtensions.
func (s *Session) chosen(body []byte) error {
	name, err := chosenALPN(body)
	if err != nil {
		return err
	}
	return s.protocol(name)
}

// chosenALPN finds the protocol in EncryptedExtensions.
func chosenALPN(body []byte) (string, error) {
	r, exts := cryptobyte.String(body), cryptobyte.String(nil)
	if !r.ReadUint16LengthPrefixed(&exts) || !r.Empty() {
		return "", malformed("EncryptedExtensions of %d bytes", len(body))
	}
	for !exts.Empty() {
		var number uint16
		var ext, list, name cryptobyte.String
		if !exts.ReadUint16(&number) || !exts.ReadUint16LengthPrefixed(&ext) {
			return "", malformed("EncryptedExtensions of %d bytes", len(body))
		}
		const alpn = 16
		if number != alpn {
			continue
		}
		if !ext.ReadUint16LengthPrefixed(&list) || !list.ReadUint8LengthPrefixed(&name) || !list.Empty() || !ext.Empty() {
			return "", malformed("the ALPN extension % x", []byte(ext))
		}
		return string(name), nil
	}
	return "", nil
}

// certificateRequest13 keeps what the answer must repeat (RFC 8446 §4.3.2).
func (s *Session) certificateRequest13(body []byte) error {
	r, context := cryptobyte.String(body), cryptobyte.String(nil)
	if !r.ReadUint8LengthPrefixed(&context) {
		return malformed("a CertificateRequest of %d bytes", len(body))
	}
	s.asked = true
	s.context = append(s.context[:0], context...)
	return nil
}

func (s *Session) certificate13(body []byte) error {
	if !s.verify {
		return nil
	}
	chain, _, err := wire.ParseCertificate13(body)
	return s.keepLeaf(chain, err)
}

// certificateVerify notes the scheme, and checks the signature if this handshake
// is one of the sample.
func (s *Session) certificateVerify(body []byte) error {
	r, signature := cryptobyte.String(body), cryptobyte.String(nil)
	var scheme uint16
	if !r.ReadUint16(&scheme) || !r.ReadUint16LengthPrefixed(&signature) || !r.Empty() {
		return malformed("a CertificateVerify of %d bytes", len(body))
	}
	if err := s.scheme(scheme); err != nil || !s.verify {
		return err
	}
	return s.checkSignature(scheme, secrets.SignedContent(s.k.Transcript()), signature)
}

// finish13 verifies the server's Finished and leaves ours pending.
func (s *Session) finish13(raw, body []byte) error {
	if err := s.verifyFinished(body); err != nil {
		return err
	}
	s.k.Write(raw)
	s.compatibility()
	if err := s.k.Key(&s.write, secrets.Client); err != nil {
		return err
	}
	if s.asked {
		s.master() // its transcript ends here, before our Certificate
		if err := s.certify13(); err != nil {
			return err
		}
	}
	s.own = append(s.own[:0], s.finished()...)
	s.sealed(s.own)
	s.last = true
	s.state = complete
	return nil
}

// certify13 shows our certificate, or says that we have none (RFC 8446 §4.4.2).
func (s *Session) certify13() error {
	message := s.ownCertificate(s.context)
	s.k.Write(message)
	s.sealed(message)
	if s.l.cfg.Certificate == nil {
		return nil
	}
	verify, err := s.ownSignature(secrets.ClientSignedContent(s.k.Transcript()))
	if err != nil {
		return err
	}
	s.k.Write(verify)
	s.sealed(verify)
	return nil
}

// master takes the schedule to the application secrets. Key gives the client's
// handshake key before and its application key after: our Finished's key is set
// already.
func (s *Session) master() {
	if !s.mastered {
		s.mastered = true
		s.k.Master()
	}
}

// applicationKeys puts both sides under application keys, once what is pending
// is written, and reads what waited for them.
func (s *Session) applicationKeys() error {
	if err := s.ownApplicationKey(); err != nil || s.keyed {
		return err
	}
	s.keyed = true
	if !s.suite.TLS13() {
		return nil
	}
	return s.k.Key(&s.read, secrets.Server)
}

// ownApplicationKey puts our side under its application key: to say goodbye
// takes no other.
func (s *Session) ownApplicationKey() error {
	if s.ownKeyed || !s.suite.TLS13() {
		return nil
	}
	s.ownKeyed = true
	s.master()
	s.k.Write(s.own) // the secret of the tickets covers it (RFC 8446 §7.1)
	return s.k.Key(&s.write, secrets.Client)
}
