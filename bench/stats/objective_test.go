package stats

import (
	"strings"
	"testing"
	"time"

	"shakedown/results"
)

func TestParseObjective(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit float64
		want  string // of String; or part of the error
	}{
		{"handshake.p99<50ms", 50e3, "handshake.p99<50ms"},
		{" total.mean <= 1.5 s ", 1.5e6, "total.mean<=1.5 s"},
		{"connect.max<250us", 250, "connect.max<250us"},
		{"server_hello.p999<250µs", 250, "server_hello.p999<250µs"},
		{"first_byte.p50<1s", 1e6, "first_byte.p50<1s"},
		{"errors<0.1%", 0.001, "errors<0.1%"},
		{"errors<=0%", 0, "errors<=0%"},
		{"ratio<1.10", 1.1, "ratio<1.10"},
		{"ratio.p99<2", 2, "ratio.p99<2"},
		{"", 0, "has no <"},
		{"handshake.p99>50ms", 0, "has no <"},
		{"handshake<50ms", 0, "needs a quantile, as handshake.p99"},
		{"handshake.p95<50ms", 0, `unknown quantile "p95": want one of p50, p90, p99, p999, mean, max`},
		{"hello.p99<50ms", 0, `unknown subject "hello": want a phase (connect, server_hello, handshake, first_byte, total), errors or ratio`},
		{"handshake.p99<50", 0, "want a number with its unit us, ms or s"},
		{"handshake.p99<ms", 0, "want a number with its unit"},
		{"handshake.p99<5m", 0, "want a number with its unit"},
		{"handshake.p99<-5ms", 0, "more than nothing"},
		{"handshake.p99<NaNms", 0, "more than nothing"},
		{"handshake.p99<90s", 0, "is not told apart"},
		{"handshake.p99<Infs", 0, "is not told apart"},
		{"errors<5", 0, "want a percentage"},
		{"errors<100%", 0, "want a percentage"},
		{"errors<0%", 0, "write errors<=0%"},
		{"errors.p99<5%", 0, `unknown subject "errors"`},
		{"ratio<10%", 0, "want a factor"},
		{"ratio<0", 0, "want a factor"},
		{"ratio.max<2", 0, "want p50 or p99"},
		{strings.Repeat("x", 101), 0, "101 bytes"},
	} {
		o, err := ParseObjective(c.text)
		switch {
		case err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%q: error %q, want %q in it", c.text, err, c.want)
		case err == nil && (o.String() != c.want || o.limit != c.limit):
			t.Errorf("%q: got %q with limit %v, want %q with %v", c.text, o, o.limit, c.want, c.limit)
		}
	}
}

// What is read is read again from its own text, to the same limit.
func FuzzParseObjective(f *testing.F) {
	for _, s := range []string{"handshake.p99<50ms", "errors<=0.1%", "ratio.p99<1.2", "total.max< 1 s", "<", "connect.p50<µs"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseObjective(s)
		if err != nil {
			return
		}
		again, err := ParseObjective(o.String())
		if err != nil || again != o {
			t.Errorf("%q is read as %+v, its own text as %+v, %v", s, o, again, err)
		}
		if o.Wants() < fewest {
			t.Errorf("%q wants %d handshakes", s, o.Wants())
		}
		Judge([]Objective{o}, []*results.Trial{{}}, []*results.Comparison{{Quantile: "p50"}})
	})
}

// timed is a trial with so many handshakes of each duration.
func timed(counts map[time.Duration]int) *results.Trial {
	var h Histogram
	t := &results.Trial{Service: "s", Path: "a", Trial: "id", Valid: true}
	for d, n := range counts {
		for range n {
			h.Record(d)
		}
		t.Handshakes += n
	}
	t.Due = t.Handshakes
	t.Phases.Handshake = h.Dist()
	return t
}

func TestJudgeTrial(t *testing.T) {
	const fast, slow = time.Millisecond, 100 * time.Millisecond
	lose := func(t *results.Trial, n int) *results.Trial {
		t.Failures = []results.Failure{{Kind: results.KindReset, Count: n}}
		t.Due += n
		return t
	}
	invalid := func(t *results.Trial, saturated bool) *results.Trial {
		t.Valid, t.InvalidWhy, t.Generator.Saturated = false, []string{"why"}, saturated
		return t
	}
	for _, c := range []struct {
		name, objective string
		trial           *results.Trial
		want            results.ObjectiveVerdict
	}{
		{"fast", "handshake.p99<50ms", timed(map[time.Duration]int{fast: 1000}), "met"},
		{"the tail is slow", "handshake.p99<50ms", timed(map[time.Duration]int{fast: 980, slow: 20}), "missed"},
		{"the tail beyond is slow", "handshake.p99<50ms", timed(map[time.Duration]int{fast: 995, slow: 5}), "met"},
		{"half is slow", "handshake.p50<50ms", timed(map[time.Duration]int{fast: 40, slow: 60}), "missed"},
		{"300, none of them slow", "handshake.p99<50ms", timed(map[time.Duration]int{fast: 300}), "met"},
		{"298, none of them slow", "handshake.p99<50ms", timed(map[time.Duration]int{fast: 298}), "unknown"},
		{"few, but many of them slow", "handshake.p99<50ms", timed(map[time.Duration]int{fast: 45, slow: 5}), "missed"},
		{"few, one of them slow", "handshake.p99<50ms", timed(map[time.Duration]int{fast: 49, slow: 1}), "unknown"},
		{"next to none", "handshake.p50<50ms", timed(map[time.Duration]int{slow: 19}), "unknown"},
		{"nothing", "handshake.p50<50ms", &results.Trial{}, "unknown"},
		{"no request", "first_byte.p50<50ms", timed(map[time.Duration]int{fast: 1000}), "unknown"},
		{"a mean", "handshake.mean<50ms", timed(map[time.Duration]int{fast: 50, slow: 40}), "met"},
		{"a mean without the lost", "handshake.mean<50ms", lose(timed(map[time.Duration]int{fast: 1000}), 1), "unknown"},
		{"a mean, and the lost are slower", "handshake.mean<50ms", lose(timed(map[time.Duration]int{slow: 1000}), 1), "missed"},
		{"a maximum", "handshake.max<50ms", timed(map[time.Duration]int{fast: 500, slow: 1}), "missed"},
		{"the lost are slow", "handshake.p99<50ms", lose(timed(map[time.Duration]int{fast: 1000}), 20), "missed"},
		{"the few lost are beyond", "handshake.p99<50ms", lose(timed(map[time.Duration]int{fast: 1000}), 5), "met"},
		{"the maximum is lost", "handshake.max<50ms", lose(timed(map[time.Duration]int{fast: 1000}), 1), "missed"},
		{"no error of few", "errors<0.1%", timed(map[time.Duration]int{fast: 1000}), "unknown"},
		{"no error of enough", "errors<0.1%", timed(map[time.Duration]int{fast: 3000}), "met"},
		{"errors", "errors<1%", lose(timed(map[time.Duration]int{fast: 1000}), 20), "missed"},
		{"one error too many", "errors<=0%", lose(timed(map[time.Duration]int{fast: 1000}), 1), "missed"},
		{"none at all", "errors<=0%", timed(map[time.Duration]int{fast: 100}), "met"},
		{"an invalid trial keeps nothing", "handshake.p99<50ms", invalid(timed(map[time.Duration]int{fast: 1000}), false), "unknown"},
		{"invalid for what the server lost", "errors<1%", invalid(lose(timed(map[time.Duration]int{fast: 1000}), 300), false), "missed"},
		{"the generator was the limit", "errors<1%", invalid(lose(timed(map[time.Duration]int{fast: 1000}), 300), true), "unknown"},
		{"it never answered", "errors<1%", invalid(lose(&results.Trial{}, 1), false), "unknown"},
	} {
		o, err := ParseObjective(c.objective)
		if err != nil {
			t.Fatal(err)
		}
		got := Judge([]Objective{o}, []*results.Trial{c.trial}, nil)
		if len(got) != 1 || got[0].Verdict != c.want || got[0].Objective != c.objective {
			t.Errorf("%s: %s: got %+v, want %s", c.name, c.objective, got[0], c.want)
		} else if c.want == "unknown" && got[0].Why == "" {
			t.Errorf("%s: unknown without a reason", c.name)
		}
	}
}

// What is observed is the record's own number; with losses, that of all due.
func TestObserved(t *testing.T) {
	o, _ := ParseObjective("handshake.p90<1s")
	trial := timed(map[time.Duration]int{time.Millisecond: 950, 2 * time.Millisecond: 50})
	if got := o.Trial(trial); *got.Observed != trial.Phases.Handshake.P90US || got.N != 1000 {
		t.Errorf("observed %v of %d, the trial has %v", *got.Observed, got.N, trial.Phases.Handshake.P90US)
	}
	trial.Abandoned, trial.Due = 100, 1100
	if got := o.Trial(trial); *got.Observed < 1900 || got.N != 1100 {
		t.Errorf("observed %v of %d with 100 lost, want the 990th of 1,000", *got.Observed, got.N)
	}
}

func TestJudgeRatio(t *testing.T) {
	c := func(low, high float64, blocks int, verdict string) *results.Comparison {
		return &results.Comparison{Service: "s", Baseline: "b", Candidate: "a", Phase: "handshake", Quantile: "p50",
			Ratio: (low + high) / 2, RatioLow: low, RatioHigh: high, Blocks: blocks, Verdict: verdict}
	}
	for _, x := range []struct {
		name, objective string
		comparison      *results.Comparison
		want            results.ObjectiveVerdict
	}{
		{"below", "ratio<1.10", c(0.98, 1.05, 10, Same), "met"},
		{"slower, but not too much", "ratio<1.10", c(1.06, 1.09, 10, Slower), "met"},
		{"too slow", "ratio<1.10", c(1.2, 1.3, 10, Slower), "missed"},
		{"on both sides", "ratio<1.10", c(1.05, 1.15, 10, Slower), "unknown"},
		{"too few rounds", "ratio<1.10", c(0.98, 1.02, 4, Inconclusive), "unknown"},
		{"invalid", "ratio<1.10", c(0.98, 1.02, 10, Invalid), "unknown"},
		{"no tail", "ratio.p99<1.10", c(0.98, 1.02, 10, Same), "unknown"},
	} {
		o, err := ParseObjective(x.objective)
		if err != nil {
			t.Fatal(err)
		}
		got := Judge([]Objective{o}, []*results.Trial{{Service: "s", Path: "a", Trial: "id"}}, []*results.Comparison{x.comparison})
		if len(got) != 1 || got[0].Verdict != x.want || got[0].Trial != "id" || got[0].Baseline != "b" || got[0].Why == "" {
			t.Errorf("%s: got %+v, want %s", x.name, got[0], x.want)
		}
	}
}

// The binomial distribution, from tables and by its symmetry.
func TestAtMost(t *testing.T) {
	for _, c := range []struct {
		k, n int
		p    float64
		want float64
	}{{0, 299, 0.01, 0.04954}, {2, 10, 0.5, 0.0546875}, {5, 10, 0.5, 0.623046875}, {3, 3, 0.2, 1}, {-1, 3, 0.2, 0}, {1, 628, 0.01, 0.013333}} {
		if got := atMost(c.k, c.n, c.p); got < c.want*0.999 || got > c.want*1.001 {
			t.Errorf("at most %d of %d with %v: got %v, want %v", c.k, c.n, c.p, got, c.want)
		}
	}
}
