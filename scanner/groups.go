// Groups: which key exchange groups a server accepts, in TLS 1.3 by
// HelloRetryRequest, in TLS 1.2 by what its ServerKeyExchange uses.

package scanner

import (
	"context"
	"slices"
	"sync/atomic"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// groupScan is the enumeration of the groups of one version.
type groupScan struct {
	hands
	ranking ranking
}

// groupsIn enumerates groups of a version, with suites that use them.
func groupsIn(version uint16, serverName string, suites []uint16) enumerator {
	if version < wire.TLS13 {
		return groupsOfCurves(serverName, suites)
	}
	return enumerator{
		ask: func(offered []uint16) question {
			q := usual(wire.TLS13, serverName, suites)
			q.groups = offered
			return q
		},
		chosen: groupOf,
		hopes:  kinGroups(version),
	}
}

// scanGroups13 enumerates the groups of TLS 1.3 by themselves. opening is an
// answer to an offer of all of them.
func scanGroups13(ctx context.Context, a *asker, serverName string, suites []uint16, opening *answer, whole bool) *groupScan {
	return playGroups(ctx, a, wire.TLS13, opened(groupsIn(wire.TLS13, serverName, suites), groupsOf(wire.TLS13), opening), whole, nil)
}

// scanGroups12 enumerates the groups of TLS 1.2; nil where no suite uses one.
// RSA suites are tried first: see groupsOfCurves. all gives every suite that is
// accepted: it is called where likely ones do not tell everything. untied: see
// playGroups.
func scanGroups12(ctx context.Context, a *asker, serverName string, all func() []uint16, whole bool, untied func() []enumerator) *groupScan {
	if g := openGroups12(ctx, a, serverName, likely(wire.TLS12), whole, untied); g != nil {
		return g
	}
	return openGroups12(ctx, a, serverName, all(), whole, untied)
}

func openGroups12(ctx context.Context, a *asker, serverName string, suites []uint16, whole bool, untied func() []enumerator) *groupScan {
	for _, auth := range []string{"RSA", "ECDSA", "anon"} {
		some := exchanging(suites, auth)
		if len(some) == 0 {
			continue
		}
		by := groupsOfCurves(serverName, some)
		groups := groupsOf(wire.TLS12)
		opening := a.ask(ctx, new(by.ask(groups)))
		if opening.outcome == accepted || !opening.settled() {
			return playGroups(ctx, a, wire.TLS12, opened(by, groups, opening), whole, untied)
		}
	}
	return nil
}

// exchanging are the suites that use a group with a kind of key.
func exchanging(suites []uint16, auth string) []uint16 {
	return suitesWith(suites, func(s *wire.SuiteInfo) bool { return s.Kx == "ECDHE" && s.Auth == auth })
}

// untied gives the ways to ask for groups of TLS 1.2 without a tie to a certificate's
// curve: with suites that are accepted and have none, or those of ECDSA with the
// schemes of keys that are on no such curve (RFC 8422 §5.10), if there may be one.
func untied(serverName string, all func() []uint16, edwards func() bool) func() []enumerator {
	return func() (ways []enumerator) {
		for _, auth := range []string{"RSA", "anon"} {
			if some := exchanging(all(), auth); len(some) > 0 {
				ways = append(ways, groupsOfCurves(serverName, some))
			}
		}
		if some := exchanging(all(), "ECDSA"); len(some) > 0 && edwards() {
			ways = append(ways, withEdwardsKeys(groupsOfCurves(serverName, some)))
		}
		return ways
	}
}

// withEdwardsKeys asks as a client does that knows no other certificate.
func withEdwardsKeys(by enumerator) enumerator {
	ask := by.ask
	by.ask = func(offered []uint16) question {
		q := ask(offered)
		q.schemes = schemesWith(q.schemes, func(s *wire.SchemeInfo) bool { return signedBy(s) == edwardsKey })
		q.ofCerts = everyScheme()
		return q
	}
	return by
}

// opened is an enumeration of groups after the answer to an offer of all.
func opened(by enumerator, all []uint16, opening *answer) hands {
	g := &elimination{enumerator: by, rest: all}
	if opening.outcome == accepted {
		g.takeOpening(opening)
	} else {
		g.last = opening
	}
	return hands{g}
}

// playGroups goes on from what is known. Where the server's order is wanted too,
// the groups stay whole: in one hand, which shows the order as it goes. untied are
// further ways to ask for what a certificate stands in the way of; nil if nothing can.
func playGroups(ctx context.Context, a *asker, version uint16, dealt hands, whole bool, untied func() []enumerator) *groupScan {
	t := &table{asker: a, whole: whole}
	g := &groupScan{hands: t.play(ctx, dealt)}
	by := dealt[0].enumerator
	if untied != nil && slices.ContainsFunc(g.hands, func(e *elimination) bool { return e.away }) {
		by = g.untie(ctx, a, by, untied())
	}
	all := groupsOf(version)
	usual := func([]uint16, []offer) func(uint16) int {
		return func(id uint16) int { return slices.Index(all, id) }
	}
	g.ranking = ranking{order: g.accepted()}
	switch {
	case !whole:
		g.ranking.order = arrange(g.accepted(), nil, usual)
	case len(g.accepted()) > 0 && len(g.undetermined()) == 0:
		g.ranking = rank(ctx, a, by, g.accepted(), usual, g.offers())
	}
	return g
}

// untie goes on where a server that was asked for the rest chose once more its
// certificate's curve, which it prefers. If no way has no such tie, there is no
// hello that would be given the rest. It returns the last way that was accepted.
func (g *groupScan) untie(ctx context.Context, a *asker, by enumerator, ways []enumerator) enumerator {
	for _, way := range ways {
		hand := &elimination{enumerator: way, rest: g.takeRefused()}
		hand.run(ctx, a)
		g.hands = append(g.hands, hand)
		if len(hand.accepted) > 0 {
			by = way
		}
	}
	return by
}

// groupsOfCurves enumerates groups of TLS 1.2. There a certificate on a curve is
// usable only if the client offers that curve (RFC 8422 §5.1), whatever group
// the exchange uses: the certificate's own curve stays on offer, last, once it
// is known. RSA suites do not have that tie.
func groupsOfCurves(serverName string, suites []uint16) enumerator {
	var tied atomic.Uint32
	return enumerator{
		mayCut: true,
		ask: func(offered []uint16) question {
			q := usual(wire.TLS12, serverName, suites)
			q.groups, q.until = offered, untilKeyExchange
			if curve := uint16(tied.Load()); curve != 0 && !slices.Contains(offered, curve) {
				q.groups = append(slices.Clone(offered), curve)
			}
			return q
		},
		chosen: func(got *answer) (uint16, bool) {
			if len(got.certs) > 0 {
				tied.Store(uint32(curveOf(got.certs[0])))
			}
			return groupOf(got)
		},
		hopes: kinGroups(wire.TLS12),
	}
}

func suitesWith(ids []uint16, want func(*wire.SuiteInfo) bool) []uint16 {
	var out []uint16
	for _, id := range ids {
		if want(wire.LookupSuite(id)) {
			out = append(out, id)
		}
	}
	return out
}

// fold writes the groups of a version into a record.
func (g *groupScan) fold(e *results.Endpoint, name results.Version, version results.Answer) {
	put(&e.Groups, name, named(g.ranking.order, func(id uint16) string { return wire.LookupGroup(id).Name }))
	putUndetermined(&e.Undetermined.Groups, name, version, g.undetermined())
	if g.ranking.preference != "" {
		put(&e.GroupPreference, name, g.ranking.preference)
	}
}
