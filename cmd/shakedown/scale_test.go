// Sweeps at scale: what ten thousand endpoints take, and the dead among them.

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"shakedown/bench/lab"
)

var (
	scaleEndpoints = flag.Int("endpoints", 60, "how many endpoints TestSweepAtScale sweeps, a third of them dead; 10000 takes minutes")
	scaleBinary    = flag.String("binary", "", "the shakedown that TestSweepAtScale runs, if not this test's own")
	scaleTimeout   = flag.Duration("exchange", 3*time.Second, "--timeout of TestSweepAtScale's sweeps")
	scaleKeep      = flag.String("keep", "", "folder for TestSweepAtScale's inventory and store, which then stay")
)

// TestSweepAtScale sweeps an estate of which a third is dead, three times, and
// tells what that took; then reads the store as the other verbs do. The living
// are all determined, whoever is dead; a sweep of what did not change says
// nothing; one of what did tells exactly that.
//
// What is kept of an endpoint is little: held against a bound where -binary names
// a program without the race detector.
//
//	make scale ENDPOINTS=10000
func TestSweepAtScale(t *testing.T) {
	e := newEstate(t, *scaleEndpoints)
	living, dead := *scaleEndpoints-*scaleEndpoints/3, *scaleEndpoints/3
	t.Logf("%d endpoints, %d of them dead, %d will change", *scaleEndpoints, dead, e.changing)

	sweep := func(more ...string) meter {
		args := []string{"sweep", "--inventory", e.inventory, "--store", e.store, "--timeout", scaleTimeout.String(), "--profile", "mozilla/intermediate"}
		m := e.run(t, append(args, more...)...)
		if bound := 100_000 + 3*(*scaleEndpoints); *scaleBinary != "" && m.peak > bound {
			t.Errorf("%d kB at the most, %d are due", m.peak, bound)
		}
		return m
	}
	first := sweep("--verbose", "--output", filepath.Join(e.dir, "first.txt"))
	t.Logf("first sweep:       %v; the last living one after %.1f s", first, first.lastLiving())
	if got := len(first.kept("complete")); got != living || first.code != 1 && first.code != 3 {
		t.Errorf("%d of %d living ones are determined, exit code %d\n%s", got, living, first.code, first.tail())
	}
	if got := len(first.kept("failed")); got != dead {
		t.Errorf("%d of %d dead ones are told", got, dead)
	}
	again := sweep("--verbose", "--output", filepath.Join(e.dir, "again.txt"))
	t.Logf("nothing changed:   %v; the last living one after %.1f s", again, again.lastLiving())
	if c := again.count("changes"); c != 0 {
		t.Errorf("%d changes where nothing changed", c)
	}
	e.change(t)
	changed := sweep("--verbose", "--output", filepath.Join(e.dir, "changed.txt"))
	t.Logf("some changed:      %v; the last living one after %.1f s", changed, changed.lastLiving())
	text, err := os.ReadFile(filepath.Join(e.dir, "changed.txt"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^  \S \S+/(changing-\d+)\b`).FindAllSubmatch(text, -1) {
		told[string(m[1])] = true
	}
	if before, _, _ := bytes.Cut(text, []byte("\nFindings\n")); len(told) != e.changing || bytes.Contains(before, []byte("/living-")) {
		t.Errorf("%d of %d that changed were told, or others:\n%.3000s", len(told), e.changing, text)
	}
	e.read(t)
}

// read runs the verbs that read what was swept.
func (e *estate) read(t *testing.T) {
	file := func(name string) string { return filepath.Join(e.dir, name) }
	for _, c := range []struct {
		args string
		code int
	}{
		{"store export latest~1 --output " + file("old.jsonl"), 0},
		{"store export latest --output " + file("new.jsonl"), 0},
		{"diff latest~1 latest --output " + file("diff.txt"), 1},
		{"diff --output " + file("diff2.txt") + " " + file("old.jsonl") + " " + file("new.jsonl"), 1},
		{"report latest --html " + file("report.html"), 0},
		{"report latest --csv " + file("report.csv"), 0},
		{"report latest --prometheus " + file("report.prom"), 0},
		{"report latest --junit " + file("report.xml"), 0},
		{"report latest --output " + file("report.txt"), 0},
		{"report latest --format json --output " + file("again.jsonl"), 0},
		{"gate --inventory " + e.inventory + " --from " + file("new.jsonl") + " --output " + file("gate.txt"), 3},
		{"gate --inventory " + e.inventory + " --from " + file("old.jsonl") + " --accept " + file("accepted.json") + " --output " + file("gate2.txt"), 3},
		{"store import " + file("old.jsonl"), 0},
		{"store prune --keep 2", 0},
	} {
		args := strings.Fields(c.args)
		if args[0] != "gate" {
			args = append(args, "--store", e.store)
		}
		m := e.run(t, args...)
		t.Logf("%-32.32s %v", strings.ReplaceAll(c.args, e.dir+"/", ""), m)
		if m.code != c.code {
			t.Errorf("%s: exit code %d, not %d\n%s", c.args, m.code, c.code, m.tail())
		}
	}
	if a, b := fileSize(file("old.jsonl")), fileSize(file("new.jsonl")); a == 0 || b == 0 {
		t.Errorf("exports of %d and %d bytes", a, b)
	}
}

func fileSize(name string) int64 {
	i, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return i.Size()
}

// estate is servers on many addresses of loopback, and an inventory of them.
type estate struct {
	dir, inventory, store string
	changing, runs        int
	changer               *lab.Server
}

func newEstate(t *testing.T, n int) *estate {
	t.Helper()
	e := &estate{dir: *scaleKeep}
	if e.dir == "" {
		e.dir = t.TempDir()
	}
	e.inventory, e.store = filepath.Join(e.dir, "estate.yaml"), filepath.Join(e.dir, "store.db")
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}, Key: lab.ECDSA})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(e.dir, "ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pki.Root.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stays := e.everywhere(t, "stays", leaf)
	changer, changes := e.everywhere(t, "changes", leaf)
	e.changer = changer
	silent, full, closed := listenSilently(t), listenFull(t), closedPort(t)

	var b strings.Builder
	b.WriteString("version: 1\n")
	b.WriteString("services:\n")
	for i := range n {
		if i%20 == 0 {
			fmt.Fprintf(&b, "  - name: service-%d\n    server_name: portal.example\n    roots: [ca.pem]\n    paths:\n", i/20)
		}
		address := net.IPv4(127, 1, byte(i/250), byte(1+i%250)).String()
		what, port := "living", stays
		switch j := i / 3; {
		case i%3 == 2: // dead, in one of three ways
			what, port = "refusing", closed
			switch j % 3 {
			case 1:
				what, port = "silent", silent
			case 2:
				what, port = "full", full
			}
		case i%99 == 0:
			what, port = "changing", changes
		}
		fmt.Fprintf(&b, "      - {name: %s-%d, kind: instance, address: \"%s:%s\"}\n", what, i, address, port)
	}
	e.changing = strings.Count(b.String(), "{name: changing-")
	if err := os.WriteFile(e.inventory, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return e
}

// everywhere starts an nginx on every address of this host, at the port that it
// returns.
func (e *estate) everywhere(t *testing.T, name string, leaf lab.Certificate) (*lab.Server, string) {
	t.Helper()
	port := closedPort(t)
	s, err := lab.StartNginx(t.Context(), lab.Nginx{
		Place: lab.Place{Dir: filepath.Join(e.dir, name)}, TLS: lab.TLS{Certificates: []lab.Certificate{leaf}},
		Extra: fmt.Sprintf("    listen 0.0.0.0:%s ssl backlog=4096;\n", port),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s, port
}

// change takes TLS 1.3 from the servers that are to change.
func (e *estate) change(t *testing.T) {
	t.Helper()
	file := filepath.Join(e.changer.Dir, "nginx.conf")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	old := bytes.Replace(text, []byte("TLSv1.2 TLSv1.3"), []byte("TLSv1.2"), 1)
	if bytes.Equal(text, old) {
		t.Fatalf("nothing to change in\n%s", text)
	}
	if err := os.WriteFile(file, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(e.changer.PID(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		out, _ := exec.CommandContext(t.Context(), "openssl", "s_client", "-tls1_3", "-connect", e.changer.Address).CombinedOutput()
		if !bytes.Contains(out, []byte("TLSv1.3, Cipher is TLS")) && bytes.Contains(out, []byte("CONNECTED")) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not change:\n%s", out)
		}
	}
}

// closedPort is a port that nobody listens at.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// listenSilently takes connections and never says a word.
func listenSilently(t *testing.T) (port string) {
	t.Helper()
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go acceptAll(l, func(c net.Conn) {
		b := make([]byte, 512) // of io.Copy's 32 kB there would be many
		for _, err := c.Read(b); err == nil; {
			_, err = c.Read(b)
		}
	})
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// listenFull listens with a queue that is full: what else comes is dropped, as by
// a firewall.
func listenFull(t *testing.T) (port string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = errors.Join(unix.Bind(fd, &unix.SockaddrInet4{}), unix.Listen(fd, 0))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port = strconv.Itoa(name.(*unix.SockaddrInet4).Port)
	for {
		c, err := net.DialTimeout("tcp4", "127.0.0.1:"+port, 300*time.Millisecond)
		if err != nil {
			return port
		}
		t.Cleanup(func() { c.Close() })
	}
}

// meter is what a run of the program took and said.
type meter struct {
	wall, user, system time.Duration
	peak               int // kB
	code               int
	log                string
}

func (m meter) String() string {
	return fmt.Sprintf("%7.1f s, CPU %.1f + %.1f s, peak %.0f MB, exit %d", m.wall.Seconds(), m.user.Seconds(), m.system.Seconds(), float64(m.peak)/1e3, m.code)
}

func (e *estate) run(t *testing.T, args ...string) meter {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	if cmd.Args[0] = "shakedown"; *scaleBinary != "" {
		cmd.Path = *scaleBinary
	}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// What the kernel tells after the end counts this process, too, as it was
	// when it forked.
	ended, watched := make(chan struct{}), new(sync.WaitGroup)
	m := meter{}
	watched.Go(func() { m.peak = watchPeak(cmd.Process.Pid, ended) })
	cmd.Wait()
	close(ended)
	watched.Wait()
	m.wall, m.user, m.system = time.Since(began), cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime()
	m.code, m.log = cmd.ProcessState.ExitCode(), log.String()
	e.runs++
	if err := os.WriteFile(filepath.Join(e.dir, fmt.Sprintf("run-%d.log", e.runs)), log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return m
}

// watchPeak reads the most memory that a process had, until it ends.
func watchPeak(pid int, ended <-chan struct{}) (peak int) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return peak
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				n, _ := strconv.Atoi(strings.Fields(rest)[0])
				peak = max(peak, n)
			}
		}
		select {
		case <-ended:
			return peak
		case <-tick.C:
		}
	}
}

var (
	keptLine = regexp.MustCompile(`^time=(\S+) .*msg="endpoint is kept" path=(\S+) .*status=(\S+)`)
	saidLine = regexp.MustCompile(`^time=(\S+) .*msg="sweep begins"`)
)

// kept gives when each endpoint of a status was on disk.
func (m meter) kept(status string) (at []time.Time) {
	for lines := bufio.NewScanner(strings.NewReader(m.log)); lines.Scan(); {
		if k := keptLine.FindStringSubmatch(lines.Text()); k != nil && k[3] == status {
			moment, _ := time.Parse(time.RFC3339Nano, k[1])
			at = append(at, moment)
		}
	}
	return at
}

// lastLiving is how long after the sweep's beginning the last endpoint that
// answers was done.
func (m meter) lastLiving() float64 {
	var began, last time.Time
	for lines := bufio.NewScanner(strings.NewReader(m.log)); lines.Scan(); {
		if k := saidLine.FindStringSubmatch(lines.Text()); k != nil {
			began, _ = time.Parse(time.RFC3339Nano, k[1])
		}
	}
	for _, at := range m.kept("complete") {
		if at.After(last) {
			last = at
		}
	}
	return last.Sub(began).Seconds()
}

// count reads a number of the summary.
func (m meter) count(what string) int {
	k := regexp.MustCompile(` ` + what + `=(\d+)`).FindStringSubmatch(m.log[max(0, strings.LastIndex(m.log, "sweep ended")):])
	if k == nil {
		return -1
	}
	n, _ := strconv.Atoi(k[1])
	return n
}

func (m meter) tail() string { return m.log[max(0, len(m.log)-2000):] }
