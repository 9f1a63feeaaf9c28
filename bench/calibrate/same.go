// Same and planted: a path beside itself, and beside one that is slower by a
// known part. A comparison that finds differences where there are none, or misses
// those that it promised to find, is worth nothing.

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

// The runs' form: short blocks, at a rate that keeps the machine half idle.
const (
	pairRate   = 400
	pairBlock  = 50 * time.Millisecond
	sameBlocks = 8
	confidence = 0.95
	power      = 0.80
	planted    = 1.05
	// mostBlocks bounds a run with a planted slowdown, however noisy the machine.
	mostBlocks = 100
)

func (c *calibration) itself(ctx context.Context) error {
	r, err := start(ctx, c.Spawn, Schedule{})
	if err != nil {
		return err
	}
	defer r.stop()
	rec := &results.Calibration{Part: Same, RatePerS: pairRate, Runs: c.Same, Blocks: sameBlocks}
	found := 0
	for range c.Same {
		c.step(fmt.Sprintf("a path beside itself, %d different so far", found))
		p, err := c.pair(ctx, r, 0, 0, sameBlocks)
		switch {
		case err != nil:
			return err
		case p.Verdict == stats.Invalid:
			rec.Unfit++
		case p.PAdjusted < 1-confidence:
			found++
		}
	}
	fit := c.Same - rec.Unfit
	limit := atMost(fit, 1-confidence)
	rec.Found, rec.Limit = &found, &limit
	rec.Verdict = judged(found <= limit)
	if fit < (c.Same+1)/2 {
		rec.Verdict, rec.Why = results.CalibrationUnknown, fmt.Sprintf("%d of %d runs were invalid", rec.Unfit, c.Same)
	}
	return c.put(rec)
}

// plant compares a server with one that works longer on each handshake. How much
// longer is 5 % of what the unburdened one's median was in the run before: so the
// slowdown keeps step with a machine whose speed drifts.
func (c *calibration) plant(ctx context.Context) error {
	r, err := start(ctx, c.Spawn, Schedule{}, Schedule{})
	if err != nil {
		return err
	}
	defer r.stop()
	blocks, median, err := c.pilot(ctx, r)
	if err != nil {
		return err
	}
	if blocks == 0 {
		c.done += c.Planted
		return c.unknown(Planted, fmt.Errorf("no pilot run was valid at %d handshakes a second: this machine is too busy", pairRate))
	}
	rec := &results.Calibration{Part: Planted, RatePerS: pairRate, Blocks: blocks, Planted: planted}
	found := 0
	var ratios []float64
	// Runs that promise nothing are made up for, but not without end.
	for ; rec.Runs-rec.Unfit < c.Planted && rec.Runs < 2*c.Planted; rec.Runs++ {
		if rec.Runs < c.Planted {
			c.step(fmt.Sprintf("a planted slowdown, found %d times", found))
		}
		if err := r.burden(1, time.Duration((planted-1)*median*1e3)); err != nil {
			return err
		}
		p, err := c.pair(ctx, r, 0, 1, blocks)
		switch {
		case err != nil:
			return err
		case p.Verdict == stats.Invalid || p.MinDetectable > planted:
			rec.Unfit++ // nothing was promised
			continue
		case p.PAdjusted < 1-confidence && p.Ratio > 1:
			found++
		}
		median = p.base
		ratios = append(ratios, p.Ratio)
	}
	fit := rec.Runs - rec.Unfit
	limit := atLeast(fit, power)
	rec.Found, rec.Limit, rec.Detected = &found, &limit, rank(ratios, 0.5)
	rec.Verdict = judged(found >= limit)
	if fit < (c.Planted+1)/2 {
		rec.Verdict = results.CalibrationUnknown
		rec.Why = fmt.Sprintf("in %d of %d runs of %d blocks this machine was too noisy for a promise", rec.Unfit, rec.Runs, blocks)
	}
	return c.put(rec)
}

// pilot finds how many blocks promise to find the slowdown, with some to spare,
// and the median handshake in µs; none if no pilot run was valid.
func (c *calibration) pilot(ctx context.Context, r *remote) (int, float64, error) {
	const tries, of = 3, 10
	var needs, medians []float64
	for range tries {
		p, err := c.pair(ctx, r, 0, 0, of)
		if err != nil {
			return 0, 0, err
		}
		if p.Verdict == stats.Invalid {
			continue
		}
		// The minimum detectable ratio's logarithm falls with the root of the blocks.
		off := math.Log(p.MinDetectable) / math.Log(planted)
		needs = append(needs, of*off*off)
		medians = append(medians, p.base)
	}
	if len(needs) == 0 {
		return 0, 0, nil
	}
	return int(min(max(2*rank(needs, 0.5), 16), mostBlocks)), rank(medians, 0.5), nil
}

// pair is a comparison, with the baseline's median in µs.
type pair struct {
	results.Comparison
	base float64
}

func (c *calibration) pair(ctx context.Context, r *remote, a, b, blocks int) (pair, error) {
	m, err := c.bench(ctx, bench.Plan{
		Paths: []bench.Path{r.path(a, "a"), r.path(b, "b")}, Rate: pairRate,
		Blocks: blocks, Duration: time.Duration(blocks) * pairBlock,
	}, false)
	if err != nil {
		return pair{}, err
	}
	compared := m.Compare(stats.Options{Confidence: confidence})
	if len(compared) == 0 || m.Trials[0].Phases.Handshake == nil {
		return pair{Comparison: results.Comparison{Verdict: stats.Invalid}}, nil
	}
	return pair{*compared[0], m.Trials[0].Phases.Handshake.P50US}, nil
}

// atMost and atLeast bound what comes of n runs whose chance is p, by as many
// standard deviations as leave an honest instrument one chance in a hundred to
// fail: of 200 at 5 %, 18 at most; of 100 at 80 %, 71 at least.
func atMost(n int, p float64) int {
	return int(math.Ceil(float64(n)*p + 2.33*math.Sqrt(float64(n)*p*(1-p))))
}

func atLeast(n int, p float64) int {
	return int(math.Ceil(float64(n)*p - 2.33*math.Sqrt(float64(n)*p*(1-p))))
}
