// Judging: the flags that ask for verdicts, and what they make of endpoints.

package main

import (
	"slices"
	"time"

	"github.com/spf13/pflag"

	"shakedown/profiles"
	"shakedown/results"
	"shakedown/scanner"
)

// judgeFlags ask for verdicts.
type judgeFlags struct {
	profiles    []string
	minDaysLeft int
	all         bool
}

func (f *judgeFlags) register(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.profiles, "profile", nil, "judge by this profile, a `NAME` or a YAML file (repeatable; see: shakedown profile list)")
	fs.IntVar(&f.minDaysLeft, "min-days-left", 0, "judge that certificates last for at least `N` more days")
	fs.BoolVar(&f.all, "all", false, "every rule's finding, not only of those that did not pass")
}

// load finds the profiles. A name that is not known is the user's mistake.
func (f *judgeFlags) load() (*judges, error) {
	j := &judges{all: f.all}
	if f.minDaysLeft < 0 {
		return nil, usagef("--min-days-left %d: must be more than nothing, as in --min-days-left 30", f.minDaysLeft)
	}
	for _, name := range f.profiles {
		p, err := profiles.Builtin().Find(name)
		if err != nil {
			return nil, usagef("--profile: %w", err)
		}
		if !slices.ContainsFunc(j.profiles, func(other *profiles.Profile) bool { return other.Name == p.Name }) {
			j.profiles = append(j.profiles, p)
		}
	}
	if f.minDaysLeft > 0 {
		j.profiles = append(j.profiles, profiles.Expiry(f.minDaysLeft))
	}
	return j, nil
}

// judges are the profiles of a run, and what must be kept for rules that look
// at several endpoints.
type judges struct {
	profiles []*profiles.Profile
	all      bool
	seen     []*results.Endpoint
	once     results.Once
}

// aspects lists what a scan must ask for these profiles.
func (j *judges) aspects() []scanner.Aspect {
	var need []scanner.Aspect
	for _, p := range j.profiles {
		for _, a := range p.Aspects() {
			if aspect := scanner.Aspect(a); !slices.Contains(need, aspect) {
				need = append(need, aspect)
			}
		}
	}
	return need
}

func (j *judges) judge(e *results.Endpoint, at time.Time) []results.Finding {
	var out []results.Finding
	for _, p := range j.profiles {
		out = append(out, profiles.Judge(e, p, at)...)
	}
	if slices.ContainsFunc(j.profiles, (*profiles.Profile).Together) {
		j.seen = append(j.seen, j.once.Endpoint(profiles.Kept(e)))
	}
	return out
}

func (j *judges) together(at time.Time) []results.Finding {
	var out []results.Finding
	for _, p := range j.profiles {
		out = append(out, profiles.JudgeTogether(j.seen, p, at)...)
	}
	return out
}

// shows says whether a finding is worth a record: what did not pass, or all.
func (j *judges) shows(f results.Finding) bool {
	return j.all || f.Status != results.FindingPass && f.Status != results.FindingNotApplicable
}

// verdictTally counts what decides an exit code. A warning is advice: it
// decides nothing.
type verdictTally struct{ failed, unknown int }

func (t *verdictTally) add(f results.Finding) {
	switch f.Status {
	case results.FindingFail:
		t.failed++
	case results.FindingUnknown:
		t.unknown++
	}
}

// code is the exit code of what was counted.
func (t *verdictTally) code() int {
	switch {
	case t.failed > 0:
		return exitBad
	case t.unknown > 0:
		return exitUndetermined
	}
	return exitGood
}
