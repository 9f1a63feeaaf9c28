// Comparisons of runs: a path beside itself at another time. Blocks of two runs
// have no rounds in common, so they cannot be paired: the difference of their
// mean logarithms is held against what varies within each run (Welch's t, with
// the degrees of freedom of Satterthwaite). What the machine or the network did
// to a whole run is in the difference too; the interval knows nothing of it.

package stats

import (
	"maps"
	"math"
	"slices"

	"shakedown/results"
)

// Since sets every trial of a run beside the same path's trial of the same
// asked shape in an earlier run.
func (r *Run) Since(earlier *Run, opt Options) []*results.Comparison {
	opt = opt.withDefaults()
	var cells []*cell
	for _, now := range r.Trials {
		i := slices.IndexFunc(earlier.Trials, func(t *results.Trial) bool {
			return t.Service == now.Service && t.Path == now.Path && alike(t.Asked, now.Asked)
		})
		if i < 0 {
			continue
		}
		for _, q := range []string{"p50", "p99"} {
			if c := r.since(earlier, earlier.Trials[i], now, q, opt); c != nil {
				cells = append(cells, c)
			}
		}
	}
	return judged(cells, opt)
}

// since compares one trial with an earlier one; nil if blocks are too short for
// the quantile.
func (r *Run) since(earlier *Run, was, is *results.Trial, quantile string, opt Options) *cell {
	old, enough := earlier.logs(was, quantile)
	now, enoughNow := r.logs(is, quantile)
	if !enough || !enoughNow {
		return nil
	}
	c := &cell{Comparison: results.Comparison{
		Service: is.Service, Baseline: was.Path, Candidate: is.Path, Shape: is.Asked, Phase: "handshake", Quantile: quantile,
		Confidence: opt.Confidence, Blocks: min(len(old), len(now)), Margin: opt.Margin, PValue: 1, PAdjusted: 1,
	}}
	if !was.Valid || !is.Valid || c.Blocks == 0 {
		c.Verdict = Invalid
	}
	c.welch(old, now)
	return c
}

// logs gives the logarithm of each block's quantile; false if a block has too
// few handshakes for it.
func (r *Run) logs(t *results.Trial, quantile string) ([]float64, bool) {
	var logs []float64
	for _, index := range slices.Sorted(maps.Keys(r.blocks[t.Trial])) {
		d := r.blocks[t.Trial][index].Phases.Handshake
		if d == nil {
			continue
		}
		if quantile == "p99" && d.N < minTail {
			return nil, false
		}
		if v := value(d, quantile); v > 0 && !math.IsInf(v, 0) {
			logs = append(logs, math.Log(v))
		}
	}
	return logs, quantile == "p50" || len(logs) > 0
}

func (c *cell) welch(old, now []float64) {
	if c.Blocks == 0 {
		return
	}
	was, wasDeviation := moments(old)
	is, isDeviation := moments(now)
	c.Ratio = math.Exp(is - was)
	if c.Blocks < 2 {
		return
	}
	a, b := wasDeviation*wasDeviation/float64(len(old)), isDeviation*isDeviation/float64(len(now))
	c.deviation = math.Sqrt(a + b)
	c.freedom = float64(c.Blocks - 1)
	if a+b > 0 {
		c.freedom = (a + b) * (a + b) / (a*a/float64(len(old)-1) + b*b/float64(len(now)-1))
	}
	c.interval(is - was)
}
