// The verdict of a gate in words.

package report

import (
	"strings"

	"shakedown/results"
)

// verdictsOf are the verdicts of runs, one a gate.
func verdictsOf(runs []Run) []*results.Verdict {
	var all []*results.Verdict
	for _, run := range runs {
		for _, r := range run.Records {
			if v, ok := r.(*results.Verdict); ok {
				all = append(all, v)
			}
		}
	}
	return all
}

// verdictWords are a verdict in one line.
func verdictWords(v *results.Verdict) string {
	word := "CLOSED"
	if v.Verdict == results.GateOpen {
		word = "open"
	}
	return "gate: " + word + ": " + clean(strings.Join(v.Why, ", "))
}

// verdict prints the verdicts of gates.
func (p *page) verdict(d *digest) {
	for _, v := range verdictsOf(d.runs) {
		style := goodStyle
		if l := verdictLevel(v); l == bad {
			style = l.style()
		}
		p.paragraph(0, 2, style, verdictWords(v))
	}
}

// verdictLevel ranks a verdict: a gate that is not open is closed.
func verdictLevel(v *results.Verdict) level {
	if v.Verdict == results.GateOpen {
		return fine
	}
	return bad
}
