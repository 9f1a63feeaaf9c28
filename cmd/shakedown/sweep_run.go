// A sweep's run: one lock, endpoints into the store as they are finished, then
// what is to be said of all of them.

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
	"slices"
	"time"

	"shakedown/profiles"
	"shakedown/results"
	"shakedown/results/contrast"
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
	dialer, err := f.routes(a, paths)
	if err != nil {
		return err
	}
	opt := scanner.Options{Now: a.now}
	if opt.Roots, err = rootsOf(paths); err != nil {
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
	return s.work(ctx, scanner.New(dialer, opt))
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

// begin opens the outputs, and the run in the store.
func (s *sweepRun) begin(ctx context.Context) (err error) {
	if s.before, err = s.store.Whole(ctx, "sweep", s.name); err != nil {
		return err
	}
	s.began = s.now().UTC()
	h := results.Header{ToolVersion: version, StartedAt: s.began, Command: "sweep", Inventory: s.name, Paths: namesOf(s.paths)}
	if s.f.resume {
		cut, err := s.store.Unfinished(ctx, "sweep", s.name)
		if err != nil {
			return err
		}
		if cut != nil {
			if s.run, err = s.store.Resume(ctx, cut.ID); err != nil {
				return err
			}
			s.began = cut.Header.StartedAt
		}
	}
	if s.run == nil {
		if s.run, err = s.store.Begin(ctx, h); err != nil {
			return err
		}
	}
	s.sink = &sweepSink{run: s.run, ctx: context.WithoutCancel(ctx)}
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

// recall takes back what a resumed run has already, and lists the paths that it
// has not.
func (s *sweepRun) recall(ctx context.Context) ([]inventory.Path, error) {
	info, err := s.store.Find(ctx, s.run.ID)
	if err != nil || info.Records == 0 {
		return s.paths, err
	}
	done := map[string]bool{}
	for r, err := range s.store.Records(ctx, info) {
		if err != nil {
			return nil, err
		}
		switch r := r.(type) {
		case *results.Endpoint:
			done[r.Service+"/"+r.Path] = true
			s.keep(r)
		case *results.Finding:
			s.judged(r)
		}
		if s.sink.metrics != nil {
			s.sink.metrics.Put(r)
		}
	}
	return slices.DeleteFunc(slices.Clone(s.paths), func(p inventory.Path) bool { return done[p.Service+"/"+p.Name] }), nil
}

// keep remembers of an endpoint what is needed in the end.
func (s *sweepRun) keep(e *results.Endpoint) {
	s.count.endpoints++
	switch e.Status {
	case results.Complete:
		s.count.complete++
	case results.Partial:
		s.count.partial++
	default:
		s.count.failed++
	}
	s.bound.add(e)
	for _, p := range s.judges.of(e) {
		if p.Together() {
			s.together[p.Name] = append(s.together[p.Name], s.once.Endpoint(profiles.Kept(e)))
		}
	}
	if s.before != nil {
		if light := crossed(e, s.before.Header.StartedAt, s.began, s.f.thresholds); light != nil {
			s.crossing = append(s.crossing, light)
		}
	}
}

// crossed is an endpoint that shows a certificate which came under a threshold
// between two moments: nothing of it but that. nil if it shows none.
func crossed(e *results.Endpoint, before, now time.Time, thresholds []int) *results.Endpoint {
	light := lightEndpoint(e.Service, e.Path, e.Address)
	for _, c := range e.Chains {
		if len(c.Certificates) == 0 {
			continue
		}
		leaf := c.Certificates[0]
		if slices.ContainsFunc(thresholds, func(days int) bool {
			limit := leaf.NotAfter.AddDate(0, 0, -days-1) // a day early: the comparison has the last word
			return limit.Before(now) && before.Before(limit.AddDate(0, 0, 2))
		}) {
			leaf.DER = nil
			light.Chains = append(light.Chains, results.Chain{Certificates: []results.Cert{leaf}})
		}
	}
	if light.Chains == nil {
		return nil
	}
	return light
}

// lightEndpoint is an endpoint of which nothing is told but that it answers.
func lightEndpoint(service, path, address string) *results.Endpoint {
	return &results.Endpoint{Service: service, Path: path, Address: address, Status: results.Complete}
}

// judged counts a finding, and tells it if it is open.
func (s *sweepRun) judged(f *results.Finding) {
	switch {
	case f.Fails(results.Medium):
		s.count.bad++
	case f.Status == results.FindingUnknown:
		s.count.unknown++
	}
	if f.Status == results.FindingFail || f.Status == results.FindingWarn || f.Status == results.FindingUnknown {
		s.said.Add(f)
	}
}

// finished writes an endpoint and what is said of it, and has it on disk.
func (s *sweepRun) finished(ctx context.Context, e *results.Endpoint) error {
	s.keep(e)
	err := s.out.put(e)
	if e.Status == results.Failed {
		err = errors.Join(err, s.recallKnown(ctx, e))
	}
	for _, p := range s.judges.of(e) {
		err = errors.Join(err, s.find(profiles.Judge(e, p, s.now())))
	}
	if err = errors.Join(err, s.sink.commit()); err == nil {
		s.log.Debug("endpoint is kept", "path", e.Service+"/"+e.Path, "address", e.Address, "status", string(e.Status), "connections", e.Connections)
	}
	return err
}

// recallKnown says what was last known of an endpoint that did not answer.
func (s *sweepRun) recallKnown(ctx context.Context, e *results.Endpoint) error {
	known, err := s.store.LastKnown(context.WithoutCancel(ctx), e.Service, e.Path, e.Target, e.Address)
	if err != nil || known == nil {
		s.log.Warn("endpoint does not answer", "path", e.Service+"/"+e.Path, "address", e.Address, "why", report.Undetermined(e))
		return err
	}
	stale := &results.LastKnown{Service: e.Service, Path: e.Path, Address: e.Address, Stale: true, Run: known.Run, ObservedAt: known.Endpoint.StartedAt, Endpoint: withoutDER(known.Endpoint)}
	s.said.Silent = append(s.said.Silent, &results.LastKnown{Service: e.Service, Path: e.Path, Address: e.Address, Run: known.Run, ObservedAt: known.Endpoint.StartedAt})
	s.log.Warn("endpoint does not answer", "path", e.Service+"/"+e.Path, "address", e.Address, "why", report.Undetermined(e), "last_known", known.Endpoint.StartedAt)
	return s.out.put(stale)
}

func (s *sweepRun) find(findings []results.Finding) error {
	shows := judges{all: s.f.judgeFlags.all}
	for _, f := range findings {
		s.judged(&f)
		if !shows.shows(f) {
			continue
		}
		if err := s.out.put(&f); err != nil {
			return err
		}
	}
	return nil
}

// conclude finds what shows only between endpoints and between sweeps.
func (s *sweepRun) conclude(ctx context.Context) error {
	var err error
	for _, p := range s.judges.all() {
		if es := s.together[p.Name]; len(es) > 0 {
			err = errors.Join(err, s.find(profiles.JudgeTogether(es, p, s.now())))
		}
	}
	err = errors.Join(err, s.bound.tell(s.out), s.sink.commit())
	if err != nil || ctx.Err() != nil {
		return err
	}
	if s.said.Changes, err = s.changed(ctx); err != nil {
		return err
	}
	for _, c := range s.said.Changes {
		if err := s.out.put(c); err != nil {
			return err
		}
	}
	return s.sink.commit()
}

// changed compares with the last whole sweep: only what is otherwise is looked
// at. (A sweep has one endpoint of each path, and so one finding of each rule.)
func (s *sweepRun) changed(ctx context.Context) ([]*results.Change, error) {
	if s.before == nil {
		return nil, nil
	}
	run, err := s.store.Find(ctx, s.run.ID)
	if err != nil {
		return nil, err
	}
	old, err := s.unlike(ctx, *s.before, run)
	if err != nil {
		return nil, err
	}
	now, err := s.unlike(ctx, run, *s.before)
	if err != nil {
		return nil, err
	}
	old.Put(s.before.Header)
	now.Put(&results.Header{StartedAt: s.began})
	addUnchanged(old, now, append(s.beside(old, now), s.crossing...))
	return contrast.Changes(old, now, s.f.thresholds), nil
}

// unlike is what of a run is not in the other.
func (s *sweepRun) unlike(ctx context.Context, run, other store.Info) (*contrast.Snapshot, error) {
	snapshot := &contrast.Snapshot{Whole: true}
	for r, err := range s.store.Unlike(ctx, run, other) {
		if err != nil {
			return nil, err
		}
		if e, ok := r.(*results.Endpoint); ok {
			r = withoutDER(e)
		}
		snapshot.Put(s.once.Record(r))
	}
	return snapshot, nil
}

// beside lists load balancers and targets of the services in which something is
// otherwise: what changed is held beside what did not.
func (s *sweepRun) beside(old, now *contrast.Snapshot) (list []*results.Endpoint) {
	changed := map[string]bool{}
	for _, e := range slices.Concat(old.Endpoints, now.Endpoints) {
		changed[e.Service] = true
	}
	for _, e := range s.bound.kept {
		if changed[e.Service] {
			list = append(list, e)
		}
	}
	return list
}

// addUnchanged adds endpoints that are the same on both sides. Something may be
// otherwise for all that: how siblings compare, the time that a certificate has
// left, or what a profile asks for.
func addUnchanged(old, now *contrast.Snapshot, unchanged []*results.Endpoint) {
	there := map[string]bool{}
	for _, e := range slices.Concat(old.Endpoints, now.Endpoints) {
		there[e.Service+"/"+e.Path] = true
	}
	add := func(e *results.Endpoint) {
		if key := e.Service + "/" + e.Path; !there[key] {
			there[key] = true
			old.Endpoints, now.Endpoints = append(old.Endpoints, e), append(now.Endpoints, e)
		}
	}
	for _, e := range unchanged {
		add(e)
	}
	for _, f := range old.Findings {
		add(lightEndpoint(f.Service, f.Path, f.Address))
	}
}

// say ends the run, and tells people and programs of it.
func (s *sweepRun) say(ctx context.Context, scanErr error) error {
	if scanErr != nil && ctx.Err() == nil {
		s.log.Error("sweep cannot go on", "why", scanErr.Error())
	}
	err := s.out.finish(s.exitCode(ctx, scanErr), scanErr == nil && ctx.Err() == nil)
	if s.sink.metrics != nil {
		err = joined(err, s.writeMetrics())
	}
	if s.text != nil {
		err = joined(err, s.print())
	}
	if len(s.said.Changes) > 0 && s.f.onChange != "" {
		err = joined(err, s.tell(context.WithoutCancel(ctx)))
	}
	s.log.Info("sweep ended", "run", s.run.ID, "endpoints", s.count.endpoints, "complete", s.count.complete, "partial", s.count.partial, "failed", s.count.failed,
		"findings", s.said.Findings(), "changes", len(s.said.Changes), "took", s.now().Sub(s.began).Round(time.Millisecond).String(), "exit_code", exitCode(err))
	return err
}

func (s *sweepRun) exitCode(ctx context.Context, scanErr error) int {
	switch {
	case ctx.Err() == context.Canceled:
		return exitInterrupted
	case s.count.bad > 0:
		return exitBad
	case ctx.Err() != nil, scanErr != nil, s.count.complete < s.count.endpoints, s.count.unknown > 0:
		return exitUndetermined
	}
	return exitGood
}

// joined adds what went wrong after the verdict: it makes a good one undetermined.
func joined(verdict, more error) error {
	if more == nil {
		return verdict
	}
	return &exitError{worse(exitCode(verdict), exitUndetermined), errors.Join(message(verdict), more)}
}

// message is what an error has to say, nil if it is only an exit code.
func message(err error) error {
	if err == nil || err.Error() == "" {
		return nil
	}
	return err
}

// print says what changed, every open finding, and who is silent.
func (s *sweepRun) print() error {
	return errors.Join(s.said.Write(s.text), s.text.Close())
}
