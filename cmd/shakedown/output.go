// Output: where a run's records go, and what the run says of itself in the
// end.

package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/term"

	"shakedown/results"
	"shakedown/results/report"
)

// output is where the records of one run go.
type output struct {
	a      *app
	stream *results.Stream
	file   *os.File // nil if the records go to standard output
}

// openOutput opens --output, chooses the sink of --format and begins the
// stream. It fails before anything was sent.
func (a *app) openOutput(f *netFlags, h results.Header) (*output, error) {
	o := &output{a: a}
	var w io.Writer = a.stdout
	if f.output != "" {
		file, err := os.Create(f.output)
		if err != nil {
			return nil, usagef("--output: %w", err)
		}
		o.file, w = file, file
	}
	sink, err := report.New(f.format, w, a.reportOptions(f.noColor || f.output != "", f.verbose))
	if err != nil {
		if o.file != nil {
			o.file.Close()
			os.Remove(f.output)
		}
		return nil, usagef("--format: %w", err)
	}
	h.ToolVersion, h.StartedAt, h.Inventory = version, a.now().UTC(), f.inventory
	o.stream = results.NewStream(h, sink)
	return o, nil
}

// reportOptions says how to render for where standard output goes.
func (a *app) reportOptions(plain, verbose bool) report.Options {
	opt := report.Options{Verbose: verbose, Width: a.width()}
	opt.Color = !plain && isTerminal(a.stdout) && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
	return opt
}

// width is how many columns standard output has: the terminal's, else what
// COLUMNS says, else 100.
func (a *app) width() int {
	if file, ok := a.stdout.(*os.File); ok {
		if w, _, err := term.GetSize(int(file.Fd())); err == nil && w > 0 {
			return w
		}
	}
	if w, err := strconv.Atoi(a.getenv("COLUMNS")); err == nil && w > 0 {
		return w
	}
	return 100
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// finish ends the stream with the run's exit code and returns the error that
// carries it. Records that could not be written make good runs undetermined.
func (o *output) finish(code int, complete bool) error {
	writeErr := o.stream.Err()
	if writeErr != nil && code == exitGood {
		code = exitUndetermined
	}
	if err := o.stream.Finish(code, complete, o.a.now().UTC()); err != nil {
		writeErr = err
	}
	if o.file != nil {
		if err := o.file.Close(); err != nil && writeErr == nil {
			writeErr = err
		}
	}
	if writeErr != nil {
		if code == exitGood {
			code = exitUndetermined
		}
		return &exitError{code, fmt.Errorf("the output is not whole: %w", writeErr)}
	}
	return exit(code)
}
