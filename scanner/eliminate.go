// elimination: the probe behind every enumeration. Offer all candidates, take
// away the one that was chosen, and offer the rest until the rest is refused:
// one connection for each that is accepted, and one more.

package scanner

import (
	"context"
	"slices"
)

// elimination finds which of its candidates a server accepts.
type elimination struct {
	enumerator
	rest     []uint16 // not yet known
	accepted []uint16 // in the order in which the server chose them
	offers   []offer  // every choice that was seen
	ended    bool
	last     answer // the one that ended it
	aside    bool   // that was a choice of what was on offer beside the rest
}

// offer is what was offered, in its order, and what was chosen from it.
type offer struct {
	ids    []uint16
	choice uint16
}

// run puts the probe's questions until it is done.
func (e *elimination) run(ctx context.Context, a *asker) {
	s := series{asker: a}
	defer s.leave()
	for q := e.next(nil); q != nil; {
		got := s.ask(ctx, *q, e.goesOn())
		q = e.next(&got)
	}
}

// goesOn reports whether the next question is hardly the last: who accepted
// something is likely to accept more.
func (e *elimination) goesOn() bool {
	return len(e.accepted) > 0 && len(e.rest) > 1 && (e.hopes == nil || e.hopes(e.accepted, e.rest))
}

// step puts one question, if there is one left.
func (e *elimination) step(ctx context.Context, a *asker) {
	if q := e.next(nil); q != nil {
		e.take(a.askFirst(ctx, *q))
	}
}

// next takes the answer to the last question, nil if there is none to take,
// and gives the next question, nil when the probe is done.
func (e *elimination) next(got *answer) *question {
	if got != nil {
		e.take(*got)
	}
	if e.ended || len(e.rest) == 0 {
		return nil
	}
	q := e.ask(e.rest)
	return &q
}

func (e *elimination) take(got answer) {
	if got.outcome != accepted {
		e.last, e.ended = got, true
		return
	}
	id := e.chosen(got)
	i := slices.Index(e.rest, id)
	if i < 0 {
		// Something that was on offer only to keep a certificate usable: of the
		// rest, the server wants none.
		e.last, e.ended, e.aside = answer{outcome: refused}, true, true
		return
	}
	e.offers = append(e.offers, offer{e.rest, id})
	e.accepted = append(e.accepted, id)
	e.rest = slices.Concat(e.rest[:i], e.rest[i+1:]) // a copy: offers keep the old one
	if e.onAccept != nil {
		e.onAccept()
	}
}

// split deals what is not yet known to n hands, of which the first is this one.
func (e *elimination) split(n int) hands {
	dealt := deal(e.enumerator, e.rest, n)
	e.rest, dealt[0] = dealt[0].rest, e
	return dealt
}

// undetermined lists what got no usable answer.
func (e *elimination) undetermined() []uint16 {
	if len(e.rest) == 0 || e.ended && e.last.settled() {
		return nil
	}
	return e.rest
}
