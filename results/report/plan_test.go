package report

import (
	"strings"
	"testing"

	"shakedown/results"
)

// planRun are the plans that the searches of limitsRun give for a load.
func planRun(load results.Load) Run {
	scan := scanRun() // for the kinds that were not measured
	r := Run{Name: "plan.jsonl", Header: results.Header{Schema: results.Schema, ToolVersion: "test", StartedAt: scan.Header.StartedAt, Command: "plan"}}
	for _, p := range Evidence([]Run{limitsRun(), scan}).Plans(load) {
		r.Records = append(r.Records, p)
	}
	return closed(r, 3)
}

func TestPlanGolden(t *testing.T) {
	run := planRun(results.Load{Rate: 20000, ResumeRatio: 0.8, Headroom: 0.3, Spare: 1, HSM: "hsm2m.medium", Units: 4})
	golden(t, "plan-100.txt", rendered(t, "text", Options{}, run))
	golden(t, "plan.md", rendered(t, "markdown", Options{}, run))
	page := rendered(t, "html", Options{}, run)
	_, page, _ = strings.Cut(page, "<h3>Plan for")
	page, _, _ = strings.Cut(page, "</section>")
	golden(t, "plan.html", page)
}
