// What a reader should act on first.

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

// issue is one thing to act on, of one or more paths that have it alike.
type issue struct {
	level   level
	section *section // nil for chain files and whole runs
	labels  []string
	words   string
	refs    []ref
}

// attention lists the issues of a digest, worst first.
func attention(d *digest) []issue {
	var all []issue
	for _, run := range d.runs {
		all = append(all, runIssues(run)...)
	}
	all = append(all, clockIssue(d)...)
	for _, s := range d.sections {
		all = append(all, merged(sectionIssues(s))...)
	}
	for _, f := range d.files {
		if f.cert.level >= warning {
			all = append(all, issue{level: f.cert.level, labels: []string{clean(f.File)}, words: f.cert.String(), refs: []ref{f.ref}})
		}
	}
	slices.SortStableFunc(all, func(a, b issue) int { return cmp.Compare(b.level, a.level) })
	return all
}

func runIssues(run Run) []issue {
	who := []string{cmp.Or(clean(run.Name), "this "+clean(run.Header.Command))}
	words := ""
	switch {
	case run.Trailer == nil:
		words = "partial: the run has no trailer, so records may be missing"
	case !run.Trailer.Complete:
		words = "the run ended before all planned work was tried"
	default:
		return nil
	}
	if missing := missingPaths(run); len(missing) > 0 {
		words += "; nothing is recorded of " + list(missing, 5)
	}
	return []issue{{level: warning, labels: who, words: words}}
}

// missingPaths are those that a run set out to do and has no record of.
func missingPaths(run Run) []string {
	seen := map[string]bool{}
	for _, rec := range run.Records {
		switch rec := rec.(type) {
		case *results.Endpoint:
			seen[rec.Service+"/"+rec.Path] = true
		case *results.Trial:
			seen[rec.Service+"/"+rec.Path] = true
		case *results.Capacity:
			seen[rec.Service+"/"+rec.Path] = true
		}
	}
	var missing []string
	for _, path := range run.Header.Paths {
		if !seen[path] {
			missing = append(missing, clean(path))
		}
	}
	return missing
}

func runTitle(run Run) string {
	title := clean(run.Header.Command) + ", " + moment(run.Header.StartedAt)
	if run.Name != "" {
		title = clean(run.Name) + " (" + title + ")"
	}
	return title
}

func sectionIssues(s *section) []issue {
	return slices.Concat(scanIssues(s), findingIssues(s), benchIssues(s), limitIssues(s), likenessIssues(s))
}

// issuesOf collects those of a section that are worth acting on.
type issuesOf struct {
	section *section
	all     []issue
}

func (i *issuesOf) add(l level, label string, at ref, words string) {
	if l >= warning {
		i.all = append(i.all, issue{l, i.section, []string{label}, words, []ref{at}})
	}
}

// scanIssues are of what the servers serve.
func scanIssues(s *section) []issue {
	found := issuesOf{section: s}
	add := found.add
	for _, e := range s.endpoints {
		l, words := statusWords(e)
		add(l, e.label, e.ref, words)
		add(e.cert.level, e.label, e.ref, "certificate: "+e.cert.alarm())
		for _, words := range []string{behindWords(e), incompleteWords(e), clockWords(e)} {
			if words != "" {
				add(warning, e.label, e.ref, words)
			}
		}
	}
	for _, d := range distinctDrifts(s.bonds) {
		if slices.ContainsFunc(s.findings, func(f *finding) bool { return f.Rule == alikeRule && s.pathLabel(f.Service, f.Path) == d.who.label }) {
			continue // a gate's finding says it
		}
		add(warning, d.who.label, d.who.ref, d.String())
	}
	for _, d := range addressDrifts(s) {
		add(warning, d.who.label, d.who.ref, d.String())
	}
	return found.all
}

// findingIssues are of rules that are not kept.
func findingIssues(s *section) []issue {
	found := issuesOf{section: s}
	for _, f := range s.findings {
		if s.saidBy(f.Finding) {
			continue
		}
		found.add(findingLevel(f.Finding), s.pathLabel(f.Service, f.Path), f.ref, findingWords(f.Finding))
	}
	return found.all
}

// benchIssues are of measurements.
func benchIssues(s *section) []issue {
	found := issuesOf{section: s}
	for _, t := range s.trials {
		l, words := trialWords(t)
		found.add(l, t.label, t.ref, words)
	}
	return found.all
}

// limitIssues are of limits that are missed or undecided.
func limitIssues(s *section) []issue {
	found := issuesOf{section: s}
	for _, o := range s.objectives {
		if s.toldAlready(o) {
			continue
		}
		if s.missedBelow(o) {
			continue
		}
		l, words := objectiveWords(o.Objective)
		if rated := s.stepRate(o); rated > 0 && words != "" {
			words = fmt.Sprintf("at %s/s %s", rate(rated), words)
		}
		found.add(l, s.pathLabel(o.Service, o.Path), o.ref, words)
	}
	for _, p := range s.plans {
		found.add(planLevel(p.Plan), s.planLabel(p.Plan), p.ref, planWords(p.Plan))
	}
	for _, c := range s.capacities {
		l, words := capacityWords(c.Capacity)
		found.add(l, c.label, c.ref, words)
	}
	return found.all
}

// likenessIssues are of comparisons: with another run, and of unlike handshakes.
func likenessIssues(s *section) []issue {
	found := issuesOf{section: s}
	for _, c := range s.comparisons {
		if o := comparisonOutcome(c.Comparison); c.BaselineRun != "" && o.end != passed {
			found.add(map[end]level{failed: bad, undecided: warning}[o.end], s.pathLabel(c.Service, c.Candidate), c.ref, fmt.Sprintf("%s %s: %s", clean(c.Phase), clean(c.Quantile), clean(o.words)))
		}
		if unlike := s.unlike(c); unlike != "" {
			found.add(warning, s.pathLabel(c.Service, c.Candidate), c.ref, fmt.Sprintf("compared with %s, but not like with like: %s", baselineName(c), unlike))
		}
	}
	return found.all
}

// distinctDrifts names an instance's drift once, though several load balancers
// may share it: from the most siblings.
func distinctDrifts(bonds []*bond) []drift {
	var out []drift
	for _, b := range bonds {
		for _, d := range b.drifts {
			i := slices.IndexFunc(out, func(o drift) bool { return o.who == d.who })
			switch {
			case i < 0:
				out = append(out, d)
			case len(d.from) > len(out[i].from):
				out[i] = d
			}
		}
	}
	return out
}

// statusWords says what could not be determined of an endpoint, and why.
func statusWords(e *endpoint) (level, string) {
	switch e.Status {
	case results.Complete:
		return fine, ""
	case results.Failed:
		why := "no version determined"
		if len(e.Failures) > 0 {
			why = failureWords(e.Failures[0])
		}
		return bad, "no TLS answer: " + why
	}
	unknown := append(undeterminedWords(e.Undetermined, false), moreUnknown(e)...)
	words := "unknown: " + list(unknown, 3)
	if len(unknown) == 0 {
		words = "not everything that was asked got an answer"
	}
	if len(e.Failures) > 0 {
		words += " (" + failuresWords(e.Failures) + ")"
	}
	return warning, words
}

func trialWords(t *trial) (level, string) {
	switch failed := failureCount(t.Failures); {
	case !t.Valid:
		return warning, "measurement invalid, not a slow server: " + whyInvalid(t.Trial)
	case failed > 0:
		return warning, fmt.Sprintf("%s of %s handshakes failed (%s)", grouped(failed), grouped(t.Due), failuresWords(t.Failures))
	case t.OtherShape > 0:
		return warning, fmt.Sprintf("%s of %s handshakes negotiated another shape than asked", grouped(t.OtherShape), grouped(t.Due))
	case len(t.Notes) > 0:
		return warning, clean(strings.Join(t.Notes, "; "))
	}
	return fine, ""
}

func whyInvalid(t *results.Trial) string {
	if len(t.InvalidWhy) == 0 {
		return "no reason given"
	}
	return clean(strings.Join(slices.Concat(t.InvalidWhy, t.Notes), "; "))
}

// findingLevel ranks a finding; one that is waived is noted only.
func findingLevel(f *results.Finding) level {
	switch {
	case f.WaivedUntil != "", f.Allowed != "":
		return notable
	case f.Status == results.FindingFail && severityRank(f.Severity) <= 1:
		return bad
	case f.Status == results.FindingFail, f.Status == results.FindingUnknown:
		return warning
	case f.Status == results.FindingWarn:
		return notable
	}
	return fine
}

// alikeRule names a gate's finding on an instance that drifted.
const alikeRule = "siblings-alike"

func severityRank(s results.Severity) int {
	order := []results.Severity{results.High, results.Medium, results.Low, results.Info}
	if i := slices.Index(order, s); i >= 0 {
		return i
	}
	return len(order)
}

func findingWords(f *results.Finding) string {
	verb := map[results.FindingStatus]string{results.FindingFail: "fails", results.FindingUnknown: "not determined for", results.FindingWarn: "warned by"}[f.Status]
	words := fmt.Sprintf("%s %s %s", cmp.Or(verb, clean(string(f.Status))), clean(f.Profile), clean(f.Rule))
	if f.Observed != "" {
		words += ": " + clean(f.Observed)
	}
	return words
}

// merged puts paths that have the same issue into one.
func merged(issues []issue) []issue {
	var out []issue
	for _, group := range alike(issues, func(i issue) string { return fmt.Sprint(i.level, i.words) }) {
		one := group[0]
		for _, other := range group[1:] {
			one.labels = append(one.labels, other.labels...)
			one.refs = append(one.refs, other.refs...)
		}
		out = append(out, one)
	}
	return out
}
