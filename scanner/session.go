// session: the scan of one endpoint, from its first question to its record.

package scanner

import (
	"context"
	"crypto/tls"
	"slices"
	"sync"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
	"shakedown/scanner/wire"
)

// session scans one endpoint. Its parts are asked side by side, as soon as what
// they rest on is known, and folded to a record when all are done.
type session struct {
	path    *inventory.Path
	aspects []Aspect
	ask     *asker

	v2       answer         // of SSLv2, which is a language of its own
	v2early  *early         // nil if it was not put early
	nobody   *early         // for any chain under nobody's name, likewise
	versions []*versionScan // oldest first
	key      func() keyGroup
	mu       sync.Mutex // guards what follows
	ranks    map[uint16]ranking
	groups   map[uint16]*groupScan
	schemes  map[uint16]hands
	chains   []sentChain
	besides  []sentChain // that whatever question showed
	chained  gate        // all chains were asked for
	protocol results.Protocol
	more     extras
	former   *session // when it was not known yet that the address wavers; nil if it was, or does not
	unseen   bool     // something that was asked for got no usable answer
	dead     bool     // nothing of TLS was heard: the rest was not asked
}

// extras are what is not asked by hellos alone, or not by default.
type extras struct {
	complete    bool             // finish accepted suites too
	certificate *tls.Certificate // ours, if a server asks; nil if we have none
	siblings    bool             // the name has other addresses, to offer sessions to
	now         func() time.Time // to hold a server's clock against; nil: it is not

	completes  map[pair]results.Answer
	resumption *resumption
	drift      results.PathFacts
	staples    map[string][]byte         // OCSP responses that were seen, by leaf
	stapled    map[string]results.Answer // whether there was one, likewise
}

// keyGroup is the group of TLS 1.3 with which encrypted flights can be opened,
// or why there is none.
type keyGroup struct {
	group   uint16
	failure *results.Failure
}

func newSession(path *inventory.Path, aspects []Aspect, ask *asker) *session {
	s := &session{
		path: path, aspects: aspects, ask: ask,
		ranks: map[uint16]ranking{}, groups: map[uint16]*groupScan{}, schemes: map[uint16]hands{},
	}
	if s.wants(AspectCertificates) {
		ask.shown = s.beside
	}
	others := &siblings{}
	for _, number := range askedVersions() {
		v := newVersionScan(number, path.ServerName, others)
		v.chains = s.enumerates() && s.wants(AspectCertificates)
		v.groups = s.enumerates() && s.wants(AspectGroups) && number >= wire.TLS12
		v.order = s.wants(AspectPreference)
		s.versions = append(s.versions, v)
	}
	for i, v := range s.versions[:len(s.versions)-1] {
		v.newer = s.versions[i+1 : len(s.versions)-1]
	}
	return s
}

// askedVersions lists the versions that are asked for, oldest first, but for
// SSLv2.
func askedVersions() []uint16 {
	return []uint16{wire.SSL30, wire.TLS10, wire.TLS11, wire.TLS12, wire.TLS13}
}

func (s *session) wants(as ...Aspect) bool {
	return slices.ContainsFunc(as, func(a Aspect) bool { return slices.Contains(s.aspects, a) })
}

// version finds the scan of a version.
func (s *session) version(number uint16) *versionScan {
	return s.versions[slices.Index(askedVersions(), number)]
}

// keep writes a result of one of the goroutines.
func (s *session) keep(write func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	write()
}

// look asks the very first question, and gives it so long. It reports whether
// anybody is there; if nobody is, nothing was asked yet.
func (s *session) look(ctx context.Context, timeout time.Duration) bool {
	v := s.version(wire.TLS13)
	first := s.ask.exchange(ctx, new(v.question(0)), func(ctx context.Context) (*dial.Conn, *results.Failure) {
		return s.ask.lane.OpenSoon(ctx, timeout)
	})
	if first.failure.Kind == results.KindTimeout {
		return false
	}
	v.first = first
	return true
}

// knock asks for the newest versions first, as many as may be asked side by
// side: where nothing of TLS answers any of them, nothing further is asked, so
// that a dead endpoint costs one timeout and few connections. The oldest can wait: see
// open. It reports whether the endpoint lives.
func (s *session) knock(ctx context.Context) bool {
	width := s.ask.lane.Width()
	knock := s.versions[max(slices.Index(askedVersions(), wire.TLS11), len(s.versions)-width):]
	s.ask.knocks.Store(int32(len(knock)))
	var knocking crew
	for _, v := range knock {
		knocking.Go(func() { v.open(ctx, s.ask) })
	}
	for _, e := range s.putEarly(ctx, width-len(knock)) {
		knocking.Go(func() { e.done.through() })
	}
	answered := make(chan struct{})
	s.ask.apart(ctx, func(context.Context) { defer close(answered); knocking.Wait() })
	select {
	case <-s.ask.heard.wait():
	case <-answered:
		s.dead = silent(knock) && !s.ask.heard.isOpen()
	}
	return !s.dead
}

// putEarly puts what nearly every server is asked, whatever it answers first, into
// so many places that nobody uses yet.
func (s *session) putEarly(ctx context.Context, places int) (put []*early) {
	early := func(q inquiry) *early {
		put = append(put, s.ask.putEarly(ctx, q))
		return put[len(put)-1]
	}
	if v := s.version(wire.TLS12); s.enumerates() && places > 0 {
		v.early = early(new(v.question(1)))
	}
	if places > 1 {
		s.v2early = early(v2Question{})
	}
	newest := s.version(wire.TLS13)
	if s.enumerates() && places > 2 {
		newest.early = early(new(newest.by.ask(rare13())))
	}
	if places > 3 && newest.groups && !newest.order {
		newest.earlyGroups = early(new(newest.rareGroups()))
	}
	if places > 4 && s.wants(AspectCertificates) && s.enumerates() {
		look := s.chainScan(wire.TLS12, results.Nobody)
		s.nobody = early(new(look.anyChain(likely(wire.TLS12))))
	}
	return put
}

// runV2 asks for SSLv2.
func (s *session) runV2(ctx context.Context) {
	if s.v2early == nil {
		s.v2 = *s.ask.ask(ctx, v2Question{})
		return
	}
	s.version(wire.TLS12).open(ctx, s.ask) // until it is known how the server refuses
	s.version(wire.TLS13).open(ctx, s.ask)
	s.v2 = *s.v2early.settle(ctx, s.ask)
}

// wait puts the first question to an address at which a look found nobody, and
// gives it its time. If not even a connection opens, that is all. It reports
// whether there is more to know than that somebody is there and silent.
func (s *session) wait(ctx context.Context) bool {
	v := s.version(wire.TLS13)
	q := v.question(0)
	first := s.ask.exchange(ctx, &q, s.ask.lane.OpenFirst)
	if first.unopened() {
		first = s.ask.settle(ctx, &q, first)
		if s.dead = first.unopened(); s.dead {
			return true
		}
	}
	v.first = first
	return first.failure.Kind != results.KindTimeout
}

// inquire asks all the rest.
func (s *session) inquire(ctx context.Context) {
	var g crew
	s.key = sync.OnceValue(func() keyGroup {
		v := s.version(wire.TLS13)
		group, failure := usableGroup(ctx, s.ask, s.path.ServerName, likely(wire.TLS13), v.opening())
		if failure != nil {
			s.ask.note(&answer{failure: *failure})
			s.keep(func() { s.unseen = true })
		}
		return keyGroup{group, failure}
	})
	for _, part := range s.parts() {
		g.Go(func() { part(ctx) })
	}
	g.Wait()
	s.ask.endAside()
	s.requestAgain(ctx)
	if s.wants(AspectPath) && !s.ask.misled() {
		for _, v := range s.versions {
			v.rememberBreakdown(s.ask)
		}
		s.ask.recheck(ctx)
	}
}

// parts lists what is asked, each part for a goroutine of its own. Parts wait
// for each other at the gates of versions.
func (s *session) parts() []func(context.Context) {
	parts := []func(context.Context){s.runV2}
	for _, v := range s.versions {
		parts = append(parts, func(ctx context.Context) { s.runVersion(ctx, v) })
	}
	if s.wants(AspectGroups) {
		parts = append(parts, s.runGroups12, s.runGroups13)
	}
	if s.wants(AspectSignatures) {
		parts = append(parts, s.runSchemes12, s.runSchemes13)
	}
	if s.wants(AspectCertificates) {
		parts = append(parts, s.runChains)
	}
	if s.wants(AspectProtocol) {
		parts = append(parts, s.runProtocol)
	}
	if s.wants(AspectProtocol) || s.more.siblings {
		parts = append(parts, s.runResumption)
	}
	if s.wants(AspectPath) {
		parts = append(parts, s.runPath)
	}
	if s.more.complete {
		parts = append(parts, s.runCompletion)
	}
	return parts
}

// runVersion asks for a version, its suites and their order.
func (s *session) runVersion(ctx context.Context, v *versionScan) {
	defer v.release()
	s.open(ctx, v)
	v.run(ctx, s.ask, s.enumerates())
	s.deny(ctx, v)
	s.reconsider(ctx, v)
	v.known.open()
	v.done.open()
	s.rank(ctx, v)
}

// rank asks for the order of a version's suites.
func (s *session) rank(ctx context.Context, v *versionScan) {
	if s.wants(AspectPreference) && v.spoken.Load() {
		r := rank(ctx, s.ask, v.by, v.hands.accepted(), usualRank, v.hands.offers())
		s.keep(func() { s.ranks[v.version] = r })
	}
}

// open asks the first question of a version. That of TLS 1.1 is for TLS 1.0 too: who
// refuses it with protocol_version speaks neither (RFC 8446 §4.2.1, RFC 5246 §E.1),
// nor SSLv3 (RFC 8446 §D.2). Of one that does not speak TLS 1.3, and so need not read
// lists of versions, that is not taken for TLS 1.0: GnuTLS without TLS 1.1 between it and
// TLS 1.2 does not go down to it.
func (s *session) open(ctx context.Context, v *versionScan) {
	if v.version < wire.TLS11 {
		newer := s.versions[slices.Index(s.versions, v)+1]
		s.open(ctx, newer)
		if got := newer.opening(); got.outcome == refused && got.wrongVersion() && (v.version < wire.TLS10 || s.speaks(wire.TLS13)) {
			v.begin(0, func(*question) *answer { return got })
		}
	}
	v.open(ctx, s.ask)
}

// enumerates reports whether suites are enumerated, and not only versions.
func (s *session) enumerates() bool { return s.wants(AspectSuites, AspectPreference) }

// speaks waits until it is known whether a version is spoken.
func (s *session) speaks(version uint16) bool {
	v := s.version(version)
	v.known.through()
	return v.spoken.Load()
}

// allSuites waits for the suites that a version accepts; where they are not
// enumerated, it is all that there are.
func (s *session) allSuites(version uint16) []uint16 {
	v := s.version(version)
	v.done.through()
	if !s.enumerates() {
		return candidates(version)
	}
	return v.hands.accepted()
}

func (s *session) runGroups12(ctx context.Context) {
	if !s.speaks(wire.TLS12) {
		return
	}
	all := func() []uint16 { return s.allSuites(wire.TLS12) }
	ways := untied(s.path.ServerName, all, s.mayShowEdwards)
	g := s.pairedGroups(ctx, wire.TLS12, ways)
	if g == nil {
		g = scanGroups12(ctx, s.ask, s.path.ServerName, all, s.wants(AspectPreference), ways)
	}
	s.keep(func() { s.groups[wire.TLS12] = g })
}

func (s *session) runGroups13(ctx context.Context) {
	if !s.speaks(wire.TLS13) {
		return
	}
	g := s.pairedGroups(ctx, wire.TLS13, nil)
	if g == nil {
		g = scanGroups13(ctx, s.ask, s.path.ServerName, likely(wire.TLS13), s.version(wire.TLS13).opening(), s.wants(AspectPreference))
	}
	s.keep(func() { s.groups[wire.TLS13] = g })
}

// pairedGroups enumerates groups that are paired with suites; nil if none are.
func (s *session) pairedGroups(ctx context.Context, version uint16, untied func() []enumerator) *groupScan {
	v := s.version(version)
	if !v.groups {
		return nil
	}
	v.matched.through()
	if v.beside == nil {
		return nil
	}
	return playGroups(ctx, s.ask, version, append(hands{v.beside.groups}, v.beside.others...), s.wants(AspectPreference), untied)
}

func (s *session) runSchemes12(ctx context.Context) {
	if !s.speaks(wire.TLS12) {
		return
	}
	found := scanSchemes12(ctx, s.ask, s.path.ServerName, s.allSuites(wire.TLS12), s.version(wire.TLS12).undetermined())
	s.keep(func() { s.schemes[wire.TLS12] = found })
}

func (s *session) runSchemes13(ctx context.Context) {
	if !s.speaks(wire.TLS13) {
		return
	}
	found := hands{{rest: schemesOf(wire.TLS13)}} // undetermined
	if key := s.key(); key.failure == nil {
		found = scanSchemes13(ctx, s.ask, s.path.ServerName, likely(wire.TLS13), key.group)
	}
	s.keep(func() { s.schemes[wire.TLS13] = found })
}

// runChains asks for certificates: in the newest version that shows them in
// the clear, and in TLS 1.3, which may show others; under the endpoint's own name and
// without one. Under a name that is nobody's one question tells most often that no
// others are to be had.
func (s *session) runChains(ctx context.Context) {
	defer s.chained.open()
	versions := s.chainVersions()
	if len(versions) == 0 {
		return
	}
	look := s.chainScan(versions[len(versions)-1], results.Nobody)
	look.early = s.nobody
	var g crew
	g.Go(func() { look.look(ctx, s.ask) })
	s.askChains(ctx, versions, s.chainNames()...)
	g.Wait()
	if look.news(s.chains) {
		s.askChains(ctx, versions, results.Nobody)
	}
	s.keep(func() { s.chains, s.unseen = distinct(s.chains), s.unseen || look.unsettled })
}

// askChains asks for all chains under some names.
func (s *session) askChains(ctx context.Context, versions []uint16, names ...string) {
	var all []*chainScan
	for _, name := range names {
		for _, v := range versions {
			all = append(all, s.chainScan(v, name))
		}
	}
	var g crew
	for _, c := range all {
		g.Go(func() { c.run(ctx, s.ask) })
	}
	g.Wait()
	for _, c := range all {
		s.keep(func() { s.chains, s.unseen = append(s.chains, c.sent...), s.unseen || c.unsettled })
	}
}

// maxBesides bounds the chains that are kept of those that questions for other things
// showed.
const maxBesides = 16

// beside keeps a chain that came with the answer to whatever question: a server may
// choose its certificate by what is asked for only in passing, such as one scheme.
func (s *session) beside(serverName string, certs [][]byte) {
	s.keep(func() {
		if more := distinct(append(slices.Clip(s.besides), sentChain{serverName, certs})); len(more) <= maxBesides {
			s.besides = more
		}
	})
}

func (s *session) chainScan(version uint16, name string) *chainScan {
	return &chainScan{versionScan: s.version(version), name: name, key: s.key, suites: func() []uint16 { return s.allSuites(version) }, newer: func() bool { return s.speaks(wire.TLS13) }}
}

// chainNames lists the server names that chains are asked for under, whatever they
// show.
func (s *session) chainNames() []string {
	if s.path.ServerName == "" {
		return []string{""}
	}
	return []string{s.path.ServerName, ""}
}

// mayShowEdwards reports whether there may be a certificate for such a key: unless
// all chains were asked for, and none was.
func (s *session) mayShowEdwards() bool {
	if !s.wants(AspectCertificates) {
		return true
	}
	s.chained.through()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.besides, func(c sentChain) bool { return kindOf(c.der[0]) == edwardsKey })
}

// authOf is what a suite is signed with.
func authOf(id uint16) string { return wire.LookupSuite(id).Auth }

// chainVersions lists in which versions certificates are asked for.
func (s *session) chainVersions() (versions []uint16) {
	for _, v := range slices.Backward(askedVersions()) {
		if !s.speaks(v) {
			continue
		}
		versions = append(versions, v)
		if v < wire.TLS13 {
			break
		}
	}
	return versions
}

// runProtocol asks the protocol facts.
func (s *session) runProtocol(ctx context.Context) {
	p := &protocolScan{ask: s.ask, name: s.path.ServerName}
	for _, v := range slices.Backward(s.versions) {
		switch {
		case !s.speaks(v.version):
		case v.version == wire.TLS13:
			p.tls13 = likely(wire.TLS13)
			p.group = s.key().group
		case p.old == 0:
			p.old, p.suites = v.version, s.allSuites(v.version)
			p.fieldless = v.fields != nil
		case p.older == 0:
			p.older = v.version
		}
	}
	if p.old != 0 || p.tls13 != nil {
		facts := p.run(ctx)
		s.keep(func() {
			s.protocol, s.unseen = facts, s.unseen || p.open
			s.more.staples, s.more.stapled = p.staples, p.stapled
		})
	}
}

// silent reports whether no answer gives hope that another question would be
// answered. A connection that was closed does: some servers close on what they
// dislike.
func silent(vs []*versionScan) bool {
	for _, v := range vs {
		if v.opening().outcome != failed || v.opening().failure.Kind == results.KindMalformed {
			return false
		}
	}
	return true
}
