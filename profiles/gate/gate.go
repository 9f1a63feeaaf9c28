// Package gate makes one verdict of a run: which findings are waived, which
// unknowns are allowed, what drifted from its siblings, what is not as the
// accepted baseline says. It opens no connection and reads no clock, and knows no
// policy: findings come from profiles.
package gate

import (
	"fmt"
	"slices"

	"shakedown/results"
)

// The profile names of a gate's own findings.
const (
	Inventory = "inventory" // what the inventory alone says of its paths
	Baseline  = "baseline"  // what is not as it was
	Waivers   = "waivers"   // what is wrong with the file of waivers
)

// The rules of Inventory.
const (
	Answers = "answers"
	Alike   = "siblings-alike"
)

// Answered is the finding on what of an endpoint could not be determined.
func Answered(e *results.Endpoint, why string) results.Finding {
	f := results.Finding{
		Service: e.Service, Path: e.Path, Address: e.Address, Profile: Inventory, Rule: Answers, Status: results.FindingPass, Severity: results.High,
		Expected: "the endpoint answers, and everything that is asked is determined", Observed: "everything that was asked is determined",
		Citation: "what is not known is never taken for good",
	}
	if e.Status != results.Complete {
		f.Status, f.Observed = results.FindingUnknown, why
	}
	return f
}

// Missing is the finding on a path that nothing is recorded of.
func Missing(service, path, why string) results.Finding {
	return Answered(&results.Endpoint{Service: service, Path: path, Status: results.Failed}, why)
}

// Allow marks the unknowns that may stay so, by the names of rules, PROFILE/RULE
// or RULE. An endpoint that did not answer at all is none of them: whoever does
// not want it in the verdict takes it out of the inventory.
func Allow(findings []results.Finding, names []string, failed func(results.Finding) bool) {
	for i := range findings {
		f := &findings[i]
		if f.Status != results.FindingUnknown || failed(*f) {
			continue
		}
		for _, name := range []string{f.Profile + "/" + f.Rule, f.Rule} {
			if slices.Contains(names, name) {
				f.Allowed = name
			}
		}
	}
}

// Tally is what a verdict is made from.
type Tally struct {
	FailOn    results.Severity
	Endpoints []*results.Endpoint
	Findings  []results.Finding
	// Of what was measured.
	Missed, Unmeasured, Limits int
	Cut                        string // why the run ended early, "" if it did not
}

// Verdict weighs everything. A rule that could not be judged of an endpoint that
// is in the verdict as undetermined already is not counted again.
func (t Tally) Verdict() *results.Verdict {
	v := &results.Verdict{FailOn: t.FailOn, Endpoints: len(t.Endpoints), Limits: t.Limits}
	dark := map[string]bool{}
	for _, f := range t.Findings {
		if isAnswer(f) && f.Status == results.FindingUnknown && f.Allowed == "" {
			v.Undetermined++
			dark[at(f)] = true
		}
	}
	for _, f := range t.Findings {
		switch {
		case f.WaivedUntil != "":
			v.Waived++
		case f.Allowed != "":
			v.Allowed++
		case f.Fails(t.FailOn):
			v.Failed++
		case f.Status == results.FindingUnknown && !dark[at(f)]:
			v.Unknown++
		case f.Status == results.FindingFail, f.Status == results.FindingWarn:
			v.Below++
		case f.Status == results.FindingPass && !isAnswer(f):
			v.Passed++
		}
	}
	t.weigh(v)
	return v
}

func isAnswer(f results.Finding) bool { return f.Profile == Inventory && f.Rule == Answers }

func at(f results.Finding) string { return f.Service + "/" + f.Path + " " + f.Address }

// weigh puts the counts into words, and closes the gate by them.
func (t Tally) weigh(v *results.Verdict) {
	say := func(n int, one, many string) {
		if n > 0 {
			v.Why = append(v.Why, fmt.Sprintf("%d %s", n, map[bool]string{true: one, false: many}[n == 1]))
		}
	}
	if t.Cut != "" {
		v.Why = append(v.Why, t.Cut)
	}
	say(v.Failed, "finding fails", "findings fail")
	say(t.Missed, "limit is missed", "limits are missed")
	say(v.Undetermined, "endpoint could not be determined", "endpoints could not be determined")
	say(v.Unknown, "rule could not be judged", "rules could not be judged")
	say(t.Unmeasured, "measurement decides nothing", "measurements decide nothing")
	v.Verdict = results.GateClosed
	if len(v.Why) == 0 {
		v.Verdict = results.GateOpen
		say(v.Endpoints, "endpoint", "endpoints")
		say(v.Passed, "rule passed", "rules passed")
		say(t.Limits, "limit kept", "limits kept")
	}
	say(v.Below, "finding below "+string(t.FailOn), "findings below "+string(t.FailOn))
	say(v.Waived, "waived", "waived")
	say(v.Allowed, "unknown and allowed", "unknown and allowed")
}

// Bad and Unsure say what a verdict's exit code follows from: 1 wins over 3.
func (t Tally) Bad(v *results.Verdict) bool { return v.Failed+t.Missed > 0 }

func (t Tally) Unsure(v *results.Verdict) bool {
	return v.Undetermined+v.Unknown+t.Unmeasured > 0 || t.Cut != ""
}
