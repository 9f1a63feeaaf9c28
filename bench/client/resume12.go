// Resumption of TLS 1.2: by session id (RFC 5246 §7.4.1.2) and by ticket
// (RFC 5077).

package client

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"shakedown/scanner/wire"
)

// serverHello12 tells by the session id whether the server resumes: it does what
// we asked if it repeats the id that we sent, and only then.
func (s *Session) serverHello12(h *wire.ServerHello, raw []byte) error {
	s.extended = h.HasExtendedMasterSecret()
	if err := s.protocol(h.ALPN()); err != nil {
		return err
	}
	if sent := s.sentID(); len(sent) > 0 && bytes.Equal(sent, h.SessionID) {
		return s.resume12(h)
	}
	if s.offered != nil {
		s.l.cfg.Wallet.refused(s.offered)
	}
	s.fresh.id = append(s.fresh.id, h.SessionID...)
	s.state = waitCertificate12
	return nil
}

// sentID is the session id of our ClientHello.
func (s *Session) sentID() []byte {
	at := s.face.hello.random + randomSize
	return s.hello[at+1 : at+1+int(s.hello[at])]
}

// resume12 takes up the master secret of the session that was offered. What it
// was made with must be what the server goes on with (RFC 5246 §7.4.1.3,
// RFC 7627 §5.3).
func (s *Session) resume12(h *wire.ServerHello) error {
	switch {
	case s.offered == nil:
		return malformed("the server resumes a session that was not offered")
	case h.Suite != s.offered.suite:
		return malformed("the server resumes with the suite %s a session of %s", suiteName(h.Suite), suiteName(s.offered.suite))
	case s.extended != s.offered.extended:
		return malformed("the server resumes a session with another kind of master secret (RFC 7627 §5.3)")
	}
	s.sample.Shape.Resumed = true
	s.k.Resume(s.offered.secret)
	s.state = waitChangeCipherSpec
	return s.k.Keys(&s.write, &s.read, s.clientRandom(), s.serverRandom[:])
}

// ticket12 keeps a ticket (RFC 5077 §3.3). One that comes with a resumed
// handshake is not needed: the old one stays good.
func (s *Session) ticket12(body []byte) error {
	const head = 6 // lifetime, length
	if len(body) < head || len(body) != head+int(binary.BigEndian.Uint16(body[4:])) {
		return malformed("a NewSessionTicket of %d bytes", len(body))
	}
	wanted := s.l.cfg.Wallet != nil && !s.sample.Shape.Resumed
	if ticket := body[head:]; wanted && len(ticket) > 0 && len(ticket) <= maxTicket {
		s.fresh.ticket = slices.Clone(ticket)
		s.fresh.lifetime = lifetime(binary.BigEndian.Uint32(body))
	}
	return nil
}

// keep12 puts what a full handshake left into the wallet.
func (s *Session) keep12(at time.Duration) {
	f := &s.fresh
	if len(f.ticket)+len(f.id) == 0 || !s.l.cfg.Wallet.wants(false) {
		return
	}
	if f.ticket == nil {
		f.lifetime = maxLifetime
	}
	kept := *f
	kept.received, kept.suite, kept.extended = at, s.suite.ID, s.extended
	kept.secret = s.k.MasterSecret()
	kept.hello = newHello(s.l.cfg, nil, nil, &kept)
	s.l.cfg.Wallet.put(&kept)
	s.collected = true
}
