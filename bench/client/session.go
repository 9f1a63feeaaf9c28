// Session: the handshake itself, as a machine from bytes to bytes. It does no
// I/O and reads no clock, so that a connection, an event loop or a test can
// drive it alike: Start it, write what it has Pending, Feed it what arrives,
// until it is Complete.

package client

import (
	"fmt"
	"math/rand/v2"
	"time"

	"shakedown/results"
	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

// Session makes one handshake after another for a Lean client, with buffers and
// hashes that are used again. It is for one goroutine at a time.
type Session struct {
	l      *Lean
	face   *face // of the handshake at hand
	random *rand.ChaCha8

	sample *Sample
	state  state
	k      secrets.Schedule
	in     []byte        // a record that is not whole yet
	inAt   time.Duration // when its first bytes came
	hs     []byte        // a handshake message that is not whole yet
	out    []byte        // what is to be written
	hello  []byte        // the ClientHello record as it was sent, or the second one
	spare  []byte
	buffer []byte // to read into, of a session on a connection
	bytes  int    // received in this handshake
	count  int    // records received

	read, write secrets.Half
	suite       secrets.Suite
	share       share
	shared      []byte
	flags

	serverRandom [randomSize]byte
	offered      *session // what is to be resumed; nil for a full handshake
	fresh        session  // TLS 1.2: what this handshake leaves
	own          []byte   // our Finished message of TLS 1.3
	resumption   []byte   // the secret of this connection's tickets
	said         []byte   // TLS 1.2 with a certificate of ours: all messages, to be signed
	context      []byte   // of a CertificateRequest
	leaf         []byte   // DER of the server's certificate, if its signature is to be checked
	keys         keyCache
}

// flags are what a handshake has come to beside its state.
type flags struct {
	verify     bool // the certificate's signature is to be checked
	reading    bool // received records are protected
	compatible bool // our ChangeCipherSpec of TLS 1.3 was sent
	extended   bool // TLS 1.2: extended master secret
	asked      bool // a client certificate was asked for
	mastered   bool // TLS 1.3: the schedule has reached the application secrets
	keyed      bool // records of both sides are under application keys
	ownKeyed   bool // TLS 1.3: ours are
	last       bool // once what is pending is written, the handshake is complete
	asking     bool // what is pending is the request
	answered   bool // the response has begun
	collecting bool // the connection is kept until a ticket has come
	collected  bool // one has
	unheard    bool // our Finished was the last word
}

// state is the message that is awaited.
type state uint8

const (
	waitServerHello state = iota
	// TLS 1.3
	waitEncryptedExtensions
	waitCertificate13
	waitCertificateVerify
	waitFinished13
	// TLS 1.2
	waitCertificate12
	waitKeyExchange
	waitHelloDone
	waitTicket
	waitChangeCipherSpec
	waitFinished12

	complete
)

// Bounds on what one handshake may bring. A chain of 200 kB passes; a server
// that sends without end does not.
const (
	maxBytes   = 1 << 19
	maxMessage = 1 << 18
	maxRecords = 4096
)

// Start begins a handshake whose instants go to sample, and leaves the
// ClientHello pending.
func (s *Session) Start(sample *Sample) {
	s.sample = sample
	s.state = waitServerHello
	s.in, s.hs, s.out = s.in[:0], s.hs[:0], s.out[:0]
	s.bytes, s.count = 0, 0
	s.flags = flags{}
	s.face, s.verify = s.l.next()
	s.said, s.resumption, s.fresh = s.said[:0], nil, session{}
	sample.Shape = Shape{}
	s.greet()
	s.out = append(s.out, s.hello...)
	sample.Token = Token(s.hello)
}

// greet makes the ClientHello, with something to resume if that is asked for and
// there is something.
func (s *Session) greet() {
	s.offered = nil
	now := max(s.sample.Start, s.sample.Ready)
	if s.sample.Resume {
		s.offered = s.l.cfg.Wallet.take(now)
	}
	s.sample.Offered = s.offered != nil
	switch {
	case s.offered == nil:
		s.hello = s.face.hello.write(s.hello, s.fill)
	case s.offered.hello != nil: // TLS 1.2
		s.hello = s.offered.hello.write(s.hello, s.fill)
	default:
		s.hello = s.face.hello.write(s.hello, s.fill)
		suite, _ := secrets.Lookup(s.offered.suite)
		s.k.Start(suite)
		s.hello = s.bind(s.face.hello, s.hello, now)
	}
}

// bind puts the offered ticket into a ClientHello and writes that to the
// transcript.
func (s *Session) bind(h *hello, record []byte, now time.Duration) []byte {
	size := s.k.Suite().HashSize()
	record, at := h.offer(record, s.offered, now-s.offered.received, size)
	s.k.Write(record[recordHeader : at-bindersHeader])
	copy(record[at:], s.k.Binder(s.offered.secret))
	s.k.Write(record[at-bindersHeader:])
	return record
}

func (s *Session) fill(b []byte) { s.random.Read(b) }

// Pending is what is to be written now; nil if nothing. It is valid until the
// next call of Feed.
func (s *Session) Pending() []byte {
	if len(s.out) == 0 {
		return nil
	}
	return s.out
}

// Written says that what was pending is being written, at an instant.
func (s *Session) Written(at time.Duration) {
	s.out = s.out[:0]
	switch {
	case s.sample.Hello == 0:
		s.sample.Hello = at
	case s.last: // in TLS 1.3 the client is done as soon as its Finished is written
		s.last, s.unheard = false, true
		s.sample.Done = at
	case s.asking:
		s.asking = false
		s.sample.Request = at
	}
}

// Complete reports whether the handshake is done and nothing is left to write.
func (s *Session) Complete() bool { return s.state == complete && len(s.out) == 0 }

// Ask leaves the request pending, if there is one, once the handshake is
// complete. The keys for it are made here, where no interval is open.
func (s *Session) Ask() error {
	if s.l.cfg.Request == "" {
		return nil
	}
	if err := s.applicationKeys(); err != nil {
		return err
	}
	s.out = s.write.Seal(s.out[:0], byte(wire.ApplicationData), s.l.get)
	s.asking = true
	return nil
}

// Over reports whether there is nothing more to do: the handshake is complete,
// and if there is a request, its response has begun.
func (s *Session) Over() bool {
	return s.Complete() && (s.answered || s.l.cfg.Request == "")
}

// Collect prepares to take the tickets of a handshake that is over. It reports
// whether the connection is to be kept for them: then Feed what comes, until it
// is no longer Collecting.
func (s *Session) Collect() bool {
	if s.keyed || !s.suite.TLS13() || !s.l.cfg.Wallet.wants(s.sample.Shape.Resumed) {
		return false // with a request, what came before the response is in
	}
	s.collecting = true
	if s.applicationKeys() != nil || s.Feed(nil, s.inAt) != nil {
		s.collecting = false
	}
	return s.collecting
}

// Collecting reports whether a ticket is still awaited.
func (s *Session) Collecting() bool { return s.collecting }

// Collected reports whether this handshake brought something to resume.
func (s *Session) Collected() bool { return s.collected }

// Unheard reports whether our Finished was the last word of the connection, so
// that only the server's next one shows that it has arrived.
func (s *Session) Unheard() bool { return s.unheard && !s.answered && !s.collected }

// Goodbye is a close_notify to be written after a complete handshake.
func (s *Session) Goodbye() ([]byte, error) {
	if err := s.ownApplicationKey(); err != nil {
		return nil, err
	}
	const warning, closeNotify = 1, 0
	s.spare = append(s.spare[:0], warning, closeNotify)
	s.out = s.write.Seal(s.out[:0], byte(wire.AlertRecord), s.spare)
	return s.out, nil
}

// Fail makes the sample's failure of an error, by how far the handshake came.
func (s *Session) Fail(err error) {
	s.sample.Failure = failure(s.sample.stage(), err, s.l.cfg.Classify)
}

// Feed takes bytes that arrived at an instant, and may change them. An error is
// the end of the handshake.
func (s *Session) Feed(b []byte, at time.Duration) error {
	if s.bytes += len(b); s.bytes > maxBytes {
		return limit("more than %d bytes in one handshake", maxBytes)
	}
	if len(s.in) > 0 {
		s.in = append(s.in, b...)
		b = s.in
	} else {
		s.inAt = at
	}
	rest, err := s.records(b, at)
	s.in = append(s.in[:0], rest...)
	return err
}

// records takes whole records off b and returns the rest.
func (s *Session) records(b []byte, at time.Duration) ([]byte, error) {
	for len(b) > 0 {
		if s.count == 0 && notTLS(b) {
			return nil, &fault{kind: results.KindNotTLS, detail: fmt.Sprintf("the answer is not TLS: it begins with %q", b[:min(len(b), 24)])}
		}
		if len(b) < recordHeader || s.paused() {
			return b, nil
		}
		n := int(b[3])<<8 | int(b[4])
		if n > maxCiphertext {
			return nil, limit("a record of %d bytes", n)
		}
		if len(b) < recordHeader+n {
			return b, nil
		}
		if s.count++; s.count > maxRecords {
			return nil, limit("more than %d records in one handshake", maxRecords)
		}
		if err := s.record(b[:recordHeader+n:recordHeader+n], at); err != nil {
			return nil, err
		}
		b, s.inAt = b[recordHeader+n:], at
	}
	return nil, nil
}

// paused: some servers send tickets right behind their Finished; they wait until
// there are keys for them, which not every handshake needs. And what follows the
// first bytes of a response is not of interest.
func (s *Session) paused() bool {
	return s.state == complete && !s.keyed || s.answered
}

// maxCiphertext is the most that any record may carry (RFC 5246 §6.2.3).
const maxCiphertext = 1<<14 + 2048

func notTLS(b []byte) bool {
	return b[0] < byte(wire.ChangeCipherSpec) || b[0] > byte(wire.ApplicationData) || len(b) > 1 && b[1] != 3
}

// record takes one record.
func (s *Session) record(b []byte, at time.Duration) error {
	kind, body := wire.ContentType(b[0]), b[recordHeader:]
	if s.reading && s.protected(kind) {
		k, plain, err := s.read.Open(b)
		if err != nil {
			return malformed("%v", err)
		}
		kind, body = wire.ContentType(k), plain
	}
	if len(s.hs) > 0 && kind != wire.Handshake {
		return malformed("a record of type %d inside a handshake message", kind)
	}
	switch kind {
	case wire.Handshake:
		return s.messages(body, at)
	case wire.AlertRecord:
		return s.alert(body)
	case wire.ChangeCipherSpec:
		return s.changeCipherSpec(body)
	case wire.ApplicationData:
		if s.state != complete {
			return malformed("application data before the end of the handshake")
		}
		if !s.answered {
			s.answered = true
			s.sample.FirstByte = s.inAt
		}
		return nil
	}
	return malformed("a record of type %d", kind)
}

// protected tells records under protection from those that TLS 1.3 still lets
// through in the clear: ChangeCipherSpec (RFC 8446 §5), and the alert of a
// server that has no keys yet.
func (s *Session) protected(kind wire.ContentType) bool {
	return !s.suite.TLS13() || kind == wire.ApplicationData || kind == wire.Handshake
}

// messages takes whole handshake messages off what came, and keeps the rest.
func (s *Session) messages(body []byte, at time.Duration) error {
	if len(body) == 0 {
		return malformed("an empty handshake record")
	}
	if len(s.hs) > 0 {
		s.hs = append(s.hs, body...)
		body = s.hs
	}
	for len(body) >= messageHeader {
		n := int(body[1])<<16 | int(body[2])<<8 | int(body[3])
		if n > maxMessage {
			return limit("a handshake message of %d bytes", n)
		}
		if len(body) < messageHeader+n {
			break
		}
		raw := body[: messageHeader+n : messageHeader+n]
		body = body[messageHeader+n:]
		keyed := s.reading
		if err := s.message(wire.HandshakeType(raw[0]), raw, at); err != nil {
			return err
		}
		if keyed != s.reading && len(body) > 0 {
			return malformed("a record that goes on after a change of keys") // RFC 8446 §5.1
		}
	}
	s.hs = append(s.hs[:0], body...)
	return nil
}

// message takes one handshake message.
func (s *Session) message(kind wire.HandshakeType, raw []byte, at time.Duration) error {
	body := raw[messageHeader:]
	switch {
	case s.state == complete && kind == wire.NewSessionTicketType && s.suite.TLS13():
		return s.ticket13(body, at)
	case s.state == complete: // whatever else may come late
		return nil
	case s.state != waitServerHello && s.suite.TLS13():
		return s.message13(kind, raw, body)
	case s.state != waitServerHello:
		return s.message12(kind, raw, body, at)
	case kind == wire.ServerHelloType:
		return s.serverHello(raw, body, at)
	}
	return unexpected(kind)
}

// serverHello takes a ServerHello or HelloRetryRequest.
func (s *Session) serverHello(raw, body []byte, at time.Duration) error {
	h, err := wire.ParseServerHello(body)
	if err != nil {
		return malformed("%v", err)
	}
	a, shape := s.l.cfg.Ask, &s.sample.Shape
	if got := h.Selected(); got != a.Version {
		return malformed("the server chose version 0x%04X, which was not offered", got)
	}
	suite, ok := secrets.Lookup(h.Suite)
	if !ok || !offers(a.suites(), h.Suite) {
		return malformed("the server chose the suite %s, which was not offered", suiteName(h.Suite))
	}
	if shape.Retry && h.Suite != shape.Suite {
		return malformed("the suite changed after HelloRetryRequest")
	}
	shape.Version, shape.Suite = a.Version, h.Suite
	if h.IsRetry() {
		return s.retry(h, suite, raw)
	}
	if !shape.Retry {
		s.k.Start(suite)
		s.hear(s.hello[recordHeader:])
	}
	s.hear(raw)
	s.suite, s.serverRandom = suite, h.Random
	s.sample.ServerHello = at
	if a.Version == wire.TLS13 {
		return s.serverHello13(h)
	}
	return s.serverHello12(h, raw)
}

// protocol notes the protocol that the server chose. It has to be the one that was
// offered (RFC 7301 §3.2): else a server that makes up names would fill a trial
// with as many shapes.
func (s *Session) protocol(name string) error {
	if name != "" && name != s.l.cfg.ALPN {
		return malformed("the server chose the protocol %.32q, which was not offered", name)
	}
	s.sample.Shape.ALPN = name
	return nil
}

// changeCipherSpec: in TLS 1.2 from here on records are protected; in TLS 1.3 it
// means nothing (RFC 8446 §D.4).
func (s *Session) changeCipherSpec(body []byte) error {
	switch {
	case len(body) != 1 || body[0] != 1:
		return malformed("ChangeCipherSpec % x", body[:min(len(body), 8)])
	case s.l.cfg.Ask.Version == wire.TLS13:
		return nil
	case s.state != waitChangeCipherSpec:
		return malformed("ChangeCipherSpec out of turn")
	}
	s.reading = true
	s.state = waitFinished12
	return nil
}

// alert: warnings that do not end the handshake are passed over.
func (s *Session) alert(body []byte) error {
	a, err := wire.ParseAlert(body)
	if err != nil {
		return malformed("%v", err)
	}
	const closeNotify, userCanceled = 0, 90
	if !a.Fatal && a.Description != closeNotify && (s.l.cfg.Ask.Version == wire.TLS12 || a.Description == userCanceled) {
		return nil
	}
	name := wire.AlertName(a.Description)
	return &fault{kind: results.KindAlert, alert: name, detail: "the server sent the alert " + name}
}

func unexpected(kind wire.HandshakeType) error {
	return malformed("a handshake message of type %d where another was due", kind)
}

func malformed(format string, args ...any) error {
	return &fault{kind: results.KindMalformed, detail: fmt.Sprintf(format, args...)}
}

func limit(format string, args ...any) error {
	return &fault{kind: results.KindLimit, detail: fmt.Sprintf(format, args...)}
}

// hear adds a message to the transcript.
func (s *Session) hear(message []byte) {
	s.k.Write(message)
	if s.l.cfg.Certificate != nil && s.l.cfg.Ask.Version == wire.TLS12 {
		s.said = append(s.said, message...)
	}
}

// plain appends a handshake message as an unprotected record to what is pending.
func (s *Session) plain(message []byte) {
	n := len(message)
	s.out = append(s.out, byte(wire.Handshake), 3, 3, byte(n>>8), byte(n))
	s.out = append(s.out, message...)
}

// sealed appends a handshake message as a protected record to what is pending.
func (s *Session) sealed(message []byte) {
	s.out = s.write.Seal(s.out, byte(wire.Handshake), message)
}

func (s *Session) ownChangeCipherSpec() {
	s.out = append(s.out, byte(wire.ChangeCipherSpec), 3, 3, 0, 1, 1)
}

// finished makes our Finished message.
func (s *Session) finished() []byte {
	data := s.k.Finished(secrets.Client)
	s.spare = append(append(s.spare[:0], byte(wire.FinishedType), 0, 0, byte(len(data))), data...)
	return s.spare
}

// verifyFinished checks the server's Finished, always.
func (s *Session) verifyFinished(body []byte) error {
	if err := s.k.Verify(secrets.Server, body); err != nil {
		return malformed("the server's Finished does not fit what was said in this handshake")
	}
	return nil
}
