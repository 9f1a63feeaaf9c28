package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"shakedown/results"
)

// simulatedRun is a run as a machine makes it that is shared with others: each
// round has a speed of its own, each block within it too, and handshakes that
// follow each other resemble each other; now and then one takes ten times as long.
func simulatedRun(rng *rand.Rand, blocks int, ratio float64) *Run {
	const perBlock = 40
	r := &Run{}
	full := false
	for _, path := range []string{"base", "candidate"} {
		r.Put(&results.Trial{Service: "s", Path: path, Trial: path, Valid: true, Asked: results.Shape{Resumed: &full}})
	}
	for i := range blocks {
		round := 0.2 * rng.NormFloat64()
		for _, path := range []string{"base", "candidate"} {
			level, drift := math.Log(500)+round+0.055*rng.NormFloat64(), 0.0
			if path == "candidate" {
				level += math.Log(ratio)
			}
			var took []float64
			for range perBlock {
				drift = 0.8*drift + 0.03*rng.NormFloat64()
				us := math.Exp(level + drift + 0.1*rng.ExpFloat64())
				if rng.IntN(50) == 0 {
					us *= 10
				}
				took = append(took, us)
			}
			slices.Sort(took)
			r.Put(&results.Block{Trial: path, Index: i, Phases: results.Phases{Handshake: &results.Dist{N: perBlock, P50US: took[perBlock/2]}}})
		}
	}
	return r
}

// From handshakes to verdicts: an interval holds the truth as often as it says, a
// path beside itself is called different no more often than it may be, and a
// slowdown of 5 % is found as often as promised. The handshakes of a block are far
// from independent; to treat them as such would fail all three.
func TestSimulatedRuns(t *testing.T) {
	const runs, blocks = 400, 30
	for _, truth := range []float64{1, 1.05} {
		rng := rand.New(rand.NewPCG(7, math.Float64bits(truth)))
		covered, found, promised := 0, 0, 0
		for range runs {
			c := simulatedRun(rng, blocks, truth).Compare(Options{})[0]
			if c.RatioLow <= truth && truth <= c.RatioHigh {
				covered++
			}
			if truth > 1 && c.MinDetectable > truth {
				continue
			}
			promised++
			if c.PAdjusted < 0.05 && (truth == 1 || c.Ratio > 1) {
				found++
			}
		}
		// 95 % less and more three standard deviations of 400 draws.
		if share := float64(covered) / runs; share < 0.917 || share > 0.983 {
			t.Errorf("truth %v: %.3f of the intervals hold it", truth, share)
		}
		share := float64(found) / float64(promised)
		if truth == 1 && share > 0.083 {
			t.Errorf("a path beside itself is different in %.3f of the runs", share)
		}
		if truth > 1 && (share < 0.71 || promised < runs/4) {
			t.Errorf("a slowdown of 5 %% is found in %d of %d runs that promised to", found, promised)
		}
		t.Logf("truth %v: covered %d of %d, found %d of %d that promised to", truth, covered, runs, found, promised)
	}
}
