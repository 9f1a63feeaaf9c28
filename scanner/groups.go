// Groups: which key exchange groups a server accepts, in TLS 1.3 by
// HelloRetryRequest, in TLS 1.2 by what its ServerKeyExchange uses.

package scanner

import (
	"context"
	"slices"

	"shakedown/scanner/wire"
)

// groupScan is the enumeration of the groups of one version.
type groupScan struct {
	found   *elimination
	ranking ranking
}

// scanGroups enumerates the groups of TLS 1.2 or 1.3, given the suites that the
// version accepts. It is nil where no suite uses a group.
func scanGroups(ctx context.Context, a *asker, version uint16, serverName string, suites []uint16, wantRank bool) *groupScan {
	by, keep := groupsIn(version, serverName, suites)
	if by.ask == nil {
		return nil
	}
	g := &groupScan{found: &elimination{enumerator: by, rest: groupsOf(version)}}
	if keep {
		g.found.ask = func(offered []uint16) question { return by.ask(slices.Concat(offered, g.found.accepted)) }
	}
	g.found.run(ctx, a)
	g.ranking = ranking{order: g.found.accepted}
	if wantRank && len(g.found.undetermined()) == 0 {
		g.ranking = rank(ctx, a, by, g.found.accepted, g.found.offers)
	}
	return g
}

// groupsIn enumerates groups of a version; without suites that use one, its ask
// is nil. In TLS 1.2 a certificate on a curve is usable only if the client
// offers that curve (RFC 8422 §5.1), whatever group the exchange uses. RSA
// suites do not have that tie and go first; without them, keep says that
// accepted groups must stay on offer, behind the others.
func groupsIn(version uint16, serverName string, suites []uint16) (by enumerator, keep bool) {
	if version == wire.TLS13 {
		return enumerator{
			ask: func(offered []uint16) question {
				q := usual(version, serverName, suites)
				q.groups = offered
				return q
			},
			chosen: func(got answer) uint16 { share, _ := got.hello.KeyShare(); return share.Group },
		}, false
	}
	ephemeral := suitesWith(suites, func(s wire.SuiteInfo) bool { return s.Kx == "ECDHE" })
	if len(ephemeral) == 0 {
		return enumerator{}, false
	}
	rsa := suitesWith(ephemeral, func(s wire.SuiteInfo) bool { return s.Auth == "RSA" })
	if len(rsa) > 0 {
		ephemeral = rsa
	}
	return enumerator{
		ask: func(offered []uint16) question {
			q := usual(version, serverName, ephemeral)
			q.groups, q.until = offered, untilKeyExchange
			return q
		},
		chosen: func(got answer) uint16 { return got.keyExchange.Group },
	}, len(rsa) == 0
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
