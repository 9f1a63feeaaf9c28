// The whole lab, up once: each path is asked whether it is what it claims.

package lab

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/inventory"
)

func TestLab(t *testing.T) {
	var commands commandLog
	o := Options{Dir: filepath.Join(t.TempDir(), "a lab"), ran: commands.add}
	seen := watchCommandLines(t)
	l, err := Up(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Down(context.WithoutCancel(t.Context())) })
	lines := seen()

	t.Run("answers", func(t *testing.T) { testAnswers(t, l) })
	t.Run("certificates", func(t *testing.T) { testCertificates(t, l) })
	t.Run("targets", func(t *testing.T) { testTargets(t, l) })
	t.Run("drift", func(t *testing.T) { testDrift(t, l) })
	t.Run("inventory", func(t *testing.T) { testInventory(t, l) })
	t.Run("keys in tokens", func(t *testing.T) { testTokenKeys(t, l) })
	t.Run("secrets", func(t *testing.T) { testSecrets(t, l, commands.all(), lines) })
	t.Run("second up", func(t *testing.T) { testSecondUp(t, l, o) })
	t.Run("status", func(t *testing.T) { testStatusUp(t, l) })
	t.Run("enclave without its token", func(t *testing.T) { testEnclaveDown(t, l) })
	t.Run("killed servers", func(t *testing.T) { l = testKilled(t, l, o) })
	t.Run("down", func(t *testing.T) { testDown(t, l) })
}

// testAnswers gets a page over each path, by either key type and version.
func testAnswers(t *testing.T, l *Lab) {
	for _, p := range l.Paths {
		for _, ask := range asks() {
			page, state := get(t, p, ask.config)
			if got := state.PeerCertificates[0].PublicKeyAlgorithm; ask.key != 0 && got != ask.key {
				t.Errorf("%s, %s: got a key of %v", p.Name, ask.name, got)
			}
			if !strings.Contains(page, " over http") {
				t.Errorf("%s, %s: page is %q", p.Name, ask.name, page)
			}
		}
	}
}

type ask struct {
	name   string
	key    x509.PublicKeyAlgorithm
	config *tls.Config
}

// asks are for one key type each, but in TLS 1.3, where Go does not let us ask.
func asks() []ask {
	suite := func(id uint16) *tls.Config {
		return &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{id}}
	}
	return []ask{
		{"TLS 1.3", 0, &tls.Config{MinVersion: tls.VersionTLS13}},
		{"TLS 1.2 ECDSA", x509.ECDSA, suite(tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)},
		{"TLS 1.2 RSA", x509.RSA, suite(tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)},
	}
}

func testCertificates(t *testing.T, l *Lab) {
	pool := x509.NewCertPool()
	pem, err := os.ReadFile(l.Roots)
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("reading the roots: %v", err)
	}
	wrong := map[string]func(*x509.Certificate, error) bool{
		"i-2": func(_ *x509.Certificate, err error) bool {
			var invalid x509.CertificateInvalidError
			return errors.As(err, &invalid) && invalid.Reason == x509.Expired
		},
		"i-3": func(c *x509.Certificate, err error) bool {
			var unknown x509.UnknownAuthorityError
			return errors.As(err, &unknown) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
		},
		"wrong-name": func(_ *x509.Certificate, err error) bool {
			var name x509.HostnameError
			return errors.As(err, &name)
		},
	}
	for _, p := range l.Paths {
		for _, ask := range asks() {
			_, state := get(t, p, ask.config)
			leaf, err := verify(state.PeerCertificates, pool, p.ServerName)
			judge := wrong[p.Name]
			if judge == nil && err != nil {
				t.Errorf("%s, %s: %v", p.Name, ask.name, err)
			}
			if judge != nil && !judge(leaf, err) {
				t.Errorf("%s, %s: is not wrong in its way: %v", p.Name, ask.name, err)
			}
		}
	}
}

func verify(chain []*x509.Certificate, roots *x509.CertPool, name string) (*x509.Certificate, error) {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: name})
	return chain[0], err
}

// testTargets sees what the instances saw: they answer with their name, the
// scheme and the TLS version of the connection that reached them.
func testTargets(t *testing.T, l *Lab) {
	for path, want := range map[string][]string{
		"alb":           {"i-1 over http", "i-2 over http"},
		"alb-reencrypt": {"i-2 over https TLSv1.3", "i-3 over https TLSv1.3"},
		"nlb":           {"i-1 over https TLSv1.3"},
		"hsm":           {"hsm over https TLSv1.3"},
		"enclave":       {"enclave over https TLSv1.3"},
	} {
		p, _ := l.Path(path)
		var pages []string
		for range 4 {
			page, _ := get(t, p, &tls.Config{})
			pages = append(pages, strings.TrimSpace(page))
		}
		slices.Sort(pages)
		if got := slices.Compact(pages); !slices.Equal(got, want) {
			t.Errorf("%s led to %q, want %q", path, got, want)
		}
	}
	if leafOf(t, l, "nlb") != leafOf(t, l, "i-1") {
		t.Error("nlb does not show its target's certificate")
	}
	if leafOf(t, l, "alb-reencrypt") == leafOf(t, l, "i-2") || leafOf(t, l, "alb-reencrypt") != leafOf(t, l, "alb") {
		t.Error("the load balancers do not show their own certificate")
	}
}

func testDrift(t *testing.T, l *Lab) {
	for _, tc := range []struct {
		path    string
		version uint16
		want    bool
	}{
		{"i-1", tls.VersionTLS10, false}, {"i-1", tls.VersionTLS11, false}, {"i-1", tls.VersionTLS12, true},
		{"i-2", tls.VersionTLS10, true}, {"i-2", tls.VersionTLS11, true}, {"i-2", tls.VersionTLS12, true},
	} {
		p, _ := l.Path(tc.path)
		conn, err := dial(t, p, &tls.Config{MinVersion: tc.version, MaxVersion: tc.version})
		if (err == nil) != tc.want {
			t.Errorf("%s speaks %s: %v, want %v", tc.path, tls.VersionName(tc.version), err, tc.want)
		}
		if conn != nil {
			conn.Close()
		}
	}
}

// testInventory reads the inventory as the other verbs do.
func testInventory(t *testing.T, l *Lab) {
	inv, err := inventory.Load(l.Inventory)
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	kinds := map[results.PathKind]bool{}
	for _, p := range inv.Paths() {
		got = append(got, fmt.Sprint(p.Service, p.ServerName, p.Name, p.Kind, p.Target, p.Targets))
		if !slices.Equal(p.Roots, []string{l.Roots}) {
			t.Errorf("%s: roots %q, want %q", p.Name, p.Roots, l.Roots)
		}
	}
	for _, p := range l.Paths {
		want = append(want, fmt.Sprint(p.Service, p.ServerName, p.Name, p.Kind, p.Address, p.Targets))
		kinds[p.Kind] = true
	}
	if !slices.Equal(got, want) {
		t.Errorf("inventory:\n%q\nwant\n%q", got, want)
	}
	for _, k := range results.PathKinds() {
		if !kinds[k] {
			t.Errorf("no path is %s", k)
		}
	}
}

// testTokenKeys: what the clients see are the tokens' keys, and no file holds
// such a key.
func testTokenKeys(t *testing.T, l *Lab) {
	for _, name := range []string{"hsm", "enclave"} {
		p, _ := l.Path(name)
		for label, ask := range map[string]ask{"portal-ec": asks()[1], "portal-rsa": asks()[2]} {
			_, state := get(t, p, ask.config)
			spki, err := os.ReadFile(filepath.Join(l.Dir, tokensDir, name, label+".spki"))
			if err != nil || !bytes.Equal(spki, state.PeerCertificates[0].RawSubjectPublicKeyInfo) {
				t.Errorf("%s does not serve the token's key %s: %v", name, label, err)
			}
		}
		conf, err := os.ReadFile(filepath.Join(l.Dir, serversDir, name, "nginx.conf"))
		if err != nil || strings.Count(string(conf), `ssl_certificate_key "engine:pkcs11:`) != 2 {
			t.Errorf("%s: its keys are not the engine's: %v\n%s", name, err, conf)
		}
		for _, dir := range []string{tokensDir, serversDir} {
			for file, content := range regularFiles(t, filepath.Join(l.Dir, dir, name)) {
				if bytes.Contains(content, []byte("PRIVATE KEY")) {
					t.Errorf("%s holds a private key", file)
				}
			}
		}
	}
	if env := environment(t, l.Server("enclave").PID()); strings.Contains(env, "SOFTHSM2_CONF") {
		t.Errorf("the enclave's nginx knows where the token is: %q", env)
	}
}

// testSecrets: the PINs stand in files called pin and nowhere else, and what is
// secret is for its owner alone.
func testSecrets(t *testing.T, l *Lab, commands, lines []string) {
	files := regularFiles(t, l.Dir)
	pins := map[string]bool{}
	for file, content := range files {
		if filepath.Base(file) == pinFile {
			pins[string(content)] = true
		}
	}
	if len(pins) != 2 {
		t.Fatalf("%d different PINs, want one for each token", len(pins))
	}
	if len(commands) < 20 || len(lines) < 10 {
		t.Fatalf("saw only %d commands and %d command lines", len(commands), len(lines))
	}
	for pin := range pins {
		for _, c := range slices.Concat(commands, lines) {
			if len(pin) < 20 || strings.Contains(c, pin) {
				t.Errorf("PIN %q shows in %q", pin, c)
			}
		}
		for file, content := range files {
			if filepath.Base(file) != pinFile && bytes.Contains(content, []byte(pin)) {
				t.Errorf("%s holds a PIN", file)
			}
		}
	}
	for file, content := range files {
		st, err := os.Stat(file)
		secret := filepath.Base(file) == pinFile || bytes.Contains(content, []byte("PRIVATE KEY"))
		if err == nil && secret && st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", file, st.Mode())
		}
	}
	if st, err := os.Stat(l.Dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v", st.Mode(), err)
	}
}

func testSecondUp(t *testing.T, l *Lab, o Options) {
	_, err := Up(t.Context(), o)
	var running *RunningError
	if !errors.As(err, &running) {
		t.Fatalf("a second up: %v, want a RunningError", err)
	}
	if running.Lab.Server("i-1").PID() != l.Server("i-1").PID() || running.Lab.Inventory != l.Inventory {
		t.Error("it describes another lab")
	}
}

func testStatusUp(t *testing.T, l *Lab) {
	r, err := Status(t.Context(), l.Dir)
	if err != nil || !r.OK() || len(r.Servers) != 10 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, s := range r.Servers {
		if s.PID == 0 || s.Address == "" || s.PID != l.Server(s.Name).PID() {
			t.Errorf("%+v", s)
		}
	}
}

// testEnclaveDown: without the process that holds them, the enclave's keys are
// out of reach, and only those.
func testEnclaveDown(t *testing.T, l *Lab) {
	if err := l.Server(enclaveToken).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	enclave, _ := l.Path("enclave")
	if err := answers(t.Context(), enclave); err == nil {
		t.Error("the enclave completes a handshake without its token")
	}
	hsm, _ := l.Path("hsm")
	if err := answers(t.Context(), hsm); err != nil {
		t.Error(err)
	}
	down := downServers(t, l.Dir)
	if len(down) != 2 || !strings.Contains(down[enclaveToken].Why, "has ended") ||
		!strings.Contains(down["enclave"].Why, "its keys are in enclave-token, which is down") {
		t.Errorf("status says %+v", down)
	}
}

// testKilled: Up replaces a lab that is not whole, also what is left of a
// server whose first process is dead.
func testKilled(t *testing.T, l *Lab, o Options) *Lab {
	old := sessionsOf(l)
	for _, name := range []string{"i-1", "alb", "hsm"} {
		syscall.Kill(l.Server(name).PID(), syscall.SIGKILL)
		waitFor(t, name+" is dead", func() bool { return !l.Server(name).Alive() })
	}
	if left := l.Server("i-1").proc.members(l.Server("i-1").Dir); len(left) == 0 {
		t.Error("i-1's worker is not found after its master is dead")
	}
	if why := downServers(t, l.Dir)["alb"].Why; !strings.Contains(why, "has ended") {
		t.Errorf("status says of alb: %q", why)
	}
	fresh, err := Up(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fresh.Down(context.WithoutCancel(t.Context())) })
	assertNone(t, old)
	testAnswers(t, fresh)
	return fresh
}

func testDown(t *testing.T, l *Lab) {
	sessions := sessionsOf(l)
	if err := l.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	assertNone(t, sessions)
	for _, p := range l.Paths {
		if err := connects(t.Context(), "tcp", p.Address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: %v, want a refusal", p.Name, err)
		}
	}
	if _, err := os.Stat(l.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is there: %v", err)
	}
	if found, err := Down(t.Context(), l.Dir); found || err != nil {
		t.Errorf("a second down: %v, %v", found, err)
	}
}

// What follows helps these and the other tests.

func dial(t *testing.T, p Path, c *tls.Config) (*tls.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerTimeout)
	defer cancel()
	c = c.Clone()
	c.InsecureSkipVerify, c.ServerName = true, p.ServerName
	conn, err := (&tls.Dialer{Config: c}).DialContext(ctx, "tcp", p.Address)
	if err != nil {
		return nil, err
	}
	return conn.(*tls.Conn), nil
}

func get(t *testing.T, p Path, c *tls.Config) (string, tls.ConnectionState) {
	t.Helper()
	conn, err := dial(t, p, c)
	if err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	defer conn.Close()
	return page(t, conn, cmp.Or(p.ServerName, "localhost")), conn.ConnectionState()
}

func page(t *testing.T, conn net.Conn, host string) string {
	t.Helper()
	conn.SetDeadline(time.Now().Add(answerTimeout))
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	b.ReadFrom(resp.Body)
	if resp.StatusCode != http.StatusOK || resp.Close {
		t.Errorf("%s, closing %v", resp.Status, resp.Close)
	}
	return b.String()
}

func leafOf(t *testing.T, l *Lab, path string) string {
	t.Helper()
	p, _ := l.Path(path)
	_, state := get(t, p, asks()[1].config)
	return string(state.PeerCertificates[0].Raw)
}

func downServers(t *testing.T, dir string) map[string]ServerStatus {
	t.Helper()
	r, err := Status(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	down := map[string]ServerStatus{}
	for _, s := range r.Servers {
		if !s.Up {
			down[s.Name] = s
		}
	}
	return down
}

func regularFiles(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files[file], err = os.ReadFile(file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func environment(t *testing.T, pid int) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sessionsOf names each server's session by its folder.
func sessionsOf(l *Lab) map[string]process {
	sessions := map[string]process{}
	for _, s := range l.servers {
		sessions[s.Dir] = s.proc
	}
	return sessions
}

func assertNone(t *testing.T, sessions map[string]process) {
	t.Helper()
	for dir, p := range sessions {
		if left := sessionPIDs(p.PID); len(left) > 0 {
			t.Errorf("of %s there still run %v", dir, left)
		}
	}
}

// waitFor looks again and again, with a bound that is never met when all is well.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain until %s", what)
}

type commandLog struct {
	mu   sync.Mutex
	said []string
}

func (c *commandLog) add(argv, env []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, strings.Join(argv, " ")+" "+strings.Join(env, " "))
}

func (c *commandLog) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.said)
}

// watchCommandLines reads every process' command line again and again until
// the function that it gives is called.
func watchCommandLines(t *testing.T) func() []string {
	done, all := make(chan struct{}), make(chan []string, 1)
	go func() {
		seen := map[string]bool{}
		for {
			select {
			case <-done:
				all <- slices.Collect(maps.Keys(seen))
				return
			default:
				for _, line := range commandLines() {
					seen[line] = true
				}
			}
		}
	}()
	stop := sync.OnceValue(func() []string { close(done); return <-all })
	t.Cleanup(func() { stop() })
	return stop
}

func commandLines() []string {
	var lines []string
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		if b, err := os.ReadFile("/proc/" + e.Name() + "/cmdline"); err == nil && len(b) > 0 {
			lines = append(lines, string(b))
		}
	}
	return lines
}
