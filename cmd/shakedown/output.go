// Output: where a run's records go, and what the run says of itself in the
// end.

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"shakedown/results"
	"shakedown/results/report"
)

// output is where the records of one run go.
type output struct {
	a      *app
	stream *results.Stream
	file   *os.File // nil if the records go to standard output
	unseen bool     // nobody reads the report as it is written
	first  []string // the first troubles
	more   int      // troubles beyond
}

// mostTroubles is how many paths are named on standard error.
const mostTroubles = 10

// put writes a record, and remembers what went wrong with its path.
func (o *output) put(r results.Record) error {
	switch trouble := report.Trouble(r); {
	case trouble == "":
	case len(o.first) < mostTroubles:
		o.first = append(o.first, trouble)
	default:
		o.more++
	}
	return o.stream.Put(r)
}

// told is what the run says on standard error in the end, so that cron mails it:
// nothing where all is well, or where the report itself is on the screen.
func (o *output) told(code int) error {
	var lines []string
	if code == exitInterrupted {
		lines = append(lines, "interrupted; what was finished is kept")
	}
	if code == exitUndetermined || code == exitBad {
		lines = append(lines, o.first...)
		if o.more > 0 {
			lines = append(lines, fmt.Sprintf("and %d more", o.more))
		}
	}
	if !o.unseen || lines == nil {
		return nil
	}
	if o.file != nil {
		lines[len(lines)-1] += "; see " + o.file.Name()
	}
	return errors.New(strings.Join(lines, "\n"))
}

// openOutput opens --output, chooses the sink of --format and begins the
// stream. It fails before anything was sent.
func (a *app) openOutput(f *netFlags, h results.Header) (*output, error) {
	o := &output{a: a, unseen: f.output != "" || f.format != "text"}
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
	if code == exitGood {
		return nil
	}
	return &exitError{code, o.told(code)}
}
