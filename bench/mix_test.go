package bench

import (
	"math"
	"slices"
	"testing"
)

// The ratio holds to one handshake over any stretch of whole hands, and to a hand
// over any other; the order is the seed's, and not a regular one.
func TestMix(t *testing.T) {
	for _, ratio := range []float64{0, 0.01, 0.1, 1. / 3, 0.5, 0.97, 1} {
		m, again, other := newMix(ratio, 7, 1), newMix(ratio, 7, 1), newMix(ratio, 8, 1)
		list := make([]bool, 100*handSize)
		resumed, differs, steps := 0., false, map[int]bool{}
		last := 0
		for i := range list {
			list[i] = m.next()
			if list[i] != again.next() {
				t.Fatalf("ratio %v: the same seed deals otherwise at %d", ratio, i)
			}
			differs = differs || list[i] != other.next()
			if list[i] {
				resumed++
				steps[i-last], last = true, i
			}
			limit := float64(handSize)
			if (i+1)%handSize == 0 {
				limit = 1
			}
			if off := math.Abs(resumed - ratio*float64(i+1)); off > limit+1e-9 {
				t.Fatalf("ratio %v: %v of %d are to be resumed", ratio, resumed, i+1)
			}
		}
		if mixed := ratio > 0 && ratio < 1; differs != mixed || mixed && len(steps) < 3 {
			t.Errorf("ratio %v: another seed differs: %v; intervals %v", ratio, differs, steps)
		}
		if many := newMix(ratio, 7, 1).many(len(list)); ratio > 0 && !slices.Equal(many, list) {
			t.Errorf("ratio %v: many deals otherwise than next", ratio)
		}
	}
}
