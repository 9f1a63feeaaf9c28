// OpenSSL, in the servers that use it: each with all that Debian's build has.

package stacks

import (
	"context"
	"fmt"
	"net"
	"strings"

	"shakedown/bench/lab"
)

// everySuite is all that OpenSSL has, as its cipher strings say it.
const everySuite = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"

func opensslStacks() []Stack {
	clients := []Client{openssl()}
	every := "RSA and P-256 certificates, `" + everySuite + "`, five suites of TLS 1.3, TLS 1.0 to 1.3"
	return []Stack{
		{
			Name: "nginx", Library: "OpenSSL", Setting: "its defaults, an RSA certificate", Light: true,
			version: []string{"nginx", "-v"}, clients: clients,
			start: func(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
				return served(lab.StartNginx(ctx, lab.Nginx{Place: at, TLS: lab.TLS{Certificates: []lab.Certificate{m.RSA}}}))
			},
		},
		{
			Name: "nginx (as Debian ships it)", Library: "OpenSSL", Setting: "an RSA certificate, TLS 1.0 to 1.3 at OpenSSL's default security level", Light: true,
			version: []string{"nginx", "-v"}, clients: clients,
			start: func(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
				return served(lab.StartNginx(ctx, lab.Nginx{Place: at, TLS: lab.TLS{
					Certificates: []lab.Certificate{m.RSA}, Protocols: []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"},
				}}))
			},
		},
		{
			Name: "nginx (open)", Library: "OpenSSL", Setting: every + ", ffdhe2048",
			version: []string{"nginx", "-v"}, clients: clients,
			start: func(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
				return served(lab.StartNginx(ctx, lab.Nginx{Place: at, TLS: OpenTLS(m), Extra: "    ssl_dhparam " + m.File("dh.pem") + ";\n"}))
			},
		},
		{
			Name: "Apache mod_ssl", Library: "OpenSSL", Setting: every, Packages: []string{"apache2"}, Light: true,
			version: []string{"apache2", "-v"}, clients: clients, start: program(apache),
		},
		{
			Name: "HAProxy", Library: "OpenSSL", Setting: every,
			version: []string{"haproxy", "-v"}, clients: clients,
			start: func(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
				return served(lab.StartHAProxy(ctx, lab.HAProxy{Place: at, TLS: OpenTLS(m), Backends: []lab.Backend{{Name: "none", Address: "127.0.0.1:9"}}}))
			},
		},
		{
			Name: "stunnel", Library: "OpenSSL", Setting: strings.Replace(every, " and P-256 certificates", " certificate", 1), Packages: []string{"stunnel4"},
			version: []string{"stunnel4", "-version"}, clients: clients, start: program(stunnel),
		},
		{
			Name: "hitch", Library: "OpenSSL", Setting: strings.Replace(every, " and P-256 certificates", " certificate", 1) + ", client's order", Packages: []string{"hitch"},
			version: []string{"hitch", "--version"}, clients: clients, start: program(hitch),
		},
		{
			Name: "openssl s_server", Library: "OpenSSL", Setting: "RSA, P-256 and DSA certificates, " + strings.SplitN(every, ", ", 2)[1] + ", client's order", Light: true, Packages: []string{"openssl"},
			version: []string{"openssl", "version"}, clients: clients, start: program(opensslServer("-cert", "rsa.pem", "-key", "rsa.key", "-dcert", "dsa.pem", "-dkey", "dsa.key")),
		},
		{
			Name: "openssl s_server (EC)", Library: "OpenSSL", Setting: "a P-256 certificate alone, the server's order",
			version: []string{"openssl", "version"}, clients: clients, start: program(opensslServer("-cert", "ec.pem", "-key", "ec.key", "-serverpref")),
		},
		{
			Name: "openssl s_server (Ed25519)", Library: "OpenSSL", Setting: "an Ed25519 certificate alone",
			version: []string{"openssl", "version"}, clients: clients, start: program(opensslServer("-cert", "ed.pem", "-key", "ed.key")),
		},
		{
			Name: "openssl s_server (anonymous)", Library: "OpenSSL", Setting: "no certificate",
			version: []string{"openssl", "version"}, clients: clients, start: program(opensslServer("-nocert")),
		},
		{
			Name: "openssl s_server (every fact)", Library: "OpenSSL", Setting: "a self-signed RSA certificate, client certificates, an OCSP response, early data, ALPN", Light: true,
			version: []string{"openssl", "version"}, clients: clients, start: program(opensslServer("-cert", "self.pem", "-key", "self.key",
				"-verify", "1", "-CAfile", "roots.pem", "-status_file", "self.ocsp", "-max_early_data", "16384", "-alpn", "h2,imap")),
		},
		{
			Name: "openssl s_server (few facts)", Library: "OpenSSL", Setting: "a self-signed RSA certificate, no sessions of any kind, no encrypt-then-MAC",
			version: []string{"openssl", "version"}, clients: clients, start: program(opensslServer("-cert", "self.pem", "-key", "self.key",
				"-no_ticket", "-no_cache", "-num_tickets", "0", "-no_etm")),
		},
		{
			Name: "nginx (client certificates)", Library: "OpenSSL", Setting: "an RSA certificate, TLS 1.2 and 1.3, `ssl_verify_client optional`, sessions kept and no tickets, early data",
			version: []string{"nginx", "-v"}, clients: clients,
			start: func(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
				return served(lab.StartNginx(ctx, lab.Nginx{Place: at, TLS: lab.TLS{Certificates: []lab.Certificate{m.RSA}}, Extra: "    ssl_verify_client optional;\n    ssl_client_certificate " +
					m.File("roots.pem") + ";\n    ssl_session_cache shared:sessions:1m;\n    ssl_session_tickets off;\n    ssl_early_data on;\n"}))
			},
		},
		lighttpd("openssl", "OpenSSL", []string{`"CipherString" => "` + everySuite + `"`, `"MinProtocol" => "TLSv1"`}, clients...),
	}
}

// OpenTLS is all that nginx and HAProxy can be talked into.
func OpenTLS(m *Material) lab.TLS {
	return lab.TLS{
		Certificates: []lab.Certificate{m.RSA, m.EC}, Protocols: []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"},
		Ciphers: everySuite, Ciphersuites: allOf13, Preference: lab.ServerPreference,
	}
}

func config(name, content string) map[string][]byte { return map[string][]byte{name: []byte(content)} }

// noSystemSettings keeps Debian's openssl.cnf, which has limits of its own,
// from a server.
var noSystemSettings = []string{"OPENSSL_CONF=/dev/null"}

func apache(m *Material) lab.Program {
	return lab.Program{
		Command: "apache2", Env: noSystemSettings,
		Args: func(string) []string { return []string{"-X", "-f", m.File("servers/apache-mod-ssl/apache.conf")} },
		Files: func(addr string) map[string][]byte {
			var b strings.Builder
			for _, module := range []string{"mpm_event", "authz_core", "ssl"} {
				fmt.Fprintf(&b, "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n", module, module)
			}
			dir := m.File("servers/apache-mod-ssl")
			fmt.Fprintf(&b, "ServerName %s\nServerRoot %s\nDocumentRoot %s\nPidFile apache.pid\nErrorLog %s/error.log\nListen %s\n", Host, dir, dir, dir, addr)
			fmt.Fprintf(&b, "User nobody\nGroup nogroup\nMutex pthread\nSSLSessionCache none\nSSLEngine on\nSSLProtocol all +TLSv1 +TLSv1.1\nSSLCipherSuite %s\nSSLCipherSuite TLSv1.3 %s\n", everySuite, allOf13)
			for _, key := range []string{"rsa", "ec"} {
				fmt.Fprintf(&b, "SSLCertificateFile %s\nSSLCertificateKeyFile %s\n", m.File(key+".pem"), m.File(key+".key"))
			}
			return config("apache.conf", b.String())
		},
	}
}

func stunnel(m *Material) lab.Program {
	return lab.Program{
		Command: "stunnel4", Env: noSystemSettings,
		Args: func(string) []string { return []string{"stunnel.conf"} },
		Files: func(addr string) map[string][]byte {
			return config("stunnel.conf", fmt.Sprintf("foreground = yes\npid =\n[tls]\naccept = %s\nconnect = 127.0.0.1:9\ncert = %s\nkey = %s\n"+
				"sslVersionMin = TLSv1\nciphers = %s\nciphersuites = %s\nsecurityLevel = 0\n", addr, m.File("rsa.pem"), m.File("rsa.key"), everySuite, allOf13))
		},
	}
}

func hitch(m *Material) lab.Program {
	return lab.Program{
		Command: "hitch", Env: noSystemSettings,
		Args: func(string) []string { return []string{"--config=hitch.conf"} },
		Files: func(addr string) map[string][]byte {
			host, port, _ := strings.Cut(addr, ":")
			return config("hitch.conf", fmt.Sprintf("frontend = { host = %q\n port = %q }\nbackend = \"[127.0.0.1]:9\"\npem-file = %q\nuser = \"nobody\"\n"+
				"tls-protos = TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3\nciphers = %q\nciphersuites = %q\n", host, port, m.File("rsa.both"), everySuite, allOf13))
		},
	}
}

// opensslServer takes the arguments for certificates; those with a dot are
// files of the material.
func opensslServer(certificates ...string) func(m *Material) lab.Program {
	return func(m *Material) lab.Program {
		return lab.Program{
			Command: "openssl", Env: noSystemSettings,
			Args: func(addr string) []string {
				argv := []string{"s_server", "-accept", addr, "-www", "-cipher", everySuite, "-ciphersuites", allOf13}
				for _, a := range certificates {
					if strings.Contains(a, ".") {
						a = m.File(a)
					}
					argv = append(argv, a)
				}
				return argv
			},
		}
	}
}

// listens is ready when somebody takes connections. wolfSSL's module answers no
// hello that asks for an OCSP staple, such as the lab's own.
func listens(ctx context.Context, addr string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// lighttpd has a module for each of five libraries.
func lighttpd(library, title string, conf []string, clients ...Client) Stack {
	name := "lighttpd mod_" + library
	setting := "a self-signed RSA certificate, the module's defaults"
	if len(conf) > 0 {
		setting = "a self-signed RSA certificate, `" + strings.Join(conf, ", ") + "`"
	}
	s := Stack{
		Name: name, Library: title, Setting: setting, Packages: []string{"lighttpd", "lighttpd-mod-" + library},
		version: []string{"lighttpd", "-v"}, clients: clients,
	}
	s.start = program(func(m *Material) lab.Program {
		return lab.Program{
			Command: "lighttpd", Env: noSystemSettings, Ready: listens,
			Args: func(string) []string { return []string{"-D", "-f", "lighttpd.conf"} },
			Files: func(addr string) map[string][]byte {
				host, port, _ := strings.Cut(addr, ":")
				return config("lighttpd.conf", fmt.Sprintf("server.document-root = %q\nserver.bind = %q\nserver.port = %s\nserver.modules = ( \"mod_%s\" )\n"+
					"ssl.engine = \"enable\"\nssl.pemfile = %q\nssl.privkey = %q\nssl.openssl.ssl-conf-cmd = ( %s )\n", m.Dir, host, port, library, m.File("self.pem"), m.File("self.key"), strings.Join(conf, ", ")))
			},
		}
	})
	return s
}
