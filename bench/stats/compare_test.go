package stats

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"shakedown/results"
)

func TestDistRoundTrip(t *testing.T) {
	var h Histogram
	if h.Dist() != nil || h.Quantile(0.5) != 0 {
		t.Error("an empty histogram has a distribution")
	}
	for i := range 10000 {
		h.Record(time.Duration(i+1) * time.Microsecond)
	}
	h.Record(5 * time.Minute) // counts as a minute
	h.Record(-time.Second)    // counts as nothing
	d := h.Dist()
	for _, c := range []struct{ got, want float64 }{
		{d.P50US, 5000}, {d.P90US, 9000}, {d.P99US, 9900}, {d.P999US, 9990}, {d.MaxUS, 60e6}, {float64(d.N), 10002},
	} {
		if math.Abs(c.got-c.want) > c.want*1.1e-3 {
			t.Errorf("got %v, want %v to three digits", c.got, c.want)
		}
	}
	back, err := Decode(d)
	if err != nil {
		t.Fatal(err)
	}
	if again := back.Dist(); *again != *d {
		t.Errorf("came back as %+v, was %+v", again, d)
	}
	var both Histogram
	both.Merge(back)
	both.Merge(&h)
	both.Merge(&Histogram{})
	if both.N() != 2*h.N() || both.Quantile(0.9) != h.Quantile(0.9) {
		t.Errorf("merged with itself: n %d, p90 %v; alone: %d, %v", both.N(), both.Quantile(0.9), h.N(), h.Quantile(0.9))
	}
	both.Reset()
	if both.N() != 0 {
		t.Errorf("%d left after Reset", both.N())
	}
}

func TestDecodeRefuses(t *testing.T) {
	var h Histogram
	h.Record(time.Second)
	good := h.Dist()
	for name, d := range map[string]results.Dist{
		"another unit":   {HDR: good.HDR, HDRUnit: "us"},
		"no base64":      {HDR: "…", HDRUnit: "ns"},
		"nothing":        {HDR: "", HDRUnit: "ns"},
		"cut off":        {HDR: good.HDR[:len(good.HDR)/2/4*4], HDRUnit: "ns"},
		"longer than is": {HDR: string(bytes.Repeat([]byte("A"), maxEncoded+1)), HDRUnit: "ns"},
	} {
		if _, err := Decode(&d); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}

// run makes a run of paths whose blocks have given p50s in µs.
func run(n int64, paths map[string][]float64) *Run {
	r := &Run{}
	for _, path := range []string{"base", "a", "b", "c"} {
		values, ok := paths[path]
		if !ok {
			continue
		}
		full := false
		trial := &results.Trial{Service: "s", Path: path, Trial: "t-" + path, Valid: true, Asked: results.Shape{Version: results.TLSv13, Resumed: &full}}
		if path == "base" {
			trial.Kind = results.Instance
		}
		r.Put(trial)
		for i, v := range values {
			d := &results.Dist{N: n, P50US: v, P99US: 3 * v}
			r.Put(&results.Block{Trial: trial.Trial, Index: i, Phases: results.Phases{Handshake: d}})
		}
	}
	return r
}

// noisy draws block medians: a drift that a round shares, and noise of its own.
func noisy(rng *rand.Rand, blocks int, ratios ...float64) map[string][]float64 {
	paths := map[string][]float64{}
	for range blocks {
		drift := math.Exp(0.3 * rng.NormFloat64())
		for i, ratio := range append([]float64{1}, ratios...) {
			name := []string{"base", "a", "b", "c"}[i]
			paths[name] = append(paths[name], 500*ratio*drift*math.Exp(0.02*rng.NormFloat64()))
		}
	}
	return paths
}

func TestVerdicts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name   string
		blocks int
		n      int64
		ratio  float64
		want   string
	}{
		{"alike", 20, 500, 1, Same},
		{"a fifth slower", 20, 500, 1.2, Slower},
		{"a fifth faster", 20, 500, 1 / 1.2, Faster},
		{"a fifth slower, few blocks", 5, 500, 1.2, Slower},
		{"too few blocks", 4, 500, 1.2, Inconclusive},
		{"one block", 1, 500, 1.2, Inconclusive},
	} {
		got := run(c.n, noisy(rng, c.blocks, c.ratio)).Compare(Options{})
		if len(got) != 1 {
			t.Fatalf("%s: %d comparisons, want 1", c.name, len(got))
		}
		if got := got[0]; got.Verdict != c.want || got.Baseline != "base" || got.Candidate != "a" || got.Blocks != c.blocks ||
			c.blocks > 1 && (got.RatioLow > c.ratio || got.RatioHigh < c.ratio) {
			t.Errorf("%s: %+v, want verdict %s and an interval around %v", c.name, *got, c.want, c.ratio)
		}
	}
}

// A tail is compared only where every block is long enough.
func TestTail(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	paths := noisy(rng, 10, 1.2)
	if got := run(minTail, paths).Compare(Options{}); len(got) != 2 || got[1].Quantile != "p99" || got[1].Verdict != Slower {
		t.Errorf("blocks of %d: %v", minTail, got)
	}
	if got := run(minTail-1, paths).Compare(Options{}); len(got) != 1 || got[0].Quantile != "p50" {
		t.Errorf("blocks of %d: %v", minTail-1, got)
	}
}

func TestInvalid(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	r := run(100, noisy(rng, 10, 1.2, 1))
	r.Trials[1].Valid = false
	got := r.Compare(Options{})
	if got[0].Verdict != Invalid || got[1].Verdict == Invalid {
		t.Errorf("verdicts %s, %s: want the invalid trial's comparison invalid, and no other", got[0].Verdict, got[1].Verdict)
	}
	if got[1].PAdjusted != got[1].PValue {
		t.Errorf("an invalid comparison counts in Holm's adjustment: %+v", got[1])
	}
}

// What is compared with what.
func TestPairs(t *testing.T) {
	values := []float64{1, 2, 3, 4, 5}
	r := run(100, map[string][]float64{"base": values, "a": values, "b": values})
	r.Trials[0], r.Trials[1] = r.Trials[1], r.Trials[0] // the instance is not first
	for _, c := range []struct {
		name     string
		change   func(*Run)
		baseline string
		want     string
	}{
		{"the first instance is the baseline", func(*Run) {}, "", "[base:a base:b]"},
		{"the first path without an instance", func(r *Run) { r.Trials[1].Kind = "" }, "", "[a:base a:b]"},
		{"the named one", func(*Run) {}, "b", "[b:a b:base]"},
		{"another service", func(r *Run) { r.Trials[0].Service = "other" }, "", "[base:b]"},
		{"another shape", func(r *Run) { r.Trials[0].Asked.Version = results.TLSv12 }, "", "[base:b]"},
	} {
		copied := &Run{blocks: r.blocks}
		for _, trial := range r.Trials {
			clone := *trial
			copied.Trials = append(copied.Trials, &clone)
		}
		c.change(copied)
		var got []string
		for _, x := range copied.Compare(Options{Baseline: func(string) string { return c.baseline }}) {
			got = append(got, x.Baseline+":"+x.Candidate)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: got %v, want %s", c.name, got, c.want)
		}
	}
}

// Holm: of three comparisons the smallest p-value counts three times, and no
// adjusted value is smaller than one before it.
func TestHolm(t *testing.T) {
	cells := []*cell{}
	for _, p := range []float64{0.04, 0.01, 0.03} {
		cells = append(cells, &cell{Comparison: results.Comparison{PValue: p, Blocks: 10, Margin: 1.05, Ratio: 1.5, RatioLow: 1.1, RatioHigh: 2}})
	}
	judge(cells, Options{Confidence: 0.95})
	for i, want := range []float64{0.06, 0.03, 0.06} {
		if math.Abs(cells[i].PAdjusted-want) > 1e-12 {
			t.Errorf("p %v: adjusted %v, want %v", cells[i].PValue, cells[i].PAdjusted, want)
		}
	}
	if cells[1].Verdict != Slower || cells[0].Verdict != Inconclusive {
		t.Errorf("verdicts %s, %s", cells[1].Verdict, cells[0].Verdict)
	}
}

// Of the same path against itself at most one in twenty is found different,
// whatever the noise, even of few blocks; and what is promised to be found four
// times out of five is.
func TestLevelAndPower(t *testing.T) {
	const runs = 2000
	noises := map[string]func(*rand.Rand) float64{
		"normal":      func(r *rand.Rand) float64 { return r.NormFloat64() },
		"skewed":      func(r *rand.Rand) float64 { return r.ExpFloat64() },
		"heavy":       func(r *rand.Rand) float64 { return r.NormFloat64() / math.Sqrt(r.ExpFloat64()) },
		"with bursts": func(r *rand.Rand) float64 { return r.NormFloat64() + 20*math.Floor(1.1*r.Float64()) },
	}
	for name, noise := range noises {
		for _, blocks := range []int{5, 10, 20} {
			rng := rand.New(rand.NewPCG(uint64(blocks), 5))
			different := 0
			for range runs {
				var ratios []float64
				for range blocks {
					ratios = append(ratios, 0.02*(noise(rng)-noise(rng)))
				}
				if decided(ratios, 0) {
					different++
				}
			}
			// 0.05 and three standard deviations of 2,000 draws.
			if share := float64(different) / runs; share > 0.065 {
				t.Errorf("%s noise, %d blocks: %.3f of A/A runs are found different", name, blocks, share)
			}
		}
	}
	for _, blocks := range []int{5, 10, 20} {
		rng := rand.New(rand.NewPCG(uint64(blocks), 6))
		found := 0
		for range runs {
			var ratios []float64
			for range blocks {
				ratios = append(ratios, 0.02*rng.NormFloat64())
			}
			needs := quantileT(0.975, float64(blocks-1)) + quantileT(power, float64(blocks-1))
			if decided(ratios, needs*0.02/math.Sqrt(float64(blocks))) {
				found++
			}
		}
		if share := float64(found) / runs; share < 0.75 || share > 0.9 {
			t.Errorf("%d blocks: a shift that is promised to be found in 80 %% is found in %.1f %%", blocks, 100*share)
		}
	}
}

// decided reports whether logarithms that are shifted are found to differ from 0.
func decided(ratios []float64, shift float64) bool {
	for i := range ratios {
		ratios[i] += shift
	}
	c := &cell{Comparison: results.Comparison{Confidence: 0.95, Blocks: len(ratios), Margin: 1}}
	c.estimate(ratios)
	judge([]*cell{c}, Options{Confidence: 0.95})
	return c.Verdict == Slower || c.Verdict == Faster
}
