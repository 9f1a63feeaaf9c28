// Package scanner observes TLS endpoints: which versions, suites, groups and
// certificates they serve, by concurrent probes within a budget. It judges
// nothing: what it returns are facts, each yes, no or unknown.
//
// A scan of one endpoint is a session; a session puts questions (one
// connection each) through its asker; probes (elimination, rank) turn answers
// into next questions.
package scanner

import (
	"context"
	"crypto/tls"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"shakedown/results"
	"shakedown/scanner/chain"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
)

// Options say what is asked, and how patiently.
type Options struct {
	Complete     bool             // finish every accepted suite once
	Revocation   bool             // ask OCSP responders and CRLs about trusted chains
	Certificate  *tls.Certificate // shown where a finished handshake asks for one; nil is none
	Aspects      []Aspect         // nil is all
	Patience     time.Duration    // of the second asking of an unknown; 0 is the dialer's timeout
	AllAddresses bool             // every address of a name, not the first alone
	Endpoints    int              // scanned side by side; 0 is 32
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
	if opt.Endpoints <= 0 {
		opt.Endpoints = 32
	}
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
	var g errgroup.Group
	g.SetLimit(s.opt.Endpoints)
	go func() {
		defer close(done)
		for _, p := range paths {
			g.Go(func() error { s.scanPath(ctx, p, done); return nil })
		}
		g.Wait()
	}()
	var failed error
	for e := range done {
		if failed == nil && ctx.Err() != context.Canceled {
			failed = emit(e)
		}
	}
	return failed
}

// scanPath scans a path's addresses.
func (s *Scanner) scanPath(ctx context.Context, p inventory.Path, done chan<- *results.Endpoint) {
	if ctx.Err() == context.Canceled {
		return
	}
	started := s.opt.Now()
	routes, f := s.dialer.Routes(ctx, dial.Target{Host: p.Host, Port: p.Port, StartTLS: p.Scheme, ProxyProtocol: p.ProxyProtocol})
	if f != nil {
		done <- s.unresolved(p, *f, started)
		return
	}
	if !s.opt.AllAddresses {
		routes = routes[:1]
	}
	var visits []*visit
	for _, r := range routes {
		visits = append(visits, s.scanEndpoint(ctx, p, r, len(routes) > 1))
	}
	s.offerAround(ctx, visits)
	for _, v := range visits {
		if e := s.fold(ctx, v); e != nil {
			done <- e
		}
	}
}

// visit is the scan of one address of a path.
type visit struct {
	*session
	route  dial.Route
	record *results.Endpoint
	took   time.Duration
}

// scanEndpoint asks one address; siblings says that the name has others.
func (s *Scanner) scanEndpoint(ctx context.Context, p inventory.Path, route dial.Route, siblings bool) *visit {
	started := time.Now()
	e := s.record(p, route.String(), s.opt.Now())
	lane := s.dialer.Lane(route)
	defer lane.Release()
	patience := s.opt.Patience
	if patience <= 0 {
		patience = s.dialer.Timeout()
	}
	session := newSession(p, s.opt.Aspects, newAsker(lane, patience, s.opt.Patience > 0))
	session.more = extras{complete: s.opt.Complete, certificate: s.opt.Certificate, now: s.opt.Now, siblings: siblings && session.wants(AspectPath)}
	session.run(ctx)
	return &visit{session, route, e, time.Since(started)}
}

// fold makes a visit's record; nil if the run was cancelled meanwhile.
func (s *Scanner) fold(ctx context.Context, v *visit) *results.Endpoint {
	if ctx.Err() == context.Canceled {
		return nil
	}
	roots, at := s.opt.Roots(v.path), s.opt.Now()
	v.session.fold(v.record, roots, at)
	judgeStaples(v.record, roots, v.more.staples, at)
	if s.registrar != nil {
		s.registrar.judge(ctx, v.record, roots, v.more.staples)
	}
	v.record.ElapsedMS = float64(v.took.Microseconds()) / 1000
	return v.record
}

// record begins an endpoint's record with what the inventory says.
func (s *Scanner) record(p inventory.Path, address string, started time.Time) *results.Endpoint {
	return &results.Endpoint{
		Service: p.Service, Path: p.Name, Kind: p.Kind, Target: p.Target, Targets: p.Targets,
		Address: address, ServerName: p.ServerName, StartedAt: started.UTC(),
	}
}

// unresolved is the record of a name without an address.
func (s *Scanner) unresolved(p inventory.Path, f results.Failure, started time.Time) *results.Endpoint {
	e := s.record(p, "", started)
	dead := newSession(p, s.opt.Aspects, &asker{failures: []results.Failure{f}})
	dead.dead = true
	dead.fold(e, nil, started)
	return e
}
