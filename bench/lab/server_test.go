// Single servers do what their settings say.

package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// start keeps a server until the test ends.
func start(t *testing.T, s *Server, err error) *Server {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return s
}

func testCerts(t *testing.T) []Certificate {
	t.Helper()
	pki, err := NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	certs, err := bothKeys((&builder{pki: pki}).issued(Leaf{Names: []string{PortalName}}))
	if err != nil {
		t.Fatal(err)
	}
	return certs
}

// versions lists what a server speaks, by one handshake each.
func versions(t *testing.T, address string) []string {
	t.Helper()
	var spoken []string
	for _, v := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		if conn, err := dial(t, Path{Address: address}, &tls.Config{MinVersion: v, MaxVersion: v, CipherSuites: allSuites()}); err == nil {
			spoken = append(spoken, tls.VersionName(v))
			conn.Close()
		}
	}
	return spoken
}

func allSuites() []uint16 {
	var ids []uint16
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestVersionsAsConfigured(t *testing.T) {
	certs := testCerts(t)
	backend, err := StartNginx(t.Context(), Nginx{Place: Place{Dir: filepath.Join(t.TempDir(), "backend")}, TLS: TLS{Certificates: certs}, Plain: true})
	start(t, backend, err)
	old := "ALL:@SECLEVEL=0"
	for _, tc := range []struct {
		tls  TLS
		want string
		hole bool // which HAProxy cannot have
	}{
		{TLS{}, "TLS 1.2 TLS 1.3", false},
		{TLS{Protocols: []string{"TLSv1"}, Ciphers: old}, "TLS 1.0", false},
		{TLS{Protocols: []string{"TLSv1.3"}}, "TLS 1.3", false},
		{TLS{Protocols: []string{"TLSv1", "TLSv1.2"}, Ciphers: old}, "TLS 1.0 TLS 1.2", true},
		{TLS{Protocols: []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}, Ciphers: old}, "TLS 1.0 TLS 1.1 TLS 1.2 TLS 1.3", false},
	} {
		tc.tls.Certificates = certs
		for name, run := range map[string]func(Place) (*Server, error){
			"nginx": func(p Place) (*Server, error) { return StartNginx(t.Context(), Nginx{Place: p, TLS: tc.tls}) },
			"haproxy": func(p Place) (*Server, error) {
				return StartHAProxy(t.Context(), HAProxy{Place: p, TLS: tc.tls, Backends: []Backend{{Address: backend.Plain}}})
			},
		} {
			if name == "haproxy" && tc.hole {
				continue
			}
			s, err := run(Place{Dir: t.TempDir()})
			start(t, s, err)
			if got := strings.Join(versions(t, s.Address), " "); got != tc.want {
				t.Errorf("%s with %q speaks %q, want %q", name, tc.tls.Protocols, got, tc.want)
			}
		}
	}
}

// suites and groups, to be sure that each setting reaches the program.
func TestSettingsAsConfigured(t *testing.T) {
	settings := TLS{
		Certificates: testCerts(t), Protocols: []string{"TLSv1.2", "TLSv1.3"},
		Ciphers:      "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256",
		Ciphersuites: "TLS_CHACHA20_POLY1305_SHA256", Curves: "P-384", Preference: ServerPreference, ALPN: []string{"h2", "http/1.1"},
	}
	nginx, err := StartNginx(t.Context(), Nginx{Place: Place{Dir: t.TempDir()}, TLS: settings, Plain: true, Body: `a "page" of \ mine`})
	start(t, nginx, err)
	haproxy, err := StartHAProxy(t.Context(), HAProxy{Place: Place{Dir: t.TempDir()}, TLS: settings, Backends: []Backend{{Address: nginx.Plain}}})
	start(t, haproxy, err)
	for _, address := range []string{nginx.Address, haproxy.Address} {
		for version, suite := range map[uint16]uint16{
			tls.VersionTLS12: tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.VersionTLS13: tls.TLS_CHACHA20_POLY1305_SHA256,
		} {
			conn, err := dial(t, Path{Address: address}, &tls.Config{MinVersion: version, MaxVersion: version, NextProtos: []string{"h2"}})
			if err != nil {
				t.Fatal(err)
			}
			st := conn.ConnectionState()
			if st.CipherSuite != suite || st.CurveID != tls.CurveP384 || st.NegotiatedProtocol != "h2" {
				t.Errorf("%s: %s, %v, %q", address, tls.CipherSuiteName(st.CipherSuite), st.CurveID, st.NegotiatedProtocol)
			}
			conn.Close()
		}
		if conn, err := dial(t, Path{Address: address}, &tls.Config{CurvePreferences: []tls.CurveID{tls.X25519}}); err == nil {
			conn.Close()
			t.Errorf("%s takes a group that it was not given", address)
		}
		if got, _ := get(t, Path{Address: address}, &tls.Config{}); got != "a \"page\" of \\ mine\n" {
			t.Errorf("%s: page %q", address, got)
		}
	}
}

func TestPreferenceAsConfigured(t *testing.T) {
	certs := testCerts(t)
	suites := []string{"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"}
	for pref, want := range map[Preference]uint16{
		ServerPreference: tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		ClientPreference: tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, // Go's own first
	} {
		settings := TLS{Certificates: certs, Ciphers: strings.Join(suites, ":"), Preference: pref}
		nginx, err := StartNginx(t.Context(), Nginx{Place: Place{Dir: t.TempDir()}, TLS: settings, Plain: true})
		start(t, nginx, err)
		haproxy, err := StartHAProxy(t.Context(), HAProxy{Place: Place{Dir: t.TempDir()}, TLS: settings, Backends: []Backend{{Address: nginx.Plain}}})
		start(t, haproxy, err)
		for _, s := range []*Server{nginx, haproxy} {
			_, st := get(t, Path{Address: s.Address}, &tls.Config{MaxVersion: tls.VersionTLS12})
			if st.CipherSuite != want {
				t.Errorf("%s by %s preference chose %s", s.Program, pref, tls.CipherSuiteName(st.CipherSuite))
			}
		}
	}
}

func TestStreamPassesThrough(t *testing.T) {
	nginx, err := StartNginx(t.Context(), Nginx{Place: Place{Dir: t.TempDir()}, TLS: TLS{Certificates: testCerts(t)}, Body: "behind"})
	start(t, nginx, err)
	stream, err := StartStream(t.Context(), Stream{Place: Place{Dir: t.TempDir()}, Backends: []string{nginx.Address}})
	start(t, stream, err)
	_, direct := get(t, Path{Address: nginx.Address}, asks()[1].config)
	page, through := get(t, Path{Address: stream.Address}, asks()[1].config)
	if page != "behind\n" || !direct.PeerCertificates[0].Equal(through.PeerCertificates[0]) {
		t.Errorf("page %q, certificates differ", page)
	}
}

// A port that was free when it was picked is somebody's when it is bound.
func TestTakenPortIsLeft(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	h, picks := newHost(""), 0
	h.pick = func(ctx context.Context, n int) ([]string, error) {
		if picks++; picks == 1 {
			return []string{taken.Addr().String()}, nil
		}
		return freeAddresses(ctx, n)
	}
	s, err := StartHAProxy(t.Context(), HAProxy{Place: Place{Dir: t.TempDir(), host: h}, TLS: TLS{Certificates: testCerts(t)},
		Backends: []Backend{{Address: "127.0.0.1:1"}}})
	start(t, s, err)
	if picks != 2 || s.Address == taken.Addr().String() {
		t.Errorf("serves on %s after %d picks", s.Address, picks)
	}
}

func TestBadSettingsAreExplained(t *testing.T) {
	certs := testCerts(t)
	dir := filepath.Join(t.TempDir(), "broken")
	_, err := StartNginx(t.Context(), Nginx{Place: Place{Dir: dir}, TLS: TLS{Certificates: certs, Ciphers: "no such suite"}})
	if err == nil || !strings.Contains(err.Error(), "starting broken: it ended at once; its log in "+dir+" ends:") ||
		!strings.Contains(err.Error(), "no cipher match") {
		t.Errorf("nginx: %v", err)
	}
	_, err = StartHAProxy(t.Context(), HAProxy{Place: Place{Dir: t.TempDir()}, TLS: TLS{Certificates: certs, Ciphers: "nonsense"},
		Backends: []Backend{{Address: "127.0.0.1:1"}}})
	if err == nil || !strings.Contains(err.Error(), "unable to set SSL cipher list") {
		t.Errorf("haproxy: %v", err)
	}
	_, err = StartHAProxy(t.Context(), HAProxy{Place: Place{Dir: t.TempDir()}, TLS: TLS{Certificates: certs, Protocols: []string{"SSLv3"}},
		Backends: []Backend{{Address: "127.0.0.1:1"}}})
	if err == nil || !strings.Contains(err.Error(), `not ["SSLv3"]`) {
		t.Errorf("haproxy: %v", err)
	}
	if left := inside(filepath.Dir(dir)); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
}

func TestHAProxyVersions(t *testing.T) {
	for _, tc := range []struct {
		protocols []string
		want      string
	}{
		{[]string{"TLSv1.2", "TLSv1.3"}, "ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.3"},
		{[]string{"TLSv1"}, "ssl-min-ver TLSv1.0 ssl-max-ver TLSv1.0"},
		{[]string{"TLSv1.3", "TLSv1.1", "TLSv1.2"}, "ssl-min-ver TLSv1.1 ssl-max-ver TLSv1.3"},
	} {
		got, err := haproxyVersions(tc.protocols)
		if err != nil || strings.Join(got, " ") != tc.want {
			t.Errorf("%q: %q, %v, want %q", tc.protocols, got, err, tc.want)
		}
	}
	for _, bad := range [][]string{{}, {"SSLv3"}, {"SSLv3", "TLSv1"}, {"TLSv1", "TLSv1.2"}} {
		if got, err := haproxyVersions(bad); err == nil {
			t.Errorf("%q: %q, want an error", bad, got)
		}
	}
}

func TestFreeAddressesDiffer(t *testing.T) {
	addrs, err := freeAddresses(t.Context(), 20)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(addrs)
	if n := len(slices.Compact(addrs)); n != 20 {
		t.Errorf("%d different addresses of 20", n)
	}
}

func TestLogTail(t *testing.T) {
	dir := t.TempDir()
	if got := logTail(dir); got != "" {
		t.Errorf("no log: %q", got)
	}
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, "line %d\n\n", i)
	}
	if err := os.WriteFile(filepath.Join(dir, outputLog), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, errorLog), []byte("the cause"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := "  line 99996\n  line 99997\n  line 99998\n  line 99999\n  the cause"
	if got := logTail(dir); got != want {
		t.Errorf("got %q", got)
	}
}

func TestServerNeedsItsParts(t *testing.T) {
	_, noCert := StartNginx(t.Context(), Nginx{Place: Place{Dir: t.TempDir()}})
	_, noDir := StartNginx(t.Context(), Nginx{TLS: TLS{Certificates: []Certificate{{}}}})
	_, noBackend := StartStream(t.Context(), Stream{Place: Place{Dir: t.TempDir()}})
	_, noToken := (Certificate{}).Through(&Server{})
	for _, err := range []error{noCert, noDir, noBackend, noToken} {
		if err == nil {
			t.Error("no error", noCert, noDir, noBackend, noToken)
		}
	}
	_, err := StartNginx(t.Context(), Nginx{Place: Place{Dir: t.TempDir(), Path: t.TempDir()}, TLS: TLS{Certificates: testCerts(t)}})
	var missing Missing
	if !errors.As(err, &missing) || missing[0].What != "nginx" {
		t.Errorf("got %v", err)
	}
}
