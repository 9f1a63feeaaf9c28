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

// signedBy is the kind of key that a scheme is for.
func signedBy(s wire.SchemeInfo) keyKind {
	switch s.KeyType {
	case "rsa", "rsa-pss":
		return rsaKey
	case "ecdsa":
		return ecdsaKey
	case "ed25519", "ed448":
		return edwardsKey
	case "mldsa44", "mldsa65", "mldsa87":
		return mldsaKey
	case "sm2":
		return sm2Key
	}
	return ""
}

// signedBy12 is signedBy, with keys apart that sign by RSA-PSS alone.
func signedBy12(s wire.SchemeInfo) keyKind {
	if s.KeyType == "rsa-pss" {
		return pssKey
	}
	return signedBy(s)
}

// chainScan asks a version for its chains under a name.
type chainScan struct {
	*versionScan
	name      string
	newest13  bool            // TLS 1.3 is asked too, where rare kinds of key cost nothing
	suites    func() []uint16 // those accepted, once they are known
	key       func() keyGroup // of TLS 1.3
	sent      []sentChain
	unsettled bool // some question got no usable answer
}

// run asks. What the questions for suites showed under the same name is not asked
// for again.
func (c *chainScan) run(ctx context.Context, a *asker) {
	own := c.chains && c.name == c.versionScan.name
	switch {
	case c.version == wire.TLS13 && own:
		c.newest(ctx, a, c.opening().certs)
	case c.version == wire.TLS13:
		c.newest(ctx, a, nil)
	case own:
		c.looked.through()
		c.others(ctx, a, c.shown(ctx, a))
	default:
		c.ask(ctx, a, c.questions(likely(c.version)))
		c.others(ctx, a, authsOf(suitesWith(c.suites(), func(s wire.SuiteInfo) bool {
			return slices.Contains(likely(c.version), uint16(s.ID))
		})))
	}
}

// shown takes the chains that the first questions for suites showed, and asks for
// others that the same suites could show. It gives what those are signed with.
func (c *chainScan) shown(ctx context.Context, a *asker) (auths []string) {
	var qs []question
	for _, first := range c.firsts {
		if first.outcome != accepted {
			continue
		}
		auth := authOf(first.hello.Suite)
		c.keep(first.certs)
		if slices.Contains(auths, auth) {
			continue
		}
		auths = append(auths, auth)
		more := c.questions(suitesWith(likely(c.version), func(s wire.SuiteInfo) bool { return s.Auth == auth }))
		qs = append(qs, slices.DeleteFunc(more, func(q question) bool { return q.shownBy(first.certs) })...)
	}
	c.ask(ctx, a, qs)
	return auths
}

// shownBy reports whether a question for a chain would bring one of the same kind
// again.
func (q *question) shownBy(certs [][]byte) bool {
	if len(certs) == 0 {
		return false
	}
	if q.version < wire.TLS12 || authOf(q.suites[0]) == "DSS" {
		return true
	}
	kind := kindOf(certs[0])
	return kind != "" && slices.ContainsFunc(q.schemes, func(id uint16) bool { return signedBy12(wire.LookupScheme(id)) == kind })
}

// others asks with accepted suites for what was not asked for before.
func (c *chainScan) others(ctx context.Context, a *asker, asked []string) {
	c.ask(ctx, a, c.questions(suitesWith(c.suites(), func(s wire.SuiteInfo) bool { return !slices.Contains(asked, s.Auth) })))
}

func authsOf(suites []uint16) (auths []string) {
	for _, id := range suites {
		auths = append(auths, authOf(id))
	}
	return auths
}

// newest asks TLS 1.3, where the signature schemes choose the kind of key
// (RFC 8446 §4.2.3), by elimination, from a chain on that was seen, if any was.
func (c *chainScan) newest(ctx context.Context, a *asker, seen [][]byte) {
	c.keep(seen)
	key := c.key()
	if key.failure != nil {
		return
	}
	left := keyKinds()
	for first := true; len(left) > 0; first = false {
		if !first || len(seen) == 0 {
			seen = c.askKinds(ctx, a, key.group, left, first)
		}
		if len(seen) == 0 {
			return // no chain of any kind that is left
		}
		i := slices.Index(left, kindOf13(seen[0]))
		if i < 0 {
			break
		}
		left = slices.Delete(left, i, i+1)
	}
	// What was seen does not tell what is left: each kind is asked for by itself.
	var qs []question
	for _, kind := range left {
		qs = append(qs, chainQuestion13(c.name, likely(c.version), key.group, []keyKind{kind}))
	}
	c.ask(ctx, a, qs)
}

// askKinds asks for a chain of one of some kinds of key. Where none was seen yet, it
// asks once more without the schemes of certificates' own signatures: OpenSSL 4.1
// finds that of SM2 in no list.
func (c *chainScan) askKinds(ctx context.Context, a *asker, group uint16, kinds []keyKind, first bool) [][]byte {
	q := chainQuestion13(c.name, likely(c.version), group, kinds)
	seen := c.ask(ctx, a, []question{q})
	if first && len(seen) == 0 {
		q.ofCerts = nil
		seen = c.ask(ctx, a, []question{q})
	}
	return seen
}

// keep adds a chain, if it is one.
func (c *chainScan) keep(certs [][]byte) {
	if len(certs) > 0 {
		c.sent = append(c.sent, sentChain{c.name, certs})
	}
}

// ask puts questions side by side, and gives the last chain that came. A server
// that has no chain of a kind, or none without a name, refuses: that is an answer.
func (c *chainScan) ask(ctx context.Context, a *asker, qs []question) (last [][]byte) {
	answers := make([]answer, len(qs))
	var g errgroup.Group
	for i, q := range qs {
		g.Go(func() error { answers[i] = *a.askFirst(ctx, &q); return nil })
	}
	g.Wait()
	for _, got := range answers {
		c.unsettled = c.unsettled || !got.settled()
		c.keep(got.certs)
		last = got.certs
	}
	return last
}

// questions asks TLS 1.2 or older for one chain of each kind of key, of which there
// are suites: RSA, ECDSA, EdDSA and DSA.
func (c *chainScan) questions(suites []uint16) []question {
	var qs []question
	ask := func(auth string, kinds ...keyKind) {
		q := usual(c.version, c.name, suitesWith(suites, func(s wire.SuiteInfo) bool {
			return s.Auth == auth && (s.Kx == "DHE" || s.Kx == "ECDHE" || s.Kx == "RSA" && !slices.Contains(kinds, pssKey))
		}))
		if len(q.suites) == 0 {
			return
		}
		q.until = untilCertificate
		if c.version == wire.TLS12 && len(kinds) > 0 {
			q.schemes = schemesWith(q.schemes, func(s wire.SchemeInfo) bool { return slices.Contains(kinds, signedBy12(s)) })
			q.ofCerts = everyScheme()
		}
		qs = append(qs, q)
	}
	ask("RSA", rsaKey)
	ask("ECDSA", ecdsaKey, sm2Key)
	if c.version == wire.TLS12 {
		ask("ECDSA", edwardsKey)
	}
	if c.version == wire.TLS12 && !c.newest13 {
		ask("RSA", pssKey)
	}
	ask("DSS")
	return qs
}

// chainQuestion13 asks TLS 1.3 for a chain of one of some kinds of key.
func chainQuestion13(serverName string, suites []uint16, group uint16, kinds []keyKind) question {
	q := question13(serverName, suites, group, untilCertificate)
	q.schemes = schemesWith(q.schemes, func(s wire.SchemeInfo) bool { return slices.Contains(kinds, signedBy13(s)) })
	q.ofCerts = everyScheme() // whoever signed the certificate
	return q
}

func schemesWith(ids []uint16, want func(wire.SchemeInfo) bool) []uint16 {
	return slices.DeleteFunc(slices.Clone(ids), func(id uint16) bool { return !want(wire.LookupScheme(id)) })
}

// usableGroup finds a group that both the server and handshake can use. The
// HelloRetryRequest that opened TLS 1.3 often names one; else only handshake's
// are offered, the slow ones after all others.
func usableGroup(ctx context.Context, a *asker, serverName string, suites []uint16, opening *answer) (uint16, *results.Failure) {
	if opening.outcome == accepted {
		if share, ok := opening.hello.KeyShare(); ok && slices.Contains(handshake.Groups(), share.Group) && len(openable(suites)) > 0 {
			return share.Group, nil
		}
	}
	for _, groups := range [][]uint16{handshake.Groups(), handshake.SlowGroups()} {
		q := usual(wire.TLS13, serverName, openable(suites))
		q.groups = groups
		if got := a.ask(ctx, &q); got.outcome == accepted {
			if share, ok := got.hello.KeyShare(); ok {
				return share.Group, nil
			}
		}
	}
	return 0, &results.Failure{
		Stage: results.StageHandshake, Kind: results.KindInternal, Count: 1,
		Detail: "what TLS 1.3 encrypts stays unseen: the server accepts no group and suite that are computed here",
	}
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
