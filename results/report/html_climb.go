// Capacity curves: the p99 of the handshake over the rate, search beside search,
// with the interval of each.

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"shakedown/results"
)

// drawable says that a step's numbers have a place on a plot.
func drawable(s results.CapacityStep) bool {
	return s.Rate > 0 && s.Rate < 1e9 && s.P99US > 0 && s.P99US < 1e14 && !(s.P99LowUS > s.P99US) && s.P99HighUS < 1e14
}

// climbPlot has the p99 of every step over its rate: a line for each path, and
// for each step a sign of its verdict.
func climbPlot(id string, all []capacityView) *figure {
	over := noRates()
	for _, c := range all {
		for _, s := range c.drawable() {
			over.reach(s.Rate, s.P99US)
			if s.P99LowUS > 0 {
				over.reach(s.Rate, s.P99LowUS, s.P99HighUS)
			}
		}
	}
	if over.empty() {
		return nil
	}
	f, x, y := over.plot(id, "p99 of the handshake over the rate, by path",
		"A line for each path through the rates that were tried: the 99th percentile of the handshake in milliseconds, of several tries of a rate the middle one, with a band for its confidence interval. A dot is a rate that held, a cross one that did not, a question mark one that says nothing of the server. The table below has the same numbers.")
	for _, c := range all {
		c.drawBand(f, x, y)
	}
	for _, c := range all {
		c.draw(f, x, y, y.from, y.to)
	}
	nameClimbs(f, all, x, y)
	return f
}

// rates are the extent of a plot of p99 in microseconds over handshakes a second.
type rates struct{ slowest, fastest, low, high float64 }

// noRates holds nothing yet.
func noRates() rates { return rates{slowest: math.Inf(1), low: math.Inf(1)} }

func (r *rates) empty() bool { return r.fastest == 0 }

// reach makes room for the p99s of a rate; one of 0 is not known.
func (r *rates) reach(rate float64, p99s ...float64) {
	r.slowest, r.fastest = min(r.slowest, rate), max(r.fastest, rate)
	for _, us := range p99s {
		if us > 0 {
			r.low, r.high = min(r.low, us), max(r.high, us)
		}
	}
}

// plot is the empty figure, with its axes.
func (r *rates) plot(id, title, desc string) (f *figure, x, y scale) {
	const left, right, top, bottom, width, height = 52.0, 150.0, 18.0, 40.0, figureWidth, 340.0
	x = latencyScale(r.slowest, r.fastest, left, width-right)
	y = latencyScale(r.low, r.high, height-bottom, top)
	f = &figure{ID: id, W: width, H: height, Title: title, Desc: desc}
	climbAxes(f, x, y, height-bottom, top)
	return f, x, y
}

func climbAxes(f *figure, x, y scale, base, top float64) {
	for _, v := range y.ticks(6) {
		f.line("grid", x.from, y.at(v), x.to, y.at(v))
		f.text("tick", "end", x.from-7, y.at(v)+4, axisLabel(v))
	}
	for _, v := range x.ticks(8) {
		f.line("grid", x.at(v), base, x.at(v), top)
		f.text("tick", "middle", x.at(v), base+17, rate(v))
	}
	f.text("axis", "middle", (x.from+x.to)/2, base+34, "handshakes a second, asked")
	f.text("axis", "start", x.from-40, top-6, "p99, ms")
}

// drawable has the steps that have a place on a plot.
func (c capacityView) drawable() []results.CapacityStep {
	return slices.DeleteFunc(slices.Clone(c.Sorted), func(s results.CapacityStep) bool { return !drawable(s) })
}

// onCurve is one rate of a search: the middle p99 of its tries, and an interval that
// holds each of theirs.
type onCurve struct{ rate, p99, low, high float64 }

func (c capacityView) curve() []onCurve {
	var out []onCurve
	for _, tries := range alike(c.drawable(), func(s results.CapacityStep) string { return rate(s.Rate) }) {
		slices.SortFunc(tries, func(a, b results.CapacityStep) int { return cmp.Compare(a.P99US, b.P99US) })
		at := onCurve{rate: tries[0].Rate, p99: tries[len(tries)/2].P99US, low: math.Inf(1)}
		for _, s := range tries {
			at.low, at.high = min(at.low, s.P99LowUS), max(at.high, upperEnd(s))
		}
		out = append(out, at)
	}
	return out
}

// upperEnd is where a step's interval ends: nowhere, if it was too short.
func upperEnd(s results.CapacityStep) float64 {
	if s.P99LowUS > 0 && s.P99HighUS == 0 {
		return math.Inf(1)
	}
	return s.P99HighUS
}

// banded reports whether any rate has an interval.
func (c capacityView) banded() bool {
	return slices.ContainsFunc(c.curve(), func(p onCurve) bool { return p.low > 0 })
}

// drawBand draws the intervals of neighbouring rates as one area, and that of a rate
// by itself as a line; one that is open above as a line with an arrow.
func (c capacityView) drawBand(f *figure, x, y scale) {
	var run []onCurve
	flush := func() {
		var around [][2]float64
		for _, p := range run {
			around = append(around, [2]float64{x.at(p.rate), y.clamp(p.low)})
		}
		for _, p := range slices.Backward(run) {
			around = append(around, [2]float64{x.at(p.rate), y.clamp(p.high)})
		}
		switch {
		case len(run) > 1:
			f.add(shape{Kind: "path", Class: "spread fill-" + c.Class(), D: polyline(around) + "Z"})
		case len(run) == 1:
			f.line("whisker "+c.Class(), around[0][0], around[0][1], around[1][0], around[1][1])
		}
		run = nil
	}
	for _, p := range c.curve() {
		switch {
		case p.low > 0 && !math.IsInf(p.high, 1):
			run = append(run, p)
			continue
		case p.low > 0:
			f.line("whisker "+c.Class(), x.at(p.rate), y.clamp(p.low), x.at(p.rate), y.clamp(p.p99)-14)
			f.text("label fill-"+c.Class(), "middle", x.at(p.rate), y.clamp(p.p99)-8, "↑")
		}
		flush()
	}
	flush()
}

// draw puts one search on the plot.
func (c capacityView) draw(f *figure, x, y scale, base, top float64) {
	var points [][2]float64
	for _, p := range c.curve() {
		points = append(points, [2]float64{x.at(p.rate), y.at(p.p99)})
	}
	if len(points) == 0 {
		return
	}
	if c.LowRate > 0 {
		f.line("leader "+c.Class(), x.at(c.LowRate), base, x.at(c.LowRate), top)
	}
	f.add(shape{Kind: "path", Class: "curve " + c.Class(), D: polyline(points), Tip: fmt.Sprintf("%s: %s handshakes a second", c.label, c.Interval)})
	for _, s := range c.drawable() {
		c.drawStep(f, s, x.at(s.Rate), y.at(s.P99US))
	}
}

// nameClimbs writes each path's name beside the end of its line.
func nameClimbs(f *figure, all []capacityView, x, y scale) {
	const distance = 14
	var names []capacityView
	var heights []float64
	for _, c := range all {
		if points := c.curve(); len(points) > 0 {
			names, heights = append(names, c), append(heights, y.at(points[len(points)-1].p99))
		}
	}
	heights = spread(heights, distance, y.to, y.from)
	for i, c := range names {
		points := c.curve()
		f.text("label fill-"+c.Class(), "start", x.at(points[len(points)-1].rate)+10, heights[i]+4, truncate(c.label, 18))
	}
}

// drawStep is the sign of a step's verdict.
func (c capacityView) drawStep(f *figure, s results.CapacityStep, at, up float64) {
	switch s.Verdict {
	case results.StepHeld:
		f.circle("dot fill-"+c.Class(), at, up, 4, fmt.Sprintf("%s, %s/s: held, p99 %s ms%s", c.label, rate(s.Rate), milliseconds(s.P99US), stepInterval(s, ", interval %s")))
	case results.StepMissed:
		f.text("label fill-"+c.Class(), "middle", at, up+5, "×")
	default:
		f.text("label fill-"+c.Class(), "middle", at, up+5, "?")
	}
}
