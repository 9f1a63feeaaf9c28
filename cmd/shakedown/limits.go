// Limits of bench: --slo, and the rates that are tried to find where they break.

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"shakedown/bench"
	"shakedown/bench/stats"
	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
)

// limitFlags are the flags of bench about what its paths have to keep.
type limitFlags struct {
	slo          []string
	findCapacity bool
	steps        string
	ramp         string
	bystanders   bool

	objectives []stats.Objective
	rates      []float64
	slope      bench.Ramp
}

func (f *limitFlags) register(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.slo, "slo", nil, "judge by this `LIMIT`, as \"handshake.p99<50ms\", \"errors<0.1%\" or \"ratio<1.10\" (repeatable)")
	fs.BoolVar(&f.findCapacity, "find-capacity", false, "search the highest rate that keeps --slo, from --rate on; --duration is then for each step (default 5s)")
	fs.StringVar(&f.steps, "steps", "", "try these rates in turn, a `LIST` as 100,200,400; --duration is then for each step (default 5s)")
	fs.StringVar(&f.ramp, "ramp", "", "open loop: the rate goes evenly from one to the other, `FROM-TO` as 100-2000, within every block (of which there is then 1 by default)")
	fs.BoolVar(&f.bystanders, "bystanders", false, "also open and close 50 connections a second, before each block and during it, and with --request keep 8 alive and ask on them: what the load does to others")
}

// levels reports whether several rates are tried.
func (f *limitFlags) levels() bool { return f.findCapacity || f.steps != "" }

// Steps are shorter than a whole measurement, and of one block.
const stepDuration = 5 * time.Second

// settle puts the defaults of steps and ramps in the place of those that were not
// given.
func (f *benchFlags) settle(fs *pflag.FlagSet) {
	if !f.levels() && f.ramp == "" {
		return
	}
	if f.levels() && !fs.Changed("duration") {
		f.duration = stepDuration
	}
	if !fs.Changed("blocks") {
		f.blocks = 1
	}
}

// checkLimits reads the objectives and the steps.
func (f *benchFlags) checkLimits() error {
	f.objectives, f.rates, f.slope = nil, nil, bench.Ramp{}
	for _, text := range f.slo {
		o, err := stats.ParseObjective(text)
		switch {
		case err != nil:
			return usagef("--slo: %w", err)
		case o.OfFirstByte() && f.request == "":
			return usagef("--slo %q: there is a first byte only with a request: give --request /", text)
		case o.OfRatio() && f.levels():
			return usagef("--slo %q: with --find-capacity and --steps rates are judged, not ratios of paths", text)
		}
		f.objectives = append(f.objectives, o)
	}
	switch {
	case f.findCapacity && f.steps != "":
		return usagef("--find-capacity searches the rates itself: give it or --steps")
	case f.levels() && f.connections > 0:
		return usagef("--find-capacity and --steps are for an open loop: leave out --connections")
	case f.steps != "" && f.rate > 0:
		return usagef("--steps says the rates: leave out --rate")
	}
	if err := f.readRamp(); err != nil {
		return err
	}
	return f.readSteps()
}

// readRamp reads the rates of a ramp.
func (f *benchFlags) readRamp() error {
	switch {
	case f.ramp == "":
		return nil
	case f.rate > 0 || f.connections > 0 || f.levels():
		return usagef("--ramp says the rates: leave out --rate, --connections, --steps and --find-capacity")
	}
	low, high, _ := strings.Cut(f.ramp, "-")
	from, err1 := strconv.ParseFloat(low, 64)
	to, err2 := strconv.ParseFloat(high, 64)
	if err1 != nil || err2 != nil || !(from >= 0 && to >= 0 && from+to > 0 && max(from, to) <= mostRate) {
		return usagef("--ramp %q: want two rates, handshakes a second, as in --ramp 100-2000", f.ramp)
	}
	f.slope = bench.Ramp{From: from, To: to}
	return nil
}

// mostRate bounds what can be asked for.
const mostRate = 1e6

// mostSteps bounds a list of rates.
const mostSteps = 100

func (f *benchFlags) readSteps() error {
	if f.steps == "" {
		return nil
	}
	for part := range strings.SplitSeq(f.steps, ",") {
		rate, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || !(rate > 0 && rate <= mostRate) {
			return usagef("--steps %q: %q is not a rate; want handshakes a second, as in --steps 100,200,400", f.steps, part)
		}
		f.rates = append(f.rates, rate)
	}
	if len(f.rates) > mostSteps {
		return usagef("--steps: %d rates are too many: %d at most", len(f.rates), mostSteps)
	}
	f.rate = slices.Max(f.rates) // the plan is checked with the highest
	return nil
}

// checkRatios refuses a ratio of paths where there is only one.
func (f *benchFlags) checkRatios(paths []inventory.Path) error {
	count := map[string]int{}
	for _, p := range paths {
		count[p.Service]++
	}
	for _, o := range f.objectives {
		if !o.OfRatio() {
			continue
		}
		for _, n := range count {
			if n > 1 {
				return nil
			}
		}
		return usagef("--slo %q: a ratio needs two paths of one service: an inventory says which belong together", o)
	}
	return nil
}

// climb tries rates, and puts each path's capacity behind its steps.
func (a *app) climb(ctx context.Context, f *benchFlags, plan bench.Plan) error {
	out, err := a.openOutput(&f.netFlags, results.Header{Command: "bench", Seed: plan.Seed, Paths: planned(plan), Calibration: a.calibrated()})
	if err != nil {
		return err
	}
	live := a.live(f, plan)
	var kept stats.Run
	env := bench.Env{
		Classify: dial.Classify, Now: a.now, Progress: live.progress, Step: live.step,
		// A step beyond the limit is invalid as a measurement, and no trouble.
		Put: func(r results.Record) error {
			if c, ok := r.(*results.Capacity); ok {
				return out.put(c)
			}
			kept.Put(r)
			return out.stream.Put(r)
		},
	}
	outcome, all, runErr := bench.FindCapacity(ctx, plan, bench.Levels{Objectives: f.objectives, Rates: f.rates}, env)
	live.end()
	code := benchCode(ctx, outcome, runErr)
	if f.rates != nil {
		code = worse(code, a.judge(out, f.objectives, &kept, nil))
	}
	if f.findCapacity && slices.ContainsFunc(all, holdsNothing) {
		code = worse(code, exitBad)
	}
	return out.finish(code, runErr == nil && !outcome.Interrupted)
}

// holdsNothing reports whether a search has shown that no rate keeps the
// objectives.
func holdsNothing(c *results.Capacity) bool { return c.Valid && c.LowRate == 0 }

// judge puts the verdicts on every objective, and returns the exit code that
// follows from them.
func (a *app) judge(out *output, objectives []stats.Objective, run *stats.Run, comparisons []*results.Comparison) int {
	code := exitGood
	for _, o := range stats.Judge(objectives, run.Trials, comparisons) {
		switch o.Verdict {
		case results.ObjectiveMissed:
			code = worse(code, exitBad)
		case results.ObjectiveUnknown:
			code = worse(code, exitUndetermined)
		}
		if err := out.put(o); err != nil {
			break // finish says so
		}
	}
	return code
}

// printLevels says which rates would be tried, for printPlan.
func (f *benchFlags) printLevels(w io.Writer, plan bench.Plan, paths []inventory.Path) error {
	var slo []string
	for _, o := range f.objectives {
		slo = append(slo, o.String())
	}
	judged := strings.Join(slo, ", ")
	if judged == "" {
		judged = "errors<1% and the server keeping pace"
	}
	if f.rates == nil {
		_, err := fmt.Fprintf(w, "search: from %v connections a second on, steps of %v (longer at low rates) until %s breaks, about 12 for each path\n%s: nothing was sent\n",
			plan.Rate, plan.Duration, judged, count(len(paths), "path"))
		return err
	}
	sum := 0.0
	for _, rate := range f.rates {
		sum += rate
	}
	_, err := fmt.Fprintf(w, "steps: %s connections a second, %v each (longer at low rates), judged by %s\n%s: %.0f connections or more; nothing was sent\n",
		f.steps, plan.Duration, judged, count(len(paths), "path"), float64(len(paths))*sum*plan.Duration.Seconds())
	return err
}

// printBystanders says how many connections are opened beside the load.
func (f *benchFlags) printBystanders(w io.Writer, plan bench.Plan, paths int) {
	if f.bystanders {
		fmt.Fprintf(w, "bystanders: about %d connections more, opened and closed\n", paths*plan.BystanderCount())
	}
}
