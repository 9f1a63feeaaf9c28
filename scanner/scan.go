// Package scanner observes TLS endpoints: which versions, suites, groups and
// certificates they serve, by concurrent probes within a budget. It judges
// nothing: what it returns are facts, each yes, no or unknown.
//
// A path of the inventory is planned (plan.go) and takes its turn (turns.go). The scan
// of one endpoint is a session (session.go), whose parts run side by side: a versionScan
// for each version (suites.go), and what waits for these: groups, schemes, chains,
// protocol facts, resumption, drift. Whatever can be enumerated is dealt to hands, each
// an elimination (eliminate.go), that are played at a table (table.go). Its questions
// (question.go: one ClientHello, one connection) are put by the asker (ask.go) over a
// lane of package dial, and what comes back is an answer (answer.go), a refusal only
// if it is sure to be one: see ask.go, waver.go, presence.go and doubt.go. What a server
// chokes on is asked in smaller steps: brief.go, keyed.go, late.go, finite.go. In the end
// record.go folds what was found into the endpoint's record.
package scanner

import (
	"context"
	"crypto/tls"
	"slices"
	"time"

	"shakedown/results"
	"shakedown/scanner/chain"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
	"shakedown/scanner/wire"
)

// Options say what is asked, and how patiently.
type Options struct {
	Complete     bool             // finish every accepted suite once
	Revocation   bool             // ask OCSP responders and CRLs about trusted chains
	Certificate  *tls.Certificate // shown where a finished handshake asks for one; nil is none
	Aspects      []Aspect         // nil is all
	Patience     time.Duration    // of the second asking of an unknown; 0 is the dialer's timeout
	AllAddresses bool             // every address of a name, not the first alone
	// Roots gives a path's trust anchors; nil is the system's for all.
	Roots func(inventory.Path) *chain.Roots
	Now   func() time.Time // nil is time.Now
}

// withNeeds adds the aspects that other wishes rest on.
func (o Options) withNeeds() []Aspect {
	aspects := slices.Clone(o.Aspects)
	need := func(a Aspect, wished bool) {
		if wished && !slices.Contains(aspects, a) {
			aspects = append(aspects, a)
		}
	}
	need(AspectSuites, o.Complete)
	need(AspectCertificates, o.Revocation)
	return aspects
}

// Scanner scans endpoints through a dialer.
type Scanner struct {
	dialer    *dial.Dialer
	opt       Options
	registrar *registrar // nil if revocation is not asked
}

// New returns a Scanner.
func New(d *dial.Dialer, opt Options) *Scanner {
	if opt.Aspects == nil {
		opt.Aspects = Aspects()
	}
	opt.Aspects = opt.withNeeds()
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Roots == nil {
		system := &chain.Roots{}
		opt.Roots = func(inventory.Path) *chain.Roots { return system }
	}
	return &Scanner{dialer: d, opt: opt}
}

// Run scans paths and hands each endpoint's record to emit as it is finished,
// one at a time. When ctx's deadline passes, every endpoint still gets its
// record, with what was learned; when ctx is cancelled, unfinished endpoints
// get none. Run returns emit's error, or nil.
func (s *Scanner) Run(ctx context.Context, paths []inventory.Path, emit func(*results.Endpoint) error) error {
	if s.opt.Revocation {
		s.registrar = newRegistrar(ctx, s.dialer, s.opt.Now)
	}
	done := make(chan *results.Endpoint)
	go func() { defer close(done); s.takeTurns(ctx, paths, done) }()
	var failed error
	for e := range done {
		if failed == nil && ctx.Err() != context.Canceled {
			failed = emit(e)
		}
	}
	return failed
}

// visit is the scan of one address of a path.
type visit struct {
	*session
	lane   *dial.Lane
	route  dial.Route
	record *results.Endpoint
	took   time.Duration
	bug    *results.Failure // one of ours, which ended it; nil if none did
}

// visit begins the scan of an address; siblings says that the name has others.
// It goes on from what was before.
func (s *Scanner) visit(p *inventory.Path, route dial.Route, siblings bool, was before) *visit {
	lane := s.dialer.Lane(route)
	patience := s.opt.Patience
	if patience <= 0 {
		patience = s.dialer.Timeout()
	}
	ask := newAsker(lane, patience, s.opt.Patience > 0)
	ask.left = was.connections
	v := &visit{session: newSession(p, s.opt.Aspects, ask), lane: lane, route: route, record: s.record(p, route.String(), s.opt.Now()), took: was.took}
	v.version(wire.TLS13).first = was.first
	v.session.more = extras{complete: s.opt.Complete, certificate: s.opt.Certificate, now: s.opt.Now, siblings: siblings && v.session.wants(AspectPath)}
	return v
}

// timed counts what is done as time of the visit. After a bug nothing is done.
func (v *visit) timed(do func()) {
	if v.bug != nil {
		return
	}
	began := time.Now()
	v.bug = guard(do)
	v.took += time.Since(began)
}

// leave ends a visit.
func (v *visit) leave() {
	guard(v.ask.endAside) // a bug that comes so late is told of in no record
	v.lane.Release()
}

// fold makes a visit's record; nil if the run was cancelled meanwhile.
func (s *Scanner) fold(ctx context.Context, v *visit) *results.Endpoint {
	if ctx.Err() == context.Canceled {
		return nil
	}
	if v.bug == nil {
		v.bug = guard(func() { s.write(ctx, v) })
	}
	if v.bug != nil {
		v.record = s.broken(v)
	}
	v.record.ElapsedMS = float64(v.took.Microseconds()) / 1000
	return v.record
}

// write writes down what a visit found out.
func (s *Scanner) write(ctx context.Context, v *visit) {
	roots, at := s.opt.Roots(*v.path), s.opt.Now()
	v.session.fold(v.record, roots, at)
	judgeStaples(v.record, roots, v.more.staples, at)
	if s.registrar != nil {
		s.registrar.judge(ctx, v.record, roots, v.more.staples)
	}
}

// record begins an endpoint's record with what the inventory says.
func (s *Scanner) record(p *inventory.Path, address string, started time.Time) *results.Endpoint {
	return &results.Endpoint{
		Service: p.Service, Path: p.Name, Kind: p.Kind, Target: p.Target, Targets: p.Targets,
		Address: address, ServerName: p.ServerName, StartedAt: started.UTC(),
	}
}

// unresolved is the record of a name without an address.
func (s *Scanner) unresolved(p *inventory.Path, f results.Failure, started time.Time) *results.Endpoint {
	return s.unknown(p, s.record(p, "", started), []results.Failure{f})
}

// broken is the record of a visit that a bug ended: what it had found out may be half of
// it.
func (s *Scanner) broken(v *visit) *results.Endpoint {
	v.ask.mu.Lock()
	defer v.ask.mu.Unlock()
	e := s.unknown(v.path, s.record(v.path, v.route.String(), v.record.StartedAt), append(slices.Clip(v.ask.failures), *v.bug))
	e.Connections = v.ask.opened()
	return e
}

// unknown writes down that nothing is known, and why.
func (s *Scanner) unknown(p *inventory.Path, e *results.Endpoint, why []results.Failure) *results.Endpoint {
	dead := newSession(p, s.opt.Aspects, &asker{failures: why})
	dead.dead = true
	dead.fold(e, nil, e.StartedAt)
	return e
}
