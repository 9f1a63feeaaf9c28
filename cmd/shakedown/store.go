// The verb store: the runs that are kept, and what goes in and out.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"shakedown/results"
	"shakedown/results/report"
	"shakedown/results/store"
)

func storeCommand(a *app) *cobra.Command {
	var dsn string
	cmd := &cobra.Command{
		Use:   "store",
		Short: "List, prune, export and import the runs of the store",
		Long: `The store keeps runs whole: what sweep writes, and what is imported. It is an
SQLite file, or a PostgreSQL database for several hosts. The verbs report and
diff take the ids of its runs, beginnings of ids, latest, latest~1 and so on.`,
		Example: `  shakedown store list
  shakedown store export latest --output run.jsonl
  shakedown store import run.jsonl --store postgres://shakedown@db.example/tls
  shakedown store prune --keep 90d`,
		Args: unknownVerb,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	registerStore(cmd.PersistentFlags(), &dsn)
	cmd.AddCommand(storeList(a, &dsn), storeExport(a, &dsn), storeImport(a, &dsn), storePrune(a, &dsn))
	return cmd
}

func storeList(a *app, dsn *string) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "list", Short: "List the runs, newest first", Example: "  shakedown store list", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usagef("--format %q: write text or json", format)
			}
			return a.withStore(cmd.Context(), *dsn, true, func(s *store.Store) error {
				runs, err := s.Runs(cmd.Context())
				if err != nil {
					return err
				}
				if format == "json" {
					return a.listJSON(runs)
				}
				return a.listText(runs)
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "what to print: text or json")
	return cmd
}

func (a *app) listText(runs []store.Info) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tVERB\tBEGAN\tTOOK\tRECORDS\tEXIT\tINVENTORY")
	for _, r := range runs {
		took, exit := "?", "cut off"
		if t := r.Trailer; t != nil {
			took, exit = t.EndedAt.Sub(r.Header.StartedAt).Round(100*time.Millisecond).String(), strconv.Itoa(t.ExitCode)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", r.ID, report.Clean(r.Header.Command), r.Header.StartedAt.Format("2006-01-02 15:04:05Z07:00"),
			took, r.Records, exit, report.Clean(r.Header.Inventory))
	}
	return w.Flush()
}

func (a *app) listJSON(runs []store.Info) error {
	stream := results.NewStream(results.Header{ToolVersion: version, StartedAt: a.now().UTC(), Command: "store list"}, results.NewEncoder(a.stdout))
	for _, r := range runs {
		run := &results.StoredRun{ID: r.ID, Command: r.Header.Command, Inventory: r.Header.Inventory, StartedAt: r.Header.StartedAt, Records: r.Records}
		if t := r.Trailer; t != nil {
			run.EndedAt, run.Complete, run.ExitCode = t.EndedAt, t.Complete, &t.ExitCode
		}
		stream.Put(run)
	}
	return stream.Finish(exitGood, true, a.now().UTC())
}

func storeExport(a *app, dsn *string) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "export RUN…", Short: "Write runs as JSON Lines, the lines that they were recorded as",
		Example: "  shakedown store export latest --output run.jsonl",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("store export needs the id of a run, or latest: shakedown store list shows them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), *dsn, true, func(s *store.Store) error { return a.export(cmd.Context(), s, args, output) })
		},
	}
	cmd.Flags().StringVar(&output, "output", "", "write to `FILE`; standard output stays empty")
	return cmd
}

// export finds all runs before it writes one.
func (a *app) export(ctx context.Context, s *store.Store, refs []string, output string) error {
	var runs []store.Info
	for _, ref := range refs {
		run, err := s.Find(ctx, ref)
		if err != nil {
			return usagef("%w", err)
		}
		runs = append(runs, run)
	}
	if len(runs) > 1 && output != "" {
		return usagef("a file holds one run: export them one by one, or without --output to a program that takes several")
	}
	if output == "" {
		return exportTo(ctx, s, runs, a.stdout)
	}
	file, err := os.OpenFile(output, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return usagef("--output: %w", err)
	}
	return errors.Join(exportTo(ctx, s, runs, file), file.Close())
}

func exportTo(ctx context.Context, s *store.Store, runs []store.Info, w io.Writer) error {
	for _, run := range runs {
		if err := s.Export(ctx, run, w); err != nil {
			return err
		}
	}
	return nil
}

func storeImport(a *app, dsn *string) *cobra.Command {
	return &cobra.Command{
		Use: "import FILE…", Short: "Add recorded runs, files of JSON Lines or - for standard input",
		Example: "  shakedown store import scan.jsonl bench.jsonl",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("store import needs a recorded run: a file that --format json wrote, or -")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), *dsn, false, func(s *store.Store) error {
				for _, name := range args {
					if err := a.importRun(cmd.Context(), s, name); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func (a *app) importRun(ctx context.Context, s *store.Store, name string) error {
	from := a.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return usagef("reading a run: %w", err)
		}
		defer file.Close()
		from = file
	}
	d, err := results.NewDecoder(from)
	if err != nil {
		return usagef("reading %s: %w", name, err)
	}
	info, err := s.Import(ctx, d)
	if err != nil {
		return fmt.Errorf("importing %s: %w", name, err)
	}
	fmt.Fprintf(a.stdout, "%s is run %s, %d records\n", name, info.ID, info.Records)
	return nil
}

func storePrune(a *app, dsn *string) *cobra.Command {
	var keep string
	cmd := &cobra.Command{
		Use: "prune --keep AGE|N", Short: "Remove old runs; what was last known of each endpoint stays",
		Example: "  shakedown store prune --keep 90d\n  shakedown store prune --keep 200", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			before, newest, err := parseKeep(keep, a.now())
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), *dsn, false, func(s *store.Store) error {
				n, err := s.Prune(cmd.Context(), before, newest)
				if err == nil {
					fmt.Fprintf(a.stdout, "%d runs removed\n", n)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&keep, "keep", "", "keep what is younger than an age such as 90d or 12h, or the newest `N` runs")
	return cmd
}

// parseKeep reads an age or a number of runs.
func parseKeep(keep string, now time.Time) (before time.Time, newest int, err error) {
	if n, err := strconv.Atoi(keep); err == nil && n > 0 {
		// Clocks differ: a run may be from a time that has not come here.
		return now.AddDate(100, 0, 0), n, nil
	}
	age, err := parseAge(keep)
	if err != nil {
		return time.Time{}, 0, usagef("--keep %q: write an age such as 90d or 12h, or a number of runs", keep)
	}
	return now.Add(-age), 0, nil
}

// parseAge reads a duration that may be in days.
func parseAge(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > 36_500 {
			return 0, errors.New("not a number of days")
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err == nil && d <= 0 {
		err = errors.New("not more than nothing")
	}
	return d, err
}

// withStore opens the store for one command.
func (a *app) withStore(ctx context.Context, dsn string, readOnly bool, do func(*store.Store) error) error {
	s, err := a.openStore(ctx, dsn, readOnly)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}
