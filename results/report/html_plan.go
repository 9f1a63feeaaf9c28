// The HTML report's and Markdown's parts on capacity plans.

package report

import "strings"

// planView are the plans for one load.
type planView struct {
	Title   string
	Rows    []planLine
	Notes   []planNote
	Assumed []string
}

// planLine is one plan.
type planLine struct {
	*planned
	Level                                   level
	Label, Units, Rate, Known, Binds, Shape string
}

func planViews(s *section) []planView {
	var views []planView
	for _, same := range alike(s.plans, func(p *planned) string { return planTitle(p.Load) }) {
		v := planView{Title: planTitle(same[0].Load), Notes: s.planNotes(same), Assumed: assumptions(same)}
		for _, p := range same {
			v.Rows = append(v.Rows, planLine{p, planLevel(p.Plan), s.planLabel(p.Plan), planCount(p.Plan), planRate(p.Plan), basisWords(p.Plan), planBinds(p.Plan), shapeWords(p.Asked)})
		}
		views = append(views, v)
	}
	return views
}

// Names lists whom a note is about.
func (n planNote) Names() string { return list(n.Who, 4) }

// markdownPlans writes the plans of a section.
func markdownPlans(b *strings.Builder, s *section) {
	for _, v := range planViews(s) {
		b.WriteString("**Plan for " + markdownText(v.Title) + "**\n\n")
		var rows [][]string
		for _, r := range v.Rows {
			rows = append(rows, []string{r.Label, string(r.Kind), r.Units, r.Rate, r.Known, r.Binds, list(cleanAll(r.From), 3)})
		}
		markdownTable(b, []string{"path", "kind", "units", "a unit holds/s", "known by", "binds", "records"}, rows)
		for _, n := range v.Notes {
			b.WriteString("- " + markdownText(n.Names()+": "+n.Text) + "\n")
		}
		for _, words := range v.Assumed {
			b.WriteString("- taken for granted: " + markdownText(words) + "\n")
		}
		b.WriteString("\n")
	}
}
