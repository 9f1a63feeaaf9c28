// Protocol: what a server does beside choosing versions and suites. Each fact
// is one question, asked in the version that shows it most cheaply.

package scanner

import (
	"context"
	"slices"
	"strings"
	"sync"

	"shakedown/results"
	"shakedown/scanner/chain"
	"shakedown/scanner/wire"
)

// protocolScan asks the protocol facts of one server.
type protocolScan struct {
	ask  *asker
	name string

	old, older uint16   // the two newest versions before TLS 1.3 that are spoken; 0 for none
	suites     []uint16 // of old
	fieldless  bool     // old has DHE only for who offers no named fields
	tls13      []uint16 // suites of TLS 1.3, nil if it is not spoken
	group      uint16   // of TLS 1.3, for which we have keys

	mu      sync.Mutex
	facts   results.Protocol
	staples map[string][]byte         // by leaf
	stapled map[string]results.Answer // likewise
	open    bool                      // what has no answer of its own in the record got none
}

// run asks everything, side by side.
func (p *protocolScan) run(ctx context.Context) results.Protocol {
	var g crew
	for _, fact := range []func(context.Context){
		p.alpn, p.plainHello, p.encryptThenMAC, p.compression, p.fallback, p.diffieHellman, p.wholeFlight, p.intolerances,
	} {
		g.Go(func() { fact(ctx) })
	}
	g.Wait()
	return p.facts
}

func (p *protocolScan) set(write func(*results.Protocol)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	write(&p.facts)
}

// question is the usual one in the version before TLS 1.3, of some suites.
func (p *protocolScan) question(suites []uint16) question { return usual(p.old, p.name, suites) }

// fact turns an answer to yes, no or unknown: what an accepted hello shows, or
// what a refusal means.
func fact(got *answer, shown func() bool, refusal results.Answer) results.Answer {
	switch {
	case got.outcome == accepted && shown():
		return results.Yes
	case got.outcome == accepted:
		return results.No
	case got.settled():
		return refusal
	}
	return results.Unknown
}

// plainHello reads what every ServerHello before TLS 1.3 says of extensions.
func (p *protocolScan) plainHello(ctx context.Context) {
	if p.old < wire.TLS10 {
		return
	}
	got := p.ask.ask(ctx, new(p.question(p.suites)))
	p.set(func(f *results.Protocol) {
		f.ExtendedMasterSecret = fact(got, func() bool { return got.hello.HasExtendedMasterSecret() }, results.Unknown)
		f.SecureRenegotiation = fact(got, func() bool { return got.hello.HasRenegotiationInfo() }, results.Unknown)
	})
}

// encryptThenMAC needs a CBC suite (RFC 7366 §3).
func (p *protocolScan) encryptThenMAC(ctx context.Context) {
	cbc := suitesWith(p.suites, func(s *wire.SuiteInfo) bool { return strings.Contains(s.Name, "_CBC_") })
	if p.old < wire.TLS10 || len(cbc) == 0 {
		return
	}
	q := p.question(cbc)
	plain := q
	q.extra = []wire.Extension{wire.EncryptThenMAC()}
	got := p.ask.ask(ctx, &q)
	if got.outcome == refused {
		if without := p.ask.ask(ctx, &plain); without.outcome == refused {
			return // no such suite, so nothing to tell
		}
	}
	p.set(func(f *results.Protocol) {
		f.EncryptThenMAC = fact(got, func() bool { return got.hello.HasEncryptThenMAC() }, results.Unknown)
	})
}

// compression offers DEFLATE before none (RFC 3749 §2).
func (p *protocolScan) compression(ctx context.Context) {
	if p.old == 0 {
		return
	}
	q := p.question(p.suites)
	q.compressions = []byte{1, 0}
	got := p.ask.ask(ctx, &q)
	p.set(func(f *results.Protocol) {
		f.Compression = fact(got, func() bool { return got.hello.Compression != 0 }, results.No)
	})
}

// fallback claims to have fallen back to a version that is not the server's
// newest: the server must refuse just that (RFC 7507 §3).
func (p *protocolScan) fallback(ctx context.Context) {
	version := p.old
	if p.tls13 == nil {
		version = p.older
	}
	if version == 0 {
		return // one version alone: nothing to fall back from
	}
	q := usual(version, p.name, candidates(version))
	if version == p.old {
		q.suites = p.suites
	}
	q.signals = []uint16{0x5600} // TLS_FALLBACK_SCSV
	got := p.ask.ask(ctx, &q)
	answer := results.Unknown
	switch {
	case got.outcome == refused && (got.alert == 86 || p.accepts(ctx, q)):
		answer = results.Yes
	case got.outcome == accepted:
		answer = results.No
	}
	p.set(func(f *results.Protocol) { f.FallbackSCSV = answer })
}

// accepts reports whether a question is accepted without its signals: some
// stacks refuse them by closing the connection, or with another alert.
func (p *protocolScan) accepts(ctx context.Context, q question) bool {
	q.signals = nil
	return p.ask.ask(ctx, &q).outcome == accepted
}

// wholeFlight reads everything that a server sends before it waits for the
// client: whether it asks for a certificate, and what it staples to each of its own.
func (p *protocolScan) wholeFlight(ctx context.Context) {
	q, ok := p.flightQuestion()
	switch {
	case !ok && p.anonymous(): // no certificate, nothing beside it, and none to be asked for (RFC 5246 §7.4.4)
		p.set(func(f *results.Protocol) {
			f.ClientCertificateRequested, f.OCSPStaple, f.SCT = results.No, results.No, results.No
		})
		return
	case !ok:
		return
	}
	q.extra = []wire.Extension{wire.StatusRequest(), wire.SignedCertificateTimestamps()}
	flights := p.flights(ctx, q)
	whole, staple := flights[0], results.Unknown
	if whole.outcome == accepted {
		staple = ofAll(flights, func(got *answer) bool { return got.staple })
		p.keepStaples(flights)
	} else { // wolfSSL's module answers no hello that asks for a staple
		q.extra = []wire.Extension{wire.SignedCertificateTimestamps()}
		if flights = p.flights(ctx, q); whole.settled() && flights[0].outcome == accepted {
			staple = results.No // whoever asks for one gets no handshake either
		}
		q.extra = nil
		whole = p.ask.ask(ctx, &q)
	}
	p.set(func(f *results.Protocol) {
		f.ClientCertificateRequested = fact(whole, func() bool { return whole.request }, results.Unknown)
		f.OCSPStaple, f.SCT = staple, ofAll(flights, (*answer).hasTimestamps)
		for _, name := range whole.authorities {
			f.ClientCertificateAuthorities = append(f.ClientCertificateAuthorities, chain.Name(name))
		}
	})
}

// flights asks for the flight with each kind of certificate. The first answer stands
// whatever it is; of the others a refusal says that there is no certificate more.
func (p *protocolScan) flights(ctx context.Context, q question) (all []*answer) {
	for more := true; more; {
		got := p.ask.ask(ctx, &q)
		if len(all) > 0 && got.outcome == refused {
			break
		}
		all = append(all, got)
		more = q.without(got)
	}
	return all
}

// without leaves out of a question what brought the certificate of an answer, and
// reports whether there is something left to ask.
func (q *question) without(got *answer) bool {
	if got.outcome != accepted || len(got.certs) == 0 {
		return false
	}
	if q.version == wire.TLS13 {
		left := beyond(schemesWith(q.schemes, func(s *wire.SchemeInfo) bool { return signedBy(s) != "" }), got.certs[0])
		more := len(left) > 0 && len(left) < len(q.schemes)
		q.schemes, q.ofCerts = left, everyScheme() // whoever signed the certificate
		return more
	}
	auth := authOf(got.hello.Suite)
	q.suites = suitesWith(q.suites, func(s *wire.SuiteInfo) bool { return s.Auth != auth })
	return len(q.suites) > 0
}

// ofAll is yes where it is so with every certificate, no where it is not with one.
func ofAll(flights []*answer, shown func(*answer) bool) results.Answer {
	sum := results.Yes
	for _, got := range flights {
		switch fact(got, func() bool { return shown(got) }, results.Unknown) {
		case results.No:
			return results.No
		case results.Unknown:
			sum = results.Unknown
		}
	}
	return sum
}

// hasTimestamps reports timestamps of Certificate Transparency by any of their three
// ways (RFC 6962 §3.3).
func (a *answer) hasTimestamps() bool {
	return a.sct || wire.HasSCT(a.hello.Extensions) || len(a.certs) > 0 && chain.HasSCT(a.certs[0]) || chain.StapleHasSCT(a.stapled)
}

// keepStaples keeps what was stapled to which leaf.
func (p *protocolScan) keepStaples(flights []*answer) {
	p.staples, p.stapled = map[string][]byte{}, map[string]results.Answer{}
	for _, got := range flights {
		if len(got.certs) == 0 {
			continue
		}
		leaf := string(got.certs[0])
		p.stapled[leaf] = fact(got, func() bool { return got.staple }, results.Unknown)
		if len(got.stapled) > 0 {
			p.staples[leaf] = got.stapled
		}
	}
}

// anonymous reports whether the server never shows a certificate.
func (p *protocolScan) anonymous() bool {
	certified := suitesWith(p.suites, func(s *wire.SuiteInfo) bool { return s.Auth != "anon" })
	return p.tls13 == nil && p.old != 0 && len(certified) == 0
}

// flightQuestion prefers the version whose flight is in the clear.
func (p *protocolScan) flightQuestion() (question, bool) {
	signed := suitesWith(p.suites, func(s *wire.SuiteInfo) bool {
		return s.Auth != "anon" && s.Auth != "PSK" && s.Auth != "KRB5" && s.Auth != "SRP"
	})
	if p.old != 0 && len(signed) > 0 {
		q := p.question(signed)
		q.until = untilDone
		return q, true
	}
	return p.question13(untilSignature)
}

// question13 is a TLS 1.3 question whose answer can be decrypted.
func (p *protocolScan) question13(u until) (question, bool) {
	if p.tls13 == nil || p.group == 0 {
		return question{}, false
	}
	return question13(p.name, p.tls13, p.group, u), true
}

// protocols lists application protocols by the ids that IANA gives them, usual
// ones first; not acme-tls/1, which is offered alone or not at all (RFC 8737 §3):
// servers fail on it that have no challenge to answer.
func protocols() []string {
	return []string{
		"h2", "http/1.1", "http/1.0", "http/0.9", "spdy/3.1", "spdy/3", "grpc-exp", "dot", "mqtt",
		"imap", "pop3", "smtp", "ftp", "managesieve", "nntp", "irc", "xmpp-client", "xmpp-server", "postgresql", "tds/8.0",
		"ntske/1", "sunrpc", "smb", "stun.turn", "stun.nat-discovery", "webrtc", "c-webrtc", "coap", "radius/1.1",
	}
}

// alpn finds the application protocols, by elimination (RFC 7301 §3.2).
func (p *protocolScan) alpn(ctx context.Context) {
	found := []string{}
	for rest := protocols(); len(rest) > 0; {
		name, ok := p.chooseALPN(ctx, rest)
		i := slices.Index(rest, name)
		if !ok {
			return // the key stays away
		}
		if i < 0 {
			break
		}
		found = append(found, name)
		rest = slices.Delete(rest, i, i+1)
	}
	p.set(func(f *results.Protocol) { f.ALPN = found })
}

// chooseALPN asks which of some protocols the server picks, "" for none.
func (p *protocolScan) chooseALPN(ctx context.Context, offered []string) (string, bool) {
	q, ok := p.question(p.suites), p.old >= wire.TLS10
	if !ok {
		if q, ok = p.question13(untilExtensions); !ok {
			return "", false
		}
	}
	q.extra = []wire.Extension{wire.ALPN(offered)}
	got := p.ask.ask(ctx, &q)
	switch {
	case got.outcome == accepted && q.version == wire.TLS13:
		return got.alpn, true
	case got.outcome == accepted:
		return got.hello.ALPN(), true
	case !got.settled():
		p.set(func(*results.Protocol) { p.open = true })
		return "", false
	}
	return "", true // no_application_protocol
}

// intolerances offers what a server must ignore: a newer version (RFC 5246
// §E.1), an extension and a group that nobody knows (RFC 8701), a hello of the
// size that post-quantum shares make, many suites that nobody knows.
func (p *protocolScan) intolerances(ctx context.Context) {
	version := p.old
	suites := p.suites
	if version < wire.TLS10 {
		if p.tls13 == nil {
			return
		}
		version, suites = wire.TLS13, p.tls13
	}
	usual := func(change func(*question)) results.Answer {
		q := usual(version, p.name, suites)
		change(&q)
		return p.ask.intolerance(ctx, &q)
	}
	size := usual(func(q *question) { q.extra = []wire.Extension{wire.Padding(1800)} })
	extension := usual(func(q *question) {
		q.extra = []wire.Extension{wire.GREASE()}
		q.groups = append([]uint16{0x1A1A}, q.groups...)
		q.signals = []uint16{0x2A2A}
	})
	many := usual(func(q *question) { q.signals = unassigned(2*manySuites - len(q.suites)) })
	newer := results.Answer("")
	if version == wire.TLS12 { // in TLS 1.3 the legacy version says nothing
		newer = usual(func(q *question) { q.legacy = 0x0305 })
	}
	p.set(func(f *results.Protocol) {
		f.SizeIntolerant, f.ExtensionIntolerant, f.ManySuitesIntolerant, f.VersionIntolerant = size, extension, many, newer
	})
}

// intolerance says whether a server is intolerant of a question that it must accept: it
// says so by whatever alert, and once more behind a control.
func (a *asker) intolerance(ctx context.Context, q *question) results.Answer {
	objects := func(got *answer) bool {
		return got.refuses() || got.outcome == failed && got.failure.Kind == results.KindAlert
	}
	got := a.ask(ctx, q)
	if objects(got) {
		if accepts, _ := a.controlled(ctx, got); accepts {
			got = a.ask(ctx, q)
		}
	}
	switch {
	case got.outcome == accepted:
		return results.No
	case got.refuses(), objects(got) && !a.temper.slams.Load():
		return results.Yes
	}
	return results.Unknown
}

// unassigned lists suites that do not exist.
func unassigned(n int) (ids []uint16) {
	for i := range max(0, n) {
		ids = append(ids, 0xD100+uint16(i))
	}
	return ids
}
