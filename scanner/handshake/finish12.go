// The rest of a TLS 1.2 handshake (RFC 5246 §7.3) with an ephemeral key exchange
// (RFC 8422), full or resumed.

package handshake

import (
	"bytes"
	"encoding/binary"
	"slices"

	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

func (c *client) run12() error {
	resume := c.offer.Resume
	if resume != nil && bytes.Equal(c.server.SessionID, c.hello.SessionID) {
		c.got.Resumed = true
		return c.resume12(resume)
	}
	exchange, err := c.serverFlight12()
	if err != nil {
		return err
	}
	if err := c.clientFlight12(exchange); err != nil {
		return err
	}
	if err := c.serverEnd12(); err != nil {
		return err
	}
	c.http = c.server.ALPN() == http11
	return c.finished()
}

// resume12 is the abbreviated handshake: the server ends first.
func (c *client) resume12(s *Session) error {
	if c.server.Suite != s.suite || c.server.HasExtendedMasterSecret() != s.extended {
		return malformed("a session resumed with another suite or master secret than it had") // RFC 7627 §5.3
	}
	c.keys.Resume(s.secret)
	if err := c.keys.Keys(&c.write, &c.read, c.hello.Random[:], c.server.Random[:]); err != nil {
		return err
	}
	if err := c.serverEnd12(); err != nil {
		return err
	}
	if _, err := c.conn.Write(c.end12(nil)); err != nil {
		return err
	}
	c.got.Finished = true
	c.goodbye()
	return nil
}

// serverFlight12 reads from Certificate to ServerHelloDone.
func (c *client) serverFlight12() (exchange *wire.KeyExchange, err error) {
	for {
		m, err := c.message()
		if err != nil {
			return nil, err
		}
		if m.Record != wire.Handshake {
			return nil, unexpected(m)
		}
		switch m.Handshake {
		case wire.HelloRequestType: // in no transcript (RFC 5246 §7.4.1.1)
			continue
		case wire.CertificateStatusType:
		case wire.CertificateType:
			chain, err := wire.ParseCertificate(m.Body)
			if err != nil || len(chain) == 0 {
				return nil, malformed("a Certificate message of %d bytes", len(m.Body))
			}
			c.leaf = chain[0]
		case wire.ServerKeyExchangeType:
			if exchange, err = wire.ParseKeyExchange(m.Body, wire.LookupSuite(c.server.Suite), wire.TLS12); err != nil {
				return nil, err
			}
			if err := c.checkKeyExchange(exchange); err != nil {
				return nil, err
			}
		case wire.CertificateRequestType:
			c.got.Asked = true
		case wire.ServerHelloDoneType:
			c.note(m.Raw)
			if exchange == nil {
				return nil, malformed("no ServerKeyExchange, which the suite needs")
			}
			return exchange, nil
		default:
			return nil, unexpected(m)
		}
		c.note(m.Raw)
	}
}

// clientFlight12 says Certificate, ClientKeyExchange, CertificateVerify,
// ChangeCipherSpec and Finished.
func (c *client) clientFlight12(exchange *wire.KeyExchange) error {
	key, err := c.ephemeral(exchange.Group)
	if err != nil {
		return err
	}
	shared, err := key.agree(exchange.Point)
	if err != nil {
		return err
	}
	var flight []byte
	add := func(message []byte) {
		c.note(message)
		flight = c.say(flight, wire.Handshake, message)
	}
	if c.got.Asked {
		add(certificate12(c.offer.Certificate))
	}
	point := key.Share.Data
	add(handshakeMessage(wire.ClientKeyExchangeType, slices.Concat([]byte{byte(len(point))}, point)))
	c.keys.Premaster(shared, c.hello.Random[:], c.server.Random[:], c.server.HasExtendedMasterSecret())
	if c.got.Asked && c.offer.Certificate != nil {
		verify, err := sign12(c.offer.Certificate, c.said)
		if err != nil {
			return err
		}
		add(verify)
	}
	if err := c.keys.Keys(&c.write, &c.read, c.hello.Random[:], c.server.Random[:]); err != nil {
		return err
	}
	_, err = c.conn.Write(c.end12(flight))
	return err
}

// ephemeral makes a key of a group that was offered.
func (c *client) ephemeral(group uint16) (*Key, error) {
	if !slices.Contains(ecGroups(), group) {
		return nil, malformed("group %s was chosen, which was not offered", wire.ID(group))
	}
	return NewKey(group)
}

// end12 appends ChangeCipherSpec and our Finished.
func (c *client) end12(flight []byte) []byte {
	flight = c.say(flight, wire.ChangeCipherSpec, []byte{1})
	c.out = &c.write
	finished := handshakeMessage(wire.FinishedType, c.keys.Finished(secrets.Client))
	c.note(finished)
	return c.say(flight, wire.Handshake, finished)
}

// serverEnd12 reads what a server ends with: perhaps a ticket, then
// ChangeCipherSpec and Finished.
func (c *client) serverEnd12() error {
	for {
		m, err := c.message()
		switch {
		case err != nil:
			return err
		case m.Record == wire.ChangeCipherSpec && c.in == nil:
			c.in = &c.read
		case m.Record != wire.Handshake:
			return unexpected(m)
		case m.Handshake == wire.NewSessionTicketType && c.in == nil && c.got.Sessions.ByTicket == nil:
			if err := c.ticket12(m.Body); err != nil {
				return err
			}
			c.note(m.Raw)
		case m.Handshake == wire.FinishedType && c.in != nil:
			if err := c.keys.Verify(secrets.Server, m.Body); err != nil {
				return err
			}
			c.note(m.Raw)
			c.keepSession12()
			return nil
		default:
			return unexpected(m)
		}
	}
}

// ticket12 reads a NewSessionTicket (RFC 5077 §3.3).
func (c *client) ticket12(body []byte) error {
	if len(body) < 6 || int(binary.BigEndian.Uint16(body[4:])) != len(body)-6 {
		return malformed("a NewSessionTicket of %d bytes", len(body))
	}
	if len(body) > 6 { // an empty one takes back the promise
		c.got.Sessions.ByTicket = c.session12()
		c.got.Sessions.ByTicket.Ticket = slices.Clone(body[6:])
	}
	return nil
}

func (c *client) keepSession12() {
	if id := c.server.SessionID; len(id) > 0 && !c.got.Resumed {
		c.got.Sessions.ByID = c.session12()
		c.got.Sessions.ByID.id = slices.Clone(id)
	}
}

func (c *client) session12() *Session {
	return &Session{version: wire.TLS12, suite: c.server.Suite, secret: c.keys.MasterSecret(), extended: c.server.HasExtendedMasterSecret()}
}

func handshakeMessage(kind wire.HandshakeType, body []byte) []byte {
	n := len(body)
	return slices.Concat([]byte{byte(kind), byte(n >> 16), byte(n >> 8), byte(n)}, body)
}
