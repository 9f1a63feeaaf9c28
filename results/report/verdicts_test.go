package report

import (
	"strings"
	"testing"
	"unicode"

	"shakedown/results"
)

// judgedRun has findings that two paths share, and named policies, with text
// from a server that would break a terminal or a page.
func judgedRun() Run {
	const evil = "\x1b[31m<script>alert(1)</script>\u202e"
	finding := func(path, rule string, status results.FindingStatus, severity results.Severity) *results.Finding {
		return &results.Finding{Service: "portal", Path: path, Profile: "known-weaknesses", Rule: rule, Status: status, Severity: severity,
			Expected: "SSLv3 off", Observed: "SSLv3 is accepted " + evil, Citation: "RFC 7568", Mend: "nginx: ssl_protocols TLSv1.2 TLSv1.3;"}
	}
	return Run{Name: "judged.jsonl", Header: results.Header{Schema: results.Schema, Command: "scan", StartedAt: runTime}, Trailer: &results.Trailer{Complete: true},
		Records: []results.Record{
			finding("i-1", "ssl3-off", results.FindingFail, results.High), finding("i-2", "ssl3-off", results.FindingFail, results.High),
			finding("i-1", "beast", results.FindingWarn, results.Low), finding("i-1", "crime", results.FindingUnknown, results.High),
			finding("i-1", "drown", results.FindingPass, results.High),
			&results.Match{Service: "portal", Path: "i-1", Exact: []string{"aws-elb/A", "aws-clb/A"}, Hidden: []string{"the order of suites"}},
			&results.Match{Service: "portal", Path: "i-2", Exact: []string{}, Nearest: []results.PolicyDiff{{Policy: "aws-elb/B", Missing: []string{"TLSv1.3"}, Extra: []string{"RC4-MD5" + evil}}}, Hidden: []string{"the order of suites"}},
			&results.Match{Service: "portal", Path: "i-3", Exact: []string{}, Open: []results.PolicyDiff{{Policy: "aws-elb/C", Unknown: []string{"groups of TLSv1.3"}}}},
		}}
}

func TestVerdictsInText(t *testing.T) {
	got := rendered(t, "text", Options{Width: 120}, judgedRun())
	for _, want := range []string{
		"✗ i-1, i-2  fails known-weaknesses ssl3-off", "✗ known-weaknesses ssl3-off, high: SSLv3 is accepted", "i-1 and i-2 · expected: SSLv3 off · RFC 7568",
		"mend: nginx: ssl_protocols TLSv1.2 TLSv1.3;", "known-weaknesses crime, unknown", "known-weaknesses beast, warn", "✓ known-weaknesses drown, pass",
		"i-1: follows 2 policies, which cannot be told apart from outside", "aws-clb/A", "i-2: follows no named policy; the nearest",
		"aws-elb/B: missing TLSv1.3; too much RC4-MD5", "i-3: agrees in all that is known; what is unknown leaves these open", "aws-elb/C: unknown groups of TLSv1.3",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "mend: "); n != 1 {
		t.Errorf("%d mends, want one: two paths share it, a warning has none", n)
	}
	if n := strings.Count(got, "the order of suites"); n != 1 {
		t.Errorf("what is hidden is said %d times", n)
	}
	if i := strings.IndexFunc(got, func(r rune) bool { return r != '\n' && unicode.IsControl(r) || r == '\u202e' }); i >= 0 {
		t.Errorf("a control character at %q", got[i:min(len(got), i+20)])
	}
}

func TestVerdictsInHTML(t *testing.T) {
	got := rendered(t, "html", Options{}, judgedRun())
	for _, want := range []string{"Named policies", "aws-elb/B: missing TLSv1.3; too much RC4-MD5", "follows 2 policies", "ssl_protocols TLSv1.2"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if strings.Contains(got, "<script>alert") || strings.Contains(got, "\x1b") || strings.Contains(got, "\u202e") {
		t.Error("hostile text is alive in the page")
	}
}

func TestVerdictTrouble(t *testing.T) {
	for i, want := range []string{"fails", "fails", "", "not determined for", "", "", "", "agrees in all that is known"} {
		if got := Trouble(judgedRun().Records[i]); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("record %d: %q, want %q", i, got, want)
		}
	}
}
