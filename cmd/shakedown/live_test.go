package main

import (
	"strings"
	"testing"
	"time"

	"shakedown/bench"
	"shakedown/results"
)

// shownNow is what a screen shows, line by line.
func shownNow(s *screen) string {
	lines := []string{s.head()}
	for _, r := range s.rows {
		lines = append(lines, s.text(r))
	}
	return strings.Join(append(lines, s.clockText()), "\n")
}

func livePlan(t *testing.T) bench.Plan {
	t.Helper()
	p, err := bench.Plan{
		Paths: []bench.Path{{Service: "portal", Name: "alb"}, {Service: "portal", Name: "i-1\x1b[31m"}}, Rate: 60, Duration: 5 * time.Second, Blocks: 5,
	}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLiveBlocks(t *testing.T) {
	at := time.Unix(0, 0)
	s := newScreen(func() time.Time { return at }, livePlan(t), true)
	s.progress(bench.Progress{Blocks: 10, Index: -1})
	s.progress(bench.Progress{Blocks: 10, Index: 0, Rate: 60})
	at = at.Add(1100 * time.Millisecond)
	block := &results.Block{Handshakes: 59, DurationS: 1, Phases: results.Phases{Handshake: &results.Dist{P50US: 630, P99US: 12_345}}}
	s.progress(bench.Progress{Done: 1, Blocks: 10, Index: 0, Rate: 60, Ended: &bench.Ended{Block: block, Lost: 1}})
	s.progress(bench.Progress{Done: 1, Blocks: 10, Index: 1, Rate: 60})
	at = at.Add(550 * time.Millisecond)
	const want = `  path         asked/s    made/s    p50 ms    p99 ms  errors
  alb             60.0      59.0      0.63      12.3       1
▸ i-1?[31m        60.0         –         –         –       0
  ━━━━━━──────────────────────────────────  9s left`
	if got := shownNow(s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLiveSteps(t *testing.T) {
	at := time.Unix(0, 0)
	s := newScreen(func() time.Time { return at }, livePlan(t), false)
	s.deadline = time.Minute
	s.step(bench.Step{Index: 0, Rate: 800, Number: 4})
	s.progress(bench.Progress{Blocks: 1, Index: 0, Rate: 800}) // of the step's own run
	at = at.Add(6 * time.Second)
	s.step(bench.Step{Index: 0, Rate: 800, Number: 4, Lost: 7, Ended: &results.CapacityStep{CompletedRate: 640.2, P50US: 900, P99US: 71_000, Verdict: results.StepMissed}})
	s.step(bench.Step{Index: 1, Rate: 100, Number: 5})
	const want = `  path         asked/s    made/s    p50 ms    p99 ms  errors
  alb              800       640      0.90      71.0       7  step 4: 800/s missed
▸ i-1?[31m         100         –         –         –       0
  6s so far, at most 54s left`
	if got := shownNow(s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
