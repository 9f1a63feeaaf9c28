package bench_test

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"shakedown/bench"
	"shakedown/bench/internal/tlstest"
	"shakedown/results"
	"shakedown/scanner/wire"
)

// A mix in a set ratio, by every client and loop, in both versions, with and
// without a request: the ratio is met to the handshake in an open loop, the server
// says the same as the trial, and what earned the tickets is told apart.
func TestResumeMix(t *testing.T) {
	for name := range clients {
		for _, c := range []struct {
			name    string
			version uint16
			ratio   float64
			request string
			loop    results.Loop
			closing bool // by RST
		}{
			{"1.3", wire.TLS13, 0.3, "", results.OpenLoop, false},
			{"1.3 all, with a request", wire.TLS13, 1, "/", results.OpenLoop, false},
			{"1.3 closed", wire.TLS13, 0.5, "", results.ClosedLoop, false},
			{"1.3 by RST", wire.TLS13, 0.5, "", results.OpenLoop, true},
			{"1.2", wire.TLS12, 0.7, "", results.OpenLoop, false},
			{"1.2 all, closed", wire.TLS12, 1, "/", results.ClosedLoop, false},
			{"1.2 by RST", wire.TLS12, 0.5, "", results.OpenLoop, true},
		} {
			t.Run(c.name+" "+name, func(t *testing.T) {
				server := tlstest.Serve(t, config())
				p := path("p", server.Addr)
				p.Ask.Version, p.Ask.Resume = c.version, c.ratio
				plan := bench.Plan{
					Paths: []bench.Path{p}, Loop: c.loop, Duration: 200 * time.Millisecond, Blocks: 2, Request: c.request, Seed: 5,
				}
				if plan.Rate = 400; c.loop == results.ClosedLoop {
					plan.Rate, plan.Connections = 0, 3
				}
				if c.closing {
					plan.Closing = 1
				}
				g, _ := run(t, t.Context(), name, plan)
				testMix(t, g.Trials[0], server, c.ratio)
			})
		}
	}
}

func testMix(t *testing.T, r *results.Trial, server *tlstest.Server, ratio float64) {
	t.Helper()
	if r.Handshakes != r.Due || r.Due == 0 || r.ResumeRatio != ratio {
		t.Fatalf("%d of %d handshakes, %d of another shape, ratio %v: %+v", r.Handshakes, r.Due, r.OtherShape, r.ResumeRatio, r.Failures)
	}
	if all := ratio == 1; (r.Asked.Resumed != nil) != all || all && !*r.Asked.Resumed {
		t.Errorf("a ratio of %v: asked %+v", ratio, r.Asked)
	}
	resumed := 0
	for _, n := range r.Negotiated {
		if *n.Shape.Resumed {
			resumed += n.Count
		}
	}
	if want := int(ratio * float64(r.Due)); r.Loop == results.OpenLoop && (r.Due != 80 || resumed != want) {
		t.Errorf("%d of %d resumed, want %d", resumed, r.Due, want)
	}
	// Warm-up and first handshakes are the server's to count too.
	served, servedResumed := 0, 0
	for _, state := range server.Await(r.Due + r.Generator.TicketHandshakes + 2) {
		if served++; state.DidResume {
			servedResumed++
		}
	}
	if errs := server.Errors(); len(errs) > 0 {
		t.Errorf("the server says %v", errs)
	}
	if servedResumed < resumed || served-servedResumed < r.Due-resumed+r.Generator.TicketHandshakes+1 {
		t.Errorf("the server made %d, %d resumed; the trial %d, %d resumed, and %d for tickets", served, servedResumed, r.Due, resumed, r.Generator.TicketHandshakes)
	}
	if r.Asked.Version == results.TLSv12 && r.Generator.TicketHandshakes > 0 {
		t.Errorf("%d handshakes for tickets: a session of TLS 1.2 is used again", r.Generator.TicketHandshakes)
	}
}

// Servers that do not do as they are asked make trials that say so.
func TestUnresumed(t *testing.T) {
	forgetful := config()
	forgetful.SessionTicketsDisabled = true
	for name := range clients {
		for _, c := range []struct {
			name    string
			version uint16
			config  *tls.Config
			rotate  bool // each connection has new ticket keys
			say     string
		}{
			{"1.3 without tickets", wire.TLS13, forgetful, false, "once there was nothing to resume"},
			{"1.2 without tickets", wire.TLS12, forgetful, false, "once there was nothing to resume"},
			{"1.3 with new keys each time", wire.TLS13, config(), true, "once the server did not resume the session that it was offered"},
			{"1.2 with new keys each time", wire.TLS12, config(), true, "once the server did not resume the session that it was offered"},
		} {
			t.Run(c.name+" "+name, func(t *testing.T) {
				server := tlstest.Serve(t, c.config)
				if c.rotate {
					server = tlstest.Serve(t, rotating(c.config, 1))
				}
				p := path("p", server.Addr)
				p.Ask.Version, p.Ask.Resume = c.version, 1
				g, outcome := run(t, t.Context(), name, bench.Plan{Paths: []bench.Path{p}, Rate: 200, Duration: 100 * time.Millisecond, Blocks: 1})
				r := g.Trials[0]
				if outcome.Invalid != 1 || r.Valid || r.OtherShape != 1 || r.Due != 1 || *r.Negotiated[0].Shape.Resumed {
					t.Fatalf("%+v: %+v", outcome, r)
				}
				if why := strings.Join(r.InvalidWhy, "\n"); !strings.Contains(why, c.say) {
					t.Errorf("why: %q, want %q", why, c.say)
				}
			})
		}
	}
}

// rotating gives every nth connection new ticket keys.
func rotating(base *tls.Config, n int) *tls.Config {
	outer := base.Clone()
	inner := base.Clone()
	count := 0
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if count++; count%n == 0 {
			var key [32]byte
			key[0], key[1] = byte(count), byte(count>>8)
			inner = base.Clone()
			inner.SetSessionTicketKeys([][32]byte{key})
		}
		return inner, nil
	}
	return outer
}

// A server that forgets now and then: what it did not resume is of another shape,
// and more than one in a hundred makes the trial invalid, with the reason.
func TestForgetsNowAndThen(t *testing.T) {
	for name := range clients {
		server := tlstest.Serve(t, rotating(config(), 20))
		p := path("p", server.Addr)
		p.Ask.Version, p.Ask.Resume = wire.TLS12, 1
		g, _ := run(t, t.Context(), name, bench.Plan{
			Paths: []bench.Path{p}, Loop: results.ClosedLoop, Connections: 1, Duration: 300 * time.Millisecond, Blocks: 1,
		})
		r := g.Trials[0]
		if r.OtherShape < r.Due/25 || r.OtherShape > r.Due/8+2 || r.Handshakes+r.OtherShape != r.Due || r.Valid {
			t.Errorf("%s: %d due, %d of another shape, failures %+v", name, r.Due, r.OtherShape, r.Failures)
		}
		if why := strings.Join(r.InvalidWhy, "\n"); !strings.Contains(why, "times the server did not resume") {
			t.Errorf("%s: why: %q", name, why)
		}
	}
}
