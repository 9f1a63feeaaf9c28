// Real proxies, and IPv6.

package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"shakedown/bench/lab"
	"shakedown/results"
)

// TestProxies scans one server directly and through real proxies: what is found
// is the same. A proxy that says no is told from a server that is silent.
func TestProxies(t *testing.T) {
	n := newNobody(t)
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}})
	if err != nil {
		t.Fatal(err)
	}
	nginx := started(t)(lab.StartNginx(t.Context(), lab.Nginx{Place: lab.Place{Dir: t.TempDir()}, TLS: lab.TLS{Certificates: []lab.Certificate{cert}}}))
	target := []string{"--sni", "portal.example", "--aspect", "versions,suites", nginx.Address}
	direct := suitesFound(scanOne(t, target...))
	_, port, _ := net.SplitHostPort(nginx.Address)

	open := startProgram(t, microsocks(n))
	guarded := startProgram(t, microsocks(n, "-u", "user", "-P", "secret"))
	connect := startProgram(t, tinyproxy(t, n, "open", "ConnectPort "+port))
	asking := startProgram(t, tinyproxy(t, n, "asking", "BasicAuth user secret"))
	closed := startProgram(t, tinyproxy(t, n, "closed", "ConnectPort 1"))
	free := startProgram(t, dante(t, n, "pass"))
	blocked := startProgram(t, dante(t, n, "block"))
	for _, proxy := range []string{
		"socks5://" + open, "socks5://user:secret@" + guarded, "socks5://" + free,
		"http://" + connect, "http://user:secret@" + asking,
	} {
		e := scanOne(t, append([]string{"--proxy", proxy}, target...)...)
		if got := suitesFound(e); got != direct || e.Status != results.Complete {
			t.Errorf("%s: %s\n got %s\nwant %s", proxy, e.Status, got, direct)
		}
	}
	for _, proxy := range []string{
		"socks5://" + guarded, "socks5://user:wrong@" + guarded, "socks5://" + blocked,
		"http://" + closed, "http://" + asking, "http://user:wrong@" + asking,
	} {
		declined(t, append([]string{"--proxy", proxy}, target...)...)
	}
	// A SOCKS proxy where one of HTTP was said to be.
	if e, code := scanAny(t, append([]string{"--proxy", "http://" + free}, target...)...); code != exitUndetermined || e.Failures[0].Stage != results.StageProxy {
		t.Errorf("a proxy of another kind: exit %d, failures %+v", code, e.Failures)
	}
}

// suitesFound is what a scan found, as one text.
func suitesFound(e *results.Endpoint) string { return fmt.Sprint(e.Versions, e.Suites) }

func microsocks(n nobody, more ...string) lab.Program {
	return n.program(func(host, port string) []string {
		return append([]string{"microsocks", "-i", host, "-p", port}, more...)
	})
}

func tinyproxy(t *testing.T, n nobody, name, setting string) lab.Program {
	return n.program(func(host, port string) []string {
		if port != "" {
			n.write(t, name+".conf", fmt.Sprintf("Listen %s\nPort %s\nTimeout 600\nMaxClients 100\n%s\n", host, port, setting))
		}
		return []string{"tinyproxy", "-d", "-c", n.file(name + ".conf")}
	})
}

func dante(t *testing.T, n nobody, verdict string) lab.Program {
	return n.program(func(host, port string) []string {
		if port != "" {
			n.write(t, verdict+".conf", fmt.Sprintf(`logoutput: stderr
internal: %s port = %s
external: %[1]s
clientmethod: none
socksmethod: none
user.privileged: %[3]s
user.unprivileged: %[3]s
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks %[4]s { from: 0.0.0.0/0 to: 0.0.0.0/0 }
`, host, port, n.name(t, "-un"), verdict))
		}
		return []string{"danted", "-f", n.file(verdict + ".conf")}
	})
}

// TestIPv6 scans OpenSSL's server on the loopback of IPv6, by address and by
// name, directly and through a proxy.
func TestIPv6(t *testing.T) {
	n := newNobody(t)
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}})
	if err != nil {
		t.Fatal(err)
	}
	n.write(t, "chain.pem", string(cert.Chain))
	n.write(t, "key.pem", string(cert.Key))
	six := func(addr string) string { return strings.Replace(addr, "127.0.0.1", "[::1]", 1) }
	p := n.program(func(_, port string) []string {
		return []string{"openssl", "s_server", "-quiet", "-www", "-cipher", "DEFAULT:@SECLEVEL=0", "-accept", "[::1]:" + port, "-cert", n.file("chain.pem"), "-key", n.file("key.pem")}
	})
	ready := p.Ready
	p.Ready = func(ctx context.Context, addr string) error { return ready(ctx, six(addr)) }
	address := six(startProgram(t, p))
	_, port, _ := net.SplitHostPort(address)

	e := scanOne(t, "--sni", "portal.example", address)
	if e.Address != address || e.Versions[results.TLSv13] != results.Yes {
		t.Errorf("%s: %v", e.Address, e.Versions)
	}
	e = scanOne(t, "--aspect", "versions", "-6", "--resolve", "portal.example:::1", "portal.example:"+port)
	if e.Address != address || e.Versions[results.TLSv13] != results.Yes {
		t.Errorf("by name, %s: %v", e.Address, e.Versions)
	}
	e = scanOne(t, "--aspect", "versions", "--proxy", "socks5://"+startProgram(t, microsocks(n)), address)
	if e.Versions[results.TLSv13] != results.Yes {
		t.Errorf("through a proxy: %v", e.Versions)
	}
}
