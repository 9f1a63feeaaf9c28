package calibrate

import (
	"context"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"shakedown/results"
	"shakedown/scanner/dial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// here runs the server in this process.
func here(ctx context.Context) (io.WriteCloser, io.Reader, func() error, error) {
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := Serve(ctx, in, out)
		out.CloseWithError(io.EOF)
		ended <- err
	}()
	return toServer, fromServer, func() error { return <-ended }, nil
}

// Every part puts its records. What they say is the machine's affair: a busy one
// is no fault of the program's.
func TestRun(t *testing.T) {
	got := map[string][]*results.Calibration{}
	steps, all := 0, 0
	_, err := Run(t.Context(), Options{Duration: time.Second, Same: 2, Planted: 1, Seed: 1}, Env{
		Spawn: here, Classify: dial.Classify,
		Put: func(r results.Record) error {
			c := r.(*results.Calibration)
			got[c.Part] = append(got[c.Part], c)
			if c.Verdict == results.CalibrationUnknown && c.Why == "" {
				t.Errorf("unknown without a reason: %+v", c)
			}
			return nil
		},
		Step: func(done, of int, _ string) { steps, all = done+1, of },
	})
	if err != nil {
		t.Fatal(err)
	}
	if steps > all || steps < all-1 { // the planted run is left out where no pilot is valid
		t.Errorf("%d steps of %d", steps, all)
	}
	if n := len(got[Stall]); n != 2*3*3 {
		t.Errorf("%d records of stalls, want two schedules at three rates with three quantiles", n)
	}
	for _, c := range got[Stall] {
		if c.ExpectedUS <= 0 || c.MeasuredUS < c.ExpectedUS*0.9 || c.Samples == 0 {
			t.Errorf("%+v: a server that stalls cannot be faster than its stall", c)
		}
	}
	for part, least := range map[string]int{Floor: 1, Wire: 1, Same: 1, Planted: 1} {
		if len(got[part]) < least {
			t.Errorf("no record of the part %s", part)
		}
	}
	for _, c := range got[Wire] {
		if c.Why == "" && (c.Samples == 0 || c.DifferenceUS == nil || math.Abs(*c.BiasUS) > *c.DifferenceUS+1 && c.Quantile == "p99") {
			t.Errorf("%+v", c)
		}
	}
}

func TestServeRefuses(t *testing.T) {
	for _, in := range []string{"", "no json\n", "[{}]\nwork harder\n", "[{}]\nlate 1\n", "[{}]\nburden -1 5\n"} {
		if err := Serve(t.Context(), strings.NewReader(in), io.Discard); err == nil {
			t.Errorf("%q was served", in)
		}
	}
}

// The bounds of what chance may do are those that are promised.
func TestBounds(t *testing.T) {
	if got := atMost(200, 0.05); got != 18 {
		t.Errorf("of 200 at 5 %%: %d", got)
	}
	if got := atLeast(100, 0.80); got != 71 {
		t.Errorf("of 100 at 80 %%: %d", got)
	}
}

func TestSchedule(t *testing.T) {
	s, ms := sequence(), time.Millisecond
	for q, want := range map[float64]time.Duration{0.5: 20 * ms, 0.9: 60 * ms, 0.99: 100 * ms} {
		if got := s.quantile(q); got != want {
			t.Errorf("%v of the sequence: %v, want %v", q, got, want)
		}
	}
	for q, want := range map[float64]time.Duration{0.1: 0, 0.5: 300 * ms, 0.9: 700 * ms, 0.99: 790 * ms} {
		if got := freeze().quantile(q); (got - want).Abs() > time.Microsecond {
			t.Errorf("%v of the freeze: %v, want %v", q, got, want)
		}
	}
	for at, want := range map[time.Duration]time.Duration{0: 800 * ms, 799 * ms: 800 * ms, 800 * ms: 800 * ms, 1500 * ms: 1800 * ms, 1900 * ms: 1900 * ms} {
		if got := freeze().due(7, at); got != want {
			t.Errorf("who comes at %v is answered at %v, want %v", at, got, want)
		}
	}
	if got := s.due(205, time.Second); got != time.Second+s.Delays[5] {
		t.Errorf("the 205th waits until %v", got)
	}
	for _, c := range []struct {
		s    Schedule
		rate float64
		want time.Duration
	}{{s, 100, 4 * time.Second}, {s, 400, 3500 * ms}, {freeze(), 50, 3 * time.Second}, {Schedule{}, 50, 3300 * ms}} {
		if got := c.s.whole(c.rate, 3300*ms); got != c.want {
			t.Errorf("whole at %v/s: %v, want %v", c.rate, got, c.want)
		}
	}
}
