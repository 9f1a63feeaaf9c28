// Finish: one whole handshake, as a client that goes on to the end would have
// it. This file begins it and says how it ended.

package handshake

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

// Offer is what a handshake that shall be finished offers: one version, and in
// it some suites. All must be of Finishable.
type Offer struct {
	Version     uint16
	ServerName  string // "" sends no SNI
	Suites      []uint16
	Group       uint16           // TLS 1.3: of the share; one of Groups
	Certificate *tls.Certificate // shown if the server asks for one; nil shows none
	Ticket      bool             // up to TLS 1.2: ask for a ticket
	Resume      *Session         // a session of this version to go on with
	// Request is sent once the handshake is finished, so that the server has
	// something to answer: many send the tickets of TLS 1.3 only with their
	// first data. nil sends nothing and waits for nothing.
	Request []byte
	HTTP    bool // the Request is one of HTTP/1.1: offer that by ALPN, and read the head of the response
	Listen  bool // TLS 1.3: wait a moment and no longer, for what comes of the Request, or for a ticket without one
}

// Outcome is how a handshake ended.
type Outcome struct {
	Suite    uint16 // what the server chose; 0 without a ServerHello
	Finished bool   // both Finished messages are sent, and the server's is verified
	Resumed  bool
	Asked    bool            // the server asked for a certificate
	Sessions Sessions        // what it left to be resumed
	Answered bool            // after the Request the server sent data or closed in order
	Head     []byte          // what it sent, to the end of an HTTP response's head, if that was offered
	Failure  results.Failure // if it is not Finished, or not Answered
}

// Refused reports whether the server began with the suite and then would not or
// could not go on: it said so, or hung up. Where it asked for a certificate,
// that may be the reason, and nothing is known of the suite.
func (o *Outcome) Refused() bool {
	kind := o.Failure.Kind
	return o.Suite != 0 && !o.Finished && !o.Asked &&
		(kind == results.KindAlert || kind == results.KindEOF || kind == results.KindReset)
}

// Rejected reports whether an alert ended the handshake. Where HTTP/1.1 was offered
// by ALPN that may be the reason: the server speaks other protocols alone and says
// so (RFC 7301 §3.2), or cannot make a choice (Botan's program, after its ServerHello).
func (o *Outcome) Rejected() bool { return !o.Finished && o.Failure.Kind == results.KindAlert }

// Finishable lists the suites of a version that Finish can finish: our own
// where the session can also be resumed, the others by zcrypto.
func Finishable(version uint16) []uint16 {
	switch {
	case version == wire.TLS13:
		return Suites()
	case version >= wire.TLS10 && version <= wire.TLS12:
		return legacySuites(version)
	}
	return nil
}

// Resumable lists the suites of a version whose sessions Finish can resume.
func Resumable(version uint16) []uint16 {
	var ids []uint16
	for _, s := range wire.Suites() {
		known, ok := secrets.Lookup(uint16(s.ID))
		if ok && (version == wire.TLS13 && known.TLS13() || version == wire.TLS12 && s.Kx == "ECDHE") {
			ids = append(ids, uint16(s.ID))
		}
	}
	return ids
}

// Finish carries a handshake to its end. What the server did is in the Outcome.
func Finish(conn *dial.Conn, o Offer) Outcome {
	own := Resumable(o.Version)
	if slices.ContainsFunc(o.Suites, func(id uint16) bool { return !slices.Contains(own, id) }) {
		return finishLegacy(conn, o)
	}
	c := &client{line: line{conn: conn, tls13: o.Version == wire.TLS13}, offer: o, began: time.Now()}
	if err := c.run(); err != nil {
		c.fail(err)
	}
	return c.got
}

// client is our side of one handshake.
type client struct {
	line
	offer  Offer
	began  time.Time
	http   bool // HTTP/1.1 was chosen by ALPN
	key    *Key // of TLS 1.3
	hello  wire.ClientHello
	server *wire.ServerHello
	before [][]byte // the first hello and the HelloRetryRequest, if that was answered
	leaf   []byte   // the server's certificate
	keys   secrets.Schedule
	said   []byte // the transcript, which a client's signature of TLS 1.2 covers
	write  secrets.Half
	read   secrets.Half
	got    Outcome
}

func (c *client) fail(err error) {
	stage := results.StageHandshake
	switch {
	case c.got.Suite == 0:
		stage = results.StageHello
	case c.got.Finished && c.offer.Request != nil && !errors.As(err, new(fatal)):
		stage = results.StageRequest
	}
	c.got.Failure = c.failure(stage, err)
}

func (c *client) run() error {
	sent, err := c.compose()
	if err != nil {
		return err
	}
	_, writeErr := c.conn.Write(wire.Records(wire.TLS10, sent))
	raw, err := c.serverHello()
	if err != nil {
		// A server that refused may have said so before it closed.
		if writeErr != nil && errors.Is(err, io.EOF) {
			return writeErr
		}
		return err
	}
	suite, _ := secrets.Lookup(c.server.Suite)
	c.keys.Start(suite)
	if c.server.IsRetry() {
		c.before = [][]byte{sent, raw}
		restart(&c.keys, c.before)
		if sent, raw, err = c.again(); err != nil {
			return err
		}
	}
	c.note(sent)
	c.note(raw)
	if c.tls13 {
		return c.run13()
	}
	return c.run12()
}

// note adds a message to the transcript.
func (c *client) note(message []byte) {
	c.keys.Write(message)
	c.said = append(c.said, message...)
}

// compose makes the hello, as a message.
func (c *client) compose() ([]byte, error) {
	o := c.offer
	h := &c.hello
	h.Version, h.Suites, h.SessionID = wire.TLS12, o.Suites, make([]byte, 32)
	rand.Read(h.Random[:])
	// TLS 1.3 is kind to middleboxes with it (RFC 8446 §D.4); with a ticket of
	// TLS 1.2 its echo tells that the session was resumed (RFC 5077 §3.4).
	rand.Read(h.SessionID)
	if o.ServerName != "" {
		h.Extensions = append(h.Extensions, wire.ServerName(o.ServerName))
	}
	h.Extensions = append(h.Extensions, wire.ExtendedMasterSecret(), wire.RenegotiationInfo(), wire.ECPointFormats(), wire.SignatureAlgorithms(schemes(o.Version)))
	if o.HTTP {
		h.Extensions = append(h.Extensions, wire.ALPN([]string{http11}))
	}
	if c.tls13 {
		return c.compose13()
	}
	h.Extensions = append(h.Extensions, wire.SupportedGroups(ecGroups()))
	switch {
	case o.Resume != nil && o.Resume.Ticket == nil:
		h.SessionID = o.Resume.id
	case o.Resume != nil:
		h.Extensions = append(h.Extensions, wire.SessionTicket(o.Resume.Ticket))
	case o.Ticket:
		h.SessionID = nil
		h.Extensions = append(h.Extensions, wire.SessionTicket(nil))
	default:
		h.SessionID = nil
	}
	return h.Marshal(), nil
}

// ecGroups are the groups of TLS 1.2 that we have keys for.
func ecGroups() []uint16 {
	return []uint16{x25519, secp256r1, secp384r1, secp521r1, groupX448, 0x001A, 0x001B, 0x001C} // Brainpool's
}

// schemes lists the signature schemes that are offered: whether one is a good
// one is not asked here.
func schemes(version uint16) []uint16 {
	ids := []uint16{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601, 0x0807, 0x0808, 0x0809, 0x080A, 0x080B}
	if version == wire.TLS13 { // ML-DSA, SM2, Brainpool
		ids = append(ids, 0x0904, 0x0905, 0x0906, 0x0708, 0x081A, 0x081B, 0x081C)
	}
	return append(ids, 0x0203, 0x0201)
}

// serverHello reads the ServerHello and holds it against the offer.
func (c *client) serverHello() (raw []byte, err error) {
	m, err := c.message()
	if err != nil {
		return nil, err
	}
	if m.Record != wire.Handshake || m.Handshake != wire.ServerHelloType {
		return nil, unexpected(m)
	}
	h, err := wire.ParseServerHello(m.Body)
	switch {
	case err != nil:
		return nil, err
	case h.Selected() != c.offer.Version:
		return nil, malformed("%s was chosen, which was not offered", wire.VersionName(h.Selected()))
	case !slices.Contains(c.offer.Suites, h.Suite):
		return nil, malformed("suite %s was chosen, which was not offered", wire.ID(h.Suite))
	case h.IsRetry() && !c.wantsCookie(h):
		return nil, malformed("a HelloRetryRequest for the group of a share that was sent")
	case h.Compression != 0:
		return nil, malformed("compression was chosen, which was not offered")
	case c.server != nil && c.server.Suite != h.Suite: // RFC 8446 §4.1.4
		return nil, malformed("another suite than that of the HelloRetryRequest")
	}
	if c.server = h; !h.IsRetry() {
		c.got.Suite = h.Suite
	}
	return slices.Clone(m.Raw), nil
}

// wantsCookie reports whether a first HelloRetryRequest asks for nothing but its cookie
// (RFC 8446 §4.2.2).
func (c *client) wantsCookie(h *wire.ServerHello) bool {
	_, another := h.KeyShare()
	return c.tls13 && c.server == nil && !another && h.HasCookie()
}

// again says the same hello with the cookie of a HelloRetryRequest, and reads the
// ServerHello.
func (c *client) again() (sent, raw []byte, err error) {
	extensions := &c.hello.Extensions
	end := len(*extensions)
	if c.offer.Resume != nil {
		end-- // the PSK stays the last (RFC 8446 §4.2.11)
	}
	*extensions = slices.Insert(*extensions, end, wire.Cookie(c.server.Cookie()))
	sent = c.bind(c.hello.Marshal())
	if _, err := c.conn.Write(wire.Records(wire.TLS12, sent)); err != nil {
		return nil, nil, err
	}
	raw, err = c.serverHello()
	return sent, raw, err
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{wire.ErrMalformed}, args...)...)
}

func unexpected(m wire.Message) error {
	if m.Record != wire.Handshake {
		return malformed("a record of type %d where the handshake goes on", m.Record)
	}
	return malformed("handshake message %d where another is due", m.Handshake)
}

// goodbye is a close_notify: a server may forget the session of a connection
// that just breaks off.
func (c *client) goodbye() { c.conn.Write(c.say(nil, wire.AlertRecord, []byte{1, 0})) }
