package bench

import (
	"context"
	"crypto/tls"
	"math"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"shakedown/bench/internal/tlstest"
	"shakedown/results"
)

// Arrivals follow the line from one rate to the other: as many by every instant
// as the area under it, wherever the ramp goes.
func TestRampArrivals(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to float64
		poisson  bool
		all      int
		before   int // warm-up, at the rate of the beginning
	}{
		{"up", 100, 500, false, 3000, 100},
		{"down", 500, 100, false, 3000, 500},
		{"from nothing", 0, 400, false, 2000, 0},
		{"to nothing", 400, 0, false, 2000, 400},
		{"level", 200, 200, false, 2000, 200},
		{"nearly level", 200, 200.0000001, false, 2000, 200},
		{"at random", 1000, 9000, true, 50000, 1000},
	} {
		p := plan(t, Plan{Ramp: Ramp{c.from, c.to}, Poisson: c.poisson, Duration: 10 * time.Second, Blocks: 1, WarmUp: time.Second, Seed: 7})
		due := p.arrivals(0, 1)
		first, _ := slices.BinarySearch(due, 0)
		most := 1. // how far a count may be from the area
		if c.poisson {
			most = 5 * math.Sqrt(float64(c.all))
		}
		off := func(n int, want float64) bool { return math.Abs(float64(n)-want) > most }
		if off(len(due)-first, float64(c.all)) || off(first, float64(c.before)) || !slices.IsSorted(due) {
			t.Errorf("%s: %d due and %d before, want %d and %d", c.name, len(due)-first, first, c.all, c.before)
		}
		for s := range 10 {
			at := time.Duration(s+1) * time.Second
			n, _ := slices.BinarySearch(due[first:], at)
			x := float64(s + 1)
			if want := c.from*x + (c.to-c.from)*x*x/20; off(n, want) {
				t.Errorf("%s: %d are due by %v, want %.1f", c.name, n, at, want)
			}
		}
		if !slices.Equal(due, p.arrivals(0, 1)) {
			t.Errorf("%s: another schedule from the same seed", c.name)
		}
		if counted, all := p.Handshakes(); !c.poisson && (counted != len(due)-first || all != len(due)+1) {
			t.Errorf("%s: %d of %d handshakes are announced, want %d of %d", c.name, counted, all, len(due)-first, len(due)+1)
		}
	}
}

// In time that passes only when everybody waits, the server takes each connection
// at the very instant that the ramp has it, and the curve shows the ramp; a
// server that freezes from 2.1 to 2.9 s does not bend the schedule.
func TestRampOnFakeClock(t *testing.T) {
	certificate := tlstest.Certificate("p256") // not in the bubble: others use it, in today's time
	for _, frozen := range []bool{false, true} {
		var trial *results.Trial
		var block *results.Block
		var came []time.Duration
		ramp := Ramp{From: 20, To: 180}
		const length = 5 * time.Second
		synctest.Test(t, func(t *testing.T) {
			// No tickets: nobody would read them, and a pipe holds nothing.
			config := &tls.Config{Certificates: []tls.Certificate{certificate}, SessionTicketsDisabled: true}
			began := time.Now()
			plan := plan(t, Plan{Ramp: ramp, Duration: length, Blocks: 1, WarmUp: -1, Client: Stock, Seed: 2})
			plan.Paths = plan.Paths[:1]
			_, err := Run(t.Context(), plan, Env{
				Sleep:    time.Sleep,
				Classify: func(results.Stage, error) results.Failure { return results.Failure{Kind: results.KindReset} },
				Dial: func(context.Context, netip.AddrPort) (net.Conn, error) {
					came = append(came, time.Since(began))
					near, far := net.Pipe()
					go func() {
						if at := time.Since(began); frozen && at >= 2100*time.Millisecond && at < 2900*time.Millisecond {
							time.Sleep(2900*time.Millisecond - at)
						}
						server := tls.Server(far, config)
						server.Handshake()
						server.Read(make([]byte, 1))
						far.Close()
					}()
					return near, nil
				},
				Put: func(r results.Record) error {
					switch r := r.(type) {
					case *results.Trial:
						trial = r
					case *results.Block:
						block = r
					}
					return nil
				},
			})
			if err != nil {
				t.Fatal(err)
			}
		})
		if trial.Due != 500 || trial.Handshakes != 500 || *trial.Ramp != (results.Ramp{FromRate: 20, ToRate: 180}) || trial.OfferedRate != 100 {
			t.Fatalf("frozen %v: %d of %d handshakes at %v: %+v", frozen, trial.Handshakes, trial.Due, trial.OfferedRate, trial.Failures)
		}
		came = came[1:] // the probe
		for i := 1; i < len(came); i++ {
			want := ramp.when(float64(i)+0.5, length) - ramp.when(float64(i)-0.5, length)
			if gap := came[i] - came[i-1]; (gap - want).Abs() > want/4+time.Millisecond {
				t.Errorf("frozen %v: connection %d came %v after the one before, want about %v", frozen, i, gap, want)
			}
		}
		checkCurve(t, block, frozen)
	}
}

// checkCurve holds a curve against the ramp from 20 to 180 a second in 5 s.
func checkCurve(t *testing.T, block *results.Block, frozen bool) {
	due, completed := 0, 0
	for i, r := range block.Ramp {
		due, completed = due+r.Due, completed+r.Completed
		if want := 20 + 160*(float64(i)+0.5)/rampIntervals; math.Abs(r.OfferedRate-want) > 1e-6 || math.Abs(float64(r.Due)-want*r.DurationS) > 1 {
			t.Errorf("interval %d: %v a second and %d due, want %v a second", i, r.OfferedRate, r.Due, want)
		}
		if r.Handshakes != r.Due {
			t.Errorf("frozen %v: interval %+v", frozen, r)
		}
		if frozen && (r.AtS == 2 || r.AtS == 2.75) {
			continue // half frozen
		}
		stalled := frozen && r.AtS > 2 && r.AtS < 2.75
		if slow := r.TotalP99US > 1e3; slow != stalled || (r.Completed == 0) != stalled {
			t.Errorf("frozen %v: interval %+v", frozen, r)
		}
	}
	if len(block.Ramp) != rampIntervals || due != 500 || completed != 500 {
		t.Errorf("%d intervals with %d due, %d completed", len(block.Ramp), due, completed)
	}
}

func TestRampIsForOpenLoops(t *testing.T) {
	for _, p := range []Plan{
		{Loop: results.ClosedLoop, Ramp: Ramp{1, 2}},
		{Ramp: Ramp{-1, 2}},
		{Ramp: Ramp{1, math.NaN()}},
	} {
		p.Paths = []Path{{}}
		if _, err := p.Complete(); err == nil {
			t.Errorf("%+v was taken", p.Ramp)
		}
	}
}
