// What a sweep keeps of each endpoint that is finished, and of those that a run
// which was cut off had finished: in the store, and for its end.

package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"shakedown/profiles"
	"shakedown/results"
	"shakedown/results/report"
	"shakedown/scanner/inventory"
)

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
