// Outcomes: runs as a list of things that went well, badly, or could not be
// told, for the formats that machines read verdicts from (JUnit, SARIF,
// Markdown, annotations).

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

// end is how one thing ended.
type end int

const (
	passed end = iota
	failed
	undecided // it could not be told
	advised   // worth knowing, below what closes a gate
	waived
	allowed // it could not be told, and was allowed to stay so
	inapplicable
)

// outcome is one rule's end on one path, or what became of the path itself.
type outcome struct {
	end
	service, path, address string
	profile, rule          string // rule "answers" and "measured" are ours: is there a basis for verdicts
	severity               results.Severity
	words                  string // what was found
	expected, mend         string
	citation, until        string
}

// where names the path.
func (o outcome) where() string {
	if o.path == "" { // a file's name may begin with a slash
		return o.service
	}
	return strings.Trim(o.service+"/"+o.path, "/")
}

// id names the rule.
func (o outcome) id() string {
	return strings.Trim(o.profile+"/"+o.rule, "/")
}

// outcomesOf lists the outcomes of runs in their order; failOn is the least
// severity that counts as failed.
func outcomesOf(runs []Run, failOn results.Severity) []outcome {
	var all []outcome
	for _, run := range runs {
		threshold := thresholdOf(run, failOn)
		judged := answersJudged(run)
		for _, r := range run.Records {
			o, ok := outcomeOf(r, threshold)
			o.profile = cmp.Or(o.profile, basisOf(run, o))
			if _, compared := r.(*results.Comparison); compared && ratioJudged(run) {
				continue // by a limit, which has an outcome of its own
			}
			if _, isFact := r.(*results.Endpoint); ok && !(isFact && judged[o.where()+" "+o.address]) {
				all = append(all, o)
			}
		}
		for _, o := range unfinished(run) {
			o.profile = basisOf(run, o)
			if !judged[o.where()+" "] {
				all = append(all, o)
			}
		}
	}
	return all
}

// thresholdOf is the least severity that fails: as asked, else as a gate decided,
// so that its record says the same wherever it is rendered; else medium.
func thresholdOf(run Run, asked results.Severity) results.Severity {
	if asked != "" {
		return asked
	}
	for _, v := range verdictsOf([]Run{run}) {
		if slices.Contains(results.Severities(), v.FailOn) {
			return v.FailOn
		}
	}
	return results.Medium
}

// ratioJudged says that a run has a limit on ratios.
func ratioJudged(run Run) bool {
	return slices.ContainsFunc(run.Records, func(r results.Record) bool {
		o, ok := r.(*results.Objective)
		return ok && o.Unit == "ratio"
	})
}

// answersRule names the finding of a gate on what could not be determined of an
// endpoint: it stands in the place of what the endpoint's record says itself.
const answersRule = "answers"

// basisOf is the profile under which a gate judges whether an endpoint answers, so
// that a path which does has the same name in a CI's history as one that does not.
func basisOf(run Run, o outcome) string {
	if run.Header.Command == "gate" && o.rule == answersRule {
		return "inventory"
	}
	return ""
}

func answersJudged(run Run) map[string]bool {
	judged := map[string]bool{}
	for _, r := range run.Records {
		if f, ok := r.(*results.Finding); ok && f.Rule == answersRule {
			o := outcome{service: f.Service, path: f.Path}
			judged[o.where()+" "+f.Address] = true
		}
	}
	return judged
}

func outcomeOf(r results.Record, threshold results.Severity) (outcome, bool) {
	switch r := r.(type) {
	case *results.Endpoint:
		return endpointOutcome(r), true
	case *results.Finding:
		return findingOutcome(r, threshold), true
	case *results.Trial:
		o := outcome{service: r.Service, path: r.Path, address: r.Address, rule: "measured", severity: results.High, words: "measured"}
		if !r.Valid {
			o.end, o.words = undecided, "invalid measurement, not a slow server: "+whyInvalid(r)
		}
		return o, true
	case *results.Objective:
		return objectiveOutcome(r), true
	case *results.Plan:
		return planOutcome(r), true
	case *results.Comparison:
		// Paths may differ from each other; with the same path of an earlier run they are to agree.
		return comparisonOutcome(r), r.BaselineRun != ""
	case *results.ChainFile:
		return chainOutcome(r), true
	}
	return outcome{}, false
}

func endpointOutcome(e *results.Endpoint) outcome {
	o := outcome{service: e.Service, path: cmp.Or(e.Path, e.Target), address: e.Address, rule: answersRule, severity: results.High, words: "everything that was asked is determined"}
	if _, words := statusWords(&endpoint{Endpoint: e}); words != "" {
		o.end, o.words = undecided, strings.TrimPrefix(words, "unknown: ")
	}
	return o
}

func findingOutcome(f *results.Finding, threshold results.Severity) outcome {
	o := outcome{
		service: f.Service, path: f.Path, address: f.Address, profile: f.Profile, rule: f.Rule, severity: f.Severity,
		words: f.Observed, expected: f.Expected, mend: f.Mend, citation: f.Citation, until: f.WaivedUntil,
	}
	switch {
	case f.Status == results.FindingPass:
		o.end = passed
	case f.Status == results.FindingNotApplicable:
		o.end = inapplicable
	case f.WaivedUntil != "":
		o.end = waived
	case f.Fails(threshold):
		o.end = failed
	case f.Allowed != "":
		o.end = allowed
	case f.Status == results.FindingUnknown:
		o.end, o.words = undecided, strings.TrimPrefix(f.Observed, "unknown: ")
	default:
		o.end = advised
	}
	return o
}

func objectiveOutcome(r *results.Objective) outcome {
	o := outcome{service: r.Service, path: r.Path, address: r.Address, profile: "limit", rule: r.Objective, severity: results.High, words: "kept"}
	if _, words := objectiveWords(r); words != "" {
		o.words = words
	}
	switch r.Verdict {
	case results.ObjectiveMissed:
		o.end = failed
	case results.ObjectiveMet:
	default:
		o.end = undecided
	}
	return o
}

func planOutcome(p *results.Plan) outcome {
	o := outcome{
		service: p.Service, path: cmp.Or(p.Path, list(p.Unmeasured, 2)), address: p.Address, profile: "plan", rule: "units", severity: results.High,
		words: cmp.Or(planWords(p), planTitle(p.Load)+": "+planUnits(p)),
	}
	switch planLevel(p) {
	case bad:
		o.end = failed
	case warning:
		o.end = undecided
	}
	return o
}

// comparisonOutcome is a path beside itself in an earlier run.
func comparisonOutcome(c *results.Comparison) outcome {
	o := outcome{
		service: c.Service, path: c.Candidate, profile: "baseline", rule: c.Phase + "." + c.Quantile, severity: results.High,
		words: fmt.Sprintf("×%.2f of %s (%.2f to %.2f): %s", c.Ratio, c.BaselineRun, c.RatioLow, c.RatioHigh, c.Verdict),
	}
	switch c.Verdict {
	case "same", "faster":
	case "slower":
		o.end = failed
	default:
		o.end = undecided
	}
	return o
}

func chainOutcome(c *results.ChainFile) outcome {
	o := outcome{service: c.File, rule: "chain", severity: results.High, words: "trusted"}
	problems := make([]string, len(c.Problems))
	for i, p := range c.Problems {
		problems[i] = string(p)
	}
	found := cmp.Or(strings.Join(problems, ", "), "no problem found")
	switch {
	case c.Trusted == results.No || c.HostnameMatch == results.No:
		o.end, o.words = failed, found
	case c.Trusted != results.Yes || c.HostnameMatch == results.Unknown:
		o.end, o.words = undecided, found
	}
	return o
}

// unfinished are the paths that a run set out for and has no record of.
func unfinished(run Run) []outcome {
	if run.Trailer != nil && run.Trailer.Complete {
		return nil
	}
	why := "the run ended before it was its turn"
	missing := missingPaths(run)
	if len(missing) == 0 {
		return []outcome{{end: undecided, service: run.Header.Command, rule: "complete", severity: results.High, words: "the run was cut off: records may be missing"}}
	}
	var all []outcome
	for _, path := range missing {
		service, name, _ := strings.Cut(path, "/")
		all = append(all, outcome{end: undecided, service: service, path: name, rule: answersRule, severity: results.High, words: why})
	}
	return all
}

// sentence is an outcome in one line, safe to show.
func (o outcome) sentence() string {
	words := clean(o.words)
	if o.expected != "" && (o.end == failed || o.end == advised || o.end == undecided) {
		words = fmt.Sprintf("%s (expected: %s)", words, clean(o.expected))
	}
	if o.citation != "" {
		words += " [" + clean(o.citation) + "]"
	}
	return words
}

// worstFirst orders what is to be looked at: failed, then undecided, then advice.
// That a rule cannot be judged of an endpoint which is undetermined itself is left
// out: whoever mends the one mends the other.
func worstFirst(all []outcome) []outcome {
	order := []end{failed, undecided, advised, waived, allowed}
	dark := map[string]bool{}
	for _, o := range all {
		if o.rule == answersRule && o.end == undecided {
			dark[o.where()+" "+o.address] = true
		}
	}
	some := slices.DeleteFunc(slices.Clone(all), func(o outcome) bool {
		said := o.end == undecided && o.rule != answersRule && dark[o.where()+" "+o.address]
		return said || !slices.Contains(order, o.end)
	})
	slices.SortStableFunc(some, func(a, b outcome) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.end), slices.Index(order, b.end)), cmp.Compare(severityRank(a.severity), severityRank(b.severity)))
	})
	return some
}
