// Trouble: one line on a record, for those who do not look at the report.

package report

import (
	"cmp"
	"fmt"

	"shakedown/results"
)

// Trouble says what could not be determined of a record's path, or what it
// fails or misses; "" where there is nothing to say.
func Trouble(rec results.Record) string {
	switch rec := rec.(type) {
	case *results.Endpoint:
		if _, words := statusWords(&endpoint{Endpoint: rec}); words != "" {
			return fmt.Sprintf("%s: %s", Where(rec.Service, rec.Path), words)
		}
	case *results.Finding:
		if rec.WaivedUntil+rec.Allowed != "" {
			return ""
		}
		if rec.Status == results.FindingFail || rec.Status == results.FindingUnknown {
			return fmt.Sprintf("%s: %s", Where(rec.Service, rec.Path), findingWords(rec))
		}
	case *results.Match:
		if len(rec.Exact)+len(rec.Nearest) == 0 {
			return fmt.Sprintf("%s: %s", Where(rec.Service, rec.Path), matchWords(rec))
		}
	case *results.Trial:
		if !rec.Valid {
			return fmt.Sprintf("%s: invalid measurement: %s", Where(rec.Service, rec.Path), whyInvalid(rec))
		}
	case *results.Calibration:
		if calibrationLevel(rec) >= warning {
			c := calibration{part: rec.Part, checks: []*results.Calibration{rec}}
			return fmt.Sprintf("calibration, %s: %s", clean(rec.Part), c.words())
		}
	case *results.Objective:
		if _, words := objectiveWords(rec); words != "" {
			return fmt.Sprintf("%s: %s", Where(rec.Service, rec.Path), words)
		}
	case *results.Plan:
		if words := planWords(rec); words != "" {
			return fmt.Sprintf("%s: %s", Where(rec.Service, cmp.Or(rec.Path, list(rec.Unmeasured, 2))), words)
		}
	case *results.Capacity:
		if _, words := capacityWords(rec); words != "" {
			return fmt.Sprintf("%s: %s", Where(rec.Service, rec.Path), words)
		}
	}
	return ""
}

// Where names a path, safe to print; a chain file is a service without one.
func Where(service, path string) string {
	if path == "" {
		return clean(service)
	}
	return clean(service + "/" + path)
}

// Undetermined says what could not be determined of an endpoint, and why; ""
// where everything was.
func Undetermined(e *results.Endpoint) string {
	_, words := statusWords(&endpoint{Endpoint: e})
	return words
}
