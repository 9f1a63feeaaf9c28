package bench_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/bench/internal/tlstest"
	"shakedown/bench/stats"
	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// clients are the ways in which handshakes are made: lean by epoll threads, lean
// by goroutines on connections from outside, and crypto/tls.
var clients = map[string]struct {
	client bench.Client
	dial   bench.Dial
}{
	"lean":      {client: bench.Lean},
	"lean pool": {client: bench.Lean, dial: dialTCP},
	"stock":     {client: bench.Stock},
}

func dialTCP(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address.String())
}

// gathered is the records of a run.
type gathered struct {
	stats.Run
	Blocks []*results.Block
}

func (g *gathered) Put(r results.Record) error {
	if b, ok := r.(*results.Block); ok {
		g.Blocks = append(g.Blocks, b)
	}
	return g.Run.Put(r)
}

// run carries out a plan by one of the clients.
func run(t *testing.T, ctx context.Context, name string, plan bench.Plan, put ...func(results.Record)) (*gathered, bench.Outcome) {
	t.Helper()
	plan.Client = clients[name].client
	plan, err := plan.Complete()
	if err != nil {
		t.Fatal(err)
	}
	g := &gathered{}
	outcome, err := bench.Run(ctx, plan, bench.Env{
		Classify: dial.Classify, Dial: clients[name].dial,
		Put: func(r results.Record) error {
			for _, p := range put {
				p(r)
			}
			return g.Put(r)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, trial := range g.Trials {
		addsUp(t, trial)
	}
	return g, outcome
}

// addsUp checks what must be true of every trial.
func addsUp(t *testing.T, r *results.Trial) {
	t.Helper()
	failed := 0
	for _, f := range r.Failures {
		failed += f.Count
	}
	if r.Due != r.Handshakes+r.OtherShape+r.Abandoned+failed {
		t.Errorf("%s: %d due, but %d handshakes, %d of another shape, %d abandoned, %d failed", r.Path, r.Due, r.Handshakes, r.OtherShape, r.Abandoned, failed)
	}
	negotiated := 0
	for _, n := range r.Negotiated {
		negotiated += n.Count
	}
	if negotiated != r.Handshakes+r.OtherShape {
		t.Errorf("%s: %d shapes of %d handshakes", r.Path, negotiated, r.Handshakes+r.OtherShape)
	}
	if n := r.Phases.Handshake; r.Handshakes > 0 && (n == nil || n.N != int64(r.Handshakes)) {
		t.Errorf("%s: %d handshakes, distribution %+v", r.Path, r.Handshakes, n)
	}
	if r.Valid != (len(r.InvalidWhy) == 0) {
		t.Errorf("%s: valid %v, why not: %q", r.Path, r.Valid, r.InvalidWhy)
	}
}

func path(name string, address netip.AddrPort) bench.Path {
	return bench.Path{
		Service: "s", Name: name, Kind: results.Instance, Address: address, ServerName: tlstest.Name,
		Target: address.String(), Ask: client.Ask{Version: wire.TLS13},
	}
}

func config() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{tlstest.Certificate("p256")}}
}

// closed is a free address where nobody listens.
func closed(t *testing.T) netip.AddrPort {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// Two paths by an open and by a closed loop: every handshake that was due was
// made, the server says so too, and the blocks add up to the trial.
func TestRun(t *testing.T) {
	for name := range clients {
		for _, loop := range []results.Loop{results.OpenLoop, results.ClosedLoop} {
			t.Run(name+" "+string(loop), func(t *testing.T) {
				a, b := tlstest.Serve(t, config()), tlstest.Serve(t, config())
				plan := bench.Plan{
					Paths: []bench.Path{path("a", a.Addr), path("b", b.Addr)}, Loop: loop,
					Duration: 300 * time.Millisecond, Blocks: 3, Request: "/", Timeout: time.Hour, // a busy machine gives up nothing
				}
				if plan.Rate, plan.Connections = 200, 50; loop == results.ClosedLoop {
					plan.Rate, plan.Connections = 0, 2
				}
				g, outcome := run(t, t.Context(), name, plan)
				if outcome.Trials != 2 || len(g.Trials) != 2 || outcome.Interrupted {
					t.Fatalf("outcome %+v", outcome)
				}
				for i, server := range []*tlstest.Server{a, b} {
					testTrial(t, g, g.Trials[i], len(server.States()), loop)
				}
			})
		}
	}
}

func testTrial(t *testing.T, g *gathered, r *results.Trial, served int, loop results.Loop) {
	t.Helper()
	if loop == results.OpenLoop {
		// 20 in each block, two of warm-up before each, and the first.
		if r.Due != 60 || served != 3*22+1 || r.OfferedRate != 200 || r.Generator.LagP99US == nil {
			t.Errorf("%d due, the server made %d, offered %v, lag %v", r.Due, served, r.OfferedRate, r.Generator.LagP99US)
		}
	} else if served <= r.Due || r.OfferedRate != 0 || r.Generator.LagP99US != nil {
		t.Errorf("%d due, the server made %d, offered %v, lag %v", r.Due, served, r.OfferedRate, r.Generator.LagP99US)
	}
	if r.Handshakes != r.Due || r.Handshakes == 0 {
		t.Fatalf("%d of %d handshakes: %+v", r.Handshakes, r.Due, r.Failures)
	}
	if want := map[string]string{"lean": "unit"}[r.Client]; r.Generator.KeyShares != want || r.Generator.CPUPerHandshakeUS <= 0 {
		t.Errorf("generator %+v, want %q key shares", r.Generator, want)
	}
	n := r.Negotiated[0].Shape
	if n.Version != results.TLSv13 || n.Group != "X25519" || n.SignatureScheme != "ecdsa_secp256r1_sha256" || *n.Resumed || *n.HelloRetry {
		t.Errorf("negotiated %+v", n)
	}
	testBlocks(t, g, r)
}

// testBlocks checks that a trial is the sum of its blocks.
func testBlocks(t *testing.T, g *gathered, r *results.Trial) {
	t.Helper()
	var sum stats.Histogram
	handshakes, blocks := 0, 0
	for _, b := range g.Blocks {
		if b.Trial != r.Trial {
			continue
		}
		if b.Index != blocks || b.Seed == 0 && b.StartedAt.IsZero() {
			t.Errorf("block %+v", b)
		}
		blocks++
		handshakes += b.Handshakes
		if b.Handshakes == 0 { // a busy machine gave a closed loop no time: of nothing there is no distribution
			if b.Phases != (results.Phases{}) {
				t.Errorf("block %d without a handshake has %+v", b.Index, b.Phases)
			}
			continue
		}
		for _, d := range []*results.Dist{b.Phases.Connect, b.Phases.ServerHello, b.Phases.FirstByte, b.Phases.Total} {
			if d == nil || d.N != int64(b.Handshakes) {
				t.Errorf("block %d of %d handshakes: phase %+v", b.Index, b.Handshakes, d)
			}
		}
		h, err := stats.Decode(b.Phases.Handshake)
		if err != nil {
			t.Fatal(err)
		}
		sum.Merge(h)
	}
	if d := sum.Dist(); blocks != 3 || handshakes != r.Handshakes || d.HDR != r.Phases.Handshake.HDR {
		t.Errorf("%d blocks, %d handshakes, merged %+v; the trial has %d, %+v", blocks, handshakes, d, r.Handshakes, r.Phases.Handshake)
	}
}

// What cannot be measured gives a trial that says so, and harms no other path.
func TestRudePaths(t *testing.T) {
	for _, c := range []struct {
		name  string
		rude  tlstest.Rude // nil: nobody listens
		stage results.Stage
		kind  results.FailureKind
		alert string
		mend  string
	}{
		{"refused", nil, results.StageConnect, results.KindRefused, "", ""},
		{"silent", tlstest.Silent, results.StageHello, results.KindTimeout, "", ""},
		{"hangup", tlstest.Hangup, results.StageHello, results.KindEOF, "", ""},
		{"reset", tlstest.Reset, results.StageHello, results.KindReset, "", ""},
		{"http", tlstest.HTTP, results.StageHello, results.KindNotTLS, "", ""},
		{"alert", tlstest.Alert, results.StageHello, results.KindAlert, "handshake_failure", ""},
		{"half a hello", tlstest.Half(config(), 40), results.StageHello, results.KindTimeout, "", ""},
		{"half a flight", tlstest.Half(config(), 400), results.StageHandshake, results.KindTimeout, "", ""},
		{"older", func(conn net.Conn) {
			old := config()
			old.MaxVersion = tls.VersionTLS12
			tls.Server(conn, old).Handshake()
		}, results.StageHello, results.KindAlert, "protocol_version", "--tls 1.2"},
		{"wants a certificate", func(conn net.Conn) {
			strict := config()
			strict.ClientAuth = tls.RequireAnyClientCert
			tls.Server(conn, strict).Handshake()
		}, results.StageHandshake, results.KindAlert, "certificate_required", "--client-cert"},
	} {
		for name := range clients {
			t.Run(c.name+" "+name, func(t *testing.T) {
				address := closed(t)
				if c.rude != nil {
					address = tlstest.Listen(t, c.rude)
				}
				good := tlstest.Serve(t, config())
				timeout := 5 * time.Second
				if c.kind == results.KindTimeout {
					timeout = 600 * time.Millisecond
				}
				g, outcome := run(t, t.Context(), name, bench.Plan{
					Paths: []bench.Path{path("rude", address), path("good", good.Addr)}, Rate: 200,
					Duration: 100 * time.Millisecond, Blocks: 1, Timeout: timeout,
				})
				r := g.Trials[0]
				if r.Valid || outcome.Invalid == 0 || r.Due != 1 || len(r.Failures) != 1 {
					t.Fatalf("%+v, %+v", outcome, r)
				}
				if f := r.Failures[0]; f.Stage != c.stage || f.Kind != c.kind || f.Alert != c.alert || f.Detail == "" {
					t.Errorf("failure %+v, want %s %s %s", f, c.stage, c.kind, c.alert)
				}
				if why := strings.Join(r.InvalidWhy, "\n"); !strings.Contains(why, "no handshake of the asked shape was completed") || !strings.Contains(why, c.mend) {
					t.Errorf("why: %q", why)
				}
				if g.Trials[1].Handshakes != 20 {
					t.Errorf("the good path has %d handshakes of 20: %+v", g.Trials[1].Handshakes, g.Trials[1].Failures)
				}
			})
		}
	}
}

// A server that sends without end is cut off by a limit of ours; crypto/tls has
// one too.
func TestEndless(t *testing.T) {
	for name := range clients {
		g, _ := run(t, t.Context(), name, bench.Plan{
			Paths: []bench.Path{path("endless", tlstest.Listen(t, tlstest.Endless))}, Rate: 100,
			Duration: 100 * time.Millisecond, Blocks: 1, Timeout: 5 * time.Second,
		})
		want := map[string]results.FailureKind{"stock": results.KindMalformed}[name]
		if want == "" {
			want = results.KindLimit
		}
		if f := g.Trials[0].Failures; len(f) != 1 || f[0].Kind != want {
			t.Errorf("%s: %+v, want kind %s", name, f, want)
		}
	}
}

// Every tenth connection fails in some way: each is counted, none is lost.
func TestFaultsAddUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		rude  tlstest.Rude
		stage results.Stage
		kind  results.FailureKind
	}{
		{"reset", tlstest.Reset, results.StageHello, results.KindReset},
		{"silent", tlstest.Silent, results.StageHello, results.KindTimeout},
		{"half a flight", tlstest.Half(config(), 400), results.StageHandshake, results.KindTimeout},
	} {
		for name := range clients {
			t.Run(c.name+" "+name, func(t *testing.T) {
				server := tlstest.ServeSome(t, config(), 1, 10, c.rude) // the first one apart
				timeout := 5 * time.Second
				if c.kind == results.KindTimeout {
					timeout = 800 * time.Millisecond
				}
				g, _ := run(t, t.Context(), name, bench.Plan{
					Paths: []bench.Path{path("p", server.Addr)}, Rate: 150, WarmUp: -1,
					Duration: 400 * time.Millisecond, Blocks: 1, Timeout: timeout,
				})
				r := g.Trials[0]
				if r.Due != 60 || r.Handshakes != 54 || len(r.Failures) != 1 {
					t.Fatalf("%d due, %d handshakes, failures %+v", r.Due, r.Handshakes, r.Failures)
				}
				if f := r.Failures[0]; f.Stage != c.stage || f.Kind != c.kind || f.Count != 6 {
					t.Errorf("failure %+v, want 6 times %s %s", f, c.stage, c.kind)
				}
				if served := len(server.States()); served != r.Handshakes+1 {
					t.Errorf("the server made %d handshakes, the client %d and one before", served, r.Handshakes)
				}
				if r.Valid || !strings.Contains(r.InvalidWhy[0], "10.0 %") {
					t.Errorf("a tenth failed: valid %v, %q", r.Valid, r.InvalidWhy)
				}
			})
		}
	}
}

// A closed loop does not hammer a server that refuses, and ends.
func TestClosedLoopBacksOff(t *testing.T) {
	for name := range clients {
		server := tlstest.ServeSome(t, config(), 1, 1, tlstest.Reset)
		g, _ := run(t, t.Context(), name, bench.Plan{
			Paths: []bench.Path{path("p", server.Addr)}, Loop: results.ClosedLoop, Connections: 2, WarmUp: -1,
			Duration: 200 * time.Millisecond, Blocks: 1,
		})
		// Two slots that pause for 2, 4, 8 … ms; without pauses it would be thousands.
		if r := g.Trials[0]; r.Handshakes != 0 || r.Due == 0 || r.Due > 40 {
			t.Errorf("%s: %d due, %d handshakes", name, r.Due, r.Handshakes)
		}
	}
}

// slow is a server that takes a while over each handshake.
func slow(t *testing.T, d time.Duration) *tlstest.Server {
	c := config()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		<-time.After(d)
		return nil, nil
	}
	return tlstest.Serve(t, c)
}

// With one slot for arrivals that come four times as often as it is free, each
// waits for those before it: total shows that, the handshake's own time does not,
// and the generator is not to blame.
func TestQueueShowsInTotal(t *testing.T) {
	for name := range clients {
		server := slow(t, 20*time.Millisecond)
		g, _ := run(t, t.Context(), name, bench.Plan{
			Paths: []bench.Path{path("p", server.Addr)}, Rate: 200, Connections: 1, WarmUp: -1,
			Duration: 100 * time.Millisecond, Blocks: 1,
		})
		r := g.Trials[0]
		if r.Due != 20 || r.Handshakes != 20 {
			t.Fatalf("%s: %d due, %d handshakes, failures %+v", name, r.Due, r.Handshakes, r.Failures)
		}
		// The last begins after 19 others of 20 ms, and was due after 95 ms at most.
		if least := 285e3; r.Phases.Total.MaxUS < least+r.Phases.Handshake.P50US*0.5 {
			t.Errorf("%s: total up to %.0f µs, want more than %.0f", name, r.Phases.Total.MaxUS, least)
		}
		if lag := *r.Generator.LagP99US; lag > r.Phases.Total.P50US/2 {
			t.Errorf("%s: waiting for the slot, up to %.0f µs, counts as the generator's lag, %.0f µs", name, r.Phases.Total.MaxUS, lag)
		}
	}
}

// What has not begun when the grace is over is abandoned, not forgotten.
func TestAbandoned(t *testing.T) {
	for name := range clients {
		server := slow(t, 60*time.Millisecond)
		g, _ := run(t, t.Context(), name, bench.Plan{
			Paths: []bench.Path{path("p", server.Addr)}, Rate: 200, Connections: 1, WarmUp: -1,
			Duration: 100 * time.Millisecond, Blocks: 1, Timeout: 150 * time.Millisecond,
		})
		if r := g.Trials[0]; r.Due != 20 || r.Abandoned < 5 {
			t.Errorf("%s: %d due, %d abandoned; 750 ms are enough for 12", name, r.Due, r.Abandoned)
		}
	}
}

// An interrupt keeps the blocks that are whole and says what is missing.
func TestInterrupt(t *testing.T) {
	for name := range clients {
		server := tlstest.Serve(t, config())
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		blocks := 0
		g, outcome := run(t, ctx, name, bench.Plan{
			Paths: []bench.Path{path("a", server.Addr), path("b", server.Addr)}, Rate: 500, Seed: 1,
			Duration: 10 * time.Second, Blocks: 100,
		}, func(r results.Record) {
			if _, ok := r.(*results.Block); ok {
				if blocks++; blocks == 3 {
					cancel()
				}
			}
		})
		if !outcome.Interrupted || blocks != 3 || len(g.Trials) != 2 {
			t.Fatalf("%s: %+v, %d blocks, %d trials", name, outcome, blocks, len(g.Trials))
		}
		due := 0
		for _, r := range g.Trials {
			due += r.Due
			if r.Valid || !strings.HasPrefix(r.InvalidWhy[0], "interrupted: ") {
				t.Errorf("%s: valid %v, %q", name, r.Valid, r.InvalidWhy)
			}
		}
		if due != 3*50 {
			t.Errorf("%s: %d due in three blocks of 50", name, due)
		}
	}
}

// A run that is interrupted while servers say nothing ends at once.
func TestInterruptSilence(t *testing.T) {
	for name := range clients {
		ctx, cancel := context.WithCancel(t.Context())
		heard := make(chan struct{}, 100)
		server := tlstest.ServeSome(t, config(), 1, 1, func(conn net.Conn) {
			heard <- struct{}{}
			tlstest.Silent(conn)
		})
		go func() {
			<-heard // a handshake of the first block is under way
			cancel()
		}()
		g, outcome := run(t, ctx, name, bench.Plan{
			Paths: []bench.Path{path("a", server.Addr)}, Rate: 100, Timeout: time.Hour,
			Duration: time.Second, Blocks: 2,
		})
		if !outcome.Interrupted || len(g.Blocks)+len(g.Trials) != 0 {
			t.Errorf("%s: %+v, %d blocks, %d trials", name, outcome, len(g.Blocks), len(g.Trials))
		}
	}
}

// A server that takes unit shares for a mistake gets ordinary ones.
func TestReusedShares(t *testing.T) {
	x9 := string(append([]byte{9}, make([]byte, 31)...))
	picky := config()
	refused := make(chan struct{}, 10)
	address := tlstest.Listen(t, func(conn net.Conn) {
		b := make([]byte, 1<<14)
		n, _ := conn.Read(b)
		if strings.Contains(string(b[:n]), x9) {
			refused <- struct{}{}
			conn.Write([]byte{21, 3, 3, 0, 2, 2, 47}) // illegal_parameter
			return
		}
		tls.Server(&prefixed{conn, b[:n]}, picky).Handshake()
	})
	g, _ := run(t, t.Context(), "lean", bench.Plan{
		Paths: []bench.Path{path("p", address)}, Rate: 200, Duration: 200 * time.Millisecond, Blocks: 1,
	})
	if r := g.Trials[0]; r.Handshakes != 40 || len(refused) != 1 || r.Generator.KeyShares != "reused" {
		t.Errorf("%d handshakes of 40 with %q shares after %d refusals: %+v", r.Handshakes, r.Generator.KeyShares, len(refused), r.Failures)
	}
}

// prefixed is a connection of which something was read before.
type prefixed struct {
	net.Conn
	before []byte
}

func (c *prefixed) Read(b []byte) (int, error) {
	if len(c.before) > 0 {
		n := copy(b, c.before)
		c.before = c.before[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}
