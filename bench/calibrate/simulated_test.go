package calibrate

import (
	"context"
	"crypto/tls"
	"math"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/bench/stats"
	"shakedown/results"
	"shakedown/scanner/wire"
)

// simulated measures a server with a schedule in time that passes only when
// everybody waits: handshakes take no time but what the schedule says.
func simulated(t *testing.T, s Schedule, rate float64, d time.Duration) *results.Trial {
	certificate, err := selfSigned()
	if err != nil {
		t.Fatal(err)
	}
	var kept stats.Run
	synctest.Test(t, func(t *testing.T) {
		server := &server{Schedule: s, began: time.Now(), nap: time.Sleep,
			// No tickets: nobody would read them, and a pipe holds nothing.
			config: &tls.Config{Certificates: []tls.Certificate{certificate}, SessionTicketsDisabled: true}}
		plan, err := bench.Plan{
			Paths: []bench.Path{{Service: "s", Name: "p", Address: netip.MustParseAddrPort("192.0.2.1:443"), ServerName: serverName, Ask: client.Ask{Version: wire.TLS13}}},
			Rate:  rate, Duration: d, Blocks: 1, WarmUp: -1, Seed: 5,
		}.Complete()
		if err != nil {
			t.Fatal(err)
		}
		_, err = bench.Run(t.Context(), plan, bench.Env{
			Put: kept.Put, Sleep: time.Sleep,
			Classify: func(results.Stage, error) results.Failure { return results.Failure{} },
			Dial: func(context.Context, netip.AddrPort) (net.Conn, error) {
				near, far := net.Pipe()
				go server.serve(far)
				return near, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	return kept.Trials[0]
}

// What a stalled server's clients must measure can be computed, and they measure
// it: every connection counts from the instant at which it was due, however late
// the server lets it go on.
func TestStalledServerInSimulatedTime(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Schedule
	}{{"sequence", sequence()}, {"freeze", freeze()}, {"short freezes", Schedule{Period: 250 * time.Millisecond, Stall: 100 * time.Millisecond}}} {
		for _, rate := range []float64{50, 200, 1000} {
			trial := simulated(t, c.s, rate, c.s.whole(rate, 4*time.Second))
			if trial.Handshakes != trial.Due || trial.Due < 190 {
				t.Fatalf("%s at %v: %d of %d handshakes: %+v", c.name, rate, trial.Handshakes, trial.Due, trial.Failures)
			}
			for _, q := range []float64{0.5, 0.9, 0.99} {
				want, got := micros(c.s.quantile(q)), quantileOf(trial.Phases.Total, q)
				// To the histogram's three digits, and within a freeze to the time
				// between two arrivals.
				allowed := 1e-3*want + 1
				if c.s.Period > 0 {
					allowed += 1e6 / rate
				}
				if math.Abs(got-want) > allowed {
					t.Errorf("%s at %v/s: %s is %.0f µs, want %.0f ± %.0f", c.name, rate, quantileName(q), got, want, allowed)
				}
			}
		}
	}
}
