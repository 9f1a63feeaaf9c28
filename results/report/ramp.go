// Ramps in a report: what became of the handshakes while the rate grew or fell.

package report

import (
	"fmt"
	"slices"

	"shakedown/results"
)

// ramped are the trials whose rate was no steady one.
func ramped(trials []*trial) []*trial {
	return slices.DeleteFunc(slices.Clone(trials), func(t *trial) bool { return t.Ramp == nil })
}

// ramps is the terminal report's part on them.
func (p *page) ramps(s *section) {
	shown := ramped(s.trials)
	if len(shown) == 0 {
		return
	}
	p.subtitle("Ramps, interval by interval")
	p.table(2, rampTable(shown))
}

// rampTable has a row for each interval of each block.
func rampTable(trials []*trial) *table {
	t := &table{columns: []column{
		{head: "PATH", min: 8}, {head: "BLOCK", right: true, part: 1}, {head: "AT S", right: true}, {head: "RATE/S", right: true}, {head: "DONE/S", right: true}, {head: "MISSING", right: true},
		{head: "p50 ms", right: true}, {head: "p99 ms", right: true}, {head: "p99 FROM DUE", right: true},
	}}
	for _, tr := range trials {
		name := text(tr.label)
		for _, b := range tr.blocks {
			for _, r := range b.Ramp {
				t.add(name, text(fmt.Sprint(b.Index)), text(rate(r.AtS)), text(wholeRate(r.OfferedRate)), text(wholeRate(done(r))), ifAny(r.Due-r.Handshakes),
					orDash(r.P50US), orDash(r.P99US), orDash(r.TotalP99US))
				name = nil
			}
		}
	}
	return t
}

// done is how many handshakes a second were completed in an interval.
func done(r results.RampInterval) float64 {
	if !(r.DurationS > 0) {
		return 0
	}
	return float64(r.Completed) / r.DurationS
}

// orDash is a latency, where one was measured.
func orDash(us float64) []piece {
	if !(us > 0) {
		return text("–")
	}
	return text(milliseconds(us))
}

// drawableInterval says that an interval's numbers have a place on a plot.
func drawableInterval(r results.RampInterval) bool {
	return r.OfferedRate > 0 && r.OfferedRate < 1e9 && r.TotalP99US > 0 && r.TotalP99US < 1e14
}

// rampPlot has a line for each block of each ramp: p99 from due over the rate.
// One whose generator was the limit is left out, as it says nothing of the server.
func rampPlot(id string, all []series) *figure {
	over, lines := noRates(), map[int][][]results.RampInterval{}
	for _, s := range all {
		if s.Ramp == nil || s.Generator.Saturated {
			continue
		}
		for _, b := range s.blocks {
			points := slices.DeleteFunc(slices.Clone(b.Ramp), func(r results.RampInterval) bool { return !drawableInterval(r) })
			if len(points) == 0 {
				continue
			}
			lines[s.N] = append(lines[s.N], points)
			for _, r := range points {
				over.reach(r.OfferedRate, r.TotalP99US)
			}
		}
	}
	if over.empty() {
		return nil
	}
	f, x, y := over.plot(id, "p99 from due over the rate of a ramp, by path",
		"A line for each block of each path through the intervals of its ramp: the 99th percentile of the time from the instant at which a connection was due to its handshake complete, in milliseconds.")
	for _, s := range all {
		for _, points := range lines[s.N] {
			s.drawRamp(f, x, y, points)
		}
	}
	return f
}

// drawRamp puts one block's curve on the plot.
func (s series) drawRamp(f *figure, x, y scale, intervals []results.RampInterval) {
	var points [][2]float64
	for _, r := range intervals {
		points = append(points, [2]float64{x.at(r.OfferedRate), y.at(r.TotalP99US)})
		f.circle("dot fill-"+s.Class(), x.at(r.OfferedRate), y.at(r.TotalP99US), 3,
			fmt.Sprintf("%s, %s/s: p99 from due %s ms, %s/s completed", s.label, wholeRate(r.OfferedRate), milliseconds(r.TotalP99US), wholeRate(done(r))))
	}
	f.add(shape{Kind: "path", Class: "curve " + s.Class(), D: polyline(points), Tip: s.label})
	last := points[len(points)-1]
	f.text("label fill-"+s.Class(), "start", last[0]+10, last[1]+4, truncate(s.label, 18))
}
