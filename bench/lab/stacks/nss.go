// NSS: its own server, with SSLv3, RC4, 3DES and what else it still has, and
// lighttpd's module.

package stacks

import (
	"context"
	"fmt"
	"os"
	"strings"

	"shakedown/bench/lab"
	"shakedown/scanner/wire"
)

func nssStacks() []Stack {
	clients := []Client{nss(), openssl()}
	return []Stack{
		selfserv("SSLv3 to TLS 1.2", "ssl3:tls1.2", clients), // it has no range from SSLv3 to TLS 1.3
		selfserv("TLS 1.0 to 1.3", "tls1.0:tls1.3", clients),
		lighttpd("nss", "NSS", []string{`"MinProtocol" => "TLSv1.0"`, `"CipherString" => "HIGH"`}, clients...),
	}
}

func selfserv(versions, flag string, clients []Client) Stack {
	return Stack{
		Name: "NSS selfserv (" + versions + ")", Library: "NSS", Setting: "RSA, P-256 and DSA certificates, " + versions + ", every suite that it knows", Packages: []string{"libnss3-tools"},
		version: []string{"dpkg-query", "-W", "libnss3-tools"}, clients: clients,
		start: func(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
			return startSelfserv(ctx, m, at, flag)
		},
	}
}

// startSelfserv fills the database that NSS keeps certificates in.
func startSelfserv(ctx context.Context, m *Material, at lab.Place, versions string) (*Running, error) {
	folder, err := os.MkdirTemp(m.Dir, "nss-")
	if err != nil {
		return nil, err
	}
	db := "sql:" + folder
	commands := [][]string{{"certutil", "-N", "-d", db, "--empty-password"}}
	for _, name := range []string{"rsa", "ec", "dsa"} {
		file, err := m.PKCS12(ctx, name)
		if err != nil {
			return nil, err
		}
		commands = append(commands, []string{"pk12util", "-i", file, "-d", db, "-W", p12Password, "-K", ""})
	}
	if err := each(ctx, commands); err != nil {
		return nil, err
	}
	suites, err := nssSuites(ctx)
	if err != nil {
		return nil, err
	}
	return served(lab.StartProgram(ctx, lab.Program{
		Place: at, Command: "selfserv",
		Args: func(addr string) []string {
			_, port, _ := strings.Cut(addr, ":") // it listens on every address, and cannot be told otherwise
			return []string{"-d", db, "-p", port, "-n", "rsa." + Host, "-e", "ec." + Host, "-S", "dsa." + Host, "-V", versions, "-H", "1", "-c", suites}
		},
	}))
}

// nssSuites asks the library, suite by suite, which ones it knows: tstclnt says
// so before it speaks to anybody.
func nssSuites(ctx context.Context) (string, error) {
	var known strings.Builder
	for _, s := range wire.Suites() {
		code := fmt.Sprintf(":%04X", s.ID)
		out, _ := output(ctx, nil, "tstclnt", "-h", "127.0.0.1", "-p", "9", "-D", "-o", "-Q", "-c", code)
		if s.ID != 0 && !strings.Contains(out, "UNKNOWN_CIPHER_SUITE") { // 0 is not for negotiation
			known.WriteString(code)
		}
	}
	if known.Len() == 0 {
		return "", fmt.Errorf("tstclnt knows no suite")
	}
	return known.String(), nil
}
