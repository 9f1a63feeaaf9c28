// nginx, as an instance that ends TLS itself and as a pass-through load
// balancer.

package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// TLS is what a server is told about TLS. A zero field leaves the program's own
// default, except Protocols, whose default differs between nginx' versions.
type TLS struct {
	Certificates []Certificate
	Protocols    []string   // TLSv1, TLSv1.1, TLSv1.2, TLSv1.3; nil is the last two
	Ciphers      string     // to TLS 1.2, as OpenSSL writes them
	Ciphersuites string     // of TLS 1.3
	Curves       string     // X25519:P-256
	Preference   Preference // who chooses the suite
	ALPN         []string   // h2, http/1.1
}

// Preference says whose order of suites counts.
type Preference string

const (
	ServerPreference Preference = "server"
	ClientPreference Preference = "client"
)

func (t TLS) protocols() []string {
	if t.Protocols == nil {
		return []string{"TLSv1.2", "TLSv1.3"}
	}
	return t.Protocols
}

// Nginx is an instance: it ends TLS and answers GET / with a line.
type Nginx struct {
	Place
	TLS     TLS
	Plain   bool   // also speaks HTTP without TLS, on Server.Plain
	Body    string // what it answers; nginx' variables are filled in
	Extra   string // further directives of the server block
	Log     string // what a line of AccessLog says, in nginx' variables; "" is no log
	Workers int    // worker processes; 0 is one
}

// AccessLog is where an nginx writes its log, in its folder.
const AccessLog = "access.log"

// StartNginx starts nginx and returns when it speaks TLS.
func StartNginx(ctx context.Context, n Nginx) (*Server, error) {
	if len(n.TLS.Certificates) == 0 {
		return nil, errors.New("nginx needs a certificate")
	}
	if err := n.settle(); err != nil {
		return nil, err
	}
	files, err := n.TLS.files()
	if err != nil {
		return nil, err
	}
	env, err := n.TLS.environment(n.Dir)
	if err != nil {
		return nil, err
	}
	return n.start(ctx, recipe{
		program: "nginx",
		args:    nginxArgs(n.Dir),
		env:     env,
		ports:   1 + count(n.Plain),
		files: func(addrs []string) map[string][]byte {
			files["nginx.conf"] = []byte(n.config(addrs, env))
			return files
		},
		ready: func(ctx context.Context, addrs []string) error { return speaksTLS(ctx, addrs[0]) },
	})
}

// nginxArgs name the folder, so that a list of processes tells whose it is.
func nginxArgs(dir string) []string {
	return []string{"-p", dir, "-c", dir + "/nginx.conf", "-e", dir + "/" + errorLog}
}

// config uses relative names, which nginx seeks in its folder: they need no
// quoting, whatever the folder is called.
func (n Nginx) config(addrs, env []string) string {
	var b strings.Builder
	b.WriteString(nginxHead(n.Workers, env))
	if n.TLS.inToken() {
		b.WriteString("ssl_engine pkcs11;\n")
	}
	b.WriteString("http {\n")
	if n.Log == "" {
		b.WriteString("  access_log off;\n")
	} else {
		fmt.Fprintf(&b, "  log_format lines %s;\n  access_log %s lines;\n", nginxQuote(n.Log), AccessLog)
	}
	for _, temp := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&b, "  %s_temp_path %s_temp;\n", temp, temp)
	}
	b.WriteString("  server {\n")
	fmt.Fprintf(&b, "    listen %s ssl%s;\n", addrs[0], h2(n.TLS.ALPN))
	if n.Plain {
		fmt.Fprintf(&b, "    listen %s;\n", addrs[1])
	}
	b.WriteString(n.TLS.nginx())
	b.WriteString(n.Extra)
	fmt.Fprintf(&b, "    location / { default_type text/plain; return 200 %s; }\n  }\n}\n", nginxQuote(n.Body+"\n"))
	return b.String()
}

func nginxHead(workers int, env []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "daemon off;\nworker_processes %d;\npid nginx.pid;\nerror_log %s warn;\n", max(1, workers), errorLog)
	if os.Geteuid() == 0 {
		b.WriteString("user root;\n") // the folder and the token are for their owner alone
	}
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		fmt.Fprintf(&b, "env %s;\n", name) // else workers would not have it
	}
	b.WriteString("worker_rlimit_nofile 8192;\nevents { worker_connections 4096; }\n")
	return b.String()
}

func (t TLS) nginx() string {
	var b strings.Builder
	directive := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "    %s %s;\n", name, value)
		}
	}
	for i, c := range t.Certificates {
		directive("ssl_certificate", chainFile(i))
		directive("ssl_certificate_key", nginxQuote(c.nginxKey(i)))
	}
	directive("ssl_protocols", strings.Join(t.protocols(), " "))
	directive("ssl_ciphers", quoteIf(t.Ciphers))
	directive("ssl_conf_command Ciphersuites", quoteIf(t.Ciphersuites))
	directive("ssl_ecdh_curve", quoteIf(t.Curves))
	directive("ssl_prefer_server_ciphers", map[Preference]string{ServerPreference: "on", ClientPreference: "off"}[t.Preference])
	return b.String()
}

func (c Certificate) nginxKey(i int) string {
	if c.Token != nil {
		return "engine:pkcs11:" + c.Token.uri(c.Label)
	}
	return keyFile(i)
}

// files are the chains and keys, by names that need no quoting, and a
// configuration of OpenSSL that is the same on every distribution.
func (t TLS) files() (map[string][]byte, error) {
	files := map[string][]byte{opensslFile: []byte("# nothing: the server's own settings hold\n")}
	for i, c := range t.Certificates {
		files[chainFile(i)] = c.Chain
		if c.Token == nil {
			files[keyFile(i)] = c.Key
			continue
		}
		tokenFiles, err := c.Token.files()
		if err != nil {
			return nil, err
		}
		maps.Copy(files, tokenFiles)
	}
	return files, nil
}

func (t TLS) inToken() bool {
	return slices.ContainsFunc(t.Certificates, func(c Certificate) bool { return c.Token != nil })
}

// environment has the token's, if there is one. All keys of a server are in
// the same token: OpenSSL's engine loads one module.
func (t TLS) environment(dir string) ([]string, error) {
	env := []string{"OPENSSL_CONF=" + opensslFile}
	for _, c := range t.Certificates {
		if c.Token != nil {
			more, err := c.Token.environment(dir)
			return append(env, more...), err
		}
	}
	return env, nil
}

const opensslFile = "openssl.cnf"

func chainFile(i int) string { return fmt.Sprintf("chain-%d.pem", i) }
func keyFile(i int) string   { return fmt.Sprintf("key-%d.pem", i) }

// Stream is nginx as a load balancer that passes TCP through.
type Stream struct {
	Place
	Backends []string // host:port
	Workers  int
}

// StartStream starts nginx and returns when it takes connections.
func StartStream(ctx context.Context, s Stream) (*Server, error) {
	if len(s.Backends) == 0 {
		return nil, errors.New("a pass-through load balancer needs a backend")
	}
	if err := s.settle(); err != nil {
		return nil, err
	}
	module, err := s.host.find(streamModule)
	if err != nil {
		return nil, err
	}
	return s.start(ctx, recipe{
		program: "nginx",
		args:    nginxArgs(s.Dir),
		ports:   1,
		files: func(addrs []string) map[string][]byte {
			return map[string][]byte{"nginx.conf": []byte(s.config(module, addrs[0]))}
		},
		ready: func(ctx context.Context, addrs []string) error { return connects(ctx, "tcp", addrs[0]) },
	})
}

func (s Stream) config(module, addr string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "load_module %s;\n%s", nginxQuote(module), nginxHead(s.Workers, nil))
	b.WriteString("stream {\n  upstream targets {\n")
	for _, t := range s.Backends {
		fmt.Fprintf(&b, "    server %s;\n", t)
	}
	fmt.Fprintf(&b, "  }\n  server { listen %s; proxy_pass targets; }\n}\n", addr)
	return b.String()
}

func h2(alpn []string) string {
	if slices.Contains(alpn, "h2") {
		return " http2"
	}
	return ""
}

func nginxQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

func quoteIf(s string) string {
	if s == "" {
		return ""
	}
	return nginxQuote(s)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
