// The verb lab, as a user meets it.

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"shakedown/bench/lab"
)

// labVerb runs one command line and checks its exit code.
func labVerb(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	got := run(context.WithoutCancel(t.Context()), append([]string{"lab"}, args...), strings.NewReader(""), &out, &err)
	if got != code {
		t.Fatalf("lab %q: exit %d, want %d\n%s%s", args, got, code, &out, &err)
	}
	return out.String(), err.String()
}

func wants(t *testing.T, text string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(text) {
			t.Errorf("no %q in:\n%s", p, text)
		}
	}
}

func TestLabStory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "my lab")
	at := []string{"--dir", dir}
	verb := func(code int, name string) string {
		t.Helper()
		out, _ := labVerb(t, code, append([]string{name}, at...)...)
		return out
	}
	wants(t, verb(exitUndetermined, "status"), `no lab in .*; start one with: shakedown lab up --dir '/.*/my lab'`)
	t.Cleanup(func() { labVerb(t, exitGood, append([]string{"down"}, at...)...) })

	wants(t, verb(exitGood, "up"), `lab up in .*my lab, after`, `(?m)^portal +alb +lb-terminated +127\.0\.0\.1:\d+ `,
		`(?m)^portal +enclave +enclave-offloaded +127`, `scan --inventory '/.*/my lab/inventory\.yaml'`, `lab down --dir '/`)
	wants(t, verb(exitGood, "up"), `is up already`, `(?m)^portal +hsm +hsm-offloaded +127`)
	status := verb(exitGood, "status")
	wants(t, status, `(?m)^nlb +passthrough +nginx +\d+ +127\.0\.0\.1:\d+ +up$`, `(?m)^enclave-token +- +p11-kit +\d+ +/.*p11\.sock +up$`)
	if strings.Contains(status, "DOWN") {
		t.Errorf("not all is up:\n%s", status)
	}

	kill(t, pidOf(t, status, "alb"))
	wants(t, verb(exitUndetermined, "status"), `(?m)^alb +lb-terminated +haproxy +\d+ +127.* DOWN$`, `alb: process \d+ has ended`)
	wants(t, verb(exitGood, "up"), `lab up in`)
	wants(t, verb(exitGood, "down"), `lab down; .*my lab is clean`)
	wants(t, verb(exitGood, "down"), `no lab in .*; nothing to end`)
	wants(t, verb(exitUndetermined, "status"), `no lab in`)
}

func pidOf(t *testing.T, status, server string) int {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + server + ` +\S+ +\S+ +(\d+) `).FindStringSubmatch(status)
	if m == nil {
		t.Fatalf("no %s in:\n%s", server, status)
	}
	pid, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// kill returns when the process is dead: a child of ours is reaped by then.
func kill(t *testing.T, pid int) {
	t.Helper()
	h, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Kill(); err != nil {
		t.Fatal(err)
	}
	for h.Signal(syscall.Signal(0)) == nil && t.Context().Err() == nil {
		runtime.Gosched()
	}
}

func TestLabMistakes(t *testing.T) {
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"up", "--dir", foreign}, `holds files that are not a lab's; choose another with --dir`},
		{[]string{"up", "--dir", ""}, `names no folder`},
		{[]string{"down", "--dir", ""}, `names no folder`},
		{[]string{"status", "--dir", ""}, `names no folder`},
		{[]string{"up", "portal"}, `shakedown lab up takes no arguments, got \["portal"\]`},
		{[]string{"upp"}, `unknown verb "upp"; did you mean "up"\?`},
		{[]string{"up", "--die", "x"}, `unknown flag: --die`},
	} {
		out, err := labVerb(t, exitUsage, tc.args...)
		wants(t, err, tc.want)
		if out != "" {
			t.Errorf("%q: standard output %q", tc.args, out)
		}
	}
}

func TestLabStatusSaysWhy(t *testing.T) {
	for _, tc := range []struct {
		report lab.Report
		wants  []string
	}{
		{lab.Report{Dir: "/l", Missing: lab.Missing{{What: "haproxy", Package: "haproxy", Why: "load balancers"}}},
			[]string{`no lab in /l`, `haproxy +package haproxy: load balancers`, `install with: .*apt-get install .*haproxy`}},
		{lab.Report{Dir: "/l", Phase: lab.Failed, Failure: "starting i-1: it ended\nits log"},
			[]string{"the last `lab up` in /l failed:\n  starting i-1: it ended\n  its log"}},
		{lab.Report{Dir: "/l", Phase: lab.Starting, Servers: []lab.ServerStatus{{Name: "i-1", Program: "nginx", Why: "was not started"}}},
			[]string{"is at work, or was killed", `i-1 +- +nginx +- +- +DOWN`, `i-1: was not started`}},
		{lab.Report{Dir: "/l", Phase: lab.Running, Servers: []lab.ServerStatus{{Name: "i-1", PID: 7, Why: "process 7 has ended", Log: "  no memory"}}},
			[]string{`i-1: process 7 has ended\nits log ends:\n  no memory`}},
	} {
		var out bytes.Buffer
		printStatus(&out, tc.report, "")
		wants(t, out.String(), tc.wants...)
	}
}
