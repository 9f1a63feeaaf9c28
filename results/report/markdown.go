// Markdown, for the summary of a CI job: the verdict, what to act on, what
// each path serves and costs.

package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"shakedown/results"
)

// mostRows bounds a table of a job's summary: GitHub shows 1 MiB at most.
const mostRows = 500

func writeMarkdown(w io.Writer, runs []Run, threshold results.Severity) error {
	var b strings.Builder
	all, d := outcomesOf(runs, threshold), newDigest(runs)
	if verdicts := verdictsOf(runs); len(verdicts) > 0 {
		for _, v := range verdicts {
			fmt.Fprintf(&b, "## shakedown %s\n\n", markdownText(verdictWords(v)))
		}
	} else {
		fmt.Fprintf(&b, "## shakedown: %s\n\n", headline(all, d))
	}
	markdownTable(&b, []string{"", "path", "rule", "severity", "what was found"}, markdownOutcomes(worstFirst(all)))
	markdownChanges(&b, d)
	for _, s := range d.sections {
		markdownSection(&b, s)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// headline is the verdict over all outcomes in words.
func headline(all []outcome, d *digest) string {
	if len(all) == 0 && len(d.changes) > 0 {
		return plural(len(d.changes), "change")
	}
	count := map[end]int{}
	for _, o := range all {
		count[o.end]++
	}
	var words []string
	if n := count[failed]; n > 0 {
		words = append(words, fmt.Sprintf("%s failed", grouped(n)))
	}
	if n := count[undecided]; n > 0 {
		words = append(words, fmt.Sprintf("%s could not be determined", grouped(n)))
	}
	if len(words) == 0 {
		words = append(words, "nothing failed, nothing is unknown")
	}
	if n := count[waived]; n > 0 {
		words = append(words, fmt.Sprintf("%s waived", grouped(n)))
	}
	return strings.Join(words, ", ")
}

func markdownOutcomes(all []outcome) [][]string {
	marks := map[end]string{failed: "❌ fail", undecided: "❓ unknown", advised: "ℹ️ advice", waived: "🔕 waived", allowed: "❔ allowed"}
	var rows [][]string
	for _, o := range all {
		words := o.sentence()
		if o.until != "" {
			words += ", waived until " + clean(o.until)
		}
		rows = append(rows, []string{marks[o.end], clean(o.where()), clean(o.id()), clean(string(o.severity)), words})
	}
	return rows
}

func markdownSection(b *strings.Builder, s *section) {
	if len(s.endpoints) > 0 {
		fmt.Fprintf(b, "### %s\n\n", markdownText(s.title))
	}
	var rows [][]string
	for _, e := range s.endpoints {
		rows = append(rows, []string{e.label, kindText(e.Kind), versionsText(e), e.cert.compact(), string(e.Status)})
	}
	markdownTable(b, []string{"path", "kind", "versions", "certificate", "scan"}, rows)
	rows = nil
	for _, t := range s.trials {
		row := []string{t.label, fmt.Sprintf("%.0f/s", t.AchievedRate), "", "", map[bool]string{true: "valid", false: "invalid"}[t.Valid]}
		if h := t.Phases.Handshake; h != nil {
			row[2], row[3] = fmt.Sprintf("%.2f ms", h.P50US/1000), fmt.Sprintf("%.2f ms", h.P99US/1000)
		}
		rows = append(rows, row)
	}
	markdownTable(b, []string{"path", "rate", "handshake p50", "p99", "measurement"}, rows)
	rows = nil
	for _, c := range s.comparisons {
		rows = append(rows, []string{c.Candidate, baselineName(c), c.Phase + " " + c.Quantile, fmt.Sprintf("×%.2f", c.Ratio), fmt.Sprintf("%.2f – %.2f", c.RatioLow, c.RatioHigh), c.Verdict})
	}
	markdownTable(b, []string{"candidate", "baseline", "phase", "ratio", "interval", "verdict"}, rows)
	markdownPlans(b, s)
}

// versionsText lists the versions that an endpoint serves, and how many it is
// not known of.
func versionsText(e *endpoint) string {
	var served, unknown []string
	for _, v := range results.Versions() {
		switch e.Versions[v] {
		case results.Yes:
			served = append(served, string(v))
		case results.Unknown:
			unknown = append(unknown, string(v)+"?")
		}
	}
	return cmp.Or(strings.Join(append(served, unknown...), ", "), "none known")
}

func kindText(k results.PathKind) string { return cmp.Or(clean(string(k)), "–") }

func markdownTable(b *strings.Builder, head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	more := len(rows) - mostRows
	markdownRow(b, head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, row := range rows[:min(len(rows), mostRows)] {
		markdownRow(b, row)
	}
	if more > 0 {
		fmt.Fprintf(b, "\n… and %s more\n", grouped(more))
	}
	b.WriteString("\n")
}

func markdownRow(b *strings.Builder, cells []string) {
	for _, c := range cells {
		b.WriteString("| " + markdownText(c) + " ")
	}
	b.WriteString("|\n")
}

// markdownText makes a text mean itself: no markup, no HTML, no links, no
// mentions.
func markdownText(s string) string {
	var b strings.Builder
	for _, r := range clean(s) {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '@', r == '#': // GitHub's mentions and references heed no backslash
			fmt.Fprintf(&b, "&#%d;", r)
		case strings.ContainsRune("\\`*_{}[]()>|!~$", r):
			b.WriteRune('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "://", ":&#47;/") // no links of themselves
}
