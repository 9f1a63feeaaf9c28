package main

import (
	"runtime"
	"testing"
)

func TestProcessors(t *testing.T) {
	for _, c := range []struct {
		n, all int
		busy   float64
		want   int
	}{
		{1, 8, 0.3, 1}, {1, 8, 0.9, 2}, {1, 1, 1, 1}, {2, 8, 1.2, 2}, {2, 8, 1.9, 3}, {8, 8, 8, 8}, {8, 8, 4, 7}, {2, 8, 0.5, 1}, {1, 8, 0, 1},
	} {
		if got := processors(c.n, c.all, c.busy); got != c.want {
			t.Errorf("%d of %d, %v busy: %d, not %d", c.n, c.all, c.busy, got, c.want)
		}
	}
}

// Whatever happens in between, all processors are there again.
func TestThriftyRestores(t *testing.T) {
	all := runtime.GOMAXPROCS(0)
	thrifty(t.Context())()
	if got := runtime.GOMAXPROCS(0); got != all {
		t.Errorf("%d processors, there were %d", got, all)
	}
}
