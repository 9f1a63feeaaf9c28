// Capacity: the highest rate at which a path keeps its objectives. Each step is a
// short run of its own with one path and one rate; search says which.
//
// Paths take a step in turn: what the machine and the network do meanwhile meets
// all of them, a deadline leaves each an interval, and a server that was pushed
// too far rests while the others are measured.

package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"shakedown/bench/stats"
	"shakedown/results"
)

// Levels are the rates that are tried on every path.
type Levels struct {
	// Objectives are what a rate has to keep. Unless one of them limits errors,
	// fewer than 1 % may fail; and the server has always to keep pace.
	Objectives []stats.Objective
	// Rates are tried one after the other; nil is a search that begins at the
	// plan's rate.
	Rates []float64
}

const (
	// maxRate is the highest that a search tries.
	maxRate = 100_000
	// minPace is the share of what was asked that the server has to complete
	// meanwhile: with fewer a queue grows, however late that shows in latencies.
	minPace = 0.98
	// stretch is how many times longer a step may be at a low rate, so that enough
	// samples come together.
	stretch = 4
	// maxRest is how long a path is left alone after a step that it did not hold, at
	// most.
	maxRest = time.Second
)

const (
	defaultErrors = "errors<1%"
	paceText      = "completed>=98%"
)

// Step is a step that has begun, or ended.
type Step struct {
	Index  int // the path's place in the plan
	Rate   float64
	Number int                   // of the path's, from 1
	Ended  *results.CapacityStep // nil if it begins
	Lost   int                   // handshakes that failed or were abandoned
}

// stepper measures one rate on one path: by a real run, or in a test.
type stepper func(ctx context.Context, plan Plan) (outing, error)

// outing is what a step brought home.
type outing struct {
	trial  *results.Trial // nil if the step was cut short
	blocks []*results.Block
	idle   time.Duration // of the one handshake before the step
	took   []taken
}

// FindCapacity tries rates on every path of a plan that Complete has filled in,
// and puts each step's trial and blocks, and in the end a Capacity for each path.
// The plan's Duration and Blocks are those of a step.
func FindCapacity(ctx context.Context, plan Plan, levels Levels, env Env) (Outcome, []*results.Capacity, error) {
	return findCapacity(ctx, plan, levels, env, func(ctx context.Context, plan Plan) (outing, error) {
		return measureStep(ctx, plan, env)
	})
}

func findCapacity(ctx context.Context, plan Plan, levels Levels, env Env, step stepper) (Outcome, []*results.Capacity, error) {
	levels.Objectives = withErrors(levels.Objectives)
	var climbs []*climb
	for i, path := range plan.Paths {
		climbs = append(climbs, newClimb(plan, path, i, levels))
	}
	for busy := true; busy && ctx.Err() == nil; {
		busy = false
		for _, c := range climbs {
			more, err := c.step(ctx, step, env)
			if err != nil {
				return Outcome{}, nil, err
			}
			busy = busy || more
		}
	}
	return finishClimbs(ctx, climbs, env)
}

// withErrors adds the limit on errors where the user gave none.
func withErrors(objectives []stats.Objective) []stats.Objective {
	if slices.ContainsFunc(objectives, stats.Objective.OfErrors) {
		return objectives
	}
	o, err := stats.ParseObjective(defaultErrors)
	if err != nil {
		panic("bench: " + err.Error()) // it is a constant
	}
	return append(slices.Clone(objectives), o)
}

func finishClimbs(ctx context.Context, climbs []*climb, env Env) (Outcome, []*results.Capacity, error) {
	outcome := Outcome{Interrupted: ctx.Err() != nil}
	var all []*results.Capacity
	for _, c := range climbs {
		record := c.finish(ctx)
		all = append(all, record)
		outcome.Trials += len(record.Steps)
		if !record.Valid {
			outcome.Invalid++
		}
		if err := env.Put(record); err != nil {
			return outcome, all, err
		}
	}
	return outcome, all, nil
}

// ladder gives the rates: search, or a list.
type ladder interface {
	next() (float64, bool)
	learn(rate float64, verdict results.StepVerdict)
	answer(*results.Capacity)
}

// climb is one path on its way up.
type climb struct {
	plan   Plan // of the path alone
	index  int
	levels Levels
	ladder ladder
	record *results.Capacity
	calm   time.Duration // the total on the idle server; the median of the last rate that held
	dead   string        // why the path cannot be measured
	over   bool
}

func newClimb(plan Plan, path Path, index int, levels Levels) *climb {
	plan.Paths = []Path{path}
	c := &climb{plan: plan, index: index, levels: levels, record: &results.Capacity{
		Service: path.Service, Path: path.Name, Kind: path.Kind, Target: path.Target,
		Client: string(plan.Client), Asked: path.Ask.Record(), ResumeRatio: path.Ask.Resume, SLO: []string{}, InvalidWhy: []string{}, Steps: []results.CapacityStep{},
	}}
	if path.Failure == nil {
		c.record.Address = path.Address.String()
	}
	for _, o := range levels.Objectives {
		c.record.SLO = append(c.record.SLO, o.String())
	}
	c.record.SLO = append(c.record.SLO, paceText)
	if levels.Rates != nil {
		c.ladder = &list{rates: levels.Rates}
		return c
	}
	highest := min(maxRate, maxDue/plan.Duration.Seconds())
	lowest := minHandshakes / (stretch * plan.Duration.Seconds())
	c.ladder = &search{start: min(max(plan.Rate, lowest), highest), floor: lowest, ceiling: highest}
	return c
}

// step tries the next rate; false if there is none.
func (c *climb) step(ctx context.Context, measure stepper, env Env) (bool, error) {
	if c.over || ctx.Err() != nil {
		return false, nil
	}
	rate, ok := c.ladder.next()
	if c.over = !ok; c.over {
		return false, nil
	}
	plan := c.at(rate)
	note := Step{Index: c.index, Rate: rate, Number: len(c.record.Steps) + 1}
	env.step(note)
	out, err := measure(ctx, plan)
	if err != nil || out.trial == nil {
		return false, err
	}
	if len(out.blocks) == 0 { // not even the first handshake
		c.over, c.dead = true, strings.Join(out.trial.InvalidWhy, "; ")
		return false, nil
	}
	s := c.judge(rate, plan, out)
	c.record.Steps = append(c.record.Steps, s)
	c.ladder.learn(rate, s.Verdict)
	note.Ended, note.Lost = &s, stats.Lost(out.trial)
	env.step(note)
	return true, nil
}

func (e Env) step(s Step) {
	if e.Step != nil {
		e.Step(s)
	}
}

// at is the plan of a step. At low rates it is longer.
func (c *climb) at(rate float64) Plan {
	plan, wants := c.plan, 0
	for _, o := range c.levels.Objectives {
		wants = max(wants, o.Wants())
	}
	// Half of what is wanted decides in most cases.
	longer := time.Duration(float64(wants) / 2 / rate * float64(time.Second))
	plan.Duration = min(max(plan.Duration, longer), stretch*plan.Duration)
	plan.Rate = rate
	plan.WarmUp = min(plan.block()/10, maxWarmUp)
	// Other instants for each step, all from one seed.
	plan.Seed += uint64(len(c.record.Steps))<<16 | uint64(c.index)
	return plan
}

// judge makes the record of a step.
func (c *climb) judge(rate float64, plan Plan, out outing) results.CapacityStep {
	t := out.trial
	s := results.CapacityStep{
		Trial: t.Trial, Rate: rate, DurationS: t.DurationS, CPUShare: t.Generator.CPUShare,
		Errors: float64(stats.Lost(t)) / float64(max(t.Due, 1)),
	}
	if t.Generator.LagP99US != nil {
		s.LagP99US = *t.Generator.LagP99US
	}
	if d := t.Phases.Handshake; d != nil {
		s.P50US, s.P99US = d.P50US, d.P99US
		s.P99LowUS, s.P99HighUS = interval(out.took, 0.99)
	}
	completed := 0
	for _, b := range out.blocks {
		completed += b.Completed
	}
	s.CompletedRate = float64(completed) / t.DurationS
	if c.calm == 0 {
		c.calm = out.idle
	}
	// What takes longer than the warm-up leaves a part of the step in which nothing
	// can have been completed, though the server keeps pace.
	empty := float64(len(out.blocks)) * max(0, c.calm-plan.WarmUp).Seconds()
	s.Verdict, s.Why = c.verdict(rate, t, completed, float64(t.Due)*max(0, 1-empty/t.DurationS))
	if d := t.Phases.Total; s.Verdict == results.StepHeld && d != nil {
		c.calm = time.Duration(d.P50US * float64(time.Microsecond))
	}
	return s
}

// verdict asks in order: was it the generator, did the server miss a limit, is
// all known.
func (c *climb) verdict(rate float64, t *results.Trial, completed int, expected float64) (verdict results.StepVerdict, why string) {
	if t.Generator.Saturated {
		return results.StepGenerator, strings.Join(t.InvalidWhy, "; ")
	}
	if needs := rate * c.calm.Seconds(); needs > float64(t.Connections) {
		return results.StepGenerator, fmt.Sprintf("%v/s of %v each are %.0f in flight, and %d are allowed (--concurrency, ulimit -n)",
			rate, c.calm.Round(time.Millisecond), needs, t.Connections)
	}
	verdict = results.StepHeld
	for _, o := range c.levels.Objectives {
		switch r := o.Trial(t); {
		case r.Verdict == results.ObjectiveMissed:
			return results.StepMissed, missed(r)
		case r.Verdict == results.ObjectiveUnknown && verdict == results.StepHeld:
			verdict, why = results.StepUnknown, fmt.Sprintf("%s: %s", o, r.Why)
		}
	}
	if float64(completed) < math.Floor(minPace*expected)-2 {
		return results.StepMissed, fmt.Sprintf("a queue grows: %.1f/s were completed of %v/s", float64(completed)/t.DurationS, rate)
	}
	if verdict == results.StepHeld && !t.Valid {
		return results.StepUnknown, strings.Join(t.InvalidWhy, "; ")
	}
	return verdict, why
}

// missed is a missed objective in words.
func missed(o *results.Objective) string {
	if o.Observed == nil {
		return o.Objective + ": " + o.Why
	}
	switch o.Unit {
	case "share":
		return fmt.Sprintf("%s: %.3g %%", o.Objective, 100**o.Observed)
	}
	return fmt.Sprintf("%s: %.3g ms", o.Objective, *o.Observed/1e3)
}

// finish makes the path's record.
func (c *climb) finish(ctx context.Context) *results.Capacity {
	r := c.record
	switch {
	case c.dead != "" && len(r.Steps) > 0:
		c.ladder.answer(r)
		r.InvalidWhy = []string{fmt.Sprintf("after %s the path could not be measured: %s", steps(len(r.Steps)), c.dead)}
	case c.dead != "":
		r.LimitedBy, r.InvalidWhy = results.LimitedByUnknown, []string{c.dead}
	case !c.over:
		end := "interrupted"
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			end = "the run's deadline came"
		}
		c.ladder.answer(r)
		r.InvalidWhy = []string{fmt.Sprintf("%s after %s", end, steps(len(r.Steps)))}
	default:
		c.ladder.answer(r)
	}
	r.Valid = len(r.InvalidWhy) == 0
	return r
}

// list is a ladder of given rates.
type list struct {
	rates []float64
	done  search // for its answer
}

func (l *list) next() (float64, bool) {
	if l.done.tried >= len(l.rates) {
		return 0, false
	}
	return l.rates[l.done.tried], true
}

func (l *list) learn(rate float64, verdict results.StepVerdict) { l.done.learn(rate, verdict) }

// answer is what is known after a list: it need not have found the limit.
func (l *list) answer(c *results.Capacity) {
	low, high := l.done.ends()
	c.LimitedBy = results.LimitedByUnknown
	if low != nil {
		c.LowRate = low.rate
	}
	if high != nil && high.kind() == results.StepMissed {
		c.HighRate, c.LimitedBy = &high.rate, results.LimitedByServer
	}
	for _, s := range c.Steps {
		if s.Verdict == results.StepGenerator || s.Verdict == results.StepUnknown {
			c.InvalidWhy = append(c.InvalidWhy, fmt.Sprintf("at %v/s: %s", s.Rate, s.Why))
			if s.Verdict == results.StepGenerator && c.HighRate == nil {
				c.LimitedBy = results.LimitedByGenerator
			}
		}
	}
}

// measureStep carries out a step as a run, and keeps its records. A step that ctx
// cut short leaves no trial: it would be one of a part of its handshakes.
func measureStep(ctx context.Context, plan Plan, env Env) (out outing, err error) {
	put := env.Put
	env.Put = func(r results.Record) error {
		switch r := r.(type) {
		case *results.Trial:
			out.trial = r
			return nil
		case *results.Block:
			out.blocks = append(out.blocks, r)
		}
		return put(r)
	}
	var took []taken
	env.Sample = collected(&took, plan.Paths[0].Ask, env.Sample)
	outcome, err := Run(ctx, plan, env)
	if err != nil || outcome.Interrupted {
		return outing{}, err
	}
	out.took = took
	if err := put(out.trial); err != nil {
		return outing{}, err
	}
	if out.idle = outcome.Idle; !out.trial.Valid || stats.Lost(out.trial) > 0 {
		clock := newClock(env.Sleep)
		clock.wait(ctx, clock.now()+min(plan.Duration/2, maxRest))
	}
	return out, nil
}

func steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}
