package scanner

import (
	"crypto/tls"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
)

func TestStrictTransport(t *testing.T) {
	const none = -1 // cannot be told
	for head, want := range map[string]int{
		"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=31536000; includeSubDomains\r\n\r\n":               31536000,
		"HTTP/1.1 301 Moved\nstrict-transport-security:Max-Age = \"60\" ;preload\n\n":                             60,
		"HTTP/1.1 200 OK\r\n\r\nStrict-Transport-Security: max-age=5\r\n":                                         0,
		"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\nStrict-Transport-Security: max-age=2\r\n\r\n": 1,
		"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1; max-age=2\r\n\r\n":                              0,
		"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=-1\r\n\r\n":                                        0,
		"HTTP/1.1 200 OK\r\nStrict-Transport-Security: includeSubDomains\r\n\r\n":                                 0,
		"HTTP/1.0 404 no\r\nStrict-Transport-Security: max-age=99999999999999999999999\r\n\r\n":                   math.MaxInt32,
		"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=31":                                                none, // cut off
		"HTTP/1.1 200 OK\r\nServer: x": none,
		"HTTP/1.1":                     none,
		"220 mx.example ESMTP\r\n\r\n": none,
		"":                             none,
	} {
		got := none
		if seconds := strictTransport([]byte(head)); seconds != nil {
			got = *seconds
		}
		if got != want {
			t.Errorf("%q: %d, want %d", head, got, want)
		}
	}
}

func FuzzStrictTransport(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=31536000\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=\"1\nmax-age;;=\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		if seconds := strictTransport(head); seconds != nil && *seconds < 0 {
			t.Errorf("%d seconds", *seconds)
		}
	})
}

// Whatever speaks HTTP says for how long; what does not says nothing, and keeps
// nobody waiting.
func TestHSTS(t *testing.T) {
	const age = 600
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead || r.URL.Path != "/" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		w.Header().Set("Strict-Transport-Security", "max-age=600")
		http.Redirect(w, r, "/elsewhere", http.StatusFound) // which is not followed
	})
	silent := func(version uint16) func(t *testing.T) netip.AddrPort {
		return func(t *testing.T) netip.AddrPort {
			return serveSilently(t, &tls.Config{Certificates: []tls.Certificate{goCertificate(t)}, MaxVersion: version})
		}
	}
	web := func(config *tls.Config) func(t *testing.T) netip.AddrPort {
		return func(t *testing.T) netip.AddrPort {
			s := httptest.NewUnstartedServer(handler)
			s.TLS, s.Config.ErrorLog = config, log.New(io.Discard, "", 0)
			s.StartTLS()
			t.Cleanup(s.Close)
			return netip.MustParseAddrPort(s.Listener.Addr().String())
		}
	}
	greeting := func(version uint16) func(t *testing.T) netip.AddrPort {
		return func(t *testing.T) netip.AddrPort {
			return serveEach(t, &tls.Config{Certificates: []tls.Certificate{goCertificate(t)}, MaxVersion: version}, func(conn net.Conn) {
				io.WriteString(conn, "-ERR unknown command\r\n\r\n")
				swallow(conn)
			})
		}
	}
	for name, c := range map[string]struct {
		serve func(t *testing.T) netip.AddrPort
		heard bool
		http  results.Answer
	}{
		"TLS 1.3":                   {web(&tls.Config{}), true, results.Yes},
		"TLS 1.2 alone":             {web(&tls.Config{MaxVersion: tls.VersionTLS12}), true, results.Yes},
		"h2 and http/1.1":           {web(&tls.Config{NextProtos: []string{"h2", "http/1.1"}}), true, results.Yes},
		"h2 alone":                  {web(&tls.Config{NextProtos: []string{"h2"}}), true, results.Yes}, // Go's server answers what comes
		"another answer in TLS 1.3": {greeting(tls.VersionTLS13), false, results.No},
		"another answer in TLS 1.2": {greeting(tls.VersionTLS12), false, results.No},
		"silent in TLS 1.3":         {silent(tls.VersionTLS13), false, ""},
		"silent in TLS 1.2":         {silent(tls.VersionTLS12), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := scanFake(t, c.serve(t), dial.Options{Timeout: time.Minute}, Options{Aspects: []Aspect{AspectVersions, AspectProtocol}})
			switch hsts := e.Protocol.HSTS; {
			case c.heard != (hsts != nil), c.heard && *hsts != age:
				t.Errorf("hsts %v, heard is %t; failures %+v", hsts, c.heard, e.Failures)
			}
			if e.Protocol.HTTP != c.http {
				t.Errorf("http %q, want %q", e.Protocol.HTTP, c.http)
			}
			if e.Status != results.Complete || e.Protocol.ResumptionTicket != results.Yes {
				t.Errorf("%s; ticket %s; failures %+v", e.Status, e.Protocol.ResumptionTicket, e.Failures)
			}
		})
	}
}

// serveSilently finishes handshakes and answers nothing.
func serveSilently(t *testing.T, config *tls.Config) netip.AddrPort {
	t.Helper()
	return serveEach(t, config, swallow)
}

// serveEach gives each connection to a function.
func serveEach(t *testing.T, config *tls.Config, answer func(net.Conn)) netip.AddrPort {
	t.Helper()
	return serveConns(t, func(conn net.Conn) { answer(tls.Server(conn, config)) })
}

// serveConns gives each connection to a function, and closes it then.
func serveConns(t *testing.T, answer func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				answer(conn)
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

func swallow(conn net.Conn) {
	defer conn.Close()
	for {
		if _, err := conn.Read(make([]byte, 512)); err != nil {
			return
		}
	}
}
