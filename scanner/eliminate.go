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
	last     *answer  // the one that ended it; nil before
	away     bool     // that was a choice of what was on offer beside the rest
	remote   bool     // nothing of it was hoped for
	read     bool     // the server accepted something of as many
	beside   *pairing // groups that its questions carry on; nil if there are none
	early    *early   // its next question, put before; nil if it was not
	after    *gate    // until then it is carried on by others' questions; nil if by none
}

// offer is what was offered, in its order, and what was chosen from it.
type offer struct {
	ids    []uint16
	choice uint16
}

// run puts the probe's questions until it is done.
func (e *elimination) run(ctx context.Context, a *asker) { hands{e}.run(ctx, a) }

// step puts one question, if there is one left.
func (e *elimination) step(ctx context.Context, a *asker) {
	if q := e.next(); q != nil {
		e.take(a.askFirst(ctx, q))
	}
}

// next gives the next question, nil when the probe is done.
func (e *elimination) next() *question {
	if e.done() {
		return nil
	}
	q := e.ask(e.rest)
	return &q
}

func (e *elimination) done() bool { return e.ended() || len(e.rest) == 0 }

// ended reports whether an answer ended it.
func (e *elimination) ended() bool { return e.last != nil }

// take takes the answer to the last question.
func (e *elimination) take(got *answer) {
	if got.outcome != accepted {
		e.last = got
		return
	}
	id, ok := e.chosen(got)
	switch {
	case !ok:
		e.last = &answer{} // which leaves the rest undetermined
	case slices.Contains(e.rest, id):
		e.accept(id)
	default:
		// Something that was on offer only to keep a certificate usable: of the
		// rest, the server wants none.
		e.last, e.away = &answer{outcome: refused}, true
	}
}

// wasRead reports whether the server is known to read as many candidates.
func (e *elimination) wasRead() bool { return e.read || len(e.accepted) > 0 }

// takeOpening takes the answer to the first question about groups. If a key of ours
// came with that, and the server used it, it may prefer another group (RFC 8446
// §4.2.8): then the choice tells nothing of its order.
func (e *elimination) takeOpening(got *answer) {
	if share, ok := got.hello.KeyShare(); ok && !got.hello.IsRetry() && slices.Contains(e.rest, share.Group) {
		e.found(share.Group)
		return
	}
	e.take(got)
}

// accept takes away what was chosen.
func (e *elimination) accept(id uint16) {
	e.offers = append(e.offers, offer{e.rest, id})
	e.found(id)
}

// found takes away what is accepted.
func (e *elimination) found(id uint16) {
	i := slices.Index(e.rest, id)
	e.accepted = append(e.accepted, id)
	e.rest = slices.Concat(e.rest[:i], e.rest[i+1:]) // a copy: offers keep the old one
	if e.onAccept != nil {
		e.onAccept(id)
	}
}

// undetermined lists what got no usable answer.
func (e *elimination) undetermined() []uint16 {
	switch {
	case len(e.rest) == 0:
		return nil
	case e.ended() && e.last.settled():
		return slices.DeleteFunc(slices.Clone(e.last.unasked), func(id uint16) bool { return !slices.Contains(e.rest, id) })
	}
	return e.rest
}
