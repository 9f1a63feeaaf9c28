// Signature schemes: with which ones a server signs, in TLS 1.2 as its
// ServerKeyExchange says, in TLS 1.3 as its CertificateVerify says. The server
// signs once for each scheme that it accepts: there is no cheaper way to see
// what it would do.

package scanner

import (
	"context"
	"slices"
	"strings"

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
// with it. Of a kind whose suites got no answer (open), nothing is known.
func scanSchemes12(ctx context.Context, a *asker, serverName string, suites, open []uint16) hands {
	var kinds []hands
	var unasked hands
	for _, kind := range []struct {
		auth  string
		keys  []string
		hands int
	}{{"RSA", []string{"rsa", "rsa-pss"}, schemeHands}, {"ECDSA", []string{"ecdsa", "ed25519", "ed448"}, schemeHands}, {"DSS", []string{"dsa"}, 6}} {
		signs := func(s *wire.SuiteInfo) bool { return (s.Kx == "ECDHE" || s.Kx == "DHE") && s.Auth == kind.auth }
		schemes := schemesWith(schemesOf(wire.TLS12), func(s *wire.SchemeInfo) bool { return slices.Contains(kind.keys, s.KeyType) })
		if signed := suitesWith(suites, signs); len(signed) > 0 {
			kinds = append(kinds, deal(schemesOfSuites(serverName, signed), schemes, kind.hands))
		} else if len(suitesWith(open, signs)) > 0 {
			unasked = append(unasked, &elimination{rest: schemes})
		}
	}
	return append(scanSchemes(ctx, a, kinds), unasked...)
}

// scanSchemes enumerates the schemes of each kind, side by side, and asks once
// more for those that were refused, in company.
func scanSchemes(ctx context.Context, a *asker, kinds []hands) (found hands) {
	var g crew
	for i, kind := range kinds {
		g.Go(func() {
			kind.run(ctx, a)
			again := kind.inCompany()
			again.run(ctx, a)
			kinds[i] = append(kind, again...)
		})
	}
	g.Wait()
	return slices.Concat(kinds...)
}

// inCompany takes what was refused into new hands, by kinds of keys: a server may
// choose its key by the first scheme that is for a kind that it has.
func (h hands) inCompany() (again hands) {
	by, refused := inCompany(h[0].enumerator), h.takeRefused()
	rsa := func(s *wire.SchemeInfo) bool { return strings.HasPrefix(s.KeyType, "rsa") }
	ecdsa := func(s *wire.SchemeInfo) bool { return s.KeyType == "ecdsa" }
	others := func(s *wire.SchemeInfo) bool { return !rsa(s) && !ecdsa(s) }
	for _, kind := range []func(*wire.SchemeInfo) bool{rsa, ecdsa, others} {
		if ids := schemesWith(refused, kind); len(ids) > 0 {
			again = append(again, deal(by, ids, 1)...)
		}
	}
	return again
}

// inCompany offers, behind the schemes that are asked for, all others, and all for
// certificates' own signatures. Some servers (JSSE) have no certificate for a
// client that, going by its hello, could not verify what its issuer signed; those
// that do not know the extension look for that among the schemes themselves.
func inCompany(by enumerator) enumerator {
	alone := by.ask
	by.ask = func(offered []uint16) question {
		q := alone(offered)
		others := slices.DeleteFunc(slices.Clone(everyScheme()), func(id uint16) bool { return slices.Contains(offered, id) })
		q.schemes = slices.Concat(offered, others)
		q.ofCerts = q.schemes // in this order, by which JSSE chooses its certificate
		return q
	}
	return by
}

// everyScheme lists the schemes of all versions. The slice is shared.
func everyScheme() []uint16 { return schemesOf(wire.TLS11) }

// schemesOfSuites enumerates schemes of TLS 1.2 with some suites.
func schemesOfSuites(serverName string, suites []uint16) enumerator {
	return enumerator{
		ask: func(offered []uint16) question {
			q := usual(wire.TLS12, serverName, suites)
			q.schemes, q.until = offered, untilKeyExchange
			return q
		},
		chosen: func(got *answer) (uint16, bool) {
			if got.keyExchange == nil {
				return 0, false
			}
			return got.keyExchange.Scheme, got.keyExchange.Scheme != 0
		},
	}
}

// scanSchemes13 enumerates the schemes of TLS 1.3. group is one that the server
// accepts and handshake can use.
func scanSchemes13(ctx context.Context, a *asker, serverName string, suites []uint16, group uint16) hands {
	return scanSchemes(ctx, a, []hands{deal(enumerator{
		ask: func(offered []uint16) question {
			q := question13(serverName, suites, group, untilSignature)
			q.schemes = offered
			return q
		},
		chosen: func(got *answer) (uint16, bool) { return got.scheme, got.scheme != 0 },
	}, schemesOf(wire.TLS13), schemeHands)})
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
