// Clients: other people's TLS clients, each made to offer one suite of one
// version at a time.

package stacks

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// Client finds what a server accepts.
type Client struct {
	Name  string
	Pairs func(ctx context.Context, m *Material, address string) (Pairs, error)
}

// attempt is one handshake with one suite, by a command.
type attempt struct {
	pair Pair
	argv []string
}

// atOnce is how many commands run at a time.
const atOnce = 2

// finish runs every attempt and keeps the pairs of those that were finished.
func finish(ctx context.Context, attempts []attempt, finished func(out string, err error) bool) (Pairs, error) {
	if len(attempts) == 0 {
		return nil, errors.New("the client has no suites")
	}
	var mu sync.Mutex
	found := Pairs{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, a := range attempts {
		g.Go(func() error {
			out, err := patiently(ctx, a.argv)
			if err != nil && (ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded)) {
				return fmt.Errorf("%s: %w", strings.Join(a.argv, " "), err)
			}
			if finished(out, err) {
				mu.Lock()
				defer mu.Unlock()
				found[a.pair] = true
			}
			return nil
		})
	}
	return found, g.Wait()
}

// patiently runs a client again that hangs, and gives it longer each time: it may
// be the machine that has no time for it.
func patiently(ctx context.Context, argv []string) (out string, err error) {
	for _, longer := range []time.Duration{1, 3, 9} {
		attempt, cancel := context.WithTimeout(ctx, longer*attemptTimeout)
		out, err = output(attempt, nil, argv...)
		cancel()
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			break
		}
	}
	return out, err
}

// attemptTimeout bounds the first try of one handshake of one client.
const attemptTimeout = 5 * time.Second

// openssl is `openssl s_client`, with every suite of its library.
func openssl() Client {
	return Client{"openssl s_client", func(ctx context.Context, _ *Material, address string) (Pairs, error) {
		var attempts []attempt
		for _, v := range []struct {
			version results.Version
			flag    string
		}{{results.TLSv10, "-tls1"}, {results.TLSv11, "-tls1_1"}, {results.TLSv12, "-tls1_2"}, {results.TLSv13, "-tls1_3"}} {
			suites, err := opensslSuites(ctx, v.flag)
			if err != nil {
				return nil, err
			}
			for _, s := range suites {
				argv := []string{"openssl", "s_client", "-connect", address, "-servername", Host, v.flag}
				if v.version == results.TLSv13 {
					argv = append(argv, "-ciphersuites", s.name)
				} else {
					argv = append(argv, "-cipher", s.name+":@SECLEVEL=0")
				}
				attempts = append(attempts, attempt{Pair{v.version, s.id}, argv})
			}
		}
		chosen := regexp.MustCompile(`(?m)^New, .*, Cipher is [^(\s]`)
		return finish(ctx, attempts, func(out string, _ error) bool { return chosen.MatchString(out) })
	}}
}

type suite struct {
	id   uint16
	name string
}

// opensslSuites lists what the library has for a version, by its own names.
func opensslSuites(ctx context.Context, flag string) ([]suite, error) {
	out, err := output(ctx, nil, "openssl", "ciphers", "-V", "-s", flag,
		"-ciphersuites", allOf13, "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
	if err != nil {
		return nil, fmt.Errorf("openssl ciphers: %w: %s", err, out)
	}
	return parseSuites(out, regexp.MustCompile(`(?m)^\s*0x(?P<a>..),0x(?P<b>..) - (?P<name>\S+)`)), nil
}

// allOf13 are the suites of RFC 8446 §B.4.
const allOf13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"

// parseSuites reads suites by a pattern: its groups a and b are the bytes of the
// code point.
func parseSuites(out string, line *regexp.Regexp) []suite {
	var suites []suite
	for _, m := range line.FindAllStringSubmatch(out, -1) {
		id, err := strconv.ParseUint(m[line.SubexpIndex("a")]+m[line.SubexpIndex("b")], 16, 16)
		if err == nil {
			suites = append(suites, suite{uint16(id), m[line.SubexpIndex("name")]})
		}
	}
	return suites
}

// gnutls is `gnutls-cli`, with every suite that is one of key exchange, cipher
// and MAC of its library, but for those of pre-shared keys and SRP.
func gnutls() Client {
	return Client{"gnutls-cli", func(ctx context.Context, _ *Material, address string) (Pairs, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		all, err := gnutlsPriorities(ctx)
		if err != nil {
			return nil, err
		}
		var attempts []attempt
		for pair, priority := range all {
			attempts = append(attempts, attempt{pair, []string{"gnutls-cli", "--insecure", "--sni-hostname", Host,
				"--dh-bits", "512", "--priority", priority, "-p", port, host}})
		}
		return finish(ctx, attempts, func(out string, _ error) bool { return strings.Contains(out, "- Handshake was completed") })
	}}
}

// gnutlsPriorities is a priority string for each pair, which holds nothing
// else: gnutls-cli itself says so.
func gnutlsPriorities(ctx context.Context) (map[Pair]string, error) {
	versions := map[results.Version]string{
		results.TLSv10: "VERS-TLS1.0", results.TLSv11: "VERS-TLS1.1", results.TLSv12: "VERS-TLS1.2", results.TLSv13: "VERS-TLS1.3",
	}
	out, err := output(ctx, nil, "gnutls-cli", "--list")
	if err != nil {
		return nil, fmt.Errorf("gnutls-cli --list: %w: %s", err, out)
	}
	section := func(name string) []string {
		line := regexp.MustCompile(`(?mi)^` + name + `: (.*)$`).FindStringSubmatch(out)
		if line == nil {
			return nil
		}
		return strings.Split(line[1], ", ")
	}
	if section("key exchange algorithms") == nil || section("ciphers") == nil || section("macs") == nil {
		return nil, fmt.Errorf("gnutls-cli --list has another form than was expected: %s", out)
	}
	kxs := slices.DeleteFunc(section("key exchange algorithms"), func(kx string) bool {
		return strings.Contains(kx, "PSK") || strings.Contains(kx, "SRP")
	})
	bulk, err := gnutlsBulk(ctx, "NONE:+VERS-TLS-ALL:+"+strings.Join(kxs, ":+"), section("ciphers"), section("macs"))
	if err != nil {
		return nil, err
	}
	all := map[Pair]string{}
	for version, flag := range versions {
		for _, kx := range kxs {
			for _, both := range bulk {
				priority := "NONE:+" + flag + both + gnutlsRest + ":+" + kx
				suites, err := gnutlsSuites(ctx, priority)
				if err != nil || len(suites) > 1 {
					return nil, fmt.Errorf("gnutls-cli: %s is not one suite but %v: %w", priority, suites, err)
				}
				for _, s := range suites {
					all[Pair{version, s.id}] = priority
				}
			}
		}
	}
	return all, nil
}

// gnutlsBulk lists each cipher with each MAC that some suite has together.
func gnutlsBulk(ctx context.Context, head string, ciphers, macs []string) ([]string, error) {
	var bulk []string
	for _, cipher := range ciphers {
		for i, mac := range append([]string{strings.Join(macs, ":+")}, macs...) {
			both := ":+" + cipher + ":+" + mac
			suites, err := gnutlsSuites(ctx, head+both+gnutlsRest)
			if err != nil {
				return nil, err
			}
			if len(suites) == 0 && i == 0 {
				break // no suite has this cipher, with whichever MAC
			}
			if len(suites) > 0 && i > 0 {
				bulk = append(bulk, both)
			}
		}
	}
	return bulk, nil
}

// gnutlsRest is what a priority string needs beside a suite.
const gnutlsRest = ":+COMP-NULL:+CTYPE-ALL:+SIGN-ALL:+SIGN-DSA-SHA1:+SIGN-DSA-SHA256:+GROUP-ALL"

// gnutlsSuites lists the suites of a priority string; one that allows nothing
// is an error to gnutls-cli, and none here.
func gnutlsSuites(ctx context.Context, priority string) ([]suite, error) {
	out, err := output(ctx, nil, "gnutls-cli", "--list", "--priority", priority)
	if err != nil && !strings.Contains(out, "insufficient priorities") {
		return nil, fmt.Errorf("gnutls-cli --list --priority %s: %w: %s", priority, err, out)
	}
	return parseSuites(out, regexp.MustCompile(`(?m)^(?P<name>TLS_\S+)\s+0x(?P<a>..), 0x(?P<b>..)`)), nil
}

// nss is NSS' `tstclnt`, with every suite that its library knows.
func nss() Client {
	return Client{"NSS tstclnt", func(ctx context.Context, m *Material, address string) (Pairs, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		// Without something to say, it hangs now and then.
		request, err := m.install("request.txt", []byte("GET / HTTP/1.0\r\n\r\n"))
		if err != nil {
			return nil, err
		}
		var attempts []attempt
		for _, v := range []struct {
			version results.Version
			name    string
		}{{results.SSLv3, "ssl3"}, {results.TLSv10, "tls1.0"}, {results.TLSv11, "tls1.1"}, {results.TLSv12, "tls1.2"}, {results.TLSv13, "tls1.3"}} {
			for _, s := range wire.Suites() {
				if (v.version == results.TLSv13) == (s.First == wire.TLS13) {
					attempts = append(attempts, attempt{Pair{v.version, uint16(s.ID)}, []string{"tstclnt", "-h", host, "-p", port,
						"-D", "-o", "-Q", "-A", request, "-a", Host, "-V", v.name + ":" + v.name, "-c", fmt.Sprintf(":%04X", s.ID)}})
				}
			}
		}
		return finish(ctx, attempts, func(out string, err error) bool { return err == nil })
	}}
}

// cryptoTLS is Go's client. It cannot choose among the suites of TLS 1.3.
func cryptoTLS() Client {
	return Client{"Go crypto/tls", func(ctx context.Context, _ *Material, address string) (Pairs, error) {
		found := Pairs{}
		for version, code := range map[results.Version]uint16{results.TLSv10: tls.VersionTLS10, results.TLSv11: tls.VersionTLS11, results.TLSv12: tls.VersionTLS12} {
			for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
				ok, err := handshakes(ctx, address, &tls.Config{
					ServerName: Host, InsecureSkipVerify: true, MinVersion: code, MaxVersion: code, CipherSuites: []uint16{s.ID},
				})
				if err != nil {
					return nil, err
				}
				if ok {
					found[Pair{version, s.ID}] = true
				}
			}
		}
		return found, nil
	}}
}

// handshakes reports whether a handshake is finished; not to reach the server
// is an error.
func handshakes(ctx context.Context, address string, config *tls.Config) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	err = tls.Client(conn, config).HandshakeContext(ctx)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return err == nil, nil
}

// listed is a program that tries its suites by itself and prints a line
// "VERSION SUITE" for each that it finished: IANA's or OpenSSL's name, or the
// code point.
func listed(name string, argv func(m *Material, host, port string) []string) Client {
	return Client{name, func(ctx context.Context, m *Material, address string) (Pairs, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		out, err := output(ctx, nil, argv(m, host, port)...)
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, out)
		}
		return parsePairs(out)
	}}
}

func parsePairs(out string) (Pairs, error) {
	found := Pairs{}
	for _, m := range regexp.MustCompile(`(?m)^((?:SSL|TLS)v\d(?:\.\d)?) (\S+)$`).FindAllStringSubmatch(out, -1) {
		id, err := suiteID(m[2])
		if err != nil {
			return nil, err
		}
		version := results.Version(m[1])
		if version == "TLSv1" {
			version = results.TLSv10
		}
		found[Pair{version, id}] = true
	}
	return found, nil
}

// suiteID reads a code point, or a name of IANA's, OpenSSL's or Java's, which
// has SSL_ where IANA has TLS_.
func suiteID(name string) (uint16, error) {
	if id, err := strconv.ParseUint(name, 0, 16); err == nil {
		return uint16(id), nil
	}
	if s, ok := wire.SuiteNamed(name); ok {
		return uint16(s.ID), nil
	}
	if s, ok := wire.SuiteNamed("TLS_" + strings.TrimPrefix(name, "SSL_")); ok {
		return uint16(s.ID), nil
	}
	return 0, fmt.Errorf("no suite is called %q", name)
}
