// Answer: what a server said to a question, read from its bytes. No I/O here,
// so every probe can be tested from bytes.

package scanner

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"shakedown/results"
	"shakedown/scanner/handshake"
	"shakedown/scanner/wire"
)

// outcome is what an answer settles.
type outcome int

const (
	// failed: no usable answer; see failure.
	failed outcome = iota
	// accepted: a ServerHello or HelloRetryRequest of the version asked.
	accepted
	// otherVersion: a ServerHello of another version; it refuses the one asked.
	otherVersion
	// refused: an alert that means refusal.
	refused
	// closed: the connection ended without a word. By itself this settles
	// nothing; see asker.ask.
	closed
)

// answer is what came back.
type answer struct {
	outcome     outcome
	hello       *wire.ServerHello
	certs       [][]byte
	keyExchange *wire.KeyExchange
	scheme      uint16   // TLS 1.3: what CertificateVerify is signed with
	alpn        string   // TLS 1.3, from EncryptedExtensions
	request     bool     // a client certificate was asked for,
	authorities [][]byte // of one of these, as DER of their names
	staple, sct bool     // beside the certificate
	stapled     []byte   // the OCSP response
	alert       uint8    // of a refusal
	goodbye     bool     // it closed with a close_notify
	unspoken    bool     // a refusal that is none by its words
	sealed      bool     // it said something encrypted, and no ServerHello
	unasked     []uint16 // groups that a refusal is not of: nobody could ask for them
	kinds       []uint32 // SSLv2
	older       uint16   // the suite that an older version was chosen with, 0 if none was
	failure     results.Failure
}

// settled reports whether the answer needs no second asking.
func (a *answer) settled() bool {
	return a.outcome == accepted || a.outcome == otherVersion || a.outcome == refused
}

// unopened reports whether there was no connection on which to ask.
func (a *answer) unopened() bool {
	return a.outcome == failed && (a.failure.Stage == results.StageConnect || a.failure.Stage == results.StageProxy)
}

// listener reads the answer to one question from the bytes of a server.
type listener struct {
	q       *question
	session []byte   // the id in the hello
	sent    []byte   // that hello, as a message,
	records []byte   // and as it goes on the wire
	before  [][]byte // the first hello, and the HelloRetryRequest whose cookie was given back in another
	reply   []byte   // what is to be sent now
	parser  wire.Parser
	flight  *handshake.Flight // TLS 1.3, after the ServerHello
	got     *answer
	warning *wire.Alert // the last one that was not fatal
}

// feed takes bytes that arrived; done reports whether the answer is complete.
func (l *listener) feed(b []byte) (done bool) {
	if l.flight != nil {
		l.flight.Feed(b)
	} else {
		l.parser.Feed(b)
	}
	for {
		m, err := l.next()
		if errors.Is(err, wire.ErrMore) {
			return false
		}
		if err != nil {
			l.fail(wireKind(err), err.Error())
			return true
		}
		if l.message(m) {
			return true
		}
	}
}

func (l *listener) next() (wire.Message, error) {
	if l.flight != nil {
		return l.flight.Next()
	}
	return l.parser.Next()
}

// end takes the end of the connection, or the error that stopped it, as the
// answer.
func (l *listener) end(f results.Failure) {
	if l.enough() {
		return
	}
	if l.got.hello != nil {
		f.Stage = results.StageHandshake
		l.got.outcome, l.got.failure = failed, f
		return
	}
	if l.warning != nil && refusal(l.warning.Description) {
		l.got.outcome, l.got.alert = refused, l.warning.Description
		return
	}
	l.got.outcome, l.got.failure = failed, f
	if f.Kind == results.KindEOF || f.Kind == results.KindReset {
		l.got.outcome = closed
	}
}

// enough reports whether what came before a failure is an answer all the same.
func (l *listener) enough() bool { return l.q.suffices && l.got.outcome == accepted }

func (l *listener) message(m wire.Message) (done bool) {
	switch {
	case m.Record == wire.AlertRecord:
		return l.alert(m.Body)
	case m.Record == wire.ChangeCipherSpec && l.retried():
		return false // for middleboxes alone (RFC 8446 §D.4)
	case m.Record != wire.Handshake:
		l.got.sealed = m.Record == wire.ApplicationData && l.q.version == wire.TLS13 && l.got.hello == nil
		return l.fail(results.KindMalformed, fmt.Sprintf("a record of type %d before the answer", m.Record))
	case m.Handshake == wire.HelloRequestType:
		return false // RFC 5246 §7.4.1.1: to be ignored during a handshake
	case l.got.hello == nil, l.retried():
		return l.serverHello(m)
	case l.flight != nil:
		return l.encrypted(m)
	}
	return l.clear(m)
}

// serverHello holds a ServerHello against what was offered.
func (l *listener) serverHello(m wire.Message) (done bool) {
	if m.Handshake != wire.ServerHelloType {
		return l.fail(results.KindMalformed, fmt.Sprintf("handshake message %d in place of a ServerHello", m.Handshake))
	}
	h, err := wire.ParseServerHello(m.Body)
	if err != nil {
		return l.fail(wireKind(err), err.Error())
	}
	if wrong := l.unoffered(h); wrong != "" {
		return l.fail(results.KindMalformed, wrong)
	}
	if h.Selected() != l.q.version { // a newer one: from a server that has no other, and does not look
		l.got.outcome = otherVersion
		if h.Selected() < l.q.version {
			l.got.older = h.Suite
		}
		return true
	}
	if l.before != nil && h.Suite != l.got.hello.Suite { // RFC 8446 §4.1.4
		return l.fail(results.KindMalformed, "another suite than that of the HelloRetryRequest")
	}
	l.got.hello, l.got.outcome = h, accepted
	switch {
	case l.q.until == untilHello:
		return true
	case l.q.version == wire.TLS13 && l.wantsCookie(h):
		return l.giveCookie(m.Raw, h.Cookie())
	case l.q.version == wire.TLS13:
		return l.decrypt(m.Raw)
	}
	return false
}

// retried reports whether a ServerHello is due after a HelloRetryRequest.
func (l *listener) retried() bool { return l.before != nil && l.flight == nil }

// wantsCookie reports whether a HelloRetryRequest asks for nothing but its cookie, which
// shows that the client is where it says (RFC 8446 §4.2.2).
func (l *listener) wantsCookie(h *wire.ServerHello) bool {
	_, another := h.KeyShare()
	return h.IsRetry() && l.before == nil && l.q.key != nil && !another && h.HasCookie()
}

// giveCookie composes the same hello with a cookie.
func (l *listener) giveCookie(retry, cookie []byte) (done bool) {
	h, err := wire.ParseClientHello(l.sent[4:])
	if err != nil {
		return l.fail(results.KindInternal, err.Error())
	}
	h.Extensions = append(h.Extensions, wire.Cookie(cookie))
	l.before = [][]byte{l.sent, slices.Clone(retry)}
	l.sent, l.reply = h.Record(wire.TLS12, nil)
	return false
}

// unoffered tells what of a ServerHello is no answer to what was offered, "" if nothing.
func (l *listener) unoffered(h *wire.ServerHello) string {
	selected := h.Selected()
	switch {
	case wire.VersionName(selected) == "":
		return fmt.Sprintf("a ServerHello of version 0x%04X", selected)
	case !slices.Contains(l.q.suites, h.Suite):
		return fmt.Sprintf("suite %s was chosen, which was not offered", wire.ID(h.Suite))
	case h.Compression != 0 && !slices.Contains(l.q.compressions, h.Compression):
		return fmt.Sprintf("compression %d was chosen, which was not offered", h.Compression)
	case selected != l.q.version || selected != wire.TLS13:
		return ""
	case !bytes.Equal(h.SessionID, l.session): // RFC 8446 §4.1.3: clients MUST break off
		return "a ServerHello that does not echo the session id: it answers another hello"
	}
	// A HelloRetryRequest that asks for no share (wolfSSL's) says which suite, and that
	// there is no group in common.
	share, ok := h.KeyShare()
	switch {
	case !ok && !h.IsRetry():
		return "a ServerHello of TLS 1.3 without a key share"
	case ok && !slices.Contains(l.q.groups, share.Group):
		return fmt.Sprintf("group %s was chosen, which was not offered", wire.ID(share.Group))
	}
	return ""
}

// decrypt turns to the encrypted flight of TLS 1.3.
func (l *listener) decrypt(serverHello []byte) (done bool) {
	if l.q.key == nil || l.got.hello.IsRetry() {
		return l.fail(results.KindMalformed, "a HelloRetryRequest for the group of a share that was sent")
	}
	flight, err := l.q.key.Open(l.sent, serverHello, l.got.hello, l.before...)
	if err != nil {
		return l.fail(results.KindMalformed, err.Error())
	}
	l.flight = flight
	flight.Feed(l.parser.Rest())
	return false
}

// encrypted reads the messages of a TLS 1.3 server's encrypted flight.
func (l *listener) encrypted(m wire.Message) (done bool) {
	var err error
	switch m.Handshake {
	case wire.EncryptedExtensionsType:
		var exts []wire.Extension
		exts, err = wire.ParseEncryptedExtensions(m.Body)
		l.got.alpn = wire.ALPNOf(exts)
		done = l.q.until == untilExtensions
	case wire.CertificateRequestType:
		l.got.request = true
		l.got.authorities, err = wire.ParseCertificateRequest(m.Body, wire.TLS13)
	case wire.CertificateType:
		var leaf []wire.Extension
		l.got.certs, leaf, err = wire.ParseCertificate13(m.Body)
		l.got.staple, l.got.sct = wire.HasStaple(leaf), wire.HasSCT(leaf)
		l.got.stapled = wire.Staple(leaf)
		if len(l.got.certs) == 0 && err == nil {
			err = fmt.Errorf("%w: an empty Certificate message", wire.ErrMalformed)
		}
		err = l.excused(err)
		done = l.q.until == untilCertificate
	case wire.CertificateVerifyType:
		l.got.scheme, err = wire.ParseCertificateVerify(m.Body)
		done = true
	case wire.FinishedType:
		return l.finishFlight()
	}
	if err != nil {
		return l.fail(wireKind(err), err.Error())
	}
	return done
}

// excused is what is wrong with a Certificate message, nil if certificates could be
// read before it: they are judged as they came.
func (l *listener) excused(err error) error {
	if len(l.got.certs) > 0 {
		return nil
	}
	return err
}

// clear reads what follows a ServerHello of TLS 1.2 and older.
func (l *listener) clear(m wire.Message) (done bool) {
	var err error
	switch m.Handshake {
	case wire.CertificateType:
		l.got.certs, err = wire.ParseCertificate(m.Body)
		err = l.excused(err)
		done = l.q.until == untilCertificate
	case wire.ServerKeyExchangeType:
		if done = l.q.until == untilKeyExchange; done { // others want what follows, whatever this is
			l.got.keyExchange, err = wire.ParseKeyExchange(m.Body, wire.LookupSuite(l.got.hello.Suite), l.q.version)
		}
	case wire.CertificateStatusType:
		l.got.staple, l.got.stapled = true, wire.ParseCertificateStatus(m.Body)
	case wire.CertificateRequestType:
		l.got.request = true
		l.got.authorities, err = wire.ParseCertificateRequest(m.Body, l.q.version)
	case wire.ServerHelloDoneType:
		return l.finishFlight()
	}
	if err != nil {
		return l.fail(wireKind(err), err.Error())
	}
	return done
}

// finishFlight ends a flight that did not bring what was waited for.
func (l *listener) finishFlight() bool {
	switch {
	case l.q.until == untilKeyExchange && l.got.keyExchange == nil:
		return l.fail(results.KindMalformed, "no ServerKeyExchange, which the suite needs")
	case l.q.until == untilCertificate && len(l.got.certs) == 0:
		return l.fail(results.KindMalformed, "no Certificate, which the suite needs")
	case l.q.until == untilSignature:
		return l.fail(results.KindMalformed, "no CertificateVerify before Finished")
	}
	return true
}

// ends reports whether an alert is the server's last word whatever its level, as all are
// in TLS 1.3 (RFC 8446 §6). Before a ServerHello only refusals are: one of an older version
// may follow others.
func (l *listener) ends(a wire.Alert) bool {
	return l.q.version == wire.TLS13 && (l.got.hello != nil || refusal(a.Description))
}

func (l *listener) alert(body []byte) (done bool) {
	a, err := wire.ParseAlert(body)
	switch {
	case err != nil:
		return l.fail(results.KindMalformed, err.Error())
	case !a.Fatal && a.Description != 0 && !l.ends(a):
		l.warning = new(a) // unrecognized_name, say: the answer may still follow
		return false
	case l.enough():
		return true
	case a.Description == 0: // close_notify
		l.got.goodbye = true
		l.end(results.Failure{Stage: results.StageHello, Kind: results.KindEOF, Count: 1, Detail: "the server closed the connection (close_notify)"})
		return true
	case refusal(a.Description) || l.q.stranger && a.Description == unrecognizedName:
		// Some servers look for a certificate that suits only after their
		// ServerHello. unrecognized_name to a stranger: names are required here.
		l.got.outcome, l.got.alert = refused, a.Description
		return true
	}
	l.fail(results.KindAlert, l.q.wantsName(a.Description))
	l.got.failure.Alert = wire.AlertName(a.Description)
	return true
}

const unrecognizedName = 112

// wantsName is what to do about a server that answers names alone (RFC 6066 §3):
// what it speaks stays unknown to who does not know one.
func (q *question) wantsName(alert uint8) string {
	switch {
	case alert != unrecognizedName:
		return ""
	case q.serverName == "":
		return "the server wants a server name: give one by --sni, or as server_name in the inventory"
	}
	return "the server does not know this server name: give another by --sni, or as server_name in the inventory"
}

// fail ends the answer as unusable.
func (l *listener) fail(kind results.FailureKind, detail string) bool {
	if l.enough() {
		return true
	}
	stage := results.StageHello
	if l.got.hello != nil {
		stage = results.StageHandshake
	}
	l.got.outcome = failed
	l.got.failure = results.Failure{Stage: stage, Kind: kind, Count: 1, Detail: detail}
	return true
}

// refusal reports whether an alert says that what was offered is not spoken
// here. Others (internal_error, decode_error …) tell of trouble, not of policy.
func refusal(description uint8) bool {
	switch description {
	case 40, // handshake_failure
		47,  // illegal_parameter
		70,  // protocol_version
		71,  // insufficient_security
		86,  // inappropriate_fallback
		109, // missing_extension
		110, // unsupported_extension
		120: // no_application_protocol
		return true
	}
	return false
}

// wrongVersion reports whether a refusal was of the version as such.
func (a *answer) wrongVersion() bool {
	return a.outcome == otherVersion || a.outcome == refused && a.alert == 70
}

func wireKind(err error) results.FailureKind {
	switch {
	case errors.Is(err, wire.ErrNotTLS):
		return results.KindNotTLS
	case errors.Is(err, wire.ErrLimit):
		return results.KindLimit
	}
	return results.KindMalformed
}
