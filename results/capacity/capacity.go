// Package capacity makes plans from records: how many units of what was measured
// a load takes, and which resource binds. It measures nothing and reads no clock;
// what no record says is unknown, and what a number stands on beside the records
// is said with it.
package capacity

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"shakedown/results"
)

// Evidence is what records say of capacities. The zero value has seen nothing.
type Evidence struct {
	searches []search
	trials   []trial
	paths    []path // in the order in which they were met
}

// path is one that records tell of.
type path struct {
	service, name, address string
	kind                   results.PathKind
}

// search is a search for capacity and where it stands.
type search struct {
	*results.Capacity
	where string
}

// trial is a measurement and where it stands.
type trial struct {
	*results.Trial
	where string
}

// Put takes a record that stands at a place, as RUN:LINE; of others than searches,
// trials and endpoints it learns nothing.
func (e *Evidence) Put(r results.Record, where string) {
	switch r := r.(type) {
	case *results.Capacity:
		e.meet(path{r.Service, r.Path, r.Address, r.Kind})
		e.searches = append(e.searches, search{r, where})
	case *results.Trial:
		e.meet(path{r.Service, r.Path, r.Address, r.Kind})
		e.trials = append(e.trials, trial{r, where})
	case *results.Endpoint:
		e.meet(path{r.Service, r.Path, r.Address, r.Kind})
	}
}

func (e *Evidence) meet(p path) {
	if !slices.ContainsFunc(e.paths, p.same) {
		e.paths = append(e.paths, p)
	}
}

func (p path) same(o path) bool { return o.service == p.service && o.name == p.name }

// subject is what a plan is of: a path, asked for one kind of handshake, held to
// the same limits.
type subject struct {
	path
	asked results.Shape // without Resumed
	slo   string
}

// unit is what is known of a subject's unit.
type unit struct {
	subject
	points []point
	holds  Span
	basis  results.PlanBasis
	from   []string
	notes  []string // why more is not known
	scheme string   // what was signed with, "" if that is not known
}

// Plans has a plan for each path that was measured, and one for each kind of a
// measured service of which none was: services in the order in which they were met,
// kinds from the load balancer inwards. Where nothing was measured at all, every
// service has its unknown ones.
func (e *Evidence) Plans(load results.Load) []*results.Plan {
	units := e.units(load.ResumeRatio)
	place := func(u *unit) int { return slices.IndexFunc(e.paths, u.path.same) }
	slices.SortStableFunc(units, func(a, b *unit) int { return cmp.Compare(place(a), place(b)) })
	var plans []*results.Plan
	for _, service := range e.services(units) {
		for _, kind := range e.kinds(service) {
			mine := slices.DeleteFunc(slices.Clone(units), func(u *unit) bool { return u.service != service || u.kind != kind })
			for _, u := range mine {
				plans = append(plans, u.plan(load, units))
			}
			plans = append(plans, e.unmeasured(service, kind, mine, load)...)
		}
	}
	return plans
}

// services are those that were measured, or all if none was.
func (e *Evidence) services(measured []*unit) (names []string) {
	for _, p := range e.paths {
		its := func(u *unit) bool { return u.service == p.service }
		if !slices.Contains(names, p.service) && (len(measured) == 0 || slices.ContainsFunc(measured, its)) {
			names = append(names, p.service)
		}
	}
	return names
}

// kinds are a service's, "" for paths without one last.
func (e *Evidence) kinds(service string) (kinds []results.PathKind) {
	for _, kind := range append(results.PathKinds(), "") {
		if slices.ContainsFunc(e.paths, func(p path) bool { return p.service == service && p.kind == kind }) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// unmeasured is the plan of a kind of which no path was measured. Paths without a
// kind stand for themselves.
func (e *Evidence) unmeasured(service string, kind results.PathKind, measured []*unit, load results.Load) []*results.Plan {
	var names []string
	for _, p := range e.paths {
		same := func(u *unit) bool { return u.name == p.name }
		if p.service == service && p.kind == kind && (kind != "" || !slices.ContainsFunc(measured, same)) {
			names = append(names, p.name)
		}
	}
	if len(names) == 0 || kind != "" && len(measured) > 0 {
		return nil
	}
	p := &results.Plan{Service: service, Kind: kind, Unmeasured: names, Load: load, SLO: []string{}, Basis: results.PlanUnknown, Binds: results.BindsUnknown, Assumed: []string{}, From: []string{},
		Why: "no capacity was measured: bench --find-capacity does"}
	judge(p)
	return []*results.Plan{p}
}

// units gathers what was measured, and settles what each unit holds of a mixture.
func (e *Evidence) units(resumed float64) []*unit {
	var all []*unit
	of := func(s subject) *unit {
		if i := slices.IndexFunc(all, func(u *unit) bool { return u.subject.same(s) }); i >= 0 {
			return all[i]
		}
		all = append(all, &unit{subject: s})
		return all[len(all)-1]
	}
	for _, s := range e.searches {
		if ratio, known := s.ratio(); known {
			of(s.subject()).search(s, ratio, e.signedWith(s))
		}
	}
	for _, t := range e.trials {
		if t.tells() && !e.searched(t.Service, t.Path) {
			of(t.subject()).hold(t, resumed)
		}
	}
	for _, u := range all {
		if u.basis == "" {
			u.mix(resumed)
		}
	}
	return all
}

// mix settles what a unit holds with a share of resumed handshakes.
func (u *unit) mix(resumed float64) {
	at, basis := mixed(u.points, resumed)
	if u.holds, u.basis = at.holds, basis; u.holds == nothing() {
		u.basis = results.PlanUnknown
		if u.notes == nil {
			u.notes = []string{"what was measured of other mixtures does not bound this one"}
		}
		return
	}
	u.from = at.from
}

func (s subject) same(o subject) bool {
	return s.path.same(o.path) && s.slo == o.slo && fmt.Sprintf("%+v", s.asked) == fmt.Sprintf("%+v", o.asked)
}

func (s search) subject() subject {
	return subject{path{s.Service, s.Path, s.Address, s.Kind}, unresumed(s.Asked), strings.Join(s.SLO, "\x00")}
}

func (t trial) subject() subject {
	return subject{path{t.Service, t.Path, t.Address, t.Kind}, unresumed(t.Asked), ""}
}

// unresumed is a shape without how many were resumed, and with plain answers in
// the place of pointers, so that shapes compare.
func unresumed(s results.Shape) results.Shape {
	s.Resumed = nil
	if s.HelloRetry != nil && !*s.HelloRetry {
		s.HelloRetry = nil
	}
	return s
}

// ratio is how many of a search's handshakes were resumed.
func (s search) ratio() (float64, bool) {
	if s.Asked.Resumed == nil {
		return s.ResumeRatio, s.ResumeRatio > 0
	}
	return map[bool]float64{false: 0, true: 1}[*s.Asked.Resumed], true
}

// held is what a search found.
func held(c *results.Capacity) Span {
	s := Span{max(0, c.LowRate), math.Inf(1)}
	if c.HighRate != nil && *c.HighRate > 0 {
		s.High = *c.HighRate
	}
	return s
}

// search learns what a search found.
func (u *unit) search(s search, ratio float64, scheme string) {
	if found := held(s.Capacity); found != nothing() {
		u.points = append(u.points, point{ratio, found, []string{s.where}})
	}
	u.from = append(u.from, s.where)
	u.scheme = cmp.Or(u.scheme, scheme)
	if !s.Valid {
		u.notes = append(u.notes, strings.Join(s.InvalidWhy, "; "))
	}
}

// hold learns that a trial held its rate: there may be more.
func (u *unit) hold(t trial, resumed float64) {
	at, _ := mixed([]point{{t.ResumeRatio, Span{t.AchievedRate, math.Inf(1)}, nil}}, resumed)
	u.scheme = cmp.Or(u.scheme, schemeOf(t.Trial))
	if at.holds.Low > u.holds.Low {
		u.holds, u.from = at.holds, []string{t.where}
	}
	if u.basis = results.PlanUnknown; u.holds.Low > 0 {
		u.basis, u.notes = results.PlanHeld, []string{"no search was made for its capacity (bench --find-capacity): it held this rate, and perhaps holds more"}
	}
	u.holds.High = math.Inf(1)
}

// tells reports whether a trial shows a rate that was held: it measured the server,
// and all but a few handshakes were made.
func (t trial) tells() bool {
	const most = 0.01
	return t.Valid && t.Handshakes > 0 && float64(t.Due-t.Handshakes) <= most*float64(t.Due) && (t.OfferedRate == 0 || t.AchievedRate >= (1-2*most)*t.OfferedRate)
}

// searched reports whether a path's capacity was searched for, or begun to be: its
// trials are then steps, and beyond the limit on purpose.
func (e *Evidence) searched(service, name string) bool {
	return slices.ContainsFunc(e.searches, func(s search) bool { return s.Service == service && s.Path == name })
}

// signedWith is the scheme that a search's handshakes were signed with.
func (e *Evidence) signedWith(s search) string {
	if s.Asked.SignatureScheme != "" {
		return s.Asked.SignatureScheme
	}
	for _, t := range e.trials {
		if slices.ContainsFunc(s.Steps, func(step results.CapacityStep) bool { return step.Trial == t.Trial.Trial }) {
			if scheme := schemeOf(t.Trial); scheme != "" {
				return scheme
			}
		}
	}
	return ""
}

// schemeOf is the scheme that most of a trial's handshakes were signed with.
func schemeOf(t *results.Trial) string {
	scheme, most := t.Asked.SignatureScheme, 0
	for _, n := range t.Negotiated {
		if n.Shape.SignatureScheme != "" && n.Count > most {
			scheme, most = n.Shape.SignatureScheme, n.Count
		}
	}
	return scheme
}
