// The verb report: renders recorded runs.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"shakedown/results/report"
)

// reportFlags are what the verb report was asked.
type reportFlags struct {
	html, format, output string
	store                string
	noColor, verbose     bool
}

func reportCommand(a *app) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report RUN…",
		Short: "Render recorded runs as text or HTML",
		Long: `Render recorded runs of scan and bench, several as one report. RUN is a file
of JSON Lines, as --format json writes it, - for standard input, or the id of
a run in the store. A run that was interrupted is rendered as far as it goes,
and the report says so.`,
		Example: `  shakedown report scan.jsonl
  shakedown report scan.jsonl bench.jsonl --html report.html`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.report(cmd.Context(), args, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.html, "html", "", "write an HTML page to `FILE`; standard output stays empty unless --format is given too")
	flags.StringVar(&f.format, "format", "", "render as text, json or html (default text)")
	flags.StringVar(&f.output, "output", "", "write to `FILE`; standard output stays empty")
	registerStore(flags, &f.store)
	flags.BoolVar(&f.noColor, "no-color", false, "no colour (NO_COLOR does the same)")
	flags.BoolVar(&f.verbose, "verbose", false, "why each fact is unknown, and lists in full")
	return cmd
}

func (a *app) report(ctx context.Context, args []string, f reportFlags) error {
	if err := f.check(args); err != nil {
		return err
	}
	runs, err := a.readRuns(ctx, args, f.store)
	if err != nil {
		return usagef("%w", err)
	}
	if f.html != "" {
		if err := a.render(runs, "html", f.html, f); err != nil {
			return err
		}
	}
	if f.html != "" && f.format == "" && f.output == "" {
		return nil
	}
	format := f.format
	if format == "" {
		format = "text"
	}
	return a.render(runs, format, f.output, f)
}

func (f reportFlags) check(args []string) error {
	if len(args) == 0 {
		return usagef("report needs a recorded run: a file that --format json wrote, or - for standard input\nsee: shakedown report --help")
	}
	if f.format != "" {
		if _, err := report.New(f.format, io.Discard, report.Options{}); err != nil {
			return usagef("--format: %w", err)
		}
	}
	if f.html != "" && f.html == f.output {
		return usagef("--html and --output name the same file %s", f.html)
	}
	return nil
}

// render writes runs to a file, or to standard output if it has no name.
func (a *app) render(runs []report.Run, format, name string, f reportFlags) error {
	options := a.reportOptions(f.noColor || name != "", f.verbose)
	options.Runs = runs
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
