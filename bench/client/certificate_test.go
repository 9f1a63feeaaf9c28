package client_test

import (
	"crypto/tls"
	"testing"

	"shakedown/bench/client"
	"shakedown/bench/internal/tlstest"
	"shakedown/results"
	"shakedown/scanner/dial"
)

// A server that insists on a certificate gets ours, with every kind of key, and
// a suite whose hash is not the signature's; full and resumed.
func TestClientCertificate(t *testing.T) {
	for _, c := range []struct {
		name    string
		version results.Version
		key     string
		suite   uint16
	}{
		{"1.3 ECDSA", results.TLSv13, "p256", 0},
		{"1.3 RSA", results.TLSv13, "rsa", 0},
		{"1.3 Ed25519", results.TLSv13, "ed25519", 0},
		{"1.3 P-384, AES-256", results.TLSv13, "p384", tls.TLS_AES_256_GCM_SHA384},
		{"1.2 ECDSA", results.TLSv12, "p256", 0},
		{"1.2 RSA, AES-256", results.TLSv12, "rsa", tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
		{"1.2 Ed25519", results.TLSv12, "ed25519", 0},
	} {
		for _, kind := range []string{"lean", "stock"} {
			if kind == "stock" && c.version == results.TLSv13 && c.suite != 0 {
				continue // crypto/tls cannot be held to it
			}
			t.Run(c.name+" "+kind, func(t *testing.T) {
				ask, err := client.NewAsk(c.version, "", "", "")
				if err != nil {
					t.Fatal(err)
				}
				ask.Suite, ask.Resume = c.suite, 0.5
				own := tlstest.Certificate(c.key)
				config := client.Config{
					ServerName: tlstest.Name, Ask: ask, Request: "/", Classify: dial.Classify, Wallet: client.NewWallet(ask), Certificate: &own,
				}
				var h client.Handshaker = session(t, config, client.UnitShares)
				if kind == "stock" {
					h = stock(t, config)
				}
				server := tlstest.Serve(t, serverConfig("p256", &tls.Config{ClientAuth: tls.RequireAnyClientCert}))
				for i, resume := range []bool{false, true, false} {
					s := attempt(t, server.Addr, h, resume)
					if s.Failure != nil || s.Shape.Resumed != resume {
						t.Fatalf("number %d, to be resumed %v: %+v, %+v; the server says %v", i, resume, s.Failure, s.Shape, server.Errors())
					}
					state := server.Await(i + 1)[i]
					if len(state.PeerCertificates) != 1 || string(state.PeerCertificates[0].Raw) != string(own.Certificate[0]) {
						t.Errorf("number %d: the server saw %d certificates, want ours", i, len(state.PeerCertificates))
					}
				}
			})
		}
	}
}
