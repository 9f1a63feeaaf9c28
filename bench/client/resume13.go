// Resumption of TLS 1.3: pre-shared keys and the tickets that bring them
// (RFC 8446 §2.2, §4.6.1).

package client

import (
	"time"

	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

// agree13 takes the schedule to the handshake secrets. That the server resumes
// stands in its ServerHello, and only there.
func (s *Session) agree13(h *wire.ServerHello) error {
	index, resumes := h.PreSharedKey()
	if !resumes {
		s.k.Agree(s.shared)
		return nil
	}
	switch {
	case s.offered == nil || index != 0:
		return malformed("the server resumes a session that was not offered")
	case s.suite.HashSize() != len(s.offered.secret):
		return malformed("the server resumes with the suite %s a session of %s", suiteName(h.Suite), suiteName(s.offered.suite))
	}
	s.sample.Shape.Resumed = true
	s.k.AgreeResumed(s.offered.secret, s.shared)
	return nil
}

// ticket13 puts a ticket into the wallet, if it is wanted.
func (s *Session) ticket13(body []byte, at time.Duration) error {
	s.collecting, s.collected = false, true
	if !s.l.cfg.Wallet.wants(s.sample.Shape.Resumed) {
		return nil // others have brought enough meanwhile
	}
	t, err := wire.ParseNewSessionTicket(body)
	if err != nil {
		return malformed("%v", err)
	}
	if s.resumption == nil {
		s.resumption = s.k.ResumptionSecret()
	}
	if t.Lifetime == 0 || len(t.Ticket) > maxTicket { // to be thrown away (RFC 8446 §4.6.1)
		return nil
	}
	s.l.cfg.Wallet.put(&session{
		received: at, lifetime: lifetime(t.Lifetime), ageAdd: t.AgeAdd, suite: s.suite.ID,
		ticket: t.Ticket, secret: s.k.PSK(s.resumption, t.Nonce),
	})
	return nil
}

// rebind offers the ticket once more behind a HelloRetryRequest, if the suite is
// still one that it is good for (RFC 8446 §4.1.4).
func (s *Session) rebind(h *hello, again []byte, suite secrets.Suite) []byte {
	if s.offered == nil || suite.HashSize() != len(s.offered.secret) {
		s.offered = nil
		s.k.Write(again[recordHeader:])
		return again
	}
	return s.bind(h, again, max(s.sample.Start, s.sample.Ready))
}
