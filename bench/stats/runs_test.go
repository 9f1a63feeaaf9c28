package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"shakedown/results"
)

// recorded is a run of one path whose blocks vary by a tenth.
func recorded(random *rand.Rand, blocks int, median float64) *Run {
	r := new(Run)
	r.Put(&results.Trial{Service: "s", Path: "p", Trial: "1", Valid: true})
	for i := range blocks {
		v := median * math.Exp(0.1*random.NormFloat64())
		r.Put(&results.Block{Trial: "1", Index: i, Phases: results.Phases{Handshake: &results.Dist{N: 100, P50US: v}}})
	}
	return r
}

// TestSinceKeepsItsLevelAndFinds simulates runs of different lengths: the same
// path is rarely called different, one that is slower by a fifth mostly is.
func TestSinceKeepsItsLevelAndFinds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const runs = 2000
	false5, found, inside := 0, 0, 0
	for range runs {
		old := recorded(random, 8, 1000)
		same, slower := recorded(random, 20, 1000).Since(old, Options{}), recorded(random, 20, 1200).Since(old, Options{})
		if len(same) != 1 || len(slower) != 1 {
			t.Fatal(len(same), len(slower))
		}
		if same[0].PAdjusted < 0.05 {
			false5++
		}
		if slower[0].Verdict == Slower {
			found++
		}
		if slower[0].RatioLow <= 1.2 && 1.2 <= slower[0].RatioHigh {
			inside++
		}
	}
	if share := float64(false5) / runs; share < 0.035 || share > 0.065 {
		t.Errorf("%.3f of equal runs have p < 0.05", share)
	}
	if share := float64(inside) / runs; share < 0.935 || share > 0.965 {
		t.Errorf("%.3f of the intervals hold the true ratio", share)
	}
	if share := float64(found) / runs; share < 0.95 {
		t.Errorf("a run slower by a fifth is found in %.3f", share)
	}
}

func TestSinceSetsLikeBesideLike(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	old, now := recorded(random, 6, 1000), recorded(random, 6, 1000)
	now.Trials[0].Path = "another"
	if got := now.Since(old, Options{}); len(got) != 0 {
		t.Errorf("another path was compared: %+v", got[0])
	}
	now.Trials[0].Path, now.Trials[0].Asked.Group = "p", "X25519"
	if got := now.Since(old, Options{}); len(got) != 0 {
		t.Errorf("another shape was compared: %+v", got[0])
	}
	now.Trials[0].Asked.Group, now.Trials[0].Valid = "", false
	if got := now.Since(old, Options{}); len(got) != 1 || got[0].Verdict != Invalid {
		t.Errorf("an invalid trial: %+v", got)
	}
	short := recorded(random, 1, 1000)
	if got := short.Since(old, Options{}); len(got) != 1 || got[0].Verdict != Inconclusive || got[0].RatioHigh != 0 {
		t.Errorf("one block: %+v", got[0])
	}
}
