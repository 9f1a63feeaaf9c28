// HAProxy, as a load balancer that ends TLS.

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// HAProxy ends TLS and hands requests on, in plaintext or in TLS of its own.
type HAProxy struct {
	Place
	TLS      TLS
	Backends []Backend
	Threads  int // 0 is one
}

// Backend is a target behind a load balancer.
type Backend struct {
	Name    string
	Address string // host:port
	TLS     bool   // encrypt again, and take any certificate, as an AWS ALB does
}

// StartHAProxy starts HAProxy and returns when it speaks TLS.
func StartHAProxy(ctx context.Context, h HAProxy) (*Server, error) {
	if len(h.TLS.Certificates) == 0 || len(h.Backends) == 0 {
		return nil, errors.New("haproxy needs a certificate and a backend")
	}
	if err := h.settle(); err != nil {
		return nil, err
	}
	if h.TLS.inToken() {
		return nil, errors.New("haproxy cannot use a key in a token here; nginx can")
	}
	bind, err := h.TLS.haproxy()
	if err != nil {
		return nil, err
	}
	return h.start(ctx, recipe{
		program: "haproxy",
		args:    []string{"-db", "-f", h.Dir + "/haproxy.cfg"},
		env:     []string{"OPENSSL_CONF=" + opensslFile},
		ports:   1,
		files: func(addrs []string) map[string][]byte {
			files := h.TLS.haproxyFiles()
			files["haproxy.cfg"] = []byte(h.config(addrs[0], bind))
			return files
		},
		ready: func(ctx context.Context, addrs []string) error { return speaksTLS(ctx, addrs[0]) },
	})
}

// config sets maxconn: without it HAProxy sizes its tables by the limit of
// open files, which a container may set to a thousand million. And it sets
// noreuseport: else two HAProxys could share a port that both took for free.
func (h HAProxy) config(addr, bind string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "global\n  maxconn 4096\n  nbthread %d\n  noreuseport\n", max(1, h.Threads))
	b.WriteString("defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n")
	fmt.Fprintf(&b, "frontend clients\n  bind %s %s\n  default_backend targets\n", addr, bind)
	b.WriteString("backend targets\n  balance roundrobin\n")
	for i, t := range h.Backends {
		fmt.Fprintf(&b, "  server %s %s%s\n", backendName(t.Name, i), t.Address, t.options())
	}
	return b.String()
}

func (t Backend) options() string {
	if t.TLS {
		return " ssl verify none"
	}
	return ""
}

func backendName(name string, i int) string {
	if name == "" {
		return fmt.Sprintf("target-%d", i+1)
	}
	return name
}

// haproxy gives the options of a bind line. HAProxy seeks relative names in
// the folder that it runs in.
func (t TLS) haproxy() (string, error) {
	versions, err := haproxyVersions(t.protocols())
	if err != nil {
		return "", err
	}
	words := []string{"ssl"}
	for i := range t.Certificates {
		words = append(words, "crt", "./"+bundleFile(i))
	}
	words = append(words, versions...)
	for _, o := range []struct{ name, value string }{
		{"ciphers", t.Ciphers}, {"ciphersuites", t.Ciphersuites}, {"curves", t.Curves}, {"alpn", strings.Join(t.ALPN, ",")},
	} {
		if o.value != "" {
			words = append(words, o.name, o.value)
		}
	}
	if t.Preference == ClientPreference {
		words = append(words, "prefer-client-ciphers")
	}
	return strings.Join(words, " "), nil
}

// haproxyVersions are a lowest and a highest. HAProxy heeds no-tlsv11 and the
// like only without them, but then it begins at TLS 1.2: it can leave out none
// between.
func haproxyVersions(protocols []string) ([]string, error) {
	known := []struct{ name, haproxy string }{
		{"TLSv1", "TLSv1.0"}, {"TLSv1.1", "TLSv1.1"}, {"TLSv1.2", "TLSv1.2"}, {"TLSv1.3", "TLSv1.3"},
	}
	var wanted []int
	for i, v := range known {
		if slices.Contains(protocols, v.name) {
			wanted = append(wanted, i)
		}
	}
	n := len(wanted)
	if n == 0 || n != len(protocols) || wanted[n-1]-wanted[0] != n-1 {
		return nil, fmt.Errorf("haproxy speaks versions from one to another of TLSv1 to TLSv1.3, not %q", protocols)
	}
	return []string{"ssl-min-ver", known[wanted[0]].haproxy, "ssl-max-ver", known[wanted[n-1]].haproxy}, nil
}

// haproxyFiles hold chain and key in one, as HAProxy wants them.
func (t TLS) haproxyFiles() map[string][]byte {
	files := map[string][]byte{opensslFile: []byte("# nothing: the server's own settings hold\n")}
	for i, c := range t.Certificates {
		files[bundleFile(i)] = bytes.Join([][]byte{c.Chain, c.Key}, nil)
	}
	return files
}

func bundleFile(i int) string { return fmt.Sprintf("bundle-%d.pem", i) }
