// Twins: chains of TLS 1.2 with the same suites as those seen and another key: on
// another curve (RFC 8422 §5.1), or of the other kind of RSA or EdDSA (RFC 8446
// §4.2.3). Where TLS 1.3 is spoken, its schemes tell them apart.

package scanner

import (
	"context"
	"slices"

	"shakedown/scanner/wire"
)

// twins asks for what is like the chains seen, until nothing new comes.
func (c *chainScan) twins(ctx context.Context, a *asker) {
	if c.version != wire.TLS12 || len(c.sent) == 0 || c.newer() {
		return
	}
	asked := map[leafKey]bool{}
	for next := c.sent; len(next) > 0; {
		var qs []question
		for _, seen := range next {
			kind := leafKeyOf(seen.der[0])
			if q, ok := c.twin(kind); ok && !asked[kind] {
				qs = append(qs, q)
			}
			asked[kind] = true
		}
		before := len(c.sent)
		c.ask(ctx, a, qs)
		// A server that does not heed what was offered shows what clients do not meet.
		c.sent = append(c.sent[:before], slices.DeleteFunc(slices.Clone(c.sent[before:]), func(s sentChain) bool { return asked[leafKeyOf(s.der[0])] })...)
		next = c.sent[before:]
	}
}

// twin asks for a chain that has suites in common with one seen, and another key.
func (c *chainScan) twin(of leafKey) (q question, ok bool) {
	other := map[string]string{"rsa": "rsa-pss", "rsa-pss": "rsa", "ecdsa": "ecdsa", "ed25519": "ed448", "ed448": "ed25519"}[of.keyType]
	if other == "" || other == "ecdsa" && of.curve == 0 {
		return question{}, false
	}
	auth := "ECDSA"
	if kindOfType(other) == rsaKey {
		auth = "RSA"
	}
	q = usual(c.version, c.name, suitesWith(c.suites(), func(s *wire.SuiteInfo) bool {
		return s.Auth == auth && (s.Kx == "ECDHE" || s.Kx == "DHE")
	}))
	q.until, q.ofCerts = untilCertificate, everyScheme()
	q.schemes = schemesWith(q.schemes, func(s *wire.SchemeInfo) bool { return s.KeyType == other })
	q.groups = slices.DeleteFunc(slices.Clone(q.groups), func(id uint16) bool {
		return slices.ContainsFunc(c.sent, func(s sentChain) bool { return curveOf(s.der[0]) == id })
	})
	return q, len(q.suites) > 0
}
