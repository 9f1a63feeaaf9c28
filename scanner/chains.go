// Chains: every certificate chain that a server can be made to show, by kind
// of key and with or without a server name.

package scanner

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

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

// scanChains puts the questions side by side. A server that has no chain of a
// kind, or none without a name, refuses: that is an answer.
func scanChains(ctx context.Context, a *asker, qs []question) []sentChain {
	var (
		mu     sync.Mutex
		chains = make([]*sentChain, len(qs))
		g      errgroup.Group
	)
	for i, q := range qs {
		g.Go(func() error {
			if got := a.ask(ctx, q); len(got.certs) > 0 {
				mu.Lock()
				defer mu.Unlock()
				chains[i] = &sentChain{q.serverName, got.certs}
			}
			return nil
		})
	}
	g.Wait()
	var sent []sentChain
	for _, c := range chains {
		if c != nil {
			sent = append(sent, *c)
		}
	}
	return sent
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
