package bench_test

import (
	"testing"
	"time"

	"shakedown/bench"
	"shakedown/bench/internal/tlstest"
	"shakedown/results"
)

// A block is over when its last handshake is, not when its grace is: the server's
// hour of patience is not waited for.
func TestBlockEndsWithItsHandshakes(t *testing.T) {
	for name := range clients {
		server := tlstest.Serve(t, config())
		for _, loop := range []results.Loop{results.OpenLoop, results.ClosedLoop} {
			plan := bench.Plan{
				Paths: []bench.Path{path("p", server.Addr)}, Loop: loop,
				Duration: 50 * time.Millisecond, Blocks: 1, WarmUp: -1, Timeout: time.Hour,
			}
			if loop == results.OpenLoop {
				plan.Rate = 200
			}
			g, _ := run(t, t.Context(), name, plan)
			if r := g.Trials[0]; r.Handshakes != r.Due || r.Due == 0 {
				t.Errorf("%s, %s loop: %d of %d handshakes: %+v", name, loop, r.Handshakes, r.Due, r.Failures)
			}
		}
	}
}
