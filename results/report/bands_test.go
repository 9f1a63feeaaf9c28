package report

import (
	"math"
	"testing"

	"shakedown/results"
)

// The band holds the curve, is narrow where blocks agree, and is absent where
// there are too few.
func TestBand(t *testing.T) {
	handshake := phases()[0]
	ranks := percentileRanks(3)
	made := func(medians ...float64) (blocks []*block) {
		for _, m := range medians {
			hs := newHists()
			for i := range 400 {
				hs[2].record(m * (1 + float64(i)/1000))
			}
			blocks = append(blocks, &block{Block: &results.Block{Phases: hs.phases()}})
		}
		return blocks
	}
	whole := curve(made(1000)[0].Phases.Handshake, ranks)
	for _, tt := range []struct {
		name    string
		blocks  []*block
		percent float64 // half the band's width at the median, about
	}{
		{"blocks agree", made(1000, 1000, 1000, 1000), 0},
		{"blocks lie apart", made(900, 1000, 1100, 1000), 13.1}, // t 3.182, s of the logarithms 0.082, over 2
		{"two are too few", made(900, 1100), math.NaN()},
	} {
		low, high := band(tt.blocks, handshake, ranks, whole)
		if math.IsNaN(tt.percent) {
			if low != nil {
				t.Errorf("%s, and yet there is a band", tt.name)
			}
			continue
		}
		k := 6 // near the median: 10^-0.3 is a half
		if half := 100 * math.Log(high[k]/whole[k]); math.Abs(half-tt.percent) > 0.2 || math.Abs(math.Log(low[k]*high[k]/whole[k]/whole[k])) > 1e-9 {
			t.Errorf("%s: ±%.2f %%, want %.1f", tt.name, half, tt.percent)
		}
		if len(low) >= len(ranks) {
			t.Errorf("%s: a band at p%.3f, though a block has 400 handshakes", tt.name, ranks[len(low)-1])
		}
	}
}
