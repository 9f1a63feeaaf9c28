package bench_test

// Peers of the lean client: what handshakes cost openssl s_time and h2load, for
// the table of BenchmarkClientCPU.

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// peer is another program that makes handshakes: its command line, and the
// number of handshakes in what it printed.
type peer struct {
	name string
	args func(b *testing.B, address netip.AddrPort, c cpuCase) []string // nil: it cannot make these
	made func(output []byte, c cpuCase) int
}

func peers() []peer {
	return []peer{
		{"s_time", sTime, sTimeMade},
		{"h2load", h2load, func(out []byte, _ cpuCase) int { return find(out, `(\d+) succeeded`) }},
	}
}

// openSSLGroups are the groups that Debian's OpenSSL knows.
func openSSLGroups() map[tls.CurveID]string {
	return map[tls.CurveID]string{tls.X25519: "X25519", tls.CurveP256: "P-256"}
}

// sTime makes handshakes for a second, one after the other. In TLS 1.3 it reads
// no ticket, so it does not resume.
func sTime(b *testing.B, address netip.AddrPort, c cpuCase) []string {
	group, known := openSSLGroups()[c.group]
	if !known || c.resume && c.version == tls.VersionTLS13 {
		return nil
	}
	if c.version == tls.VersionTLS12 && c.cert == "p256" && c.group != tls.CurveP256 {
		group += ":P-256" // the certificate's curve must be among them (RFC 8422 §5.1)
	}
	// It has no flag for groups, but reads OpenSSL's configuration.
	conf := filepath.Join(b.TempDir(), "openssl.cnf")
	text := "openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n[c]\nGroups=" + group + "\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Setenv("OPENSSL_CONF", conf)
	how, version := "-new", "-tls1_3"
	if c.resume {
		how = "-reuse"
	}
	if c.version == tls.VersionTLS12 {
		version = "-tls1_2"
	}
	return []string{"openssl", "s_time", "-connect", address.String(), how, version, "-time", "1"}
}

// sTimeMade counts its handshakes. It prints * for each full one and r for each
// resumed one; before -reuse it makes a full one that it does not time.
func sTimeMade(out []byte, c cpuCase) int {
	sign := "*"
	if c.resume {
		sign = "r"
	}
	return strings.Count(string(out), sign)
}

// atOnce is how many connections h2load makes: each has a request of its own, as
// it would resume a connection that it makes again.
const atOnce = 400

func h2load(b *testing.B, address netip.AddrPort, c cpuCase) []string {
	group, known := openSSLGroups()[c.group]
	if !known || c.resume || c.version != tls.VersionTLS13 {
		return nil
	}
	n := strconv.Itoa(atOnce)
	return []string{"h2load", "--h1", "-n", n, "-c", n, "--groups", group, fmt.Sprintf("https://%s/", address)}
}

func find(out []byte, pattern string) int {
	m := regexp.MustCompile(pattern).FindSubmatch(out)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

// cpu runs the peer and returns its processor time and its handshakes; none if it
// cannot make these.
func (p peer) cpu(b *testing.B, address netip.AddrPort, c cpuCase) (time.Duration, int) {
	args := p.args(b, address, c)
	if args == nil {
		return 0, 0
	}
	cmd := exec.CommandContext(b.Context(), args[0], args[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		b.Fatalf("%s: %v (make bench installs it)\n%s", p.name, err, out.Bytes())
	}
	made := p.made(out.Bytes(), c)
	if made < 10 {
		b.Fatalf("%s made %d handshakes:\n%s", p.name, made, out.Bytes())
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), made
}
