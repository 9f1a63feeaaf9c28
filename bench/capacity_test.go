package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"shakedown/bench/stats"
	"shakedown/results"
)

// model is a simulated server, and the generator before it.
type model struct {
	capacity  float64       // handshakes a second
	base      time.Duration // a handshake on the idle server
	noise     float64       // how far capacity varies from step to step: a standard deviation, as a share
	generator float64       // what the generator can do; 0: everything
	loses     float64       // share of handshakes that fail
	dead      bool          // answers nothing
	rng       *rand.Rand
	asked     []float64
}

// measure is a step on the simulated server: a queue that is served at a fixed
// rate.
func (m *model) measure(_ context.Context, plan Plan) (outing, error) {
	m.asked = append(m.asked, plan.Rate)
	t := newTrial(plan, plan.Paths[0], time.Unix(int64(len(m.asked)), 0))
	if m.dead {
		t.record.Due, t.record.Failures = 1, []results.Failure{{Kind: results.KindRefused, Count: 1}}
		t.fail(t.record.Failures[0])
		return outing{trial: t.finish(1)}, nil
	}
	capacity := m.capacity * max(0.1, 1+m.noise*m.rng.NormFloat64())
	warm := int(plan.Rate * plan.WarmUp.Seconds())
	n, completed, free := int(plan.Rate*plan.Duration.Seconds()), 0, -plan.WarmUp.Seconds()
	for i := -warm; i < n; i++ {
		due := float64(i) / plan.Rate
		free = max(free, due) + 1/capacity
		if i >= 0 {
			t.record.Due++
		}
		if m.rng.Float64() < m.loses {
			if i >= 0 {
				t.fail(results.Failure{Stage: results.StageHello, Kind: results.KindReset})
			}
			continue
		}
		took := free - due + m.base.Seconds()*(0.9+0.2*m.rng.Float64())
		if done := due + took; done >= 0 && done < plan.Duration.Seconds() {
			completed++
		}
		if i < 0 {
			continue
		}
		t.record.Handshakes++
		t.all.handshake.Record(time.Duration(took * 1e9))
		t.all.total.Record(time.Duration(took * 1e9))
		t.lag.Record(0)
		if m.generator > 0 && plan.Rate > m.generator {
			t.cpu = 95
		}
	}
	t.wall, t.blocks = 100, plan.Blocks
	return outing{trial: t.finish(1), blocks: []*results.Block{{Completed: completed}}, idle: m.base}, nil
}

func simulated(t *testing.T, levels Levels, rate float64, servers ...*model) []*results.Capacity {
	t.Helper()
	plan := Plan{Rate: rate, Duration: 5 * time.Second, Blocks: 1, Seed: 3}
	for i := range servers {
		servers[i].rng = rand.New(rand.NewPCG(uint64(i), 11))
		plan.Paths = append(plan.Paths, Path{Service: "s", Name: fmt.Sprint(i), Address: netip.MustParseAddrPort("127.0.0.1:1")})
	}
	plan, err := plan.Complete()
	if err != nil {
		t.Fatal(err)
	}
	var put []results.Record
	env := Env{Put: func(r results.Record) error { put = append(put, r); return nil }}
	_, all, err := findCapacity(t.Context(), plan, levels, env, func(ctx context.Context, plan Plan) (outing, error) {
		i, err := strconv.Atoi(plan.Paths[0].Name)
		if err != nil {
			t.Fatal(err)
		}
		return servers[i].measure(ctx, plan)
	})
	if err != nil || len(put) != len(servers) || len(all) != len(servers) {
		t.Fatalf("%d records, %d answers of %d paths, error %v", len(put), len(all), len(servers), err)
	}
	return all
}

func slo(t *testing.T, texts ...string) Levels {
	t.Helper()
	var l Levels
	for _, text := range texts {
		o, err := stats.ParseObjective(text)
		if err != nil {
			t.Fatal(err)
		}
		l.Objectives = append(l.Objectives, o)
	}
	return l
}

func TestFindCapacity(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name      string
		server    *model
		slo       []string
		rate      float64
		low, high float64 // the answer is an interval within these; high 0: it is open
		limitedBy results.LimitedBy
		valid     bool
		why       string
		most      int // steps
	}{
		{"known", &model{capacity: 3000, base: ms}, []string{"handshake.p99<50ms"}, 100, 2700, 3200, "server", true, "", 16},
		{"known, by pace and errors alone", &model{capacity: 730, base: ms}, nil, 100, 680, 830, "server", true, "", 16},
		{"slow, but no slower", &model{capacity: 1e9, base: 80 * ms}, []string{"handshake.p99<50ms"}, 100, 0, 2, "server", true, "", 8},
		{"begun above it", &model{capacity: 40, base: ms}, nil, 1000, 36, 48, "server", true, "", 16},
		{"noisy", &model{capacity: 3000, base: ms, noise: 0.03}, []string{"handshake.p99<50ms"}, 100, 2500, 3400, "server", true, "", 24},
		{"the generator is weaker", &model{capacity: 9000, base: ms, generator: 2000}, []string{"handshake.p99<50ms"}, 100, 1800, 0, "generator", false, "/s the generator was the limit", 16},
		{"no limit", &model{capacity: 1e9, base: 1000}, []string{"handshake.p99<50ms"}, 100, 100_000, 0, "unknown", false, "every rate held", 16},
		{"it never holds", &model{capacity: 1e9, base: ms, loses: 0.3}, []string{"handshake.p99<50ms"}, 100, 0, 2, "server", true, "", 8},
		{"it does not answer", &model{dead: true}, nil, 100, 0, 0, "unknown", false, "no handshake of the asked shape", 0},
		{"a tail too fine", &model{capacity: 9000, base: ms, generator: 400}, []string{"handshake.p999<50ms"}, 100, 350, 0, "generator", false, "", 16},
		{"too little to tell", &model{capacity: 9000, base: ms, generator: 100}, []string{"handshake.p999<50ms"}, 80, 0, 0, "generator", false, "the generator was the limit", 8},
		{"more in flight than allowed", &model{capacity: 1e9, base: 400 * ms}, nil, 100, 4700, 0, "generator", false, "in flight, and 2000 are allowed", 16},
		{"far away", &model{capacity: 900, base: 1500 * ms}, nil, 100, 820, 1050, "server", true, "", 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := simulated(t, slo(t, c.slo...), c.rate, c.server)[0]
			t.Logf("%v to %v in %d steps: %v", got.LowRate, deref(got.HighRate), len(got.Steps), got.InvalidWhy)
			if got.LowRate < c.low || c.high > 0 && (got.HighRate == nil || *got.HighRate > c.high) || c.high == 0 && got.HighRate != nil {
				t.Errorf("%v to %v, want an interval within %v to %v", got.LowRate, deref(got.HighRate), c.low, c.high)
			}
			if got.HighRate != nil && got.LowRate > 0 && *got.HighRate/got.LowRate > precision*1.001 {
				t.Errorf("the gap is %v to %v", got.LowRate, *got.HighRate)
			}
			if got.LimitedBy != c.limitedBy || got.Valid != c.valid || got.Valid != (len(got.InvalidWhy) == 0) {
				t.Errorf("limited by %s, valid %v: %q; want %s, %v", got.LimitedBy, got.Valid, got.InvalidWhy, c.limitedBy, c.valid)
			}
			if len(got.Steps) > c.most {
				t.Errorf("%d steps, at most %d expected: %v", len(got.Steps), c.most, c.server.asked)
			}
			if why := strings.Join(got.InvalidWhy, "; "); c.why != "" && !strings.Contains(why, c.why) {
				t.Errorf("invalid: %q, want %q in it", why, c.why)
			}
			ends(t, got)
		})
	}
}

func deref(v *float64) float64 {
	if v == nil {
		return math.Inf(1)
	}
	return *v
}

// ends checks that the ends of an interval were tried twice, and say the same.
func ends(t *testing.T, c *results.Capacity) {
	t.Helper()
	if !c.Valid {
		return
	}
	count := map[float64]map[results.StepVerdict]int{}
	for _, s := range c.Steps {
		if count[s.Rate] == nil {
			count[s.Rate] = map[results.StepVerdict]int{}
		}
		count[s.Rate][s.Verdict]++
		if s.Verdict != results.StepHeld && s.Why == "" {
			t.Errorf("step %+v does not say why", s)
		}
	}
	if low := count[c.LowRate]; c.LowRate > 0 && low["held"] < 2 {
		t.Errorf("the accepted rate %v: %v", c.LowRate, low)
	}
	if high := count[*c.HighRate]; high["missed"] < 2 {
		t.Errorf("the refused rate %v: %v", *c.HighRate, high)
	}
}

// Over many noisy searches the interval holds the capacity, or nearly so.
func TestFindCapacityNoise(t *testing.T) {
	off := 0
	for seed := range uint64(20) {
		m := &model{capacity: 1000, base: time.Millisecond, noise: 0.02}
		l := slo(t, "handshake.p99<50ms")
		plan, err := Plan{Paths: []Path{{Service: "s", Name: "a"}}, Rate: 100, Duration: 2 * time.Second, Blocks: 1}.Complete()
		if err != nil {
			t.Fatal(err)
		}
		m.rng = rand.New(rand.NewPCG(seed, 5))
		_, all, err := findCapacity(t.Context(), plan, l, Env{Put: func(results.Record) error { return nil }}, m.measure)
		if err != nil {
			t.Fatal(err)
		}
		// A queue that grows by 2.5 % shows after two seconds.
		if c := all[0]; c.LowRate < 920 || deref(c.HighRate) > 1130 {
			off++
			t.Logf("seed %d: %v to %v", seed, c.LowRate, deref(c.HighRate))
		}
	}
	if off > 2 {
		t.Errorf("%d of 20 searches are off", off)
	}
}

// Paths take turns, and a path whose search is over is left alone.
func TestFindCapacityTurns(t *testing.T) {
	a, b := &model{capacity: 500, base: time.Millisecond}, &model{dead: true}
	got := simulated(t, Levels{}, 100, a, b)
	if got[0].LowRate < 450 || got[1].Valid || len(b.asked) != 1 {
		t.Errorf("%+v, %+v; the dead one was asked %d times", got[0], got[1], len(b.asked))
	}
}

// A list of rates is tried as it stands.
func TestLevels(t *testing.T) {
	m := &model{capacity: 300, base: time.Millisecond}
	levels := slo(t, "handshake.p99<50ms")
	levels.Rates = []float64{100, 200, 400, 800}
	got := simulated(t, levels, 1, m)[0]
	if !slices.Equal(m.asked, levels.Rates) {
		t.Errorf("asked %v", m.asked)
	}
	if got.LowRate != 200 || deref(got.HighRate) != 400 || !got.Valid || got.LimitedBy != "server" {
		t.Errorf("%+v", got)
	}
	if want := []string{"handshake.p99<50ms", "errors<1%", "completed>=98%"}; !slices.Equal(got.SLO, want) {
		t.Errorf("SLO %q, want %q", got.SLO, want)
	}
}

// Interrupted: what was found is kept, and is not called an answer.
func TestFindCapacityInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := &model{capacity: 1e6, base: time.Millisecond, rng: rand.New(rand.NewPCG(1, 1))}
	plan, err := Plan{Paths: []Path{{Service: "s", Name: "a"}}, Duration: time.Second, Blocks: 1}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	outcome, all, err := findCapacity(ctx, plan, Levels{}, Env{Put: func(results.Record) error { return nil }}, func(ctx context.Context, plan Plan) (outing, error) {
		if steps++; steps == 3 {
			cancel()
			return outing{}, nil
		}
		return m.measure(ctx, plan)
	})
	if err != nil || !outcome.Interrupted || len(all) != 1 {
		t.Fatalf("outcome %+v, %d answers, error %v", outcome, len(all), err)
	}
	if c := all[0]; c.Valid || len(c.Steps) != 2 || c.HighRate != nil || !strings.HasPrefix(c.InvalidWhy[0], "interrupted after 2 steps") {
		t.Errorf("%+v", c)
	}
}

// Records that cannot be put end the search.
func TestFindCapacityError(t *testing.T) {
	full := errors.New("full")
	plan, err := Plan{Paths: []Path{{}}, Duration: time.Second, Blocks: 1}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = findCapacity(t.Context(), plan, Levels{}, Env{}, func(context.Context, Plan) (outing, error) { return outing{}, full })
	if !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}
