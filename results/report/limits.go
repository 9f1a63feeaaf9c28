// Limits in a report: objectives, capacities and attributions, gathered and in
// words.

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"shakedown/results"
)

// limits are a section's.
type limits struct {
	objectives   []*objective
	capacities   []*climb
	attributions []*attribution
	plans        []*planned
}

type objective struct {
	*results.Objective
	ref
}

// climb is a search for capacity with the trials of its steps, which are no measurements
// of the path in use.
type climb struct {
	*results.Capacity
	ref
	run   int
	label string
}

type attribution struct {
	*results.Attribution
	ref
}

func (l *limits) absorb(o *limits) {
	l.objectives = append(l.objectives, o.objectives...)
	l.capacities = append(l.capacities, o.capacities...)
	l.attributions = append(l.attributions, o.attributions...)
	l.plans = append(l.plans, o.plans...)
}

// limit sorts a record of limits into its service, and says what it is about.
func (g *gatherer) limit(run int, at ref, rec results.Record) string {
	switch rec := rec.(type) {
	case *results.Objective:
		s := g.service(rec.Service)
		s.objectives = append(s.objectives, &objective{rec, at})
		return fmt.Sprintf("%s %s: %s", rec.Service, rec.Path, rec.Objective)
	case *results.Capacity:
		s := g.service(rec.Service)
		s.capacities = append(s.capacities, &climb{Capacity: rec, ref: at, run: run})
		return fmt.Sprintf("%s %s, %s", rec.Service, rec.Path, plural(len(rec.Steps), "step"))
	case *results.Plan:
		s := g.service(rec.Service)
		s.plans = append(s.plans, &planned{rec, at})
		return fmt.Sprintf("%s %s: plan for %s/s", rec.Service, cmp.Or(rec.Path, strings.Join(rec.Unmeasured, ", ")), rate(rec.Load.Rate))
	case *results.Attribution:
		s := g.service(rec.Service)
		s.attributions = append(s.attributions, &attribution{rec, at})
		return fmt.Sprintf("%s: %s, %s %s", rec.Service, rec.Part, rec.Phase, rec.Quantile)
	}
	return ""
}

// takeSteps takes the trials of a search's steps from the other trials: beyond the
// limit they are invalid by intent, and no two of a path are meant to be alike.
func (g *gatherer) takeSteps() {
	for _, s := range g.services {
		for _, c := range s.capacities {
			for _, step := range c.Steps {
				if t := g.trials[trialKey{c.run, step.Trial}]; t != nil {
					t.step = true
				}
			}
		}
	}
	for _, s := range g.services {
		if len(s.capacities) == 0 {
			continue
		}
		s.trials = slices.DeleteFunc(s.trials, func(t *trial) bool { return t.step || g.failedStart(s, t) })
	}
}

// failedStart reports whether a trial is the attempt at a path that a search then
// gave up: the search says so itself.
func (g *gatherer) failedStart(s *section, t *trial) bool {
	return len(t.blocks) == 0 && slices.ContainsFunc(s.capacities, func(c *climb) bool { return c.run == t.run && c.Path == t.Path && !c.Valid })
}

func (s *section) settleLimits(planned places) {
	labels := make([]string, len(s.capacities))
	for i, c := range s.capacities {
		labels[i] = s.pathLabel(c.Service, cmp.Or(c.Path, c.Target, c.Address))
	}
	for i, label := range distinct(labels, func(i int) string { return mixtureWords(s.capacities[i].Asked, s.capacities[i].ResumeRatio) }) {
		s.capacities[i].label = label
	}
	place := func(service, path string) int { return planned.of(service + "/" + path) }
	slices.SortStableFunc(s.capacities, func(a, b *climb) int {
		return cmp.Or(cmp.Compare(place(a.Service, a.Path), place(b.Service, b.Path)), cmp.Compare(rank(a.Kind), rank(b.Kind)), natural(a.label, b.label))
	})
	slices.SortStableFunc(s.objectives, func(a, b *objective) int {
		return cmp.Compare(place(a.Service, a.Path), place(b.Service, b.Path))
	})
}

// objectiveWords say what is wrong with an objective; "" if it is met.
func objectiveWords(o *results.Objective) (level, string) {
	name := clean(o.Objective)
	if o.Baseline != "" {
		name += " to " + clean(o.Baseline)
	}
	why := ""
	if o.Why != "" {
		why = ": " + clean(o.Why)
	}
	switch o.Verdict {
	case results.ObjectiveMet:
		return fine, ""
	case results.ObjectiveMissed:
		if o.Observed != nil {
			return bad, fmt.Sprintf("misses %s with %s", name, observedWords(o))
		}
		return bad, "misses " + name + why
	}
	return warning, "not decided: " + name + why
}

// toldAlready reports whether an objective is undecided for an invalid trial, which
// is told of itself.
func (s *section) toldAlready(o *objective) bool {
	return o.Verdict == results.ObjectiveUnknown && slices.ContainsFunc(s.trials, func(t *trial) bool { return t.Trial.Trial == o.Trial && !t.Valid })
}

// stepRate is the rate of the step that an objective judges; 0 where it judges no
// step.
func (s *section) stepRate(o *objective) float64 {
	for _, c := range s.capacities {
		for _, step := range c.Steps {
			if step.Trial == o.Trial && c.Path == o.Path {
				return step.Rate
			}
		}
	}
	return 0
}

// objectiveName is an objective, with the baseline or the step's rate that it is
// about.
func (s *section) objectiveName(o *objective) string {
	name := clean(o.Objective.Objective)
	if o.Baseline != "" {
		name += " to " + clean(o.Baseline)
	}
	if at := s.stepRate(o); at > 0 {
		name += " at " + rate(at) + "/s"
	}
	return name
}

// missedBelow reports whether a step misses what a lower rate misses already.
func (s *section) missedBelow(o *objective) bool {
	at := s.stepRate(o)
	return at > 0 && o.Verdict == results.ObjectiveMissed && slices.ContainsFunc(s.objectives, func(other *objective) bool {
		below := s.stepRate(other)
		return other.Verdict == results.ObjectiveMissed && other.Path == o.Path && other.Objective.Objective == o.Objective.Objective && 0 < below && below < at
	})
}

// briefly are the attributions of what users wait for: the parts of a handshake
// are in the records.
func briefly(all []*attribution) []*attribution {
	return slices.DeleteFunc(slices.Clone(all), func(a *attribution) bool { return a.Phase == "connect" || a.Phase == "server_hello" })
}

// observedWords is what was observed, in the unit of the limit.
func observedWords(o *results.Objective) string {
	if o.Observed == nil {
		return "–"
	}
	return inUnit(*o.Observed, o.Unit)
}

func inUnit(v float64, unit string) string {
	switch unit {
	case "share":
		return significant(100*v) + " %"
	case "ratio":
		return fmt.Sprintf("×%.3f", v)
	}
	return milliseconds(v) + " ms"
}

// capacityWords say what keeps a search from an answer, or that the answer is
// nothing; "" if all is well.
func capacityWords(c *results.Capacity) (level, string) {
	why := cmp.Or(clean(strings.Join(c.InvalidWhy, "; ")), "no reason given")
	switch {
	case !c.Valid && c.LowRate > 0:
		return warning, fmt.Sprintf("holds %s/s, and perhaps more: %s", rate(c.LowRate), why)
	case !c.Valid:
		return warning, "capacity not found: " + why
	case c.LowRate == 0:
		return bad, fmt.Sprintf("holds no rate that was tried, down to %s/s", rate(lowestRate(c)))
	}
	return fine, ""
}

func lowestRate(c *results.Capacity) float64 {
	lowest := math.Inf(1)
	for _, s := range c.Steps {
		lowest = min(lowest, s.Rate)
	}
	return lowest
}

// capacityInterval is the answer of a search as people say it.
func capacityInterval(c *results.Capacity) string {
	switch {
	case c.LowRate == 0 && c.HighRate == nil:
		return "–"
	case c.HighRate == nil:
		return fmt.Sprintf("≥ %s", rate(c.LowRate))
	case c.LowRate == 0:
		return fmt.Sprintf("< %s", rate(*c.HighRate))
	}
	return fmt.Sprintf("%s – %s", rate(c.LowRate), rate(*c.HighRate))
}

// wholeRate writes a rate that was measured.
func wholeRate(v float64) string {
	if v >= 100 {
		v = math.Round(v)
	}
	return rate(v)
}

// byRate are the steps of a search from the lowest rate up.
func byRate(c *results.Capacity) []results.CapacityStep {
	steps := slices.Clone(c.Steps)
	slices.SortStableFunc(steps, func(a, b results.CapacityStep) int { return cmp.Compare(a.Rate, b.Rate) })
	return steps
}

// stepInterval is that of a step's p99 in ms, put into a format; "" where there is
// none.
func stepInterval(s results.CapacityStep, format string) string {
	switch {
	case s.P99LowUS <= 0:
		return ""
	case s.P99HighUS <= 0:
		return fmt.Sprintf(format, "≥ "+milliseconds(s.P99LowUS))
	}
	return fmt.Sprintf(format, milliseconds(s.P99LowUS)+" – "+milliseconds(s.P99HighUS))
}

func stepLevel(s results.CapacityStep) level {
	switch s.Verdict {
	case results.StepHeld:
		return fine
	case results.StepMissed:
		return bad
	}
	return warning
}

// sloWords are the limits that searches went by, where all went by the same.
func sloWords(all []*climb) string {
	first := strings.Join(all[0].SLO, ", ")
	for _, c := range all {
		if strings.Join(c.SLO, ", ") != first {
			return ""
		}
	}
	return clean(first)
}

// addsWords is a difference with its sign.
func addsWords(us float64) string {
	sign := "+"
	if us < 0 {
		sign = "−"
	}
	return sign + milliseconds(math.Abs(us))
}

// shown reports whether a difference is one: its interval does not hold 0.
func (a *attribution) shown() bool { return a.LowUS > 0 || a.HighUS < 0 }
