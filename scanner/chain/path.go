// The search for the path by which a client could trust the leaf. All ways are
// tried, within bounds, so that a bad one beside a good one does no harm.

package chain

import (
	"slices"
	"time"

	"shakedown/results"
)

// path leads from the leaf upwards.
type path struct {
	certs    []*cert
	weakest  verdict // of the signatures on it
	anchored bool    // its last certificate is a trust anchor
}

func (p path) last() *cert { return p.certs[len(p.certs)-1] }

func (p path) holds(c *cert) bool {
	return slices.ContainsFunc(p.certs, c.sameEntity)
}

func (p path) through(l link) path {
	return path{certs: append(slices.Clone(p.certs), l.issuer), weakest: min(p.weakest, l.signature)}
}

// outcome is what was found about a path. It is uncertain where something
// could not be verified or the trust anchors are not known.
type outcome struct {
	path
	problems
	uncertain bool
}

func (o outcome) good() bool { return o.anchored && !o.uncertain && len(o.problems) == 0 }

// better prefers what leads to an anchor, then what has fewer faults.
func (o outcome) better(than outcome) bool {
	if o.anchored != than.anchored {
		return o.anchored
	}
	if len(o.problems) != len(than.problems) {
		return len(o.problems) < len(than.problems)
	}
	return !o.uncertain && than.uncertain
}

// best judges every path up from the leaf and gives the best outcome.
func (g *graph) best(at time.Time) outcome {
	var best *outcome
	var extend func(path)
	extend = func(p path) {
		if g.steps++; g.steps > maxSteps || best != nil && best.good() {
			return
		}
		p.anchored = g.roots.find(p.last()) != nil
		onward := g.onward(p)
		for _, l := range onward {
			extend(p.through(l))
		}
		if len(onward) > 0 {
			return
		}
		if o := g.judge(p, at); best == nil || o.better(*best) {
			best = &o
		}
	}
	extend(path{certs: []*cert{g.leaf}, weakest: good})
	return *best
}

// onward gives the links by which a path can go on.
func (g *graph) onward(p path) []link {
	if p.anchored || len(p.certs) == maxDepth {
		return nil
	}
	var links []link
	for _, l := range g.issuers(p.last()) {
		if !p.holds(l.issuer) {
			links = append(links, l)
		}
	}
	return links
}

// judge holds one path to the rules.
func (g *graph) judge(p path, at time.Time) outcome {
	o := outcome{path: p, problems: pathProblems(p, at), uncertain: p.weakest == cannot}
	if p.weakest == bad {
		o.add(results.BadSignature)
	}
	if g.violatesNames(p) || p.anchored && violatesPolicies(p) {
		o.add(results.ConstraintViolation)
	}
	if !p.anchored {
		g.judgeEnd(p, &o)
	}
	return o
}

// judgeEnd says why a path does not end in a trust anchor. Whether the missing
// issuer is a root, which need not be sent, or an intermediate, which must be,
// no certificate tells. A leaf without any issuer most often lacks its
// intermediate, for public roots sign no leaves; a CA certificate without one
// most often was issued by a root, unless a further CA certificate was sent.
func (g *graph) judgeEnd(p path, o *outcome) {
	last := p.last()
	alone := len(p.certs) == 1
	switch {
	case g.isSelfSigned(last) && alone:
		o.add(results.SelfSignedProblem)
	case last.selfIssued() && g.verify(last, last) == bad && last.keyIDsAgree(last):
		o.add(results.BadSignature) // it was to be self-signed
	case g.roots.SystemError() != nil:
		o.uncertain = true
	case g.isSelfSigned(last), last.selfIssued():
		o.add(results.UnknownAuthority)
	case len(g.roots.named(last.issuer)) > 0:
		o.add(results.UnknownAuthority) // an anchor has the issuer's name, but not its key
	case (alone || g.hasGap()) && g.unread:
		// The issuer may be what could not be read; that says malformed.
	case alone, g.hasGap():
		o.add(results.Incomplete)
	default:
		o.add(results.UnknownAuthority)
	}
}

// violatesNames holds the names of each certificate to the constraints of
// those above it. Self-issued intermediates are exempt (RFC 5280 §6.1.3 b).
func (g *graph) violatesNames(p path) bool {
	for i, issuer := range p.certs {
		if issuer.constraints == nil {
			continue
		}
		for j, c := range p.certs[:i] {
			if (j == 0 || !c.selfIssued()) && !g.permitted(issuer, c) {
				return true
			}
		}
	}
	return false
}

func (g *graph) permitted(issuer, c *cert) bool {
	pair := [2]*cert{issuer, c}
	ok, known := g.permits[pair]
	if !known {
		ok = issuer.constraints.allows(c, &g.budget)
		g.permits[pair] = ok
	}
	return ok
}
