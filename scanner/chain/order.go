// A chain put in the order in which it is served.

package chain

import (
	"encoding/pem"
	"fmt"
	"strings"
)

// InOrder gives the leaf and the intermediates above it as RFC 8446 §4.4.2
// wants them sent: each followed by the one that certifies it, without the
// root, which clients have, and without what the path does not need. The leaf
// is the one certificate that issued no other; where several are that, opt's
// key and name choose, else it is refused.
func InOrder(ders [][]byte, opt Options) ([][]byte, error) {
	if opt.Roots == nil {
		opt.Roots = &Roots{system: true}
	}
	certs := parseAll(ders, parse)
	for i, c := range certs {
		if c.x == nil {
			return nil, fmt.Errorf("certificate %d does not parse: write it anew, or leave it out", i+1)
		}
	}
	leaf, err := chooseLeaf(certs, opt)
	if err != nil {
		return nil, err
	}
	g := newGraph(append([]*cert{leaf}, certs...), opt.Roots)
	p := g.best(opt.At).path
	var ordered [][]byte
	for i, c := range p.certs {
		if _, given := g.index[c.sum]; given && (i == 0 || !g.isSelfSigned(c)) {
			ordered = append(ordered, c.der)
		}
	}
	return ordered, nil
}

// chooseLeaf narrows the certificates down until one is left.
func chooseLeaf(certs []*cert, opt Options) (*cert, error) {
	candidates := distinct(certs)
	for _, fits := range []func(*cert) bool{
		func(c *cert) bool { return opt.Key == nil || c.key.equal(opt.Key) },
		func(c *cert) bool { return opt.ServerName == "" || validFor(c, opt.ServerName) },
		func(c *cert) bool { return !c.x.IsCA },
		func(c *cert) bool { return !issuedAny(c, certs) },
	} {
		if left := keep(candidates, fits); len(left) > 0 {
			candidates = left
		}
	}
	if len(candidates) == 1 {
		return candidates[0], nil
	}
	var names []string
	for _, c := range candidates[:min(len(candidates), 4)] {
		names = append(names, fmt.Sprintf("%q", distinguishedName(c.x.RawSubject)))
	}
	return nil, fmt.Errorf("%d certificates could be the leaf (%s): say which with --key or --host, or leave the others out", len(candidates), strings.Join(names, ", "))
}

func issuedAny(c *cert, certs []*cert) bool {
	for _, other := range certs {
		if other.sum != c.sum && other.issuer == c.subject && verify(other, c) == good {
			return true
		}
	}
	return false
}

func distinct(certs []*cert) []*cert {
	seen := map[[32]byte]bool{}
	return keep(certs, func(c *cert) bool {
		again := seen[c.sum]
		seen[c.sum] = true
		return !again
	})
}

func keep(certs []*cert, fits func(*cert) bool) []*cert {
	var left []*cert
	for _, c := range certs {
		if fits(c) {
			left = append(left, c)
		}
	}
	return left
}

// PEM writes certificates one behind the other.
func PEM(ders [][]byte) []byte {
	var text []byte
	for _, der := range ders {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return text
}
