// Floor: what a server measures that does nothing beside TLS, on loopback. No
// server can measure less here; of a difference between two others, the floor is
// no part.

package calibrate

import (
	"context"
	"time"

	"shakedown/bench"
	"shakedown/results"
)

// floorRate is low: nobody waits for anybody.
const floorRate = 200

func (c *calibration) floor(ctx context.Context) error {
	r, err := start(ctx, c.Spawn, Schedule{})
	if err != nil {
		return err
	}
	defer r.stop()
	c.step("null target")
	m, err := c.bench(ctx, bench.Plan{Paths: []bench.Path{r.path(0, "null")}, Rate: floorRate, Duration: max(c.Duration/20, time.Second)}, false)
	if err != nil {
		return err
	}
	trial := m.Trials[0]
	if err := m.valid(); err != nil {
		return c.unknown(Floor, err)
	}
	for _, p := range []struct {
		name string
		d    *results.Dist
	}{{"connect", trial.Phases.Connect}, {"server_hello", trial.Phases.ServerHello}, {"handshake", trial.Phases.Handshake}, {"total", trial.Phases.Total}} {
		for _, q := range []float64{0.5, 0.99} {
			if err := c.floorRecord(trial, p.name, quantileName(q), quantileOf(p.d, q)); err != nil {
				return err
			}
		}
	}
	if err := c.floorRecord(trial, "cpu", "mean", trial.Generator.CPUPerHandshakeUS); err != nil {
		return err
	}
	return c.floorRecord(trial, "lag", "p99", *trial.Generator.LagP99US)
}

func (c *calibration) floorRecord(t *results.Trial, phase, quantile string, us float64) error {
	return c.put(&results.Calibration{Part: Floor, Subject: t.Client, RatePerS: floorRate, Samples: t.Handshakes, Phase: phase, Quantile: quantile, MeasuredUS: us})
}
