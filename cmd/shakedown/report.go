// The verb report: renders recorded runs.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"shakedown/results"
	"shakedown/results/report"
)

// reportFlags are what the verb report was asked.
type reportFlags struct {
	files            []reportFile
	format, output   string
	store, since     string
	plannedRate      float64
	noColor, verbose bool
}

// reportFile is a format and the file that is asked for in it, "" for none.
type reportFile struct{ format, name string }

// fileFormats are those with a flag of their own.
func fileFormats() []reportFile {
	return []reportFile{
		{"html", "an HTML page"}, {"junit", "JUnit XML"}, {"sarif", "SARIF"}, {"markdown", "Markdown"}, {"csv", "CSV"},
		{"prometheus", "metrics for Prometheus' textfile collector"},
	}
}

func reportCommand(a *app) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report RUN…",
		Short: "Render recorded runs as text, HTML and other formats",
		Long: `Render recorded runs of scan and bench, several as one report. RUN is a file
of JSON Lines, as --format json writes it, - for standard input, or the id of
a run in the store. A run that was interrupted is rendered as far as it goes,
and the report says so.

Of a service with paths of several kinds the report says where its TLS should
end: what each kind protects, what was seen of it, what it was measured to cost,
and with --planned-rate how many of what was measured would carry that load.
Several runs of the same inventory show what changed from each to the next.`,
		Example: `  shakedown report scan.jsonl
  shakedown report scan.jsonl bench.jsonl --html report.html --planned-rate 2000
  shakedown report latest --junit junit.xml --sarif findings.sarif
  shakedown report latest~2 latest~1 latest --html drift.html
  shakedown report --since 7d --html week.html`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.report(cmd.Context(), args, f) },
	}
	flags := cmd.Flags()
	f.files = make([]reportFile, len(fileFormats()))
	for i, kind := range fileFormats() {
		f.files[i].format = kind.format
		flags.StringVar(&f.files[i].name, kind.format, "", "write "+kind.name+" to `FILE`; standard output stays empty unless --format is given too")
	}
	flags.StringVar(&f.format, "format", "", "render as text, json, html, junit, sarif, markdown, github, csv or prometheus (default text)")
	flags.Float64Var(&f.plannedRate, "planned-rate", 0, "say what it takes to carry `N` handshakes a second")
	flags.StringVar(&f.output, "output", "", "write to `FILE`; standard output stays empty")
	registerStore(flags, &f.store)
	registerSince(flags, &f.since)
	flags.BoolVar(&f.noColor, "no-color", false, "no colour (NO_COLOR does the same)")
	flags.BoolVar(&f.verbose, "verbose", false, "why each fact is unknown, and lists in full")
	return cmd
}

func (a *app) report(ctx context.Context, args []string, f reportFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	runs, err := a.namedRuns(ctx, args, f.store, f.since)
	if err != nil {
		return unread(err)
	}
	wrote := false
	for _, file := range f.files {
		if file.name == "" {
			continue
		}
		if err := a.render(runs, file.format, file.name, f); err != nil {
			return err
		}
		wrote = true
	}
	if wrote && f.format == "" && f.output == "" {
		return nil
	}
	format := f.format
	if format == "" {
		format = "text"
	}
	return a.render(runs, format, f.output, f)
}

func (f reportFlags) check() error {
	if f.format != "" {
		if _, err := report.New(f.format, io.Discard, report.Options{}); err != nil {
			return usagef("--format: %w", err)
		}
	}
	if f.plannedRate < 0 || math.IsNaN(f.plannedRate) || math.IsInf(f.plannedRate, 0) {
		return usagef("--planned-rate %g: give handshakes a second, such as 2000", f.plannedRate)
	}
	if err := f.apart(); err != nil {
		return err
	}
	return f.spareRuns()
}

// spareRuns refuses to write a page over a recorded run: who forgot the FILE of
// --html named one by mistake.
func (f reportFlags) spareRuns() error {
	for _, file := range append(slices.Clone(f.files), reportFile{"output", f.output}) {
		if file.name != "" && (file.format != "output" || f.format != "json") && isRun(file.name) {
			return usagef("--%s %s: that is a recorded run, which would be lost: give --%s a FILE to write to", file.format, file.name, file.format)
		}
	}
	return nil
}

// isRun reports whether a file is there and begins as a recorded run does.
func isRun(name string) bool {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return false // a pipe is not to be read from here
	}
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	_, err = results.NewDecoder(file)
	return err == nil
}

// apart makes sure that no file is written twice.
func (f reportFlags) apart() error {
	flagOf := map[string]string{}
	for _, file := range append(slices.Clone(f.files), reportFile{"output", f.output}) {
		if file.name == "" {
			continue
		}
		if other := flagOf[file.name]; other != "" {
			return usagef("--%s and --%s name the same file %s", other, file.format, file.name)
		}
		flagOf[file.name] = file.format
	}
	return nil
}

// render writes runs to a file, or to standard output if it has no name.
func (a *app) render(runs []report.Run, format, name string, f reportFlags) error {
	options := a.reportOptions(f.noColor || name != "", f.verbose)
	options.Runs, options.PlannedRate = runs, f.plannedRate
	if name == "" {
		return replay(runs, format, a.stdout, options)
	}
	file, err := os.Create(name)
	if err != nil {
		return usagef("writing the report: %w", err)
	}
	if err := errors.Join(replay(runs, format, file, options), file.Close()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

func replay(runs []report.Run, format string, w io.Writer, o report.Options) error {
	sink, err := report.New(format, w, o)
	if err != nil {
		return err
	}
	return report.Replay(runs, sink)
}
