// What a sweep says to people, in a mail from cron: what changed, what is to be
// mended, who is silent. Nothing where there is nothing to say.

package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"shakedown/results"
)

// WriteSweep writes it as plain lines.
func WriteSweep(w io.Writer, changes []*results.Change, findings []*results.Finding, silent []*results.LastKnown) error {
	var b strings.Builder
	if len(changes) > 0 {
		fmt.Fprintf(&b, "Changed since the last sweep\n")
		for _, c := range changes {
			c := changed{Change: c}
			fmt.Fprintf(&b, "  %s %s: %s\n", c.sign(), c.where(), c.words())
		}
	}
	if len(findings) > 0 {
		fmt.Fprintf(&b, "Findings\n")
		for _, group := range groupedFindings(findings) {
			var where []string
			for _, f := range group {
				where = append(where, clean(f.Service+"/"+f.Path))
			}
			fmt.Fprintf(&b, "  %s %s: %s\n", markOfFinding(group[0]), findingWords(group[0]), list(where, 5))
		}
	}
	if len(silent) > 0 {
		fmt.Fprintf(&b, "Silent, and last known\n")
		for _, s := range silent {
			fmt.Fprintf(&b, "  ? %s at %s: %s, in run %s\n", clean(s.Service+"/"+s.Path), clean(s.Address), moment(s.ObservedAt), clean(s.Run))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// groupedFindings puts the paths that have the same finding together, worst first.
func groupedFindings(findings []*results.Finding) [][]*results.Finding {
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b *results.Finding) int {
		return int(findingLevel(b)) - int(findingLevel(a))
	})
	return alike(sorted, func(f *results.Finding) string { return findingWords(f) + string(f.Status) })
}

func markOfFinding(f *results.Finding) string {
	switch f.Status {
	case results.FindingFail:
		return "✗"
	case results.FindingUnknown:
		return "?"
	}
	return "!"
}
