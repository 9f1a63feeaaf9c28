// Output: where a run's records go, and what the run says of itself in the
// end.

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
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
	file   *outFile // nil if the records go to standard output
	sides  []*side
	text   io.Writer // where lines of our own may follow the records: io.Discard unless they are text
	after  []string  // those lines
	unseen bool      // nobody reads the report as it is written
	first  []string  // the first troubles
	more   int       // troubles beyond
}

// mostTroubles is how many paths are named on standard error.
const mostTroubles = 10

// put writes a record, and remembers what went wrong with its path.
func (o *output) put(r results.Record) error {
	switch trouble := report.Trouble(r); {
	case trouble == "" || o.repeats(r):
	case len(o.first) < mostTroubles:
		o.first = append(o.first, trouble)
	default:
		o.more++
	}
	return o.stream.Put(r)
}

// repeats says that a rule could not be judged of a path that is in trouble
// already: the rule adds nothing to it.
func (o *output) repeats(r results.Record) bool {
	f, ok := r.(*results.Finding)
	return ok && f.Status == results.FindingUnknown && slices.ContainsFunc(o.first, func(t string) bool { return strings.HasPrefix(t, report.Where(f.Service, f.Path)+": ") })
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

// side is one more file that a run is rendered to, in a format of its own.
type side struct {
	flag, name, format string
	add                bool // to what the file has already
	file               *outFile
}

// openOutput opens --output, chooses the sink of --format and begins the
// stream; sinks beside it get the same records. It fails before anything was sent.
func (a *app) openOutput(f *netFlags, h results.Header, beside ...results.Sink) (*output, error) {
	return a.openOutputs(f, h, "", nil, beside...)
}

// openOutputs opens the files of sides too; failOn is the least severity that
// they count as failed. A side whose file is standard output has no name.
func (a *app) openOutputs(f *netFlags, h results.Header, failOn results.Severity, sides []side, beside ...results.Sink) (*output, error) {
	o := &output{a: a, unseen: f.output != "" || f.format != "text"}
	var w io.Writer = a.stdout
	var sinks []results.Sink
	sink := func(flag, name, format string, w io.Writer) error {
		options := a.reportOptions(f.noColor || name != "", f.verbose)
		options.FailOn = failOn
		s, err := report.New(format, w, options)
		if err != nil {
			return usagef("%s: %w", flag, err)
		}
		sinks = append(sinks, s)
		return nil
	}
	if f.output != "" {
		file, err := openFile(f.output)
		if err != nil {
			return nil, usagef("--output: %w", err)
		}
		o.file, w = file, file
	}
	err := sink("--format", f.output, f.format, w)
	for i := range sides {
		if err == nil {
			err = o.openSide(&sides[i], sink)
		}
	}
	if err == nil {
		err = o.clear()
	}
	if err != nil {
		o.undo()
		return nil, err
	}
	h.ToolVersion, h.StartedAt, h.Inventory = version, a.now().UTC(), f.inventory
	o.text = io.Discard
	if f.format == "text" {
		o.text = w
	}
	o.stream = results.NewStream(h, append(beside, sinks...)...)
	return o, nil
}

func (o *output) openSide(s *side, sink func(flag, name, format string, w io.Writer) error) error {
	if s.name == "" {
		return sink(s.flag, "", s.format, o.a.stdout)
	}
	file, err := openFile(s.name)
	if err != nil {
		return usagef("%s: %w", s.flag, err)
	}
	s.file = file
	o.sides = append(o.sides, s)
	return sink(s.flag, s.name, s.format, file)
}

// clear empties the files, now that nothing speaks against the run; or goes to
// their ends.
func (o *output) clear() error {
	if o.file != nil {
		if err := o.file.begin(false); err != nil {
			return usagef("--output: %w", err)
		}
	}
	for _, s := range o.sides {
		if err := s.file.begin(s.add); err != nil {
			return usagef("%s: %w", s.flag, err)
		}
	}
	return nil
}

// undo leaves the files of a run that does not begin as they were.
func (o *output) undo() {
	if o.file != nil {
		o.file.undo()
	}
	for _, s := range o.sides {
		s.file.undo()
	}
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
	for _, line := range o.after {
		if _, err := fmt.Fprintln(o.text, line); err != nil && writeErr == nil {
			writeErr = err
		}
	}
	if err := o.close(); err != nil && writeErr == nil {
		writeErr = err
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

// close closes every file, and returns the first error.
func (o *output) close() error {
	var first error
	if o.file != nil {
		first = o.file.Close()
	}
	for _, s := range o.sides {
		if err := s.file.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
