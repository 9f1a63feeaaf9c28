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
	Plans        []planView
	Attributions []*attribution
	Adds         *figure
	Unlike       []string
}

type objectiveView struct {
	*objective
	Level                        level
	Label, Name, Limit, Observed string
}

type capacityView struct {
	*climb
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
func (c *climb) Label() string { return c.label }

// newLimitsView is nil where a section has no limits.
func newLimitsView(s *section, id string) *limitsView {
	if len(s.objectives)+len(s.capacities)+len(s.attributions)+len(s.plans) == 0 {
		return nil
	}
	v := &limitsView{Attributions: s.attributions, Adds: addsPlot(id+"-adds", briefly(s.attributions))}
	for _, o := range s.objectives {
		l, _ := objectiveWords(o.Objective)
		v.Objectives = append(v.Objectives, objectiveView{o, l, s.pathLabel(o.Service, o.Path), s.objectiveName(o), inUnit(o.Limit, o.Unit), observedWords(o.Objective)})
	}
	for i, c := range s.capacities {
		l, words := capacityWords(c.Capacity)
		v.Capacities = append(v.Capacities, capacityView{c, l, i, capacityInterval(c.Capacity), words, byRate(c.Capacity)})
	}
	if len(s.capacities) > 0 {
		v.SLO = sloWords(s.capacities)
	}
	v.Plans = planViews(s)
	v.Climb = climbPlot(id+"-climb", v.Capacities)
	for _, a := range s.attributions {
		if note := a.unlike(); note != "" && !slices.Contains(v.Unlike, note) {
			v.Unlike = append(v.Unlike, note)
		}
	}
	return v
}

// Banded reports whether a capacity curve has its interval around it.
func (v *limitsView) Banded() bool { return slices.ContainsFunc(v.Capacities, capacityView.banded) }

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
