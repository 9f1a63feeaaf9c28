// Recorded runs as they are named on a command line: files of JSON Lines,
// standard input, and ids of the store.

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"shakedown/results"
	"shakedown/results/report"
	"shakedown/results/store"
)

func registerStore(flags *pflag.FlagSet, dsn *string) {
	flags.StringVar(dsn, "store", "", "the store of runs, a FILE or postgres://… `DSN` (default $SHAKEDOWN_STORE, else shakedown/store.db under $XDG_STATE_HOME)")
}

// storeName is the store that was asked for, or the usual one.
func (a *app) storeName(asked string) (string, error) {
	if asked != "" {
		return asked, nil
	}
	if named := a.getenv("SHAKEDOWN_STORE"); named != "" {
		return named, nil
	}
	folder := a.getenv("XDG_STATE_HOME")
	if home := a.getenv("HOME"); !filepath.IsAbs(folder) && home != "" {
		folder = filepath.Join(home, ".local", "state")
	}
	if !filepath.IsAbs(folder) {
		return "", usagef("no place for the store: give --store FILE, or set HOME")
	}
	return filepath.Join(folder, "shakedown", "store.db"), nil
}

// openStore opens the store that was asked for, or the usual one.
func (a *app) openStore(ctx context.Context, asked string, readOnly bool) (*store.Store, error) {
	name, err := a.storeName(asked)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, name, store.Options{ReadOnly: readOnly})
}

// registerSince registers the flag that takes runs by their age.
func registerSince(flags *pflag.FlagSet, since *string) {
	flags.StringVar(since, "since", "", "take every run of the store that is not older than `AGE`, such as 7d or 12h")
}

// namedRuns reads the runs that are named, or those that are not older than since.
func (a *app) namedRuns(ctx context.Context, names []string, dsn, since string) ([]report.Run, error) {
	switch {
	case since == "" && len(names) == 0:
		return nil, errors.New("a recorded run is needed: a file that --format json wrote, - for standard input, an id of the store, or --since AGE")
	case since == "":
		return a.readRuns(ctx, names, dsn)
	case len(names) > 0:
		return nil, errors.New("--since takes runs from the store: give it, or name runs, not both")
	}
	age, err := parseAge(since)
	if err != nil {
		return nil, fmt.Errorf("--since %s: write an age such as 7d or 12h", since)
	}
	return a.recentRuns(ctx, dsn, a.now().Add(-age))
}

// unread is why runs that somebody named could not be read: a mistake in the names,
// unless the store cannot be read just now.
func unread(err error) error {
	if store.Unavailable(err) || errors.Is(err, context.Canceled) {
		return err
	}
	return usagef("%w", err)
}

// readRuns reads every run before anything is done with one.
func (a *app) readRuns(ctx context.Context, names []string, store string) ([]report.Run, error) {
	var runs []report.Run
	stdin := false
	for _, name := range names {
		if name == "-" && stdin {
			return nil, errors.New("reading standard input: - can be given once")
		}
		stdin = stdin || name == "-"
		run, err := a.readRun(ctx, name, store)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// readRun reads a file, or what the store has under that name.
func (a *app) readRun(ctx context.Context, name, store string) (report.Run, error) {
	if name == "-" {
		return report.Read("standard input", a.stdin)
	}
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return a.storedRun(ctx, name, store)
	}
	if err != nil {
		return report.Run{}, fmt.Errorf("reading a run: %w", err)
	}
	defer file.Close()
	return report.Read(name, file)
}

// recentRuns reads the runs of the store that are not older than at, oldest first.
func (a *app) recentRuns(ctx context.Context, dsn string, at time.Time) ([]report.Run, error) {
	s, err := a.openStore(ctx, dsn, true)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	all, err := s.Runs(ctx)
	if err != nil {
		return nil, err
	}
	var runs []report.Run
	for _, info := range slices.Backward(all) {
		if info.Header.StartedAt.Before(at) {
			continue
		}
		run, err := wholeRun(ctx, s, info)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	if runs == nil {
		return nil, fmt.Errorf("the store has no run that began since %s: shakedown store list", at.UTC().Format(time.RFC3339))
	}
	return runs, nil
}

func (a *app) storedRun(ctx context.Context, name, dsn string) (report.Run, error) {
	s, err := a.openStore(ctx, dsn, true)
	if err != nil {
		return report.Run{}, fmt.Errorf("there is no file %s, and it cannot be the id of a run: %w", name, err)
	}
	defer s.Close()
	info, err := s.Find(ctx, name)
	if err != nil {
		return report.Run{}, fmt.Errorf("there is no file %s: %w", name, err)
	}
	return wholeRun(ctx, s, info)
}

func wholeRun(ctx context.Context, s *store.Store, info store.Info) (report.Run, error) {
	run := report.Run{Name: info.ID, Header: *info.Header, Trailer: info.Trailer}
	var once results.Once
	for r, err := range s.Records(ctx, info) {
		if err != nil {
			return report.Run{}, err
		}
		run.Records = append(run.Records, once.Record(r))
	}
	return run, nil
}
