package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"shakedown/results"
	"shakedown/results/contrast"
	"shakedown/results/store"
	"shakedown/scanner/inventory"
)

// writeInventory writes an inventory of one service: inventory FILE ROOTS
// PATH=ADDRESS...
func writeInventory(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: inventory FILE ROOTS PATH=ADDRESS...")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nservices:\n  - name: portal\n    server_name: portal.example\n    roots: [%s]\n    paths:\n", args[1])
	for _, path := range args[2:] {
		name, address, _ := strings.Cut(path, "=")
		fmt.Fprintf(&b, "      - {name: %s, kind: instance, address: %q}\n", name, address)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}

// lockStore takes the lock of an inventory's sweeps until the story ends: lock
// STORE INVENTORY.
func lockStore(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lock STORE INVENTORY")
	}
	ctx := context.Background()
	s, err := store.Open(ctx, ts.MkAbs(args[0]), store.Options{})
	ts.Check(err)
	release, err := s.Lock(ctx, ts.MkAbs(args[1]), false)
	ts.Check(err)
	ts.Defer(func() { release(); s.Close() })
}

// runUnits has systemd verify the units that were printed, and runs what they
// and cron would run, with an empty environment: units FILE.
func runUnits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: units FILE")
	}
	text := ts.ReadFile(args[0])
	var files []string
	for _, part := range regexp.MustCompile(`(?ms)^# /etc/systemd/system/(\S+)\n(.*?)\n(?:\n# )`).FindAllStringSubmatch(strings.ReplaceAll(text, "\n# ", "\n\n# \n# "), -1) {
		file := ts.MkAbs(part[1])
		ts.Check(os.WriteFile(file, []byte(part[2]+"\n"), 0o644))
		files = append(files, file)
	}
	if len(files) != 2 {
		ts.Fatalf("%d units in\n%s", len(files), text)
	}
	if out, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no"}, files...)...).CombinedOutput(); err != nil || len(out) > 0 {
		ts.Fatalf("systemd-analyze: %v\n%s", err, out)
	}
	start := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(text)
	cron := regexp.MustCompile(`(?m)^17 4 \* \* \* (.*)$`).FindStringSubmatch(text)
	if start == nil || cron == nil {
		ts.Fatalf("no command in\n%s", text)
	}
	for _, command := range []string{start[1], cron[1]} {
		if out, err := exec.Command("env", "-i", "sh", "-c", command).CombinedOutput(); err != nil {
			ts.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
}

var kills = flag.Int("kills", 20, "how many sweeps TestSweepSurvivesKills kills")

// TestSweepSurvivesKills kills sweeps at random moments and goes on with them:
// the store stays whole, what was told to be kept is there, and every sweep is
// finished in the end. -kills 1000 takes some minutes.
func TestSweepSurvivesKills(t *testing.T) {
	dir := t.TempDir()
	inventory, dsn := filepath.Join(dir, "i.yaml"), filepath.Join(dir, "store.db")
	const paths = 12
	writeFleet(t, inventory, paths)
	random := rand.New(rand.NewPCG(7, 11))
	killed, finished := 0, 0
	for killed < *kills {
		cmd := exec.Command(os.Args[0], "sweep", "--verbose", "--resume", "--inventory", inventory, "--store", dsn, "--log-format", "text")
		cmd.Args[0] = "shakedown"
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(random.IntN(400))*time.Millisecond, func() { cmd.Process.Kill() })
		run, kept := "", []string{}
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			if m := regexp.MustCompile(`msg="sweep begins" run=(\S+)`).FindStringSubmatch(lines.Text()); m != nil {
				run = m[1]
			}
			if m := regexp.MustCompile(`msg="endpoint is kept" path=(\S+)`).FindStringSubmatch(lines.Text()); m != nil {
				kept = append(kept, m[1])
			}
		}
		err = cmd.Wait()
		timer.Stop()
		if cmd.ProcessState.ExitCode() == 0 {
			finished++
		} else if !cmd.ProcessState.Exited() {
			killed++
		} else {
			t.Fatalf("a sweep ended by itself: %v", err)
		}
		checkKept(t, dsn, run, kept, cmd.ProcessState.ExitCode() == 0, paths)
	}
	t.Logf("%d sweeps killed, %d finished", killed, finished)
	cmd := exec.Command(os.Args[0], "sweep", "--quiet", "--resume", "--inventory", inventory, "--store", dsn)
	cmd.Args[0] = "shakedown"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the last sweep: %v\n%s", err, out)
	}
	checkKept(t, dsn, "latest", nil, true, paths)
}

// writeFleet writes an inventory of paths to one server.
func writeFleet(t *testing.T, file string, paths int) {
	t.Helper()
	cert, root := serverCertificate(func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	})
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go acceptAll(l, func(c net.Conn) { c.(*tls.Conn).Handshake(); c.Read(make([]byte, 1)) })
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "ca.pem"), root, 0o600); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("version: 1\nservices:\n  - name: portal\n    server_name: portal.example\n    roots: [ca.pem]\n    paths:\n")
	for i := range paths {
		fmt.Fprintf(&b, "      - {name: i-%d, kind: instance, address: %q}\n", i, l.Addr())
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// checkKept holds the store to what a sweep said before it ended.
func checkKept(t *testing.T, dsn, run string, kept []string, whole bool, paths int) {
	t.Helper()
	if run == "" {
		return // killed before it began
	}
	s, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatalf("the store is not whole: %v", err)
	}
	defer s.Close()
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := s.Find(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]int{}
	for r, err := range s.Records(t.Context(), info) {
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := r.(*results.Endpoint); ok {
			have[e.Service+"/"+e.Path]++
		}
	}
	for _, path := range kept {
		if have[path] != 1 {
			t.Errorf("run %s has %s %d times, though it was kept", run, path, have[path])
		}
	}
	if whole && (len(have) != paths || info.Trailer == nil || info.Trailer.Records != info.Records) {
		t.Errorf("run %s is finished with %d of %d paths, %d records, trailer %+v", run, len(have), paths, info.Records, info.Trailer)
	}
}

// What did not change is held beside what did: a target that drifts is told,
// though its siblings are as they were; a certificate that came under a threshold,
// though nothing else happened; and a finding whose rule is gone is closed.
func TestSweepComparesWithWhatDidNotChange(t *testing.T) {
	now := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	before := now.AddDate(0, 0, -1)
	at := func(path string, answer results.Answer, targets ...string) *results.Endpoint {
		return &results.Endpoint{Service: "portal", Path: path, Address: path + ":443", Status: results.Complete, Targets: targets,
			Versions: map[results.Version]results.Answer{results.TLSv10: answer, results.TLSv12: results.Yes}}
	}
	paths := []inventory.Path{{Service: "portal", Name: "alb", Targets: []string{"i-1", "i-2", "i-3"}}, {Service: "portal", Name: "i-1"}, {Service: "portal", Name: "i-2"}, {Service: "portal", Name: "i-3"}}
	s := &sweepRun{bound: newBound(paths)}
	for _, e := range []*results.Endpoint{at("alb", results.No, paths[0].Targets...), at("i-1", results.No), at("i-2", results.No), at("i-3", results.Yes)} {
		s.bound.add(e)
	}
	expiring := at("far", results.No)
	expiring.Service, expiring.Chains = "other", []results.Chain{{Certificates: []results.Cert{{SHA256: "aa", NotAfter: now.AddDate(0, 0, 14).Add(-time.Hour)}}}}
	crossing := crossed(expiring, before, now, usualThresholds())
	if crossing == nil || crossed(expiring, before.AddDate(0, 0, -5), now.AddDate(0, 0, -5), usualThresholds()) != nil {
		t.Fatalf("%+v came under a threshold, and five days before it did not", crossing)
	}
	old, is := &contrast.Snapshot{Whole: true}, &contrast.Snapshot{Whole: true}
	old.Put(&results.Header{StartedAt: before})
	is.Put(&results.Header{StartedAt: now})
	old.Put(at("i-3", results.No))
	is.Put(at("i-3", results.Yes))
	old.Put(&results.Finding{Service: "third", Path: "web", Profile: "own", Rule: "dropped", Status: results.FindingFail})
	addUnchanged(old, is, append(s.beside(old, is), crossing))
	var got []string
	for _, c := range contrast.Changes(old, is, usualThresholds()) {
		got = append(got, fmt.Sprintf("%s %s/%s %s", c.Kind, c.Service, c.Path, c.Fact))
	}
	want := []string{"crossed other/far certificate.not_after", "changed portal/i-3 versions.TLSv1.0", "drifted portal/i-3 ", "closed third/web own/dropped"}
	if !slices.Equal(got, want) {
		t.Errorf("told:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSweepOnFullDisk sweeps into a file system of 200 kB: the error says so,
// the exit code is 3, and what was finished can be read afterwards.
func TestSweepOnFullDisk(t *testing.T) {
	dir := t.TempDir()
	writeFleet(t, filepath.Join(dir, "i.yaml"), 40)
	small := filepath.Join(dir, "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "shakedown")
	if err := os.Symlink(os.Args[0], bin); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf(`mount -t tmpfs -o size=200k tmpfs %[1]s
		%[2]s sweep --quiet --inventory %[3]s --store %[1]s/s.db; echo "swept $?"
		%[2]s store list --store %[1]s/s.db; echo "listed $?"`, small, bin, filepath.Join(dir, "i.yaml"))
	out, err := exec.CommandContext(t.Context(), "unshare", "-rm", "sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("this test mounts a small file system in a namespace of its own: %v\n%s", err, out)
	}
	for _, want := range []string{"the disk is full; what was finished before is kept", "swept 3\n", "listed 0\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if m := regexp.MustCompile(`(?m)^20\S+ +sweep .* (\d+) +\S+ +\S+/i.yaml$`).FindStringSubmatch(string(out)); m == nil || m[1] == "0" {
		t.Errorf("nothing was kept:\n%s", out)
	}
}

// TestSweepSyncsBeforeItTells reads a trace of the system calls: before a sweep
// says of an endpoint that it is kept, the kernel has put it on the disk.
func TestSweepSyncsBeforeItTells(t *testing.T) {
	dir := t.TempDir()
	const paths = 5
	writeFleet(t, filepath.Join(dir, "i.yaml"), paths)
	bin, trace := filepath.Join(dir, "shakedown"), filepath.Join(dir, "trace")
	if err := os.Symlink(os.Args[0], bin); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "strace", "-f", "-qq", "-e", "trace=fsync,fdatasync,write", "-s", "100", "-o", trace,
		bin, "sweep", "--verbose", "--inventory", filepath.Join(dir, "i.yaml"), "--store", filepath.Join(dir, "s.db"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	synced, told := false, 0
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.Contains(line, "sync") && strings.Contains(line, "= 0"):
			synced = true
		case strings.Contains(line, "write(2, ") && strings.Contains(line, "endpoint is kept"):
			if told++; !synced {
				t.Errorf("told before it was on disk: %s", line)
			}
			synced = false
		}
	}
	if told != paths {
		t.Errorf("%d endpoints were told to be kept, want %d\n%s", told, paths, text)
	}
}
