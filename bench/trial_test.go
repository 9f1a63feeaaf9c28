package bench

import (
	"slices"
	"strings"
	"testing"
	"time"

	"shakedown/bench/client"
	"shakedown/results"
)

// An open loop that runs out of connections is none any more: what waited for
// one says how long the queue was, not how quick the path is. In a closed loop
// everything waits, and nothing is wrong with it.
func TestPaceNotKept(t *testing.T) {
	for _, c := range []struct {
		loop   results.Loop
		waited int // of a thousand
		want   bool
	}{
		{results.OpenLoop, 5, false},
		{results.OpenLoop, 400, true},
		{results.ClosedLoop, 400, false},
	} {
		p := plan(t, Plan{Loop: c.loop, Duration: time.Second, Blocks: 1, Connections: 7})
		trial := newTrial(p, p.Paths[0], time.Unix(1, 0))
		var block phases
		for i := range 1000 {
			due := time.Duration(i) * time.Millisecond
			s := client.Sample{Due: due, Ready: due, Start: due + 1, Connected: due + 2, Hello: due + 3, ServerHello: due + 4, Done: due + 5, Shape: client.Shape{Version: 0x0304}}
			if i < c.waited {
				s.Ready++
			}
			trial.add(&s, &block)
		}
		trial.blocks = 1
		r := trial.finish(1)
		said := slices.ContainsFunc(r.InvalidWhy, func(why string) bool {
			return strings.Contains(why, "did not keep pace") && strings.Contains(why, "40 % of them waited, as 7 were in flight")
		})
		if said != c.want || r.Valid == c.want {
			t.Errorf("%s loop, %d waited: valid %v, %q", c.loop, c.waited, r.Valid, r.InvalidWhy)
		}
	}
}

// A generator is not excused by its own lateness, which is in the total: it is
// held against what the server took.
func TestLateGeneratorIsNotItsOwnExcuse(t *testing.T) {
	p := plan(t, Plan{Rate: 1000, Duration: time.Second, Blocks: 1})
	trial := newTrial(p, p.Paths[0], time.Unix(1, 0))
	var block phases
	for i := range 1000 {
		due := time.Duration(i) * time.Millisecond
		lag := 100 * time.Millisecond
		if i%20 == 0 {
			lag = 180 * time.Millisecond
		}
		start := due + lag
		trial.add(&client.Sample{Due: due, Ready: due, Start: start, Connected: start + 1, Hello: start + 2, ServerHello: start + 3,
			Done: start + time.Millisecond, Shape: client.Shape{Version: 0x0304}}, &block)
	}
	trial.all.merge(&block)
	trial.blocks = 1
	if r := trial.finish(1); r.Valid || !r.Generator.Saturated || !strings.Contains(r.InvalidWhy[0], "the generator was late: 100.0 %") {
		t.Errorf("valid %v, saturated %v: %q", r.Valid, r.Generator.Saturated, r.InvalidWhy)
	}
}
