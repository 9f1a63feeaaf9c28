// The terminal report's short form of a decision: each choice in a line, and the
// sentences. The page has the whole table.

package report

import (
	"slices"
	"strings"
)

func (p *page) decision(d *decision) {
	if d == nil || !d.measured() && d.planned == 0 && !p.verbose {
		return
	}
	p.subtitle("Where TLS should end")
	p.table(0, d.table())
	if d.planned > 0 {
		p.paragraph(2, 2, dimStyle, unitOf)
	}
	for _, s := range d.sentences() {
		var parts []string
		worst := fine
		for _, part := range s.parts {
			parts = append(parts, part.text)
			worst = max(worst, part.level)
		}
		p.print(2, piece{s.head + ":", boldStyle})
		p.paragraph(4, 0, plainStyle, strings.Join(parts, "; ")+".")
	}
}

// measured reports whether anything was: without, a terminal's reader asked for
// something else.
func (d *decision) measured() bool {
	return slices.ContainsFunc(d.choices, func(c *choice) bool { return len(c.trials)+len(c.capacities) > 0 })
}

// table has a row for each choice.
func (d *decision) table() *table {
	t := &table{columns: []column{
		{head: " "}, {head: "KIND", min: 12}, {head: "PATHS", min: 8}, {head: "p50 ms", right: true}, {head: "p99 ms", right: true}, {head: "HOLDS/S", right: true},
	}}
	if d.planned > 0 {
		t.columns = append(t.columns, column{head: "FOR " + rate(d.planned) + "/S", min: 8})
	}
	for _, c := range d.choices {
		l := fine
		for _, o := range d.objections(c) {
			l = max(l, o.level)
		}
		row := [][]piece{styled(l.mark(), l.style()), styled(string(c.kind), boldStyle), text(list(cleanAll(c.paths), 2))}
		p50, p99 := "–", "–"
		if best := c.fastest(); best != nil {
			p50, p99 = milliseconds(best.Phases.Handshake.P50US), milliseconds(best.Phases.Handshake.P99US)
		}
		row = append(row, text(p50), text(p99), text(d.capacityWords(c)))
		if d.planned > 0 {
			row = append(row, text(d.demandWords(c)))
		}
		t.add(row...)
	}
	return t
}

func (d *decision) capacityWords(c *choice) string {
	if len(c.capacities) == 0 {
		return "–"
	}
	return capacityInterval(c.capacities[0].Capacity)
}

// demandWords is what the planned load takes of the choice's first search.
func (d *decision) demandWords(c *choice) string {
	for _, p := range d.plans(c) {
		return planUnits(p)
	}
	return "unknown"
}
