package stats

import (
	"math"
	"testing"
)

// Values from tables of Student's t (two-sided).
func TestStudent(t *testing.T) {
	for _, c := range []struct{ df, t, tail float64 }{
		{1, 12.706, 0.05}, {4, 2.776, 0.05}, {9, 2.262, 0.05}, {19, 2.093, 0.05}, {19, 2.861, 0.01},
		{9, 4.781, 0.001}, {100, 1.984, 0.05}, {4, 0.741, 0.5}, {1e6, 1.95996, 0.05},
	} {
		if got := tailT(c.t, c.df); math.Abs(got-c.tail) > 2e-3*c.tail {
			t.Errorf("P(|T| > %v), %v degrees: got %v, want %v", c.t, c.df, got, c.tail)
		}
		if got := quantileT(1-c.tail/2, c.df); math.Abs(got-c.t) > 1e-3*c.t {
			t.Errorf("quantile %v, %v degrees: got %v, want %v", 1-c.tail/2, c.df, got, c.t)
		}
	}
	if got := tailT(0, 5); math.Abs(got-1) > 1e-12 {
		t.Errorf("P(|T| > 0) = %v", got)
	}
}
