// Short lists: the order of a server that reads only the beginning of what it is
// offered. mbed TLS keeps eleven groups of TLS 1.2 and ignores the rest: what it
// chooses from more depends on what stands first, as if it had no order.

package scanner

import (
	"context"
	"slices"
)

// shortList is how many accepted ids every server reads.
const shortList = 8

// ownOrder finds the server's order by long lists; where they contradict each
// other, and the server may not read them to their ends, by short ones.
func ownOrder(ctx context.Context, a *asker, by enumerator, ids []uint16, usual usualOf, seen []offer) (order []uint16, all []offer, ok bool) {
	readsAll := !by.mayCut || len(ids) <= shortList
	if readsAll || serverDecides(seen, arrange(ids, seen, usual)) {
		order, seen, ok = serverOrder(ctx, a, by, ids, usual, seen)
		if readsAll || !ok || serverDecides(seen, order) {
			return order, seen, ok
		}
	}
	return shortOrder(ctx, a, by, ids, usual, beginnings(seen, ids))
}

// beginnings leaves of each offer what was surely read: the first of the
// accepted ids, and the choice.
func beginnings(seen []offer, accepted []uint16) []offer {
	seen = only(accepted, seen)
	for i, o := range seen {
		read := slices.Clone(o.ids[:min(shortList, len(o.ids))])
		if !slices.Contains(read, o.choice) {
			read = append(read, o.choice)
		}
		seen[i].ids = read
	}
	return seen
}

// shortOrder finds an order from its front: as long as several may be next, a
// short list of those tells. What was chosen when it stood first counts only
// against the order that is found: it need not be the server's own.
func shortOrder(ctx context.Context, a *asker, by enumerator, ids []uint16, usual usualOf, seen []offer) (order []uint16, all []offer, ok bool) {
	s := series{asker: a}
	defer s.leave()
	told := slices.DeleteFunc(slices.Clone(seen), func(o offer) bool { return o.choice == o.ids[0] })
	for rest := arrange(ids, told, usual); len(rest) > 0; {
		firsts := unpreceded(rest, told)
		if len(firsts) == 0 {
			return append(order, rest...), seen, true // a contradiction
		}
		if len(firsts) == 1 {
			i := slices.Index(rest, firsts[0])
			order, rest = append(order, rest[i]), slices.Concat(rest[:i], rest[i+1:])
			continue
		}
		list := by.backwards(firsts[:min(shortList, len(firsts))])
		got := a.choice(s.ask(ctx, new(by.ask(list)), len(rest) > 2), by, list)
		if got == nil {
			return nil, seen, false
		}
		seen, told = append(seen, *got), append(told, *got)
		if !slices.Contains(list, got.choice) {
			return append(order, rest...), seen, true // a choice of none of these
		}
	}
	return order, seen, true
}

// unpreceded lists those of some ids that none of them was seen to go before.
func unpreceded(ids []uint16, seen []offer) (firsts []uint16) {
	after := precedence(ids, seen)
	for _, id := range ids {
		if !slices.ContainsFunc(ids, func(other uint16) bool { return after[other][id] }) {
			firsts = append(firsts, id)
		}
	}
	return firsts
}
