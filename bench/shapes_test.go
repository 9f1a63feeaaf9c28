package bench_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/bench/lab"
	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// handshakes is how many TestShapesAgainstServerLog makes in all:
//
//	go test ./bench -run ShapesAgainstServerLog -v -timeout 1h -handshakes 100000
var handshakes = flag.Int("handshakes", 2400, "how many handshakes TestShapesAgainstServerLog makes")

// mixture is one kind of load, on a server that has one kind of certificate.
type mixture struct {
	key     lab.KeyType
	version results.Version
	group   string
	resume  float64
}

func mixtures(key lab.KeyType) (list []mixture) {
	for _, version := range []results.Version{results.TLSv12, results.TLSv13} {
		for _, group := range []string{"X25519", "P-256"} {
			for _, resume := range []float64{0, 0.5, 1} {
				list = append(list, mixture{key, version, group, resume})
			}
		}
	}
	return list
}

// What every handshake was said to be is what nginx logged of it: resumption,
// version, group and suite, in every mixture. Half of them are made by the load
// itself, and counted; the others one by one, and told apart by their ports.
func TestShapesAgainstServerLog(t *testing.T) {
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, key := range []lab.KeyType{lab.RSA, lab.ECDSA} {
		leaf, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		server, err := lab.StartNginx(t.Context(), lab.Nginx{
			Place: lab.Place{Dir: filepath.Join(t.TempDir(), "nginx")}, TLS: lab.TLS{Certificates: []lab.Certificate{leaf}},
			Log: "$remote_port $ssl_session_reused $ssl_protocol $ssl_curve $ssl_cipher",
		})
		if err != nil {
			t.Fatal(err)
		}
		log := &serverLog{path: filepath.Join(server.Dir, lab.AccessLog)}
		each := *handshakes / (2 * len(mixtures(key)))
		for _, m := range mixtures(key) {
			address := netip.MustParseAddrPort(server.Address)
			total += countedAgainstLog(t, address, log, m, each/2)
			total += oneByOneAgainstLog(t, address, log, m, each-each/2)
		}
		if err := server.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d handshakes, each as the server logged it", total)
}

// A server that keeps sessions itself: by id in TLS 1.2, and in TLS 1.3 by tickets
// that it takes once, so that a ticket used twice would be a full handshake.
func TestSessionsKeptByServer(t *testing.T) {
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}})
	if err != nil {
		t.Fatal(err)
	}
	server, err := lab.StartNginx(t.Context(), lab.Nginx{
		Place: lab.Place{Dir: filepath.Join(t.TempDir(), "nginx")}, TLS: lab.TLS{Certificates: []lab.Certificate{leaf}},
		Extra: "    ssl_session_tickets off;\n    ssl_session_cache shared:sessions:8m;\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop(t.Context())
	for name := range clients {
		for _, m := range []mixture{{version: results.TLSv12, resume: 1}, {version: results.TLSv13, resume: 1}, {version: results.TLSv13, resume: 0.5}} {
			if name == "stock" && m.version == results.TLSv12 {
				continue // crypto/tls resumes by tickets alone
			}
			g, _ := run(t, t.Context(), name, bench.Plan{
				Paths: []bench.Path{{Service: "portal", Name: "p", Address: netip.MustParseAddrPort(server.Address), ServerName: "portal.example", Ask: m.ask(t)}},
				Rate:  400, Duration: 300 * time.Millisecond, Blocks: 1, Request: "/", SessionIDs: m.version == results.TLSv12,
			})
			if r := g.Trials[0]; r.Handshakes != 120 || r.OtherShape != 0 {
				t.Errorf("%s, %+v: %d handshakes of 120, %d of another shape, failures %+v: %q", name, m, r.Handshakes, r.OtherShape, r.Failures, r.InvalidWhy)
			}
		}
	}
}

func (m mixture) ask(t *testing.T) client.Ask {
	ask, err := client.NewAsk(m.version, m.group, "", "")
	if err != nil {
		t.Fatal(err)
	}
	ask.Resume = m.resume
	return ask
}

// logged is what a line of nginx' log says of a handshake.
type logged struct {
	resumed              bool
	version              results.Version
	group, opensslCipher string
}

// said is what we say of it, in nginx' words. It tells the group of a resumed
// session of TLS 1.2 too, where no group was used.
func (m mixture) said(s client.Shape) logged {
	groups := map[uint16]string{0x1D: "X25519", 0x17: "prime256v1", 0: map[string]string{"X25519": "X25519", "P-256": "prime256v1"}[m.group]}
	suite := wire.LookupSuite(s.Suite)
	name := suite.OpenSSL
	if name == "" {
		name = suite.Name
	}
	return logged{s.Resumed, wire.VersionName(s.Version), groups[s.Group], name}
}

// serverLog is an access log that grows.
type serverLog struct {
	path string
	seen int // bytes
}

// next waits for n more lines and returns what they say, by port, in their order.
func (l *serverLog) next(t *testing.T, n int) map[string][]logged {
	t.Helper()
	var text []byte
	for end := time.Now().Add(20 * time.Second); ; {
		all, err := os.ReadFile(l.path)
		if err != nil {
			t.Fatal(err)
		}
		if text = all[l.seen:]; strings.Count(string(text), "\n") >= n || time.Now().After(end) {
			break
		}
	}
	l.seen += len(text)
	lines, count := map[string][]logged{}, 0
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 5 {
			t.Fatalf("the server logged %q", line)
		}
		lines[f[0]] = append(lines[f[0]], logged{f[1] == "r", results.Version(f[2]), f[3], f[4]})
		count++
	}
	if count != n {
		t.Fatalf("the server logged %d handshakes, we made %d", count, n)
	}
	return lines
}

// countedAgainstLog compares the counts of a trial with those of the log.
func countedAgainstLog(t *testing.T, address netip.AddrPort, log *serverLog, m mixture, n int) int {
	t.Helper()
	const rate = 1000
	g, _ := run(t, t.Context(), "lean", bench.Plan{
		Paths: []bench.Path{{Service: "portal", Name: "p", Address: address, ServerName: "portal.example", Ask: m.ask(t)}},
		Rate:  rate, WarmUp: -1, Duration: time.Duration(n) * time.Second / rate, Blocks: 1, Request: "/", Timeout: 20 * time.Second,
	})
	r := g.Trials[0]
	if r.Handshakes != n || r.Due != n {
		t.Fatalf("%+v: %d of %d handshakes, other shape %d, failures %+v", m, r.Handshakes, r.Due, r.OtherShape, r.Failures)
	}
	want := map[logged]int{}
	suite := uint16(0)
	for _, shape := range r.Negotiated {
		info, _ := wire.SuiteNamed(shape.Shape.Suite)
		group, _ := wire.GroupNamed(shape.Shape.Group)
		suite = uint16(info.ID)
		want[m.said(client.Shape{Version: wire.VersionNumber(shape.Shape.Version), Suite: suite, Group: group.ID, Resumed: *shape.Shape.Resumed})] += shape.Count
	}
	// And what no trial counts: the first handshake, the first resumed one, those
	// that earned tickets.
	base := client.Shape{Version: wire.VersionNumber(m.version), Suite: suite}
	want[m.said(base)] += 1 + r.Generator.TicketHandshakes
	if base.Resumed = true; m.resume > 0 {
		want[m.said(base)]++
	}
	all := 0
	for _, count := range want {
		all += count
	}
	got := map[logged]int{}
	for _, lines := range log.next(t, all) {
		for _, line := range lines {
			got[line]++
		}
	}
	for kind, count := range want {
		if got[kind] != count {
			t.Errorf("%+v: %d handshakes were %+v, the server logged %d; all: %+v", m, count, kind, got[kind], got)
		}
	}
	return all
}

// oneByOneAgainstLog compares each handshake with its own line, by both clients
// in turn.
func oneByOneAgainstLog(t *testing.T, address netip.AddrPort, log *serverLog, m mixture, n int) int {
	t.Helper()
	const workers = 4
	var mu sync.Mutex
	var work sync.WaitGroup
	said, made := map[string][]logged{}, 0
	for w := range workers {
		ask := m.ask(t)
		config := client.Config{ServerName: "portal.example", Ask: ask, Request: "/", Classify: dial.Classify, Wallet: client.NewWallet(ask)}
		h := handshaker(t, config, w%2 == 0)
		work.Go(func() {
			for i := range n / workers {
				resume := i > 0 && (m.resume == 1 || m.resume > 0 && i*7%3 == 0)
				port, s := oneHandshake(t.Context(), address, h, resume)
				mu.Lock()
				made++
				said[port] = append(said[port], m.said(s.Shape))
				if s.Failure != nil || !ask.Fits(s.Shape, resume) {
					t.Errorf("%+v: %+v, %+v, resumed asked for: %v", m, s.Failure, s.Shape, resume)
				}
				mu.Unlock()
			}
		})
	}
	work.Wait()
	lines := log.next(t, made)
	for port, list := range said {
		if fmt.Sprint(list) != fmt.Sprint(lines[port]) {
			t.Errorf("%+v: port %s: we say %+v, the server %+v", m, port, list, lines[port])
		}
	}
	return made
}

func handshaker(t *testing.T, config client.Config, lean bool) client.Handshaker {
	if !lean {
		h, err := client.NewStock(config)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	l, err := client.NewLean(config, client.UnitShares)
	if err != nil {
		t.Fatal(err)
	}
	return l.Session(1)
}

// oneHandshake makes one, and says from which port.
func oneHandshake(ctx context.Context, address netip.AddrPort, h client.Handshaker, resume bool) (string, client.Sample) {
	begin := time.Now()
	now := func() time.Duration { return time.Since(begin) + time.Microsecond }
	s := client.Sample{Start: now(), Resume: resume}
	conn, err := dialTCP(ctx, address)
	if err != nil {
		f := dial.Classify(results.StageConnect, err)
		s.Failure = &f
		return "", s
	}
	_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
	conn.SetDeadline(begin.Add(20 * time.Second))
	h.Handshake(conn, now, &s)
	h.Close(conn)
	return port, s
}
