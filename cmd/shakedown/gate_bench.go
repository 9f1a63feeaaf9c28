// What a gate measures, and the limits that it has to keep.

package main

import (
	"context"
	"slices"

	"shakedown/bench"
	"shakedown/bench/stats"
	"shakedown/profiles/gate"
	"shakedown/results"
	"shakedown/scanner/dial"
)

// planBench finds the addresses to measure. It refuses those whose owner has not
// agreed to load.
func (g *gateRun) planBench(ctx context.Context) error {
	if !g.f.bench {
		return nil
	}
	if err := g.f.refuseRoutes("gate --bench", g.paths); err != nil {
		return err
	}
	if len(g.baseline.measured) == 0 {
		if err := g.f.limits.checkRatios(g.paths); err != nil {
			return err
		}
	}
	plan, err := g.f.limits.plan()
	if err != nil {
		return err
	}
	if plan.Paths, err = g.f.limits.addresses(ctx, g.paths, plan.Paths[0].Ask); err != nil {
		return err
	}
	g.plan = &plan
	return nil
}

// measure measures the paths that answered the scan: of others there is nothing
// to measure, and the verdict knows of them.
func (g *gateRun) measure(ctx context.Context) error {
	plan := *g.plan
	plan.Paths = slices.DeleteFunc(slices.Clone(plan.Paths), func(p bench.Path) bool {
		return slices.ContainsFunc(g.tally.Endpoints, func(e *results.Endpoint) bool {
			return e.Service == p.Service && e.Path == p.Name && e.Status == results.Failed
		})
	})
	if len(plan.Paths) == 0 {
		return nil
	}
	live := g.live(&g.f.limits, plan)
	defer live.end()
	_, err := bench.Run(ctx, plan, bench.Env{
		Classify: dial.Classify, Now: g.now, Progress: live.progress,
		Put: func(r results.Record) error {
			g.measured.Put(r)
			return g.out.put(r)
		},
	})
	return err
}

// limits judges what was measured: by --slo and, where the baseline has been
// measured too, beside it. A ratio is then one to the baseline; else to another
// path of the run.
func (g *gateRun) limits() {
	run := &g.measured
	comparisons := run.Compare(stats.Options{})
	for _, c := range comparisons {
		g.out.put(c)
	}
	if len(g.baseline.measured) > 0 && len(run.Trials) > 0 {
		comparisons = g.since()
	}
	invalid := map[string]bool{}
	for _, t := range run.Trials {
		if !t.Valid {
			invalid[t.Trial] = true
			g.tally.Unmeasured++
		}
	}
	for _, o := range stats.Judge(g.f.limits.objectives, run.Trials, comparisons) {
		g.tally.Limits++
		switch {
		case o.Verdict == results.ObjectiveMissed:
			g.tally.Missed++
		case o.Verdict == results.ObjectiveUnknown && !invalid[o.Trial]:
			g.tally.Unmeasured++
		}
		g.out.put(o)
	}
}

// since sets every path beside itself in the baseline's runs. Slower is a
// regression and inconclusive not known, unless a ratio of --slo says what is.
func (g *gateRun) since() []*results.Comparison {
	bySLO := slices.ContainsFunc(g.f.limits.objectives, stats.Objective.OfRatio)
	var all []*results.Comparison
	for i := range g.baseline.measured {
		earlier := &g.baseline.measured[i]
		for _, c := range g.measured.Since(&earlier.run, stats.Options{}) {
			c.BaselineRun = earlier.name
			g.out.put(c)
			all = append(all, c)
			if !bySLO {
				g.regression(c)
			}
		}
	}
	for _, t := range g.measured.Trials {
		if !slices.ContainsFunc(all, func(c *results.Comparison) bool { return c.Service == t.Service && c.Candidate == t.Path }) {
			g.say(gate.NotMeasured(t))
		}
	}
	return all
}

func (g *gateRun) regression(c *results.Comparison) {
	g.tally.Limits++
	switch c.Verdict {
	case stats.Slower:
		g.tally.Missed++
	case stats.Inconclusive, stats.Invalid:
		g.tally.Unmeasured++
	}
}
