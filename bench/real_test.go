package bench_test

import (
	"context"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/bench/lab"
	"shakedown/results"
	"shakedown/scanner/wire"
)

// Real servers that can do one shape only: what the clients say was negotiated is
// what the configurations say.
func TestRealServers(t *testing.T) {
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		start func(context.Context, lab.Place, lab.TLS) (*lab.Server, error)
		tls   lab.TLS
		key   lab.KeyType
		want  results.Shape
		retry bool
	}{
		{"nginx", nginx, lab.TLS{Protocols: []string{"TLSv1.3"}, Ciphersuites: "TLS_AES_256_GCM_SHA384", Curves: "X25519"}, lab.ECDSA,
			results.Shape{Version: results.TLSv13, Suite: "TLS_AES_256_GCM_SHA384", Group: "X25519", SignatureScheme: "ecdsa_secp256r1_sha256"}, false},
		{"nginx", nginx, lab.TLS{Protocols: []string{"TLSv1.3"}, Ciphersuites: "TLS_CHACHA20_POLY1305_SHA256", Curves: "P-384"}, lab.RSA,
			results.Shape{Version: results.TLSv13, Suite: "TLS_CHACHA20_POLY1305_SHA256", Group: "secp384r1", SignatureScheme: "rsa_pss_rsae_sha256"}, true},
		{"nginx", nginx, lab.TLS{Protocols: []string{"TLSv1.2"}, Ciphers: "ECDHE-RSA-CHACHA20-POLY1305", Curves: "P-256"}, lab.RSA,
			results.Shape{Version: results.TLSv12, Suite: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", Group: "secp256r1", SignatureScheme: "rsa_pss_rsae_sha256"}, false},
		{"haproxy", haproxy, lab.TLS{Protocols: []string{"TLSv1.2"}, Ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384", Curves: "P-521"}, lab.ECDSA,
			results.Shape{Version: results.TLSv12, Suite: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Group: "secp521r1", SignatureScheme: "ecdsa_secp256r1_sha256"}, false},
		{"haproxy", haproxy, lab.TLS{Protocols: []string{"TLSv1.3"}, Ciphersuites: "TLS_AES_128_GCM_SHA256", Curves: "P-256"}, lab.RSA,
			results.Shape{Version: results.TLSv13, Suite: "TLS_AES_128_GCM_SHA256", Group: "secp256r1", SignatureScheme: "rsa_pss_rsae_sha256"}, true},
	} {
		t.Run(c.name+" "+c.want.Suite, func(t *testing.T) {
			leaf, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}, Key: c.key})
			if err != nil {
				t.Fatal(err)
			}
			c.tls.Certificates = []lab.Certificate{leaf}
			server, err := c.start(t.Context(), lab.Place{Dir: filepath.Join(t.TempDir(), c.name)}, c.tls)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Stop(t.Context())
			for name := range clients {
				testReal(t, name, netip.MustParseAddrPort(server.Address), c.want, c.retry)
			}
		})
	}
}

func nginx(ctx context.Context, p lab.Place, c lab.TLS) (*lab.Server, error) {
	return lab.StartNginx(ctx, lab.Nginx{Place: p, TLS: c})
}

func haproxy(ctx context.Context, p lab.Place, c lab.TLS) (*lab.Server, error) {
	return lab.StartHAProxy(ctx, lab.HAProxy{Place: p, TLS: c, Backends: []lab.Backend{{Name: "nobody", Address: "127.0.0.1:1"}}})
}

func testReal(t *testing.T, name string, address netip.AddrPort, want results.Shape, retry bool) {
	t.Helper()
	g, _ := run(t, t.Context(), name, bench.Plan{
		Paths: []bench.Path{{
			Service: "portal", Name: "p", Address: address, ServerName: "portal.example",
			Ask: client.Ask{Version: wire.VersionNumber(want.Version)},
		}},
		Loop: results.ClosedLoop, Connections: 4, Duration: 200 * time.Millisecond, Blocks: 1,
	})
	r := g.Trials[0]
	if r.Handshakes == 0 || r.Handshakes != r.Due || len(r.Negotiated) != 1 {
		t.Fatalf("%s: %d of %d handshakes, %d shapes, failures %+v", name, r.Handshakes, r.Due, len(r.Negotiated), r.Failures)
	}
	if r.Client == string(bench.Lean) && r.Generator.KeyShares != string(client.UnitShares) {
		t.Errorf("%s: OpenSSL takes unit shares, but the client used %q ones", name, r.Generator.KeyShares)
	}
	resumed := false
	want.Resumed, want.HelloRetry = &resumed, &retry
	got := r.Negotiated[0].Shape
	if got.Version != want.Version || got.Suite != want.Suite || got.Group != want.Group || got.SignatureScheme != want.SignatureScheme ||
		*got.Resumed || *got.HelloRetry != retry {
		t.Errorf("%s: negotiated %+v (retry %v), want %+v (retry %v)", name, got, *got.HelloRetry, want, retry)
	}
}
