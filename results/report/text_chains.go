// Certificate chains in a terminal, each distinct one once, with who serves it.

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

// chains lists each distinct chain once, with who serves it.
func (p *page) chains(es []*endpoint) {
	groups := chainGroups(es)
	if len(groups) == 0 {
		return
	}
	p.subtitle("Certificate chains")
	var sound []*chainGroup
	for i, g := range groups {
		if g.cert.level == fine && len(groups) > fewChains && !p.verbose {
			sound = append(sound, g)
			continue
		}
		if i > 0 {
			p.blank()
		}
		p.chain(g.chain, g.cert, strings.Join(g.labels, ", "), "without SNI")
	}
	if len(sound) > 0 {
		p.blank()
		p.table(2, soundTable(sound))
	}
}

// fewChains is how many chains are told in full though nothing is wrong.
const fewChains = 8

// soundTable has a line for each chain that nothing is wrong with, the first
// to expire first.
func soundTable(groups []*chainGroup) *table {
	slices.SortStableFunc(groups, func(a, b *chainGroup) int {
		x, _ := firstEnd(a.chain)
		y, _ := firstEnd(b.chain)
		return x.Compare(y)
	})
	t := &table{columns: []column{{head: "SERVED BY", min: 24}, {head: "SUBJECT", min: 12}, {head: "KEY"}, {head: "UNTIL"}, {head: "ISSUER", min: 8}, {head: "VERDICT"}}}
	for _, g := range groups {
		leaf := g.chain.Certificates[0]
		t.add(text(list(g.labels, 3)), text(clean(leaf.Subject)), text(keyWords(leaf)), text(date(leaf.NotAfter)), text(clean(leaf.Issuer)), text(g.cert.compact()))
	}
	return t
}

// chainGroup is one distinct chain and the paths that serve it.
type chainGroup struct {
	chain  *results.Chain
	cert   verdict
	labels []string
	refs   []ref
}

func chainGroups(es []*endpoint) []*chainGroup {
	var groups []*chainGroup
	byKey := map[string]*chainGroup{}
	for _, e := range es {
		for i := range e.Chains {
			c := &e.Chains[i]
			cert := wordsOf(c, e.at)
			if !e.Owns(c) { // not what this path's clients meet
				cert.level = min(cert.level, notable)
			}
			key := chainKey(c) + cert.String()
			g := byKey[key]
			if g == nil {
				g = &chainGroup{chain: c, cert: cert}
				byKey[key] = g
				groups = append(groups, g)
			}
			g.labels, g.refs = append(g.labels, e.label), append(g.refs, e.ref)
		}
	}
	slices.SortStableFunc(groups, func(a, b *chainGroup) int { return cmp.Compare(b.cert.level, a.cert.level) })
	return groups
}

func chainKey(c *results.Chain) string {
	key := c.ServerName + " " + c.Auth
	for _, cert := range c.Certificates {
		key += " " + cert.SHA256
	}
	return key
}

// chain prints one; unnamed is what is said where it is not for a name.
func (p *page) chain(c *results.Chain, v verdict, who, unnamed string) {
	p.paragraph(2, 2, boldStyle, fmt.Sprintf("%s %s", v.level.mark(), who))
	whose := unnamed
	if c.ServerName != "" {
		whose = "for " + clean(c.ServerName)
	}
	words := v.String()
	if head := strings.TrimSpace(clean(c.Auth) + " " + whose); head != "" {
		words = head + ": " + words
	}
	p.paragraph(4, 2, v.level.style(), words)
	for i, cert := range c.Certificates {
		words := fmt.Sprintf("%d %s, %s, until %s, sha256 %s", i, cmp.Or(clean(cert.Subject), "(subject not readable)"), keyWords(cert), date(cert.NotAfter), short(cert.SHA256))
		if cert.MustStaple {
			words += ", must be stapled"
		}
		p.paragraph(4, 2, plainStyle, words)
		if names := certNames(cert); i == 0 && len(names) > 0 {
			p.paragraph(6, 2, dimStyle, "names: "+list(names, p.limit(4)))
		}
		if i == len(c.Certificates)-1 && cert.Issuer != cert.Subject {
			p.paragraph(6, 2, dimStyle, "issued by "+clean(cert.Issuer))
		}
	}
}

func certNames(c results.Cert) []string {
	var names []string
	for _, n := range slices.Concat(c.DNSNames, c.IPAddresses) {
		names = append(names, clean(n))
	}
	return names
}

// files are chains that were judged offline.
func (p *page) files(files []*chainFile) {
	if len(files) == 0 {
		return
	}
	p.title("Chain files")
	for _, f := range files {
		p.chain(&f.Chain, f.cert, clean(f.File), "")
	}
}
