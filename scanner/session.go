// session: the scan of one endpoint, from its first question to its record.

package scanner

import (
	"context"
	"crypto/tls"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
	"shakedown/scanner/wire"
)

// session scans one endpoint. Its parts are asked side by side, as soon as what
// they rest on is known, and folded to a record when all are done.
type session struct {
	path    inventory.Path
	aspects []Aspect
	ask     *asker

	v2       answer         // of SSLv2, which is a language of its own
	versions []*versionScan // oldest first
	key      func() keyGroup
	mu       sync.Mutex // guards what follows
	ranks    map[uint16]ranking
	groups   map[uint16]*groupScan
	schemes  map[uint16]hands
	chains   []sentChain
	protocol results.Protocol
	more     extras
	unseen   bool // something that was asked for got no usable answer
	dead     bool // nothing of TLS was heard: the rest was not asked
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
	staples    map[string][]byte // OCSP responses that were seen, by leaf
}

// keyGroup is the group of TLS 1.3 with which encrypted flights can be opened,
// or why there is none.
type keyGroup struct {
	group   uint16
	failure *results.Failure
}

func newSession(path inventory.Path, aspects []Aspect, ask *asker) *session {
	s := &session{
		path: path, aspects: aspects, ask: ask,
		ranks: map[uint16]ranking{}, groups: map[uint16]*groupScan{}, schemes: map[uint16]hands{},
	}
	for _, v := range askedVersions() {
		s.versions = append(s.versions, newVersionScan(v, path.ServerName))
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
	first := s.ask.exchange(ctx, *v.hands[0].next(nil), func(ctx context.Context) (*dial.Conn, *results.Failure) {
		return s.ask.lane.OpenSoon(ctx, timeout)
	})
	if first.failure.Kind == results.KindTimeout {
		return false
	}
	v.first = &first
	return true
}

// knock asks for the newest versions first, as many as may be asked side by
// side: where nothing of TLS answers any of them, nothing further is asked, so
// that a dead endpoint costs one timeout and few connections. It reports whether
// the endpoint lives.
func (s *session) knock(ctx context.Context) bool {
	knock := s.versions[max(0, len(s.versions)-s.ask.lane.Width()):]
	s.ask.knocks.Store(int32(len(knock)))
	var knocking errgroup.Group
	for _, v := range knock {
		knocking.Go(func() error { v.open(ctx, s.ask); return nil })
	}
	answered := make(chan struct{})
	go func() { knocking.Wait(); close(answered) }()
	select {
	case <-s.ask.heard.c:
	case <-answered:
		s.dead = silent(knock) && !s.ask.heard.isOpen()
	}
	return !s.dead
}

// wait puts the first question to an address at which a look found nobody, and
// gives it its time. If not even a connection opens, that is all. It reports
// whether there is more to know than that somebody is there and silent.
func (s *session) wait(ctx context.Context) bool {
	v := s.version(wire.TLS13)
	q := *v.hands[0].next(nil)
	first := s.ask.exchange(ctx, q, s.ask.lane.OpenFirst)
	if first.unopened() {
		first = s.ask.settle(ctx, q, first)
		if s.dead = first.unopened(); s.dead {
			return true
		}
	}
	v.first = &first
	return first.failure.Kind != results.KindTimeout
}

// inquire asks all the rest.
func (s *session) inquire(ctx context.Context) {
	var g errgroup.Group
	s.key = sync.OnceValue(func() keyGroup {
		v := s.version(wire.TLS13)
		group, failure := usableGroup(ctx, s.ask, s.path.ServerName, likely(wire.TLS13), v.opening)
		if failure != nil {
			s.ask.note(answer{failure: *failure})
			s.keep(func() { s.unseen = true })
		}
		return keyGroup{group, failure}
	})
	for _, part := range s.parts() {
		g.Go(func() error { part(ctx); return nil })
	}
	g.Wait()
}

// parts lists what is asked, each part for a goroutine of its own. Parts wait
// for each other at the gates of versions.
func (s *session) parts() []func(context.Context) {
	parts := []func(context.Context){func(ctx context.Context) { s.v2 = s.ask.ask(ctx, v2Question{}) }}
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
	v.open(ctx, s.ask)
	if s.goesAlong(v) {
		v.parted.through()
	}
	if v.version == wire.TLS12 {
		// Where an older version is enumerated too, that keeps the budget busy.
		older := s.version(wire.TLS11)
		older.open(ctx, s.ask)
		v.fewer = older.spoken.Load()
	}
	v.run(ctx, s.ask, s.enumerates())
	if s.wants(AspectPreference) && v.spoken.Load() {
		r := rank(ctx, s.ask, v.by, v.hands.accepted(), usualRank, v.hands.offers())
		s.keep(func() { s.ranks[v.version] = r })
	}
}

// goesAlong reports whether the first suites of a version are enumerated together
// with its groups.
func (s *session) goesAlong(v *versionScan) bool {
	return v.version == wire.TLS13 && v.opening.outcome == accepted && s.enumerates() && s.wants(AspectGroups)
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
	g := scanGroups12(ctx, s.ask, s.path.ServerName, all, s.wants(AspectPreference))
	s.keep(func() { s.groups[wire.TLS12] = g })
}

func (s *session) runGroups13(ctx context.Context) {
	if !s.speaks(wire.TLS13) {
		return
	}
	v := s.version(wire.TLS13)
	var along *elimination
	if s.goesAlong(v) {
		along = v.hands[0]
	}
	g := scanGroups13(ctx, s.ask, s.path.ServerName, likely(wire.TLS13), v.opening, s.wants(AspectPreference), along, v.parted.open)
	s.keep(func() { s.groups[wire.TLS13] = g })
}

func (s *session) runSchemes12(ctx context.Context) {
	if !s.speaks(wire.TLS12) {
		return
	}
	found := scanSchemes12(ctx, s.ask, s.path.ServerName, s.allSuites(wire.TLS12))
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
// the clear, and in TLS 1.3, which may show others. Likely suites are offered
// first; what a server has only unlikely ones for is asked when all are known.
func (s *session) runChains(ctx context.Context) {
	versions := s.chainVersions()
	var qs []question
	for _, name := range s.chainNames() {
		for _, version := range versions {
			if version < wire.TLS13 {
				qs = append(qs, chainQuestions(version, name, s.soonKnown(version, name))...)
			} else if key := s.key(); key.failure == nil {
				qs = append(qs, chainQuestions13(name, likely(version), key.group)...)
			}
		}
	}
	sent, whole := scanChains(ctx, s.ask, qs)
	if len(versions) > 0 && versions[len(versions)-1] < wire.TLS13 {
		more, all := scanChains(ctx, s.ask, s.otherChains(versions[len(versions)-1]))
		sent, whole = append(sent, more...), whole && all
	}
	s.keep(func() { s.chains, s.unseen = distinct(sent), s.unseen || !whole })
}

// soonKnown is the suites to ask for chains with, before all accepted ones are
// known: likely ones of every kind of key. Under the name that suites are
// enumerated with, no kind is asked for in vain: the one that the first answer
// showed is enough for now.
func (s *session) soonKnown(version uint16, name string) []uint16 {
	opening := s.version(version).opening
	if name != s.path.ServerName || !s.enumerates() || opening.outcome != accepted {
		return likely(version)
	}
	auth := authOf(opening.hello.Suite)
	return suitesWith(likely(version), func(s wire.SuiteInfo) bool { return s.Auth == auth })
}

// otherChains asks with accepted suites for the kinds of key that were not asked
// for before.
func (s *session) otherChains(version uint16) (qs []question) {
	accepted := s.allSuites(version)
	for _, name := range s.chainNames() {
		asked := map[string]bool{}
		for _, id := range s.soonKnown(version, name) {
			asked[authOf(id)] = slices.Contains(accepted, id) || asked[authOf(id)]
		}
		qs = append(qs, chainQuestions(version, name, suitesWith(accepted, func(s wire.SuiteInfo) bool { return !asked[s.Auth] }))...)
	}
	return qs
}

// chainNames lists the server names that chains are asked for under.
func (s *session) chainNames() []string {
	if s.path.ServerName == "" {
		return []string{""}
	}
	return []string{s.path.ServerName, ""}
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
		case p.older == 0:
			p.older = v.version
		}
	}
	if p.old != 0 || p.tls13 != nil {
		facts := p.run(ctx)
		s.keep(func() { s.protocol, s.more.staples = facts, p.staples })
	}
}

// silent reports whether no answer gives hope that another question would be
// answered. A connection that was closed does: some servers close on what they
// dislike.
func silent(vs []*versionScan) bool {
	for _, v := range vs {
		if v.opening.outcome != failed || v.opening.failure.Kind == results.KindMalformed {
			return false
		}
	}
	return true
}
