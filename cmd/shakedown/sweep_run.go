// A sweep's run: one lock, the outputs, and the scan; endpoints go into the store as
// they are finished.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"shakedown/results"
	"shakedown/results/report"
	"shakedown/results/store"
	"shakedown/scanner"
	"shakedown/scanner/inventory"
)

// sweepRun is a sweep at work.
type sweepRun struct {
	*app
	f      *sweepFlags
	log    *slog.Logger
	name   string // the inventory's, as runs and locks know it
	paths  []inventory.Path
	judges *gateJudges
	store  *store.Store
	run    *store.Run
	before *store.Info // the last whole sweep; nil if there was none
	began  time.Time
	out    *output
	text   io.WriteCloser // nil where records are printed
	sink   *sweepSink

	// What is kept of the endpoints until the end is little: there may be many.
	once     results.Once
	bound    *bound
	together map[string][]*results.Endpoint // by profile, for rules between endpoints
	crossing []*results.Endpoint            // light ones, whose certificate came under a threshold
	said     report.Sweep
	count    struct{ endpoints, complete, partial, failed, bad, unknown int }
}

// sweep reads everything that was asked for, then runs. Whatever the user got
// wrong is said before anything is sent.
func (a *app) sweep(ctx context.Context, f *sweepFlags) error {
	s := &sweepRun{app: a, f: f, log: a.logger(f), together: map[string][]*results.Endpoint{}}
	paths, err := f.netFlags.paths(a, nil)
	if err != nil {
		return err
	}
	s.paths, s.bound = paths, newBound(paths)
	if s.name, err = filepath.Abs(f.inventory); err != nil {
		return usagef("--inventory: %w", err)
	}
	if s.judges, err = judgesOf(&f.netFlags, &f.judgeFlags, paths); err != nil {
		return err
	}
	opt := scanner.Options{Now: a.now}
	sc, err := f.netFlags.scanner(a, paths, &opt)
	if err != nil {
		return err
	}
	if f.dryRun {
		return printPlan(a.stdout, scanner.Plan(paths, opt), &f.netFlags)
	}
	if err := s.pause(ctx); err != nil {
		return err
	}
	release, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer s.store.Close()
	defer release()
	return s.work(ctx, sc)
}

// logger logs to standard error; with --quiet only what went wrong with the
// sweep itself.
func (a *app) logger(f *sweepFlags) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	switch {
	case f.quiet:
		options.Level = slog.LevelError
	case f.verbose:
		options.Level = slog.LevelDebug
	}
	if f.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.stderr, options))
	}
	return slog.New(slog.NewTextHandler(a.stderr, options))
}

// pause waits for a random part of --jitter.
func (s *sweepRun) pause(ctx context.Context) error {
	if s.f.jitter == 0 {
		return nil
	}
	timer := time.NewTimer(rand.N(s.f.jitter))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return exit(exitInterrupted)
	}
}

// open opens the store, takes the lock, and begins or resumes a run.
func (s *sweepRun) open(ctx context.Context) (release func(), err error) {
	if s.store, err = s.openStore(ctx, s.f.store, false); err != nil {
		return nil, err
	}
	release, err = s.store.Lock(ctx, s.name, s.f.wait)
	switch {
	case errors.Is(err, store.ErrLocked):
		err = &exitError{exitUndetermined, fmt.Errorf("another sweep of %s is writing to store %s: let it end, or wait for it with --wait", s.f.inventory, s.store)}
	case err == nil:
		if err = s.begin(ctx); err != nil {
			release()
		}
	}
	if err != nil {
		s.store.Close()
		return nil, err
	}
	return release, nil
}

// begin opens the outputs, and the run in the store: in this order, so that a
// mistake in the flags leaves no run behind.
func (s *sweepRun) begin(ctx context.Context) (err error) {
	if s.before, err = s.store.Whole(ctx, "sweep", s.name); err != nil {
		return err
	}
	s.began = s.now().UTC()
	h := results.Header{ToolVersion: version, StartedAt: s.began, Command: "sweep", Inventory: s.name, Paths: namesOf(s.paths)}
	s.sink = &sweepSink{ctx: context.WithoutCancel(ctx)}
	if err := s.openAll(h); err != nil {
		return err
	}
	if s.f.resume {
		if err := s.resume(ctx); err != nil {
			return err
		}
	}
	if s.run == nil {
		if s.run, err = s.store.Begin(ctx, h); err != nil {
			return err
		}
	}
	s.sink.run = s.run
	return nil
}

// resume goes on with a run that was cut off, if there is one.
func (s *sweepRun) resume(ctx context.Context) error {
	cut, err := s.store.Unfinished(ctx, "sweep", s.name)
	if err != nil || cut == nil {
		return err
	}
	s.began = cut.Header.StartedAt
	s.run, err = s.store.Resume(ctx, cut.ID)
	return err
}

// openAll opens every output; the store's sink has no run yet.
func (s *sweepRun) openAll(h results.Header) (err error) {
	beside := []results.Sink{s.sink}
	if s.f.prometheus != "" {
		s.sink.metrics = report.NewMetrics()
		beside = append(beside, s.sink.metrics)
	}
	shown := s.f.netFlags
	if shown.format == "text" { // the sweep says itself what there is to say
		if s.text, err = s.openText(); err != nil {
			return err
		}
		shown.format, shown.output = "none", ""
	}
	if s.out, err = s.openOutput(&shown, h, beside...); err == nil && s.text != nil {
		s.out.unseen = false // the sweep tells it
	}
	return err
}

// openText opens what the sweep is told to in words.
func (s *sweepRun) openText() (io.WriteCloser, error) {
	if s.f.output == "" {
		return nopCloser{s.stdout}, nil
	}
	file, err := os.Create(s.f.output)
	if err != nil {
		return nil, usagef("--output: %w", err)
	}
	return file, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// sweepSink writes to the store: an endpoint waits for its findings, so that
// both are written or neither.
type sweepSink struct {
	run     *store.Run
	ctx     context.Context
	group   []results.Record
	metrics *report.Metrics
}

func (s *sweepSink) Put(r results.Record) error {
	switch r := r.(type) {
	case *results.Header:
		return nil
	case *results.Trailer:
		return errors.Join(s.commit(), s.run.Sink(s.ctx).Put(r))
	}
	s.group = append(s.group, r)
	return nil
}

// commit writes what waits, in one transaction. It does so even after an
// interrupt: what is finished is kept.
func (s *sweepSink) commit() error {
	if len(s.group) == 0 {
		return nil
	}
	err := s.run.Put(s.ctx, s.group...)
	s.group = nil
	return err
}

// work scans what is still to be scanned, and says what there is to say.
func (s *sweepRun) work(ctx context.Context, sc *scanner.Scanner) error {
	ctx, cancel := s.f.limit(ctx)
	defer cancel()
	todo, err := s.recall(ctx)
	if err != nil {
		return err
	}
	s.log.Info("sweep begins", "run", s.run.ID, "store", s.store.String(), "inventory", s.f.inventory, "endpoints", len(todo), "resumed", len(s.paths)-len(todo))
	defer thrifty(ctx)()
	scanErr := sc.Run(ctx, todo, func(e *results.Endpoint) error { return s.finished(ctx, e) })
	if scanErr == nil {
		scanErr = s.conclude(ctx)
	}
	return s.say(ctx, scanErr)
}
