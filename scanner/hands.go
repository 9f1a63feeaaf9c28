// Hands: an enumeration that is dealt into disjoint parts, so that it is done
// side by side and no hello is large.

package scanner

import "context"

// enumerator asks for one kind of code point: it puts candidates into a
// question and finds the chosen one in the answer.
type enumerator struct {
	ask func(offered []uint16) question
	// chosen is 0 where an answer says that it is none; ok is false where it says nothing.
	chosen func(*answer) (id uint16, ok bool)
	// favourite marks what a server with an order of its own may still let a
	// client push to the front; nil if there is no such thing.
	favourite func(uint16) bool
	// rival marks what a server that would have begun with a favourite may let a
	// client push to the front instead.
	rival func(uint16) bool
	// kind is what a server may choose by before it looks at anybody's order; nil if
	// there is no such thing.
	kind func(uint16) string
	// mayCut says that a server may read only the beginning of a long offer.
	mayCut bool
	// hopes gives how likely a server that accepted some is to accept others; nil
	// if there is no telling. It may change when more is known elsewhere.
	hopes     func(accepted []uint16) prospects
	elsewhere *siblings       // nil if there are none
	onAccept  func(id uint16) // called after each acceptance, if set
}

// hope is how likely something is to be accepted.
type hope uint8

const (
	faint hope = iota
	fair       // all of its kind, or none
	high
)

// hands enumerates candidates.
type hands []*elimination

// deal makes n hands of ids.
func deal(by enumerator, ids []uint16, n int) (dealt hands) {
	for _, share := range spread(ids, n) {
		dealt = append(dealt, &elimination{enumerator: by, rest: share})
	}
	return dealt
}

// spread spreads ids over n shares, one by one, so that likely ones, which stand
// first, are spread evenly.
func spread(ids []uint16, n int) [][]uint16 {
	shares := make([][]uint16, min(n, max(len(ids), 1)))
	for i, id := range ids {
		shares[i%len(shares)] = append(shares[i%len(shares)], id)
	}
	return shares
}

// run plays each hand to an end of its own.
func (h hands) run(ctx context.Context, a *asker) {
	if len(h) == 0 {
		return
	}
	t := &table{asker: a, apart: true}
	t.play(ctx, h)
}

// takeRefused takes away what was refused, to be asked for in another way.
func (h hands) takeRefused() (ids []uint16) {
	for _, hand := range h {
		if len(hand.undetermined()) == 0 {
			ids, hand.rest = append(ids, hand.rest...), nil
		}
	}
	return ids
}

// join adds hands that were given what others were refused. What was chosen before
// tells nothing of how that stands in the server's order: it was out of the question.
func (h hands) join(more hands) hands {
	late := more.accepted()
	for _, hand := range h {
		hand.rest = without(hand.rest, late)
		for i, o := range hand.offers {
			hand.offers[i].ids = without(o.ids, late)
		}
	}
	return append(h, more...)
}

// accepted lists what was accepted, hand by hand.
func (h hands) accepted() []uint16 {
	var ids []uint16
	for _, hand := range h {
		ids = append(ids, hand.accepted...)
	}
	return ids
}

// rests lists what was not accepted.
func (h hands) rests() []uint16 {
	var ids []uint16
	for _, hand := range h {
		ids = append(ids, hand.rest...)
	}
	return ids
}

// offers lists every choice that was seen.
func (h hands) offers() []offer {
	var all []offer
	for _, hand := range h {
		all = append(all, hand.offers...)
	}
	return all
}

// undetermined lists what got no usable answer.
func (h hands) undetermined() []uint16 {
	var ids []uint16
	for _, hand := range h {
		ids = append(ids, hand.undetermined()...)
	}
	return ids
}
