// Package report renders recorded runs for people: on a terminal and as one
// self-contained HTML page. It measures nothing and judges by no policy: it
// orders and words what the records say, and every number can be traced to the
// record that it comes from. It reads no clock: a certificate's days left count
// from the moment of the observation.
//
// Each format is a results.Sink in a file of its own (text.go, html.go); what
// they share is the digest of a run (digest.go) and what it says in words.
package report

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"shakedown/results"
)

// Options are how a report is rendered. The zero value is plain text for a
// terminal of 100 columns.
type Options struct {
	Color   bool // text: mark good and bad with colours too
	Width   int  // text: columns; 0 means 100, less than 40 means 40
	Verbose bool // text: why each fact is unknown, and lists in full

	// FailOn is the least severity that verdicts (JUnit, SARIF, Markdown) count as
	// failed; "" is what a gate's own verdict was made with, else medium.
	FailOn results.Severity

	// PlannedRate is the load, in handshakes a second, that each choice of where TLS
	// ends is asked to carry; 0: none is planned.
	PlannedRate float64

	// Runs say where the records come from, if they were read from recorded
	// runs: what they count must be what the sink is given, in that order. Left
	// nil, the stream is one run and its header says all.
	Runs []Run
}

// New returns a sink that renders what it is given to w in a format of
// Formats. Those that render as a whole do so at the trailer.
func New(format string, w io.Writer, o Options) (results.Sink, error) {
	switch format {
	case "text":
		return o.whole(func(runs []Run) error { return writeText(w, newDigest(runs), o) }), nil
	case "html":
		return o.whole(func(runs []Run) error { return writeHTML(w, newDigest(runs), o) }), nil
	case "none": // for verbs that say themselves what there is to say
		return discard{}, nil
	case "json":
		return results.NewEncoder(w), nil
	case "junit":
		return o.whole(func(runs []Run) error { return writeJUnit(w, runs, o.FailOn) }), nil
	case "sarif":
		return o.whole(func(runs []Run) error { return writeSARIF(w, runs, o.FailOn) }), nil
	case "markdown":
		return o.whole(func(runs []Run) error { return writeMarkdown(w, runs, o.FailOn) }), nil
	case "github":
		return o.whole(func(runs []Run) error { return writeAnnotations(w, runs, o.FailOn) }), nil
	case "csv":
		return o.whole(func(runs []Run) error { return writeCSV(w, runs) }), nil
	case "prometheus":
		return o.whole(func(runs []Run) error { return writePrometheus(w, runs) }), nil
	}
	return nil, fmt.Errorf("unknown format %q: use one of %s", format, strings.Join(Formats(), ", "))
}

// Formats lists what New can render.
func Formats() []string {
	return []string{"text", "json", "html", "junit", "sarif", "markdown", "github", "csv", "prometheus"}
}

type discard struct{}

func (discard) Put(results.Record) error { return nil }

// whole renders runs when all of them has been put.
func (o Options) whole(render func([]Run) error) results.Sink {
	return &collector{runs: o.Runs, render: render}
}

// collector keeps a run's records until its trailer, then renders them.
type collector struct {
	runs   []Run
	one    Run // the stream itself, for when runs is nil
	render func([]Run) error
}

var _ results.Sink = (*collector)(nil)

func (c *collector) Put(r results.Record) error {
	switch r := r.(type) {
	case *results.Header:
		c.one = Run{Header: *r}
	case *results.Trailer:
		c.one.Trailer = r
		runs, err := c.allotted()
		if err != nil {
			return err
		}
		return c.render(runs)
	default:
		c.one.Records = append(c.one.Records, r)
	}
	return nil
}

// allotted gives each run its part of the records that were put.
func (c *collector) allotted() ([]Run, error) {
	if c.runs == nil {
		return []Run{c.one}, nil
	}
	runs, rest := slices.Clone(c.runs), c.one.Records
	for i := range runs {
		n := len(runs[i].Records)
		if n > len(rest) {
			return nil, errors.New("rendering merged runs: fewer records came than the runs hold")
		}
		runs[i].Records, rest = rest[:n], rest[n:]
	}
	if len(rest) > 0 {
		return nil, errors.New("rendering merged runs: more records came than the runs hold")
	}
	return runs, nil
}
