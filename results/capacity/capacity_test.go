package capacity

import (
	"math"
	"strings"
	"testing"

	"shakedown/results"
)

var inf = math.Inf(1)

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		holds     Span
		rate      float64
		low, high int
	}{
		{Span{100, 105}, 1000, 10, 10},
		{Span{100, 110}, 1001, 10, 11},
		{Span{400, inf}, 1000, 1, 3},
		{Span{0, 100}, 1000, 10, 0},
		{Span{5000, 5100}, 10, 1, 1},
		{Span{0.1, 0.2}, 0.3, 2, 3}, // and not 4 for a rounding error
		{Span{1e-300, 1e-299}, 1e300, 1e9, 1e9},
	} {
		if low, high := c.holds.Units(c.rate); low != c.low || high != c.high {
			t.Errorf("%v for %v/s: %d to %d, want %d to %d", c.holds, c.rate, low, high, c.low, c.high)
		}
	}
}

func TestMixed(t *testing.T) {
	at := func(share, low, high float64) point { return point{share, Span{low, high}, nil} }
	full, resumed := at(0, 100, 110), at(1, 400, 440)
	for _, c := range []struct {
		what   string
		points []point
		share  float64
		low    float64
		high   float64
		basis  results.PlanBasis
	}{
		{"as measured", []point{full, resumed}, 1, 400, 440, results.PlanMeasured},
		{"half a handshake of each", []point{full, resumed}, 0.5, 160, 176, results.PlanInterpolated},
		{"the order does not matter", []point{resumed, full}, 0.5, 160, 176, results.PlanInterpolated},
		{"full alone: half cost as much, or nothing", []point{full}, 0.5, 100, 220, results.PlanBounded},
		{"full alone: all resumed may cost nothing", []point{full}, 1, 100, inf, results.PlanBounded},
		{"resumed alone: full ones may cost anything", []point{resumed}, 0, 0, 440, results.PlanBounded},
		{"a mixture alone: its full half is all there is, or a half", []point{at(0.5, 160, 176)}, 0, 80, 176, results.PlanBounded},
		{"the nearer of two below", []point{full, at(0.5, 160, 176)}, 0.75, 160, 352, results.PlanBounded},
		{"twice: what either may be", []point{full, at(0, 90, 105)}, 0, 90, 110, results.PlanMeasured},
		{"twice, and between", []point{full, at(0, 90, 105), resumed}, 0.5, 1 / (.5/90 + .5/400), 176, results.PlanInterpolated},
		{"an open end stays open", []point{at(0, 100, inf), at(1, 400, inf)}, 0.5, 160, inf, results.PlanInterpolated},
		{"nothing", nil, 0.5, 0, inf, results.PlanUnknown},
	} {
		mix, basis := mixed(c.points, c.share)
		got := mix.holds
		if math.Abs(got.Low-c.low) > 1e-9 || got.High != c.high && math.Abs(got.High-c.high) > 1e-9 || basis != c.basis {
			t.Errorf("%s: %v %s, want %v to %v %s", c.what, got, basis, c.low, c.high, c.basis)
		}
	}
}

// A wider share of resumed handshakes never holds less than what full ones say,
// and bounds hold what interpolation says.
func TestBoundsHoldInterpolation(t *testing.T) {
	full, resumed := point{0, Span{100, 104}, nil}, point{1, Span{350, 365}, nil}
	for share := 0.05; share < 1; share += 0.05 {
		exact, _ := mixed([]point{full, resumed}, share)
		for _, one := range []point{full, resumed} {
			bounds, _ := mixed([]point{one}, share)
			if bounds.holds.Low > exact.holds.Low || bounds.holds.High < exact.holds.High {
				t.Errorf("%.2f from %v: %v does not hold %v", share, one.resumed, bounds, exact)
			}
		}
	}
}

func searched(path string, kind results.PathKind, resumed bool, low, high float64) *results.Capacity {
	c := &results.Capacity{
		Service: "portal", Path: path, Kind: kind, Address: path + ":443", SLO: []string{"handshake.p99<50ms"}, LowRate: low, Valid: true,
		Asked: results.Shape{Version: "TLSv1.3", SignatureScheme: "ecdsa_secp256r1_sha256", Resumed: &resumed},
	}
	if high > 0 {
		c.HighRate = &high
	}
	return c
}

// lab is a service whose load balancer and HSM hold less than an instance alone.
func lab() *Evidence {
	e := new(Evidence)
	e.Put(&results.Endpoint{Service: "portal", Path: "nlb", Kind: results.Passthrough}, "scan:2")
	e.Put(&results.Endpoint{Service: "portal", Path: "i-2", Kind: results.Instance}, "scan:3")
	e.Put(&results.Endpoint{Service: "shop", Path: "alb", Kind: results.LBTerminated}, "scan:4")
	e.Put(searched("hsm", results.HSMOffloaded, false, 200, 210), "run:9")
	e.Put(searched("i-1", results.Instance, false, 1000, 1050), "run:7")
	e.Put(searched("i-1", results.Instance, true, 4000, 4200), "run:8")
	e.Put(searched("alb", results.LBTerminated, false, 500, 525), "run:6")
	return e
}

func TestPlans(t *testing.T) {
	plans := lab().Plans(results.Load{Rate: 2000, Spare: 1})
	type row struct {
		path      string
		low, high int
		binds     results.Binding
	}
	want := []row{{"alb", 5, 5, results.BindsLoadBalancer}, {"", 0, 0, results.BindsUnknown}, {"i-1", 3, 3, results.BindsInstance}, {"hsm", 11, 11, results.BindsKeyDevice}}
	if len(plans) != len(want) {
		t.Fatalf("%d plans, want %d", len(plans), len(want))
	}
	for i, p := range plans {
		got := row{p.Path, count(p.UnitsLow), count(p.UnitsHigh), p.Binds}
		if got != want[i] {
			t.Errorf("plan %d is %+v, want %+v", i, got, want[i])
		}
	}
	if p := plans[1]; p.Kind != results.Passthrough || p.Unmeasured[0] != "nlb" || Told(p) {
		t.Errorf("a kind that was not measured: %+v", p)
	}
	if p := plans[2]; len(p.From) != 1 || p.From[0] != "run:7" {
		t.Errorf("the instance's plan is from %v", p.From)
	}
	if b := plans[0].Billed; len(b) != 2 || b[0].Count != 80 || b[1].Count != 40 || b[0].Source == "" {
		t.Errorf("a load balancer is billed %+v", b)
	}
}

func count(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func TestHeadroomAndMixture(t *testing.T) {
	plans := lab().Plans(results.Load{Rate: 1600, ResumeRatio: 0.5, Headroom: 0.5})
	for _, p := range plans {
		switch p.Path {
		case "i-1": // 1600 of each unit's 1600 to 1680, half of which is to be free
			if count(p.UnitsLow) != 2 || count(p.UnitsHigh) != 2 || p.Basis != results.PlanInterpolated {
				t.Errorf("%d to %d units, %s", count(p.UnitsLow), count(p.UnitsHigh), p.Basis)
			}
		case "alb": // half of 500 to 2 × 525
			if count(p.UnitsLow) != 4 || count(p.UnitsHigh) != 7 || p.Basis != results.PlanBounded {
				t.Errorf("%d to %d units, %s", count(p.UnitsLow), count(p.UnitsHigh), p.Basis)
			}
		}
	}
}

func TestEnough(t *testing.T) {
	for have, want := range map[int]results.Answer{3: results.No, 4: results.Unknown, 7: results.Yes} {
		for _, p := range lab().Plans(results.Load{Rate: 1600, ResumeRatio: 0.5, Headroom: 0.5, Units: have}) {
			if p.Path == "alb" && p.Enough != want {
				t.Errorf("%d: %s, want %s", have, p.Enough, want)
			}
			if p.Path == "alb" && Told(p) != (want != results.Unknown) {
				t.Errorf("%d: told is %v", have, Told(p))
			}
		}
	}
}

func TestKeyDevice(t *testing.T) {
	for _, c := range []struct {
		what  string
		load  results.Load
		count int
		why   string
		binds results.Binding
	}{
		{"not said", results.Load{Rate: 2000}, 0, "--hsm", results.BindsKeyDevice},
		{"published", results.Load{Rate: 2000, HSM: "hsm2m.medium", Spare: 1}, 3, "", results.BindsKeyDevice},
		{"resumed ones sign nothing", results.Load{Rate: 8000, ResumeRatio: 0.5, HSM: "hsm2m.medium"}, 3, "", results.BindsKeyDevice},
		{"more than is published", results.Load{Rate: 20000, HSM: "hsm2m.medium"}, 0, "more than is published of 6, 7000", results.BindsKeyDevice},
		{"as given, with headroom", results.Load{Rate: 1000, Signs: 500, Headroom: 0.5, Spare: 2}, 6, "", results.BindsKeyDevice},
	} {
		for _, p := range lab().Plans(c.load) {
			if p.Path != "hsm" {
				continue
			}
			if d := p.KeyDevice; count(d.Count) != c.count || !strings.Contains(d.Why, c.why) || p.Binds != c.binds {
				t.Errorf("%s: %d devices (%s), %s binds", c.what, count(d.Count), d.Why, p.Binds)
			}
		}
	}
}

// A trial that held its rate bounds from one side; one that fell behind says
// nothing; nor do those of a path whose capacity was searched for.
func TestTrialsBound(t *testing.T) {
	trial := func(path string, achieved float64) *results.Trial {
		return &results.Trial{Service: "portal", Path: path, Kind: results.Instance, OfferedRate: 100, AchievedRate: achieved, Due: 1000, Handshakes: 1000, Valid: true}
	}
	e := new(Evidence)
	e.Put(trial("i-1", 99.5), "a:2")
	e.Put(trial("i-2", 80), "a:3")
	e.Put(trial("i-3", 99.5), "a:4")
	e.Put(searched("i-3", results.Instance, false, 40, 42), "b:2")
	plans := e.Plans(results.Load{Rate: 200})
	if len(plans) != 2 {
		t.Fatalf("%d plans", len(plans))
	}
	if p := plans[0]; p.Path != "i-1" || p.Basis != results.PlanHeld || p.UnitsLow != nil || count(p.UnitsHigh) != 3 || Told(p) {
		t.Errorf("a trial that was held: %+v", p)
	}
	if p := plans[1]; p.Path != "i-3" || count(p.UnitsHigh) != 5 {
		t.Errorf("a path that was searched: %+v", p)
	}
}

// Every figure that is published has its source, and more of a device never sign
// less.
func TestPublished(t *testing.T) {
	all := figures()
	if all.KeyDevices.Source == "" || all.Billing.Source == "" || len(all.Billing.Units) == 0 {
		t.Error("a figure has no source")
	}
	for i, c := range all.KeyDevices.Clusters[1:] {
		if before := all.KeyDevices.Clusters[i]; before.Type == c.Type && before.Key == c.Key && (before.HSMs >= c.HSMs || before.Signs > c.Signs) {
			t.Errorf("%+v stands behind %+v", c, before)
		}
	}
	if len(HSMs()) < 2 {
		t.Errorf("types: %v", HSMs())
	}
}
