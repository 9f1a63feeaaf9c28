// After a sweep: metrics for Prometheus, and the command that is told of
// changes.

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"

	"shakedown/results/report"
	"shakedown/results/wholefile"
)

// writeMetrics writes the file whole or not at all: its reader may come at any
// moment.
func (s *sweepRun) writeMetrics() error {
	// The node exporter runs as another user, so all may read.
	err := wholefile.Write(s.f.prometheus, 0o644, func(w io.Writer) error {
		_, err := s.sink.metrics.WriteTo(w)
		return err
	})
	if err != nil {
		return fmt.Errorf("--prometheus: %w", err)
	}
	return nil
}

// tell runs --on-change with the changes on its standard input.
func (s *sweepRun) tell(ctx context.Context) error {
	var changes bytes.Buffer
	if err := report.WriteChanges(&changes, s.said.Changes); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", s.f.onChange)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &changes, s.stderr, s.stderr
	cmd.Env = append(os.Environ(), "SHAKEDOWN_RUN="+s.run.ID, fmt.Sprintf("SHAKEDOWN_CHANGES=%d", len(s.said.Changes)))
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("--on-change: %q: %w", s.f.onChange, err)
	}
	return nil
}
