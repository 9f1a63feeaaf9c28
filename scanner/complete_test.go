package scanner

import (
	"net"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/handshake"
	"shakedown/scanner/wire"
)

// What a server does between its ServerHello and the end decides between no and
// unknown, and never keeps a scan.
func TestCompletionOfRudeServers(t *testing.T) {
	suites := handshake.Finishable(wire.TLS12)
	for name, c := range map[string]struct {
		then func(net.Conn)
		want results.Answer
	}{
		"silence": {func(conn net.Conn) { conn.Read(make([]byte, 1)) }, results.Unknown},
		"close":   {func(net.Conn) {}, results.No},
		"alert":   {func(conn net.Conn) { conn.Write([]byte{21, 3, 3, 0, 2, 2, 51}) }, results.No},
		"garbage": {func(conn net.Conn) { conn.Write([]byte("garbage, and no TLS at all")) }, results.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{suites: map[uint16][]uint16{wire.TLS12: suites}, serverFirst: true, refuse: alertBytes(40)}
			f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
				version, ok := f.version(hello)
				if suite, chosen := f.pick(suites, hello.Suites); ok && chosen {
					conn.Write(wire.Records(version, (&wire.ServerHello{Version: version, Suite: suite}).Marshal()))
					c.then(conn)
					return true
				}
				return false
			}
			e := scanFake(t, f.serve(t), dial.Options{Timeout: 200 * time.Millisecond, PerEndpoint: 8}, Options{Aspects: []Aspect{AspectVersions}, Complete: true})
			if len(e.Suites[results.TLSv12]) != len(suites) {
				t.Fatalf("%d suites of %d", len(e.Suites[results.TLSv12]), len(suites))
			}
			for _, s := range e.Suites[results.TLSv12] {
				if s.Completes != c.want {
					t.Errorf("%s: %q, want %q", s.Name, s.Completes, c.want)
				}
			}
			if want := map[results.Answer]results.Status{results.No: results.Complete, results.Unknown: results.Partial}[c.want]; e.Status != want {
				t.Errorf("status %s, %+v", e.Status, e.Failures)
			}
			if bound := 4*len(suites) + 30; e.Connections > bound {
				t.Errorf("%d connections, want at most %d", e.Connections, bound)
			}
		})
	}
}
