// CSV, for spreadsheets: a row for each endpoint, finding, trial and
// comparison; columns that do not apply are empty.

package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"shakedown/results"
)

// columns are the columns of the table, each filled by what it applies to.
func csvColumns() []string {
	return []string{
		"record", "service", "path", "kind", "address", "status", "observed_at",
		"versions", "suites", "groups", "certificate_trusted", "certificate_problems", "certificate_not_after",
		"profile", "rule", "severity", "expected", "observed", "citation", "waived_until",
		"shape", "offered_rate", "achieved_rate", "handshakes", "connect_p50_us", "handshake_p50_us", "handshake_p99_us", "total_p99_us",
		"baseline", "phase", "quantile", "ratio", "ratio_low", "ratio_high", "verdict",
	}
}

func writeCSV(w io.Writer, runs []Run) error {
	columns := csvColumns()
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return err
	}
	for _, run := range runs {
		for _, r := range run.Records {
			values := csvValues(r, run)
			if values == nil {
				continue
			}
			values["record"] = r.Type()
			row := make([]string, len(columns))
			for i, c := range columns {
				row[i] = csvCell(values[c])
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

func csvValues(r results.Record, run Run) map[string]string {
	switch r := r.(type) {
	case *results.Endpoint:
		return csvEndpoint(r, run)
	case *results.Finding:
		return map[string]string{
			"service": r.Service, "path": r.Path, "address": r.Address, "status": string(r.Status), "profile": r.Profile, "rule": r.Rule,
			"severity": string(r.Severity), "expected": r.Expected, "observed": r.Observed, "citation": r.Citation, "waived_until": r.WaivedUntil,
		}
	case *results.Trial:
		return csvTrial(r)
	case *results.Comparison:
		return map[string]string{
			"service": r.Service, "path": r.Candidate, "baseline": r.Baseline, "shape": shapeWords(r.Shape), "phase": r.Phase, "quantile": r.Quantile,
			"ratio": decimal(r.Ratio), "ratio_low": decimal(r.RatioLow), "ratio_high": decimal(r.RatioHigh), "verdict": r.Verdict,
		}
	}
	return nil
}

func csvEndpoint(e *results.Endpoint, run Run) map[string]string {
	at := e.StartedAt
	if at.IsZero() {
		at = run.Header.StartedAt
	}
	v := map[string]string{
		"service": e.Service, "path": e.Path, "kind": string(e.Kind), "address": e.Address, "status": string(e.Status),
		"observed_at": at.UTC().Format(time.RFC3339), "versions": versionsText(&endpoint{Endpoint: e}),
	}
	var suites, groups []string
	for _, version := range results.Versions() {
		for _, s := range e.Suites[version] {
			suites = append(suites, fmt.Sprintf("%s %s", version, firstOf(s.Name, s.ID)))
		}
		for _, g := range e.Groups[version] {
			groups = append(groups, fmt.Sprintf("%s %s", version, firstOf(g.Name, g.ID)))
		}
	}
	v["suites"], v["groups"] = strings.Join(suites, "; "), strings.Join(groups, "; ")
	var trust, problems, ends []string
	for _, c := range e.Chains {
		trust = append(trust, string(c.Trusted))
		for _, p := range c.Problems {
			problems = append(problems, string(p))
		}
		if len(c.Certificates) > 0 && !c.Certificates[0].NotAfter.IsZero() {
			ends = append(ends, c.Certificates[0].NotAfter.UTC().Format(time.RFC3339))
		}
	}
	v["certificate_trusted"], v["certificate_problems"], v["certificate_not_after"] = strings.Join(trust, "; "), strings.Join(problems, "; "), strings.Join(ends, "; ")
	return v
}

func csvTrial(t *results.Trial) map[string]string {
	v := map[string]string{
		"service": t.Service, "path": t.Path, "kind": string(t.Kind), "address": t.Address, "status": map[bool]string{true: "valid", false: "invalid"}[t.Valid],
		"observed_at": t.StartedAt.UTC().Format(time.RFC3339), "shape": shapeWords(t.Asked), "achieved_rate": decimal(t.AchievedRate), "handshakes": strconv.Itoa(t.Handshakes),
	}
	if t.OfferedRate > 0 {
		v["offered_rate"] = decimal(t.OfferedRate)
	}
	v["connect_p50_us"] = quantile(t.Phases.Connect, func(d *results.Dist) float64 { return d.P50US })
	v["handshake_p50_us"] = quantile(t.Phases.Handshake, func(d *results.Dist) float64 { return d.P50US })
	v["handshake_p99_us"] = quantile(t.Phases.Handshake, func(d *results.Dist) float64 { return d.P99US })
	v["total_p99_us"] = quantile(t.Phases.Total, func(d *results.Dist) float64 { return d.P99US })
	return v
}

// quantile is one of a phase's, "" where nothing was measured.
func quantile(d *results.Dist, of func(*results.Dist) float64) string {
	if d == nil {
		return ""
	}
	return decimal(of(d))
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// maxCell is what spreadsheets take.
const maxCell = 32_000

// csvCell keeps a spreadsheet from taking a peer's text for a formula: what
// begins like one gets an apostrophe before it.
func csvCell(s string) string {
	s = cleanUpTo(s, maxCell)
	if s != "" && strings.ContainsRune("=+-@\t\r|%", rune(s[0])) {
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return "'" + s
		}
	}
	return s
}
