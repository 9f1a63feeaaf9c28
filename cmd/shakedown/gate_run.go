// A gate's run: endpoints from the network or from records, then everything that
// is said of them, then the verdict.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"shakedown/bench"
	"shakedown/bench/stats"
	"shakedown/profiles/gate"
	"shakedown/results"
	"shakedown/results/contrast"
	"shakedown/results/report"
	"shakedown/scanner"
	"shakedown/scanner/inventory"
)

// gateRun is a gate at work.
type gateRun struct {
	*app
	f        *gateFlags
	paths    []inventory.Path // none where only records say what there is
	expected []string         // SERVICE/PATH of what is to be judged
	unchosen map[string]bool  // of the inventory, and left out by --path
	recorded []report.Run
	judges   *gateJudges
	waivers  []gate.Waiver
	baseline *baseline
	plan     *bench.Plan
	accept   *acceptance
	out      *output

	once     results.Once
	tally    gate.Tally
	found    []results.Finding
	measured stats.Run
}

// gate reads everything that was asked for, then runs. Whatever the user got
// wrong is said before anything is sent.
func (a *app) gate(ctx context.Context, f *gateFlags) error {
	if err := f.sameFile(); err != nil {
		return err
	}
	if err := f.checkFlags(); err != nil {
		return err
	}
	g := &gateRun{app: a, f: f, tally: gate.Tally{FailOn: results.Severity(f.failOn)}}
	if err := g.read(ctx); err != nil {
		return err
	}
	observe, opt, err := g.observer()
	if err != nil {
		return err
	}
	if f.dryRun {
		return g.printPlan(opt)
	}
	ctx, cancel := f.limit(ctx)
	defer cancel()
	if err := g.planBench(ctx); err != nil {
		return err
	}
	if err := g.open(); err != nil {
		return err
	}
	observe(ctx)
	return g.decide(ctx)
}

// observer is how this gate comes to its endpoints: from records, for which
// nothing is needed, or by a scan.
func (g *gateRun) observer() (func(context.Context), scanner.Options, error) {
	if len(g.f.from) > 0 {
		return func(context.Context) { g.replay() }, scanner.Options{}, nil
	}
	opt, err := g.f.options(g.app)
	if err != nil {
		return nil, opt, err
	}
	sc, err := g.f.scanner(g.app, g.paths, &opt)
	if err != nil {
		return nil, opt, err
	}
	return func(ctx context.Context) { g.scan(ctx, sc) }, opt, nil
}

// read reads inventory, records, profiles, waivers and baseline.
func (g *gateRun) read(ctx context.Context) (err error) {
	if g.f.inventory != "" {
		if g.paths, err = g.f.netFlags.paths(g.app, nil); err != nil {
			return err
		}
		if g.unchosen, err = g.notChosen(); err != nil {
			return err
		}
	} else if len(g.f.only) > 0 {
		return usagef("--path chooses from an inventory; give --inventory FILE too")
	}
	if g.recorded, err = g.readRuns(ctx, g.f.from, g.f.store); err != nil {
		return unread(fmt.Errorf("--from: %w", err))
	}
	if g.judges, err = judgesOf(&g.f.netFlags, &g.f.judgeFlags, g.paths); err != nil {
		return err
	}
	if err := g.judges.checkAllowed(g.f.allowUnknown); err != nil {
		return err
	}
	if g.f.waivers != "" {
		if g.waivers, err = gate.LoadWaivers(g.f.waivers); err != nil {
			return usagef("%w", err)
		}
	}
	g.expected = g.expect()
	g.baseline, err = g.loadBaseline(ctx, g.f)
	return err
}

// notChosen lists what --path leaves out of the inventory.
func (g *gateRun) notChosen() (map[string]bool, error) {
	if len(g.f.only) == 0 {
		return nil, nil
	}
	inv, err := inventory.Load(g.f.inventory)
	if err != nil {
		return nil, usagef("%w", err)
	}
	rest := setOf(namesOf(inv.Paths()))
	for _, name := range namesOf(g.paths) {
		delete(rest, name)
	}
	return rest, nil
}

// open opens every output.
func (g *gateRun) open() (err error) {
	if g.accept, err = openAcceptance(g.f.accept); err != nil {
		return err
	}
	h := results.Header{Command: "gate", Paths: g.expected}
	if g.plan != nil {
		h.Seed = g.plan.Seed
	}
	g.out, err = g.openOutputs(&g.f.netFlags, h, g.tally.FailOn, g.f.sides(g.app))
	if err != nil {
		g.accept.drop()
	}
	return err
}

// expect lists what is to be judged: the inventory's paths, else those that
// the recorded runs set out for or have.
func (g *gateRun) expect() []string {
	names := namesOf(g.paths)
	if g.f.inventory != "" {
		return names
	}
	for _, run := range g.recorded {
		names = append(names, run.Header.Paths...)
		for _, r := range run.Records {
			if e, ok := r.(*results.Endpoint); ok {
				names = append(names, e.Service+"/"+e.Path)
			}
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(names, func(n string) bool {
		again := seen[n]
		seen[n] = true
		return again
	})
}

func setOf(names []string) map[string]bool {
	set := map[string]bool{}
	for _, n := range names {
		set[n] = true
	}
	return set
}

// put keeps an endpoint for the verdict, and writes it.
func (g *gateRun) put(e *results.Endpoint) error {
	e = g.once.Endpoint(e)
	g.tally.Endpoints = append(g.tally.Endpoints, e)
	return g.out.put(e)
}

func (g *gateRun) scan(ctx context.Context, s *scanner.Scanner) {
	progress, restore := g.progress(g.f.quiet, len(g.paths), "endpoints"), thrifty(ctx)
	err := s.Run(ctx, g.paths, func(e *results.Endpoint) error {
		progress.step(1)
		progress.note(e.Service + "/" + e.Path)
		return g.put(e)
	})
	progress.end()
	restore() // what is measured next needs all processors
	if err == nil && ctx.Err() == nil && g.plan != nil {
		err = g.measure(ctx)
	}
	switch {
	case ctx.Err() == context.Canceled:
		g.tally.Cut = "it was interrupted"
	case ctx.Err() != nil:
		g.tally.Cut = "the deadline came first"
	case err != nil:
		g.tally.Cut = err.Error()
	}
}

// replay takes endpoints and measurements from recorded runs; of two records of
// one address the later run's counts.
func (g *gateRun) replay() {
	expected := setOf(g.expected)
	at := map[string]int{}
	var kept []*results.Endpoint
	for _, run := range g.recorded {
		if run.Trailer == nil || !run.Trailer.Complete {
			g.tally.Cut = "the recorded run " + run.Name + " is not whole"
		}
		for _, r := range run.Records {
			switch r := r.(type) {
			case *results.Endpoint:
				key := r.Service + "/" + r.Path + " " + r.Address
				if !expected[r.Service+"/"+r.Path] {
					continue
				}
				if i, again := at[key]; again {
					kept[i] = r
					continue
				}
				at[key] = len(kept)
				kept = append(kept, r)
			case *results.Trial, *results.Block:
				g.out.put(r)
				g.measured.Put(r)
			}
		}
	}
	for _, e := range kept {
		g.put(e) // finish says so if it cannot be written
	}
}

// decide says everything that follows from what was seen, and closes the run.
func (g *gateRun) decide(ctx context.Context) error {
	g.order()
	missing := g.missing()
	differences := contrast.Differences(g.tally.Endpoints)
	g.say(g.judges.judge(g.tally.Endpoints, g.now())...)
	g.say(gate.Siblings(differences)...)
	if len(g.baseline.endpoints) > 0 {
		g.say(gate.Compared(g.baseline.endpoints, g.tally.Endpoints, func(path string) bool { return !missing[path] && !g.leftOut(path) })...)
	}
	g.limits()
	failed := map[string]bool{}
	for _, e := range g.tally.Endpoints {
		failed[e.Service+"/"+e.Path+" "+e.Address] = e.Status == results.Failed
	}
	gate.Allow(g.found, g.f.allowUnknown, func(f results.Finding) bool {
		return failed[f.Service+"/"+f.Path+" "+f.Address] || missing[f.Service+"/"+f.Path]
	})
	g.say(gate.Waive(g.found, g.waivers, g.now(), g.leftOut)...)
	g.write(differences)
	var acceptErr error
	if g.accept != nil {
		acceptErr = g.accept.write(g.tally.Endpoints, len(missing) == 0 && g.tally.Cut == "")
	}
	g.tally.Findings = g.found
	if acceptErr != nil {
		g.tally.Cut = strings.TrimLeft(g.tally.Cut+"; no baseline was accepted", "; ")
	}
	v := g.tally.Verdict()
	g.out.put(v)
	if g.accept != nil && acceptErr == nil {
		g.out.after = append(g.out.after, fmt.Sprintf("accepted into %s: what was seen of %s", g.f.accept, count(len(g.expected), "path")))
	}
	err := g.out.finish(g.exitCode(ctx, v), g.tally.Cut == "")
	if acceptErr != nil && err != nil {
		return &exitError{exitCode(err), errors.Join(acceptErr, err)}
	}
	return err
}

// order puts endpoints as the inventory has them: they come as they are finished,
// and which of two siblings is the norm must not hang on that.
func (g *gateRun) order() {
	place := map[string]int{}
	for i, path := range g.expected {
		place[path] = i
	}
	slices.SortStableFunc(g.tally.Endpoints, func(a, b *results.Endpoint) int {
		return cmp.Or(cmp.Compare(place[a.Service+"/"+a.Path], place[b.Service+"/"+b.Path]), cmp.Compare(a.Address, b.Address))
	})
}

func (g *gateRun) say(findings ...results.Finding) { g.found = append(g.found, findings...) }

// missing says what became of every endpoint, and lists the paths without one.
func (g *gateRun) missing() map[string]bool {
	seen := map[string]bool{}
	for _, e := range g.tally.Endpoints {
		seen[e.Service+"/"+e.Path] = true
		g.say(gate.Answered(e, report.Undetermined(e)))
	}
	missing := map[string]bool{}
	for _, path := range g.expected {
		if !seen[path] {
			service, name, _ := strings.Cut(path, "/")
			why := "the run ended before it was its turn"
			if len(g.f.from) > 0 {
				why = "nothing is recorded of it in " + strings.Join(g.f.from, ", ")
			}
			g.say(gate.Missing(service, name, why))
			missing[path] = true
		}
	}
	return missing
}

// leftOut says that a path of the inventory is not part of this run: --path chose
// others.
func (g *gateRun) leftOut(path string) bool {
	return g.unchosen[path]
}

// write writes differences, and the findings that are worth a record.
func (g *gateRun) write(differences []*results.Difference) {
	for _, d := range differences {
		g.out.put(d)
	}
	shows := judges{all: g.f.judgeFlags.all}
	for i := range g.found {
		if shows.shows(g.found[i]) {
			g.out.put(&g.found[i])
		}
	}
}

func (g *gateRun) exitCode(ctx context.Context, v *results.Verdict) int {
	switch {
	case ctx.Err() == context.Canceled:
		return exitInterrupted
	case g.tally.Bad(v):
		return exitBad
	case g.tally.Unsure(v):
		return exitUndetermined
	}
	return exitGood
}

// printPlan says what would be asked, judged and measured.
func (g *gateRun) printPlan(opt scanner.Options) error {
	for _, p := range g.paths {
		var names []string
		for _, profile := range g.judges.of(&results.Endpoint{Service: p.Service, Path: p.Name}) {
			names = append(names, profile.Name)
		}
		fmt.Fprintf(g.stdout, "%s/%s is judged by %s\n", p.Service, p.Name, strings.Join(names, ", "))
	}
	if len(g.f.from) > 0 {
		_, err := fmt.Fprintf(g.stdout, "from the records of %s; nothing was sent\n", strings.Join(g.f.from, ", "))
		return err
	}
	if g.f.bench {
		plan, err := g.f.limits.plan()
		if err != nil {
			return err
		}
		if err := g.f.limits.printPlan(g.stdout, plan, g.paths); err != nil {
			return err
		}
	}
	return printPlan(g.stdout, scanner.Plan(g.paths, opt), &g.f.netFlags)
}
