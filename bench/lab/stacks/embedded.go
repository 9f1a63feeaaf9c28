// Libraries made for small devices, mbed TLS and wolfSSL: lighttpd's modules
// serve them, and clients that are compiled here ask.

package stacks

import (
	"context"
	_ "embed"
	"fmt"
)

var (
	//go:embed programs/mbedtls_client.c
	mbedtlsProgram []byte
	//go:embed programs/wolfssl_client.c
	wolfsslProgram []byte
)

func embeddedStacks() []Stack {
	wolfssl := compiled("wolfSSL client", "wolfssl_client", wolfsslProgram, "-lwolfssl")
	stacks := []Stack{
		lighttpd("mbedtls", "mbed TLS", []string{`"MinProtocol" => "TLSv1.0"`, `"CipherString" => "HIGH"`}, mbedtls(), openssl(), gnutls()),
		lighttpd("wolfssl", "wolfSSL", nil, wolfssl, openssl()),
	}
	stacks[0].Packages = append(stacks[0].Packages, "libmbedtls-dev", "gcc", "libc6-dev")
	stacks[1].Packages = append(stacks[1].Packages, "libwolfssl-dev", "gcc", "libc6-dev")
	return stacks
}

func mbedtls() Client {
	return compiled("mbed TLS client", "mbedtls_client", mbedtlsProgram, "-lmbedtls", "-lmbedx509", "-lmbedcrypto")
}

// compiled is a client in C.
func compiled(title, name string, source []byte, libraries ...string) Client {
	return Client{title, func(ctx context.Context, m *Material, address string) (Pairs, error) {
		file, err := m.install(name+".c", source)
		if err != nil {
			return nil, err
		}
		if out, err := output(ctx, nil, append([]string{"gcc", "-O1", "-Wall", "-o", m.File(name), file}, libraries...)...); err != nil {
			return nil, fmt.Errorf("compiling %s: %w: %s", name, err, out)
		}
		return listed("", func(_ *Material, host, port string) []string { return []string{m.File(name), host, port} }).Pairs(ctx, m, address)
	}}
}
