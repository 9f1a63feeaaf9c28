package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"shakedown/results"
)

// pathTimes are the true medians of a simulated path, in µs.
type pathTimes struct {
	path             string
	kind             results.PathKind
	resumed          bool
	handshake, first float64
}

// times draws a run: in every round a drift that all paths share, and noise of
// their own.
func times(rng *rand.Rand, rounds int, n int64, paths ...pathTimes) *Run {
	r := &Run{}
	for i, p := range paths {
		id := fmt.Sprint("t", i)
		resumed := p.resumed
		r.Put(&results.Trial{Service: "s", Path: p.path, Kind: p.kind, Trial: id, Valid: true, Asked: results.Shape{Version: results.TLSv13, Resumed: &resumed}})
	}
	for index := range rounds {
		drift := 300 * rng.NormFloat64()
		for i, p := range paths {
			dist := func(us float64) *results.Dist {
				v := us + drift + 20*rng.NormFloat64()
				return &results.Dist{N: n, P50US: v, P99US: 3 * v}
			}
			r.Put(&results.Block{Trial: fmt.Sprint("t", i), Index: index, Phases: results.Phases{Handshake: dist(p.handshake), FirstByte: dist(p.first)}})
		}
	}
	return r
}

func TestAttribute(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	r := times(rng, 12, 100,
		pathTimes{"alb", results.LBTerminated, false, 2000, 900},
		pathTimes{"alb-tls", results.LBReencrypted, false, 2010, 2600},
		pathTimes{"i-1", results.Instance, false, 1500, 500},
		pathTimes{"i-2", results.Instance, false, 1700, 500},
		pathTimes{"hsm", results.HSMOffloaded, false, 4500, 510},
		pathTimes{"i-1", results.Instance, true, 700, 500},
	)
	got := map[string]*results.Attribution{}
	for _, a := range r.Attribute(Options{Confidence: 0.999}) { // ten intervals, and all of them are to hold
		got[a.Part+" "+a.Phase+" "+a.Quantile] = a
	}
	for key, c := range map[string]struct {
		with, without string
		adds          float64
	}{
		"load balancer handshake p50":         {"alb", "i-1", 500},
		"re-encryption first_byte p50":        {"alb-tls", "alb", 1700},
		"LB and re-encryption first_byte p50": {"alb-tls", "i-1", 2100},
		"HSM key handshake p50":               {"hsm", "i-1", 3000},
		"full, not resumed handshake p50":     {"i-1", "i-1", 800},
		"HSM key first_byte p50":              {"hsm", "i-1", 10},
		"LB and re-encryption handshake p50":  {"alb-tls", "i-1", 510},
		"re-encryption handshake p50":         {"alb-tls", "alb", 10},
		"load balancer first_byte p50":        {"alb", "i-1", 400},
		"full, not resumed first_byte p50":    {"i-1", "i-1", 0},
	} {
		a := got[key]
		switch {
		case a == nil:
			t.Errorf("nothing is said of %s", key)
		case a.With != c.with || a.Without != c.without || a.Blocks != 12 || a.Confidence != 0.999:
			t.Errorf("%s: %+v, want %s without %s", key, a, c.with, c.without)
		case a.LowUS > c.adds || a.HighUS < c.adds || a.HighUS-a.LowUS > 120:
			t.Errorf("%s: %.0f, interval %.0f to %.0f; want a narrow one around %v", key, a.AddsUS, a.LowUS, a.HighUS, c.adds)
		}
		delete(got, key)
	}
	for key := range got {
		t.Errorf("%s is said too", key)
	}
	if again := r.Attribute(Options{Baseline: func(string) string { return "i-2" }}); again[0].Without != "i-2" {
		t.Errorf("beside the baseline i-2: %+v", again[0])
	}
}

// A difference of keys is said beside the difference of paths.
func TestAttributeUnlike(t *testing.T) {
	r := times(rand.New(rand.NewPCG(1, 1)), 5, 100, pathTimes{"hsm", results.HSMOffloaded, false, 2000, 900}, pathTimes{"i-1", results.Instance, false, 1500, 500})
	shapes := func(scheme string) []results.ShapeCount {
		return []results.ShapeCount{{Shape: results.Shape{SignatureScheme: "ed25519"}, Count: 1}, {Shape: results.Shape{SignatureScheme: scheme, Group: "X25519"}, Count: 5}}
	}
	r.Trials[0].Negotiated, r.Trials[1].Negotiated = shapes("rsa_pss_rsae_sha256"), shapes("ecdsa_secp256r1_sha256")
	if got := r.Attribute(Options{})[0].Unlike; got != "signature rsa_pss_rsae_sha256, not ecdsa_secp256r1_sha256" {
		t.Errorf("unlike in %q", got)
	}
}

// What cannot be told is not said.
func TestAttributeSilent(t *testing.T) {
	alb := pathTimes{"alb", results.LBTerminated, false, 2000, 900}
	instance := pathTimes{"i-1", results.Instance, false, 1500, 500}
	for name, c := range map[string]struct {
		rounds int
		n      int64
		paths  []pathTimes
		change func(*Run)
		want   int
	}{
		"medians of short blocks": {5, minTail - 1, []pathTimes{alb, instance}, func(*Run) {}, 2},
		"tails of long ones":      {5, minTail, []pathTimes{alb, instance}, func(*Run) {}, 4},
		"too few rounds":          {4, 100, []pathTimes{alb, instance}, func(*Run) {}, 0},
		"an invalid trial":        {5, 100, []pathTimes{alb, instance}, func(r *Run) { r.Trials[1].Valid = false }, 0},
		"no instance":             {5, 100, []pathTimes{alb, alb}, func(*Run) {}, 0},
		"an instance of another":  {5, 100, []pathTimes{alb, instance}, func(r *Run) { r.Trials[1].Service = "other" }, 0},
		"another shape":           {5, 100, []pathTimes{alb, instance}, func(r *Run) { r.Trials[1].Asked.Version = results.TLSv12 }, 0},
		"another rate":            {5, 100, []pathTimes{alb, instance}, func(r *Run) { r.Trials[1].OfferedRate = 7 }, 0},
	} {
		r := times(rand.New(rand.NewPCG(1, 1)), c.rounds, c.n, c.paths...)
		c.change(r)
		if got := r.Attribute(Options{}); len(got) != c.want {
			t.Errorf("%s: %d records, want %d", name, len(got), c.want)
		}
	}
}

// Of what adds nothing, the interval holds 0 nineteen times out of twenty.
func TestAttributeLevel(t *testing.T) {
	const runs = 1000
	off := 0
	rng := rand.New(rand.NewPCG(2, 1))
	for range runs {
		r := times(rng, 8, 100, pathTimes{"alb", results.LBTerminated, false, 1500, 500}, pathTimes{"i-1", results.Instance, false, 1500, 500})
		if a := r.Attribute(Options{})[0]; a.LowUS > 0 || a.HighUS < 0 {
			off++
		}
	}
	if share := float64(off) / runs; math.Abs(share-0.05) > 0.021 { // three standard deviations
		t.Errorf("%.3f of intervals do not hold 0, want 0.05", share)
	}
}

// What the load adds to bystanders is the mean of the rounds' differences.
func TestStall(t *testing.T) {
	r := times(rand.New(rand.NewPCG(1, 1)), 6, 100, pathTimes{"hsm", results.HSMOffloaded, false, 2000, 900})
	for index, b := range r.blocks["t0"] {
		b.Bystanders = &results.Bystanders{Quiet: &results.Dist{MeanUS: 100 + float64(index)}, Loaded: &results.Dist{MeanUS: 800 + float64(2*index)}}
	}
	got := r.Attribute(Options{})
	if len(got) != 1 {
		t.Fatalf("%d records, want the stall alone", len(got))
	}
	if a := got[0]; a.AddsUS != 702.5 || a.WithoutUS != 102.5 || a.Blocks != 6 || a.Phase != "bystander" || a.With != "hsm" || a.LowUS > 702 || a.HighUS < 703 {
		t.Errorf("%+v", a)
	}
	for _, b := range r.blocks["t0"] {
		b.Bystanders.EstablishedQuiet, b.Bystanders.EstablishedLoaded = &results.Dist{MeanUS: 200}, &results.Dist{MeanUS: 1500}
	}
	got = r.Attribute(Options{})
	if len(got) != 2 || got[1].AddsUS != 1300 || got[1].WithoutUS != 200 || got[1].Phase != "request" || got[1].Part != "load, on established connections" {
		t.Fatalf("%d records, want what established connections wait too: %+v", len(got), got[len(got)-1])
	}
	for _, b := range r.blocks["t0"] {
		b.Bystanders.EstablishedQuiet = nil
	}
	r.blocks["t0"][3].Bystanders.Quiet, r.blocks["t0"][4].Bystanders = nil, nil
	if got := r.Attribute(Options{}); len(got) != 0 {
		t.Errorf("of four rounds: %+v", got[0])
	}
}

// A search's trials are no paths to compare.
func TestStepsAreLetGo(t *testing.T) {
	r := &Run{}
	for _, id := range []string{"a", "b", "c"} {
		r.Put(&results.Trial{Trial: id})
	}
	r.Put(&results.Capacity{Steps: []results.CapacityStep{{Trial: "a"}, {Trial: "c"}}})
	if len(r.Trials) != 1 || r.Trials[0].Trial != "b" {
		t.Errorf("%d trials are left", len(r.Trials))
	}
}
