// Equal: the servers before which two clients are to cost the same. Each has one
// certificate, so that both clients are shown the same.

package stacks

import (
	"context"

	"shakedown/bench/lab"
)

// Equal lists them, all with a P-256 certificate and otherwise as they come. The
// Go server is a program of the caller's, as it must be a process of its own.
func Equal(goServer func(m *Material) lab.Program) []Stack {
	one := func(m *Material) lab.TLS { return lab.TLS{Certificates: []lab.Certificate{m.EC}} }
	return []Stack{
		{
			Name: "nginx", Library: "OpenSSL", version: []string{"nginx", "-v"},
			start: func(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
				return served(lab.StartNginx(ctx, lab.Nginx{Place: at, TLS: one(m)}))
			},
		},
		{
			Name: "HAProxy", Library: "OpenSSL", version: []string{"haproxy", "-v"},
			start: func(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
				return served(lab.StartHAProxy(ctx, lab.HAProxy{Place: at, TLS: one(m), Backends: []lab.Backend{{Name: "none", Address: "127.0.0.1:9"}}}))
			},
		},
		{Name: "Go", Library: "crypto/tls", version: []string{"go", "version"}, start: program(goServer)},
		{
			Name: "gnutls-serv", Library: "GnuTLS", Packages: []string{"gnutls-bin"}, version: []string{"gnutls-serv", "--version"},
			start: program(gnutlsServer("NORMAL", "ec")),
		},
		{
			Name: "Java", Library: "JSSE", Packages: []string{"openjdk-17-jdk-headless"}, version: []string{java, "-version"},
			start: func(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
				return jsseServer(ctx, m, at, sunJSSE, "ec")
			},
		},
	}
}
