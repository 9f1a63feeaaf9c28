package bench_test

import (
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"shakedown/bench"
	"shakedown/bench/internal/tlstest"
	"shakedown/results"
	"shakedown/scanner/wire"
)

// With a reaction no client takes its leave sooner: a server that has heard the last of
// a handshake hears nothing for so long. (Half of it, as the server may have been late to
// look; the median, as it may have been later still.)
func TestPartsAfterReaction(t *testing.T) {
	const reaction, handshakes = 20 * time.Millisecond, 20
	var mu sync.Mutex
	var stayed []time.Duration
	address := tlstest.Listen(t, func(conn net.Conn) {
		server := tls.Server(conn, config())
		if server.Handshake() != nil {
			return
		}
		made := time.Now()
		server.Read(make([]byte, 1))
		mu.Lock()
		defer mu.Unlock()
		stayed = append(stayed, time.Since(made))
	})
	for name := range clients {
		for _, version := range []results.Version{results.TLSv12, results.TLSv13} {
			mu.Lock()
			stayed = nil
			mu.Unlock()
			p := path("p", address)
			p.Ask.Version = wire.VersionNumber(version)
			run(t, t.Context(), name, bench.Plan{
				Paths: []bench.Path{p}, Rate: 100, Reaction: reaction, WarmUp: -1, Duration: handshakes * 10 * time.Millisecond, Blocks: 1,
			})
			mu.Lock()
			slices.Sort(stayed)
			if n := len(stayed); n < handshakes/2 || stayed[n/2] < reaction/2 {
				t.Errorf("%s, %s: clients leave %v after their handshakes, want %v", name, version, stayed, reaction)
			}
			mu.Unlock()
		}
	}
}

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
