// A sweep's end: what changed since the one before, and what is said of it.

package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"shakedown/profiles"
	"shakedown/results"
	"shakedown/results/contrast"
	"shakedown/results/store"
)

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
