// Groups: which key exchange groups a server accepts, in TLS 1.3 by
// HelloRetryRequest, in TLS 1.2 by what its ServerKeyExchange uses.

package scanner

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
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
// to an offer of all of them.
func scanGroups13(ctx context.Context, a *asker, serverName string, suites []uint16, opening answer, wantRank bool) *groupScan {
	by := enumerator{
		ask: func(offered []uint16) question {
			q := usual(wire.TLS13, serverName, suites)
			q.groups = offered
			return q
		},
		chosen: func(got answer) uint16 { share, _ := got.hello.KeyShare(); return share.Group },
	}
	return playGroups(ctx, a, by, groupsOf(wire.TLS13), opening, wantRank)
}

// scanGroups12 enumerates the groups of TLS 1.2; nil where no suite uses one.
// RSA suites are tried first: see groupsOfCurves.
func scanGroups12(ctx context.Context, a *asker, serverName string, suites []uint16, wantRank bool) *groupScan {
	for _, auth := range []string{"RSA", "ECDSA", "anon"} {
		some := suitesWith(suites, func(s wire.SuiteInfo) bool { return s.Kx == "ECDHE" && s.Auth == auth })
		if len(some) == 0 {
			continue
		}
		by := groupsOfCurves(serverName, some)
		all := groupsOf(wire.TLS12)
		opening := a.ask(ctx, by.ask(all))
		if opening.outcome == accepted || !opening.settled() {
			return playGroups(ctx, a, by, all, opening, wantRank)
		}
	}
	return nil
}

// playGroups goes on from the answer to an offer of all groups.
func playGroups(ctx context.Context, a *asker, by enumerator, all []uint16, opening answer, wantRank bool) *groupScan {
	g := &groupScan{elimination: &elimination{enumerator: by, rest: all}}
	if opening.outcome != accepted {
		return g
	}
	g.take(opening)
	g.run(ctx, a)
	g.ranking = ranking{order: g.accepted}
	if wantRank && len(g.undetermined()) == 0 {
		usual := func(id uint16) int { return slices.Index(all, id) }
		g.ranking = rank(ctx, a, by, g.accepted, usual, g.offers)
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

// curveOf is the group of a certificate's key, 0 if it is on none that we know.
func curveOf(der []byte) uint16 {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return 0
	}
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return 0
	}
	curve, _ := wire.GroupNamed(key.Curve.Params().Name)
	return curve.ID
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
