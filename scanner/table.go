// Table: where the hands of one enumeration are played side by side. A long hand
// is divided while there are places that nobody uses. What no hand hopes for any
// more is laid aside, and the last hand asks for it all at once: however many
// hands there are, one refusal ends them.

package scanner

import (
	"context"
	"slices"
	"sync"
)

// table plays the hands of one enumeration.
type table struct {
	*asker
	apart bool // each hand is left as it is, and ends by itself
	whole bool // hands are not divided
	// onRefusal is called, as long as it returns false, for what is asked for next and
	// hardly accepted, and, next being nil, for what was refused; nil if nobody wants
	// to know.
	onRefusal func(next []uint16, refused hands, accepted []uint16) (enough bool)

	g        crew
	mu       sync.Mutex // guards what follows
	hands    hands
	playing  int
	accepted []uint16
	refused  hands // that ended so
	aside    []uint16
	deceived bool   // hopes came to nothing
	rider    *rider // waits for a question to ride along on; nil if none does
	begun    bool
	over     bool
	hopesNow prospects
	hopesOf  int // of how much that was accepted, here and elsewhere
}

// play plays hands to their ends, and gives all that there were in the end.
func (t *table) play(ctx context.Context, dealt hands) hands {
	t.mu.Lock()
	t.begun = true
	for _, hand := range dealt {
		if hand.after == nil {
			t.accepted = append(t.accepted, hand.accepted...)
		}
	}
	for _, hand := range dealt {
		t.seat(ctx, hand)
	}
	t.mu.Unlock()
	defer t.clear()
	t.g.Wait()
	return t.hands
}

// seat begins to play a hand. It needs t.mu.
func (t *table) seat(ctx context.Context, e *elimination) {
	t.hands = append(t.hands, e)
	t.playing++
	t.lines.Add(1)
	t.g.Go(func() {
		defer t.lines.Add(-1)
		defer t.drop()
		t.sit(ctx, e)
	})
}

// sit plays a hand, and what was laid aside if it is the last one.
func (t *table) sit(ctx context.Context, e *elimination) {
	s := &series{asker: t.asker}
	defer s.leave()
	if e.after != nil {
		t.lines.Add(-1)
		e.after.through()
		t.lines.Add(1)
		t.note(e, 0)
	}
	t.pair(ctx, s, e)
	for t.goesOn(ctx, &e) {
		expects, before := t.outlook(s, e), len(e.accepted)
		t.put(ctx, s, e, expects)
		t.note(e, before)
	}
}

// put puts the next question of a hand, unless it was put before.
func (t *table) put(ctx context.Context, s *series, e *elimination, expects bool) {
	before := e.early
	if e.early = nil; before != nil && before.same(e.next()) {
		e.take(before.settle(ctx, t.asker))
		return
	}
	r := t.mount(e)
	defer r.getOff()
	got := s.ask(ctx, new(e.ask(r.beside(e.rest))), expects)
	if !r.alight(got, true) {
		e.take(got)
	}
}

// note adds to what was accepted.
func (t *table) note(e *elimination, before int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted = append(t.accepted, e.accepted[before:]...)
	if e.ended() {
		t.refused = append(t.refused, e)
		t.deceived = t.deceived || !e.remote && len(t.accepted) > 0
	}
	if len(t.refused) > 0 {
		t.tell(nil)
	}
}

// tell tells of what is likely to be refused next, or was. It needs t.mu.
func (t *table) tell(next []uint16) {
	if t.onRefusal != nil && len(t.accepted) > 0 && t.onRefusal(next, t.refused, slices.Clone(t.accepted)) {
		t.onRefusal = nil
	}
}

// goesOn reports whether there is something left to ask for. It may put another
// hand in the place of one that is done.
func (t *table) goesOn(ctx context.Context, e **elimination) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	hand := *e
	if t.apart {
		return !hand.done()
	}
	if hand.remote && !hand.ended() { // it is about what is not hoped for anyway
		t.takeAside(hand)
	}
	hoped := t.hoped(hand)
	switch {
	case hand.done():
	case hoped > 0:
		t.divide(ctx, hand)
		return true
	case t.playing > 1 && !hand.remote:
		t.aside = append(t.aside, hand.rest...)
		hand.rest = nil
	default:
		t.takeAside(hand)
		t.divide(ctx, hand)
		return true
	}
	if t.playing > 1 || len(t.aside) == 0 {
		t.playing--
		t.stop()
		return false
	}
	last := &elimination{enumerator: hand.enumerator, rest: t.aside, remote: true, read: true}
	t.aside, t.hands, *e = nil, append(t.hands, last), last
	return true
}

// takeAside gives a hand what was laid aside. It needs t.mu.
func (t *table) takeAside(e *elimination) {
	if len(t.aside) > 0 {
		e.rest, t.aside = slices.Concat(e.rest, t.aside), nil
	}
}

// hoped counts what is likely to be accepted of a hand. It needs t.mu.
func (t *table) hoped(e *elimination) (n int) {
	if e.hopes == nil || len(t.accepted) == 0 {
		return len(e.rest)
	}
	hopes := t.hopes(e)
	for _, id := range e.rest {
		n += asInt(hopes.of(id) == high)
	}
	return n
}

// hopes gives how likely candidates are, for a hand that has hopes. It needs t.mu.
func (t *table) hopes(e *elimination) prospects {
	known := len(t.accepted)
	if e.elsewhere != nil {
		known += e.elsewhere.know()
	}
	if t.hopesNow.kinTable == nil || t.hopesOf != known {
		t.hopesNow, t.hopesOf = e.hopes(t.accepted), known
	}
	return t.hopesNow
}

// outlook reports whether the next question of a hand is hardly its last. What is
// hoped for can be divided when there are places; how much else is accepted, nobody
// knows.
func (t *table) outlook(s *series, e *elimination) (more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.accepted) == 0 {
		return false
	}
	hoped := t.hoped(e)
	s.urgent = hoped == 0
	if hoped == 0 && t.idle() {
		t.tell(e.rest)
	}
	return len(e.rest) > 1 && (hoped > 1 || hoped == 1 && t.playing == 1)
}

// divide gives a part of a hand to another: what is less likely than the rest, which
// one refusal may end at once, or be the beginning of more than anybody knows, so that
// a hand which was about that already keeps it, and its place; then, while there are
// places for it, half of what is likely, but for the question that a rider waits for,
// which had better be accepted. While some are left over, a hand of suites is cut on:
// such hands are what a scan ends with. It needs t.mu.
func (t *table) divide(ctx context.Context, e *elimination) {
	if t.whole || e.hopes == nil || len(t.accepted) == 0 {
		return
	}
	hopes := t.hopes(e)
	most, least := faint, high
	for _, id := range e.rest {
		most, least = max(most, hopes.of(id)), min(least, hopes.of(id))
	}
	idle := t.idle()
	var other *elimination
	switch {
	case least < most && (idle || most == high):
		explores := e.remote
		other = e.part(func(id uint16) bool { return hopes.of(id) < most == !explores })
		other.remote, e.remote = !explores || most < high, explores || most < high
	case idle && least == high && e.worthHalving() && !t.deceived && t.rider == nil:
		n := 0
		other = e.part(func(uint16) bool { n++; return n%2 == 0 })
		e.remote = most < high
	default:
		return
	}
	t.seat(ctx, other)
	if e.ofSuites() && int(t.lines.Load()) < t.lane.Width() {
		t.divide(ctx, e)
	}
}

// worthHalving reports whether a hand can be halved and it is worth while: groups are
// few, and what else is to be asked for while they are is more.
func (e *elimination) worthHalving() bool {
	return len(e.rest) > 2 || len(e.rest) == 2 && e.ofSuites()
}

// ofSuites reports whether suites are enumerated that other versions may have too.
func (e *elimination) ofSuites() bool { return e.elsewhere != nil }

// part takes something of a hand away, for another.
func (e *elimination) part(from func(uint16) bool) *elimination {
	all, kept, last := make([]uint16, len(e.rest)), 0, len(e.rest)
	for _, id := range e.rest {
		if from(id) {
			last--
			all[last] = id
		} else {
			all[kept] = id
			kept++
		}
	}
	slices.Reverse(all[kept:])
	e.rest = all[:kept:kept] // a copy: offers keep the old one
	return &elimination{enumerator: e.enumerator, read: e.wasRead(), rest: all[kept:]}
}
