// The interval of a quantile of one run of samples, which are not independent: a
// queue makes neighbours slow together.

package stats

import (
	"math"
	"slices"
	"time"
)

const (
	// batches are the parts of a run, in the order of time, that stand for
	// repetitions of it.
	batches = 10
	// fewestInBatch is how many samples each needs.
	fewestInBatch = 10
	// intervalConfidence is that of the interval.
	intervalConfidence = 0.95
)

// QuantileInterval is the interval of 95 % for a quantile of samples in the order
// in which they were due: by batch means, how far the share of samples up to the
// quantile differs from one tenth of the run to the next says how well its rank is
// known, and the interval has the samples at the ranks around it. high is 0 where
// the run was too short to bound it, low too where nothing can be said.
func QuantileInterval(inOrder []time.Duration, q float64) (low, high time.Duration) {
	n := len(inOrder)
	if n < batches*fewestInBatch {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(inOrder))
	half := quantileT((1+intervalConfidence)/2, batches-1) * rankError(inOrder, atRank(sorted, q), q)
	if low = atRank(sorted, max(q-half, 0)); q+half < 1 {
		high = atRank(sorted, q+half)
	}
	return low, high
}

// atRank is the least sample that a share of all does not exceed.
func atRank(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(max(int(math.Ceil(q*float64(len(sorted))))-1, 0), len(sorted)-1)]
}

// rankError is the standard error of the share of samples up to a value, from the
// differences of batches; no less than if samples were independent.
func rankError(inOrder []time.Duration, value time.Duration, q float64) float64 {
	n := len(inOrder)
	var shares [batches]float64
	mean := 0.0
	for b := range shares {
		part := inOrder[b*n/batches : (b+1)*n/batches]
		for _, d := range part {
			if d <= value {
				shares[b] += 1 / float64(len(part))
			}
		}
		mean += shares[b] / batches
	}
	squares := 0.0
	for _, s := range shares {
		squares += (s - mean) * (s - mean)
	}
	return math.Sqrt(max(squares/(batches-1)/batches, q*(1-q)/float64(n)))
}
