// Resumption: whether a server goes on with a session that it made before. Only
// a second handshake that was resumed says yes; that a ticket was handed out
// says nothing.

package scanner

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"shakedown/results"
	"shakedown/scanner/handshake"
	"shakedown/scanner/wire"
)

// resumption asks the facts of one server's sessions.
type resumption struct {
	ask     *asker
	old     handshake.Offer // TLS 1.2, with suites whose sessions can be resumed here; else without suites
	new     handshake.Offer // TLS 1.3, likewise
	older   handshake.Offer // up to TLS 1.2, with suites whose resumption is not finished here, if old has none
	request []byte
	http    bool // the request is one of HTTP: HEAD, for which there is GET

	byID, byTicket, psk, early results.Answer
	left                       []*handshake.Session // by ticket, to be offered elsewhere
	head                       []byte               // what the request was answered with; nil if with nothing
	silent                     bool                 // it had its time
	now                        func() time.Time     // nil: no clock to hold the server's against
	skew                       *int                 // seconds; nil where both clocks agree, or nothing told
}

// run asks TLS 1.2 and 1.3 side by side.
func (r *resumption) run(ctx context.Context) {
	var g crew
	var old, new *handshake.Session
	if len(r.old.Suites) > 0 {
		g.Go(func() { r.byID = r.sessionID(ctx) })
		g.Go(func() { r.byTicket, old = r.ticket(ctx) })
	}
	if len(r.older.Suites) > 0 {
		g.Go(func() { r.byID = r.olderID(ctx) })
		g.Go(func() { r.byTicket = r.olderTicket(ctx) })
	}
	if len(r.new.Suites) > 0 {
		g.Go(func() { r.psk, r.early, new = r.preSharedKey(ctx) })
	}
	g.Wait()
	for _, s := range []*handshake.Session{old, new} {
		if s != nil {
			r.left = append(r.left, s)
		}
	}
}

// sessionID is resumption by a session that the server keeps (RFC 5246 §7.3).
func (r *resumption) sessionID(ctx context.Context) results.Answer {
	first, _ := r.ask.finishTwice(ctx, r.old)
	switch {
	case !first.Finished:
		return results.Unknown
	case first.Sessions.ByID == nil:
		return results.No
	}
	return r.again(ctx, r.old, first.Sessions.ByID)
}

// ticket is resumption by a session that the client keeps (RFC 5077).
func (r *resumption) ticket(ctx context.Context) (results.Answer, *handshake.Session) {
	o := r.old
	o.Ticket = true
	if r.http && len(r.new.Suites) == 0 { // else TLS 1.3 makes the request
		o = r.withRequest(o)
	}
	first, _ := r.ask.finishTwice(ctx, o)
	if o.Request != nil {
		r.hear(first)
	}
	switch {
	case !first.Finished:
		return results.Unknown, nil
	case first.Sessions.ByTicket == nil:
		return results.No, nil
	}
	return r.again(ctx, o, first.Sessions.ByTicket), first.Sessions.ByTicket
}

// olderID is resumption by a session that the server keeps, in suites that nothing newer
// speaks. That it would go on with one shows in its hello, which has that session's id
// again (RFC 5246 §7.4.1.3).
func (r *resumption) olderID(ctx context.Context) results.Answer {
	first, _ := r.ask.finishTwice(ctx, r.older)
	switch {
	case !first.Finished:
		return results.Unknown
	case first.Sessions.ByID == nil:
		return results.No
	}
	s := first.Sessions.ByID
	said := results.Unknown
	for range r.tries() {
		q := usual(s.Version(), r.older.ServerName, []uint16{s.Suite()})
		q.session = s.ID()
		if got := r.ask.ask(ctx, &q); got.outcome == accepted {
			said = results.No
			if bytes.Equal(got.hello.SessionID, q.session) {
				return results.Yes
			}
		}
	}
	return said
}

// olderTicket is resumption by a ticket in suites that nothing newer speaks.
func (r *resumption) olderTicket(ctx context.Context) results.Answer {
	o := r.older
	o.Ticket = true
	first, _ := r.ask.finishTwice(ctx, o)
	switch {
	case !first.Finished:
		return results.Unknown
	case first.Sessions.ByTicket == nil:
		return results.No
	}
	return r.again(ctx, o, first.Sessions.ByTicket)
}

// preSharedKey is resumption in TLS 1.3 (RFC 8446 §2.2), and whether early data
// is offered with it (RFC 8446 §4.6.1). Silence after the request says neither.
func (r *resumption) preSharedKey(ctx context.Context) (psk, early results.Answer, s *handshake.Session) {
	first, _ := r.ask.finishTwice(ctx, r.withRequest(r.new))
	if first.Finished && first.Sessions.ByTicket == nil && !first.Answered {
		first = r.otherwise(ctx, first)
	}
	r.hear(first)
	s = first.Sessions.ByTicket
	switch {
	case s == nil && first.Answered:
		return results.No, results.No, nil
	case s == nil:
		if first.Finished {
			r.ask.note(&answer{failure: first.Failure})
		}
		return results.Unknown, results.Unknown, nil
	case s.EarlyData > 0:
		early = results.Yes
	default:
		early = results.No
	}
	return r.again(ctx, r.new, s), early, s
}

// otherwise asks one who had no word for a request in other ways: with none, as
// what is sent at once may be lost where a request makes the server break off, and
// with GET where it may not know HEAD.
func (r *resumption) otherwise(ctx context.Context, first handshake.Outcome) handshake.Outcome {
	silent := r.new
	silent.Listen = true
	ways := []handshake.Offer{silent}
	if r.http {
		get := r.withRequest(r.new)
		get.Request = bytes.Replace(get.Request, []byte("HEAD "), []byte("GET "), 1)
		get.Listen = first.Failure.Kind == results.KindTimeout // it had its time
		ways = append(ways, get)
	}
	for _, o := range ways {
		if got := r.ask.finish(ctx, o, r.ask.lane.Open); got.Sessions.ByTicket != nil || got.Answered {
			return got
		}
	}
	return first
}

// hear keeps what a server answered the request with.
func (r *resumption) hear(o handshake.Outcome) {
	r.silent = o.Failure.Kind == results.KindTimeout
	if o.Head != nil {
		r.head = o.Head
		if r.now != nil {
			r.skew = clockSkew(o.Head, r.now())
		}
	}
}

// withRequest makes a handshake say something when it is finished.
func (r *resumption) withRequest(o handshake.Offer) handshake.Offer {
	o.Request, o.HTTP = r.request, r.http
	return o
}

// again offers a session.
func (r *resumption) again(ctx context.Context, o handshake.Offer, s *handshake.Session) results.Answer {
	o.Resume, o.Suites, o.Request, o.HTTP = s, []uint16{s.Suite()}, nil, false
	said := results.Unknown
	for range r.tries() {
		second, _ := r.ask.finishTwice(ctx, o)
		switch {
		case second.Resumed:
			return results.Yes
		case second.Finished:
			said = results.No
		}
	}
	return said
}

// tries is how often a session is offered.
func (r *resumption) tries() int {
	if r.ask.temper.wavers.Load() { // another server may answer
		return insistence
	}
	return 1
}

// newResumption asks in the suites that were accepted and can be resumed here.
func (s *session) newResumption() *resumption {
	r := &resumption{ask: s.ask, request: s.request(), http: s.path.Scheme == "", now: s.more.now}
	resumable := func(version uint16) []uint16 {
		return slices.DeleteFunc(slices.Clone(s.allSuites(version)), func(id uint16) bool {
			return !slices.Contains(handshake.Resumable(version), id)
		})
	}
	if s.speaks(wire.TLS12) {
		r.old = s.offer(wire.TLS12, resumable(wire.TLS12)...)
	}
	if len(r.old.Suites) == 0 {
		r.older = s.offerOlder()
	}
	if s.speaks(wire.TLS13) && s.key().failure == nil {
		r.new = s.offer(wire.TLS13, resumable(wire.TLS13)...)
	}
	s.markUnresumable(r)
	return r
}

// offerOlder offers what can be finished in the newest version before TLS 1.3 that has
// something of that; no suites if none has.
func (s *session) offerOlder() handshake.Offer {
	for _, version := range []uint16{wire.TLS12, wire.TLS11, wire.TLS10} {
		if !s.speaks(version) {
			continue
		}
		ids := slices.DeleteFunc(slices.Clone(s.allSuites(version)), func(id uint16) bool {
			return !slices.Contains(handshake.Finishable(version), id)
		})
		if len(ids) > 0 {
			return s.offer(version, ids...)
		}
	}
	return handshake.Offer{}
}

// markUnresumable leaves unknown what nothing here can ask of a server: to resume a
// session in suites that nothing here finishes.
func (s *session) markUnresumable(r *resumption) {
	old := len(r.old.Suites) == 0 && len(r.older.Suites) == 0 && slices.ContainsFunc(askedVersions(), func(v uint16) bool { return v < wire.TLS13 && s.speaks(v) })
	if old {
		r.byID, r.byTicket = results.Unknown, results.Unknown
	}
	newest := len(r.new.Suites) == 0 && s.speaks(wire.TLS13)
	if newest {
		r.psk, r.early = results.Unknown, results.Unknown
	}
	if (old || newest) && s.wants(AspectProtocol) {
		s.ask.note(&answer{failure: results.Failure{
			Stage: results.StageHandshake, Kind: results.KindInternal, Count: 1,
			Detail: "resumption: the server accepts no version and suite whose sessions are resumed here",
		}})
	}
}

// request makes a server speak: a short one of HTTP, what a client of a database
// or directory begins with, a bare line to what waits for lines.
func (s *session) request() []byte {
	switch s.path.Scheme {
	case "":
	case "ldap": // an anonymous bind (RFC 4511 §4.2)
		return []byte{0x30, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0}
	case "postgres": // a StartupMessage of version 3.0 that names no user
		return []byte{0, 0, 0, 9, 0, 3, 0, 0, 0}
	default:
		return []byte("\r\n")
	}
	host := nameToMatch(s.path)
	if strings.Contains(host, ":") {
		host = "[" + host + "]" // an IPv6 address
	}
	return fmt.Appendf(nil, "HEAD / HTTP/1.1\r\nHost: %s\r\nUser-Agent: shakedown\r\nConnection: close\r\n\r\n", host)
}

// runResumption asks the facts of sessions, which are finished handshakes.
func (s *session) runResumption(ctx context.Context) {
	r := s.newResumption()
	r.run(ctx)
	s.keep(func() { s.more.resumption = r })
}

// foldResumption writes them down.
func (s *session) foldResumption(p *results.Protocol) {
	if r := s.more.resumption; r != nil {
		p.ResumptionID, p.ResumptionTicket, p.ResumptionPSK, p.EarlyData = r.byID, r.byTicket, r.psk, r.early
		p.HTTP, p.HSTS = s.speaksHTTP(p.ALPN, r.head), strictTransport(r.head)
	}
}

// maxAddresses bounds how many addresses of one name exchange sessions: each
// pair is a handshake.
const maxAddresses = 8

// offerAround offers each address the sessions that each other address of the
// same name left: servers that share their ticket keys go on with them.
func (s *Scanner) offerAround(ctx context.Context, visits []*visit) {
	if len(visits) < 2 {
		return
	}
	visits = visits[:min(len(visits), maxAddresses)]
	for _, here := range visits {
		for _, there := range visits {
			if here != there && here.more.siblings && len(there.sessions()) > 0 {
				here.timed(func() {
					put(&here.more.drift.TicketsFrom, there.route.String(), s.offerAt(ctx, here, there.sessions()))
				})
			}
		}
	}
}

// sessions are those that a scan left, of the newest version last.
func (s *session) sessions() []*handshake.Session {
	if s.more.resumption == nil {
		return nil
	}
	return s.more.resumption.left
}

// offerAt offers at an address the session of the newest version that is spoken
// there; where none is, nothing goes on.
func (s *Scanner) offerAt(ctx context.Context, v *visit, sessions []*handshake.Session) results.Answer {
	r := v.more.resumption
	if r == nil {
		return results.Unknown
	}
	for _, session := range slices.Backward(sessions) {
		if o := r.offerOf(session); slices.Contains(o.Suites, session.Suite()) {
			lane := s.dialer.Lane(v.route)
			defer lane.Release()
			v.ask.move(lane)
			if !v.enumerates() && v.lacks(ctx, session) {
				return results.No
			}
			return r.again(ctx, o, session)
		}
	}
	return results.No
}

// lacks reports whether a session's suite, of which nothing is known yet, is refused.
func (s *session) lacks(ctx context.Context, made *handshake.Session) bool {
	q := usual(made.Version(), s.path.ServerName, []uint16{made.Suite()})
	return s.ask.ask(ctx, &q).outcome == refused
}

// offerOf is what is offered here in a session's version.
func (r *resumption) offerOf(session *handshake.Session) handshake.Offer {
	if session.Version() == wire.TLS13 {
		return r.new
	}
	return r.old
}
