package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"shakedown/results"
)

// limitsRun is a run with every kind of limit: kept, missed and undecided.
func limitsRun() Run {
	r := Run{
		Name:   "limits.jsonl",
		Header: results.Header{Schema: results.Schema, ToolVersion: "0.1.0", StartedAt: runTime, Command: "bench", Seed: 42, Paths: []string{"portal/alb", "portal/i-1", "portal/hsm", "portal/dead"}},
	}
	observed := func(v float64) *float64 { return &v }
	objective := func(path, name, unit string, limit float64, seen *float64, verdict results.ObjectiveVerdict, why string) *results.Objective {
		return &results.Objective{Service: "portal", Path: path, Objective: name, Unit: unit, Limit: limit, Observed: seen, N: 2000, Verdict: verdict, Why: why}
	}
	ratio := objective("hsm", "ratio<1.10", "ratio", 1.1, observed(1.12), results.ObjectiveUnknown, "the interval is 1.050 to 1.190, on both sides of the limit: use more blocks or a longer duration")
	ratio.Baseline = "i-1"
	r.Records = append(r.Records,
		objective("hsm", "handshake.p99<50ms", "us", 50e3, observed(71234), results.ObjectiveMissed, ""),
		objective("hsm", "handshake.max<1s", "us", 1e6, nil, results.ObjectiveMissed, "3 of 2000 handshakes were lost"),
		objective("i-1", "handshake.p99<50ms", "us", 50e3, observed(4100), results.ObjectiveMet, ""),
		objective("alb", "errors<0.1%", "share", 0.001, observed(0.0125), results.ObjectiveMissed, ""),
		ratio,
		search("i-1", results.Instance, 2930, 3060, results.LimitedByServer),
		search("alb", results.LBTerminated, 1500, 0, results.LimitedByGenerator, "at 1575/s the generator was the limit, not the server: it used 95 % of its processor time"),
		search("hsm", results.HSMOffloaded, 0, 100, results.LimitedByServer),
		&results.Capacity{Service: "portal", Path: "dead\x1b[31m", Target: "t", SLO: []string{"errors<1%"}, LimitedBy: results.LimitedByUnknown, InvalidWhy: []string{"no handshake of the asked shape was completed (mostly connect: refused)"}},
	)
	for _, a := range []struct {
		part, with, without, phase string
		adds, half                 float64
		unlike                     string
	}{
		{"load balancer", "alb", "i-1", "handshake", -85, 20, ""},
		{"load balancer", "alb", "i-1", "first_byte", 170, 30, ""},
		{"HSM key", "hsm", "i-1", "server_hello", 2290, 110, ""},
		{"HSM key", "hsm", "i-1", "handshake", 2310, 110, "signature rsa_pss_rsae_sha256, not ecdsa_secp256r1_sha256"},
		{"HSM key", "hsm", "i-1", "first_byte", 4, 15, ""},
	} {
		r.Records = append(r.Records, &results.Attribution{Service: "portal", Part: a.part, With: a.with, Without: a.without, Phase: a.phase, Quantile: "p50",
			AddsUS: a.adds, LowUS: a.adds - a.half, HighUS: a.adds + a.half, Confidence: 0.95, Blocks: 10, WithoutUS: 990, Unlike: a.unlike})
	}
	return closed(r, 1)
}

// search is a search that found low and high (0: nothing), with a step at each and
// one between.
func search(path string, kind results.PathKind, low, high float64, by results.LimitedBy, why ...string) *results.Capacity {
	c := &results.Capacity{Service: "portal", Path: path, Kind: kind, Target: "127.0.0.1:1", Address: "127.0.0.1:1", Client: "lean", Asked: asked(),
		SLO: []string{"handshake.p99<50ms", "errors<1%", "completed>=98%"}, LowRate: low, LimitedBy: by, Valid: len(why) == 0, InvalidWhy: why}
	add := func(rate float64, v results.StepVerdict, p99 float64, why string) {
		c.Steps = append(c.Steps, results.CapacityStep{Trial: fmt.Sprint(path, len(c.Steps)), Rate: rate, CompletedRate: rate * 0.99, DurationS: 5,
			P50US: 700, P99US: p99, P99LowUS: p99 * 0.8, P99HighUS: p99 * 1.3, CPUShare: rate / 6000, LagP99US: 45, Verdict: v, Why: why})
	}
	if low > 0 {
		add(low/2, results.StepHeld, 2100, "")
		add(low, results.StepHeld, 9000, "")
	}
	if high > 0 {
		c.HighRate = &high
		add(high, results.StepMissed, 81e3, "handshake.p99<50ms: 81 ms")
	} else {
		add(low*1.05, results.StepGenerator, 14e3, strings.Join(why, ""))
	}
	return c
}

func TestLimitsInBrowser(t *testing.T) {
	b := newBrowser(t)
	b.size(1280, 2200)
	b.media("screen", "light")
	b.open(pageOf(t, rendered(t, "html", Options{}, limitsRun())))
	b.shot("limits")
	b.want(`[...document.querySelectorAll("a.ref")].filter(a => !document.querySelector(a.getAttribute("href"))).length`, 0)
	b.want(`document.querySelectorAll("#s1-climb path.curve").length`, 3)
	b.want(`document.querySelectorAll("#s1-climb circle").length`, 4)
	b.want(`document.querySelectorAll("#s1-climb path.spread, #s1-climb line.whisker").length`, 3)
	b.want(`document.querySelectorAll("#s1-adds circle").length`, 4)
	b.want(`document.documentElement.scrollWidth <= innerWidth`, true)
}

func TestLimitsGolden(t *testing.T) {
	golden(t, "limits-100.txt", rendered(t, "text", Options{}, limitsRun()))
	golden(t, "limits-verbose-120.txt", rendered(t, "text", Options{Width: 120, Verbose: true}, limitsRun()))
	page := rendered(t, "html", Options{}, limitsRun())
	_, page, _ = strings.Cut(page, "<main")
	page, _, _ = strings.Cut(page, "<script>")
	golden(t, "limits.html", page)
}

// The trials of a search's steps are no measurements of the path, whether they
// come before the search's record or after; another trial of it is.
func TestStepsApart(t *testing.T) {
	c := search("i-1", results.Instance, 100, 110, results.LimitedByServer)
	r := Run{Header: results.Header{Schema: results.Schema, StartedAt: runTime, Command: "bench"}}
	for _, s := range append(c.Steps, results.CapacityStep{Trial: "other"}) {
		r.Records = append(r.Records,
			&results.Block{Trial: s.Trial, StartedAt: runTime.Add(time.Second)},
			&results.Trial{Service: "portal", Path: "i-1", Trial: s.Trial, InvalidWhy: []string{"beyond its limit"}})
	}
	r.Records = append(r.Records, c)
	d := newDigest([]Run{closed(r, 0)})
	if len(d.sections) != 1 || len(d.sections[0].trials) != 1 || d.sections[0].trials[0].Trial.Trial != "other" {
		t.Fatalf("%d sections, trials %+v", len(d.sections), d.sections[0].trials)
	}
	if len(d.attention) != 1 {
		t.Errorf("%d issues, want that of the other trial alone: %+v", len(d.attention), d.attention)
	}
}

// An objective that an invalid trial left undecided is not told twice.
func TestUndecidedOnce(t *testing.T) {
	r := closed(Run{Records: []results.Record{
		&results.Trial{Service: "portal", Path: "i-1", Trial: "a", InvalidWhy: []string{"late"}},
		&results.Objective{Service: "portal", Path: "i-1", Trial: "a", Objective: "errors<1%", Verdict: results.ObjectiveUnknown, Why: "the measurement is invalid"},
	}}, 3)
	if d := newDigest([]Run{r}); len(d.attention) != 1 {
		t.Errorf("%+v", d.attention)
	}
}
