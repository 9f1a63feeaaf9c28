// Processes of the lab: started so that none runs unrecorded, found again by
// number and start time, ended together with all that they forked.

package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// process names a server's first process for good: numbers are used again, a
// number with its start time and boot is not. It leads a session of its own,
// so that what it forks can be found even after it is dead.
type process struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start_ticks"` // since boot: field 22 of /proc/PID/stat
	Boot  string `json:"boot_id"`
}

// gate holds a program back until its process is on record: a crash of ours
// before that closes the pipe, and the program never runs.
const gate = `umask 077; read -r go <&3 && exec "$@" 3<&-`

// launch starts argv in a session of its own and returns once record has
// written down what it is. exited is closed when it is dead and reaped.
func launch(cmd *exec.Cmd, tied bool, record func(process) error) (p process, exited chan struct{}, err error) {
	held, open, err := os.Pipe()
	if err != nil {
		return p, nil, err
	}
	defer open.Close()
	cmd.Args = append([]string{"/bin/sh", "-c", gate, "sh"}, cmd.Args...)
	cmd.Path = "/bin/sh"
	cmd.ExtraFiles = []*os.File{held}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if tied {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	}
	exited, err = startAndReap(cmd)
	held.Close()
	if err != nil {
		return p, nil, err
	}
	if p, err = identify(cmd.Process.Pid); err == nil {
		err = record(p)
	}
	if err != nil {
		open.Close()
		<-exited
		return p, nil, fmt.Errorf("recording the process of %s: %w", cmd.Args[4], err)
	}
	_, err = open.WriteString("go\n")
	return p, exited, err
}

// startAndReap keeps the thread that forks alive for as long as the child:
// the death signal of prctl(2) follows the thread, not the process.
func startAndReap(cmd *exec.Cmd) (chan struct{}, error) {
	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		cmd.Wait() // how it ended stands in its log
		close(exited)
	}()
	return exited, <-started
}

func identify(pid int) (process, error) {
	boot, err := bootID()
	if err != nil {
		return process{}, err
	}
	st, ok := readStat(pid)
	if !ok {
		return process{}, fmt.Errorf("process %d is not in /proc", pid)
	}
	return process{PID: pid, Start: st.start, Boot: boot}, nil
}

func bootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b)), err
}

// alive says whether this very process still runs. A zombie does not.
func (p process) alive() bool {
	boot, _ := bootID()
	st, ok := readStat(p.PID)
	return ok && p.PID > 0 && boot == p.Boot && st.start == p.Start && st.running()
}

// members lists the process and all that it forked, the leader first. Where the
// leader is dead its number could be a stranger's: then only processes that
// work in the server's folder count.
func (p process) members(dir string) []int {
	if boot, _ := bootID(); p.PID <= 0 || boot != p.Boot {
		return nil
	}
	leader, there := readStat(p.PID)
	if there && leader.start != p.Start {
		return nil // the number was given out again, so the session is empty
	}
	var pids []int
	for _, pid := range sessionPIDs(p.PID) {
		switch {
		case pid == p.PID:
			pids = append([]int{pid}, pids...)
		case there || worksIn(pid, dir):
			pids = append(pids, pid)
		}
	}
	return pids
}

// end stops the process and all that it forked: politely, then not.
func (p process) end(ctx context.Context, dir string) error {
	for _, try := range []struct {
		sig   syscall.Signal
		grace time.Duration
	}{{syscall.SIGTERM, 2 * time.Second}, {syscall.SIGKILL, 5 * time.Second}} {
		p.signal(dir, try.sig)
		p.signal(dir, syscall.SIGCONT) // a stopped process does not hear the first
		if p.gone(ctx, dir, try.grace) {
			return nil
		}
		ctx = context.WithoutCancel(ctx) // whoever hurries still wants nothing left behind
	}
	return fmt.Errorf("processes %v do not end", p.members(dir))
}

// gone waits until no member is left.
func (p process) gone(ctx context.Context, dir string, grace time.Duration) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(grace); time.Now().Before(deadline); {
		if len(p.members(dir)) == 0 {
			return true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return len(p.members(dir)) == 0
		}
	}
	return false
}

// signal sends through handles that were opened before the last look, so that
// a number that changes hands in between hits nobody.
func (p process) signal(dir string, sig syscall.Signal) {
	for _, pid := range p.members(dir) {
		h, err := os.FindProcess(pid)
		if err != nil {
			continue
		}
		if st, ok := readStat(pid); ok && st.session == p.PID {
			h.Signal(sig)
		}
		h.Release()
	}
}

// stat is what /proc/PID/stat says, as far as it is needed.
type stat struct {
	state   byte
	session int
	start   uint64
}

func (s stat) running() bool { return s.state != 'Z' && s.state != 'X' }

func readStat(pid int) (stat, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, false
	}
	return parseStat(b)
}

// parseStat reads proc(5) stat: the name may hold anything, so fields count
// from its last parenthesis, where number 3 follows.
func parseStat(b []byte) (stat, bool) {
	end := bytes.LastIndexByte(b, ')')
	fields := strings.Fields(string(b[end+1:]))
	if end < 0 || len(fields) < 20 {
		return stat{}, false
	}
	if len(fields[0]) != 1 || !unicode.IsLetter(rune(fields[0][0])) {
		return stat{}, false
	}
	session, err1 := strconv.Atoi(fields[6-3])
	start, err2 := strconv.ParseUint(fields[22-3], 10, 64)
	return stat{state: fields[0][0], session: session, start: start}, err1 == nil && err2 == nil
}

func sessionPIDs(session int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if st, ok := readStat(pid); ok && st.session == session && st.running() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// cpu is what the process and all that it forked have used, where they still
// run. The scheduler's count is exact; that of stat is of ticks.
func (p process) cpu(dir string) (used time.Duration, err error) {
	for _, pid := range p.members(dir) {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		if err != nil || len(threads) == 0 {
			return 0, fmt.Errorf("process %d ended, or this kernel does not count its time on the CPU (/proc/%d/task/*/schedstat)", pid, pid)
		}
		for _, thread := range threads {
			b, _ := os.ReadFile(thread) // it may have ended since
			used += parseSchedstat(b)
		}
	}
	return used, nil
}

// parseSchedstat reads the first of three numbers: nanoseconds on a CPU.
func parseSchedstat(b []byte) time.Duration {
	first, _, _ := strings.Cut(string(b), " ")
	ns, _ := strconv.ParseInt(first, 10, 64)
	return time.Duration(max(0, ns))
}

func worksIn(pid int, dir string) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	real, err2 := filepath.EvalSymlinks(dir)
	return err == nil && err2 == nil && cwd == real
}

// lock takes a file for this process until it is closed, by a crash too.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

func (p process) pid() int { return p.PID }
