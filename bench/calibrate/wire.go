// Wire: what the clients report of each handshake beside what a capture of its
// packets shows.

package calibrate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/results"
)

// rounds is how often each client is measured, turn by turn.
const rounds = 5

// The bars: the median difference, and the p99's, or half of what crypto/tls
// misreports.
const (
	maxWireMedian = 20.0
	maxWireTail   = 200.0
	maxWireRate   = 1000 // what is captured must fit
)

func (c *calibration) wire(ctx context.Context) error {
	r, err := start(ctx, c.Spawn, Schedule{})
	if err != nil {
		return err
	}
	defer r.stop()
	t, err := openTap(r.addresses[0])
	if err != nil {
		c.done += 2*rounds + 1
		return c.unknown(Wire, err)
	}
	defer t.close()
	each := max(c.Duration/4/(2*rounds), 500*time.Millisecond)
	rate, err := c.half(ctx, r)
	if err != nil {
		return err
	}
	seen := map[string][]differences{}
	for range rounds {
		for _, who := range []bench.Client{bench.Lean, bench.Stock} {
			c.step(fmt.Sprintf("wire truth, %s client at %.0f/s", who, rate))
			d, err := c.round(ctx, t, bench.Plan{Paths: []bench.Path{r.path(0, "wire")}, Client: who, Rate: rate, Duration: each})
			if err != nil {
				return err
			}
			seen[string(who)] = append(seen[string(who)], d)
		}
	}
	if n := t.dropped(); n > 0 {
		return c.unknown(Wire, fmt.Errorf("%d packets were not captured", n))
	}
	return c.wireRecords(rate, seen)
}

// half is half of what the server makes on this machine in a closed loop.
func (c *calibration) half(ctx context.Context, r *remote) (float64, error) {
	c.step("how much this machine can do")
	m, err := c.bench(ctx, bench.Plan{Paths: []bench.Path{r.path(0, "wire")}, Loop: results.ClosedLoop, Connections: 8, Duration: time.Second}, false)
	if err != nil {
		return 0, err
	}
	rate := m.Trials[0].AchievedRate / 2
	if rate < 1 {
		return 0, fmt.Errorf("no load could be put on a server of our own: %+v", m.Trials[0].Failures)
	}
	return math.Round(min(rate, maxWireRate)), nil
}

// differences are reported − wire by phase, in µs, of one round.
type differences struct {
	by      map[string][]float64
	missing int // handshakes of which not all was captured
}

// round measures a client and captures its packets.
func (c *calibration) round(ctx context.Context, t *tap, plan bench.Plan) (differences, error) {
	stop, drained := make(chan struct{}), make(chan error, 1)
	go func() { drained <- t.follow(stop) }()
	m, err := c.bench(ctx, plan, true)
	close(stop)
	if failed := <-drained; err == nil {
		err = failed
	}
	if err != nil {
		return differences{}, err
	}
	d := t.flows.compare(m.samples)
	t.flows.forget()
	return d, nil
}

// follow reads what is captured, now and then, until the end and once more.
func (t *tap) follow(stop <-chan struct{}) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return t.drain()
		case <-tick.C:
			if err := t.drain(); err != nil {
				return err
			}
		}
	}
}

func (s *flows) forget() {
	clear(s.open)
	clear(s.done)
}

// compare joins handshakes and flows. Only intervals are compared: the two have
// different clocks.
func (s *flows) compare(samples []client.Sample) differences {
	d := differences{by: map[string][]float64{}}
	for i := range samples {
		x := &samples[i]
		f := s.done[x.Token]
		if f == nil || f.synack == 0 || f.serverHello == 0 || f.done == 0 {
			d.missing++
			continue
		}
		add := func(phase string, reported, wire time.Duration) {
			d.by[phase] = append(d.by[phase], micros(reported-wire))
		}
		add("connect", x.Connected-x.Start, f.synack-f.syn)
		add("server_hello", x.ServerHello-x.Hello, f.serverHello-f.hello)
		add("handshake", x.Done-x.Hello, f.done-f.hello)
	}
	return d
}

// wirePhases are those that the wire shows.
func wirePhases() []string { return []string{"connect", "server_hello", "handshake"} }

// wireRecords puts the medians of the rounds. The stock client has no bar: it is
// the yardstick.
func (c *calibration) wireRecords(rate float64, seen map[string][]differences) error {
	for _, phase := range wirePhases() {
		stock := c.wireRecord(string(bench.Stock), phase, rate, seen)
		lean := c.wireRecord(string(bench.Lean), phase, rate, seen)
		lean[0].LimitUS = maxWireMedian
		lean[1].LimitUS = maxWireTail
		if *lean[1].DifferenceUS > maxWireTail {
			lean[1].LimitUS = max(maxWireTail, *stock[1].DifferenceUS/2)
		}
		for _, r := range lean {
			if r.Verdict == "" {
				r.Verdict = judged(*r.DifferenceUS <= r.LimitUS)
			}
		}
		for _, r := range append(lean, stock...) {
			if err := c.put(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// wireRecord makes the records of p50 and p99.
func (c *calibration) wireRecord(who, phase string, rate float64, seen map[string][]differences) []*results.Calibration {
	var list []*results.Calibration
	for _, q := range []float64{0.5, 0.99} {
		rec := &results.Calibration{Part: Wire, Subject: who, RatePerS: rate, Rounds: len(seen[who]), Phase: phase, Quantile: quantileName(q)}
		var off, bias []float64
		for _, d := range seen[who] {
			rec.Samples += len(d.by[phase])
			off = append(off, rank(absolute(d.by[phase]), q))
			bias = append(bias, rank(d.by[phase], 0.5))
			if err := tooFew(d, phase); err != nil && who == string(bench.Lean) {
				rec.Verdict, rec.Why = results.CalibrationUnknown, err.Error()
			}
		}
		difference, signed := rank(off, 0.5), rank(bias, 0.5)
		rec.DifferenceUS, rec.BiasUS = &difference, &signed
		list = append(list, rec)
	}
	return list
}

// tooFew: where much was not captured, what was may not be like the rest.
func tooFew(d differences, phase string) error {
	n := len(d.by[phase])
	if d.missing*100 <= n && n > 0 {
		return nil
	}
	return fmt.Errorf("%d of %d handshakes were not found in the capture", d.missing, d.missing+n)
}

func absolute(v []float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = math.Abs(x)
	}
	return out
}

// rank is the quantile q of values, 0 of none.
func rank(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(v))
	return sorted[min(max(int(math.Ceil(q*float64(len(sorted))))-1, 0), len(sorted)-1)]
}
