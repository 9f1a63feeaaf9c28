package bench_test

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"shakedown/bench"
	"shakedown/bench/internal/tlstest"
	"shakedown/results"
	"shakedown/scanner/wire"
)

// Bystanders are watched before every block and during it, and are no handshakes.
func TestBystanders(t *testing.T) {
	server := tlstest.Serve(t, config())
	g, _ := run(t, t.Context(), "lean", bench.Plan{
		Paths: []bench.Path{path("a", server.Addr)}, Rate: 20, Duration: 2 * time.Second, Blocks: 2, Bystanders: true,
	})
	if r := g.Trials[0]; r.Due != 40 || r.Handshakes != 40 {
		t.Errorf("%d handshakes of %d due, want 40: %+v", r.Handshakes, r.Due, r.Failures)
	}
	for _, b := range g.Blocks {
		switch {
		case b.Bystanders == nil || b.Bystanders.Quiet == nil || b.Bystanders.Loaded == nil:
			t.Fatalf("block %d: bystanders %+v", b.Index, b.Bystanders)
		case b.Bystanders.Quiet.N > 60 || b.Bystanders.Loaded.N > 110:
			t.Errorf("block %d: %d and %d bystanders, about 25 and 50 wanted", b.Index, b.Bystanders.Quiet.N, b.Bystanders.Loaded.N)
		}
	}
}

// One worker that serves connections one after the other, and takes its time for
// each that says something: bystanders wait for it.
func TestBystandersStall(t *testing.T) {
	const busy = 40 * time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	behind := tlstest.Serve(t, config())
	var worker sync.Mutex
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveSlowly(c, behind.Addr, &worker, busy)
		}
	}()
	t.Cleanup(func() { l.Close() })
	g, _ := run(t, t.Context(), "lean", bench.Plan{
		Paths: []bench.Path{path("a", l.Addr().(*net.TCPAddr).AddrPort())}, Loop: results.ClosedLoop, Connections: 1,
		Duration: 2 * time.Second, Blocks: 1, Bystanders: true,
	})
	if len(g.Blocks) != 1 || g.Blocks[0].Bystanders == nil || g.Blocks[0].Bystanders.Loaded == nil {
		t.Fatalf("blocks %+v", g.Blocks)
	}
	// The worker is busy nearly all the time: bystanders wait for half of it on
	// average. When it is idle they do not wait for it; how long they take then is the
	// machine's.
	if loaded := g.Blocks[0].Bystanders.Loaded.MeanUS; loaded < float64(busy.Microseconds())/5 {
		t.Errorf("bystanders took %.0f µs in the mean beside a worker that is busy for %v at a time", loaded, busy)
	}
}

// serveSlowly passes a connection on once the worker has had its time for it.
func serveSlowly(c net.Conn, to netip.AddrPort, worker *sync.Mutex, busy time.Duration) {
	defer c.Close()
	first := make([]byte, 4096)
	n, _ := c.Read(first)
	worker.Lock()
	if n == 0 {
		worker.Unlock()
		return
	}
	time.Sleep(busy) // what it is busy with, not a wait of the test's
	worker.Unlock()
	back, err := net.Dial("tcp", to.String())
	if err != nil {
		return
	}
	defer back.Close()
	back.Write(first[:n])
	go io.Copy(back, c)
	io.Copy(c, back)
}

// One worker that is busy for a while with each new connection, as with an HSM's
// signature: connections that are there already wait for it. Without a request there
// is nothing to ask of them.
func TestEstablishedStall(t *testing.T) {
	const busy = 40 * time.Millisecond
	var worker sync.Mutex
	slow := config()
	slow.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if !slices.Contains(hello.SupportedVersions, tls.VersionTLS13) { // the load's: bystanders offer all versions
			worker.Lock()
			defer worker.Unlock()
			time.Sleep(busy) // what it is busy with, not a wait of the test's
		}
		return nil, nil
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", slow)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		worker.Lock()
		defer worker.Unlock()
		io.WriteString(w, "served")
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	loaded := path("a", l.Addr().(*net.TCPAddr).AddrPort())
	loaded.Ask.Version = wire.TLS12
	for _, request := range []string{"/", ""} {
		g, _ := run(t, t.Context(), "lean", bench.Plan{
			Paths: []bench.Path{loaded}, Loop: results.ClosedLoop, Connections: 1,
			Duration: 2 * time.Second, Blocks: 1, Bystanders: true, Request: request,
		})
		b := g.Blocks[0].Bystanders
		switch {
		case request == "" && (b.EstablishedQuiet != nil || b.EstablishedLoaded != nil):
			t.Errorf("without a request: %+v", b)
		case request == "":
		case b.EstablishedQuiet == nil || b.EstablishedLoaded == nil:
			t.Fatalf("bystanders %+v", b)
		case b.EstablishedLoaded.MeanUS < float64(busy.Microseconds())/5:
			t.Errorf("requests took %.0f µs in the mean beside a worker that is busy for %v at a time", b.EstablishedLoaded.MeanUS, busy)
		case b.EstablishedQuiet.N < 10 || b.EstablishedLoaded.N < 40:
			t.Errorf("%d and %d requests, about 50 and 100 wanted", b.EstablishedQuiet.N, b.EstablishedLoaded.N)
		}
	}
}
