// The HTML report's part on limits, and its plots.

package report

import (
	"fmt"
	"math"
	"slices"

	"shakedown/results"
)

// limitsView is a section's limits.
type limitsView struct {
	Objectives   []objectiveView
	SLO          string
	Capacities   []capacityView
	Climb        *figure
	Attributions []*attribution
	Adds         *figure
	Unlike       []string
}

type objectiveView struct {
	*objective
	Level                  level
	Label, Limit, Observed string
}

type capacityView struct {
	*capacity
	Level    level
	N        int
	Interval string
	Why      string
	Sorted   []results.CapacityStep
}

// Class is the search's colour, as that of a series.
func (c capacityView) Class() string {
	return fmt.Sprintf("c%d dash%d", c.N%colours, c.N/colours%3)
}

// Label is the path's name in its section.
func (c *capacity) Label() string { return c.label }

// newLimitsView is nil where a section has no limits.
func newLimitsView(s *section, id string) *limitsView {
	if len(s.objectives)+len(s.capacities)+len(s.attributions) == 0 {
		return nil
	}
	v := &limitsView{Attributions: s.attributions, Adds: addsPlot(id+"-adds", briefly(s.attributions))}
	for _, o := range s.objectives {
		l, _ := objectiveWords(o.Objective)
		v.Objectives = append(v.Objectives, objectiveView{o, l, s.pathLabel(o.Service, o.Path), inUnit(o.Limit, o.Unit), observedWords(o.Objective)})
	}
	for i, c := range s.capacities {
		l, words := capacityWords(c.Capacity)
		v.Capacities = append(v.Capacities, capacityView{c, l, i, capacityInterval(c.Capacity), words, byRate(c.Capacity)})
	}
	if len(s.capacities) > 0 {
		v.SLO = sloWords(s.capacities)
	}
	v.Climb = climbPlot(id+"-climb", v.Capacities)
	for _, a := range s.attributions {
		if note := a.unlike(); note != "" && !slices.Contains(v.Unlike, note) {
			v.Unlike = append(v.Unlike, note)
		}
	}
	return v
}

// unlike says where a difference is of more than the part.
func (a *attribution) unlike() string {
	if a.Unlike == "" {
		return ""
	}
	return clean(fmt.Sprintf("%s − %s: %s; the difference is of that too", a.With, a.Without, a.Unlike))
}

// Between names the paths that were subtracted.
func (a *attribution) Between() string {
	if a.With == a.Without {
		return clean(a.With)
	}
	return clean(a.With + " − " + a.Without)
}

// Numbers are the difference and its interval in ms.
func (a *attribution) Numbers() [3]string {
	return [3]string{addsWords(a.AddsUS), addsWords(a.LowUS), addsWords(a.HighUS)}
}

// Class is the difference as the style sheet knows it.
func (a *attribution) Class() string {
	switch {
	case a.LowUS > 0:
		return "verdict-slower"
	case a.HighUS < 0:
		return "verdict-faster"
	}
	return "verdict-inconclusive"
}

// drawable says that a step's numbers have a place on a plot.
func drawable(s results.CapacityStep) bool {
	return s.Rate > 0 && s.Rate < 1e9 && s.P99US > 0 && s.P99US < 1e14
}

// climbPlot has the p99 of every step over its rate: a line for each path, and
// for each step a sign of its verdict.
func climbPlot(id string, all []capacityView) *figure {
	const left, right, top, bottom, width, height = 52.0, 150.0, 18.0, 40.0, figureWidth, 340.0
	var slowest, fastest, lo, hi = math.Inf(1), 0.0, math.Inf(1), 0.0
	for _, c := range all {
		for _, s := range slices.DeleteFunc(slices.Clone(c.Sorted), func(s results.CapacityStep) bool { return !drawable(s) }) {
			slowest, fastest = min(slowest, s.Rate), max(fastest, s.Rate)
			lo, hi = min(lo, s.P99US), max(hi, s.P99US)
		}
	}
	if fastest == 0 {
		return nil
	}
	x := latencyScale(slowest, fastest, left, width-right)
	y := latencyScale(lo, hi, height-bottom, top)
	f := &figure{ID: id, W: width, H: height, Title: "p99 of the handshake over the rate, by path",
		Desc: "A line for each path through the rates that were tried: the 99th percentile of the handshake in milliseconds. A dot is a rate that held, a cross one that did not, a question mark one that says nothing of the server. The table below has the same numbers."}
	climbAxes(f, x, y, height-bottom, top)
	for _, c := range all {
		c.draw(f, x, y, height-bottom, top)
	}
	return f
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

// draw puts one search on the plot.
func (c capacityView) draw(f *figure, x, y scale, base, top float64) {
	var points [][2]float64
	for _, s := range c.Sorted {
		if drawable(s) {
			points = append(points, [2]float64{x.at(s.Rate), y.at(s.P99US)})
		}
	}
	if len(points) == 0 {
		return
	}
	if c.LowRate > 0 {
		f.line("leader "+c.Class(), x.at(c.LowRate), base, x.at(c.LowRate), top)
	}
	f.add(shape{Kind: "path", Class: "curve " + c.Class(), D: polyline(points), Tip: fmt.Sprintf("%s: %s handshakes a second", c.label, c.Interval)})
	for _, s := range c.Sorted {
		if !drawable(s) {
			continue
		}
		at, up := x.at(s.Rate), y.at(s.P99US)
		switch s.Verdict {
		case results.StepHeld:
			f.circle("dot fill-"+c.Class(), at, up, 4, fmt.Sprintf("%s, %s/s: held, p99 %s ms", c.label, rate(s.Rate), milliseconds(s.P99US)))
		case results.StepMissed:
			f.text("label fill-"+c.Class(), "middle", at, up+5, "×")
		default:
			f.text("label fill-"+c.Class(), "middle", at, up+5, "?")
		}
	}
	last := points[len(points)-1]
	f.text("label fill-"+c.Class(), "start", last[0]+10, last[1]+4, truncate(c.label, 18))
}

// addsPlot has a row for each difference of medians and means: a dot, its interval, and the
// line at nothing.
func addsPlot(id string, all []*attribution) *figure {
	shown := slices.DeleteFunc(slices.Clone(all), func(a *attribution) bool {
		return a.Quantile == "p99" || !(math.Abs(a.LowUS) < 1e10 && math.Abs(a.HighUS) < 1e10) || a.LowUS > a.HighUS
	})
	if len(shown) == 0 {
		return nil
	}
	lo, hi := 0.0, 1e-3
	for _, a := range shown {
		lo, hi = min(lo, a.LowUS), max(hi, a.HighUS)
	}
	r := newRows(id, "What each part adds", "A dot for each part at what it adds to the median (to bystanders and established connections: to the mean), a line for its confidence interval, in milliseconds; the stroke is at nothing.", len(shown), figureWidth, 260, 180, 34)
	r.x = scale{lo - 0.03*(hi-lo), hi + 0.03*(hi-lo), r.left, r.right, false}
	n := len(shown)
	r.axis(n, "ms added")
	r.line("one", r.x.at(0), r.top, r.x.at(0), r.base(n))
	for i, a := range shown {
		y := r.middle(i)
		r.name(i, clean(a.Part), clean(a.Between()+", "+a.Phase))
		r.line("whisker "+a.Class(), r.x.at(a.LowUS), y, r.x.at(a.HighUS), y)
		r.circle("dot "+a.Class(), r.x.at(a.AddsUS), y, 5, fmt.Sprintf("%s ms, interval %s to %s", addsWords(a.AddsUS), addsWords(a.LowUS), addsWords(a.HighUS)))
		r.text("value", "start", r.right+10, y+4, addsWords(a.AddsUS)+" ms")
	}
	return r.figure
}
