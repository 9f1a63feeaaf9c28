// How well the p99 of a step is known: from its handshakes in the order in which
// they were due.

package bench

import (
	"cmp"
	"slices"
	"time"

	"shakedown/bench/client"
	"shakedown/bench/stats"
)

// taken is how long a handshake took, and when it was due.
type taken struct{ due, took time.Duration }

// collected gathers the handshakes of the asked shape, and passes every sample on.
func collected(into *[]taken, ask client.Ask, next func(string, *client.Sample)) func(string, *client.Sample) {
	return func(path string, s *client.Sample) {
		if s.Failure == nil && s.Done != 0 && ask.Fits(s.Shape, s.Resume) {
			*into = append(*into, taken{s.Due, s.Done - s.Hello})
		}
		if next != nil {
			next(path, s)
		}
	}
}

// interval is that of a quantile in µs; 0 where it has no end.
func interval(all []taken, q float64) (low, high float64) {
	slices.SortFunc(all, func(a, b taken) int { return cmp.Compare(a.due, b.due) })
	inOrder := make([]time.Duration, len(all))
	for i, one := range all {
		inOrder[i] = one.took
	}
	from, to := stats.QuantileInterval(inOrder, q)
	return float64(from) / 1e3, float64(to) / 1e3
}
