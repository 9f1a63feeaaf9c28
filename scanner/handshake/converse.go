// Converse: what is said once a handshake is finished, and what is waited for.

package handshake

import (
	"bytes"
	"time"

	"shakedown/scanner/wire"
)

const http11 = "http/1.1"

// maxHead bounds the head of a response that is read.
const maxHead = 16 << 10

// finished ends a handshake that both sides have finished: with a goodbye, after
// the request that was to be made, or the silence that was to be kept.
func (c *client) finished() error {
	c.got.Finished = true
	var err error
	switch {
	case c.offer.Request != nil:
		err = c.converse()
	case c.offer.Listen && c.tls13:
		err = c.listen()
	}
	if err == nil {
		c.goodbye()
	}
	return err
}

// converse says something and listens, until it has heard a ticket and the head
// of a response, or until the server shows that none will come: stacks that
// send tickets at all do so before their first data.
func (c *client) converse() error {
	if _, err := c.conn.Write(c.say(nil, wire.ApplicationData, c.offer.Request)); err != nil {
		return err
	}
	if !c.tls13 || c.offer.Listen {
		defer c.hurry()()
	}
	for {
		m, err := c.message()
		switch {
		case err == errClosed, err != nil && c.got.Answered: // what came is all that comes
			c.got.Answered = true
			return nil
		case err != nil:
			return err
		case m.Record == wire.ApplicationData:
			c.got.Answered = true
			if c.heard(m.Body) {
				return nil
			}
		case m.Record != wire.Handshake:
			return unexpected(m)
		case m.Handshake == wire.NewSessionTicketType && c.tls13:
			if err := c.ticket13(m.Body); err != nil {
				return err
			}
			c.got.Answered = true
			if !c.offer.HTTP {
				return nil
			}
			defer c.hurry()()
		}
		// KeyUpdate and what else may come: nothing that is asked for here.
	}
}

// listen waits a moment for a ticket, and says nothing. That none comes is no
// failure, and tells nothing.
func (c *client) listen() error {
	defer c.shortly()()
	for {
		m, err := c.message()
		switch {
		case err != nil:
			return nil
		case m.Record == wire.Handshake && m.Handshake == wire.NewSessionTicketType:
			return c.ticket13(m.Body)
		}
	}
}

// heard adds to the head of the response and reports whether it is whole.
func (c *client) heard(data []byte) bool {
	if !c.offer.HTTP {
		return true
	}
	c.got.Head = append(c.got.Head, data[:min(len(data), maxHead-len(c.got.Head))]...)
	return len(c.got.Head) == maxHead || bytes.Contains(c.got.Head, []byte("\r\n\r\n")) || bytes.Contains(c.got.Head, []byte("\n\n"))
}

// hurry shortens the wait for a response where nothing promises one: a server
// that chose HTTP by ALPN will speak it, any other may well be silent for ever.
func (c *client) hurry() (calm func() bool) {
	if c.http {
		return func() bool { return false }
	}
	return c.shortly()
}

// shortly ends the wait for whatever comes. Four times what the handshake took is
// time enough for one that has something to say.
func (c *client) shortly() (calm func() bool) {
	const atLeast = 100 * time.Millisecond
	late := time.AfterFunc(atLeast+4*time.Since(c.began), func() { c.conn.SetReadDeadline(time.Unix(1, 0)) })
	return late.Stop
}
