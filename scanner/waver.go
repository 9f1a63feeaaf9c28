// Wavering: addresses that refuse, or close on, what they accept another time. Several
// servers may answer there, or something on the way does. What they refuse is believed
// only if they say it again and again. Where nothing wavers, nothing is asked for that.

package scanner

import (
	"context"
	"sync"
	"sync/atomic"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// insistence is how often a wavering address has to refuse before that is believed:
// of two servers, the one that would accept is missed once in a thousand times.
const insistence = 10

// temper is what is known of how an address refuses.
type temper struct {
	wavers atomic.Bool // it refused what it accepts,
	slams  atomic.Bool // or broke off in a way that was no refusal, though it was asked alone

	mu       sync.Mutex
	refusals []denial
	hasty    bool // a refusal that was none by its words was believed before it slammed
}

// denial is a question that was refused.
type denial struct {
	q        *question
	unspoken bool // none by its words
}

// refuses reports whether an answer says no.
func (a *answer) refuses() bool { return a.outcome == refused || a.outcome == otherVersion }

// weigh takes the answer that a question would have; of an address that wavers it
// asks for the refusal again and again.
func (a *asker) weigh(ctx context.Context, q inquiry, got *answer) *answer {
	if !got.refuses() {
		return got
	}
	switch {
	case got.unspoken && a.temper.slams.Load():
		got = a.insistOn(ctx, q, got, 1, a.alone)
	case !got.unspoken && a.temper.wavers.Load():
		got = a.insistOn(ctx, q, got, a.lane.Width(), a.lane.Open)
	}
	if got.refuses() {
		a.temper.remember(q, got)
	}
	return got
}

// insistOn puts a refused question again, so many at a time. One acceptance outweighs
// all refusals; what is said only now and then is neither.
func (a *asker) insistOn(ctx context.Context, q inquiry, refusal *answer, abreast int, open opener) *answer {
	answers := make([]*answer, insistence-1)
	g := atMost(abreast)
	for i := range answers {
		g.Go(func() { answers[i] = a.oneMore(ctx, q, open) })
	}
	g.Wait()
	if gone := a.stillAccepts(ctx); gone != nil {
		return &answer{failure: *gone}
	}
	said := 1
	var other *answer
	for _, got := range answers {
		switch {
		case got.outcome == accepted:
			return got
		case got.refuses(), refusal.unspoken && a.mayRefuse(q, got):
			said++
		default:
			other = got
		}
	}
	if 4*said < 3*insistence {
		return a.note(other)
	}
	return refusal
}

// oneMore puts a question; where it is closed on by a server that is full, once more.
func (a *asker) oneMore(ctx context.Context, q inquiry, open opener) (got *answer) {
	for range insistence {
		if got = a.exchange(ctx, q, open); a.hasRoom(ctx, got) {
			return got
		}
	}
	return &answer{failure: got.failure}
}

// stillAccepts puts what the address accepted before, if it accepted anything. If it
// does not any more it is left, as the failure says; one finds that out for all.
func (a *asker) stillAccepts(ctx context.Context) (gone *results.Failure) {
	control := a.control.Load()
	if control == nil {
		return nil
	}
	got := a.exchange(ctx, control, a.lane.Open)
	if got.outcome == accepted || ctx.Err() != nil {
		return nil
	}
	p := &a.presence
	defer p.look()()
	for range 2 * insistence { // of all that is not asked for this nothing will be known
		if gone := p.gone.Load(); gone != nil {
			return gone
		}
		if got = a.exchange(ctx, control, a.lane.Open); got.outcome == accepted || ctx.Err() != nil {
			return nil
		}
	}
	f := got.failure
	if got.settled() {
		f = results.Failure{Stage: results.StageHello, Kind: results.KindAlert, Alert: wire.AlertName(got.alert), Count: 1}
	}
	a.leave(f)
	return p.gone.Load()
}

// remember keeps a refusal, to be put again.
func (t *temper) remember(q inquiry, got *answer) {
	asked := q.asked()
	if asked == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refusals = append(t.refusals, denial{new(*asked), got.unspoken}) // who asked may go on with it
	t.hasty = t.hasty || got.unspoken && !t.slams.Load()
}

// contradict takes the answer to a question that offers nothing but what was accepted.
func (a *asker) contradict(got *answer) {
	if got.outcome == refused {
		a.temper.wavers.Store(true)
	}
}

// misled reports whether refusals were believed that may not have been meant.
func (a *asker) misled() bool {
	t := &a.temper
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wavers.Load() || t.slams.Load() && t.hasty
}

// recheck puts everything once more that was refused: what is accepted now shows that
// the address wavers.
func (a *asker) recheck(ctx context.Context) {
	var g crew
	for _, r := range a.temper.refusals {
		g.Go(func() {
			got := a.exchangeOnce(ctx, r.q, a.lane.Open)
			switch {
			case got.outcome != accepted:
			case r.unspoken:
				a.temper.slams.Store(true)
			default:
				a.temper.wavers.Store(true)
			}
		})
	}
	g.Wait()
}

// askAnew asks everything anew of an address that showed too late that it wavers.
func (s *session) askAnew(ctx context.Context) *session {
	if !s.ask.misled() || ctx.Err() != nil {
		return s
	}
	s.ask.stillAccepts(ctx)
	anew := newSession(s.path, s.aspects, s.ask)
	anew.former = s
	anew.more = extras{complete: s.more.complete, certificate: s.more.certificate, siblings: s.more.siblings, now: s.more.now}
	anew.inquire(ctx)
	return anew
}

// compare holds two answers to one question beside each other. To close on one of many
// connections may be to have too many; on one alone, or with an alert, it is not.
func (a *asker) compare(before, after *answer, alone bool) {
	brokeOff := before.failure.Kind == results.KindAlert || alone && before.outcome == closed
	if brokeOff && after.outcome == accepted {
		a.temper.slams.Store(true)
	}
}
