// The band around a curve of percentiles: how well its place is known, from how
// far the trial's blocks lie apart. The block is the unit of replication, as it is
// in comparisons.

package report

import (
	"math"
	"slices"

	"shakedown/results"
)

// fewestBlocks is how many a band needs.
const fewestBlocks = 3

// band is the interval of 95 % around each of a curve's values, as low and high:
// Student's t over the logarithms of the blocks' values at that rank. It ends
// where a block has no sample beyond the rank.
func band(blocks []*block, ph phase, ranks, curveUS []float64) (low, high []float64) {
	var all [][]float64
	length := len(curveUS)
	for _, b := range blocks {
		d := ph.Of(b.Phases)
		if d == nil || d.N == 0 {
			continue
		}
		values := curve(d, ranks)
		all = append(all, values)
		length = min(length, len(values))
	}
	if len(all) < fewestBlocks {
		return nil, nil
	}
	for k := range length {
		half, known := spreadAt(all, k)
		if !known {
			return low, high
		}
		low, high = append(low, curveUS[k]*math.Exp(-half)), append(high, curveUS[k]*math.Exp(half))
	}
	return low, high
}

// spreadAt is half the width of the interval of blocks' values at one rank, on the
// scale of logarithms.
func spreadAt(all [][]float64, k int) (half float64, known bool) {
	n := float64(len(all))
	sum, squares := 0.0, 0.0
	for _, values := range all {
		if values[k] <= 0 {
			return 0, false
		}
		sum += math.Log(values[k])
	}
	for _, values := range all {
		squares += math.Pow(math.Log(values[k])-sum/n, 2)
	}
	half = studentT(len(all)-1) * math.Sqrt(squares/(n-1)) / math.Sqrt(n)
	return half, half < 3 // wider than that is no band but noise
}

// studentT is the quantile 0.975 of Student's distribution.
func studentT(freedom int) float64 {
	table := []float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
		2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042}
	if freedom <= len(table) {
		return table[freedom-1]
	}
	return 1.96 + 2.4/float64(freedom)
}

// drawBand adds the band of a series below its curve.
func (f *figure) drawBand(s series, x, y scale, ranks, low, high []float64) {
	if len(low) < 2 {
		return
	}
	var around [][2]float64
	for k, v := range low {
		around = append(around, [2]float64{x.at(nines(ranks[k])), y.clamp(v)})
	}
	for k, v := range slices.Backward(high) {
		around = append(around, [2]float64{x.at(nines(ranks[k])), y.clamp(v)})
	}
	f.add(shape{Kind: "path", Class: "spread fill-" + s.Class(), D: polyline(around) + "Z"})
}

// clamp is the place of a value, at the nearest edge if it lies beyond the scale.
func (s scale) clamp(v float64) float64 { return s.at(min(max(v, s.lo), s.hi)) }

// banded reports whether a curve of the phase has a band.
func banded(all []series, ph phase) bool {
	return slices.ContainsFunc(measuredIn(all, ph), func(s series) bool {
		with := slices.DeleteFunc(slices.Clone(s.blocks), func(b *block) bool {
			d := ph.Of(b.Phases)
			return d == nil || curveless(d)
		})
		return len(with) >= fewestBlocks
	})
}

func curveless(d *results.Dist) bool { return len(curve(d, []float64{0})) == 0 }
