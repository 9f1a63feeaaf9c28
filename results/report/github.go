// GitHub annotations: workflow commands on standard output, which GitHub shows
// beside the job.

package report

import (
	"fmt"
	"io"
	"strings"

	"shakedown/results"
)

// mostAnnotations is how many GitHub shows of a kind in a step; the rest would
// only hide in the log.
const mostAnnotations = 10

func writeAnnotations(w io.Writer, runs []Run, threshold results.Severity) error {
	commands := map[end]string{failed: "error", undecided: "error", advised: "notice", waived: "notice", allowed: "notice"}
	given := map[string]int{}
	for _, o := range worstFirst(outcomesOf(runs, threshold)) {
		command := commands[o.end]
		if given[command]++; given[command] > mostAnnotations {
			continue
		}
		what := map[end]string{undecided: "unknown: ", waived: "waived: ", allowed: "unknown, allowed: "}[o.end]
		title := clean(o.where() + " " + o.id())
		if _, err := fmt.Fprintf(w, "::%s title=%s::%s\n", command, annotationTitle(title), annotationText(what+o.sentence())); err != nil {
			return err
		}
	}
	return nil
}

// annotationText escapes what ends a command or begins an escape.
func annotationText(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// annotationTitle escapes what also ends a property.
func annotationTitle(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(annotationText(s))
}
