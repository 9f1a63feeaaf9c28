package bench_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"shakedown/bench"
	"shakedown/bench/internal/tlstest"
	"shakedown/results"
)

// A target behind the PROXY protocol hears the truth about the connection before
// TLS, and everything else is as ever.
func TestProxyProtocol(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		for _, name := range []string{"lean", "stock"} { // lean pool has its Dial from outside, as stock has not
			t.Run(version+" "+name, func(t *testing.T) {
				var mu sync.Mutex
				heard, wrong := 0, []string(nil)
				address := tlstest.Listen(t, func(conn net.Conn) {
					in := bufio.NewReader(conn)
					got, want := readHeader(in, version), fmt.Sprint(conn.RemoteAddr(), " ", conn.LocalAddr())
					mu.Lock()
					if heard++; got != want {
						wrong = append(wrong, got+", want "+want)
					}
					mu.Unlock()
					rest, _ := in.Peek(in.Buffered())
					server := tls.Server(&prefixed{conn, rest}, config())
					if server.Handshake() == nil {
						io.Copy(io.Discard, server)
					}
				})
				p := path("p", address)
				p.ProxyProtocol = version
				g, _ := run(t, t.Context(), name, bench.Plan{Paths: []bench.Path{p}, Rate: 200, Duration: 200 * time.Millisecond, Blocks: 1})
				if r := g.Trials[0]; r.Handshakes != 40 {
					t.Errorf("%d handshakes of 40: %+v", r.Handshakes, r.Failures)
				}
				mu.Lock()
				defer mu.Unlock()
				if heard < 41 || len(wrong) > 0 {
					t.Errorf("%d headers were heard, wrong: %q", heard, wrong)
				}
			})
		}
	}
}

// readHeader reads a PROXY protocol header as "source destination".
func readHeader(in *bufio.Reader, version string) string {
	if version == "v1" {
		line, _ := in.ReadString('\n')
		f := strings.Fields(line)
		if len(f) != 6 || f[0] != "PROXY" || f[1] != "TCP4" || !strings.HasSuffix(line, "\r\n") {
			return fmt.Sprintf("%q", line)
		}
		return net.JoinHostPort(f[2], f[4]) + " " + net.JoinHostPort(f[3], f[5])
	}
	b := make([]byte, 28)
	io.ReadFull(in, b)
	if string(b[:16]) != "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" {
		return fmt.Sprintf("%q", b)
	}
	end := func(ip, port []byte) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip)), uint16(port[0])<<8|uint16(port[1]))
	}
	return fmt.Sprint(end(b[16:20], b[24:26]), " ", end(b[20:24], b[26:28]))
}

// from counts the addresses that connections come from.
type from struct {
	mu    sync.Mutex
	count map[string]int
}

func (f *from) serve(t *testing.T) netip.AddrPort {
	f.count = map[string]int{}
	return tlstest.Listen(t, func(conn net.Conn) {
		host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
		f.mu.Lock()
		f.count[host]++
		f.mu.Unlock()
		if server := tls.Server(conn, config()); server.Handshake() == nil {
			io.Copy(io.Discard, server)
		}
	})
}

// Connections come from the sources in turn, as many from each.
func TestSources(t *testing.T) {
	for _, name := range []string{"lean", "stock"} {
		var f from
		address := f.serve(t)
		g, _ := run(t, t.Context(), name, bench.Plan{
			Paths: []bench.Path{path("p", address)}, Rate: 300, Duration: 200 * time.Millisecond, Blocks: 1, WarmUp: -1,
			Sources: []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.4")},
		})
		if r := g.Trials[0]; r.Handshakes != 60 {
			t.Fatalf("%s: %d handshakes of 60: %+v", name, r.Handshakes, r.Failures)
		}
		f.mu.Lock()
		for _, host := range []string{"127.0.0.2", "127.0.0.3", "127.0.0.4"} {
			if n := f.count[host]; n < 20 || n > 21 { // with the first one
				t.Errorf("%s: %d connections from %s: %v", name, n, host, f.count)
			}
		}
		if len(f.count) != 3 {
			t.Errorf("%s: %v", name, f.count)
		}
		f.mu.Unlock()
	}
}

// When no port is left that is our own fault: an internal failure, with the mend,
// and never a slow server.
func TestPortsRunOut(t *testing.T) {
	for _, name := range []string{"lean", "stock"} {
		server := slow(t, 300*time.Millisecond)
		g, _ := run(t, t.Context(), name, bench.Plan{
			Paths: []bench.Path{path("p", server.Addr)}, Rate: 200, Duration: 200 * time.Millisecond, Blocks: 1, WarmUp: -1,
			Sources: []netip.Addr{netip.MustParseAddr("127.0.0.77")}, Ports: bench.Ports{Low: 40000, High: 40009},
		})
		r := g.Trials[0]
		if r.Due != 40 || r.Handshakes == 0 || r.Handshakes > 10 || len(r.Failures) != 1 {
			t.Fatalf("%s: %d due, %d handshakes by 10 ports: %+v", name, r.Due, r.Handshakes, r.Failures)
		}
		if f := r.Failures[0]; f.Stage != results.StageConnect || f.Kind != results.KindInternal || f.Count != 40-r.Handshakes {
			t.Errorf("%s: %+v", name, f)
		}
		if why := strings.Join(r.InvalidWhy, "\n"); r.Valid || !strings.Contains(why, "failed on this machine") || !strings.Contains(why, "--source") {
			t.Errorf("%s: valid %v, %q", name, r.Valid, why)
		}
	}
}

// The address family of a path and of the sources must meet.
func TestSourcesRefused(t *testing.T) {
	for _, c := range []struct {
		change func(*bench.Plan)
		say    string
	}{
		{func(p *bench.Plan) { p.Sources = []netip.Addr{netip.MustParseAddr("::1")} }, "no source address is of its family"},
		{func(p *bench.Plan) { p.Ports = bench.Ports{Low: 9, High: 3} }, "the lower one first"},
		{func(p *bench.Plan) { p.Paths[0].Ask.Resume = 1.5 }, "from 0 to 1"},
		{func(p *bench.Plan) { p.Paths[0].Ask.ALPN, p.Request = "h2", "/" }, "HTTP/1.1"},
	} {
		p := bench.Plan{Paths: []bench.Path{path("p", netip.MustParseAddrPort("127.0.0.1:1"))}}
		c.change(&p)
		if _, err := p.Complete(); err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%v, want %q", err, c.say)
		}
	}
}
