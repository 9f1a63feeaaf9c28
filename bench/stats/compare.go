// Comparisons of paths: ratios of quantiles with confidence intervals.
//
// The handshakes of a block resemble each other: a busy second makes all of them
// slow. To treat them as independent would find differences everywhere. So the
// unit of replication is the block, and blocks are paired: those of one round ran
// within seconds of each other in an order drawn by lot, so that what the machine
// and the network did to one they did to the other too.
//
// Of each round the logarithm of the ratio of the two quantiles is taken, and of
// these Student's t makes interval and p-value. Of two paths that are the same,
// the lot makes each logarithm as likely positive as negative, whatever the
// distribution of handshakes; t is then true to its level, or cautious where the
// tails are heavy, from about five rounds on. (A percentile bootstrap is not: over
// five blocks its intervals are a third too short. A permutation of signs is
// exact, but of ten rounds it has no p-value below 1/512, which many comparisons
// at once soon exhaust.) What is compared is thus the geometric mean of the
// rounds' ratios.

package stats

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"

	"shakedown/results"
)

// Options of a comparison; zero values are the defaults.
type Options struct {
	Confidence float64 // of an interval; 0 is 0.95
	Margin     float64 // a ratio up to which paths count as the same; 0 is 1.05
	// Baseline names the path of a service that the others are set beside; nil,
	// or "" for a service, is the first of kind instance, else the first.
	Baseline func(service string) string
}

func (o Options) withDefaults() Options {
	if o.Confidence == 0 {
		o.Confidence = 0.95
	}
	if o.Margin == 0 {
		o.Margin = 1.05
	}
	if o.Baseline == nil {
		o.Baseline = func(string) string { return "" }
	}
	return o
}

const (
	// minBlocks is the least from which a difference is stated.
	minBlocks = 5
	// minTail is the least number of samples of a block for its p99.
	minTail = 1000
	// power is that of the minimum detectable ratio.
	power = 0.80
)

// The verdicts of a comparison.
const (
	Same         = "same"         // the whole interval lies within the margin
	Faster       = "faster"       // the candidate, significantly after adjustment
	Slower       = "slower"       // the candidate, significantly after adjustment
	Inconclusive = "inconclusive" // neither
	Invalid      = "invalid"      // one of the trials is, or they share no block
)

// Run is the trials and blocks of a bench, as a sink gathers them.
type Run struct {
	Trials []*results.Trial
	blocks map[string]map[int]*results.Block // by trial and index
}

var _ results.Sink = (*Run)(nil)

// Put keeps a trial or block and passes over other records. A search's trials are
// let go when its record comes: they are no measurements of a path in use.
func (r *Run) Put(rec results.Record) error {
	switch rec := rec.(type) {
	case *results.Trial:
		r.Trials = append(r.Trials, rec)
	case *results.Capacity:
		r.Trials = slices.DeleteFunc(r.Trials, func(t *results.Trial) bool {
			return slices.ContainsFunc(rec.Steps, func(s results.CapacityStep) bool { return s.Trial == t.Trial })
		})
	case *results.Block:
		if r.blocks == nil {
			r.blocks = map[string]map[int]*results.Block{}
		}
		if r.blocks[rec.Trial] == nil {
			r.blocks[rec.Trial] = map[int]*results.Block{}
		}
		r.blocks[rec.Trial][rec.Index] = rec
	}
	return nil
}

// Compare sets every trial of a service beside the baseline's trial of the same
// asked shape, in the handshake's p50 and, where blocks are long enough, its p99.
func (r *Run) Compare(opt Options) []*results.Comparison {
	opt = opt.withDefaults()
	var cells []*cell
	for _, pair := range r.pairs(opt) {
		for _, q := range []string{"p50", "p99"} {
			if c := r.compare(pair[0], pair[1], q, opt); c != nil {
				cells = append(cells, c)
			}
		}
	}
	return judged(cells, opt)
}

// judged are comparisons that are made, with their verdicts.
func judged(cells []*cell, opt Options) []*results.Comparison {
	judge(cells, opt)
	var all []*results.Comparison
	for _, c := range cells {
		all = append(all, &c.Comparison)
	}
	return all
}

// cell is a comparison in the making.
type cell struct {
	results.Comparison
	deviation float64 // standard error of the mean logarithm
	freedom   float64 // its degrees of freedom
}

// pairs lists baseline and candidate of each comparison, in the trials' order.
func (r *Run) pairs(opt Options) [][2]*results.Trial {
	var pairs [][2]*results.Trial
	for _, candidate := range r.Trials {
		name := r.baseline(candidate.Service, opt)
		for _, base := range r.Trials {
			if base.Service == candidate.Service && base.Path == name && candidate.Path != name && alike(base.Asked, candidate.Asked) {
				pairs = append(pairs, [2]*results.Trial{base, candidate})
				break
			}
		}
	}
	return pairs
}

func (r *Run) baseline(service string, opt Options) string {
	if name := opt.Baseline(service); name != "" {
		return name
	}
	first := ""
	for _, t := range r.Trials {
		if t.Service != service {
			continue
		}
		if t.Kind == results.Instance {
			return t.Path
		}
		first = cmp.Or(first, t.Path)
	}
	return first
}

// alike compares shapes by what is written of them.
func alike(a, b results.Shape) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// compare makes one comparison without a verdict; nil if the blocks are too short
// for the quantile.
func (r *Run) compare(base, candidate *results.Trial, quantile string, opt Options) *cell {
	ratios, ok := r.logRatios(base, candidate, quantile)
	if !ok {
		return nil
	}
	c := &cell{Comparison: results.Comparison{
		Service: candidate.Service, Baseline: base.Path, Candidate: candidate.Path,
		Shape: candidate.Asked, Phase: "handshake", Quantile: quantile,
		Confidence: opt.Confidence, Blocks: len(ratios), Margin: opt.Margin, PValue: 1, PAdjusted: 1,
	}}
	if !base.Valid || !candidate.Valid || len(ratios) == 0 {
		c.Verdict = Invalid
	}
	c.estimate(ratios)
	return c
}

// logRatios gives one logarithm for each round in which both trials have a block
// with handshakes; false if a block has too few of them for the quantile.
func (r *Run) logRatios(base, candidate *results.Trial, quantile string) ([]float64, bool) {
	var ratios []float64
	// In order: sums of floating point depend on it.
	for _, index := range slices.Sorted(maps.Keys(r.blocks[base.Trial])) {
		c := r.blocks[candidate.Trial][index]
		if c == nil {
			continue
		}
		x, y := r.blocks[base.Trial][index].Phases.Handshake, c.Phases.Handshake
		if x == nil || y == nil {
			continue
		}
		if quantile == "p99" && min(x.N, y.N) < minTail {
			return nil, false
		}
		if ratio := value(y, quantile) / value(x, quantile); ratio > 0 && !math.IsInf(ratio, 0) {
			ratios = append(ratios, math.Log(ratio))
		}
	}
	return ratios, quantile == "p50" || len(ratios) > 0
}

func value(d *results.Dist, quantile string) float64 {
	if quantile == "p99" {
		return d.P99US
	}
	return d.P50US
}

// estimate fills in ratio, interval and p-value. A single block gives a ratio
// alone: how much it would vary nobody knows, and the interval stays 0 to 0.
func (c *cell) estimate(ratios []float64) {
	n := float64(len(ratios))
	if n == 0 {
		return
	}
	mean, deviation := moments(ratios)
	c.Ratio = math.Exp(mean)
	if n < 2 {
		return
	}
	c.deviation, c.freedom = deviation/math.Sqrt(n), n-1
	c.interval(mean)
}

// interval makes interval and p-value of a mean logarithm.
func (c *cell) interval(mean float64) {
	half := quantileT((1+c.Confidence)/2, c.freedom) * c.deviation
	c.RatioLow, c.RatioHigh = math.Exp(mean-half), math.Exp(mean+half)
	switch {
	case c.deviation > 0:
		c.PValue = tailT(math.Abs(mean)/c.deviation, c.freedom)
	case mean != 0:
		c.PValue = 0
	}
}

func moments(v []float64) (mean, deviation float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		deviation += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(deviation / float64(max(len(v)-1, 1)))
}

// judge adjusts the p-values by Holm's method, over all comparisons of the run
// that may find something, and gives minimum detectable ratios and verdicts.
func judge(cells []*cell, opt Options) {
	var tested []*cell
	for _, c := range cells {
		if c.Verdict != Invalid && c.Blocks >= 2 {
			tested = append(tested, c)
		}
	}
	slices.SortStableFunc(tested, func(a, b *cell) int { return cmp.Compare(a.PValue, b.PValue) })
	alpha, m, worst := 1-opt.Confidence, len(tested), 0.0
	for i, c := range tested {
		worst = max(worst, min(1, c.PValue*float64(m-i)))
		c.PAdjusted = worst
		// At Holm's hardest step: it holds whatever the others find.
		needs := quantileT(1-alpha/float64(2*m), c.freedom) + quantileT(power, c.freedom)
		c.MinDetectable = math.Exp(needs * c.deviation)
	}
	for _, c := range cells {
		if c.Verdict != Invalid {
			c.Verdict = verdict(c, alpha)
		}
	}
}

func verdict(c *cell, alpha float64) string {
	switch {
	case c.Blocks < minBlocks:
		return Inconclusive
	case c.RatioLow >= 1/c.Margin && c.RatioHigh <= c.Margin:
		return Same // significant or not, it is too small to matter
	case c.PAdjusted < alpha && c.Ratio > 1:
		return Slower
	case c.PAdjusted < alpha:
		return Faster
	}
	return Inconclusive
}
