// Keyed: hellos for servers of TLS 1.3 that refuse whoever sends no key share, though
// they may ask for another (MatrixSSL), or never do: they would seem not to speak it,
// or to have what the one share of the first question showed, and no more.

package scanner

import (
	"context"
	"slices"

	"shakedown/scanner/handshake"
	"shakedown/scanner/wire"
)

// keyless is a question of TLS 1.3 without a key, nil if an inquiry is none.
func keyless(q inquiry) *question {
	asked := q.asked()
	if asked == nil || asked.version != wire.TLS13 || asked.key != nil {
		return nil
	}
	return asked
}

// wantsShare reports whether a refusal may have been of the want of a share: of
// what nearly every server accepts, by one that was never heard to ask for one.
func (a *asker) wantsShare(q inquiry, got *answer) bool {
	if a.hears.Load() || got.outcome != refused || got.alert == 70 {
		return false
	}
	asked := keyless(q)
	return asked != nil && slices.ContainsFunc(asked.suites, universal)
}

// withShare puts a refused question once more, with a key. Who accepts that, and goes on
// to refuse it without one, is asked so from then on.
func (a *asker) withShare(ctx context.Context, q inquiry, open opener, got *answer) {
	again := a.keyed(ctx, keyless(q), open)
	if again.outcome == accepted {
		*got = *again
		if without := a.exchangeOnce(ctx, q, open); without.outcome == accepted {
			*got = *without
		} else if without.refuses() && !a.hears.Load() {
			a.deaf.Store(true)
		}
		return
	}
	a.hears.Store(true) // or nobody is there to hear: either way it is not asked again
}

// keyed puts a question with a key of one group after another, in the order in which
// it offers them, until one is accepted. Where all are offered, the suites are in
// question, and the first does. Groups of which nobody here has a key are asked for only
// of who asks for another share.
func (a *asker) keyed(ctx context.Context, q *question, open opener) (got *answer) {
	groups := q.groups
	if len(groups) == len(groupsOf(wire.TLS13)) {
		groups = []uint16{x25519}
	}
	got = meant()
	asked := false
	var unasked []uint16
	for _, group := range groups {
		key, err := handshake.NewKey(group)
		if err != nil {
			unasked = append(unasked, group)
			continue
		}
		with := *q
		with.key, asked = key, true
		if got = a.exchangeOnce(ctx, &with, open); got.outcome != refused {
			return got
		}
	}
	if !asked || !a.retries.Load() {
		got.unasked = unasked
	}
	return got
}

// heedRetry notes that a server asks for another share, as it should.
func (a *asker) heedRetry(got *answer) {
	if got.outcome == accepted && got.hello != nil && got.hello.IsRetry() && !a.retries.Load() {
		a.retries.Store(true)
		a.hears.Store(true)
	}
}
