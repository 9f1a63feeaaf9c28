// Measure: one run of one tool, and what it took of both sides.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"shakedown/bench/lab"
)

// longest is how long a run over so many endpoints may take, on a machine that
// is not ours alone.
func longest(endpoints int) time.Duration {
	return 10*time.Minute + time.Duration(endpoints)*200*time.Millisecond
}

// where runs a function where its connections take the way that is measured.
type where func(func() error) error

func here(f func() error) error { return f() }

// measure runs the tool once. An error is ours; what the tool did wrong is in
// the run.
func measure(ctx context.Context, t tool, e endpoints, dir string, at where) (r run, err error) {
	limited, cancel := context.WithTimeout(ctx, longest(len(e.hosts)))
	defer cancel()
	j := job{dir: dir, hosts: e.hosts, port: e.port}
	cmd, err := t.command(limited, j)
	if err != nil {
		return r, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return r, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	// Of its own group, so that what it started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second

	before, err := counters(e.server)
	if err != nil {
		return r, err
	}
	var begun time.Time
	ended := at(func() error { begun = time.Now(); return cmd.Run() })
	r.wall = time.Since(begun)
	if cmd.ProcessState == nil {
		return r, fmt.Errorf("running %s: %w", t.name, ended)
	}
	after, err := settled(ctx, e.server)
	if err != nil {
		return r, err
	}
	r.hosts = len(j.hosts)
	r.serverCPU, r.connections = after.cpu-before.cpu, after.connections-before.connections
	r.clientCPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.peak = usage.Maxrss << 10
	}
	r.others = max(0, after.machine-before.machine-(after.own-before.own)-r.clientCPU-r.serverCPU)
	found, parseErr := t.parse(j.output())
	r.found = found
	r.trouble = trouble(limited.Err(), parseErr, len(found), len(j.hosts))
	return r, ctx.Err()
}

// trouble puts in words why a run is not to be taken as it stands. Exit codes
// say nothing: each tool has its own.
func trouble(late, parse error, answered, asked int) string {
	switch {
	case late != nil:
		return fmt.Sprintf("stopped after %v", longest(asked))
	case parse != nil:
		return parse.Error()
	case answered < asked:
		return fmt.Sprintf("no answer for %d of %d endpoints", asked-answered, asked)
	}
	return ""
}

// counts are taken before and after.
type counts struct {
	cpu         time.Duration // of the server
	connections int
	machine     time.Duration // of all that the machine does
	own         time.Duration // of this process, with the link
}

func counters(s *lab.Server) (c counts, err error) {
	if c.cpu, err = s.CPU(); err != nil {
		return c, err
	}
	b, err := os.ReadFile("/proc/self/net/snmp")
	if err != nil {
		return c, err
	}
	if c.connections, err = passiveOpens(b); err != nil {
		return c, err
	}
	if b, err = os.ReadFile("/proc/stat"); err != nil {
		return c, err
	}
	c.machine = busyTime(b)
	var own syscall.Rusage
	err = syscall.Getrusage(syscall.RUSAGE_SELF, &own)
	c.own = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	return c, err
}

// busyTime adds up what all CPUs did, in ticks of 10 ms: all of proc(5) stat's
// first line but what was idle (the fourth and fifth), and guests, who are
// counted twice.
func busyTime(stat []byte) (busy time.Duration) {
	line, _, _ := strings.Cut(string(stat), "\n")
	for i, field := range strings.Fields(line) {
		if ticks, err := strconv.ParseInt(field, 10, 64); err == nil && i != 4 && i != 5 && i <= 8 {
			busy += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return busy
}

// passiveOpens reads the kernel's count, for this namespace alone, of the
// connections that were taken: of two lines that begin with Tcp:, the first
// names what the second counts.
func passiveOpens(snmp []byte) (int, error) {
	var names []string
	for line := range bytes.Lines(snmp) {
		fields := strings.Fields(string(line))
		if len(fields) == 0 || fields[0] != "Tcp:" {
			continue
		}
		for i, name := range names {
			if name == "PassiveOpens" && i < len(fields) {
				return strconv.Atoi(fields[i])
			}
		}
		names = fields
	}
	return 0, errors.New("/proc/self/net/snmp has no Tcp: PassiveOpens")
}

// settled waits until the server has done what it was last asked.
func settled(ctx context.Context, s *lab.Server) (counts, error) {
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	last, err := counters(s)
	for range 100 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return last, ctx.Err()
		}
		now, nextErr := counters(s)
		if err = nextErr; err != nil || now.cpu-last.cpu < time.Millisecond {
			return now, err
		}
		last = now
	}
	return last, err
}
