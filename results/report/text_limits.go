// The terminal report's part on limits: objectives, capacities and what the parts
// of paths add.

package report

import (
	"fmt"

	"shakedown/results"
)

func (p *page) limits(s *section) {
	p.objectives(s)
	p.capacities(s)
	p.attributions(s)
	p.plans(s)
}

func (p *page) objectives(s *section) {
	if len(s.objectives) == 0 {
		return
	}
	p.subtitle("Objectives")
	t := &table{columns: []column{
		{head: " "}, {head: "PATH", min: 8}, {head: "OBJECTIVE", min: 8}, {head: "OBSERVED", right: true}, {head: "N", right: true}, {head: "VERDICT"},
	}}
	for _, o := range s.objectives {
		l, _ := objectiveWords(o.Objective)
		t.add(styled(l.mark(), l.style()), styled(s.pathLabel(o.Service, o.Path), boldStyle), text(s.objectiveName(o)), text(observedWords(o.Objective)), text(grouped(o.N)),
			styled(clean(string(o.Verdict)), l.style()))
	}
	p.table(0, t)
}

func (p *page) capacities(s *section) {
	if len(s.capacities) == 0 {
		return
	}
	title := "Capacity: the highest rate that holds"
	if words := sloWords(s.capacities); words != "" {
		title += " " + words
	}
	p.subtitle(title)
	t := &table{columns: []column{
		{head: " "}, {head: "PATH", min: 8}, {head: "KIND", part: 1}, {head: "HANDSHAKES/S", right: true}, {head: "LIMITED BY"}, {head: "STEPS", right: true},
	}}
	for _, c := range s.capacities {
		l, _ := capacityWords(c.Capacity)
		t.add(styled(l.mark(), l.style()), styled(c.label, boldStyle), text(clean(string(c.Kind))), text(capacityInterval(c.Capacity)),
			text(clean(string(c.LimitedBy))), text(grouped(len(c.Steps))))
	}
	p.table(0, t)
	for _, c := range s.capacities {
		if l, words := capacityWords(c.Capacity); words != "" {
			p.paragraph(2, 2, l.style(), c.label+": "+words)
		}
	}
	p.titled("Every rate that was tried", stepTable(s.capacities))
}

// stepTable has a row for each step, path by path and from the lowest rate up.
func stepTable(all []*climb) *table {
	t := &table{columns: []column{
		{head: "PATH", min: 8}, {head: "RATE/S", right: true}, {head: "DONE/S", right: true}, {head: "p50 ms", right: true}, {head: "p99 ms", right: true}, {head: "INTERVAL"},
		{head: "FAILED %", right: true}, {head: "CPU %", right: true}, {head: "LAG µs", right: true}, {head: "VERDICT"},
	}}
	for _, c := range all {
		name := text(c.label)
		for _, step := range byRate(c.Capacity) {
			t.add(append([][]piece{name}, stepRow(step)...)...)
			name = nil
		}
	}
	return t
}

func stepRow(s results.CapacityStep) [][]piece {
	return [][]piece{text(rate(s.Rate)), text(wholeRate(s.CompletedRate)), text(milliseconds(s.P50US)), text(milliseconds(s.P99US)), text(stepInterval(s, "%s")),
		text(significant(100 * s.Errors)), text(significant(100 * s.CPUShare)), text(significant(s.LagP99US)), styled(clean(string(s.Verdict)), stepLevel(s).style())}
}

func (p *page) attributions(s *section) {
	if len(s.attributions) == 0 {
		return
	}
	p.subtitle("What each part adds, in ms")
	t := &table{columns: []column{
		{head: "PART", min: 12}, {head: "BETWEEN", min: 10}, {head: "PHASE"}, {head: "ADDS", right: true}, {head: "INTERVAL"}, {head: "TO", right: true},
	}}
	unlike, all := map[string]bool{}, s.attributions
	if !p.verbose {
		all = briefly(all)
	}
	for _, a := range all {
		style := dimStyle
		if a.shown() {
			style = plainStyle
		}
		t.add(text(clean(a.Part)), text(a.Between()), text(clean(a.Phase+" "+a.Quantile)), styled(addsWords(a.AddsUS), style),
			styled(fmt.Sprintf("%s to %s", addsWords(a.LowUS), addsWords(a.HighUS)), style), styled(milliseconds(a.WithoutUS), dimStyle))
		if note := a.unlike(); note != "" {
			unlike[note] = true
		}
	}
	p.table(2, t)
	p.paragraph(2, 2, dimStyle, "rounds subtracted from each other; an interval that holds 0 shows no difference; parts need not add up, as medians do not")
	for _, note := range sortedKeys(unlike) {
		p.paragraph(2, 2, warnStyle, note)
	}
}
