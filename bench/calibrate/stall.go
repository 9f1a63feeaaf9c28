// Stall: servers that keep their clients waiting by a schedule, at several rates.

package calibrate

import (
	"context"
	"fmt"
	"math"
	"time"

	"shakedown/bench"
	"shakedown/bench/stats"
	"shakedown/results"
)

// maxStallError is how far the p99 of a stalled server may be off.
const maxStallError = 0.02

func stallRates() []float64 { return []float64{100, 200, 400} }

func (c *calibration) stall(ctx context.Context) error {
	names := []string{"sequence", "freeze"}
	schedules := []Schedule{sequence(), freeze()}
	r, err := start(ctx, c.Spawn, schedules...)
	if err != nil {
		return err
	}
	defer r.stop()
	rates := stallRates()
	each := c.Duration / 2 / time.Duration(len(rates)*len(schedules))
	for i, s := range schedules {
		for _, rate := range rates {
			c.step("stalled server, " + names[i])
			if _, err := r.late(i); err != nil {
				return err
			}
			m, err := c.bench(ctx, bench.Plan{Paths: []bench.Path{r.path(i, names[i])}, Rate: rate, Duration: s.whole(rate, each)}, false)
			if err != nil {
				return err
			}
			late, err := r.late(i)
			if err != nil {
				return err
			}
			if err := c.compareStall(names[i], s, rate, m, late); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareStall sets the quantiles of the total, which counts from the instant at
// which a connection was due, beside those of the schedule.
func (c *calibration) compareStall(name string, s Schedule, rate float64, m *measured, late time.Duration) error {
	trial := m.Trials[0]
	invalid := m.valid()
	lag := 0.0
	if p := trial.Generator.LagP99US; p != nil {
		lag = *p
	}
	for _, q := range []float64{0.5, 0.9, 0.99} {
		rec := &results.Calibration{
			Part: Stall, Subject: name, RatePerS: rate, Samples: trial.Handshakes, Phase: "total", Quantile: quantileName(q),
			ExpectedUS: micros(s.quantile(q)),
		}
		if d := trial.Phases.Total; d != nil {
			rec.MeasuredUS = quantileOf(d, q)
		}
		if rec.ExpectedUS > 0 {
			e := rec.MeasuredUS/rec.ExpectedUS - 1
			rec.ErrorRatio = &e
		}
		switch {
		case invalid != nil:
			rec.Verdict, rec.Why = results.CalibrationUnknown, invalid.Error()
		case q == 0.99:
			rec.LimitRatio = maxStallError
			off := math.Abs(*rec.ErrorRatio)
			rec.Verdict = judged(off <= maxStallError)
			if busy := micros(late) + lag; off > maxStallError && busy > off*rec.ExpectedUS/2 {
				rec.Verdict = results.CalibrationUnknown
				rec.Why = fmt.Sprintf("this machine is too busy: the server itself answered up to %.1f ms late, and connections began up to %.1f ms late", micros(late)/1e3, lag/1e3)
			}
		}
		if err := c.put(rec); err != nil {
			return err
		}
	}
	return nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

func quantileName(q float64) string {
	switch q {
	case 0.5:
		return "p50"
	case 0.9:
		return "p90"
	}
	return "p99"
}

func quantileOf(d *results.Dist, q float64) float64 {
	h, err := stats.Decode(d)
	if err != nil {
		return 0 // made by ourselves a moment ago
	}
	return micros(h.Quantile(q))
}
