// What a sweep says to people, in a mail from cron: what changed, what is to be
// mended, who is silent. Nothing where there is nothing to say.

package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"shakedown/results"
)

// Sweep gathers what a sweep has to say. Of paths with the same finding it keeps
// the few names that are told, and a count: there may be many. The zero value is
// ready.
type Sweep struct {
	Changes []*results.Change
	Silent  []*results.LastKnown // who does not answer: when something was last known, and in which run

	findings int
	groups   map[string]*findingGroup
	order    []*findingGroup
}

// findingGroup is the paths with the same finding.
type findingGroup struct {
	level level
	words string // with a mark
	where []string
	paths int
}

// mostPaths are named with a finding; one more takes no more room than "and 1
// more".
const mostPaths = 5

// Add takes an open finding.
func (s *Sweep) Add(f *results.Finding) {
	s.findings++
	words := markOfFinding(f) + " " + findingWords(f)
	g := s.groups[words]
	if g == nil {
		g = &findingGroup{level: findingLevel(f), words: words}
		if s.groups == nil {
			s.groups = map[string]*findingGroup{}
		}
		s.groups[words] = g
		s.order = append(s.order, g)
	}
	if g.paths++; g.paths <= mostPaths+1 {
		g.where = append(g.where, clean(f.Service+"/"+f.Path))
	}
}

// Findings is how many there are.
func (s *Sweep) Findings() int { return s.findings }

// Write writes it as plain lines, the worst findings first.
func (s *Sweep) Write(w io.Writer) error {
	var b strings.Builder
	if len(s.Changes) > 0 {
		fmt.Fprintf(&b, "Changed since the last sweep\n")
		for _, c := range s.Changes {
			c := changed{Change: c}
			fmt.Fprintf(&b, "  %s %s: %s\n", c.sign(), c.where(), c.words())
		}
	}
	if len(s.order) > 0 {
		fmt.Fprintf(&b, "Findings\n")
		for _, g := range slices.SortedStableFunc(slices.Values(s.order), func(a, b *findingGroup) int { return int(b.level) - int(a.level) }) {
			fmt.Fprintf(&b, "  %s: %s\n", g.words, g.names())
		}
	}
	if len(s.Silent) > 0 {
		fmt.Fprintf(&b, "Silent, and last known\n")
		for _, s := range s.Silent {
			fmt.Fprintf(&b, "  ? %s at %s: %s, in run %s\n", clean(s.Service+"/"+s.Path), clean(s.Address), moment(s.ObservedAt), clean(s.Run))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// names lists the paths, those that are too many as a count.
func (g *findingGroup) names() string {
	if g.paths > len(g.where) {
		return strings.Join(g.where[:mostPaths], ", ") + fmt.Sprintf(" and %d more", g.paths-mostPaths)
	}
	return list(g.where, mostPaths)
}

func markOfFinding(f *results.Finding) string {
	switch f.Status {
	case results.FindingFail:
		return "✗"
	case results.FindingUnknown:
		return "?"
	}
	return "!"
}
