// Chains: every certificate chain that a server can be made to show, by kind
// of key, and by server name: the endpoint's own, none, and one that is nobody's.

package scanner

import (
	"bytes"
	"context"
	"slices"

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
func signedBy(s *wire.SchemeInfo) keyKind { return kindOfType(s.KeyType) }

// chainSchemes are the schemes of TLS 1.3 that make a server show a chain.
func chainSchemes() []uint16 {
	return schemesWith(schemesOf(wire.TLS13), func(s *wire.SchemeInfo) bool { return signedBy(s) != "" })
}

// chainScan asks a version for its chains under a name.
type chainScan struct {
	*versionScan
	name      string
	suites    func() []uint16 // those accepted, once they are known
	key       func() keyGroup // of TLS 1.3
	newer     func() bool     // whether TLS 1.3 is spoken, which tells more
	early     *early          // a question for any one chain, put before; nil if none was
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
		c.twins(ctx, a)
	default:
		c.ask(ctx, a, c.questions(likely(c.version)))
		c.others(ctx, a, authsOf(suitesWith(c.suites(), func(s *wire.SuiteInfo) bool {
			return slices.Contains(likely(c.version), uint16(s.ID))
		})))
		c.twins(ctx, a)
	}
}

// look asks for any one chain, which tells by whose configuration a name is answered;
// with accepted suites only where those are none that any server has some of, as they
// are known late.
func (c *chainScan) look(ctx context.Context, a *asker) {
	if c.version == wire.TLS13 {
		if key := c.key(); key.failure == nil {
			c.ask(ctx, a, []question{chainQuestion13(c.name, likely(c.version), key.group, chainSchemes())})
		}
		return
	}
	c.askOne(ctx, a, likely(c.version))
	if len(c.sent) > 0 {
		return
	}
	if accepted := c.suites(); len(without(accepted, likely(c.version))) == len(accepted) {
		c.askOne(ctx, a, accepted)
	}
}

// askOne asks TLS 1.2 or older for any one chain, unless that was done before.
func (c *chainScan) askOne(ctx context.Context, a *asker, suites []uint16) {
	q := c.anyChain(suites)
	switch {
	case len(q.suites) == 0:
	case c.early != nil && c.version == wire.TLS12 && c.early.same(&q):
		c.take(&q, c.early.settle(ctx, a))
	default:
		c.ask(ctx, a, []question{q})
	}
}

// anyChain is a question for any one chain in TLS 1.2 or older.
func (c *chainScan) anyChain(suites []uint16) question {
	q := usual(c.version, c.name, suitesWith(suites, showsCertificate))
	q.until, q.stranger = untilCertificate, c.isStranger()
	return q
}

// isStranger reports whether it asks under another name than the endpoint's own.
func (c *chainScan) isStranger() bool { return c.name != c.versionScan.name }

// news reports whether a chain came that is not among those seen.
func (c *chainScan) news(seen []sentChain) bool {
	return len(distinct(slices.Concat(seen, c.sent))) > len(distinct(seen))
}

// showsCertificate reports whether a suite makes a server show its certificate, and
// chainQuestions asks for it.
func showsCertificate(s *wire.SuiteInfo) bool {
	return slices.Contains([]string{"RSA", "ECDSA", "DSS"}, s.Auth) && slices.Contains([]string{"RSA", "DHE", "ECDHE"}, s.Kx)
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
		more := c.questions(suitesWith(likely(c.version), func(s *wire.SuiteInfo) bool { return s.Auth == auth }))
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
	if authOf(q.suites[0]) != "ECDSA" || q.version < wire.TLS12 {
		return true
	}
	kind := kindOf(certs[0])
	return kind != "" && slices.ContainsFunc(q.schemes, func(id uint16) bool { return signedBy(wire.LookupScheme(id)) == kind })
}

// others asks with accepted suites for what was not asked for before.
func (c *chainScan) others(ctx context.Context, a *asker, asked []string) {
	c.ask(ctx, a, c.questions(suitesWith(c.suites(), func(s *wire.SuiteInfo) bool { return !slices.Contains(asked, s.Auth) })))
}

// authsOf lists what suites are signed with.
func authsOf(suites []uint16) (auths []string) {
	for _, id := range suites {
		if auth := authOf(id); !slices.Contains(auths, auth) {
			auths = append(auths, auth)
		}
	}
	return auths
}

// newest asks TLS 1.3, where the signature schemes choose the key, its curve too
// (RFC 8446 §4.2.3), by elimination, from a chain on that was seen, if any was.
func (c *chainScan) newest(ctx context.Context, a *asker, seen [][]byte) {
	c.keep(seen)
	key := c.key()
	if key.failure != nil {
		return
	}
	left := chainSchemes()
	for first := true; len(left) > 0; first = false {
		if !first || len(seen) == 0 {
			seen = c.askSchemes(ctx, a, key.group, left, first)
		}
		if len(seen) == 0 {
			return // no chain that could sign by one that is left
		}
		rest := beyond(left, seen[0])
		if len(rest) == len(left) {
			break
		}
		left = rest
	}
	// What was seen does not tell what is left: each kind is asked for by itself.
	var qs []question
	for _, kind := range keyKinds() {
		if schemes := schemesWith(left, func(s *wire.SchemeInfo) bool { return signedBy(s) == kind }); len(schemes) > 0 {
			qs = append(qs, chainQuestion13(c.name, likely(c.version), key.group, schemes))
		}
	}
	c.ask(ctx, a, qs)
}

// askSchemes asks for a chain that could sign by one of some schemes. Where none was
// seen yet, it asks once more without the schemes of certificates' own signatures:
// OpenSSL 4.1 finds that of SM2 in no list.
func (c *chainScan) askSchemes(ctx context.Context, a *asker, group uint16, schemes []uint16, first bool) [][]byte {
	q := chainQuestion13(c.name, likely(c.version), group, schemes)
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
	var g crew
	for i, q := range qs {
		q.stranger = c.isStranger()
		g.Go(func() { answers[i] = *a.askFirst(ctx, &q) })
	}
	g.Wait()
	for i := range answers {
		c.take(&qs[i], &answers[i])
		last = answers[i].certs
	}
	return last
}

// take takes an answer.
func (c *chainScan) take(q *question, got *answer) {
	c.unsettled = c.unsettled || !got.settled()
	if q.couldSign(got.certs) {
		c.keep(got.certs)
	}
}

// couldSign reports whether a handshake can go on with a chain that came. Where a server
// of TLS 1.2 has none for the schemes that were offered, it may show whichever it has,
// of another name even, and then find that it cannot sign (crypto/tls): nobody meets that.
func (q *question) couldSign(certs [][]byte) bool {
	if len(certs) == 0 || q.version != wire.TLS12 {
		return true
	}
	kind := kindOf(certs[0])
	return kind == "" || slices.ContainsFunc(q.schemes, func(id uint16) bool { return signedBy(wire.LookupScheme(id)) == kind })
}

// questions asks for one chain of each kind of key, but for EdDSA's where TLS 1.3 is
// asked for that: a server that has such a key shows it there, if anywhere.
func (c *chainScan) questions(suites []uint16) []question {
	qs := chainQuestions(c.version, c.name, suites)
	edwards := func(q question) bool {
		return !slices.ContainsFunc(q.schemes, func(id uint16) bool { return signedBy(wire.LookupScheme(id)) != edwardsKey })
	}
	if c.version == wire.TLS12 && slices.ContainsFunc(qs, edwards) && c.newer() && c.key().failure == nil {
		return slices.DeleteFunc(qs, edwards)
	}
	return qs
}

// chainQuestions asks TLS 1.2 or older for one chain of each kind of key, of
// which there are suites: RSA, ECDSA, EdDSA and DSA.
func chainQuestions(version uint16, serverName string, suites []uint16) []question {
	var qs []question
	ask := func(auth string, scheme func(*wire.SchemeInfo) bool) {
		q := usual(version, serverName, suitesWith(suites, func(s *wire.SuiteInfo) bool {
			return s.Auth == auth && showsCertificate(s)
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
	edwards := func(s *wire.SchemeInfo) bool { return signedBy(s) == edwardsKey }
	ask("RSA", nil)
	if version < wire.TLS12 {
		ask("ECDSA", nil)
	} else {
		ask("ECDSA", func(s *wire.SchemeInfo) bool { return !edwards(s) })
		ask("ECDSA", edwards)
	}
	ask("DSS", nil)
	return qs
}

// chainQuestion13 asks TLS 1.3 for a chain that can sign by one of some schemes.
func chainQuestion13(serverName string, suites []uint16, group uint16, schemes []uint16) question {
	q := question13(serverName, suites, group, untilCertificate)
	q.schemes = schemes
	q.ofCerts = everyScheme() // whoever signed the certificate
	return q
}

func schemesWith(ids []uint16, want func(*wire.SchemeInfo) bool) []uint16 {
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

// distinct drops chains that were sent before, under the same name or another.
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
