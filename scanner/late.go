// Late: the suites of TLS 1.2 of which hardly any server accepts something. A server
// is offered them all at once, so that one refusal is enough. As some do not read so
// long a list, it rides along on another question too, whose answer is likely to be a
// choice of something else: that shows that it was read. One that is near is then
// asked for it together with what else is hardly hoped for.

package scanner

import (
	"context"
	"slices"
	"time"

	"shakedown/scanner/wire"
)

// prompt is how many hands of TLS 1.2 are asked for by themselves in any case: one
// for each usual kind of certificate.
const prompt = 2

// late is what becomes of the other hands.
type late struct {
	*versionScan
	way    time.Duration // of opening a connection
	tables []*table      // of the prompt hands, and others
	plan   once          // settles what follows
	rider  *rider        // nil if the late hands are played like others
	sure   uint16        // a suite that is accepted
	apart  []uint16      // asked for beside the rider
}

func (v *versionScan) newLate(ctx context.Context, a *asker, tables []*table) *late {
	l := &late{versionScan: v, way: a.lane.Way(), tables: tables}
	if v.version == wire.TLS12 && v.early == nil {
		v.early = a.putEarly(ctx, new(v.question(1)))
	}
	return l
}

// together reports, when it is known, whether late hands are played as one.
func (l *late) together(ctx context.Context) bool {
	l.plan.do(func() { l.mount(ctx) })
	return l.rider != nil
}

// soon waits for the plan, if it is about to be made: then it comes before the first
// question that the rider may ride along on.
func (l *late) soon(ctx context.Context) {
	if l.version != wire.TLS12 {
		return
	}
	select {
	case <-l.early.done.wait():
		l.plan.do(func() { l.mount(ctx) })
	case <-time.After(l.way):
	}
}

// mount finds which of the prompt hands late suites can ride along with: one of which
// something was accepted. If there is none, or that is not clear at once, nothing
// rides: what a server is slow to refuse is asked for side by side.
func (l *late) mount(ctx context.Context) {
	l.early.done.through()
	firsts := [prompt]*answer{l.opening(), &l.early.first}
	host := slices.IndexFunc(firsts[:], func(first *answer) bool { return first.outcome == accepted })
	if host < 0 || slices.ContainsFunc(firsts[:], func(first *answer) bool { return !first.settled() }) {
		return
	}
	both := firsts[0].outcome == firsts[1].outcome
	var ids []uint16
	for _, id := range l.hands[prompt:].rests() {
		if both && authOf(id) == "ECDSA" { // some servers choose the certificate by what is on offer: see sharesOf
			l.apart = append(l.apart, id)
		} else {
			ids = append(ids, id)
		}
	}
	l.rider = &rider{elimination: &elimination{enumerator: l.by, rest: ids}}
	l.sure = firsts[host].hello.Suite
	l.tables[host].carry(ctx, l.rider)
}

// play plays the late suites: those that ride along as one hand, or, if so long a list
// is not read, by kinds as they were dealt.
func (l *late) play(ctx context.Context, a *asker) hands {
	defer l.rider.settled.open()
	var g crew
	alone := func(dealt hands) *hands {
		played := new(hands)
		g.Go(func() { *played = l.versionScan.play(ctx, a, &table{asker: a}, dealt) })
		return played
	}
	parts := []*hands{alone(deal(l.by, l.apart, 1))}
	switch isRead := l.isRead(ctx, a); {
	case !isRead:
		for _, hand := range l.hands[prompt:] {
			parts = append(parts, alone(deal(l.by, without(hand.rest, l.apart), 1)))
		}
		l.rider.rest = nil
	case !l.rider.stays:
		parts = append(parts, alone(hands{l.rider.elimination}))
	}
	l.rider.settled.open()
	g.Wait()
	var all hands
	for _, played := range parts {
		all = append(all, *played...)
	}
	return all
}

// isRead reports whether so long a list is. Where it rode along on a question that was
// refused, perhaps as nothing more was acceptable, it is offered with what is.
func (l *late) isRead(ctx context.Context, a *asker) bool {
	r := l.rider
	if r.rode.through(); !r.read {
		r.alight(a.ask(ctx, new(l.by.ask(append(slices.Clip(r.rest), l.sure)))), true)
	}
	return r.read
}

// rider is a hand that rides along on one question of another.
type rider struct {
	*elimination
	rode    gate // until then it is not known whether so long a list is read
	stays   bool // it is a hand of the table that carries it, as soon as that
	settled gate // is settled
}

// beside adds the rider to what is offered; there need not be one.
func (r *rider) beside(ids []uint16) []uint16 {
	if r == nil {
		return ids
	}
	return slices.Concat(ids, r.rest)
}

// alight takes the answer to the question that it rode along on, and reports whether
// that tells nothing of the others on offer: it chose something of the rider, or may
// be a refusal of so long a list. Where not all groups were on offer, some suites were
// out of the question, and the choice tells nothing of an order.
func (r *rider) alight(got *answer, allGroups bool) (nothing bool) {
	if r == nil {
		return false
	}
	defer r.rode.open()
	if r.read = got.outcome == accepted; !r.read {
		return true
	}
	id, _ := r.chosen(got)
	switch nothing = slices.Contains(r.rest, id); {
	case nothing && allGroups:
		r.accept(id)
	case nothing:
		r.found(id)
	}
	return nothing
}

// carry has a list ride along as soon as something is hoped for, and if the server is
// near, stay.
func (t *table) carry(ctx context.Context, r *rider) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rider = r; t.over || t.begun && t.playing == 0 {
		r.rode.open()
		return
	}
	if r.stays = t.lane.IsNear(); r.stays {
		r.after = &r.settled
		t.seat(ctx, r.elimination)
	}
}

// stop has a list get off that nobody took along, if it alone is left. Hold t.mu.
func (t *table) stop() {
	if t.rider != nil && t.rider.stays && t.playing == 1 {
		t.rider.rode.open()
		t.rider = nil
	}
}

// getOff ends the ride, even where a bug did so before there was an answer.
func (r *rider) getOff() {
	if r != nil {
		r.rode.open()
	}
}

// drop has the table do without a hand that a bug ended.
func (t *table) drop() {
	r := recover()
	if r == nil {
		return
	}
	t.mu.Lock()
	t.playing--
	t.stop()
	t.mu.Unlock()
	panic(bugOf(r))
}

// mount gives what is to ride along on the next question of a hand, if anything is.
func (t *table) mount(e *elimination) (r *rider) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.accepted) > 0 && t.hoped(e) > 0 {
		r, t.rider = t.rider, nil
	}
	return r
}

// clear ends a table, even one that a bug ended: what did not ride along does not any
// more.
func (t *table) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over = true; t.rider != nil {
		t.rider.rode.open()
		t.rider = nil
	}
}
