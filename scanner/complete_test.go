package scanner

import (
	"crypto/tls"
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

// What TLS 1.3 encrypts is seen of servers that have none of the usual groups.
func TestUnusualGroupAlone(t *testing.T) {
	ec, _, _ := keys(t)
	for _, group := range []tls.CurveID{tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024} {
		t.Run(group.String(), func(t *testing.T) {
			addr := serveTLS(t, &tls.Config{
				MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate(t, "portal.example", ec)}, CurvePreferences: []tls.CurveID{group},
			})
			e := scanFake(t, addr, dial.Options{}, Options{Complete: true, Aspects: []Aspect{AspectSuites, AspectSignatures, AspectCertificates}})
			if len(e.Chains) != 1 || len(e.SignatureSchemes[results.TLSv13]) != 1 || len(e.Failures) > 0 {
				t.Errorf("%s: %d chains, schemes %v, failures %+v", e.Status, len(e.Chains), e.SignatureSchemes, e.Failures)
			}
			for _, s := range e.Suites[results.TLSv13] {
				if s.Completes != results.Yes {
					t.Errorf("%s completes: %s", s.Name, s.Completes)
				}
			}
		})
	}
}
