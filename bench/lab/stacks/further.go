// Libraries that most servers do not come with: BoringSSL by its own tool,
// BearSSL by a server that is compiled here.

package stacks

import (
	"context"
	_ "embed"
	"strings"

	"shakedown/bench/lab"
)

//go:embed programs/bearssl_server.c
var bearsslProgram []byte

func furtherStacks() []Stack {
	clients := []Client{openssl(), gnutls()}
	return []Stack{
		boringssl("RSA", "an RSA certificate", "rsa", clients),
		boringssl("EC", "a P-256 certificate", "ec", clients),
		bearssl("RSA", "an RSA certificate", "rsa"),
		bearssl("EC", "a P-256 certificate", "ec"),
	}
}

// boringssl is Debian's build for Android, which has a server.
func boringssl(kind, certificate, key string, clients []Client) Stack {
	return Stack{
		Name: "BoringSSL (" + kind + ")", Library: "BoringSSL", Setting: certificate + ", `ALL`, TLS 1.0 to 1.3", Packages: []string{"android-boringssl"},
		version: []string{"dpkg-query", "-W", "android-boringssl"}, clients: clients,
		start: program(func(m *Material) lab.Program {
			return lab.Program{
				Command: "bssl-tool",
				Args: func(addr string) []string {
					_, port, _ := strings.Cut(addr, ":") // it listens on every address, and cannot be told otherwise
					return []string{"server", "-accept", port, "-loop", "-www", "-key", m.File(key + ".both"), "-cipher", "ALL", "-min-version", "tls1"}
				},
			}
		}),
	}
}

// bearssl is asked by mbed TLS and NSS too, which have static ECDH.
func bearssl(kind, certificate, key string) Stack {
	return Stack{
		Name: "BearSSL (" + kind + ")", Library: "BearSSL", Setting: certificate + ", its full profile", Packages: []string{"libbearssl-dev", "libmbedtls-dev", "libnss3-tools", "gcc", "libc6-dev"},
		version: []string{"dpkg-query", "-W", "libbearssl-dev"}, clients: []Client{mbedtls(), nss(), openssl(), gnutls()},
		start: func(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
			return startBearSSL(ctx, m, at, key)
		},
	}
}

// startBearSSL compiles the server, and gives it key and leaf in DER.
func startBearSSL(ctx context.Context, m *Material, at lab.Place, key string) (*Running, error) {
	source, err := m.install("bearssl_server.c", bearsslProgram)
	if err != nil {
		return nil, err
	}
	err = each(ctx, [][]string{
		{"gcc", "-O1", "-Wall", "-o", m.File("bearssl_server"), source, "-lbearssl"},
		{"openssl", "x509", "-in", m.File(key + ".pem"), "-outform", "DER", "-out", m.File(key + ".der")},
		{"openssl", "pkcs8", "-in", m.File(key + ".p8"), "-topk8", "-nocrypt", "-outform", "DER", "-out", m.File(key + ".p8der")},
	})
	if err != nil {
		return nil, err
	}
	return served(lab.StartProgram(ctx, lab.Program{
		Place: at, Command: m.File("bearssl_server"),
		Args: func(addr string) []string {
			_, port, _ := strings.Cut(addr, ":")
			return []string{port, m.File(key + ".der"), m.File(key + ".p8der")}
		},
	}))
}
