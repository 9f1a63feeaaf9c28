// The verb diff: what changed between two recorded runs.

package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"shakedown/bench/stats"
	"shakedown/results"
	"shakedown/results/contrast"
	"shakedown/results/report"
	"shakedown/results/store"
)

// diffFlags are what the verb diff was asked.
type diffFlags struct {
	store, since, inventory string
	thresholds              []int
	out                     netFlags // its output flags alone
}

// usualThresholds are the days before a certificate's end that are told of,
// each once.
func usualThresholds() []int { return []int{30, 14, 7, 1, 0} }

func diffCommand(a *app) *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what changed between two recorded runs",
		Long: `Diff compares two runs, scans or benches: files of JSON Lines, or runs of the
store by id (latest, latest~1 …). With --since it compares the newest run of
the store with the newest that is at least so old, of the same verb and
inventory. Certificates that were replaced, that came under a threshold of days
left, versions, suites, groups and everything else that a scan knows; findings
opened and closed; endpoints that joined, went or drifted from their siblings.
Handshakes of benches are compared by ratios with intervals, capacities by
their intervals: those that do not meet are a change.

Exit codes: 0 nothing changed; 1 something did, or a path became slower or
faster; 3 it could not be told: an endpoint or a fact is unknown on one side, a
comparison is inconclusive.`,
		Example: `  shakedown diff monday.jsonl tuesday.jsonl
  shakedown diff latest~1 latest
  shakedown diff --since 7d --format markdown
  shakedown diff baseline-bench.jsonl bench.jsonl`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.diff(cmd.Context(), args, f) },
	}
	flags := cmd.Flags()
	registerStore(flags, &f.store)
	flags.StringVar(&f.since, "since", "", "compare the store's newest run with one that is at least so old, `AGE` such as 7d or 12h")
	flags.StringVar(&f.inventory, "inventory", "", "with --since: runs of this inventory `FILE` (default: that of the newest run)")
	flags.IntSliceVar(&f.thresholds, "days-left", usualThresholds(), "tell of certificates that come under so many `DAYS` left")
	f.out.registerOutput(flags)
	return cmd
}

// registerOutput registers the flags that say where output goes, for verbs that
// send nothing.
func (f *netFlags) registerOutput(fs *pflag.FlagSet) {
	fs.StringVar(&f.format, "format", "text", "what to print: text, json, markdown or html")
	fs.StringVar(&f.output, "output", "", "write to `FILE`; standard output stays empty")
	fs.BoolVar(&f.noColor, "no-color", false, "no colour (NO_COLOR does the same)")
}

func (a *app) diff(ctx context.Context, args []string, f diffFlags) error {
	runs, err := a.diffRuns(ctx, args, f)
	if err != nil {
		return unread(err)
	}
	out, err := a.openOutput(&f.out, results.Header{Command: "diff"})
	if err != nil {
		return err
	}
	old, now := runs[0].Snapshot(), runs[1].Snapshot()
	tally := diffTally{}
	changes := append(contrast.Changes(old, now, f.thresholds), contrast.Measured(runs[0].Records, runs[1].Records)...)
	for _, c := range changes {
		tally.change(c)
		if err := out.put(c); err != nil {
			break // finish says it
		}
	}
	for _, c := range benchOf(runs[1]).Since(benchOf(runs[0]), stats.Options{}) {
		c.BaselineRun = runs[0].Name
		tally.comparison(c)
		if err := out.put(c); err != nil {
			break
		}
	}
	return out.finish(tally.exitCode(), true)
}

// diffRuns reads the two runs, the older first.
func (a *app) diffRuns(ctx context.Context, args []string, f diffFlags) ([]report.Run, error) {
	switch {
	case f.since == "" && len(args) == 2:
		return a.readRuns(ctx, args, f.store)
	case f.since == "":
		return nil, errors.New("diff compares two runs: give OLD and NEW, files or ids of the store, or --since AGE\nsee: shakedown diff --help")
	case len(args) > 0:
		return nil, errors.New("--since takes both runs from the store; give it, or OLD and NEW, not both")
	}
	age, err := parseAge(f.since)
	if err != nil {
		return nil, errors.New("--since " + f.since + ": write an age such as 7d or 12h")
	}
	return a.runsSince(ctx, f, a.now().Add(-age))
}

// runsSince finds the newest run, and the newest of its kind from before a time.
func (a *app) runsSince(ctx context.Context, f diffFlags, at time.Time) ([]report.Run, error) {
	s, err := a.openStore(ctx, f.store, true)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	newest, err := newestOf(ctx, s, f.inventory)
	if err != nil {
		return nil, err
	}
	before, err := s.Before(ctx, newest, at)
	if err != nil {
		return nil, err
	}
	old, err := wholeRun(ctx, s, before)
	if err != nil {
		return nil, err
	}
	now, err := wholeRun(ctx, s, newest)
	return []report.Run{old, now}, err
}

func newestOf(ctx context.Context, s *store.Store, inventory string) (store.Info, error) {
	if inventory == "" {
		return s.Find(ctx, "latest")
	}
	return s.Newest(ctx, inventory)
}

// benchOf are a run's measurements, but for the steps of searches: no two of them
// are meant to be alike.
func benchOf(run report.Run) *stats.Run {
	steps := map[string]bool{}
	for _, rec := range run.Records {
		if c, ok := rec.(*results.Capacity); ok {
			for _, s := range c.Steps {
				steps[s.Trial] = true
			}
		}
	}
	r := new(stats.Run)
	for _, rec := range run.Records {
		if t, ok := rec.(*results.Trial); !ok || !steps[t.Trial] {
			r.Put(rec)
		}
	}
	return r
}

// diffTally decides the exit code of a diff.
type diffTally struct{ changed, untold bool }

func (t *diffTally) change(c *results.Change) {
	if c.Kind == results.Untold {
		t.untold = true
	} else {
		t.changed = true
	}
}

func (t *diffTally) comparison(c *results.Comparison) {
	switch c.Verdict {
	case stats.Slower, stats.Faster:
		t.changed = true
	case stats.Inconclusive, stats.Invalid:
		t.untold = true
	}
}

func (t *diffTally) exitCode() int {
	switch {
	case t.changed:
		return exitBad
	case t.untold:
		return exitUndetermined
	}
	return exitGood
}
