package stats

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestQuantileIntervalHolds holds intervals against a distribution whose quantile
// is known: of 400 runs nineteen in twenty are to hold it, of independent samples
// and of samples of which neighbours are alike.
func TestQuantileIntervalHolds(t *testing.T) {
	const runs, n, q = 400, 4000, 0.9
	truth := time.Duration(-math.Log(1-q) * float64(time.Millisecond))
	for name, alike := range map[string]int{"independent": 1, "forty neighbours alike": 40} {
		r := rand.New(rand.NewPCG(7, uint64(alike)))
		held := 0
		for range runs {
			samples := make([]time.Duration, n)
			for i := range samples {
				if samples[i] = time.Duration(r.ExpFloat64() * float64(time.Millisecond)); i%alike > 0 {
					samples[i] = samples[i-1]
				}
			}
			low, high := QuantileInterval(samples, q)
			if low <= truth && (high == 0 || truth <= high) {
				held++
			}
		}
		t.Logf("%s: %d of %d", name, held, runs)
		if held < runs*90/100 {
			t.Errorf("%s: %d of %d intervals hold the quantile", name, held, runs)
		}
	}
}

func TestQuantileIntervalEnds(t *testing.T) {
	few := make([]time.Duration, batches*fewestInBatch-1)
	if low, high := QuantileInterval(few, 0.99); low != 0 || high != 0 {
		t.Errorf("of too few samples: %v to %v", low, high)
	}
	short := make([]time.Duration, 200)
	for i := range short {
		short[i] = time.Duration(i+1) * time.Microsecond
	}
	if low, high := QuantileInterval(short, 0.99); low == 0 || high != 0 {
		t.Errorf("200 samples do not bound a p99 from above: %v to %v", low, high)
	}
	even := make([]time.Duration, 100_000)
	for i := range even {
		even[i] = time.Duration(i%1000+1) * time.Microsecond
	}
	if low, high := QuantileInterval(even, 0.5); low < 490*time.Microsecond || high > 510*time.Microsecond || low > high {
		t.Errorf("of many samples: %v to %v", low, high)
	}
}
