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

// groupScan is the enumeration of the groups of one version: in one hand, which
// shows the server's order as it goes.
type groupScan struct {
	*elimination
	ranking ranking
}

// scanGroups13 enumerates the groups of TLS 1.3. opening is a HelloRetryRequest
// to an offer of all of them. along is an enumeration of suites that goes along as
// far as both get on, nil if there is none; part is called where it goes no
// further.
func scanGroups13(ctx context.Context, a *asker, serverName string, suites []uint16, opening answer, wantRank bool, along *elimination, part func()) *groupScan {
	by := enumerator{
		ask: func(offered []uint16) question {
			q := usual(wire.TLS13, serverName, suites)
			q.groups = offered
			return q
		},
		chosen: func(got answer) uint16 { share, _ := got.hello.KeyShare(); return share.Group },
	}
	return playGroups(ctx, a, by, groupsOf(wire.TLS13), opening, wantRank, func(g *groupScan) {
		defer part()
		if along != nil {
			g.together(ctx, a, along)
		}
	})
}

// together enumerates groups and suites of TLS 1.3 in one series: each
// HelloRetryRequest names one of either, so that one question takes away both. A
// refusal does not say of which there is no more: each finds out by itself.
func (g *groupScan) together(ctx context.Context, a *asker, suites *elimination) {
	s := series{asker: a}
	defer s.leave()
	for !g.ended && len(g.rest) > 1 && slices.ContainsFunc(suites.rest, universal) {
		q := g.ask(g.rest)
		q.suites = suites.rest
		got := s.ask(ctx, q, true)
		if got.outcome != accepted || !slices.Contains(g.rest, g.chosen(got)) {
			return
		}
		g.take(got)
		suites.take(got)
	}
}

// universal reports whether nearly every server of TLS 1.3 has a suite
// (RFC 8446 §9.1).
func universal(id uint16) bool { return id >= 0x1301 && id <= 0x1303 }

// scanGroups12 enumerates the groups of TLS 1.2; nil where no suite uses one.
// RSA suites are tried first: see groupsOfCurves. all gives every suite that is
// accepted: it is called where likely ones do not tell everything.
func scanGroups12(ctx context.Context, a *asker, serverName string, all func() []uint16, wantRank bool) *groupScan {
	if g := openGroups12(ctx, a, serverName, likely(wire.TLS12), all, wantRank); g != nil {
		return g
	}
	return openGroups12(ctx, a, serverName, all(), all, wantRank)
}

func openGroups12(ctx context.Context, a *asker, serverName string, suites []uint16, all func() []uint16, wantRank bool) *groupScan {
	for _, auth := range []string{"RSA", "ECDSA", "anon"} {
		some := exchanging(suites, auth)
		if len(some) == 0 {
			continue
		}
		by := groupsOfCurves(serverName, some)
		groups := groupsOf(wire.TLS12)
		opening := a.ask(ctx, by.ask(groups))
		if opening.outcome == accepted || !opening.settled() {
			return playGroups(ctx, a, by, groups, opening, wantRank, func(g *groupScan) {
				if g.run(ctx, a); g.aside {
					g.untie(ctx, a, serverName, all())
				}
			})
		}
	}
	return nil
}

// exchanging are the suites that use a group with a kind of key.
func exchanging(suites []uint16, auth string) []uint16 {
	return suitesWith(suites, func(s wire.SuiteInfo) bool { return s.Kx == "ECDHE" && s.Auth == auth })
}

// untie goes on where a server that was asked for the rest chose once more its
// certificate's curve, which it prefers: with suites that have no such tie, if it
// accepts some. If not, there is no hello that would be given the rest.
func (g *groupScan) untie(ctx context.Context, a *asker, serverName string, suites []uint16) {
	for _, auth := range []string{"RSA", "anon"} {
		if some := exchanging(suites, auth); len(some) > 0 {
			g.enumerator, g.ended = groupsOfCurves(serverName, some), false
			g.run(ctx, a)
		}
	}
}

// playGroups goes on from the answer to an offer of all groups, and first does
// what is given.
func playGroups(ctx context.Context, a *asker, by enumerator, all []uint16, opening answer, wantRank bool, first func(*groupScan)) *groupScan {
	g := &groupScan{elimination: &elimination{enumerator: by, rest: all}}
	if opening.outcome != accepted {
		first(g)
		return g
	}
	g.take(opening)
	first(g)
	g.run(ctx, a)
	g.ranking = ranking{order: g.accepted}
	if wantRank && len(g.undetermined()) == 0 {
		usual := func([]uint16, []offer) func(uint16) int {
			return func(id uint16) int { return slices.Index(all, id) }
		}
		g.ranking = rank(ctx, a, g.enumerator, g.accepted, usual, g.offers)
	}
	return g
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
		chosen: func(got answer) uint16 {
			if len(got.certs) > 0 {
				tied.Store(uint32(curveOf(got.certs[0])))
			}
			return got.keyExchange.Group
		},
	}
}

func suitesWith(ids []uint16, want func(wire.SuiteInfo) bool) []uint16 {
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
