// Ranks: the centre of values that are symmetric about it, and its interval, by
// nothing else that is known of them.

package stats

import (
	"math"
	"slices"
)

// HodgesLehmann estimates the centre of independent values that are as likely to lie
// so far above it as below: the median of the means of every two (Hodges and Lehmann,
// 1963). Its interval takes of these means the ones at the ranks that Wilcoxon's
// signed-rank distribution gives. That holds the centre with at least the confidence
// asked for, whatever the distribution, so that a machine that stands still for a while
// now and then makes it no shorter than it may be, and hardly any longer. (Student's t
// is cautious there: one block that took twice as long widens it for all the others.)
// Values too few for the confidence have an interval without ends.
func HodgesLehmann(values []float64, confidence float64) (centre, low, high float64) {
	if len(values) == 0 {
		return math.NaN(), math.Inf(-1), math.Inf(1)
	}
	means := walsh(values)
	m := len(means)
	centre = (means[(m-1)/2] + means[m/2]) / 2
	k := signedRank(len(values), (1-confidence)/2)
	if k == 0 {
		return centre, math.Inf(-1), math.Inf(1)
	}
	return centre, means[k-1], means[m-k]
}

// walsh lists the means of every two values, each with itself too, in their order.
func walsh(values []float64) []float64 {
	means := make([]float64, 0, len(values)*(len(values)+1)/2)
	for i, x := range values {
		for _, y := range values[:i+1] {
			means = append(means, (x+y)/2)
		}
	}
	slices.Sort(means)
	return means
}

// signedRank is how many of the least sums of signed ranks of n values have together
// no more than a probability: each rank from 1 to n counts by the toss of a coin.
func signedRank(n int, tail float64) int {
	chance := make([]float64, n*(n+1)/2+1) // of a sum
	chance[0] = 1
	for rank := 1; rank <= n; rank++ {
		for sum := rank * (rank + 1) / 2; sum >= 0; sum-- {
			if chance[sum] /= 2; sum >= rank {
				chance[sum] += chance[sum-rank] / 2
			}
		}
	}
	k, below := 0, chance[0]
	for below <= tail {
		k++
		below += chance[k]
	}
	return k
}
