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
	"shakedown/scanner/chain"
	"shakedown/scanner/inventory"
	"shakedown/scanner/wire"
)

// session scans one endpoint. Its parts are filled side by side, each by one
// goroutine, and folded to a record when all are done.
type session struct {
	path    inventory.Path
	aspects []Aspect
	ask     *asker

	v2          answer         // of SSLv2, which is a language of its own
	versions    []*versionScan // oldest first
	mu          sync.Mutex     // guards the maps
	ranks       map[uint16]ranking
	groups      map[uint16]*groupScan
	schemes     map[uint16]*elimination
	chains      []sentChain
	protocol    results.Protocol
	group       uint16           // of TLS 1.3, for which handshake has keys
	noGroup     *results.Failure // why there is none
	complete    bool             // accepted suites are finished too
	certificate *tls.Certificate // ours, if a server asks; nil if we have none
	completes   map[pair]results.Answer
	resumption  *resumption
	siblings    bool // the name has other addresses, whose sessions are offered here and ours there
	drift       results.PathFacts
	staples     map[string][]byte // OCSP responses that were seen, by leaf
	unseen      bool              // some chain that was asked for got no usable answer
	dead        bool              // nothing of TLS was heard: the rest was not asked
}

func newSession(path inventory.Path, aspects []Aspect, ask *asker) *session {
	s := &session{path: path, aspects: aspects, ask: ask, ranks: map[uint16]ranking{}, groups: map[uint16]*groupScan{}, schemes: map[uint16]*elimination{}, completes: map[pair]results.Answer{}}
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

func (s *session) wants(a Aspect) bool { return slices.Contains(s.aspects, a) }

// run asks everything. TLS 1.2 and 1.3 knock first, side by side: whoever does
// not answer them at all is not asked further, so that a dead endpoint costs
// one timeout and two connections.
func (s *session) run(ctx context.Context) {
	knock := s.versions[len(s.versions)-2:]
	var g errgroup.Group
	for _, v := range knock {
		g.Go(func() error { v.open(ctx, s.ask); return nil })
	}
	g.Wait()
	if s.dead = silent(knock) && !s.ask.heard.Load(); s.dead {
		return
	}
	g.Go(func() error { s.v2 = s.ask.ask(ctx, v2Question{}); return nil })
	for _, v := range s.versions {
		g.Go(func() error { s.runVersion(ctx, v); return nil })
	}
	g.Wait()
	s.findGroup(ctx)
	g.Go(func() error { s.chains = s.runChains(ctx); return nil })
	g.Go(func() error { s.runProtocol(ctx); return nil })
	g.Go(func() error { s.runPath(ctx); return nil })
	if s.complete {
		g.Go(func() error { s.runCompletion(ctx); return nil })
	}
	if s.wants(AspectProtocol) || s.siblings {
		g.Go(func() error { s.runResumption(ctx); return nil })
	}
	g.Wait()
}

// findGroup finds what encrypted flights can be opened with, if that is wanted.
func (s *session) findGroup(ctx context.Context) {
	newest := s.versions[len(s.versions)-1]
	if newest.answer() != results.Yes || !s.wants(AspectCertificates) && !s.wants(AspectProtocol) && !s.complete && !s.siblings {
		return
	}
	if s.group, s.noGroup = usableGroup(ctx, s.ask, s.path.ServerName, s.suitesFor(newest, newest.accepted())); s.noGroup != nil {
		s.ask.note(answer{failure: *s.noGroup})
	}
}

// runProtocol asks the protocol facts.
func (s *session) runProtocol(ctx context.Context) {
	if !s.wants(AspectProtocol) {
		return
	}
	p := &protocolScan{ask: s.ask, name: s.path.ServerName, group: s.group}
	for _, v := range slices.Backward(s.versions) {
		switch suites := s.suitesFor(v, v.accepted()); {
		case v.answer() != results.Yes:
		case v.version == wire.TLS13:
			p.tls13 = suites
		case p.old == 0:
			p.old, p.suites = v.version, suites
		case p.older == 0:
			p.older = v.version
		}
	}
	if p.old != 0 || p.tls13 != nil {
		s.protocol = p.run(ctx)
		s.staples = p.staples
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

// runVersion asks all that concerns one version.
func (s *session) runVersion(ctx context.Context, v *versionScan) {
	if !v.opened {
		v.open(ctx, s.ask)
	}
	v.run(ctx, s.ask, s.wants(AspectSuites) || s.wants(AspectPreference))
	if v.answer() != results.Yes {
		return
	}
	suites := s.suitesFor(v, v.accepted())
	var g errgroup.Group
	if s.wants(AspectPreference) {
		g.Go(func() error {
			r := rank(ctx, s.ask, v.by, v.guess(), v.offers())
			s.keep(func() { s.ranks[v.version] = r })
			return nil
		})
	}
	if s.wants(AspectGroups) && v.version >= wire.TLS12 {
		g.Go(func() error {
			found := scanGroups(ctx, s.ask, v.version, s.path.ServerName, suites, s.wants(AspectPreference))
			s.keep(func() { s.groups[v.version] = found })
			return nil
		})
	}
	if s.wants(AspectSignatures) && v.version >= wire.TLS12 {
		g.Go(func() error {
			found, f := scanSchemes(ctx, s.ask, v.version, s.path.ServerName, suites)
			if f != nil {
				s.ask.note(answer{failure: *f})
				found = &elimination{rest: schemesOf(v.version)}
			}
			s.keep(func() { s.schemes[v.version] = found })
			return nil
		})
	}
	g.Wait()
}

// keep writes a result of one of the goroutines.
func (s *session) keep(write func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	write()
}

// suitesFor lists the suites that further questions of a version offer: those
// it accepts, or all while they were not enumerated.
func (s *session) suitesFor(v *versionScan, accepted []uint16) []uint16 {
	if s.wants(AspectSuites) || s.wants(AspectPreference) {
		return accepted
	}
	return candidates(v.version)
}

// runChains asks for certificates: in the newest version that shows them in
// the clear, and in TLS 1.3, which may show others.
func (s *session) runChains(ctx context.Context) []sentChain {
	if !s.wants(AspectCertificates) {
		return nil
	}
	names := []string{s.path.ServerName}
	if s.path.ServerName != "" {
		names = append(names, "")
	}
	var qs []question
	clear := false
	for _, v := range slices.Backward(s.versions) {
		if v.answer() != results.Yes || v.version < wire.TLS13 && clear {
			continue
		}
		clear = clear || v.version < wire.TLS13
		for _, name := range names {
			qs = append(qs, s.chainQuestions(v, name)...)
		}
	}
	sent, whole := scanChains(ctx, s.ask, qs)
	s.unseen = s.unseen || !whole
	return distinct(sent)
}

func (s *session) chainQuestions(v *versionScan, serverName string) []question {
	suites := s.suitesFor(v, v.accepted())
	if v.version < wire.TLS13 {
		return chainQuestions(v.version, serverName, suites)
	}
	if s.noGroup != nil {
		s.unseen = true
		return nil
	}
	qs, failure := chainQuestions13(serverName, suites, s.group)
	if failure != nil {
		s.unseen = true
		s.ask.note(answer{failure: *failure})
	}
	return qs
}

// fold makes the record.
func (s *session) fold(e *results.Endpoint, roots *chain.Roots, at time.Time) {
	e.Connections = int(s.ask.connections.Load())
	e.Failures = s.ask.failures
	e.Versions = map[results.Version]results.Answer{}
	s.foldV2(e)
	for _, v := range s.versions {
		s.foldVersion(e, v)
	}
	for _, c := range s.chains {
		judged := chain.Judge(c.der, chain.Options{ServerName: nameToMatch(s.path), Roots: roots, At: at})
		judged.ServerName = c.serverName
		e.Chains = append(e.Chains, judged)
	}
	e.Protocol = s.protocol
	if s.wants(AspectProtocol) {
		s.foldResumption(&e.Protocol)
	}
	e.PathFacts = s.drift
	e.Status = status(e)
	if s.unseen && e.Status == results.Complete {
		e.Status = results.Partial
	}
}

// nameToMatch is the name that certificates must match.
func nameToMatch(p inventory.Path) string {
	if p.ServerName != "" {
		return p.ServerName
	}
	return p.Host
}

func (s *session) foldV2(e *results.Endpoint) {
	got := v2Answer(s.v2)
	e.Versions[results.SSLv2] = got
	if got == results.Unknown {
		e.Undetermined.Versions = append(e.Undetermined.Versions, results.SSLv2)
	}
	if got != results.No && s.wants(AspectSuites) {
		put(&e.Suites, results.SSLv2, v2Suites(s.v2.kinds))
		putUndetermined(&e.Undetermined.Suites, results.SSLv2, got, nil)
	}
}

func (s *session) foldVersion(e *results.Endpoint, v *versionScan) {
	name := wire.VersionName(v.version)
	got := v.answer()
	if s.dead {
		got = results.Unknown
	}
	e.Versions[name] = got
	if got == results.Unknown {
		e.Undetermined.Versions = append(e.Undetermined.Versions, name)
	}
	if got == results.No {
		return
	}
	ranked := s.ranks[v.version]
	if ranked.preference != results.PreferenceServer && ranked.preference != results.PreferenceMixed {
		ranked.order = usualOrder(v.accepted())
	}
	if s.wants(AspectSuites) {
		put(&e.Suites, name, s.foldCompletion(v.version, ranked.order, suiteRecords(ranked.order)))
		putUndetermined(&e.Undetermined.Suites, name, got, v.undetermined())
	}
	if s.wants(AspectPreference) && ranked.preference != "" {
		put(&e.Preference, name, ranked.preference)
	}
	if s.wants(AspectGroups) && v.version >= wire.TLS12 {
		s.foldGroups(e, name, got, s.groups[v.version])
	}
	if s.wants(AspectSignatures) && v.version >= wire.TLS12 {
		s.foldSchemes(e, name, got, s.schemes[v.version])
	}
}

func (s *session) foldSchemes(e *results.Endpoint, name results.Version, got results.Answer, found *elimination) {
	if found == nil {
		found = &elimination{}
	}
	put(&e.SignatureSchemes, name, named(found.accepted, func(id uint16) string { return wire.LookupScheme(id).Name }))
	putUndetermined(&e.Undetermined.SignatureSchemes, name, got, found.undetermined())
}

func (s *session) foldGroups(e *results.Endpoint, name results.Version, got results.Answer, g *groupScan) {
	if g == nil {
		g = &groupScan{found: &elimination{}}
	}
	put(&e.Groups, name, named(g.ranking.order, func(id uint16) string { return wire.LookupGroup(id).Name }))
	putUndetermined(&e.Undetermined.Groups, name, got, g.found.undetermined())
	if g.ranking.preference != "" {
		put(&e.GroupPreference, name, g.ranking.preference)
	}
}

// status says how much of what was asked was determined.
func status(e *results.Endpoint) results.Status {
	determined := 0
	for _, a := range e.Versions {
		if a != results.Unknown {
			determined++
		}
	}
	switch {
	case determined == 0:
		return results.Failed
	case !e.Undetermined.IsZero(), slices.Contains(protocolAnswers(e.Protocol), results.Unknown), slices.Contains(mapValues(e.Preference), results.PreferenceUnknown),
		slices.Contains(mapValues(e.GroupPreference), results.PreferenceUnknown), completesUnknown(e),
		e.PathFacts.Steadiness == results.SteadinessUnknown, slices.Contains(mapValues(e.PathFacts.TicketsFrom), results.Unknown):
		return results.Partial
	}
	return results.Complete
}

// protocolAnswers lists the yes-or-no facts of a protocol record.
func protocolAnswers(p results.Protocol) []results.Answer {
	return []results.Answer{
		p.ExtendedMasterSecret, p.EncryptThenMAC, p.SecureRenegotiation, p.Compression, p.FallbackSCSV,
		p.ResumptionID, p.ResumptionTicket, p.ResumptionPSK, p.EarlyData, p.ClientCertificateRequested,
		p.OCSPStaple, p.SCT, p.VersionIntolerant, p.SizeIntolerant, p.ExtensionIntolerant,
	}
}

func mapValues[K comparable, V any](m map[K]V) []V {
	var out []V
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func put[K comparable, V any](m *map[K]V, name K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[name] = v
}

// putUndetermined lists ids that got no answer, "*" for all of a version that
// is itself unknown.
func putUndetermined(m *map[results.Version][]string, name results.Version, version results.Answer, ids []uint16) {
	switch {
	case version == results.Unknown:
		put(m, name, []string{"*"})
	case len(ids) > 0:
		var out []string
		for _, id := range ids {
			out = append(out, wire.ID(id))
		}
		slices.Sort(out)
		put(m, name, out)
	}
}

func suiteRecords(ids []uint16) []results.Suite {
	out := []results.Suite{}
	for _, id := range ids {
		s := wire.LookupSuite(id)
		out = append(out, results.Suite{ID: wire.ID(id), Name: s.Name, OpenSSL: s.OpenSSL})
	}
	return out
}

func named(ids []uint16, name func(uint16) string) []results.Named {
	out := []results.Named{}
	for _, id := range ids {
		out = append(out, results.Named{ID: wire.ID(id), Name: name(id)})
	}
	return out
}
