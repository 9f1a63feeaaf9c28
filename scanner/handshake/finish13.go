// The rest of a TLS 1.3 handshake (RFC 8446 §2), full or resumed by a PSK, and
// the tickets after it.

package handshake

import (
	"slices"
	"time"

	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

// compose13 makes the hello of TLS 1.3. A PSK's binder stands at its very end
// and covers all before itself (RFC 8446 §4.2.11).
func (c *client) compose13() ([]byte, error) {
	key, err := NewKey(c.offer.Group)
	if err != nil {
		return nil, err
	}
	c.key = key
	h := &c.hello
	h.Extensions = append(h.Extensions, wire.SupportedVersions(wire.TLS13), wire.SupportedGroups([]uint16{c.offer.Group}),
		wire.KeyShares(key.Share), wire.PSKModes())
	s := c.offer.Resume
	if s == nil {
		return h.Marshal(), nil
	}
	suite, _ := secrets.Lookup(s.suite)
	h.Extensions = append(h.Extensions, wire.PreSharedKey(s.Ticket, s.age(), suite.HashSize()))
	return c.bind(h.Marshal()), nil
}

// bind fills in the binder of a hello that offers a PSK. What was said before, if it was
// answered by a HelloRetryRequest, is covered too.
func (c *client) bind(message []byte) []byte {
	s := c.offer.Resume
	if s == nil {
		return message
	}
	suite, _ := secrets.Lookup(s.suite)
	var keys secrets.Schedule
	keys.Start(suite)
	restart(&keys, c.before)
	keys.Write(message[:len(message)-suite.HashSize()-3])
	copy(message[len(message)-suite.HashSize():], keys.Binder(s.secret))
	return message
}

// age is how old a ticket is, in milliseconds and hidden from onlookers
// (RFC 8446 §4.2.11.1).
func (s *Session) age() uint32 { return uint32(time.Since(s.received).Milliseconds()) + s.ageAdd }

func (c *client) run13() error {
	if err := c.agree13(); err != nil {
		return err
	}
	context, err := c.serverFlight13()
	if err != nil {
		return err
	}
	if err := c.clientFlight13(context); err != nil {
		return err
	}
	return c.finished()
}

// agree13 takes the server's share and goes on encrypted.
func (c *client) agree13() error {
	share, ok := c.server.KeyShare()
	if !ok || share.Group != c.key.Share.Group {
		return errShare
	}
	shared, err := c.key.agree(share.Data)
	if err != nil {
		return err
	}
	chosen, resumed := c.server.PreSharedKey()
	switch s := c.offer.Resume; {
	case resumed && (s == nil || chosen != 0):
		return malformed("a pre-shared key was chosen that was not offered")
	case resumed && hashOf(s.suite) != hashOf(c.server.Suite): // RFC 8446 §4.2.11
		return malformed("a pre-shared key resumed with a suite of another hash")
	case resumed:
		c.got.Resumed = true
		c.keys.AgreeResumed(s.secret, shared)
	default:
		c.keys.Agree(shared)
	}
	c.in = &c.read
	return c.keys.Key(&c.read, secrets.Server)
}

func hashOf(suite uint16) int {
	s, _ := secrets.Lookup(suite)
	return s.HashSize()
}

// serverFlight13 reads from EncryptedExtensions to Finished; context is that of
// a CertificateRequest.
func (c *client) serverFlight13() (context []byte, err error) {
	last := wire.ServerHelloType
	for {
		m, err := c.message()
		if err != nil {
			return nil, err
		}
		if m.Record != wire.Handshake || !c.follows13(last, m.Handshake) {
			return nil, unexpected(m)
		}
		last = m.Handshake
		switch m.Handshake {
		case wire.EncryptedExtensionsType:
			exts, _ := wire.ParseEncryptedExtensions(m.Body) // malformed ones choose nothing
			c.http = wire.ALPNOf(exts) == http11
		case wire.CertificateRequestType:
			c.got.Asked = true
			if context, err = requestContext(m.Body); err != nil {
				return nil, err
			}
		case wire.CertificateType:
			chain, _, err := wire.ParseCertificate13(m.Body)
			if err != nil || len(chain) == 0 {
				return nil, malformed("a Certificate message of %d bytes", len(m.Body))
			}
			c.leaf = chain[0]
		case wire.CertificateVerifyType:
			if err := c.checkVerify(m.Body); err != nil {
				return nil, err
			}
		case wire.FinishedType:
			if err := c.keys.Verify(secrets.Server, m.Body); err != nil {
				return nil, err
			}
			c.note(m.Raw)
			return context, nil
		}
		c.note(m.Raw)
	}
}

// follows13 is the order of a server's flight (RFC 8446 §4).
func (c *client) follows13(last, next wire.HandshakeType) bool {
	switch next {
	case wire.EncryptedExtensionsType:
		return last == wire.ServerHelloType
	case wire.CertificateRequestType:
		return last == wire.EncryptedExtensionsType && !c.got.Resumed
	case wire.CertificateType:
		return (last == wire.EncryptedExtensionsType || last == wire.CertificateRequestType) && !c.got.Resumed
	case wire.CertificateVerifyType:
		return last == wire.CertificateType
	case wire.FinishedType:
		return last == wire.CertificateVerifyType || last == wire.EncryptedExtensionsType && c.got.Resumed
	}
	return false
}

// requestContext is what the answer to a CertificateRequest must repeat
// (RFC 8446 §4.3.2).
func requestContext(body []byte) ([]byte, error) {
	if len(body) == 0 || len(body) < 1+int(body[0]) {
		return nil, malformed("a CertificateRequest of %d bytes", len(body))
	}
	return slices.Clone(body[1 : 1+int(body[0])]), nil
}

// clientFlight13 ends the handshake on our side and turns to application keys.
func (c *client) clientFlight13(context []byte) error {
	if err := c.keys.Key(&c.write, secrets.Client); err != nil {
		return err
	}
	c.keys.Master() // its transcript ends with the server's Finished
	flight := c.say(nil, wire.ChangeCipherSpec, []byte{1})
	c.out = &c.write
	add := func(message []byte) {
		c.note(message)
		flight = c.say(flight, wire.Handshake, message)
	}
	if c.got.Asked {
		add(certificate13(c.offer.Certificate, context))
	}
	if c.got.Asked && c.offer.Certificate != nil {
		verify, err := sign13(c.offer.Certificate, c.keys.Transcript())
		if err != nil {
			return err
		}
		add(verify)
	}
	add(handshakeMessage(wire.FinishedType, c.keys.Finished(secrets.Client)))
	if _, err := c.conn.Write(flight); err != nil {
		return err
	}
	if err := c.keys.Key(&c.write, secrets.Client); err != nil {
		return err
	}
	return c.keys.Key(&c.read, secrets.Server)
}

// ticket13 reads a NewSessionTicket (RFC 8446 §4.6.1).
func (c *client) ticket13(body []byte) error {
	t, err := wire.ParseNewSessionTicket(body)
	if err != nil {
		return err
	}
	c.got.Sessions.ByTicket = &Session{
		Ticket: t.Ticket, EarlyData: t.MaxEarlyData, version: wire.TLS13, suite: c.server.Suite,
		secret: c.keys.PSK(c.keys.ResumptionSecret(), t.Nonce), ageAdd: t.AgeAdd, received: time.Now(),
	}
	return nil
}
