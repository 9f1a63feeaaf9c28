// The terminal report's part on capacity plans.

package report

import "strings"

func (p *page) plans(s *section) {
	for _, same := range alike(s.plans, func(p *planned) string { return planTitle(p.Load) }) {
		p.subtitle("Plan for " + planTitle(same[0].Load))
		p.table(marked(same), s.planTable(same))
		for _, note := range s.planNotes(same) {
			p.paragraph(2, 2, dimStyle, list(note.Who, 4)+": "+note.Text)
		}
		if words := assumptions(same); words != nil {
			p.paragraph(2, 2, plainStyle, "Taken for granted: "+strings.Join(words, "; ")+".")
		}
	}
}

// planTable has a row for each plan.
func (s *section) planTable(all []*planned) *table {
	t := &table{columns: []column{
		{head: " "}, {head: "PATH", min: 14}, {head: "KIND"}, {head: "UNITS", right: true}, {head: "A UNIT HOLDS/S", right: true}, {head: "KNOWN BY", part: 1}, {head: "BINDS", part: 1}, {head: "SHAPE", part: 2}, {head: "RECORDS", part: 2},
	}}
	shapes := !alikeAll(all, func(p *planned) string { return shapeWords(p.Asked) })
	for _, p := range all {
		l, shape := planLevel(p.Plan), ""
		if shapes {
			shape = shapeWords(p.Asked)
		}
		t.add(styled(l.mark(), l.style()), styled(s.planLabel(p.Plan), boldStyle), text(clean(string(p.Kind))), styled(planCount(p.Plan), l.style()), text(planRate(p.Plan)),
			text(basisWords(p.Plan)), text(planBinds(p.Plan)), text(shape), styled(list(cleanAll(p.From), 2), dimStyle))
	}
	return t
}

// alikeAll reports whether all of what was measured is alike.
func alikeAll(all []*planned, of func(*planned) string) bool {
	seen := map[string]bool{}
	for _, p := range all {
		if p.Path != "" {
			seen[of(p)] = true
		}
	}
	return len(seen) < 2
}

// marked is the indent of a table of plans: those without a mark stand where it
// would.
func marked(all []*planned) int {
	for _, p := range all {
		if planLevel(p.Plan) > fine {
			return 0
		}
	}
	return 2
}
