// The terminal report's part on verdicts: what failed which rule and how to mend
// it, and the policies that endpoints agree with.

package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"shakedown/results"
)

// findings lists each distinct finding once, with the paths that it is of.
func (p *page) findings(s *section) {
	var shown []*finding
	left := map[string]int{}
	for _, f := range s.findings {
		if s.saidBy(f.Finding) {
			if f.Rule != answersRule {
				left[s.pathLabel(f.Service, f.Path)]++
			}
			continue
		}
		shown = append(shown, f)
	}
	if len(shown)+len(left) == 0 {
		return
	}
	p.subtitle("Findings")
	for _, group := range alike(shown, findingKey) {
		p.finding(s, group)
	}
	for _, label := range slices.Sorted(maps.Keys(left)) {
		p.paragraph(2, 4, warning.style(), fmt.Sprintf("? %s could not be judged of %s: it did not answer", plural(left[label], "rule"), label))
	}
}

// placeOf is where an endpoint is, as a key.
func placeOf(service, path, address string) string {
	return service + "\x00" + path + "\x00" + address
}

// saidBy says that a finding adds nothing to an endpoint that did not answer: its
// rules cannot be judged, and that it did not answer is said where it stands.
func (s *section) saidBy(f *results.Finding) bool {
	status, told := s.statuses[placeOf(f.Service, f.Path, f.Address)]
	return f.Status == results.FindingUnknown && f.Allowed == "" && told && (status == results.Failed || f.Rule == answersRule)
}

func findingKey(f *finding) string {
	return fmt.Sprint(f.Profile, "\x00", f.Rule, "\x00", f.Status, "\x00", f.Severity, "\x00", f.Expected, "\x00", f.Observed, "\x00", f.WaivedUntil)
}

func (p *page) finding(s *section, group []*finding) {
	f := group[0]
	var labels []string
	for _, one := range group {
		labels = append(labels, s.pathLabel(one.Service, one.Path))
	}
	slices.Sort(labels)
	l := findingLevel(f.Finding)
	mark := cmp.Or(strings.TrimSpace(l.mark()), "·")
	if f.Status == results.FindingPass {
		mark = "✓"
	}
	head := fmt.Sprintf("%s %s %s, %s: %s", mark, clean(f.Profile), clean(f.Rule), findingSeverity(f.Finding), clean(f.Observed))
	p.paragraph(2, 4, l.style(), head)
	more := list(slices.Compact(labels), 6) + " · expected: " + clean(f.Expected)
	if f.Citation != "" {
		more += " · " + clean(f.Citation)
	}
	p.paragraph(6, 0, dimStyle, more)
	if f.Mend != "" && (f.Status == results.FindingFail || p.verbose) {
		p.paragraph(6, 0, plainStyle, "mend: "+clean(f.Mend))
	}
}

func findingSeverity(f *results.Finding) string {
	words := clean(string(f.Severity))
	if f.Status != results.FindingFail {
		words = strings.ReplaceAll(clean(string(f.Status)), "_", " ")
	}
	if f.WaivedUntil != "" {
		words += ", waived until " + clean(f.WaivedUntil)
	}
	if f.Allowed != "" {
		words += ", allowed"
	}
	return words
}

// matches tells for each endpoint which named policies it follows.
func (p *page) matches(s *section) {
	if len(s.matches) == 0 {
		return
	}
	p.subtitle("Named policies")
	for _, group := range alike(s.matches, matchKey) {
		m := group[0]
		var labels []string
		for _, one := range group {
			labels = append(labels, s.pathLabel(one.Service, one.Path))
		}
		p.paragraph(2, 2, boldStyle, list(labels, 6)+": "+matchWords(m.Match))
		for _, name := range m.Exact {
			p.print(6, piece{clean(name), plainStyle})
		}
		for _, d := range append(slices.Clone(m.Open), m.Nearest...) {
			p.paragraph(6, 2, plainStyle, diffWords(d))
		}
	}
	for _, words := range hiddenOf(s.matches) {
		p.paragraph(2, 2, dimStyle, words)
	}
}

// hiddenOf says once what a client cannot see.
func hiddenOf(ms []*match) []string {
	var out []string
	for _, m := range ms {
		for _, words := range m.Hidden {
			if w := clean(words); !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

func matchKey(m *match) string {
	return fmt.Sprint(m.Exact, m.Open, m.Nearest)
}

// matchWords says in one line what a match found.
func matchWords(m *results.Match) string {
	switch {
	case len(m.Exact) == 1 && len(m.Open) == 0:
		return "follows one policy"
	case len(m.Exact) > 0 && len(m.Open) == 0:
		return fmt.Sprintf("follows %d policies, which cannot be told apart from outside", len(m.Exact))
	case len(m.Exact) > 0:
		return fmt.Sprintf("follows %d policies, and may follow %d more", len(m.Exact), len(m.Open))
	case len(m.Open) > 0:
		return "agrees in all that is known; what is unknown leaves these open"
	case len(m.Nearest) > 0:
		return "follows no named policy; the nearest"
	}
	return "nothing to compare"
}

// diffWords says how an endpoint differs from a policy.
func diffWords(d results.PolicyDiff) string {
	words := []string{}
	for _, part := range []struct {
		head  string
		names []string
	}{{"missing", d.Missing}, {"too much", d.Extra}, {"unknown", d.Unknown}} {
		if len(part.names) > 0 {
			words = append(words, part.head+" "+clean(list(part.names, 8)))
		}
	}
	return clean(d.Policy) + ": " + strings.Join(words, "; ")
}
