// The terminal report's part on measured handshakes.

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

// phase is one part of a handshake, by the names of the records.
type phase struct {
	Name string
	Of   func(results.Phases) *results.Dist
	Is   string // what it spans
}

// phases lists the parts, the whole handshake first: it is what paths are
// compared by.
func phases() []phase {
	return []phase{
		{"handshake", func(p results.Phases) *results.Dist { return p.Handshake }, "first ClientHello sent to handshake complete at the client"},
		{"connect", func(p results.Phases) *results.Dist { return p.Connect }, "SYN sent to connection established"},
		{"server_hello", func(p results.Phases) *results.Dist { return p.ServerHello }, "first ClientHello sent to final ServerHello received"},
		{"first_byte", func(p results.Phases) *results.Dist { return p.FirstByte }, "request sent to first response byte"},
		{"total", func(p results.Phases) *results.Dist { return p.Total }, "from the instant at which the connection was due to the first response byte, or to handshake complete"},
	}
}

func (p *page) bench(s *section) {
	if len(s.trials) > 0 {
		p.subtitle("Measured handshakes" + sharedShape(s.trials))
		p.table(0, trialTable(s.trials))
		p.paragraph(2, 2, dimStyle, "CPU: the load generator's, a handshake and as a share; LAG: how late it sent, p99")
		for _, t := range s.trials {
			p.trialNotes(t)
		}
		p.titled("Latency by phase, in ms", phaseTable(s.trials, p.width))
		p.ramps(s)
	}
	p.comparisons(s)
	p.limits(s)
}

// sharedShape names what all trials asked for, if that is one shape.
func sharedShape(trials []*trial) string {
	first := askedWords(trials[0].Trial)
	for _, t := range trials {
		if askedWords(t.Trial) != first {
			return ""
		}
	}
	if first == "" {
		return ""
	}
	return ": " + first
}

func trialTable(trials []*trial) *table {
	t := &table{columns: []column{
		{head: " "}, {head: "PATH", min: 12}, {head: "KIND", part: 1}, {head: "LOOP", part: 2},
		{head: "RATE/S", right: true, part: 2}, {head: "OFFERED", right: true, part: 2},
		{head: "N", right: true, part: 1}, {head: "FAILED", right: true, part: 1}, {head: "OTHER", right: true, part: 1}, {head: "ABANDONED", right: true, part: 1},
		{head: "CPU µs", right: true, part: 2}, {head: "CPU %", right: true, part: 2}, {head: "LAG µs", right: true, part: 2},
		{head: "BLOCKS", right: true, part: 2}, {head: "VALID", part: 1},
	}}
	for _, tr := range trials {
		l, _ := trialWords(tr)
		t.add(styled(l.mark(), l.style()), styled(tr.label, boldStyle), text(clean(string(tr.Kind))), text(clean(string(tr.Loop))),
			text(rate(tr.AchievedRate)), text(offered(tr)), text(grouped(tr.Handshakes)), text(fmt.Sprint(failureCount(tr.Failures))), ifAny(tr.OtherShape), ifAny(tr.Abandoned),
			text(significant(tr.Generator.CPUPerHandshakeUS)), ifAny(int(100*tr.Generator.CPUShare+.5)), text(lag(tr)), text(fmt.Sprint(len(tr.blocks))), validCell(tr))
	}
	return t
}

// ifAny leaves a zero out; a column of zeros disappears.
func ifAny(n int) []piece {
	if n == 0 {
		return nil
	}
	return text(grouped(n))
}

func offered(t *trial) string {
	if t.Loop != results.OpenLoop {
		return "–"
	}
	if t.Ramp != nil {
		return rate(t.Ramp.FromRate) + " to " + rate(t.Ramp.ToRate)
	}
	return rate(t.OfferedRate)
}

func lag(t *trial) string {
	if t.Generator.LagP99US == nil {
		return "–"
	}
	return significant(*t.Generator.LagP99US)
}

func validCell(t *trial) []piece {
	if t.Valid {
		return text("yes")
	}
	return styled("NO", warnStyle)
}

// trialNotes says why a trial is invalid and what it met beside what it asked.
func (p *page) trialNotes(t *trial) {
	if l, words := trialWords(t); l >= warning {
		p.paragraph(2, 2, l.style(), t.label+": "+words)
	}
	if len(t.Negotiated) > 1 || p.verbose {
		for _, n := range t.Negotiated {
			p.paragraph(4, 2, dimStyle, fmt.Sprintf("%s × %s", grouped(n.Count), shapeWords(n.Shape)))
		}
	}
}

// phaseTable has a row for each path under each phase, so that paths stand
// below each other. An invalid trial's numbers are in parentheses and have no
// bar: they measure the generator, not the server.
func phaseTable(trials []*trial, width int) *table {
	t := &table{columns: []column{
		{head: "PHASE", min: 8}, {head: "p50", right: true}, {head: "p90", right: true}, {head: "p99", right: true}, {head: "max", right: true}, {head: "n", right: true}, {head: "p50, scaled"},
	}}
	longestLabel := 0
	for _, tr := range trials {
		longestLabel = max(longestLabel, cellWidth(tr.label))
	}
	bar := min(30, max(8, width-54-longestLabel))
	ordered := slices.Clone(trials)
	slices.SortStableFunc(ordered, func(a, b *trial) int { return cmp.Compare(rankValid(a), rankValid(b)) })
	for _, ph := range phases() {
		longest := 0.0
		for _, tr := range ordered {
			if d := ph.Of(tr.Phases); d != nil && tr.Valid {
				longest = max(longest, d.P50US)
			}
		}
		headed := false
		for _, tr := range ordered {
			d := ph.Of(tr.Phases)
			if d == nil {
				continue
			}
			if !headed {
				t.add(styled(ph.Name, boldStyle), nil, nil, nil, nil, nil, nil)
				headed = true
			}
			t.add(phaseRow(tr, d, longest, bar)...)
		}
	}
	return t
}

func rankValid(t *trial) int {
	if t.Valid {
		return 0
	}
	return 1
}

func phaseRow(t *trial, d *results.Dist, longest float64, bar int) [][]piece {
	number := func(us float64) []piece {
		if !t.Valid {
			return styled("("+milliseconds(us)+")", dimStyle)
		}
		return text(milliseconds(us))
	}
	scaled := styled("invalid", warnStyle)
	if t.Valid {
		scaled = styled(drawBar(d.P50US/max(longest, 1e-9), bar), goodStyle)
	}
	return [][]piece{text("  " + t.label), number(d.P50US), number(d.P90US), number(d.P99US), number(d.MaxUS), text(grouped(int(d.N))), scaled}
}

// drawBar is a bar in eighths of a column.
func drawBar(part float64, width int) string {
	eighths := int(part*float64(width)*8 + 0.5)
	eighths = min(max(eighths, 1), width*8)
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string([]rune(" ▏▎▍▌▋▊▉")[rest])
	}
	return s
}

func (p *page) comparisons(s *section) {
	if len(s.comparisons) == 0 {
		return
	}
	p.subtitle("Paths compared")
	t := &table{columns: []column{
		{head: "CANDIDATE", min: 8}, {head: "BASELINE", min: 8}, {head: "PHASE"}, {head: "RATIO", right: true}, {head: "INTERVAL"}, {head: "VERDICT"},
	}}
	for _, c := range s.comparisons {
		t.add(text(clean(c.Candidate)), text(baselineName(c)), text(clean(c.Phase+" "+c.Quantile)), text(fmt.Sprintf("×%.2f", c.Ratio)),
			text(fmt.Sprintf("%.2f – %.2f", c.RatioLow, c.RatioHigh)), styled(clean(c.Verdict), comparisonLevel(c).style()))
	}
	p.table(2, t)
	for _, note := range s.unlikeness() {
		p.paragraph(2, 2, warnStyle, note)
	}
}

func baselineName(c *comparison) string {
	if c.BaselineRun == "" {
		return clean(c.Baseline)
	}
	return clean(c.Baseline + " of " + c.BaselineRun)
}

func comparisonLevel(c *comparison) level {
	switch c.Verdict {
	case "same", "faster":
		return fine
	}
	return warning
}
