// Chains: every certificate chain that a server can be made to show, by kind
// of key and with or without a server name.

package scanner

import (
	"bytes"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"shakedown/results"
	"shakedown/scanner/handshake"
	"shakedown/scanner/wire"
)

// sentChain is a chain as it came, and the name that was asked for.
type sentChain struct {
	serverName string
	der        [][]byte
}

// chainQuestions asks TLS 1.2 or older for one chain of each kind of key, of
// which it accepts suites: RSA, ECDSA, EdDSA (which shares ECDSA's suites,
// RFC 8422 §2.1) and DSA.
func chainQuestions(version uint16, serverName string, suites []uint16) []question {
	var qs []question
	ask := func(auth string, scheme func(wire.SchemeInfo) bool) {
		q := usual(version, serverName, suitesWith(suites, func(s wire.SuiteInfo) bool {
			return s.Auth == auth && (s.Kx == "RSA" || s.Kx == "DHE" || s.Kx == "ECDHE")
		}))
		if len(q.suites) == 0 {
			return
		}
		q.until = untilCertificate
		if scheme != nil {
			q.schemes = slices.DeleteFunc(slices.Clone(q.schemes), func(id uint16) bool { return !scheme(wire.LookupScheme(id)) })
		}
		qs = append(qs, q)
	}
	edwards := func(s wire.SchemeInfo) bool { return s.KeyType == "ed25519" || s.KeyType == "ed448" }
	ask("RSA", nil)
	if version < wire.TLS12 {
		ask("ECDSA", nil)
	} else {
		ask("ECDSA", func(s wire.SchemeInfo) bool { return !edwards(s) })
		ask("ECDSA", edwards)
	}
	ask("DSS", nil)
	return qs
}

// chainQuestions13 asks TLS 1.3 for one chain of each kind of key: there the
// signature schemes choose it (RFC 8446 §4.2.3). group is one that the server
// accepts and handshake can use.
func chainQuestions13(serverName string, suites []uint16, group uint16) ([]question, *results.Failure) {
	suites = slices.DeleteFunc(slices.Clone(suites), func(id uint16) bool { return !slices.Contains(handshake.Suites(), id) })
	var qs []question
	for _, keys := range [][]string{{"rsa", "rsa-pss"}, {"ecdsa"}, {"ed25519", "ed448"}} {
		key, err := handshake.NewKey(group)
		if err != nil {
			return nil, unable(err.Error())
		}
		q := usual(wire.TLS13, serverName, suites)
		q.groups, q.key, q.until = []uint16{group}, key, untilCertificate
		q.schemes = slices.DeleteFunc(schemesOf(wire.TLS13), func(id uint16) bool { return !slices.Contains(keys, wire.LookupScheme(id).KeyType) })
		qs = append(qs, q)
	}
	return qs, nil
}

// usableGroup finds a group that both the server and handshake can use: it
// offers those of handshake and lets a HelloRetryRequest choose.
func usableGroup(ctx context.Context, a *asker, serverName string, suites []uint16) (uint16, *results.Failure) {
	q := usual(wire.TLS13, serverName, suites)
	q.groups = handshake.Groups()
	got := a.ask(ctx, q)
	share := wire.KeyShare{}
	if got.outcome == accepted {
		share, _ = got.hello.KeyShare()
	}
	if share.Group == 0 {
		return 0, unable("certificates of TLS 1.3 travel encrypted, and the server accepts no group that is computed here")
	}
	return share.Group, nil
}

// unable is a failure of ours to see what the server would have shown.
func unable(why string) *results.Failure {
	return &results.Failure{Stage: results.StageHandshake, Kind: results.KindInternal, Count: 1, Detail: why}
}

// scanChains puts the questions side by side. A server that has no chain of a
// kind, or none without a name, refuses: that is an answer. whole reports
// whether each question got one.
func scanChains(ctx context.Context, a *asker, qs []question) (sent []sentChain, whole bool) {
	answers := make([]answer, len(qs))
	var g errgroup.Group
	for i, q := range qs {
		g.Go(func() error { answers[i] = a.ask(ctx, q); return nil })
	}
	g.Wait()
	whole = true
	for i, got := range answers {
		whole = whole && got.settled()
		if len(got.certs) > 0 {
			sent = append(sent, sentChain{qs[i].serverName, got.certs})
		}
	}
	return sent, whole
}

// distinct drops chains that were sent before under the same name, and those
// without a name that a name shows too.
func distinct(chains []sentChain) []sentChain {
	var out []sentChain
	for _, c := range chains {
		same := slices.ContainsFunc(out, func(o sentChain) bool { return slices.EqualFunc(o.der, c.der, bytes.Equal) })
		if !same {
			out = append(out, c)
		}
	}
	return out
}
