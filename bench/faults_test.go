package bench_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/bench/internal/tlstest"
	"shakedown/bench/lab"
	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// A server that dies in the middle of a run: what it had made is kept, all that
// came after is counted as refused or cut off, and the run ends as planned.
func TestServerKilled(t *testing.T) {
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}})
	if err != nil {
		t.Fatal(err)
	}
	for name := range clients {
		t.Run(name, func(t *testing.T) {
			server, err := nginx(t.Context(), lab.Place{Dir: filepath.Join(t.TempDir(), "nginx")}, lab.TLS{Certificates: []lab.Certificate{leaf}})
			if err != nil {
				t.Fatal(err)
			}
			blocks := 0
			g, outcome := run(t, t.Context(), name, bench.Plan{
				Paths: []bench.Path{path("p", netip.MustParseAddrPort(server.Address))}, Rate: 200, WarmUp: -1,
				Duration: 400 * time.Millisecond, Blocks: 4, Timeout: 2 * time.Second,
			}, func(r results.Record) {
				if _, ok := r.(*results.Block); ok {
					if blocks++; blocks == 2 {
						if err := server.Stop(t.Context()); err != nil {
							t.Error(err)
						}
					}
				}
			})
			r := g.Trials[0]
			if blocks != 4 || r.Due != 80 || r.Handshakes != 40 || outcome.Invalid != 1 {
				t.Fatalf("%d blocks, %d due, %d handshakes, failures %+v", blocks, r.Due, r.Handshakes, r.Failures)
			}
			if f := r.Failures; len(f) != 1 || f[0].Stage != results.StageConnect || f[0].Kind != results.KindRefused || f[0].Count != 40 {
				t.Errorf("failures %+v, want 40 times refused", f)
			}
			if r.Valid || !strings.Contains(r.InvalidWhy[0], "50.0 % of the handshakes failed") {
				t.Errorf("valid %v, %q", r.Valid, r.InvalidWhy)
			}
		})
	}
}

// A certificate that is changed in the middle of a run: of another kind, the
// shapes show it; of the same kind, the signatures that are looked at do, and the
// trial says so.
func TestCertificateSwapped(t *testing.T) {
	second := tlstest.Fresh()
	for name := range clients {
		for _, c := range []struct {
			name   string
			to     tls.Certificate
			shapes int
		}{{"the same kind", second, 1}, {"another kind", tlstest.Certificate("rsa"), 2}, {"none", tlstest.Certificate("p256"), 1}} {
			t.Run(c.name+" "+name, func(t *testing.T) {
				var swapped atomic.Bool
				swap := config()
				swap.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
					if swapped.Load() {
						return &tls.Config{Certificates: []tls.Certificate{c.to}}, nil
					}
					return nil, nil
				}
				server := tlstest.Serve(t, swap)
				g, _ := run(t, t.Context(), name, bench.Plan{
					Paths: []bench.Path{path("p", server.Addr)}, Rate: 200, WarmUp: -1, VerifySample: 3,
					Duration: 400 * time.Millisecond, Blocks: 2,
				}, func(results.Record) { swapped.Store(true) })
				r := g.Trials[0]
				if r.Handshakes != 80 || len(r.Negotiated) != c.shapes {
					t.Fatalf("%d handshakes of 80, shapes %+v, failures %+v", r.Handshakes, r.Negotiated, r.Failures)
				}
				if noted := strings.Contains(strings.Join(r.Notes, "\n"), "2 different certificates"); noted != (c.name != "none") {
					t.Errorf("notes %q", r.Notes)
				}
			})
		}
	}
}

// One connection in a hundred is reset: each is counted, and the rest is still a
// measurement.
func TestOneInAHundred(t *testing.T) {
	for name := range clients {
		server := tlstest.ServeSome(t, config(), 1, 100, tlstest.Reset)
		g, _ := run(t, t.Context(), name, bench.Plan{
			Paths: []bench.Path{path("p", server.Addr)}, Rate: 1000, WarmUp: -1, Duration: 400 * time.Millisecond, Blocks: 2,
		})
		r := g.Trials[0]
		if r.Due != 400 || r.Handshakes != 396 || len(r.Failures) != 1 || r.Failures[0].Count != 4 || r.Failures[0].Kind != results.KindReset {
			t.Errorf("%s: %d due, %d handshakes, failures %+v", name, r.Due, r.Handshakes, r.Failures)
		}
		for _, why := range r.InvalidWhy { // the generator may have been late: this machine's load is not this test's
			if !strings.Contains(why, "the generator") {
				t.Errorf("%s: invalid: %s", name, why)
			}
		}
	}
}

// A server that stops in the middle of each phase: the failure names the phase,
// whatever it was that came before.
func TestStallsInEachPhase(t *testing.T) {
	old := config()
	old.MaxVersion = tls.VersionTLS12
	picky := config()
	picky.CurvePreferences = []tls.CurveID{tls.CurveP384}
	for _, c := range []struct {
		name    string
		version uint16
		rude    func(*tls.Config) tlstest.Rude
		config  *tls.Config
		stage   results.Stage
	}{
		{"the hello of 1.3", wire.TLS13, func(*tls.Config) tlstest.Rude { return tlstest.Silent }, config(), results.StageHello},
		{"the second hello", wire.TLS13, func(c *tls.Config) tlstest.Rude { return tlstest.Writes(c, 1) }, picky, results.StageHello},
		{"half a ServerHello", wire.TLS13, func(c *tls.Config) tlstest.Rude { return tlstest.Half(c, 60) }, config(), results.StageHello},
		{"the flight of 1.3", wire.TLS13, func(c *tls.Config) tlstest.Rude { return tlstest.Half(c, 300) }, config(), results.StageHandshake},
		{"the flight of 1.2", wire.TLS12, func(c *tls.Config) tlstest.Rude { return tlstest.Half(c, 200) }, old, results.StageHandshake},
		{"the Finished of 1.2", wire.TLS12, func(c *tls.Config) tlstest.Rude { return tlstest.Writes(c, 1) }, old, results.StageHandshake},
		{"the response of 1.3", wire.TLS13, func(c *tls.Config) tlstest.Rude { return tlstest.Writes(c, 1) }, config(), results.StageRequest},
		{"the response of 1.2", wire.TLS12, func(c *tls.Config) tlstest.Rude { return tlstest.Writes(c, 2) }, old, results.StageRequest},
	} {
		for _, name := range []string{"lean", "stock"} { // each waits for its time to be over
			t.Run(c.name+" "+name, func(t *testing.T) {
				server := tlstest.ServeSome(t, c.config, 1, 4, c.rude(c.config))
				p := path("p", server.Addr)
				p.Ask.Version = c.version
				g, _ := run(t, t.Context(), name, bench.Plan{
					Paths: []bench.Path{p}, Rate: 200, WarmUp: -1, Duration: 100 * time.Millisecond, Blocks: 1, Request: "/", Timeout: 800 * time.Millisecond,
				})
				r := g.Trials[0]
				if r.Due != 20 || r.Handshakes != 15 || len(r.Failures) != 1 {
					t.Fatalf("%d due, %d handshakes, failures %+v", r.Due, r.Handshakes, r.Failures)
				}
				if f := r.Failures[0]; f.Stage != c.stage || f.Kind != results.KindTimeout || f.Count != 5 {
					t.Errorf("%+v, want 5 times timeout in %s", f, c.stage)
				}
			})
		}
	}
}

// A server whose queue of connections is full answers no SYN.
func TestStallsInConnect(t *testing.T) {
	for name := range clients {
		g, _ := run(t, t.Context(), name, bench.Plan{
			Paths: []bench.Path{path("p", deaf(t))}, Rate: 100, Duration: 100 * time.Millisecond, Blocks: 1, Timeout: 300 * time.Millisecond,
		})
		if f := g.Trials[0].Failures; len(f) != 1 || f[0].Stage != results.StageConnect || f[0].Kind != results.KindTimeout {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// deaf listens, with a queue that is full.
func deaf(t *testing.T) netip.AddrPort {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(name.(*syscall.SockaddrInet4).Port))
	conn, err := net.Dial("tcp", address.String()) // the queue holds one more than it was told
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return address
}

// A Finished that was changed on the way never ends a handshake. (One that was
// made wrong is what package client tests.)
func TestWrongFinished(t *testing.T) {
	for name := range clients {
		for version, good := range map[uint16]int{wire.TLS12: 1, wire.TLS13: 0} {
			c := config()
			c.SessionTicketsDisabled = true // so that Finished comes last
			server := tlstest.ServeSome(t, c, 1, 10, tlstest.Corrupt(c, good))
			p := path("p", server.Addr)
			p.Ask.Version = version
			g, _ := run(t, t.Context(), name, bench.Plan{Paths: []bench.Path{p}, Rate: 200, WarmUp: -1, Duration: 200 * time.Millisecond, Blocks: 1})
			r := g.Trials[0]
			if r.Due != 40 || r.Handshakes != 36 || len(r.Failures) != 1 || r.Failures[0].Count != 4 {
				t.Fatalf("%s: %d due, %d handshakes, failures %+v", name, r.Due, r.Handshakes, r.Failures)
			}
			if f := r.Failures[0]; f.Stage != results.StageHandshake || f.Kind != results.KindMalformed {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}

// fewEnv makes the test binary a generator of its own with few descriptors: the
// address of a server, and how many more files to hold open.
const fewEnv = "SHAKEDOWN_TEST_FEW"

const fewFiles = 256

// With few descriptors a generator keeps fewer connections in flight than it was
// to, and says so; where even those fail, the failures are its own.
func TestFewDescriptors(t *testing.T) {
	server := slow(t, 700*time.Millisecond)
	for _, c := range []struct {
		held int
		loop results.Loop
		say  string
		kind results.FailureKind // "" for none
	}{
		{0, results.OpenLoop, "the limit of open files allows 192 connections in flight, not 2000", ""},
		{0, results.ClosedLoop, "the limit of open files allows 192 connections in flight, not 400", ""},
		{150, results.OpenLoop, "failed on this machine", results.KindInternal},
	} {
		r := fewDescriptors(t, server.Addr, c.held, c.loop)
		addsUp(t, r)
		if why := strings.Join(r.InvalidWhy, "\n"); r.Valid || !strings.Contains(why, c.say) || !strings.Contains(why, "ulimit -n") {
			t.Errorf("%d held, %s: valid %v: %s", c.held, c.loop, r.Valid, why)
		}
		if c.kind == "" && len(r.Failures) > 0 || c.kind != "" && (len(r.Failures) != 1 || r.Failures[0].Kind != c.kind || r.Failures[0].Stage != results.StageConnect) {
			t.Errorf("%d held, %s: failures %+v", c.held, c.loop, r.Failures)
		}
		if r.Handshakes == 0 || r.Loop == results.OpenLoop && r.Due != 500 {
			t.Errorf("%d held, %s: %d due, %d handshakes", c.held, c.loop, r.Due, r.Handshakes)
		}
	}
}

func fewDescriptors(t *testing.T, address netip.AddrPort, held int, loop results.Loop) *results.Trial {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s", fewEnv, address, held, loop))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	r := &results.Trial{}
	if err := json.Unmarshal(out, r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}

// measureWithFew is what the other process does.
func measureWithFew(job string) error {
	var address, loop string
	held := 0
	if _, err := fmt.Sscan(job, &address, &held, &loop); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: fewFiles, Max: fewFiles}); err != nil {
		return err
	}
	for range held {
		if _, err := syscall.Open("/dev/null", syscall.O_RDONLY, 0); err != nil {
			return err
		}
	}
	plan := bench.Plan{
		Paths:  []bench.Path{{Service: "s", Name: "p", Address: netip.MustParseAddrPort(address), ServerName: tlstest.Name, Ask: client.Ask{Version: wire.TLS13}}},
		Loop:   results.Loop(loop),
		WarmUp: -1, Duration: 500 * time.Millisecond, Blocks: 1, Timeout: 20 * time.Second,
	}
	if plan.Rate = 1000; plan.Loop == results.ClosedLoop {
		plan.Rate, plan.Connections = 0, 400
	}
	plan, err := plan.Complete()
	if err != nil {
		return err
	}
	_, err = bench.Run(context.Background(), plan, bench.Env{Classify: dial.Classify, Put: func(r results.Record) error {
		if trial, ok := r.(*results.Trial); ok {
			return json.NewEncoder(os.Stdout).Encode(trial)
		}
		return nil
	}})
	return err
}
