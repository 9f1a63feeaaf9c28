// GnuTLS: its own server, and lighttpd's module.

package stacks

import (
	"strings"

	"shakedown/bench/lab"
)

// gnutlsPriority has everything but pre-shared keys and SRP, which need secrets
// on both sides.
const gnutlsPriority = "NORMAL:+VERS-ALL:+CIPHER-ALL:+ARCFOUR-128:+3DES-CBC:+NULL:+MAC-ALL:+MD5:+RSA:+DHE-RSA:+DHE-DSS:+ECDHE-RSA:+ECDHE-ECDSA:+ANON-DH:+ANON-ECDH:+SIGN-ALL:+GROUP-ALL:%SERVER_PRECEDENCE"

func gnutlsStacks() []Stack {
	clients := []Client{gnutls(), openssl()}
	return []Stack{
		{
			Name: "gnutls-serv", Library: "GnuTLS", Setting: "RSA and P-256 certificates, `" + gnutlsPriority + "`", Packages: []string{"gnutls-bin"}, Light: true,
			version: []string{"gnutls-serv", "--version"}, clients: clients, start: program(gnutlsServer(gnutlsPriority, "rsa", "ec")),
		},
		{
			Name: "gnutls-serv (defaults)", Library: "GnuTLS", Setting: "RSA and P-256 certificates, `NORMAL`",
			version: []string{"gnutls-serv", "--version"}, clients: clients, start: program(gnutlsServer("NORMAL", "rsa", "ec")),
		},
		lighttpd("gnutls", "GnuTLS", []string{`"MinProtocol" => "TLSv1.0"`, `"CipherString" => "HIGH"`}, clients...),
	}
}

func gnutlsServer(priority string, certificates ...string) func(m *Material) lab.Program {
	return func(m *Material) lab.Program {
		return lab.Program{
			Command: "gnutls-serv",
			Args: func(addr string) []string {
				_, port, _ := strings.Cut(addr, ":") // it listens on every address, and cannot be told otherwise
				argv := []string{"--quiet", "--http", "--port", port, "--priority", priority}
				for _, name := range certificates {
					argv = append(argv, "--x509certfile", m.File(name+".pem"), "--x509keyfile", m.File(name+".key"))
				}
				return argv
			},
		}
	}
}
