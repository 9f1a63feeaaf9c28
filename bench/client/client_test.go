package client_test

import (
	"crypto/tls"
	"net"
	"net/netip"
	"testing"
	"time"

	"shakedown/bench/client"
	"shakedown/bench/internal/tlstest"
	"shakedown/results"
	"shakedown/scanner/dial"
)

// shapes is every kind of handshake that is measured: what the server is, what
// is asked, and what must come out.
var shapes = []struct {
	name    string
	cert    string
	version results.Version
	group   string
	suite   string
	scheme  string
	server  *tls.Config // beside certificate and version
	want    client.Shape
	stock   bool // crypto/tls can be held to it too
}{
	{name: "1.3 X25519 ECDSA", cert: "p256", version: results.TLSv13, stock: true,
		want: client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.X25519), Scheme: uint16(tls.ECDSAWithP256AndSHA256)}},
	{name: "1.3 X25519 RSA", cert: "rsa", version: results.TLSv13, stock: true,
		want: client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.X25519), Scheme: uint16(tls.PSSWithSHA256)}},
	{name: "1.3 P-384 certificate", cert: "p384", version: results.TLSv13, stock: true,
		want: client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.X25519), Scheme: uint16(tls.ECDSAWithP384AndSHA384)}},
	{name: "1.3 Ed25519 certificate", cert: "ed25519", version: results.TLSv13, stock: true,
		want: client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.X25519), Scheme: uint16(tls.Ed25519)}},
	{name: "1.3 P-256", cert: "p256", version: results.TLSv13, group: "P-256", stock: true,
		want: client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.CurveP256), Scheme: uint16(tls.ECDSAWithP256AndSHA256)}},
	{name: "1.3 P-384", cert: "p256", version: results.TLSv13, group: "secp384r1", stock: true,
		want: client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.CurveP384), Scheme: uint16(tls.ECDSAWithP256AndSHA256)}},
	{name: "1.3 P-521", cert: "p256", version: results.TLSv13, group: "P-521", stock: true,
		want: client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.CurveP521), Scheme: uint16(tls.ECDSAWithP256AndSHA256)}},
	{name: "1.3 X25519MLKEM768", cert: "p256", version: results.TLSv13, group: "X25519MLKEM768", stock: true,
		want: client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.X25519MLKEM768), Scheme: uint16(tls.ECDSAWithP256AndSHA256)}},
	{name: "1.3 SecP256r1MLKEM768", cert: "rsa", version: results.TLSv13, group: "SecP256r1MLKEM768", stock: true,
		want: client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.SecP256r1MLKEM768), Scheme: uint16(tls.PSSWithSHA256)}},
	{name: "1.3 AES-256", cert: "p256", version: results.TLSv13, suite: "TLS_AES_256_GCM_SHA384",
		want: client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.X25519), Suite: tls.TLS_AES_256_GCM_SHA384, Scheme: uint16(tls.ECDSAWithP256AndSHA256)}},
	{name: "1.3 ChaCha20", cert: "p256", version: results.TLSv13, suite: "TLS_CHACHA20_POLY1305_SHA256",
		want: client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.X25519), Suite: tls.TLS_CHACHA20_POLY1305_SHA256, Scheme: uint16(tls.ECDSAWithP256AndSHA256)}},
	{name: "1.3 RSA-PSS with SHA-512", cert: "rsa", version: results.TLSv13, scheme: "rsa_pss_rsae_sha512",
		want: client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.X25519), Scheme: uint16(tls.PSSWithSHA512)}},
	{name: "1.3 HelloRetryRequest", cert: "p256", version: results.TLSv13, stock: true,
		server: &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}},
		want:   client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.CurveP384), Scheme: uint16(tls.ECDSAWithP256AndSHA256), Retry: true}},
	{name: "1.3 client certificate asked for", cert: "p256", version: results.TLSv13, stock: true,
		server: &tls.Config{ClientAuth: tls.RequestClientCert},
		want:   client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.X25519), Scheme: uint16(tls.ECDSAWithP256AndSHA256)}},
	{name: "1.3 without tickets", cert: "p256", version: results.TLSv13, stock: true,
		server: &tls.Config{SessionTicketsDisabled: true},
		want:   client.Shape{Version: tls.VersionTLS13, Group: uint16(tls.X25519), Scheme: uint16(tls.ECDSAWithP256AndSHA256)}},
	{name: "1.2 X25519 ECDSA", cert: "p256", version: results.TLSv12, stock: true,
		want: client.Shape{Version: tls.VersionTLS12, Group: uint16(tls.X25519), Scheme: uint16(tls.ECDSAWithP256AndSHA256)}},
	{name: "1.2 P-256 RSA", cert: "rsa", version: results.TLSv12, group: "P-256", stock: true,
		want: client.Shape{Version: tls.VersionTLS12, Group: uint16(tls.CurveP256), Scheme: uint16(tls.PSSWithSHA256)}},
	{name: "1.2 P-384", cert: "p384", version: results.TLSv12, group: "P-384", scheme: "ecdsa_secp384r1_sha384",
		want: client.Shape{Version: tls.VersionTLS12, Group: uint16(tls.CurveP384), Scheme: uint16(tls.ECDSAWithP384AndSHA384)}},
	{name: "1.2 AES-256", cert: "rsa", version: results.TLSv12, suite: "ECDHE-RSA-AES256-GCM-SHA384", stock: true,
		want: client.Shape{Version: tls.VersionTLS12, Group: uint16(tls.X25519), Suite: tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, Scheme: uint16(tls.PSSWithSHA256)}},
	{name: "1.2 ChaCha20", cert: "p256", version: results.TLSv12, suite: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", stock: true,
		want: client.Shape{Version: tls.VersionTLS12, Group: uint16(tls.X25519), Suite: tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, Scheme: uint16(tls.ECDSAWithP256AndSHA256)}},
	{name: "1.2 RSA PKCS#1", cert: "rsa", version: results.TLSv12, scheme: "rsa_pkcs1_sha256",
		want: client.Shape{Version: tls.VersionTLS12, Group: uint16(tls.X25519), Scheme: uint16(tls.PKCS1WithSHA256)}},
	{name: "1.2 client certificate asked for", cert: "p256", version: results.TLSv12, stock: true,
		server: &tls.Config{ClientAuth: tls.RequestClientCert},
		want:   client.Shape{Version: tls.VersionTLS12, Group: uint16(tls.X25519), Scheme: uint16(tls.ECDSAWithP256AndSHA256)}},
	{name: "1.2 without tickets", cert: "p256", version: results.TLSv12, stock: true,
		server: &tls.Config{SessionTicketsDisabled: true},
		want:   client.Shape{Version: tls.VersionTLS12, Group: uint16(tls.X25519), Scheme: uint16(tls.ECDSAWithP256AndSHA256)}},
}

// Both clients complete every shape, say what it was as the server's own state
// says, and take their stamps in order.
func TestShapes(t *testing.T) {
	for _, c := range shapes {
		ask, err := client.NewAsk(c.version, c.group, c.suite, c.scheme)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		config := client.Config{ServerName: tlstest.Name, Ask: ask, ALPN: "http/1.1", Request: "/", VerifySample: 1, Classify: dial.Classify}
		handshakers := map[string]func(client.Config) client.Handshaker{
			"unit":   func(config client.Config) client.Handshaker { return session(t, config, client.UnitShares) },
			"reused": func(config client.Config) client.Handshaker { return session(t, config, client.ReusedShares) },
		}
		if c.stock {
			handshakers["stock"] = func(config client.Config) client.Handshaker { return stock(t, config) }
		}
		for kind, handshaker := range handshakers {
			t.Run(c.name+" "+kind, func(t *testing.T) {
				server := tlstest.Serve(t, serverConfig(c.cert, c.server))
				testShape(t, server, handshaker(config), ask, c.want)
			})
		}
	}
}

func serverConfig(cert string, base *tls.Config) *tls.Config {
	config := &tls.Config{}
	if base != nil {
		config = base.Clone()
	}
	config.Certificates = []tls.Certificate{tlstest.Certificate(cert)}
	config.NextProtos = []string{"http/1.1"}
	return config
}

func session(t testing.TB, config client.Config, kind client.ShareKind) *client.Session {
	l, err := client.NewLean(config, kind)
	if err != nil {
		t.Fatal(err)
	}
	return l.Session(1)
}

func stock(t testing.TB, config client.Config) *client.Stock {
	c, err := client.NewStock(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func testShape(t *testing.T, server *tlstest.Server, h client.Handshaker, ask client.Ask, want client.Shape) {
	const n = 3 // a Handshaker is used again and again
	for range n {
		s := handshake(t, server.Addr, h)
		if s.Failure != nil {
			t.Fatalf("failed: %+v; the server says %v", *s.Failure, server.Errors())
		}
		if want.Suite == 0 {
			want.Suite = s.Shape.Suite
		}
		if want.ALPN = "http/1.1"; s.Shape != want {
			t.Fatalf("negotiated %+v, want %+v", s.Shape, want)
		}
		if !ask.Fits(s.Shape, false) {
			t.Errorf("%+v is not taken for what was asked, %+v", s.Shape, ask)
		}
		inOrder(t, s)
	}
	states := server.States()
	if len(states) != n {
		t.Fatalf("the server completed %d handshakes of %d: %v", len(states), n, server.Errors())
	}
	for _, state := range states {
		if state.Version != want.Version || state.CipherSuite != want.Suite || uint16(state.CurveID) != want.Group ||
			state.DidResume || state.HelloRetryRequest != want.Retry || state.NegotiatedProtocol != want.ALPN || state.ServerName != tlstest.Name {
			t.Errorf("the server saw %+v, the client %+v", state, want)
		}
	}
}

// inOrder checks a complete sample's instants.
func inOrder(t *testing.T, s client.Sample) {
	t.Helper()
	at := []time.Duration{s.Start, s.Connected, s.Hello, s.ServerHello, s.Done, s.Request, s.FirstByte}
	for i, v := range at {
		if v == 0 || i > 0 && v < at[i-1] {
			t.Errorf("instants %v: number %d is out of order", at, i)
			return
		}
	}
}

// handshake makes one handshake on a new connection.
func handshake(t testing.TB, addr netip.AddrPort, h client.Handshaker) client.Sample {
	t.Helper()
	return attempt(t, addr, h, false)
}

// attempt is handshake, asked to be a resumed one or a full one.
func attempt(t testing.TB, addr netip.AddrPort, h client.Handshaker, resume bool) client.Sample {
	t.Helper()
	begin := time.Now()
	now := func() time.Duration { return time.Since(begin) }
	s := client.Sample{Start: now(), Resume: resume}
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(begin.Add(10 * time.Second))
	s.Connected = now()
	h.Handshake(conn, now, &s)
	h.Close(conn)
	return s
}
