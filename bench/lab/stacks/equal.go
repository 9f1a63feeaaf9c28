// Equal: the servers before which two clients are to cost the same. Each has one
// certificate, so that both clients are shown the same.

package stacks

import (
	"context"
	"strings"

	"shakedown/bench/lab"
)

// steady makes Java's work for a handshake the same from one second to the next:
// its second compiler, which is at work for minutes, is left out, and the memory is
// had from the beginning and collected once in thousands of handshakes.
func steady() []string {
	return []string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xms1g", "-Xmx1g", "-Xmn900m", "-XX:+AlwaysPreTouch"}
}

// Equal lists them, all with a P-256 certificate and otherwise as their Setting says
// or as they come. The Go server is a program of the caller's, as it must be a process
// of its own.
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
			Name: "Java", Library: "JSSE", Setting: strings.Join(steady(), " "), Packages: []string{"openjdk-17-jdk-headless"}, version: []string{java, "-version"},
			start: func(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
				return jsseServer(ctx, m, at, steady(), "ec")
			},
		},
	}
}
