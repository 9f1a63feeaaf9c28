// Package calibrate finds out what this machine's measurements are worth. It
// measures servers of its own on loopback, of which is known what must come out:
// one that stalls by a schedule, one that does as little as a TLS server can, one
// whose packets are captured, and one that is compared with itself.
//
// It judges the instrument, never a server of somebody's, and sends nothing
// beyond this host.
package calibrate

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/bench/stats"
	"shakedown/results"
	"shakedown/scanner/wire"
)

// Spawn starts the process that runs Serve, and returns how to speak to it and
// how to wait for its end.
type Spawn func(ctx context.Context) (io.WriteCloser, io.Reader, func() error, error)

// Options are what is to be tried. Zero fields are defaults.
type Options struct {
	Parts    []string      // of Parts(); nil is all that have runs
	Duration time.Duration // for stall, floor and wire together; 0 is 40 s
	Same     int           // runs of a path beside itself; 0 is 10
	Planted  int           // runs with a planted slowdown; 0 is none
	Seed     uint64
}

// The parts of a calibration.
const (
	Stall   = "stall"
	Floor   = "floor"
	Wire    = "wire"
	Same    = "same"
	Planted = "planted"
)

// Parts lists them, in order.
func Parts() []string { return []string{Stall, Floor, Wire, Same, Planted} }

const (
	defaultDuration = 40 * time.Second
	defaultSame     = 10
)

func (o Options) withDefaults() Options {
	if o.Duration == 0 {
		o.Duration = defaultDuration
	}
	if o.Same == 0 {
		o.Same = defaultSame
	}
	if o.Parts == nil {
		o.Parts = Parts()
	}
	if o.Planted == 0 {
		o.Parts = slices.DeleteFunc(slices.Clone(o.Parts), func(p string) bool { return p == Planted })
	}
	return o
}

// Env is what a calibration needs of the world outside.
type Env struct {
	Spawn    Spawn
	Classify client.Classify
	Put      func(results.Record) error
	// Step hears what is going on: so much of all is done. Nil if nobody listens.
	Step func(done, all int, note string)
}

// calibration is one under way.
type calibration struct {
	Options
	Env
	verdicts map[string]int
	done     int
	all      int
	runs     uint64
}

// Describe says what would be tried.
func (o Options) Describe() string {
	o = o.withDefaults()
	var b strings.Builder
	say := map[string]string{
		Stall:   fmt.Sprintf("servers that stall by a schedule, two schedules at %v handshakes a second", stallRates()),
		Floor:   fmt.Sprintf("a server that does nothing beside TLS, at %d a second", floorRate),
		Wire:    fmt.Sprintf("%d rounds of the lean and the stock client at half load, at most %d a second, with their packets captured", rounds, maxWireRate),
		Same:    fmt.Sprintf("%d comparisons of a path with itself, %d blocks of %v at %d a second", o.Same, sameBlocks, pairBlock, pairRate),
		Planted: fmt.Sprintf("%d comparisons with a path that is %.0f %% slower, at most %d blocks of %v at %d a second", o.Planted, 100*(planted-1), mostBlocks, pairBlock, pairRate),
	}
	for _, p := range Parts() {
		if slices.Contains(o.Parts, p) {
			fmt.Fprintf(&b, "%-8s%s\n", p, say[p])
		}
	}
	b.WriteString("all on loopback, against servers of its own; nothing was started\n")
	return b.String()
}

// Run calibrates and puts a record of every check. It returns the worst verdict:
// fail, else unknown, else pass. An error means that it could not go on.
func Run(ctx context.Context, opt Options, env Env) (string, error) {
	c := &calibration{Options: opt.withDefaults(), Env: env, verdicts: map[string]int{}}
	parts := map[string]func(context.Context) error{Stall: c.stall, Floor: c.floor, Wire: c.wire, Same: c.itself, Planted: c.plant}
	steps := map[string]int{Stall: len(stallRates()) * 2, Floor: 1, Wire: 2*rounds + 1, Same: c.Same, Planted: c.Options.Planted}
	for _, p := range c.Parts {
		c.all += steps[p]
	}
	for _, p := range Parts() {
		if !slices.Contains(c.Parts, p) {
			continue
		}
		if err := parts[p](ctx); err != nil {
			return c.worst(), fmt.Errorf("calibrating, %s: %w", p, err)
		}
	}
	return c.worst(), ctx.Err()
}

func (c *calibration) worst() string {
	for _, v := range []string{results.CalibrationFail, results.CalibrationUnknown} {
		if c.verdicts[v] > 0 {
			return v
		}
	}
	return results.CalibrationPass
}

func (c *calibration) put(r *results.Calibration) error {
	c.verdicts[r.Verdict]++
	return c.Put(r)
}

// unknown says that a part could not be tried.
func (c *calibration) unknown(part string, why error) error {
	return c.put(&results.Calibration{Part: part, Verdict: results.CalibrationUnknown, Why: why.Error()})
}

func (c *calibration) step(note string) {
	if c.Step != nil {
		c.Step(c.done, c.all, note)
	}
	c.done++
}

// judged is pass or fail.
func judged(good bool) string {
	if good {
		return results.CalibrationPass
	}
	return results.CalibrationFail
}

// measured is what came of a bench of our own servers.
type measured struct {
	stats.Run
	samples []client.Sample
}

// valid is why the measurement is none, nil if it is one.
func (m *measured) valid() error {
	for _, t := range m.Trials {
		if !t.Valid {
			return fmt.Errorf("the measurement of %s is invalid: %s", t.Path, t.InvalidWhy[0])
		}
	}
	return nil
}

// bench measures servers, in one block if the plan does not say otherwise.
func (c *calibration) bench(ctx context.Context, plan bench.Plan, keep bool) (*measured, error) {
	c.runs++
	plan.Seed = c.Seed + c.runs
	if plan.Blocks == 0 {
		plan.Blocks = 1
	}
	plan, err := plan.Complete()
	if err != nil {
		return nil, err
	}
	m := &measured{}
	env := bench.Env{Classify: c.Classify, Put: m.Put}
	if keep {
		env.Sample = func(_ string, s *client.Sample) {
			if s.Failure == nil && s.Done != 0 {
				m.samples = append(m.samples, *s)
			}
		}
	}
	outcome, err := bench.Run(ctx, plan, env)
	if err == nil && outcome.Interrupted {
		err = ctx.Err()
	}
	return m, err
}

// path is one of our servers.
func (r *remote) path(i int, name string) bench.Path {
	a := r.addresses[i]
	return bench.Path{
		Service: "calibrate", Name: name, Target: a.String(), Address: a, ServerName: serverName,
		Ask: client.Ask{Version: wire.TLS13},
	}
}
