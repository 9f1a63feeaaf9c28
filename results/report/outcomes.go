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

// outcomesOf lists the outcomes of runs in their order; threshold is the least
// severity that counts as failed.
func outcomesOf(runs []Run, threshold results.Severity) []outcome {
	var all []outcome
	for _, run := range runs {
		for _, r := range run.Records {
			if o, ok := outcomeOf(r, threshold); ok {
				all = append(all, o)
			}
		}
		all = append(all, unfinished(run)...)
	}
	return all
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
	case *results.ChainFile:
		return chainOutcome(r), true
	}
	return outcome{}, false
}

func endpointOutcome(e *results.Endpoint) outcome {
	o := outcome{service: e.Service, path: cmp.Or(e.Path, e.Target), address: e.Address, rule: "answers", severity: results.High, words: "everything that was asked is determined"}
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
	case f.Status == results.FindingUnknown:
		o.end = undecided
	default:
		o.end = advised
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
		all = append(all, outcome{end: undecided, service: service, path: name, rule: "answers", severity: results.High, words: why})
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
func worstFirst(all []outcome) []outcome {
	order := []end{failed, undecided, advised, waived}
	some := slices.DeleteFunc(slices.Clone(all), func(o outcome) bool { return !slices.Contains(order, o.end) })
	slices.SortStableFunc(some, func(a, b outcome) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.end), slices.Index(order, b.end)), cmp.Compare(severityRank(a.severity), severityRank(b.severity)))
	})
	return some
}
