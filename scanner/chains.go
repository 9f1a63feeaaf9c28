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
// which there are suites: RSA, ECDSA, EdDSA (which shares ECDSA's suites,
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
			q.schemes, q.ofCerts = schemesWith(q.schemes, scheme), everyScheme()
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
// signature schemes choose it (RFC 8446 §4.2.3).
func chainQuestions13(serverName string, suites []uint16, group uint16) []question {
	var qs []question
	usual := question13(serverName, suites, group, untilCertificate) // one key will do for all
	for _, keys := range [][]string{{"rsa", "rsa-pss"}, {"ecdsa"}, {"ed25519", "ed448"}} {
		q := usual
		q.schemes = schemesWith(q.schemes, func(s wire.SchemeInfo) bool { return slices.Contains(keys, s.KeyType) })
		q.ofCerts = everyScheme() // whoever signed the certificate
		qs = append(qs, q)
	}
	return qs
}

func schemesWith(ids []uint16, want func(wire.SchemeInfo) bool) []uint16 {
	return slices.DeleteFunc(slices.Clone(ids), func(id uint16) bool { return !want(wire.LookupScheme(id)) })
}

// usableGroup finds a group that both the server and handshake can use. The
// HelloRetryRequest that opened TLS 1.3 often names one; else only handshake's
// are offered.
func usableGroup(ctx context.Context, a *asker, serverName string, suites []uint16, opening answer) (uint16, *results.Failure) {
	if opening.outcome == accepted {
		if share, ok := opening.hello.KeyShare(); ok && slices.Contains(handshake.Groups(), share.Group) && len(openable(suites)) > 0 {
			return share.Group, nil
		}
	}
	q := usual(wire.TLS13, serverName, openable(suites))
	q.groups = handshake.Groups()
	got := a.ask(ctx, q)
	share := wire.KeyShare{}
	if got.outcome == accepted {
		share, _ = got.hello.KeyShare()
	}
	if share.Group == 0 {
		return 0, &results.Failure{
			Stage: results.StageHandshake, Kind: results.KindInternal, Count: 1,
			Detail: "what TLS 1.3 encrypts stays unseen: the server accepts no group and suite that are computed here",
		}
	}
	return share.Group, nil
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
