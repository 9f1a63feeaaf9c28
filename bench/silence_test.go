package bench_test

import (
	"net"
	"testing"
	"time"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/bench/internal/tlstest"
	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// A connection may end before its ClientHello is due: it fails once, and its slot
// and its number go to the next, who says what is its own.
func TestEndsInSilence(t *testing.T) {
	atOnce := func(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0); conn.Close() }
	for _, loop := range []results.Loop{results.OpenLoop, results.ClosedLoop} {
		server := tlstest.ServeSome(t, config(), 1, 10, atOnce)
		plan := bench.Plan{Paths: []bench.Path{path("p", server.Addr)}, Loop: loop, WarmUp: -1, Duration: 400 * time.Millisecond, Blocks: 1}
		if loop == results.OpenLoop {
			plan.Rate = 150
		}
		g, _ := run(t, t.Context(), "lean", plan)
		r, failed := g.Trials[0], 0
		for _, f := range r.Failures {
			if f.Kind != results.KindReset { // at connect, if it was as quick as that
				t.Errorf("%s loop: failure %+v", loop, f)
			}
			failed += f.Count
		}
		if loop == results.OpenLoop && (r.Handshakes != 54 || failed != 6) || failed == 0 {
			t.Errorf("%s loop: %d handshakes, %d failures of %d", loop, r.Handshakes, failed, r.Due)
		}
	}
}

// The time from a connect to its ClientHello is in no phase but the total, and
// never shorter than an ordinary client's.
func TestSilenceIsKept(t *testing.T) {
	server := tlstest.Serve(t, config())
	plan, err := bench.Plan{Paths: []bench.Path{path("p", server.Addr)}, Rate: 200, WarmUp: -1, Duration: 200 * time.Millisecond, Blocks: 1}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	const least = 60 * time.Microsecond // of X25519
	seen := 0
	_, err = bench.Run(t.Context(), plan, bench.Env{Classify: dial.Classify, Put: func(results.Record) error { return nil }, Sample: func(_ string, s *client.Sample) {
		seen++
		if s.Hello-s.Connected < least {
			t.Errorf("a ClientHello %v after its connect, want %v", s.Hello-s.Connected, least)
		}
	}})
	if err != nil || seen != 40 {
		t.Errorf("%d of 40 handshakes, %v", seen, err)
	}
}

// With a reaction no client answers sooner, in either version and either loop; what
// each handshake says is its own.
func TestReaction(t *testing.T) {
	const reaction = 2 * time.Millisecond
	server := tlstest.Serve(t, config())
	for name := range clients {
		for _, version := range []results.Version{results.TLSv12, results.TLSv13} {
			for _, loop := range []results.Loop{results.OpenLoop, results.ClosedLoop} {
				p := path("p", server.Addr)
				p.Ask.Version = wire.VersionNumber(version)
				plan := bench.Plan{Paths: []bench.Path{p}, Loop: loop, Reaction: reaction, WarmUp: -1, Duration: 200 * time.Millisecond, Blocks: 1}
				if loop == results.OpenLoop {
					plan.Rate = 200
				}
				g, _ := run(t, t.Context(), name, plan)
				r := g.Trials[0]
				if r.Handshakes != r.Due || r.Handshakes == 0 {
					t.Errorf("%s, %s, %s loop: %d of %d handshakes: %+v", name, version, loop, r.Handshakes, r.Due, r.Failures)
				} else if median := r.Phases.Handshake.P50US; median < float64(reaction.Microseconds()) {
					t.Errorf("%s, %s, %s loop: a handshake of %.0f µs, of which the client's answer takes %v", name, version, loop, median, reaction)
				}
			}
		}
	}
}
