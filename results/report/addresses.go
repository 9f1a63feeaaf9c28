// The addresses of one name: which is not set up like the others, and which goes on
// with sessions that another made.

package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"shakedown/results"
)

// addressDrifts tells how the addresses of a path differ from what most of them have
// in common. Targets of a load balancer are told beside their siblings: see bonds.
func addressDrifts(s *section) (all []drift) {
	for _, addresses := range alike(s.endpoints, func(e *endpoint) string { return e.Service + "\x00" + e.Path }) {
		target := slices.ContainsFunc(s.bonds, func(b *bond) bool { return slices.Contains(b.targets, addresses[0]) })
		if len(addresses) > 1 && !target {
			all = append(all, drifts(addresses)...)
		}
	}
	return all
}

// steady says of addresses of which nothing but that was asked, or where all is told,
// that their answers were alike. Those whose are not stand among what to look at first.
func (p *page) steady(es []*endpoint) {
	for _, e := range es {
		if f := e.PathFacts; f.Steadiness == results.Steady && (p.verbose || !p.hasSettings(e)) {
			p.paragraph(2, 2, dimStyle, fmt.Sprintf("%s: %s to the same question, all alike", e.label, plural(f.Repeats, "answer")))
		}
	}
}

// sessions says between which addresses sessions go on.
func (p *page) sessions(es []*endpoint) {
	asked := slices.DeleteFunc(slices.Clone(es), func(e *endpoint) bool { return len(e.PathFacts.TicketsFrom) == 0 })
	if len(asked) == 0 {
		return
	}
	p.subtitle("Sessions of one address offered to another")
	for _, e := range asked {
		p.paragraph(2, 2, plainStyle, e.label+" "+sessionWords(e))
	}
}

// sessionWords says whose sessions an address goes on with.
func sessionWords(e *endpoint) string {
	var words []string
	for _, line := range []struct {
		answer results.Answer
		words  string
	}{{results.Yes, "goes on with those of %s"}, {results.No, "not with those of %s"}, {results.Unknown, "unknown: those of %s"}} {
		if from := sessionsFrom(e, line.answer); len(from) > 0 {
			words = append(words, fmt.Sprintf(line.words, strings.Join(from, ", ")))
		}
	}
	return strings.Join(words, "; ")
}

// sessionsFrom lists the addresses whose sessions got an answer.
func sessionsFrom(e *endpoint, answer results.Answer) (from []string) {
	for _, address := range slices.Sorted(maps.Keys(e.PathFacts.TicketsFrom)) {
		if e.PathFacts.TicketsFrom[address] == answer {
			from = append(from, clean(address))
		}
	}
	return from
}
