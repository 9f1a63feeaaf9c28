// Random: servers whose configuration a seed draws, for what nobody thought of:
// holes between versions, odd orders, two certificates of whichever kinds.

package stacks

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"shakedown/bench/lab"
)

// Random draws n configurations of OpenSSL's own server, nginx, GnuTLS' and Go's.
func Random(seed uint64, n int) (drawn []Stack) {
	kinds := []func(d draw) Stack{drawOpenSSL, drawNginx, drawGnuTLS, drawGo}
	for i := range n {
		s := kinds[i%len(kinds)](draw{rand.New(rand.NewPCG(seed, uint64(i)))})
		s.Name, s.mayRefuseAll = fmt.Sprintf("%s (seed %d, number %d)", s.Name, seed, i), true
		drawn = append(drawn, s)
	}
	return drawn
}

// draw is chance, from a seed.
type draw struct{ *rand.Rand }

func (d draw) perhaps() bool { return d.IntN(2) == 0 }

// some are one or more of all, at most so many, in any order.
func some[T any](d draw, most int, all ...T) []T {
	drawn := make([]T, 0, len(all))
	for _, i := range d.Perm(len(all))[:1+d.IntN(min(most, len(all)))] {
		drawn = append(drawn, all[i])
	}
	return drawn
}

// run are versions that follow each other, oldest first.
func (d draw) run(versions ...string) []string {
	from := d.IntN(len(versions))
	return versions[from : from+1+d.IntN(len(versions)-from)]
}

// certificates are names of files of the material.
func (d draw) certificates() []string { return some(d, 2, "rsa", "pss", "ec", "p384", "ed") }

// What OpenSSL's client offers by default, of which the truth is told.
func (d draw) openSSLGroups() string {
	return strings.Join(some(d, 8, "X25519", "P-256", "X448", "P-521", "P-384", "ffdhe2048", "ffdhe3072"), ":")
}

// ciphers are at a security level that the versions can do anything at.
func (d draw) ciphers(versions ...string) string {
	lists := []string{"DEFAULT", "ECDHE+AESGCM:DHE+AESGCM:RSA", "HIGH:!aNULL", "kRSA+AES", "ECDHE+CHACHA20:ECDHE+AES128:RSA+AES256", "ALL:COMPLEMENTOFALL:!PSK:!SRP",
		"AES:!DHE", "CAMELLIA:ARIA:ECDHE", "NULL:AES128", "aNULL:ECDHE"}
	level := d.IntN(3)
	if !slices.Contains(versions, "TLSv1.2") {
		level = 0
	}
	return strings.Join(some(d, 3, lists...), ":") + fmt.Sprintf(":@SECLEVEL=%d", level)
}

func (d draw) ciphersuites() string {
	rare := some(d, 2, "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256")
	usual := some(d, 3, "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
	if d.perhaps() {
		return strings.Join(usual, ":")
	}
	return strings.Join(append(rare, usual...), ":")
}

func drawOpenSSL(d draw) Stack {
	certificates := d.certificates()
	argv := []string{"-cert", certificates[0] + ".pem", "-key", certificates[0] + ".key"}
	if len(certificates) > 1 {
		argv = append(argv, "-dcert", certificates[1]+".pem", "-dkey", certificates[1]+".key")
	}
	argv = append(argv, "-cipher", d.ciphers("TLSv1.2"), "-ciphersuites", d.ciphersuites(), "-groups", d.openSSLGroups())
	for _, more := range []string{"-serverpref", "-prioritize_chacha", "-no_dhe", "-no_ticket", "-no_etm"} {
		if d.perhaps() {
			argv = append(argv, more)
		}
	}
	return Stack{
		Name: "openssl s_server", Library: "OpenSSL", Setting: "`" + strings.Join(argv, " ") + "`", Packages: []string{"openssl"},
		version: []string{"openssl", "version"}, clients: []Client{openssl()}, start: program(opensslServer(argv...)),
	}
}

func drawNginx(d draw) Stack {
	versions := some(d, 4, "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
	t := lab.TLS{
		Protocols: versions, Ciphers: d.ciphers(versions...), Ciphersuites: d.ciphersuites(), Curves: d.openSSLGroups(),
		Preference: some(d, 1, lab.ServerPreference, lab.ClientPreference)[0],
	}
	keys := some(d, 2, "RSA", "P-256")
	dh := d.perhaps()
	return Stack{
		Name: "nginx", Library: "OpenSSL", Setting: fmt.Sprintf("%s; `%+v`; ffdhe2048: %v", strings.Join(keys, " and "), t, dh),
		version: []string{"nginx", "-v"}, clients: []Client{openssl()},
		start: func(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
			n := lab.Nginx{Place: at, TLS: t}
			for _, key := range keys {
				n.TLS.Certificates = append(n.TLS.Certificates, map[string]lab.Certificate{"RSA": m.RSA, "P-256": m.EC}[key])
			}
			if dh {
				n.Extra = "    ssl_dhparam " + m.File("dh.pem") + ";\n"
			}
			return served(lab.StartNginx(ctx, n))
		},
	}
}

func drawGnuTLS(d draw) Stack {
	words := []string{"NONE", "+COMP-NULL", "+CTYPE-X509", "+SIGN-ALL", "+AEAD", "+SHA1"}
	words = append(words, some(d, 4, "+VERS-TLS1.0", "+VERS-TLS1.1", "+VERS-TLS1.2", "+VERS-TLS1.3")...)
	words = append(words, some(d, 8, "+AES-128-GCM", "+AES-256-GCM", "+CHACHA20-POLY1305", "+AES-128-CCM", "+AES-256-CBC", "+AES-128-CBC", "+CAMELLIA-128-CBC", "+CAMELLIA-256-GCM")...)
	words = append(words, some(d, 6, "+RSA", "+DHE-RSA", "+ECDHE-RSA", "+ECDHE-ECDSA", "+ANON-DH", "+ANON-ECDH")...)
	words = append(words, some(d, 6, "+GROUP-X25519", "+GROUP-SECP256R1", "+GROUP-SECP384R1", "+GROUP-SECP521R1", "+GROUP-X448", "+GROUP-FFDHE2048")...)
	if d.perhaps() {
		words = append(words, "%SERVER_PRECEDENCE")
	}
	priority, certificates := strings.Join(words, ":"), some(d, 2, "rsa", "ec", "p384", "ed")
	return Stack{
		Name: "gnutls-serv", Library: "GnuTLS", Setting: strings.Join(certificates, " and ") + ", `" + priority + "`", Packages: []string{"gnutls-bin"},
		version: []string{"gnutls-serv", "--version"}, clients: []Client{gnutls(), openssl()}, start: program(gnutlsServer(priority, certificates...)),
	}
}

func drawGo(d draw) Stack {
	versions := d.run("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
	code := map[string]uint16{"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}
	config := &tls.Config{
		MinVersion: code[versions[0]], MaxVersion: code[versions[len(versions)-1]], SessionTicketsDisabled: d.perhaps(),
		CurvePreferences: append(some(d, 3, tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521), some(d, 2, tls.X25519MLKEM768, tls.SecP384r1MLKEM1024)...),
	}
	for _, s := range some(d, 20, append(tls.CipherSuites(), tls.InsecureCipherSuites()...)...) {
		config.CipherSuites = append(config.CipherSuites, s.ID)
	}
	keys := some(d, 2, "rsa", "ec", "p384", "ed")
	return Stack{
		Name: "Go crypto/tls", Library: "crypto/tls", version: []string{"go", "version"}, clients: []Client{cryptoTLS(), openssl()},
		Setting: fmt.Sprintf("%v, %v, suites %x, groups %v", keys, versions, config.CipherSuites, config.CurvePreferences),
		start: func(_ context.Context, m *Material, _ lab.Place) (*Running, error) {
			config := config.Clone()
			for _, key := range keys {
				pair, err := tls.LoadX509KeyPair(m.File(key+".pem"), m.File(key+".key"))
				if err != nil {
					return nil, err
				}
				config.Certificates = append(config.Certificates, pair)
			}
			return serveGo(config)
		},
	}
}
