// Languages with a TLS of their own: Java, Erlang, Go; with OpenSSL in their
// own hands: Node, Python; and Botan, which comes with a server.

package stacks

import (
	"context"
	"crypto/tls"
	_ "embed"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"shakedown/bench/lab"
	"shakedown/results"
)

var (
	//go:embed programs/Jsse.java
	jsseProgram []byte
	//go:embed programs/tls.js
	nodeProgram []byte
	//go:embed programs/tls_server.py
	pythonProgram []byte
	//go:embed programs/erlang_tls.erl
	erlangProgram []byte
)

func ownStacks() []Stack {
	every := "RSA and P-256 certificates, every version and suite that it has"
	return []Stack{
		{
			Name: "Java JSSE", Library: "JSSE", Setting: "RSA, P-256 and DSA certificates, `jdk.tls.disabledAlgorithms` empty, every version and suite but Kerberos'", Packages: []string{"openjdk-17-jdk-headless"},
			version: []string{java, "-version"}, start: jsseAll, clients: []Client{jsse(), openssl()},
		},
		{
			Name: "Node", Library: "OpenSSL", Setting: every, Packages: []string{"nodejs"},
			version: []string{"node", "--version"}, clients: []Client{node(), openssl()}, start: script("node", "tls.js", nodeProgram, "serve"),
		},
		{
			Name: "Python ssl", Library: "OpenSSL", Setting: every + ", P-256 alone as a group for TLS 1.2", Packages: []string{"python3"}, Light: true,
			version: []string{"/usr/bin/python3", "--version"}, clients: []Client{openssl()}, start: script("/usr/bin/python3", "tls_server.py", pythonProgram),
		},
		{
			Name: "Go crypto/tls", Library: "crypto/tls", Setting: every, Light: true,
			version: []string{"go", "version"}, clients: []Client{cryptoTLS(), openssl()}, start: goServer,
		},
		{
			Name: "Erlang ssl", Library: "Erlang", Setting: every + ", but those of shared secrets", Packages: []string{"erlang-base", "erlang-ssl"},
			version: []string{"dpkg-query", "-W", "erlang-ssl"}, clients: []Client{erlang(), openssl()}, start: erlangServer,
		},
		{
			Name: "Botan (RSA)", Library: "Botan", Setting: "an RSA certificate, " + botanSetting, Packages: []string{"botan"},
			version: []string{"botan", "version"}, clients: []Client{botan(), openssl(), gnutls()}, start: botanServer("rsa"),
		},
		{
			Name: "Botan (EC)", Library: "Botan", Setting: "a P-256 certificate, " + botanSetting, Packages: []string{"botan"},
			version: []string{"botan", "version"}, clients: []Client{botan(), openssl(), gnutls()}, start: botanServer("ec"),
		},
	}
}

// install puts a file where a server or client finds it.
func (m *Material) install(name string, content []byte) (string, error) {
	return m.File(name), os.WriteFile(m.File(name), content, 0o600)
}

// script is a server in an interpreter: the program's own arguments, the
// address, then RSA and P-256 certificates and keys.
func script(interpreter, name string, content []byte, args ...string) func(context.Context, *Material, lab.Place) (*Running, error) {
	return program(func(m *Material) lab.Program {
		return lab.Program{
			Command: interpreter, Env: noSystemSettings,
			Files: func(string) map[string][]byte { return map[string][]byte{name: content} },
			Args: func(addr string) []string {
				host, port, _ := strings.Cut(addr, ":")
				argv := append([]string{name}, args...)
				return append(argv, host, port, m.File("rsa.pem"), m.File("rsa.key"), m.File("ec.pem"), m.File("ec.key"))
			},
		}
	})
}

// java is Debian's, whichever else there is.
const java = "/usr/lib/jvm/java-17-openjdk-amd64/bin/java"

func jsseAll(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
	return jsseServer(ctx, m, at, modest(), "rsa", "ec", "dsa")
}

// modest is a Java that leaves room for others.
func modest() []string { return []string{"-Xmx128m"} }

func jsseServer(ctx context.Context, m *Material, at lab.Place, machine []string, certificates ...string) (*Running, error) {
	var files []string
	for _, name := range certificates {
		file, err := m.PKCS12(ctx, name)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return served(lab.StartProgram(ctx, lab.Program{
		Place: at, Command: java,
		Files: func(string) map[string][]byte { return map[string][]byte{"Jsse.java": jsseProgram} },
		Args: func(addr string) []string {
			host, port, _ := strings.Cut(addr, ":")
			return slices.Concat(machine, []string{"Jsse.java", "serve", host, port, p12Password}, files)
		},
	}))
}

func jsse() Client {
	return Client{"Java SSLSocket", func(ctx context.Context, m *Material, address string) (Pairs, error) {
		file, err := m.install("Jsse.java", jsseProgram)
		if err != nil {
			return nil, err
		}
		return listed("", func(_ *Material, host, port string) []string {
			return slices.Concat([]string{java}, modest(), []string{file, "probe", host, port})
		}).Pairs(ctx, m, address)
	}}
}

func node() Client {
	return Client{"Node tls.connect", func(ctx context.Context, m *Material, address string) (Pairs, error) {
		file, err := m.install("tls.js", nodeProgram)
		if err != nil {
			return nil, err
		}
		return listed("", func(_ *Material, host, port string) []string { return []string{"node", file, "probe", host, port} }).Pairs(ctx, m, address)
	}}
}

// erlangArgs compile and run the program in a folder.
func erlangArgs(file string, args ...string) []string {
	run := fmt.Sprintf(`{ok, M, B} = compile:file(%q, [binary]), {module, M} = code:load_binary(M, %q, B), M:main().`, file, file)
	return append([]string{"-noshell", "-eval", run, "-extra"}, args...)
}

func erlangServer(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
	file, err := m.install("erlang_tls.erl", erlangProgram)
	if err != nil {
		return nil, err
	}
	return served(lab.StartProgram(ctx, lab.Program{
		Place: at, Command: "erl", Env: []string{"HOME=" + m.Dir},
		Args: func(addr string) []string {
			host, port, _ := strings.Cut(addr, ":")
			return erlangArgs(file, "serve", host, port, m.File("rsa.pem"), m.File("rsa.key"), m.File("ec.pem"), m.File("ec.key"))
		},
	}))
}

func erlang() Client {
	return Client{"Erlang ssl:connect", func(ctx context.Context, m *Material, address string) (Pairs, error) {
		file, err := m.install("erlang_tls.erl", erlangProgram)
		if err != nil {
			return nil, err
		}
		return listed("", func(_ *Material, host, port string) []string {
			return append([]string{"erl"}, erlangArgs(file, "probe", host, port)...)
		}).Pairs(ctx, m, address)
	}}
}

// goServer is this process' own crypto/tls.
func goServer(_ context.Context, m *Material, _ lab.Place) (*Running, error) {
	config, err := GoTLS(m.RSA, m.EC)
	if err != nil {
		return nil, err
	}
	return serveGo(config)
}

func serveGo(config *tls.Config) (*Running, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	var serving sync.WaitGroup
	serving.Go(func() { ServeGo(l, config) })
	return &Running{Address: l.Addr().String(), stop: func(context.Context) error {
		err := l.Close()
		serving.Wait()
		return err
	}}, nil
}

// GoTLS is all that crypto/tls can be talked into.
func GoTLS(certificates ...lab.Certificate) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS10}
	for _, c := range certificates {
		pair, err := c.TLS()
		if err != nil {
			return nil, err
		}
		config.Certificates = append(config.Certificates, pair)
	}
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		config.CipherSuites = append(config.CipherSuites, s.ID)
	}
	return config, nil
}

// ServeGo finishes handshakes and reads a byte, until the listener is closed.
func ServeGo(l net.Listener, config *tls.Config) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		wg.Go(func() {
			defer conn.Close()
			if s := tls.Server(conn, config); s.Handshake() == nil {
				s.Read(make([]byte, 1))
			}
		})
	}
}

const (
	botanSetting = "a policy with every cipher, MAC and key exchange of a certificate"
	// botanAll is a policy of Botan's text format; its defaults are narrower.
	botanAll = `allow_tls12=true
ciphers=ChaCha20Poly1305 AES-256/OCB(12) AES-128/OCB(12) AES-256/GCM AES-128/GCM AES-256/CCM AES-128/CCM AES-256/CCM(8) AES-128/CCM(8) Camellia-256/GCM Camellia-128/GCM ARIA-256/GCM ARIA-128/GCM AES-256 AES-128 Camellia-256 Camellia-128 3DES SEED
macs=AEAD SHA-384 SHA-256 SHA-1
key_exchange_methods=CECPQ1 ECDH DH RSA
signature_methods=ECDSA RSA DSA IMPLICIT
signature_hashes=SHA-512 SHA-384 SHA-256 SHA-1
key_exchange_groups=x25519 secp256r1 secp384r1 secp521r1 ffdhe/ietf/2048
minimum_dh_group_size=1024
minimum_rsa_bits=1024
`
)

func botanServer(key string) func(context.Context, *Material, lab.Place) (*Running, error) {
	return program(func(m *Material) lab.Program {
		return lab.Program{
			Command: "botan",
			Files:   func(string) map[string][]byte { return config("policy.txt", botanAll) },
			Args: func(addr string) []string {
				_, port, _ := strings.Cut(addr, ":") // it listens on every address, and cannot be told otherwise
				return []string{"tls_server", m.File(key + ".pem"), m.File(key + ".p8"), "--port=" + port, "--policy=policy.txt"}
			},
		}
	})
}

// botan is Botan's own client. Its policies name ciphers, MACs and key
// exchanges, so each suite that the server's policy holds has one of its own.
func botan() Client {
	return Client{"botan tls_client", func(ctx context.Context, m *Material, address string) (Pairs, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		var attempts []attempt
		for i, policy := range botanPolicies() {
			file, err := m.install(fmt.Sprintf("botan-%d.txt", i), []byte(policy))
			if err != nil {
				return nil, err
			}
			out, err := output(ctx, nil, "botan", "tls_ciphers", "--policy="+file, "--version=tls1.2")
			names := regexp.MustCompile(`(?m)^[A-Z]\w+$`).FindAllString(out, -1)
			if err != nil || len(names) != 1 {
				continue
			}
			id, err := botanID(names[0])
			if err != nil {
				return nil, err
			}
			attempts = append(attempts, attempt{Pair{results.TLSv12, id}, []string{"botan", "tls_client", host, "--port=" + port,
				"--policy=" + file, "--skip-system-cert-store", "--trusted-cas=" + m.File("roots.pem")}})
		}
		return finish(ctx, attempts, func(out string, _ error) bool { return strings.Contains(out, "Handshake complete") })
	}}
}

// botanID is the code point of a suite by Botan's name for it. It has some of
// its own, which no registry has.
func botanID(name string) (uint16, error) {
	own := map[string]uint16{
		"CECPQ1_RSA_WITH_CHACHA20_POLY1305_SHA256": 0x16B7, "CECPQ1_ECDSA_WITH_CHACHA20_POLY1305_SHA256": 0x16B8,
		"CECPQ1_RSA_WITH_AES_256_GCM_SHA384": 0x16B9, "CECPQ1_ECDSA_WITH_AES_256_GCM_SHA384": 0x16BA,
		"DHE_RSA_WITH_AES_128_OCB_SHA256": 0xFFC0, "DHE_RSA_WITH_AES_256_OCB_SHA256": 0xFFC1,
		"ECDHE_RSA_WITH_AES_128_OCB_SHA256": 0xFFC2, "ECDHE_RSA_WITH_AES_256_OCB_SHA256": 0xFFC3,
		"ECDHE_ECDSA_WITH_AES_128_OCB_SHA256": 0xFFC4, "ECDHE_ECDSA_WITH_AES_256_OCB_SHA256": 0xFFC5,
		"CECPQ1_RSA_WITH_AES_256_OCB_SHA256": 0xFFCC, "CECPQ1_ECDSA_WITH_AES_256_OCB_SHA256": 0xFFCD,
	}
	if id, ok := own[name]; ok {
		return id, nil
	}
	return suiteID("TLS_" + strings.TrimPrefix(name, "TLS_"))
}

// botanPolicies narrow the policy to one key exchange, signature, cipher and
// MAC.
func botanPolicies() []string {
	field := func(name string) []string {
		line := regexp.MustCompile(`(?m)^` + name + `=(.*)$`).FindStringSubmatch(botanAll)
		return strings.Fields(line[1])
	}
	var all []string
	for _, kx := range field("key_exchange_methods") {
		for _, sig := range field("signature_methods") {
			for _, cipher := range field("ciphers") {
				for _, mac := range field("macs") {
					p := botanAll
					for name, value := range map[string]string{"key_exchange_methods": kx, "signature_methods": sig, "ciphers": cipher, "macs": mac} {
						p = regexp.MustCompile(`(?m)^`+name+`=.*$`).ReplaceAllString(p, name+"="+value)
					}
					all = append(all, p)
				}
			}
		}
	}
	return all
}
