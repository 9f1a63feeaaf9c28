// Package profiles judges observations by TLS policies and names the policies
// that an endpoint follows. It opens no connection and reads no clock: a scan
// that was recorded last month can be judged today.
//
// A Profile is a list of rules, and a Rule is data: one of the checks (see
// Checks) with its values and limit, a severity and a citation. A Policy is
// what a vendor publishes under a name: versions, suites and groups. Each
// policy gives a profile, and Match finds policies.
package profiles

import (
	"slices"
	"strings"
	"time"

	"shakedown/results"
)

// Profile is what endpoints are judged by: as its record says.
type Profile struct {
	Name         string
	Title        string
	About        string
	Verification string // how well its source is known: cross-checked, single-source, derived, conflict …
	Sources      []string
	Notes        []string
	Rules        []Rule
	Unseen       []Unseen // what the source asks for and a client cannot see

	lib *Library
}

// Rule is one thing that a profile asks for.
type Rule = results.ProfileRule

// Unseen is a requirement that cannot be judged from outside.
type Unseen = results.ProfileUnseen

func unseen(citation, requirement, why string) Unseen {
	return Unseen{Citation: citation, Requirement: requirement, Why: why}
}

// Record is the profile as a record.
func (p *Profile) Record() *results.Profile {
	return &results.Profile{
		Name: p.Name, Title: p.Title, About: p.About, Verification: p.Verification,
		Sources: p.Sources, Notes: p.Notes, Rules: p.Rules, Unseen: p.Unseen,
	}
}

// Judge judges one endpoint: a finding for every rule, in the profile's order.
// What was not asked or not answered is unknown, never a pass.
func Judge(e *results.Endpoint, p *Profile, at time.Time) []results.Finding {
	f := newFacts(e, p.lib, at)
	var out []results.Finding
	for _, r := range p.Rules {
		if !checkOf(r.Check).together {
			out = append(out, f.finding(p, r, f.judge(r)))
		}
	}
	return out
}

// JudgeTogether judges what only shows between endpoints, such as a key that
// several of them hold: a finding for each such rule and endpoint.
func JudgeTogether(es []*results.Endpoint, p *Profile, at time.Time) []results.Finding {
	if !p.Together() {
		return nil
	}
	var all []*facts
	for _, e := range es {
		all = append(all, newFacts(e, p.lib, at))
	}
	held := heldKeys(all)
	var out []results.Finding
	for _, r := range p.Rules {
		if c := checkOf(r.Check); c.together {
			for _, f := range all {
				out = append(out, f.finding(p, r, c.among(f, held)))
			}
		}
	}
	return out
}

// Kept is what JudgeTogether needs of an endpoint: a caller that scans many
// need not hold on to more.
func Kept(e *results.Endpoint) *results.Endpoint {
	kept := &results.Endpoint{
		Service: e.Service, Path: e.Path, Address: e.Address, Status: e.Status, ServerName: e.ServerName, Versions: e.Versions, Failures: e.Failures,
	}
	for _, c := range e.Chains {
		c.Certificates = slices.Clone(c.Certificates[:min(1, len(c.Certificates))])
		kept.Chains = append(kept.Chains, c)
	}
	return kept
}

// Together says whether a profile has rules for JudgeTogether.
func (p *Profile) Together() bool {
	return slices.ContainsFunc(p.Rules, func(r Rule) bool { return checkOf(r.Check).together })
}

// Aspects lists what a scan must ask so that every rule can be judged.
func (p *Profile) Aspects() []string {
	need := []string{"versions"}
	for _, r := range p.Rules {
		for _, a := range append(slices.Clone(checkOf(r.Check).aspects), conditionOf(r.When).aspects...) {
			if !slices.Contains(need, a) {
				need = append(need, a)
			}
		}
	}
	return need
}

// judge is one rule's verdict on one endpoint.
func (f *facts) judge(r Rule) verdict {
	switch where := conditionOf(r.When); where.holds(f) {
	case results.No:
		return verdict{results.FindingNotApplicable, where.otherwise}
	case results.Yes:
		return checkOf(r.Check).judge(f, r)
	}
	return unknown("whether the rule applies is not known: " + f.whyUnknown())
}

// finding puts a verdict into a record.
func (f *facts) finding(p *Profile, r Rule, v verdict) results.Finding {
	status, mend := v.status, ""
	if status == results.FindingFail && (r.Advice || f.at.Before(r.From)) {
		status = results.FindingWarn
	}
	if status == results.FindingFail || status == results.FindingWarn {
		mend = r.Mend
	}
	return results.Finding{
		Service: f.e.Service, Path: f.e.Path, Address: f.e.Address, Profile: p.Name, Rule: r.ID, Status: status,
		Severity: r.Severity, Expected: r.Expected, Observed: v.observed, Citation: r.Citation, Mend: mend,
	}
}

// verdict is what a check says of an endpoint.
type verdict struct {
	status   results.FindingStatus
	observed string
}

func fail(observed string) verdict    { return verdict{results.FindingFail, observed} }
func pass(observed string) verdict    { return verdict{results.FindingPass, observed} }
func unknown(observed string) verdict { return verdict{results.FindingUnknown, observed} }
func irrelevant(why string) verdict   { return verdict{results.FindingNotApplicable, why} }

// weigh decides by what was found: one bad thing fails, else one open thing
// leaves the rule unknown.
func weigh(bad, open []string, good string) verdict {
	switch {
	case len(bad) > 0:
		return fail(strings.Join(bad, "; "))
	case len(open) > 0:
		return unknown(strings.Join(open, "; "))
	}
	return pass(good)
}
