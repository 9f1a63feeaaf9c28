// Baselines of a gate: reading what was accepted, and accepting anew.

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"shakedown/bench/stats"
	"shakedown/profiles/gate"
	"shakedown/results"
	"shakedown/results/report"
	"shakedown/results/wholefile"
)

// baseline is what a run is compared with.
type baseline struct {
	endpoints []*results.Endpoint
	measured  []measuredRun
}

// measuredRun is a recorded run with trials.
type measuredRun struct {
	name string
	run  stats.Run
}

// loadBaseline reads every --baseline: accepted facts, or runs.
func (a *app) loadBaseline(ctx context.Context, f *gateFlags) (*baseline, error) {
	b := &baseline{}
	for _, name := range f.baseline {
		facts, err := acceptedFacts(name)
		if err != nil {
			return nil, usagef("--baseline: %w", err)
		}
		if facts != nil {
			b.endpoints = append(b.endpoints, facts...)
			continue
		}
		run, err := a.readRun(ctx, name, f.store)
		if err != nil {
			return nil, unread(fmt.Errorf("--baseline: %w", err))
		}
		b.add(run)
	}
	if len(f.baseline) > 0 && len(b.endpoints) == 0 && len(b.measured) == 0 {
		return nil, usagef("--baseline: there is no endpoint and no trial in it, so nothing to compare with; make one with --accept FILE")
	}
	return b, nil
}

// acceptedFacts reads what --accept wrote, nil where a name is something else.
func acceptedFacts(name string) ([]*results.Endpoint, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // an id of the store, perhaps
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := bufio.NewReader(file)
	head, err := r.Peek(200)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if !gate.IsBaseline(head) {
		return nil, nil
	}
	return gate.ReadBaseline(r, name)
}

func (b *baseline) add(run report.Run) {
	m := measuredRun{name: run.Name}
	for _, r := range run.Records {
		if e, ok := r.(*results.Endpoint); ok && e.Status != results.Failed {
			b.endpoints = append(b.endpoints, e)
		}
		m.run.Put(r)
	}
	if len(m.run.Trials) > 0 {
		b.measured = append(b.measured, m)
	}
}

// acceptance is the file that --accept writes. It is written whole or not at all,
// so that what was accepted before stays until then.
type acceptance struct {
	name string
	file *wholefile.File
}

// openAcceptance finds out that the file can be written before anything is sent.
func openAcceptance(name string) (*acceptance, error) {
	if name == "" {
		return nil, nil
	}
	file, err := wholefile.Create(name)
	if err != nil {
		return nil, usagef("--accept: %w", err)
	}
	return &acceptance{name, file}, nil
}

// drop forgets about it.
func (a *acceptance) drop() {
	if a != nil {
		a.file.Drop()
	}
}

// write puts the facts in place; why says that it cannot be.
func (a *acceptance) write(es []*results.Endpoint, whole bool) error {
	why := gate.Unacceptable(es)
	if why == "" && !whole {
		why = "not every path was scanned"
	}
	if why != "" {
		a.drop()
		return fmt.Errorf("nothing is accepted: %s; a baseline has to know every path: mend that, or take the path out of the inventory", why)
	}
	if err := a.file.Replace(0o644, func(w io.Writer) error { return gate.WriteBaseline(w, es) }); err != nil {
		return fmt.Errorf("writing the baseline %s: %w", a.name, err)
	}
	return nil
}
