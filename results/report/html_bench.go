// A section's measurements on the page.

package report

import (
	"slices"
	"strings"

	"shakedown/results"
)

// benchView is a section's measurements.
type benchView struct {
	ID        string
	Shape     string
	Series    []series
	Cost      *figure
	Curves    []phaseView
	Breakdown *figure
	Ramps     *figure
	Blocks    *figure
	Ratios    *figure
	Compared  []*comparison
	Unlike    []string // where a comparison is not of like with like
	Invalid   []series
	Parts     []part
}

type phaseView struct {
	phase
	ID      string
	Plot    *figure
	Rows    []quantileRow
	Coarse  []string // labels of those whose histogram cannot be read
	Checked bool
	Banded  bool // a curve has its interval around it
}

type quantileRow struct {
	series
	Dist *results.Dist
}

func newBenchView(s *section, id string) *benchView {
	v := &benchView{ID: id, Series: seriesOf(s.trials), Compared: s.comparisons, Unlike: s.unlikeness()}
	for _, one := range v.Series {
		for _, p := range partsOf(one.Phases) {
			if !slices.ContainsFunc(v.Parts, func(o part) bool { return o.Class == p.Class }) {
				v.Parts = append(v.Parts, p)
			}
		}
	}
	if len(s.trials) > 0 {
		v.Shape = strings.TrimPrefix(sharedShape(s.trials), ": ")
	}
	v.Cost = costPlot(id+"-cost", v.Series)
	for _, ph := range phases() {
		pv := phaseView{phase: ph, ID: id + "-" + ph.Name, Plot: percentilePlot(id+"-curve-"+ph.Name, v.Series, ph), Coarse: withoutHistogram(v.Series, ph), Checked: len(v.Curves) == 0, Banded: banded(v.Series, ph)}
		for _, one := range v.Series {
			if d := ph.Of(one.Phases); d != nil {
				pv.Rows = append(pv.Rows, quantileRow{one, d})
			}
		}
		if len(pv.Rows) > 0 {
			v.Curves = append(v.Curves, pv)
		}
	}
	v.Breakdown = breakdownPlot(id+"-parts", v.Series)
	v.Ramps = rampPlot(id+"-ramps", v.Series)
	v.Blocks = blocksPlot(id+"-blocks", v.Series)
	v.Ratios = ratioPlot(id+"-ratios", s.comparisons)
	for _, one := range v.Series {
		if !one.Valid {
			v.Invalid = append(v.Invalid, one)
		}
	}
	return v
}

// Label is the trial's name in its section.
func (t *trial) Label() string { return t.label }

// Why says why the trial is invalid.
func (t *trial) Why() string { return whyInvalid(t.Trial) }

// Failed counts the handshakes without a usable answer.
func (t *trial) Failed() int { return failureCount(t.Failures) }

// FailedWords lists them.
func (t *trial) FailedWords() string { return failuresWords(t.Failures) }

// Lag is how late the generator was.
func (t *trial) Lag() string { return lag(t) }

// Offered is the rate that was asked for.
func (t *trial) Offered() string { return offered(t) }

// CPU is the share of its processors that the generator used.
func (t *trial) CPU() string {
	if t.Generator.CPUShare == 0 {
		return "–"
	}
	return significant(100*t.Generator.CPUShare) + " %"
}

// BlockList are the trial's blocks.
func (t *trial) BlockList() []*block { return t.blocks }

// Base names the baseline.
func (c *comparison) Base() string { return baselineName(c) }

// Class is the verdict as the style sheet knows it.
func (c *comparison) Class() string { return "verdict-" + verdictClass(c) }
