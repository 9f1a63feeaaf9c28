// Trouble: one line on a record, for those who do not look at the report.

package report

import (
	"fmt"

	"shakedown/results"
)

// Trouble says what could not be determined of a record's path, or what it
// missed; "" where there is nothing to say.
func Trouble(rec results.Record) string {
	switch rec := rec.(type) {
	case *results.Endpoint:
		if _, words := statusWords(&endpoint{Endpoint: rec}); words != "" {
			return fmt.Sprintf("%s: %s", clean(rec.Service+"/"+rec.Path), words)
		}
	case *results.Trial:
		if !rec.Valid {
			return fmt.Sprintf("%s: invalid measurement: %s", clean(rec.Service+"/"+rec.Path), whyInvalid(rec))
		}
	case *results.Objective:
		if _, words := objectiveWords(rec); words != "" {
			return fmt.Sprintf("%s: %s", clean(rec.Service+"/"+rec.Path), words)
		}
	case *results.Capacity:
		if _, words := capacityWords(rec); words != "" {
			return fmt.Sprintf("%s: %s", clean(rec.Service+"/"+rec.Path), words)
		}
	}
	return ""
}
