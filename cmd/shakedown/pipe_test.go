package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestReaderThatLeaves: who reads standard output may go. That is output that
// could not be written, exit 3, not a death by signal with a code of its own.
func TestReaderThatLeaves(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	cmd := exec.CommandContext(t.Context(), "shakedown", "scan", "--quiet", "--format", "json", "--resolve", "portal.example:127.0.0.1", "--deadline", "1ns", "portal.example")
	cmd.Stdout = w
	var stderr strings.Builder
	cmd.Stderr = &stderr
	cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != exitUndetermined {
		t.Errorf("exit %d (%v), want %d", code, cmd.ProcessState, exitUndetermined)
	}
	if !strings.Contains(stderr.String(), "the output is not whole") {
		t.Errorf("standard error does not say it: %q", stderr.String())
	}
}
