package bench

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"shakedown/bench/client"
	"shakedown/results"
)

// The schedule of an open loop is a pure function of plan, round and path.
func TestFixedArrivals(t *testing.T) {
	for _, c := range []struct {
		rate      float64
		duration  time.Duration
		blocks    int
		warmUp    time.Duration
		counted   int // in a block
		before    int
		interval  time.Duration
		tolerance time.Duration
	}{
		{50, 10 * time.Second, 10, 100 * time.Millisecond, 50, 5, 20 * time.Millisecond, 1},
		{1, 10 * time.Second, 1, -1, 10, 0, time.Second, 1},
		{3, 10 * time.Second, 1, time.Second, 30, 3, time.Second / 3, 2},
		{20000, time.Second, 2, 500 * time.Millisecond, 10000, 10000, 50 * time.Microsecond, 1},
		{0.5, 10 * time.Second, 1, 0, 5, 0, 2 * time.Second, 1},
	} {
		p := plan(t, Plan{Rate: c.rate, Duration: c.duration, Blocks: c.blocks, WarmUp: c.warmUp, Seed: 3})
		due := p.arrivals(1, 0)
		first, _ := slices.BinarySearch(due, 0)
		if len(due)-first != c.counted || first != c.before {
			t.Errorf("%v a second: %d due and %d before, want %d and %d", c.rate, len(due)-first, first, c.counted, c.before)
		}
		for i := 1; i < len(due); i++ {
			if off := due[i] - due[i-1] - c.interval; off < -c.tolerance || off > c.tolerance {
				t.Fatalf("%v a second: interval %d is %v, want %v", c.rate, i, due[i]-due[i-1], c.interval)
			}
		}
		// They do not drift: the last is where the rate has it.
		if last, want := due[len(due)-1]-due[0], time.Duration(float64(len(due)-1)/c.rate*1e9); last-want > 1 || want-last > 1 {
			t.Errorf("%v a second: the last comes %v after the first, want %v", c.rate, last, want)
		}
		if due[first] >= c.interval || due[len(due)-1] >= p.block()+c.interval {
			t.Errorf("%v a second: from %v to %v in a block of %v", c.rate, due[first], due[len(due)-1], p.block())
		}
		if counted, all := p.Handshakes(); counted != c.counted*c.blocks || all != len(due)*c.blocks+1 {
			t.Errorf("%v a second: %d of %d handshakes are announced", c.rate, counted, all)
		}
		if !slices.Equal(due, p.arrivals(1, 0)) {
			t.Errorf("%v a second: another schedule from the same seed", c.rate)
		}
	}
}

// plan completes a plan that has paths a, b, c.
func plan(t *testing.T, p Plan) Plan {
	t.Helper()
	for i, name := range []string{"a", "b", "c"} {
		p.Paths = append(p.Paths, Path{
			Service: "s", Name: name, Address: netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(i+1)), Ask: client.Ask{Version: 0x0304},
		})
	}
	p, err := p.Complete()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Poisson arrivals: as many as the rate has it, with intervals whose standard
// deviation is their mean.
func TestPoissonArrivals(t *testing.T) {
	p := plan(t, Plan{Rate: 1000, Duration: 100 * time.Second, Blocks: 1, Poisson: true, WarmUp: time.Second, Seed: 4})
	due := p.arrivals(0, 0)
	n := float64(len(due))
	if expected := 101_000.0; math.Abs(n-expected) > 5*math.Sqrt(expected) {
		t.Errorf("%v arrivals, want about %v", n, expected)
	}
	if due[0] < -time.Second || due[0] > 0 || due[len(due)-1] >= 100*time.Second || !slices.IsSorted(due) {
		t.Errorf("from %v to %v", due[0], due[len(due)-1])
	}
	var sum, squares float64
	for i := 1; i < len(due); i++ {
		d := (due[i] - due[i-1]).Seconds() * 1000
		sum += d
		squares += d * d
	}
	mean := sum / (n - 1)
	if variation := math.Sqrt(squares/(n-1)-mean*mean) / mean; math.Abs(variation-1) > 0.02 {
		t.Errorf("the intervals vary by %.3f of their mean, want 1", variation)
	}
}

// Each round visits every path once, in an order that the seed alone decides.
func TestOrder(t *testing.T) {
	orders := map[string]bool{}
	p := plan(t, Plan{Seed: 5})
	for round := range 50 {
		order := p.order(round)
		orders[fmt.Sprint(order)] = true
		if !slices.Equal(order, p.order(round)) {
			t.Errorf("round %d: another order from the same seed", round)
		}
		slices.Sort(order)
		if !slices.Equal(order, []int{0, 1, 2}) {
			t.Errorf("round %d visits %v", round, order)
		}
	}
	if len(orders) != 6 {
		t.Errorf("50 rounds have %d different orders of three paths, want all 6", len(orders))
	}
	other := plan(t, Plan{Seed: 6})
	same := 0
	for round := range 50 {
		if slices.Equal(p.order(round), other.order(round)) {
			same++
		}
	}
	if same > 25 {
		t.Errorf("%d of 50 rounds are alike under another seed", same)
	}
}

// The recorded order of one seed: a run can be repeated years later.
func TestOrderOfOldRuns(t *testing.T) {
	p := plan(t, Plan{Seed: 42})
	if got := fmt.Sprint(p.order(0), p.order(1), p.order(2)); got != "[1 0 2] [2 1 0] [2 1 0]" {
		t.Errorf("seed 42 now gives %s: recorded runs can no longer be repeated", got)
	}
}

func TestPlanRefuses(t *testing.T) {
	one := []Path{{Ask: client.Ask{Version: 0x0304}}}
	for _, c := range []struct {
		plan Plan
		say  string
	}{
		{Plan{}, "no path"},
		{Plan{Paths: one, Rate: -1}, "positive"},
		{Plan{Paths: one, Rate: math.NaN()}, "positive"},
		{Plan{Paths: one, Duration: time.Millisecond, Blocks: 100}, "fewer blocks"},
		{Plan{Paths: one, Rate: 0.1, Duration: time.Second}, "not one handshake a block"},
		{Plan{Paths: one, Rate: 1e9}, "too many"},
		{Plan{Paths: one, Client: "curl"}, "lean or stock"},
		{Plan{Paths: one, Loop: "round"}, "loop"},
		{Plan{Paths: []Path{{Ask: client.Ask{Version: 0x0304, Group: 0x0100}}}}, "ffdhe2048"},
		{Plan{Paths: []Path{{Ask: client.Ask{Version: 0x0304, Suite: 0x1302}}}, Client: Stock}, "--client lean"},
	} {
		if _, err := c.plan.Complete(); err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%+v: %v, want %q", c.plan, err, c.say)
		}
	}
}

func TestPlanDefaults(t *testing.T) {
	open := plan(t, Plan{})
	if open.Loop != results.OpenLoop || open.Rate != 50 || open.Blocks != 10 || open.WarmUp != 100*time.Millisecond || open.Connections != 2000 || open.Client != Lean {
		t.Errorf("open: %+v", open)
	}
	if got, want := open.Time(), 33*time.Second; got != want {
		t.Errorf("three paths take %v, want %v", got, want)
	}
	if closed := plan(t, Plan{Loop: results.ClosedLoop, Rate: 7}); closed.Rate != 0 || closed.Connections != 16 {
		t.Errorf("closed: %+v", closed)
	}
}

// wait comes back at its instant, or when it is told that there is no point.
func TestWait(t *testing.T) {
	c := newClock(nil)
	for _, d := range []time.Duration{0, 100 * time.Microsecond, 3 * time.Millisecond} {
		until := c.now() + d
		if !c.wait(t.Context(), until) || c.now() < until {
			t.Errorf("%v: came back early, at %v for %v", d, c.now(), until)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if c.wait(cancelled, c.now()+time.Hour) {
		t.Error("an hour passed")
	}
}

// A trial's numbers say what is wrong with it.
func TestDoubts(t *testing.T) {
	good := func() *trial {
		p := plan(t, Plan{Rate: 100})
		tr := newTrial(p, p.Paths[0], time.Unix(0, 0))
		tr.blocks = p.Blocks
		for range 1000 {
			tr.add(sample(0), &tr.all)
		}
		tr.cpu, tr.wall, tr.made = time.Second, 10*time.Second, 1000
		return tr
	}
	for _, c := range []struct {
		name   string
		change func(*trial)
		want   string // "" is valid
	}{
		{"all is well", func(*trial) {}, ""},
		{"a failure in a thousand", func(tr *trial) { tr.add(broken(results.KindReset), &tr.all) }, ""},
		{"a failure of ours in a hundred", func(tr *trial) {
			for range 10 {
				tr.add(broken(results.KindInternal), &tr.all)
			}
		}, "failed on this machine (too many open files: allow more by ulimit -n"},
		{"a tenth fails", func(tr *trial) {
			for range 111 {
				tr.add(broken(results.KindTimeout), &tr.all)
			}
		}, "10.0 % of the handshakes failed"},
		{"a tenth is abandoned", func(tr *trial) {
			for range 111 {
				tr.add(&client.Sample{Due: 1}, &tr.all)
			}
		}, "10.0 % of the handshakes failed or were abandoned"},
		{"other shapes", func(tr *trial) {
			for range 20 {
				other := sample(0)
				other.Shape.Version = 0x0303
				tr.add(other, &tr.all)
			}
		}, "2.0 % of the handshakes negotiated another shape"},
		{"a busy generator", func(tr *trial) { tr.cpu = 9500 * time.Millisecond }, "95 % of its processor time"},
		{"a late generator", func(tr *trial) {
			for range 1000 {
				tr.add(sample(50*time.Millisecond), &tr.all)
			}
		}, "the generator was late"},
		{"late for once", func(tr *trial) { tr.add(sample(50*time.Millisecond), &tr.all) }, ""},
	} {
		tr := good()
		c.change(tr)
		r := tr.finish(1)
		if c.want == "" && (!r.Valid || len(r.InvalidWhy) != 0) || c.want != "" && (r.Valid || !strings.Contains(strings.Join(r.InvalidWhy, "; "), c.want)) {
			t.Errorf("%s: valid %v, %q, want %q", c.name, r.Valid, r.InvalidWhy, c.want)
		}
	}
	few := newTrial(plan(t, Plan{}), Path{Ask: client.Ask{Version: 0x0304}}, time.Unix(0, 0))
	few.add(sample(0), &few.all)
	if r := few.finish(1); r.Valid || !strings.Contains(r.InvalidWhy[0], "only 1 handshakes") {
		t.Errorf("one handshake: valid %v, %q", r.Valid, r.InvalidWhy)
	}
}

// sample is a handshake of TLS 1.3 in a millisecond, begun late by lag.
func sample(lag time.Duration) *client.Sample {
	due := time.Second
	start := due + lag
	return &client.Sample{
		Due: due, Ready: due, Start: start, Connected: start + 100*time.Microsecond, Hello: start + 100*time.Microsecond,
		ServerHello: start + 900*time.Microsecond, Done: start + time.Millisecond,
		Shape: client.Shape{Version: 0x0304, Suite: 0x1301, Group: 0x1D, Scheme: 0x0403},
	}
}

func broken(kind results.FailureKind) *client.Sample {
	s := sample(0)
	s.Failure = &results.Failure{Stage: results.StageHello, Kind: kind, Count: 1, Detail: "too many open files"}
	return s
}

// Phases are what a sample's instants say.
func TestPhases(t *testing.T) {
	var p phases
	s := sample(5 * time.Millisecond)
	s.Request, s.FirstByte = s.Done+time.Millisecond, s.Done+3*time.Millisecond
	p.add(s)
	r := p.record()
	for _, c := range []struct {
		name string
		d    *results.Dist
		want float64
	}{
		{"connect", r.Connect, 100}, {"server_hello", r.ServerHello, 800}, {"handshake", r.Handshake, 900},
		{"first_byte", r.FirstByte, 2000}, {"total", r.Total, 9000},
	} {
		if c.d == nil || c.d.N != 1 || math.Abs(c.d.P50US-c.want) > c.want/1000 {
			t.Errorf("%s: %+v, want %v µs", c.name, c.d, c.want)
		}
	}
}

func TestBackoff(t *testing.T) {
	for n, want := range map[int]time.Duration{1: 2 * time.Millisecond, 3: 8 * time.Millisecond, 9: 500 * time.Millisecond, 1000: 500 * time.Millisecond} {
		if got := backoff(n); got != want {
			t.Errorf("after %d failures: %v, want %v", n, got, want)
		}
	}
}
