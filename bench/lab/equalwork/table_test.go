package main

import (
	"math"
	"strings"
	"testing"

	"shakedown/bench"
)

// between is a row whose interval is known.
func between(stack string, low, high float64, other string) row {
	return row{stack: stack, shape: shape{name: "1.3", candidate: bench.Lean}, low: low, high: high, other: other}
}

// What is said below the table follows from its rows: why each is not equal, and of
// none more than its interval shows.
func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name string
		rows []row
		want string
	}{
		{"all", []row{between("a", 0.95, 1.05, ""), between("b", 0.99, 1.01, "")}, "2 of 2 shapes are shown to be equal."},
		{"one side", []row{between("a", 0.98, 1.062, "")}, "0 of 1 shapes are shown to be equal.\nThe interval reaches over a bound, and neither that the work is equal nor that it is not is shown: a 1.3 (by 0.012)."},
		{"each reason", []row{between("a", 0.90, 0.94, ""), between("b", 0.99, 1.01, "lean: P-384"), between("c", 0.9, 1.01, ""), between("d", 1.06, 1.2, ""), between("e", 1, 1, "")},
			"1 of 5 shapes are shown to be equal.\nThe clients did not negotiate the same: b 1.3.\n" +
				"The whole interval lies outside the bounds, so that the work differs by more than 5 %: a 1.3, d 1.3.\n" +
				"The interval reaches over a bound, and neither that the work is equal nor that it is not is shown: c 1.3 (by 0.050)."},
	} {
		if got := strings.TrimSpace(verdict(c.rows)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A candidate that costs a tenth more does so beside any level that the pair shares, and
// a pair in which the machine stood still for one of them changes nothing.
func TestCompare(t *testing.T) {
	var r row
	for i := range 20 {
		level := 100 + 50*float64(i%3)
		r.pairs = append(r.pairs, pair{cost: [2]float64{level, 1.1 * level}})
	}
	r.pairs[7].cost[0] *= 40
	r.compare()
	for _, got := range []float64{r.ratio, r.low, r.high} {
		if math.Abs(got-1.1) > 1e-9 {
			t.Errorf("ratio %v (%v to %v), want 1.1", r.ratio, r.low, r.high)
			break
		}
	}
	if r.stock != 150 || math.Abs(r.candidate-165) > 1e-9 {
		t.Errorf("medians %v and %v, want 150 and 165", r.stock, r.candidate)
	}
}
