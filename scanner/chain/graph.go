// The graph of who signed whom among the certificates that were sent and the
// trust anchors, and what it says about how they were sent.

package chain

import (
	"crypto/sha256"

	"shakedown/results"
)

const (
	// maxChecks bounds the signatures that are verified for one chain. What
	// is not verified any more counts as unverifiable, never as good.
	maxChecks = 256
	// maxSteps and maxDepth bound the search for a path.
	maxSteps = 1000
	maxDepth = 16
)

type graph struct {
	leaf    *cert
	sent    []*cert // without what could not be read and what came twice
	repeats bool    // something came twice
	unread  bool    // something could not be read at all
	roots   *Roots

	checks      int // signatures asked for
	verified    int // signatures verified
	steps       int // of the search for a path
	verdicts    map[[2]*cert]verdict
	issuerLinks map[*cert][]link
	index       map[[sha256.Size]byte]int // in sent
	above       map[*cert]bool            // sent, and on the way up from the leaf
	below       map[*cert]bool            // sent, and the leaf is on the way up from them
	budget      int                       // of comparing names with constraints
	permits     map[[2]*cert]bool
}

// link leads from a certificate to one that may have issued it.
type link struct {
	issuer    *cert
	signature verdict
}

func newGraph(sent []*cert, roots *Roots) *graph {
	g := &graph{
		leaf:        sent[0],
		roots:       roots,
		verdicts:    map[[2]*cert]verdict{},
		issuerLinks: map[*cert][]link{},
		index:       map[[sha256.Size]byte]int{},
		budget:      maxCompared,
		below:       map[*cert]bool{},
		permits:     map[[2]*cert]bool{},
	}
	for _, c := range sent {
		if _, again := g.index[c.sum]; again {
			g.repeats = true
		} else if c.x != nil {
			g.index[c.sum] = len(g.sent)
			g.sent = append(g.sent, c)
		} else {
			g.unread = true
		}
	}
	g.above = g.ancestors(g.leaf)
	for _, c := range g.sent[1:] {
		g.below[c] = !g.above[c] && g.ancestors(c)[g.leaf]
	}
	return g
}

// verify checks a signature once.
func (g *graph) verify(c, issuer *cert) verdict {
	pair := [2]*cert{c, issuer}
	v, known := g.verdicts[pair]
	if known {
		return v
	}
	v = cannot
	if g.checks++; g.checks <= maxChecks {
		g.verified++
		v = g.roots.memory.verify(c, issuer)
	}
	g.verdicts[pair] = v
	return v
}

// isSelfSigned is about the key, never about names.
func (g *graph) isSelfSigned(c *cert) bool { return g.verify(c, c) == good }

// issuers gives the certificates that may have issued c, trust anchors first:
// those whose key verifies it; where there is none, those of which we cannot
// tell; where there is none either, the one that by its name and key
// identifier should have, though its key does not verify c.
func (g *graph) issuers(c *cert) []link {
	links, known := g.issuerLinks[c]
	if known {
		return links
	}
	byVerdict := map[verdict][]link{}
	for _, candidate := range g.candidates(c) {
		v := g.verify(c, candidate)
		if v == good || c.keyIDsAgree(candidate) {
			byVerdict[v] = append(byVerdict[v], link{candidate, v})
		}
	}
	switch {
	case len(byVerdict[good]) > 0:
		links = byVerdict[good]
	case g.isSelfSigned(c):
		// It names another, but no other made it.
	case len(byVerdict[cannot]) > 0:
		links = byVerdict[cannot]
	case len(byVerdict[bad]) > 0:
		links = byVerdict[bad][:1]
	}
	g.issuerLinks[c] = links
	return links
}

// candidates have the name that c calls its issuer.
func (g *graph) candidates(c *cert) []*cert {
	var list []*cert
	for _, anchor := range g.roots.named(c.issuer) {
		if !anchor.sameEntity(c) {
			list = append(list, anchor)
		}
	}
	for _, other := range g.sent {
		if other.subject == c.issuer && !other.sameEntity(c) && g.roots.find(other) == nil {
			list = append(list, other)
		}
	}
	return list
}

// ancestors are the sent certificates on any way up from c.
func (g *graph) ancestors(c *cert) map[*cert]bool {
	found, open := map[*cert]bool{}, []*cert{c}
	for len(open) > 0 {
		next := open[0]
		open = open[1:]
		for _, l := range g.issuers(next) {
			if i, sent := g.index[l.issuer.sum]; sent && !found[g.sent[i]] {
				found[g.sent[i]] = true
				open = append(open, g.sent[i])
			}
		}
	}
	return found
}

// selfSigned says which certificate verifies with its own key.
func (g *graph) selfSigned() results.SelfSigned {
	if g.isSelfSigned(g.leaf) {
		return results.SelfSignedLeaf
	}
	for _, c := range g.sent[1:] {
		if g.isSelfSigned(c) {
			return results.SelfSignedRoot
		}
	}
	return results.SelfSignedNo
}

// sentProblems are about what was sent, and in which order, whatever path is
// taken through it.
func (g *graph) sentProblems() problems {
	found := problems{}
	if g.repeats {
		found.add(results.ExtraCertificate)
	}
	for i, c := range g.sent[1:] {
		if g.isSelfSigned(c) {
			found.add(results.RootSent)
		}
		switch {
		case g.above[c]:
			if !g.follows(c, g.sent[:i+1]) {
				found.add(results.WrongOrder)
			}
		case g.below[c]:
			found.add(results.WrongOrder) // the leaf stands before what it signed
		default:
			found.add(results.ExtraCertificate)
		}
	}
	return found
}

// follows reports whether c certifies one of those that were sent before it.
// RFC 8446 §4.4.2 wants the one directly before; behind a cross-signed twin
// that cannot be.
func (g *graph) follows(c *cert, before []*cert) bool {
	for _, child := range before {
		if child != g.leaf && !g.above[child] {
			continue
		}
		for _, l := range g.issuers(child) {
			if l.issuer.sum == c.sum {
				return true
			}
		}
	}
	return false
}

// hasGap reports whether a CA certificate was sent to which no way leads up
// from the leaf, though it is not below it: then one between them is missing.
func (g *graph) hasGap() bool {
	for _, c := range g.sent[1:] {
		if c.x.IsCA && !g.above[c] && !g.below[c] {
			return true
		}
	}
	return false
}
