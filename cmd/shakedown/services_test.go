// Real servers that speak TLS only once they were asked to, and the same ones
// with TLS switched off.

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"shakedown/bench/lab"
	"shakedown/results"
)

// nobody runs commands as a user of no rights, where we are root: some servers
// refuse to be root's.
type nobody struct{ dir string }

const nobodysID = 65534

// newNobody makes a folder that it owns. t.TempDir's are closed to others.
func newNobody(t *testing.T) nobody {
	t.Helper()
	dir, err := os.MkdirTemp("", "shakedown-services-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	n := nobody{dir}
	n.own(t, dir)
	return n
}

func (n nobody) own(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chown(path, nobodysID, nobodysID); err != nil {
		t.Fatal(err)
	}
}

func (n nobody) file(name string) string { return filepath.Join(n.dir, name) }

func (n nobody) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(n.file(name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	n.own(t, n.file(name))
}

func (n nobody) folder(t *testing.T, name string) string {
	t.Helper()
	if err := os.MkdirAll(n.file(name), 0o700); err != nil {
		t.Fatal(err)
	}
	n.own(t, n.file(name))
	return n.file(name)
}

// argv is the command line that runs another as nobody. What a set-user-id
// forgets, that it ends with us, setpriv says again.
func (n nobody) argv(argv ...string) []string {
	if os.Geteuid() != 0 {
		return argv
	}
	id := fmt.Sprint(nobodysID)
	return append([]string{"setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups", "--pdeathsig", "TERM"}, argv...)
}

// name is the user's and the group's.
func (n nobody) name(t *testing.T, flag string) string {
	t.Helper()
	out, err := exec.Command(n.argv("id", flag)[0], n.argv("id", flag)[1:]...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// program runs a server that needs no privileges; argv gets the host and port to
// listen on.
func (n nobody) program(argv func(host, port string) []string) lab.Program {
	return lab.Program{
		Command: n.argv(argv("", "")...)[0],
		Args: func(addr string) []string {
			host, port, _ := net.SplitHostPort(addr)
			return n.argv(argv(host, port)...)[1:]
		},
		Ready: func(ctx context.Context, addr string) error {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
			if err == nil {
				conn.Close()
			}
			return err
		},
	}
}

// service is a kind of server, with TLS or without.
type service struct {
	scheme string
	start  func(t *testing.T, n nobody, tls bool) (address string)
}

func services() []service {
	return []service{
		{"smtp", startExim},
		{"imap", func(t *testing.T, n nobody, tls bool) string { return startDovecot(t, n, "imap", tls) }},
		{"pop3", func(t *testing.T, n nobody, tls bool) string { return startDovecot(t, n, "pop3", tls) }},
		{"ldap", startSlapd},
		{"postgres", startPostgres},
		{"mysql", startMariaDB},
	}
}

// TestServices scans real servers through STARTTLS: each is known whole, and what
// it speaks is what OpenSSL's client finds. With TLS off it says so at once.
func TestServices(t *testing.T) {
	for _, s := range services() {
		t.Run(s.scheme, func(t *testing.T) {
			n := newNobody(t)
			pki, err := lab.NewPKI()
			if err != nil {
				t.Fatal(err)
			}
			cert, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}, Key: lab.RSA})
			if err != nil {
				t.Fatal(err)
			}
			n.write(t, "chain.pem", string(cert.Chain))
			n.write(t, "key.pem", string(cert.Key))

			address := s.start(t, n, true)
			e := scanOne(t, "--sni", "portal.example", s.scheme+"://"+address)
			if e.Status != results.Complete || len(e.Suites[results.TLSv12]) == 0 || len(e.Suites[results.TLSv13]) == 0 {
				t.Errorf("%s: failures %+v, versions %v, undetermined %+v", e.Status, e.Failures, e.Versions, e.Undetermined)
			}
			if len(e.Chains) == 0 || e.Chains[0].Auth != "RSA" || e.Chains[0].HostnameMatch != results.Yes {
				t.Errorf("chains %+v", e.Chains)
			}
			for _, v := range []results.Version{results.TLSv10, results.TLSv11, results.TLSv12, results.TLSv13} {
				if want := opensslSpeaks(t, s.scheme, address, v); e.Versions[v] != want {
					t.Errorf("%s: %s, openssl s_client says %s", v, e.Versions[v], want)
				}
			}
			for _, suite := range e.Suites[results.TLSv12] {
				if strings.Contains(suite.Name, "_DHE_") {
					continue // GnuTLS wants its groups named (RFC 7919 §4), which this client does in TLS 1.3 alone
				}
				if got := opensslSpeaks(t, s.scheme, address, results.TLSv12, "-cipher", suite.OpenSSL+":@SECLEVEL=0"); suite.OpenSSL != "" && got != results.Yes {
					t.Errorf("TLSv1.2 %s is accepted, openssl s_client says %s", suite.Name, got)
				}
			}
			declined(t, s.scheme+"://"+s.start(t, n, false))
		})
	}
}

// opensslSpeaks asks OpenSSL's client for a handshake of one version.
func opensslSpeaks(t *testing.T, scheme, address string, v results.Version, more ...string) results.Answer {
	t.Helper()
	flag := "-" + strings.NewReplacer("TLSv1.0", "tls1", "TLSv", "tls", ".", "_").Replace(string(v))
	args := append([]string{"s_client", "-starttls", scheme, "-connect", address, "-servername", "portal.example", flag}, more...)
	if v < results.TLSv12 {
		args = append(args, "-cipher", "ALL:@SECLEVEL=0")
	}
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Env = append(os.Environ(), "OPENSSL_CONF=/dev/null")
	out, err := cmd.CombinedOutput()
	switch {
	case strings.Contains(string(out), "Cipher is (NONE)"):
		return results.No
	case strings.Contains(string(out), ", Cipher is "):
		return results.Yes
	}
	t.Fatalf("openssl %s: %v: %s", strings.Join(args, " "), err, out)
	return ""
}

// declined expects that a server says no, and that nothing else is known then.
func declined(t *testing.T, args ...string) {
	t.Helper()
	e, code := scanAny(t, args...)
	if code != exitUndetermined || e.Status != results.Failed || len(e.Failures) == 0 || e.Failures[0].Kind != results.KindDeclined {
		t.Errorf("exit %d, %s, failures %+v", code, e.Status, e.Failures)
	}
	for v, answer := range e.Versions {
		if answer != results.Unknown {
			t.Errorf("%s is %s behind a refusal", v, answer)
		}
	}
}

func startProgram(t *testing.T, p lab.Program) string {
	t.Helper()
	p.Dir = t.TempDir()
	return started(t)(lab.StartProgram(t.Context(), p)).Address
}

func startDovecot(t *testing.T, n nobody, protocol string, tls bool) string {
	ssl := "no"
	if tls {
		ssl = fmt.Sprintf("yes\nssl_cert = <%s\nssl_key = <%s", n.file("chain.pem"), n.file("key.pem"))
	}
	user := n.name(t, "-un")
	p := n.program(func(host, port string) []string {
		if port == "" {
			return []string{"dovecot"}
		}
		n.write(t, "dovecot.conf", fmt.Sprintf(`base_dir = %s
log_path = /dev/stderr
protocols = %s
listen = %s
ssl = %s
default_internal_user = %s
default_internal_group = %s
default_login_user = %[5]s
service anvil {
  chroot =
}
service %[2]s-login {
  chroot =
  service_count = 0
  inet_listener %[2]s {
    port = %[7]s
  }
  inet_listener %[2]ss {
    port = 0
  }
}
passdb {
  driver = static
  args = nopassword=y
}
`, n.folder(t, fmt.Sprint("dovecot-", tls)), protocol, host, ssl, user, n.name(t, "-gn"), port))
		return []string{"dovecot", "-F", "-c", n.file("dovecot.conf")}
	})
	p.Ready = greets
	return startProgram(t, p)
}

// greets waits for a server's first line: a parent that listens may be there
// long before the child that answers.
func greets(ctx context.Context, addr string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	_, err = conn.Read(make([]byte, 1))
	return err
}

func startSlapd(t *testing.T, n nobody, tls bool) string {
	conf := "include /etc/ldap/schema/core.schema\n"
	if tls {
		conf += fmt.Sprintf("TLSCertificateFile %s\nTLSCertificateKeyFile %s\n", n.file("chain.pem"), n.file("key.pem"))
	}
	n.write(t, "slapd.conf", conf)
	return startProgram(t, n.program(func(host, port string) []string {
		return []string{"slapd", "-d", "0", "-f", n.file("slapd.conf"), "-h", "ldap://" + net.JoinHostPort(host, port)}
	}))
}

func startPostgres(t *testing.T, n nobody, tls bool) string {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		t.Fatal("PostgreSQL is not installed: `make needs` installs it")
	}
	bin := bins[len(bins)-1]
	data := n.file(fmt.Sprint("postgres-", tls))
	initdb := n.argv(filepath.Join(bin, "initdb"), "-D", data, "-A", "trust", "-N")
	cmd := exec.CommandContext(t.Context(), initdb[0], initdb[1:]...)
	cmd.Dir = n.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	p := n.program(func(host, port string) []string {
		argv := []string{filepath.Join(bin, "postgres"), "-D", data, "-h", host, "-p", port, "-k", ""}
		if tls {
			argv = append(argv, "-c", "ssl=on", "-c", "ssl_cert_file="+n.file("chain.pem"), "-c", "ssl_key_file="+n.file("key.pem"))
		}
		return argv
	})
	return startProgram(t, p)
}

func startMariaDB(t *testing.T, n nobody, tls bool) string {
	data := n.folder(t, fmt.Sprint("mysql-", tls))
	p := n.program(func(host, port string) []string {
		argv := []string{
			"mariadbd", "--no-defaults", "--skip-grant-tables", "--innodb=OFF", "--default-storage-engine=Aria", "--datadir=" + data,
			"--socket=" + filepath.Join(data, "s"), "--pid-file=" + filepath.Join(data, "pid"), "--bind-address=" + host, "--port=" + port,
		}
		if tls {
			argv = append(argv, "--ssl-cert="+n.file("chain.pem"), "--ssl-key="+n.file("key.pem"))
		} else {
			argv = append(argv, "--skip-ssl")
		}
		return argv
	})
	p.Ready = greets
	return startProgram(t, p)
}

// startExim runs Exim as inetd would, for every connection anew: its daemon is
// for administrators alone.
func startExim(t *testing.T, n nobody, tls bool) string {
	conf := fmt.Sprintf("primary_hostname = mx.example\nkeep_environment =\nspool_directory = %s\nlog_file_path = %[1]s/%%slog\nhost_lookup =\nrfc1413_query_timeout = 0s\n",
		n.folder(t, "exim"))
	if tls {
		conf += fmt.Sprintf("tls_advertise_hosts = *\ntls_certificate = %s\ntls_privatekey = %s\n", n.file("chain.pem"), n.file("key.pem"))
	} else {
		conf += "tls_advertise_hosts =\n"
	}
	n.write(t, "exim.conf", conf+"begin acl\n")
	argv := n.argv("/usr/sbin/exim4", "-C", n.file("exim.conf"), "-bs")
	if _, err := os.Stat("/usr/sbin/exim4"); err != nil {
		t.Fatalf("%v: `make needs` installs it", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go attend(t.Context(), conn, argv, n.dir)
		}
	}()
	return l.Addr().String()
}

// attend lets a program talk to a connection, through a socket of this host: by
// one of TCP Exim would know that it is a daemon after all, and GnuTLS wants no
// pipes.
func attend(ctx context.Context, conn net.Conn, argv []string, dir string) {
	defer conn.Close()
	ours, theirs, err := socketPair()
	if err != nil {
		return
	}
	defer ours.Close()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout = dir, theirs, theirs
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return
	}
	go func() {
		io.Copy(ours, conn)
		ours.(*net.UnixConn).CloseWrite()
	}()
	io.Copy(conn, ours)
	cmd.Wait()
}

func socketPair() (ours net.Conn, theirs *os.File, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	file := os.NewFile(uintptr(fds[0]), "ours")
	defer file.Close()
	if ours, err = net.FileConn(file); err != nil {
		syscall.Close(fds[1])
		return nil, nil, err
	}
	return ours, os.NewFile(uintptr(fds[1]), "theirs"), nil
}
