// Run: probe every path, then round after round a block of each.

package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"shakedown/bench/client"
	"shakedown/results"
)

// Env is what a run needs of the world outside. Nil functions are as said.
type Env struct {
	// Dial opens connections; nil is TCP by sockets of our own.
	Dial     Dial
	Classify client.Classify
	// Put takes the records, each as soon as it is finished.
	Put func(results.Record) error
	// Progress hears of every block that begins or ends; nil if nobody listens.
	Progress func(Progress)
	// Sample is shown every handshake that counts, block after block; nil if nobody
	// wants to see them. It may not keep them.
	Sample func(path string, s *client.Sample)
	// Sleep is for simulated time; nil sleeps by the kernel's clock, to some µs.
	Sleep func(time.Duration)
	// Step hears of every step of FindCapacity that begins or ends; nil if nobody
	// listens.
	Step func(Step)
	// Now is the time of day; nil is time.Now.
	Now func() time.Time
}

// Progress is how far a run has come.
type Progress struct {
	Done, Blocks int     // of all blocks of all paths
	Path         string  // whose turn it is
	Index        int     // its place in the plan
	Rate         float64 // asked of it; 0 in a closed loop
	Ended        *Ended  // nil if a block begins
}

// Ended is a block that has ended.
type Ended struct {
	Block *results.Block
	Lost  int // handshakes that failed or were abandoned
}

// Outcome says how a run ended.
type Outcome struct {
	Trials  int
	Invalid int // of them
	// Idle is how long the single handshake before the first block took, connect
	// included; of several paths the longest.
	Idle time.Duration
	// Interrupted: ctx ended the run before all was done.
	Interrupted bool
}

// Run carries out a plan that Complete has filled in. An error means that records
// could not be put; what servers do is in the records.
func Run(ctx context.Context, plan Plan, env Env) (Outcome, error) {
	// Garbage is little and memory is there: collect less often, as each
	// collection takes processor time from the handshakes beside it.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.Progress == nil {
		env.Progress = func(Progress) {}
	}
	// The loop's threads sleep on processors of the runtime: see queue.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + threads(plan)))
	if most := max(descriptors()-reserved, 1); plan.Connections > most {
		plan.Connections, plan.short = most, plan.Connections
	}
	r := &run{plan: plan, env: env, clock: newClock(env.Sleep)}
	err := r.all(ctx)
	return r.outcome, err
}

// reserved descriptors are for what else the process has open.
const reserved = 64

// run is a run under way.
type run struct {
	plan    Plan
	env     Env
	clock   clock
	lanes   []*lane // in the plan's order
	block   phases  // of the block at hand: one set of histograms for all
	done    int
	outcome Outcome
}

// lane is a path that is measured.
type lane struct {
	*trial
	load   load           // nil if the path cannot be measured
	wallet *client.Wallet // what can be resumed on it; nil if nothing is to be
	index  int            // in the plan
	idle   time.Duration

	busiest int // handshakes of the block that made most
}

func (r *run) all(ctx context.Context) error {
	for i, path := range r.plan.Paths {
		r.lanes = append(r.lanes, &lane{trial: newTrial(r.plan, path, r.env.Now()), index: i})
	}
	defer r.close()
	if err := r.probe(ctx); err != nil {
		return err
	}
	for round := range r.plan.Blocks {
		for _, i := range r.plan.order(round) {
			if err := r.one(ctx, r.lanes[i], round); err != nil {
				return err
			}
		}
	}
	return r.trials(ctx)
}

// probe tries every path once, all at the same time.
func (r *run) probe(ctx context.Context) error {
	r.env.Progress(Progress{Blocks: r.plan.Blocks * len(r.lanes), Index: -1})
	var g errgroup.Group
	g.SetLimit(16)
	for _, l := range r.lanes {
		g.Go(func() (err error) {
			l.load, err = r.prepare(ctx, l)
			return err
		})
	}
	return g.Wait()
}

// one carries out one block and puts its record. A block that ctx cut short is
// dropped: what is kept is whole.
func (r *run) one(ctx context.Context, l *lane, round int) error {
	if l.load == nil || ctx.Err() != nil {
		return nil
	}
	r.tell(l, nil)
	r.earn(ctx, l)
	others := r.bystanders(l, round)
	quiet := others.before(ctx, r.plan.quiet())
	s, begin, end := r.slice(l, round)
	started, cpu, from := r.env.Now(), cpuTime(), r.clock.now()
	var samples []client.Sample
	beside := others.beside(ctx, quiet, begin, end, func() { samples = l.load.run(ctx, s) })
	if ctx.Err() != nil {
		return nil
	}
	l.cpu += cpuTime() - cpu
	l.wall += r.clock.now() - from
	l.made += len(samples)
	l.busiest = max(l.busiest, len(samples))
	r.done++
	before := l.lost()
	block := l.count(samples, &r.block, begin, end)
	r.show(l, samples, begin)
	r.tell(l, &Ended{Block: block, Lost: l.lost() - before})
	block.Bystanders = beside
	block.Index, block.StartedAt, block.Seed = round, started.UTC(), r.plan.Seed
	return r.env.Put(block)
}

// show shows the samples of a block, warm-up apart.
func (r *run) show(l *lane, samples []client.Sample, begin time.Duration) {
	for i := range samples {
		if r.env.Sample != nil && samples[i].Due >= begin {
			r.env.Sample(l.path.Name, &samples[i])
		}
	}
}

// tell says that a path's block begins or has ended.
func (r *run) tell(l *lane, ended *Ended) {
	r.env.Progress(Progress{
		Done: r.done, Blocks: r.plan.Blocks * len(r.lanes),
		Path: l.path.Name, Index: l.index, Rate: r.plan.Rate, Ended: ended,
	})
}

// lead is the time from planning a block to its beginning; settle, that from the
// timeout of its last handshake until all is cut off: a timeout is to be told
// from what was cut.
const (
	lead   = 2 * time.Millisecond
	settle = 500 * time.Millisecond
)

// slice plans a block from now on: what the load is to do, and between which
// instants it counts.
func (r *run) slice(l *lane, round int) (s slice, begin, end time.Duration) {
	begin = r.clock.now() + lead + r.plan.WarmUp
	end = begin + r.plan.block()
	s = slice{slots: r.plan.Connections, until: end, cut: end + r.plan.Timeout + settle}
	if r.plan.Loop == results.OpenLoop {
		s.due = r.plan.arrivals(round, l.index)
		for i := range s.due {
			s.due[i] += begin
		}
		s.resume = r.plan.resumes(round, l.index, s.due, begin)
	} else {
		s.ratio, s.seed = l.path.Ask.Resume, r.plan.Seed+r.plan.stream(round, l.index)
	}
	return s, begin, end
}

// count adds the samples of a block, warm-up apart, and makes its record.
func (t *trial) count(samples []client.Sample, block *phases, begin, end time.Duration) *results.Block {
	block.reset()
	before, completed := t.record.Handshakes, 0
	for i := range samples {
		if done := samples[i].Done; samples[i].Failure == nil && done >= begin && done < end {
			completed++
		}
		if samples[i].Due >= begin {
			t.add(&samples[i], block)
		}
	}
	t.all.merge(block)
	t.blocks++
	written := block.record()
	if t.only = nil; t.blocks == 1 {
		t.only = &written
	}
	return &results.Block{
		Trial: t.record.Trial, DurationS: (end - begin).Seconds(),
		Handshakes: t.record.Handshakes - before, Completed: completed, Phases: written,
		Ramp: t.curve(samples, begin, end),
	}
}

// lost is how many handshakes came to nothing so far.
func (t *trial) lost() int { return t.record.Due - t.record.Handshakes - t.record.OtherShape }

// trials puts the records of the trials, in the plan's order. Of a run that ctx
// ended, those are left out that had not begun.
func (r *run) trials(ctx context.Context) error {
	r.outcome.Interrupted = ctx.Err() != nil
	for _, l := range r.lanes {
		processors, why := 1, []string(nil)
		if l.load != nil {
			processors = l.load.processors()
			l.record.Generator.Timestamps = timestamps(l.load)
		}
		if l.blocks < r.plan.Blocks && r.outcome.Interrupted {
			if l.record.Due == 0 {
				continue
			}
			end := "interrupted"
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				end = "the run's deadline came"
			}
			why = append(why, fmt.Sprintf("%s: %d of %d blocks were finished", end, l.blocks, r.plan.Blocks))
		}
		record := l.finish(processors, why...)
		r.outcome.Trials++
		r.outcome.Idle = max(r.outcome.Idle, l.idle)
		if !record.Valid {
			r.outcome.Invalid++
		}
		if err := r.env.Put(record); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) close() {
	for _, l := range r.lanes {
		if l.load != nil {
			l.load.close()
		}
	}
}
