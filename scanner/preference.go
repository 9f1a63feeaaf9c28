// Preference: whose order of suites or groups a server follows, and the
// server's own order where it has one.

package scanner

import (
	"context"
	"slices"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// ranking is what is known of a server's preference.
type ranking struct {
	preference results.Preference
	order      []uint16 // most preferred first where the server prefers
}

// usualOf gives a usual order of ids, better being smaller: the one that agrees
// best with what was seen.
type usualOf func(ids []uint16, seen []offer) func(uint16) int

// rank finds the preference among accepted ids, given every offer that was
// seen so far and usual orders. It needs two questions
// where the client decides, one each way round, and about one for each id where
// the server does.
func rank(ctx context.Context, a *asker, by enumerator, ids []uint16, usual usualOf, seen []offer) ranking {
	guess := arrange(ids, seen, usual)
	if len(ids) < 2 {
		return ranking{order: guess}
	}
	unknown := ranking{results.PreferenceUnknown, guess}
	both := series{asker: a}
	defer both.leave()
	choose := func(ids []uint16, expects bool) *offer {
		return a.choice(both.ask(ctx, new(by.ask(ids)), expects), by, ids)
	}
	backwards := choose(by.backwards(guess), true)
	if backwards == nil {
		return unknown
	}
	seen = append(slices.Clone(seen), *backwards)
	if backwards.choice == backwards.ids[0] {
		// Either the client decides, or the server's favourite happened to
		// stand first.
		forwards := choose(by.forwards(guess, backwards.ids), false)
		if forwards == nil {
			return unknown
		}
		if seen = append(seen, *forwards); clientDecides(seen, ids) {
			for _, first := range by.otherKinds(*backwards, *forwards) {
				o := choose(first, false)
				if o == nil {
					return unknown
				}
				seen = append(seen, *o)
			}
			if clientDecides(seen, ids) {
				return ranking{results.PreferenceClient, guess}
			}
			if backwards.choice != forwards.choice { // of the same offer, by nobody's order alone
				return ranking{results.PreferenceMixed, guess}
			}
		}
	}
	both.leave()
	var g crew
	var shoved *offer
	pushed := by.pushed(arrange(ids, seen, usual))
	if pushed != nil {
		g.Go(func() { shoved = a.choice(a.ask(ctx, new(by.ask(pushed))), by, pushed) })
	}
	order, seen, ok := ownOrder(ctx, a, by, ids, usual, seen)
	g.Wait()
	switch {
	case !ok:
		return unknown
	case pushed != nil && shoved == nil:
		return ranking{results.PreferenceUnknown, order}
	case pushed != nil:
		seen = append(seen, *shoved)
	}
	if serverDecides(seen, order) {
		return ranking{results.PreferenceServer, order}
	}
	return ranking{results.PreferenceMixed, order}
}

// orderRounds is how often an order is guessed before the rest of it is found
// by elimination: one question at a time, but never in vain.
const orderRounds = 3

// serverOrder finds the server's order: it guesses one from what was seen and
// certifies it by offering each of its tails, back to front, all side by side,
// since of each tail the first must be chosen. Every answer says that its choice
// goes before all else that was offered; the next guess knows that too. A good
// first guess costs one question an id, and one round trip in all.
func serverOrder(ctx context.Context, a *asker, by enumerator, ids []uint16, usual usualOf, seen []offer) (order []uint16, all []offer, ok bool) {
	for round := range orderRounds {
		order = arrange(ids, seen, usual)
		tails := uncertain(order, seen)
		if len(tails) == 0 {
			return order, seen, true
		}
		if round > 0 && len(tails) > len(ids)/3 {
			break // an order that nobody would guess
		}
		if seen, ok = sideBySide(ctx, a, by, tails, seen); !ok {
			return nil, seen, false
		}
	}
	return finishOrder(ctx, a, by, arrange(ids, seen, usual), seen)
}

// sideBySide offers each of some lists, back to front, and adds the choices to
// what was seen.
func sideBySide(ctx context.Context, a *asker, by enumerator, lists [][]uint16, seen []offer) (all []offer, ok bool) {
	answers := make([]*offer, len(lists))
	var g crew
	for i, list := range lists {
		g.Go(func() {
			ids := by.backwards(list)
			answers[i] = a.choice(a.ask(ctx, new(by.ask(ids))), by, ids)
		})
	}
	g.Wait()
	for _, got := range answers {
		if got == nil {
			return seen, false
		}
		seen = append(seen, *got)
	}
	return seen, true
}

// finishOrder finds the uncertain rest of an order by elimination.
func finishOrder(ctx context.Context, a *asker, by enumerator, order []uint16, seen []offer) ([]uint16, []offer, bool) {
	tails := uncertain(order, seen)
	if len(tails) == 0 {
		return order, seen, true
	}
	rest := &elimination{enumerator: by, rest: by.backwards(tails[0])}
	rest.run(ctx, a)
	certain := order[:len(order)-len(tails[0])]
	return slices.Concat(certain, rest.accepted), append(seen, rest.offers...), len(rest.rest) == 0
}

// uncertain lists the tails of an order that were not offered yet. The last,
// of one id, needs no question.
func uncertain(order []uint16, seen []offer) (tails [][]uint16) {
	known := map[string]bool{}
	for _, o := range seen {
		known[setKey(o.ids, order)] = true
	}
	for i := range len(order) - 1 {
		if !known[setKey(order[i:], order)] {
			tails = append(tails, order[i:])
		}
	}
	return tails
}

// setKey names the set of those ids that are among some.
func setKey(ids, some []uint16) string {
	kept := slices.DeleteFunc(slices.Clone(ids), func(id uint16) bool { return !slices.Contains(some, id) })
	slices.Sort(kept)
	key := make([]byte, 0, 2*len(kept))
	for _, id := range kept {
		key = append(key, byte(id>>8), byte(id))
	}
	return string(key)
}

// arrange orders ids by what was seen: a choice goes before everything else
// that was on offer with it; where nothing was seen, the usual goes first.
func arrange(ids []uint16, seen []offer, usuals usualOf) []uint16 {
	usual := usuals(ids, seen)
	rest := slices.Clone(ids)
	slices.SortStableFunc(rest, func(a, b uint16) int { return usual(a) - usual(b) })
	if len(seen) == 0 {
		return rest
	}
	after := precedence(ids, seen)
	waiting := map[uint16]int{} // by id, how many go before it and are not placed yet
	for _, later := range after {
		for id := range later {
			waiting[id]++
		}
	}
	order := make([]uint16, 0, len(ids))
	for len(rest) > 0 {
		i := max(0, slices.IndexFunc(rest, func(id uint16) bool { return waiting[id] == 0 })) // in a contradiction the usual order decides
		order = append(order, rest[i])
		for id := range after[rest[i]] {
			waiting[id]--
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return order
}

// precedence lists for each id what it was preferred to.
func precedence(ids []uint16, seen []offer) map[uint16]map[uint16]bool {
	after := map[uint16]map[uint16]bool{}
	for _, id := range ids {
		after[id] = map[uint16]bool{}
	}
	for _, o := range seen {
		later := after[o.choice]
		for _, id := range o.ids {
			if _, accepted := after[id]; accepted && later != nil && id != o.choice {
				later[id] = true
			}
		}
	}
	return after
}

// backwards is an offer from the back of an order to its front, but for the
// client's favourites, which stand last: a server that would let them be pushed
// to the front shows its own order all the same.
func (by enumerator) backwards(order []uint16) []uint16 {
	ids := slices.Clone(order)
	slices.Reverse(ids)
	return by.favouritesLast(ids)
}

// favouritesLast moves the client's favourites to the end.
func (by enumerator) favouritesLast(ids []uint16) []uint16 {
	if by.favourite == nil {
		return ids
	}
	ids = slices.Clone(ids)
	slices.SortStableFunc(ids, func(a, b uint16) int { return asInt(by.favourite(a)) - asInt(by.favourite(b)) })
	return ids
}

// forwards is an offer that begins with something else than one that is backwards:
// with the usual first, or, where all but one are favourites, with one of those.
func (by enumerator) forwards(order, backwards []uint16) []uint16 {
	if ids := by.favouritesLast(order); ids[0] != backwards[0] {
		return ids
	}
	ids := slices.Clone(backwards)
	slices.Reverse(ids)
	return ids
}

// pushed is an offer that puts the client's favourites before all others, or their
// rivals where the server's own order begins with a favourite; nil where there are
// none of those.
func (by enumerator) pushed(order []uint16) []uint16 {
	if by.favourite == nil {
		return nil
	}
	push := by.favourite
	if push(order[0]) {
		push = by.rival
	}
	if !slices.ContainsFunc(order, push) {
		return nil
	}
	ids := slices.Clone(order)
	slices.SortStableFunc(ids, func(a, b uint16) int { return asInt(push(b)) - asInt(push(a)) })
	return ids
}

func asInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// otherKinds gives offers in which each kind comes first that stood first in
// neither of two, and another favourite where one did so for want of anything else.
func (by enumerator) otherKinds(one, two offer) (offers [][]uint16) {
	if by.kind == nil {
		return nil
	}
	if first, second := two.ids[0], two.ids[1]; by.favourite != nil && by.favourite(first) && by.favourite(second) && !by.favourite(one.ids[0]) {
		offers = append(offers, slices.Concat([]uint16{second, first}, two.ids[2:]))
	}
	kinds := []string{by.kind(one.ids[0]), by.kind(two.ids[0])}
	for i, id := range two.ids {
		if kind := by.kind(id); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
			offers = append(offers, slices.Concat([]uint16{id}, two.ids[:i], two.ids[i+1:]))
		}
	}
	return offers
}

// keyOf is the kind of key that a server needs for a suite. Where the exchange is
// static, the signature is its authority's, and the key that of the exchange
// (RFC 8422 §2, RFC 5246 §7.4.2).
func keyOf(id uint16) string {
	s := wire.LookupSuite(id)
	switch {
	case s.Kx == "ECDH", s.Auth == "ECDSA":
		return "EC"
	case s.Kx == "DH":
		return "DH"
	}
	return s.Auth
}

// choice is which of some accepted ids a server picked; nil if it did not say.
func (a *asker) choice(got *answer, by enumerator, ids []uint16) *offer {
	if got.outcome != accepted {
		a.contradict(got)
		return nil
	}
	id, ok := by.chosen(got)
	if !ok {
		return nil
	}
	return &offer{ids, id}
}

// clientDecides reports whether each choice was the first of its offer that
// the server accepts at all.
func clientDecides(seen []offer, accepted []uint16) bool {
	for _, o := range seen {
		first := slices.IndexFunc(o.ids, func(id uint16) bool { return slices.Contains(accepted, id) })
		if first < 0 || o.ids[first] != o.choice {
			return false
		}
	}
	return true
}

// serverDecides reports whether each choice was the one that stands first in
// the server's order.
func serverDecides(seen []offer, order []uint16) bool {
	for _, o := range seen {
		first := slices.IndexFunc(order, func(id uint16) bool { return slices.Contains(o.ids, id) })
		if first < 0 || order[first] != o.choice {
			return false
		}
	}
	return true
}
