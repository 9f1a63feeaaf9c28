// Package chain judges certificate chains: it describes what a server sent,
// looks for the paths by which a client could trust it, and names what is
// wrong. It opens no connection and reads no clock; who is trusted, the time
// and the name come in. Revocation is not judged here.
//
// Everything that was sent is hostile: its size, the work that it causes and
// the text in its names. Names are recorded as they are, as valid UTF-8;
// whoever prints them escapes them.
package chain

import (
	"crypto"
	"slices"
	"time"

	"shakedown/results"
)

// What a chain may cost. Clients give up far earlier; what stands beyond is
// recorded, not read, and counts as malformed.
const (
	maxCertificates = 100
	maxBytes        = 1 << 20
)

// Options say what a chain is judged by.
type Options struct {
	// ServerName is what the leaf must be valid for: a DNS name or an IP
	// literal. Without one the name is not judged.
	ServerName string
	// Roots are the trust anchors. Share one value between chains; nil reads
	// the system's for this chain alone.
	Roots *Roots
	// At is the time for which the chain is judged.
	At time.Time
	// Key, if given, is the public key that the leaf must have.
	Key crypto.PublicKey
}

// Judge describes a chain and gives its verdict. The certificates come as they
// were sent, each as DER, the leaf first.
func Judge(der [][]byte, opt Options) results.Chain {
	if opt.Roots == nil {
		opt.Roots = &Roots{system: true}
	}
	sent := parseAll(der, opt.Roots.memory.parse)
	c := results.Chain{
		ServerName:   opt.ServerName,
		Certificates: describeAll(sent),
		SelfSigned:   results.SelfSignedNo,
		Trusted:      results.No,
		Problems:     []results.Problem{results.Malformed},
	}
	if len(sent) == 0 || sent[0].x == nil {
		c.HostnameMatch = unreadName(opt.ServerName)
		return c
	}
	c.Auth = sent[0].key.auth()
	g := newGraph(sent, opt.Roots)
	c.SelfSigned = g.selfSigned()
	c.HostnameMatch = matchHost(sent[0], opt.ServerName)

	best := g.best(opt.At)
	found := best.problems
	found.join(g.sentProblems())
	found.join(leafProblems(sent, c.HostnameMatch, opt.Key))
	c.Trusted = trusted(found, best.uncertain)
	c.Problems = found.sorted()
	return c
}

func unreadName(name string) results.Answer {
	if name == "" {
		return ""
	}
	return results.Unknown
}

// leafProblems are those that no path can mend.
func leafProblems(sent []*cert, hostname results.Answer, key crypto.PublicKey) problems {
	found := problems{}
	if hostname == results.No {
		found.add(results.NameMismatch)
	}
	if key != nil && !sent[0].key.equal(key) {
		found.add(results.KeyMismatch)
	}
	for _, c := range sent {
		if c.malformed {
			found.add(results.Malformed)
		}
	}
	return found
}

// trusted is about the path: neither the name nor needless certificates take
// it away.
func trusted(found problems, uncertain bool) results.Answer {
	for p := range found {
		switch p {
		case results.WrongOrder, results.RootSent, results.ExtraCertificate, results.NameMismatch:
		default:
			return results.No
		}
	}
	if uncertain {
		return results.Unknown
	}
	return results.Yes
}

// problems is a set of them.
type problems map[results.Problem]bool

func (p problems) add(one results.Problem) { p[one] = true }

func (p problems) join(others problems) {
	for one := range others {
		p[one] = true
	}
}

func (p problems) sorted() []results.Problem {
	list := make([]results.Problem, 0, len(p))
	for one := range p {
		list = append(list, one)
	}
	slices.Sort(list)
	return list
}
