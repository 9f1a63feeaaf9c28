// Groups: which key exchange groups a server accepts, in TLS 1.3 by
// HelloRetryRequest, in TLS 1.2 by what its ServerKeyExchange uses.

package scanner

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"slices"
	"sync/atomic"

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
	by := groupsIn(version, serverName, suites)
	if by.ask == nil {
		return nil
	}
	g := &groupScan{found: &elimination{enumerator: by, rest: groupsOf(version)}}
	g.found.run(ctx, a)
	g.ranking = ranking{order: g.found.accepted}
	if wantRank && len(g.found.undetermined()) == 0 {
		g.ranking = rank(ctx, a, by, g.found.accepted, g.found.offers)
	}
	return g
}

// groupsIn enumerates groups of a version; without suites that use one, its ask
// is nil.
func groupsIn(version uint16, serverName string, suites []uint16) enumerator {
	if version == wire.TLS13 {
		return enumerator{
			ask: func(offered []uint16) question {
				q := usual(version, serverName, suites)
				q.groups = offered
				return q
			},
			chosen: func(got answer) uint16 { share, _ := got.hello.KeyShare(); return share.Group },
		}
	}
	ephemeral := suitesWith(suites, func(s wire.SuiteInfo) bool { return s.Kx == "ECDHE" })
	if len(ephemeral) == 0 {
		return enumerator{}
	}
	return groupsOfCurves(serverName, ephemeral)
}

// groupsOfCurves enumerates groups of TLS 1.2. There a certificate on a curve is
// usable only if the client offers that curve (RFC 8422 §5.1), whatever group
// the exchange uses. RSA suites do not have that tie and go first; without
// them, the certificate's own curve stays on offer, last, once it is known.
func groupsOfCurves(serverName string, suites []uint16) enumerator {
	if rsa := suitesWith(suites, func(s wire.SuiteInfo) bool { return s.Auth == "RSA" }); len(rsa) > 0 {
		suites = rsa
	}
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
