// Turns: which endpoint is scanned when. Dead ones, to which each question takes
// as long as a timeout, do not cost living ones their turn.

package scanner

import (
	"context"
	"sync"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
	"shakedown/scanner/wire"
)

// glance is the part of a timeout that a first look takes at most: a second of
// five, in which every address answers that is not dead, overloaded or lossy.
const glance = 5

// rota scans paths, in up to three rounds. Where there are no more endpoints than there
// is room for, each is asked at once what it speaks (knock). Where there are more, each is
// looked at first, by one question; those at which nobody is seen are put that question
// again when all others are done, and it takes its time (wait); and who takes a
// connection and says nothing is asked the rest when all of that is over (knockAfter).
// Only endpoints that have answered take one of the places for scans: so many that each
// has its whole budget, as what waits for connections costs memory and time, and the
// first questions to others fill what gaps there are.
type rota struct {
	*Scanner
	places chan struct{}
	done   chan<- *results.Endpoint

	mu    sync.Mutex
	later []*errand // for the next round
}

// errand is a path that is to be scanned.
type errand struct {
	path    *inventory.Path
	started time.Time
	routes  []dial.Route
	before  []before // of each route
}

// before is what earlier rounds have of a route.
type before struct {
	connections int
	took        time.Duration
	first       *answer // to the first question, if that had its time
}

// takeTurns scans all paths.
func (s *Scanner) takeTurns(ctx context.Context, paths []inventory.Path, done chan<- *results.Endpoint) {
	t := &rota{Scanner: s, places: make(chan struct{}, s.dialer.Addresses()), done: done}
	rounds := []approach{t.look, t.wait, t.knockAfter}
	if len(paths) <= s.dialer.Addresses() {
		rounds = []approach{t.knock}
	}
	each := func(n int, do func(i int)) {
		g := atMost(cap(t.places) + s.dialer.Concurrency())
		for i := range n {
			g.Go(func() { do(i) })
		}
		g.Wait()
	}
	each(len(paths), func(i int) { t.guarded(&paths[i], func() { t.begin(ctx, &paths[i], rounds[0]) }) })
	for _, next := range rounds[1:] {
		round := t.later
		t.later = nil
		each(len(round), func(i int) { t.guarded(round[i].path, func() { t.scan(ctx, round[i], next) }) })
	}
}

// guarded does something for a path. A bug outside its visits is one in finding its
// addresses.
func (t *rota) guarded(p *inventory.Path, do func()) {
	if f := guard(do); f != nil {
		f.Stage = results.StageResolve
		t.done <- t.unresolved(p, *f, t.opt.Now())
	}
}

// begin finds the ways to a path and scans it.
func (t *rota) begin(ctx context.Context, p *inventory.Path, approach approach) {
	if ctx.Err() == context.Canceled {
		return
	}
	e := &errand{path: p, started: t.opt.Now()}
	routes, f := t.dialer.Routes(ctx, dial.Target{Host: p.Host, Port: p.Port, StartTLS: p.Scheme, ProxyProtocol: p.ProxyProtocol})
	if f != nil {
		t.done <- t.unresolved(p, *f, e.started)
		return
	}
	if !t.opt.AllAddresses {
		routes = routes[:1]
	}
	e.routes, e.before = routes, make([]before, len(routes))
	t.scan(ctx, e, approach)
}

// scan scans a path's addresses, when each has been approached.
func (t *rota) scan(ctx context.Context, e *errand, approach approach) {
	if ctx.Err() == context.Canceled {
		return
	}
	var visits []*visit
	for i, r := range e.routes {
		v := t.visit(e.path, r, len(e.routes) > 1, e.before[i])
		defer v.leave()
		visits = append(visits, v)
	}
	if approach(ctx, e, visits) {
		t.visitAll(ctx, visits)
	}
}

// visitAll asks what is to be asked at living addresses.
func (t *rota) visitAll(ctx context.Context, visits []*visit) {
	if len(visits) > 1 || !visits[0].dead {
		t.places <- struct{}{}
		defer func() { <-t.places }()
	}
	for _, v := range visits {
		if !v.dead {
			v.timed(func() {
				if v.wants(AspectCertificates) {
					t.opt.Roots(*v.path).Expect()
				}
				v.inquire(ctx)
				v.session = v.askAnew(ctx)
			})
		}
	}
	t.offerAround(ctx, visits)
	for _, v := range visits {
		v.timed(v.ask.endAside)
		if e := t.fold(ctx, v); e != nil {
			t.done <- e
		}
	}
}

// approach finds out which addresses of a path live. It reports whether the path
// is to be scanned now.
type approach func(context.Context, *errand, []*visit) bool

// knock is how few endpoints are approached.
func (t *rota) knock(ctx context.Context, _ *errand, visits []*visit) bool {
	for _, v := range visits {
		v.timed(func() { v.session.knock(ctx) })
	}
	return true
}

// look is how many are.
func (t *rota) look(ctx context.Context, e *errand, visits []*visit) bool {
	there := true
	for i, v := range visits {
		v.timed(func() { there = v.session.look(ctx, t.dialer.Timeout()/glance) && there })
		e.before[i].connections = v.ask.opened()
	}
	if !there {
		return t.postpone(e)
	}
	return t.knock(ctx, e, visits)
}

// wait is how those are where nobody was seen. A name with several addresses is
// not put off again for one of them.
func (t *rota) wait(ctx context.Context, e *errand, visits []*visit) bool {
	said := true
	for i, v := range visits {
		v.timed(func() { said = v.session.wait(ctx) && said })
		e.before[i] = before{v.ask.opened(), v.took, v.version(wire.TLS13).first}
	}
	if !said && len(visits) == 1 {
		return t.postpone(e)
	}
	return t.knockAfter(ctx, e, visits)
}

// knockAfter is how those are that said nothing, and knock for all that had their
// first question.
func (t *rota) knockAfter(ctx context.Context, e *errand, visits []*visit) bool {
	for _, v := range visits {
		if !v.dead {
			v.timed(func() { v.session.knock(ctx) })
		}
	}
	return true
}

// postpone leaves an errand to the next round.
func (t *rota) postpone(e *errand) (now bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.later = append(t.later, e)
	return false
}
