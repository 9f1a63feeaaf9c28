// Preference: whose order of suites or groups a server follows, and the
// server's own order where it has one.

package scanner

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"shakedown/results"
)

// ranking is what is known of a server's preference.
type ranking struct {
	preference results.Preference
	order      []uint16 // most preferred first where the server prefers
}

// rank finds the preference among accepted ids, given every offer that was
// seen so far. guess is an order to try first. It needs two questions where the
// client decides, one each way round; where the server does, its whole order is
// guessed and then certified by offering every tail of it, back to front, side
// by side.
func rank(ctx context.Context, a *asker, by enumerator, guess []uint16, seen []offer) ranking {
	if len(guess) < 2 {
		return ranking{order: guess}
	}
	backwards := choose(ctx, a, by, by.backwards(guess))
	if backwards == nil {
		return ranking{results.PreferenceUnknown, guess}
	}
	seen = append(slices.Clone(seen), *backwards)
	if backwards.choice == backwards.ids[0] {
		// Either the client decides, or the server's favourite happened to
		// stand first.
		forwards := choose(ctx, a, by, guess)
		if forwards == nil {
			return ranking{results.PreferenceUnknown, guess}
		}
		if seen = append(seen, *forwards); clientDecides(seen, guess) {
			return ranking{results.PreferenceClient, guess}
		}
	}
	order, more, ok := serverOrder(ctx, a, by, guess, *backwards)
	if !ok {
		return ranking{results.PreferenceUnknown, guess}
	}
	if pushed := by.favouritesFirst(order); pushed != nil {
		o := choose(ctx, a, by, pushed)
		if o == nil {
			return ranking{results.PreferenceUnknown, order}
		}
		more = append(more, *o)
	}
	if serverDecides(append(seen, more...), order) {
		return ranking{results.PreferenceServer, order}
	}
	return ranking{results.PreferenceMixed, order}
}

// serverOrder certifies a guessed order: of each of its tails, the first must
// be chosen. From the first tail that says otherwise, the rest is found by
// elimination.
func serverOrder(ctx context.Context, a *asker, by enumerator, guess []uint16, whole offer) (order []uint16, seen []offer, ok bool) {
	tails := make([]*offer, len(guess)-1) // the last has one id: nothing to ask
	tails[0] = &whole
	if whole.choice == guess[0] {
		var g errgroup.Group
		for i := 1; i < len(tails); i++ {
			g.Go(func() error {
				tails[i] = choose(ctx, a, by, by.backwards(guess[i:]))
				return nil
			})
		}
		g.Wait()
	}
	for i, tail := range tails {
		if tail == nil {
			return nil, seen, false
		}
		if tail.choice != guess[i] {
			rest := &elimination{enumerator: by, rest: by.backwards(guess[i:])}
			rest.run(ctx, a)
			seen = append(seen, rest.offers...)
			return slices.Concat(guess[:i], rest.accepted), seen, len(rest.rest) == 0
		}
		seen = append(seen, *tail)
	}
	return guess, seen, true
}

// backwards is an offer from the back of an order to its front, but for the
// client's favourites, which stand last: a server that would let them be pushed
// to the front shows its own order all the same.
func (by enumerator) backwards(order []uint16) []uint16 {
	ids := slices.Clone(order)
	slices.Reverse(ids)
	if by.favourite != nil {
		slices.SortStableFunc(ids, func(a, b uint16) int { return asInt(by.favourite(a)) - asInt(by.favourite(b)) })
	}
	return ids
}

// favouritesFirst is an offer that puts the client's favourites before all
// others; nil where there are none, or the server's own order begins with one.
func (by enumerator) favouritesFirst(order []uint16) []uint16 {
	if by.favourite == nil || by.favourite(order[0]) || !slices.ContainsFunc(order, by.favourite) {
		return nil
	}
	ids := by.backwards(order)
	slices.Reverse(ids)
	return ids
}

func asInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// choose asks which of some ids a server picks; nil if it does not say.
func choose(ctx context.Context, a *asker, by enumerator, ids []uint16) *offer {
	got := a.ask(ctx, by.ask(ids))
	if got.outcome != accepted {
		return nil
	}
	return &offer{ids, by.chosen(got)}
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

// merge joins several orders of one server to a guess of the whole: each keeps
// its own order, and between their heads the better-ranked goes first.
func merge(orders [][]uint16, better func(a, b uint16) bool) []uint16 {
	orders = slices.Clone(orders)
	var whole []uint16
	for {
		best := -1
		for i, o := range orders {
			if len(o) > 0 && (best < 0 || better(o[0], orders[best][0])) {
				best = i
			}
		}
		if best < 0 {
			return whole
		}
		whole = append(whole, orders[best][0])
		orders[best] = orders[best][1:]
	}
}
