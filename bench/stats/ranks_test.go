package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Critical values from tables of Wilcoxon's signed-rank test (two-sided 5 %), of which
// the interval begins one rank further in.
func TestSignedRank(t *testing.T) {
	for n, critical := range map[int]int{6: 0, 7: 2, 8: 3, 10: 8, 15: 25, 20: 52, 25: 89, 30: 137} {
		if got := signedRank(n, 0.025); got != critical+1 {
			t.Errorf("%d values: %d sums, want %d", n, got, critical+1)
		}
	}
	if got := signedRank(5, 0.025); got != 0 {
		t.Errorf("5 values: %d sums, though the least has a chance of 1/32", got)
	}
}

func TestHodgesLehmann(t *testing.T) {
	for _, c := range []struct {
		name              string
		values            []float64
		centre, low, high float64
	}{
		{"none", nil, math.NaN(), math.Inf(-1), math.Inf(1)},
		{"one", []float64{3}, 3, math.Inf(-1), math.Inf(1)},
		{"too few", []float64{1, 2, 3, 4, 5}, 3, math.Inf(-1), math.Inf(1)},
		{"just enough: all of them", []float64{6, 1, 5, 2, 4, 3}, 3.5, 1, 6},
		{"one that is far away", []float64{1, 2, 3, 4, 5, 6, 7, 8, 1000}, 5, 2.5, 502},
	} {
		centre, low, high := HodgesLehmann(c.values, 0.95)
		same := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
		if !same(centre, c.centre) || low != c.low || high != c.high {
			t.Errorf("%s: %v (%v to %v), want %v (%v to %v)", c.name, centre, low, high, c.centre, c.low, c.high)
		}
	}
}

// Of differences that a lot has made symmetric, an interval holds the centre as often
// as it says, whatever the noise; and where now and then a block takes much longer it is
// shorter than Student's.
func TestHodgesLehmannHolds(t *testing.T) {
	const runs, blocks, truth = 1000, 60, 0.03
	noises := []struct {
		name    string
		noise   func(*rand.Rand) float64
		shorter float64 // than Student's, at least
	}{
		{"normal", func(r *rand.Rand) float64 { return r.NormFloat64() }, 0.9},
		{"skewed", func(r *rand.Rand) float64 { return r.ExpFloat64() }, 1},
		{"heavy", func(r *rand.Rand) float64 { return r.NormFloat64() / math.Sqrt(r.ExpFloat64()) }, 1.2},
		{"with bursts", func(r *rand.Rand) float64 { return r.NormFloat64() + 20*math.Floor(1.1*r.Float64()) }, 1.5},
	}
	for _, n := range noises {
		rng := rand.New(rand.NewPCG(11, 12))
		held, ours, student := 0, 0.0, 0.0
		for range runs {
			var d []float64
			for range blocks {
				d = append(d, truth+0.05*(n.noise(rng)-n.noise(rng)))
			}
			_, low, high := HodgesLehmann(d, 0.95)
			if low <= truth && truth <= high {
				held++
			}
			_, deviation := moments(d)
			ours += high - low
			student += 2 * quantileT(0.975, blocks-1) * deviation / math.Sqrt(blocks)
		}
		// 0.95 less and more three standard deviations of 1,000 draws.
		if share := float64(held) / runs; share < 0.929 || share > 0.971 {
			t.Errorf("%s noise: %.3f of the intervals hold the centre", n.name, share)
		}
		if student/ours < n.shorter {
			t.Errorf("%s noise: Student's intervals are %.2f times as long, want %.2f", n.name, student/ours, n.shorter)
		}
		t.Logf("%s noise: %d of %d hold it, Student's are %.2f times as long", n.name, held, runs, student/ours)
	}
}
