package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestProcessors(t *testing.T) {
	for _, c := range []struct {
		n, all int
		busy   float64
		want   int
	}{
		{0, 8, 0.3, 1}, {0, 8, 2, 1}, {1, 8, 0.3, 1}, {1, 8, 0.9, 2}, {1, 1, 1, 1}, {2, 8, 1.2, 2}, {2, 8, 1.9, 3}, {8, 8, 8, 8}, {8, 8, 4, 7}, {2, 8, 0.5, 1}, {1, 8, 0, 1},
	} {
		if got := processors(c.n, c.all, c.busy); got != c.want {
			t.Errorf("%d of %d, %v busy: %d, not %d", c.n, c.all, c.busy, got, c.want)
		}
	}
}

// What is kept gets its room, however much it is.
func TestRoom(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		kept uint64
		want int64
	}{{0, 64 * mb}, {20 * mb, 64 * mb}, {100 * mb, 216 * mb}, {4 << 30, 8<<30 + 16*mb}} {
		if got := room(c.kept); got != c.want {
			t.Errorf("%d MB kept: room of %d MB, not %d", c.kept/mb, got/mb, c.want/mb)
		}
	}
}

// Whatever happens in between, all processors are there again.
func TestThriftyRestores(t *testing.T) {
	all, limit := runtime.GOMAXPROCS(0), debug.SetMemoryLimit(-1)
	thrifty(t.Context())()
	if got := debug.SetMemoryLimit(-1); got != limit {
		t.Errorf("a limit of %d bytes, it was %d", got, limit)
	}
	if got := runtime.GOMAXPROCS(0); got != all {
		t.Errorf("%d processors, there were %d", got, all)
	}
}
