package client_test

import (
	"crypto/tls"
	"testing"

	"shakedown/bench/client"
	"shakedown/bench/internal/tlstest"
	"shakedown/results"
	"shakedown/scanner/dial"
)

// Full and resumed handshakes in turn: both clients say of each what it was, as
// the server's own state says, in every version, with and without a request, and
// behind a HelloRetryRequest.
func TestResume(t *testing.T) {
	for _, c := range []struct {
		name    string
		version results.Version
		cert    string
		request string
		server  *tls.Config
		ask     func(*client.Ask)
		stock   bool
	}{
		{name: "1.3", version: results.TLSv13, cert: "p256", stock: true},
		{name: "1.3 with a request", version: results.TLSv13, cert: "rsa", request: "/", stock: true},
		{name: "1.3 AES-256", version: results.TLSv13, cert: "p256", ask: func(a *client.Ask) { a.Suite = tls.TLS_AES_256_GCM_SHA384 }},
		{name: "1.3 X25519MLKEM768", version: results.TLSv13, cert: "p256", stock: true, ask: func(a *client.Ask) { a.Group = uint16(tls.X25519MLKEM768) }},
		{name: "1.3 retried", version: results.TLSv13, cert: "p256", stock: true, server: &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}}},
		{name: "1.3 retried by force", version: results.TLSv13, cert: "p256", ask: func(a *client.Ask) { a.Retry = true }},
		{name: "1.3 a request for a certificate", version: results.TLSv13, cert: "p256", stock: true, server: &tls.Config{ClientAuth: tls.RequestClientCert}},
		{name: "1.2", version: results.TLSv12, cert: "p256", stock: true},
		{name: "1.2 with a request", version: results.TLSv12, cert: "rsa", request: "/", stock: true},
		{name: "1.2 AES-256", version: results.TLSv12, cert: "rsa", stock: true, ask: func(a *client.Ask) { a.Suite = tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 }},
		{name: "1.2 ChaCha20", version: results.TLSv12, cert: "p256", ask: func(a *client.Ask) { a.Suite = tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 }},
	} {
		ask, err := client.NewAsk(c.version, "", "", "")
		if err != nil {
			t.Fatal(err)
		}
		if ask.Resume = 0.5; c.ask != nil {
			c.ask(&ask)
		}
		for _, kind := range []string{"lean", "stock"} {
			if kind == "stock" && !c.stock {
				continue
			}
			t.Run(c.name+" "+kind, func(t *testing.T) {
				config := client.Config{
					ServerName: tlstest.Name, Ask: ask, ALPN: "http/1.1", Request: c.request, Classify: dial.Classify, Wallet: client.NewWallet(ask),
				}
				config.Wallet.Want(3)
				var h client.Handshaker = session(t, config, client.UnitShares)
				if kind == "stock" {
					h = stock(t, config)
				}
				testResume(t, tlstest.Serve(t, serverConfig(c.cert, c.server)), h, ask)
			})
		}
	}
}

func testResume(t *testing.T, server *tlstest.Server, h client.Handshaker, ask client.Ask) {
	asked := []bool{false, true, true, false, true, false, true, true, true}
	for i, resume := range asked {
		s := attempt(t, server.Addr, h, resume)
		if s.Failure != nil {
			t.Fatalf("number %d failed: %+v; the server says %v", i, *s.Failure, server.Errors())
		}
		if s.Offered != resume || s.Shape.Resumed != resume || !ask.Fits(s.Shape, resume) {
			t.Errorf("number %d: offered %v, %+v; to be resumed: %v", i, s.Offered, s.Shape, resume)
		}
		if (s.Shape.Scheme != 0) == resume || (s.Shape.Group == 0) != (resume && ask.Version == tls.VersionTLS12) {
			t.Errorf("number %d: %+v: a resumed handshake signs nothing, and exchanges keys in TLS 1.3 alone", i, s.Shape)
		}
		if states := server.Await(i + 1); len(states) != i+1 || states[i].DidResume != resume || states[i].Version != ask.Version {
			t.Fatalf("number %d: the server saw %+v, want resumed: %v; %v", i, states[len(states)-1], resume, server.Errors())
		}
		if s.Done < s.ServerHello || s.ServerHello < s.Hello || s.Hello == 0 {
			t.Errorf("number %d: instants out of order: %+v", i, s)
		}
	}
}
