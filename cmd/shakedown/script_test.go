package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"shakedown/results"
	"shakedown/results/schema"
	"shakedown/results/schema/schematest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"shakedown": main})
}

// TestStories runs testdata/script: each file is a user's session.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TERM", "dumb")
			// The race detector would have each process wait a second before it ends.
			env.Setenv("GORACE", "atexit_sleep_ms=10 "+os.Getenv("GORACE"))
			env.Values[fleetKey{}] = &fleet{}
			env.Defer(func() { holdToSchema(t, env.WorkDir) })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"nginx":       nginx,
			"serve":       serve,
			"records":     records,
			"exits":       exits,
			"interrupted": interrupted,
			"inventory":   writeInventory,
			"lock":        lockStore,
			"units":       runUnits,
			"certs":       certFiles,
			"instance":    instance,
			"ends":        ends,
			"readme":      readme,
			"measured":    measured,
		},
	})
}

// serve starts an in-process server and puts its address into a variable:
// serve VARIABLE KIND [ROOTS-FILE|BACKEND].
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: serve VARIABLE KIND [ROOTS-FILE|BACKEND]")
	}
	at := "127.0.0.1:0"
	if args[1] == "tls6" {
		at = "[::1]:0"
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		ts.Fatalf("this machine must have %s for this story: %v", at, err)
	}
	ts.Setenv(args[0], l.Addr().String())
	if args[1] == "closed" {
		l.Close()
		return
	}
	answer := serverOf(ts, args[1], append(args, "")[2])
	ts.Defer(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); answer(c) }()
		}
	}()
}

// serverOf is how a kind of server answers a connection; more is the file to
// write its root to, or the address behind a proxy.
func serverOf(ts *testscript.TestScript, kind, more string) func(net.Conn) {
	switch kind {
	case "silent":
		return func(c net.Conn) { io.Copy(io.Discard, c) }
	case "http":
		return func(c net.Conn) {
			c.Read(make([]byte, 1))
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
		}
	case "tls", "tls6":
		return tlsServer(ts, more)
	case "smtp":
		secure := tlsServer(ts, more)
		return func(c net.Conn) {
			if dialog(c, "", "220 mx ESMTP", "EHLO ", "250-mx\r\n250 STARTTLS", "STARTTLS", "220 go") {
				secure(c)
			}
		}
	case "plain-smtp":
		return func(c net.Conn) { dialog(c, "", "220 mx ESMTP", "EHLO ", "250 mx", "QUIT", "221 bye") }
	case "proxied": // wants the PROXY protocol
		secure := tlsServer(ts, more)
		return func(c net.Conn) {
			host, port, _ := net.SplitHostPort(c.RemoteAddr().String())
			_, here, _ := net.SplitHostPort(c.LocalAddr().String())
			if dialog(c, "PROXY TCP4 "+host+" 127.0.0.1 "+port+" "+here) {
				secure(c)
			}
		}
	case "connect":
		return connectProxy(more)
	case "socks5":
		return socksProxy(more)
	}
	ts.Fatalf("no server of kind %q", kind)
	return nil
}

func tlsServer(ts *testscript.TestScript, rootsFile string) func(net.Conn) {
	cert, root := serverCertificate(ts.Check)
	if rootsFile != "" {
		ts.Check(os.WriteFile(ts.MkAbs(rootsFile), root, 0o600))
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	return func(c net.Conn) {
		conn := tls.Server(c, cfg)
		if conn.HandshakeContext(context.Background()) == nil {
			io.Copy(io.Discard, conn)
		}
	}
}

// dialog hears lines that begin as given and says others, in turn; the first is
// heard, or nothing if it is empty.
func dialog(c net.Conn, words ...string) bool {
	for i, w := range words {
		if i%2 == 1 {
			io.WriteString(c, w+"\r\n")
		} else if w != "" && !strings.HasPrefix(readLine(c), w) {
			return false
		}
	}
	return true
}

// readLine reads no byte more than the line.
func readLine(c net.Conn) string {
	var line []byte
	for b := make([]byte, 1); ; {
		if _, err := c.Read(b); err != nil || b[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r")
		}
		line = append(line, b[0])
	}
}

// connectProxy connects portal.example to a backend for aladdin, whose password
// is sesame.
func connectProxy(backend string) func(net.Conn) {
	return func(c net.Conn) {
		request, login := readLine(c), ""
		for line := readLine(c); line != ""; line = readLine(c) {
			if value, ok := strings.CutPrefix(line, "Proxy-Authorization: Basic "); ok {
				login = value
			}
		}
		switch {
		case login != base64.StdEncoding.EncodeToString([]byte("aladdin:sesame")):
			io.WriteString(c, "HTTP/1.1 407 "+login+" is not aladdin:sesame\r\n\r\n")
		case !strings.HasPrefix(request, "CONNECT portal.example:"):
			io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
		default:
			io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
			join(c, backend)
		}
	}
}

// socksProxy does the same in SOCKS5, for any target.
func socksProxy(backend string) func(net.Conn) {
	read := func(c net.Conn, n int) []byte {
		b := make([]byte, n)
		io.ReadFull(c, b)
		return b
	}
	return func(c net.Conn) {
		if methods := read(c, int(read(c, 2)[1])); !bytes.Contains(methods, []byte{2}) {
			c.Write([]byte{5, 0xff})
			return
		}
		c.Write([]byte{5, 2})
		user := read(c, int(read(c, 2)[1]))
		if password := read(c, int(read(c, 1)[0])); string(user) != "aladdin" || string(password) != "sesame" {
			c.Write([]byte{1, 1})
			return
		}
		c.Write([]byte{1, 0})
		switch read(c, 4)[3] {
		case 3:
			read(c, int(read(c, 1)[0])+2)
		default:
			read(c, 4+2)
		}
		c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		join(c, backend)
	}
}

// join carries bytes between a connection and a backend until either ends.
func join(c net.Conn, backend string) {
	b, err := net.Dial("tcp", backend)
	if err != nil {
		return
	}
	go func() { io.Copy(b, c); b.(*net.TCPConn).CloseWrite() }()
	io.Copy(c, b)
	b.Close()
}

// serverCertificate is a leaf for portal.example and 127.0.0.1, and its root.
func serverCertificate(check func(error)) (tls.Certificate, []byte) {
	sign := func(template, parent *x509.Certificate, public any, key any) []byte {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
		check(err)
		return der
	}
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		check(err)
		return k
	}
	rootKey, leafKey := key(), key()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Story Root"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
	}
	rootDER := sign(root, root, rootKey.Public(), rootKey)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "portal.example"}, DNSNames: []string{"portal.example"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	leafDER := sign(leaf, root, leafKey.Public(), rootKey)
	return tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})
}

// records reads a run and fails unless it is whole: records FILE TYPE...
func records(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: records FILE [TYPE...]")
	}
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	d, err := results.NewDecoder(f)
	ts.Check(err)
	var got []string
	for {
		r, err := d.Next()
		if err == io.EOF {
			break
		}
		ts.Check(err)
		got = append(got, r.Type())
	}
	if d.Trailer() == nil {
		ts.Fatalf("%s: partial: it has no trailer", args[0])
	}
	want := args[1:]
	if len(got) != len(want) {
		ts.Fatalf("%s: records %v, want %v", args[0], got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			ts.Fatalf("%s: records %v, want %v", args[0], got, want)
		}
	}
}

// holdToSchema holds every run that a story left in its folder against the
// published schema; but for those called broken.
func holdToSchema(t *testing.T, folder string) {
	check, err := schematest.Compile(schema.All)
	if err != nil {
		t.Fatal(err)
	}
	filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.HasPrefix(entry.Name(), "broken") {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && bytes.HasPrefix(text, []byte(`{"record":"header"`)) {
			if err := schematest.Lines(check, bytes.NewReader(text)); err != nil {
				t.Errorf("%s: %v", filepath.Base(path), err)
			}
		}
		return err
	})
}

// exits runs a command and wants its exit code: exits CODE[|CODE] COMMAND [ARG...].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if got := strconv.Itoa(code); !slices.Contains(strings.Split(args[0], "|"), got) {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// interrupted runs a command, interrupts it once a line of its standard output
// contains a text, and keeps all of that output in FILE, standard error in
// FILE.stderr: interrupted FILE TEXT COMMAND [ARG...]. It wants exit code 130.
func interrupted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupted FILE TEXT COMMAND [ARG...]")
	}
	path, err := exec.LookPath(args[2])
	ts.Check(err)
	// What never says the text is killed: that fails the test, it does not hang it.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args[3:]...)
	cmd.Dir = ts.MkAbs(".")
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	ts.Check(cmd.Start())
	var all bytes.Buffer
	lines := bufio.NewScanner(io.TeeReader(stdout, &all))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.Contains(lines.Text(), args[1]) {
			ts.Check(cmd.Process.Signal(os.Interrupt))
		}
	}
	cmd.Wait()
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), all.Bytes(), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".stderr"), stderr.Bytes(), 0o600))
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		ts.Fatalf("exit code %d, want %d; output %s", code, exitInterrupted, all.String())
	}
}
