// Signature schemes: with which ones a server signs, in TLS 1.2 as its
// ServerKeyExchange says, in TLS 1.3 as its CertificateVerify says. The server
// signs once for each scheme that it accepts: there is no cheaper way to see
// what it would do.

package scanner

import (
	"context"
	"slices"

	"shakedown/results"
	"shakedown/scanner/handshake"
	"shakedown/scanner/wire"
)

// schemeHands is in how many hands the signature schemes of a kind are dealt.
const schemeHands = 2

// scanSchemes12 enumerates the schemes of TLS 1.2; nil where no suite makes the
// server sign. Each kind of key is asked for by itself: a server may choose a
// suite first, and refuse if no scheme that is offered fits it, although it
// would have signed with another key for another suite. Schemes of DSA have a hand
// each: NSS refuses a hash that is too long for its key, and whatever was offered
// with it.
func scanSchemes12(ctx context.Context, a *asker, serverName string, suites []uint16) (found hands) {
	for _, kind := range []struct {
		auth  string
		keys  []string
		hands int
	}{{"RSA", []string{"rsa", "rsa-pss"}, schemeHands}, {"ECDSA", []string{"ecdsa", "ed25519", "ed448"}, schemeHands}, {"DSS", []string{"dsa"}, 6}} {
		signed := suitesWith(suites, func(s wire.SuiteInfo) bool { return (s.Kx == "ECDHE" || s.Kx == "DHE") && s.Auth == kind.auth })
		if len(signed) == 0 {
			continue
		}
		schemes := schemesWith(schemesOf(wire.TLS12), func(s wire.SchemeInfo) bool { return slices.Contains(kind.keys, s.KeyType) })
		found = append(found, deal(schemesOfSuites(serverName, signed), schemes, kind.hands)...)
	}
	found.run(ctx, a)
	return found
}

// schemesOfSuites enumerates schemes of TLS 1.2 with some suites.
func schemesOfSuites(serverName string, suites []uint16) enumerator {
	return enumerator{
		ask: func(offered []uint16) question {
			q := usual(wire.TLS12, serverName, suites)
			q.schemes, q.until = offered, untilKeyExchange
			return q
		},
		chosen: func(got answer) uint16 { return got.keyExchange.Scheme },
	}
}

// scanSchemes13 enumerates the schemes of TLS 1.3. group is one that the server
// accepts and handshake can use.
func scanSchemes13(ctx context.Context, a *asker, serverName string, suites []uint16, group uint16) hands {
	h := deal(enumerator{
		ask: func(offered []uint16) question {
			q := question13(serverName, suites, group, untilSignature)
			q.schemes = offered
			return q
		},
		chosen: func(got answer) uint16 { return got.scheme },
	}, schemesOf(wire.TLS13), schemeHands)
	h.run(ctx, a)
	return h
}

// question13 is a question of TLS 1.3 whose answer can be decrypted. A key that
// cannot be made leaves a hello without a share: its HelloRetryRequest is then
// the failure that the record names.
func question13(serverName string, suites []uint16, group uint16, u until) question {
	q := usual(wire.TLS13, serverName, openable(suites))
	q.groups, q.until = []uint16{group}, u
	q.key, _ = handshake.NewKey(group)
	return q
}

// openable leaves the suites whose flights can be opened.
func openable(suites []uint16) []uint16 {
	return slices.DeleteFunc(slices.Clone(suites), func(id uint16) bool { return !slices.Contains(handshake.Suites(), id) })
}

func foldSchemes(e *results.Endpoint, name results.Version, version results.Answer, found hands) {
	put(&e.SignatureSchemes, name, named(found.accepted(), func(id uint16) string { return wire.LookupScheme(id).Name }))
	putUndetermined(&e.Undetermined.SignatureSchemes, name, version, found.undetermined())
}
