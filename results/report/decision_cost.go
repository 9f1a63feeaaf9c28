// What a path kind was measured to cost, and what it would take to carry a
// planned load.

package report

import (
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
	"shakedown/results/capacity"
)

// handshake has a line for each measured path: its quantiles, and how they stand
// beside the baseline's.
func (d *decision) handshake(c *choice) []said {
	var out []said
	for _, t := range c.trials {
		if !t.Valid {
			out = append(out, said{warning, t.label + ": the measurement is invalid", []ref{t.ref}})
			continue
		}
		h := t.Phases.Handshake
		if h == nil || !ordered(h) {
			out = append(out, said{warning, t.label + ": no handshake was made", []ref{t.ref}})
			continue
		}
		s := said{fine, fmt.Sprintf("%s: p50 %s ms, p99 %s ms", t.label, milliseconds(h.P50US), milliseconds(h.P99US)), []ref{t.ref}}
		for _, one := range d.comparisonsOf(t) {
			s.text += fmt.Sprintf("; %s ×%.2f (%.2f – %.2f) of %s, %s", clean(one.Quantile), one.Ratio, one.RatioLow, one.RatioHigh, baselineName(one), clean(one.Verdict))
			s.refs = append(s.refs, one.ref)
			if d.unlike(one) != "" {
				s.doubt("see Paths compared")
			}
		}
		out = append(out, s)
	}
	return orUnknown(out, "not measured")
}

// comparisonsOf are a trial's handshakes beside the baseline's.
func (d *decision) comparisonsOf(t *trial) []*comparison {
	var out []*comparison
	for _, c := range d.comparisons {
		if c.run == t.run && c.BaselineRun == "" && c.Candidate == t.Path && c.Phase == "handshake" && c.Verdict != "invalid" && shapeWords(c.Shape) == shapeWords(t.Asked) {
			out = append(out, c)
		}
	}
	return out
}

// adds are the differences that the choice's parts make.
func (d *decision) adds(c *choice) []said {
	var out []said
	for _, a := range briefly(d.attributions) {
		if c.has(a.With) && a.Quantile != "p99" {
			out = append(out, said{fine, fmt.Sprintf("%s: %s", clean(a.Part), addedWords(a)), []ref{a.ref}})
		}
	}
	return orUnknown(out, "no difference to another path was measured")
}

// addedWords is a difference with its interval; one that shows none says so.
func addedWords(a *attribution) string {
	words := differenceWords(a)
	if !a.shown() {
		words += ": no difference is shown"
	}
	return words
}

func differenceWords(a *attribution) string {
	return fmt.Sprintf("%s ms (%s to %s) on the %s %s", addsWords(a.AddsUS), addsWords(a.LowUS), addsWords(a.HighUS), phaseWords(a.Phase), clean(a.Quantile))
}

func phaseWords(phase string) string { return clean(strings.ReplaceAll(phase, "_", " ")) }

// holds is the highest rate that was found to hold.
func (d *decision) holds(c *choice) []said {
	var out []said
	for _, one := range c.capacities {
		l, words := capacityWords(one.Capacity)
		if words == "" {
			words = capacityInterval(one.Capacity) + " handshakes/s"
		}
		out = append(out, said{l, one.label + ": " + words, []ref{one.ref}})
	}
	return orUnknown(out, "not measured (bench --find-capacity does)")
}

// load is how many of the measured units a planned rate takes.
func (d *decision) load(c *choice) []said {
	var out []said
	for _, p := range d.plans(c) {
		l := fine
		if p.UnitsHigh == nil {
			l = warning
		}
		var refs []ref
		for _, one := range c.capacities {
			if slices.Contains(p.From, one.Where) {
				refs = append(refs, one.ref)
			}
		}
		out = append(out, said{l, d.planLabel(p) + ": " + planUnits(p), refs})
	}
	return orUnknown(out, "unknown: its capacity was not measured")
}

// plans are what the planned load, all of full handshakes, takes of a choice's
// paths as they were measured.
func (d *decision) plans(c *choice) []*results.Plan {
	var e capacity.Evidence
	for _, one := range c.capacities {
		e.Put(one.Capacity, one.Where)
	}
	return slices.DeleteFunc(e.Plans(results.Load{Rate: d.planned}), func(p *results.Plan) bool { return p.Path == "" })
}

// price is what a choice's median handshake costs beside the baseline, for a
// sentence.
func (d *decision) price(c *choice) said {
	t := c.fastest()
	if t == nil && len(c.trials) > 0 {
		return said{warning, "what it costs is unknown, as no measurement of it is valid", []ref{c.trials[0].ref}}
	}
	if t == nil {
		return said{text: "what it costs was not measured"}
	}
	for _, base := range c.valid() {
		if slices.ContainsFunc(d.comparisons, func(one *comparison) bool {
			return one.run == base.run && one.Baseline == base.Path && one.BaselineRun == ""
		}) {
			return said{fine, fmt.Sprintf("%s is the baseline, with %s ms for a median handshake", base.label, milliseconds(base.Phases.Handshake.P50US)), []ref{base.ref}}
		}
	}
	for _, one := range d.comparisonsOf(t) {
		if one.Quantile == "p50" {
			s := said{fine, fmt.Sprintf("%s takes ×%.2f (%.2f – %.2f) of %s's median handshake", t.label, one.Ratio, one.RatioLow, one.RatioHigh, baselineName(one)), []ref{one.ref, t.ref}}
			s.doubt(d.unlike(one))
			return s
		}
	}
	return said{fine, fmt.Sprintf("%s takes %s ms for a median handshake", t.label, milliseconds(t.Phases.Handshake.P50US)), []ref{t.ref}}
}

// doubt marks a comparison of unlike handshakes.
func (s *said) doubt(unlike string) {
	if unlike != "" && s.level < warning {
		s.level = warning
		s.text += ", but not like with like: " + unlike
	}
}

// unitOf says what a unit is.
const unitOf = "a unit is what was measured at that one address; units are counted for full load of full handshakes, without reserve for one that fails, and as if the load spread evenly: shakedown plan counts with more"

// capacityGap says how the capacities of two choices relate, from their
// intervals; "" if that is not known.
func capacityGap(a, b *choice) said {
	if len(a.capacities) == 0 || len(b.capacities) == 0 {
		return said{}
	}
	x, y := a.capacities[0], b.capacities[0]
	if !bounded(x.Capacity) || !bounded(y.Capacity) {
		return said{}
	}
	low, high := x.LowRate / *y.HighRate, *x.HighRate/y.LowRate
	return said{fine, fmt.Sprintf("%s holds ×%s to ×%s of what %s holds", x.label, significant(low), significant(high), y.label), []ref{x.ref, y.ref}}
}

// bounded reports whether a search ended in an interval above nothing.
func bounded(c *results.Capacity) bool { return c.Valid && c.LowRate > 0 && c.HighRate != nil }
