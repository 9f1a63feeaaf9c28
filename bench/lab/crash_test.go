// Crashes: whoever starts a lab is killed in the middle, and nothing stays.

package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this program be the one that crashes.
func TestMain(m *testing.M) {
	if dir := os.Getenv("LAB_TEST_CRASH_DIR"); dir != "" {
		crash(dir)
	}
	os.Exit(m.Run())
}

// crash starts a lab and kills itself at a given command, or when it is up.
func crash(dir string) {
	at, _ := strconv.Atoi(os.Getenv("LAB_TEST_CRASH_AT"))
	var commands atomic.Int64
	_, err := Up(context.Background(), Options{
		Dir: dir, Detach: os.Getenv("LAB_TEST_DETACH") != "",
		ran: func(_, _ []string) {
			if commands.Add(1) == int64(at) {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		},
	})
	fmt.Println("up:", err, commands.Load())
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// crashed runs crash and gives the folder of the lab that it left.
func crashed(t *testing.T, detach string, at int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "lab")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "LAB_TEST_CRASH_DIR="+dir, "LAB_TEST_DETACH="+detach, fmt.Sprintf("LAB_TEST_CRASH_AT=%d", at))
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the starter ended with %v, not by the signal: %s", err, out)
	}
	if at > 0 && len(out) > 0 {
		t.Fatalf("it was up before command %d: %s", at, out)
	}
	if at == 0 && !strings.HasPrefix(string(out), "up: <nil>") {
		t.Fatalf("it did not come up: %s", out)
	}
	return dir
}

// A lab has 14 commands that make tokens and 10 servers. The first ones run
// among the starts of servers, the last is a server.
func TestCrashOfUpIsCleared(t *testing.T) {
	for _, at := range []int{1, 9, 17, 24, 0} {
		t.Run(fmt.Sprintf("down after command %d", at), func(t *testing.T) {
			dir := crashed(t, "yes", at)
			if found, err := Down(t.Context(), dir); err != nil || !found {
				t.Fatalf("down: %v, %v", found, err)
			}
			waitFor(t, "nothing runs in the folder", func() bool { return len(inside(dir)) == 0 })
			if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the folder is still there: %v", err)
			}
		})
	}
}

func TestUpAfterCrashOfUp(t *testing.T) {
	dir := crashed(t, "yes", 20)
	if r, err := Status(t.Context(), dir); err != nil || r.Phase != Starting || r.OK() {
		t.Errorf("status says %+v, %v", r, err)
	}
	before := inside(dir)
	l, err := Up(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range before {
		if st, ok := readStat(pid); ok && st.running() && st.session == pid {
			t.Errorf("process %d of the crashed start still runs", pid)
		}
	}
	if err := l.Down(t.Context()); err != nil {
		t.Error(err)
	}
}

// Without Detach the servers end with the process that started them.
func TestCrashEndsTiedLab(t *testing.T) {
	dir := crashed(t, "", 0)
	waitFor(t, "the servers have ended by themselves", func() bool { return len(inside(dir)) == 0 })
	if found, err := Down(t.Context(), dir); err != nil || !found {
		t.Errorf("down: %v, %v", found, err)
	}
}

func TestInterruptedUpLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var commands atomic.Int64
	_, err := Up(ctx, Options{Dir: dir, ran: func(_, _ []string) {
		if commands.Add(1) == 18 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left := inside(dir); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

// A failure takes down what was started, and status keeps the reason.
func TestFailedUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	h := newHost("")
	h.pick = func(ctx context.Context, n int) ([]string, error) {
		if n == 1 { // load balancers; by then instances run
			return nil, errors.New("no ports today")
		}
		return freeAddresses(ctx, n)
	}
	f, err := takeFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.release()
	if _, err := f.up(t.Context(), h, Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "no ports today") {
		t.Errorf("up: %v", err)
	}
	if left := inside(dir); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
	r, err := Status(t.Context(), dir)
	if err != nil || r.Phase != Failed || !strings.Contains(r.Failure, "no ports today") || r.OK() {
		t.Errorf("status says %+v, %v", r, err)
	}
}

// A program that was killed before its process was on record never runs.
func TestGateHoldsUnrecordedProgram(t *testing.T) {
	dir := t.TempDir()
	mark := filepath.Join(dir, "ran")
	cmd := exec.CommandContext(t.Context(), "/bin/touch", mark)
	_, _, err := launch(cmd, true, func(process) error { return errors.New("disk full") })
	if err == nil || !strings.Contains(err.Error(), "recording the process of /bin/touch: disk full") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the program ran without being on record")
	}
}

func TestDownSparesStrangers(t *testing.T) {
	stranger := exec.CommandContext(t.Context(), "/bin/sh", "-c", "echo ready; read line")
	stranger.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	hold, err := stranger.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := stranger.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatal(err)
	}
	real, err := identify(stranger.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	reused, rebooted := real, real
	reused.Start--
	rebooted.Boot = "another boot"
	for name, p := range map[string]process{"reused": reused, "rebooted": rebooted, "empty": {}} {
		if p.alive() || len(p.members("/")) > 0 {
			t.Errorf("%s: takes a stranger for its own", name)
		}
		if err := p.end(t.Context(), "/"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !real.alive() {
		t.Error("the stranger was killed")
	}
	hold.Close()
	if err := stranger.Wait(); err != nil {
		t.Logf("the stranger ended with %v", err) // read fails at the end of input
	}
}

// A server that does not heed the polite signal, or is stopped, ends too.
func TestEndInsists(t *testing.T) {
	dir := t.TempDir()
	script := `trap "" TERM; sleep 300 & echo ready; wait; wait`
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", script)
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, exited, err := launch(cmd, true, func(process) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatal(err)
	}
	syscall.Kill(p.PID, syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := p.end(ctx, dir); err != nil {
		t.Error(err)
	}
	<-exited
	if left := sessionPIDs(p.PID); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
}

// inside lists the processes that work in a folder or below it.
func inside(dir string) []int {
	var pids []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		cwd, err := os.Readlink("/proc/" + e.Name() + "/cwd")
		if st, ok := readStat(pid); err == nil && ok && st.running() && strings.HasPrefix(cwd, dir) {
			pids = append(pids, pid)
		}
	}
	return pids
}
