// The formats for machines: what they say of a run, that their own readers
// take them, and that hostile text stays text.

package report

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"shakedown/results"
	"shakedown/results/schema/schematest"
)

// verdictRun is a gate's run with every way in which a rule can end.
func verdictRun() Run {
	run := scanRun()
	run.Header.Command = "gate"
	finding := func(path, rule string, status results.FindingStatus, severity results.Severity, observed string) *results.Finding {
		return &results.Finding{
			Service: "portal", Path: path, Address: "127.0.0.1:9002", Profile: "nist-800-52r2", Rule: rule, Status: status, Severity: severity,
			Expected: "no TLS 1.0", Observed: observed, Citation: "NIST SP 800-52r2 §3.1", Mend: "nginx: ssl_protocols TLSv1.2 TLSv1.3;\nHAProxy: ssl-min-ver TLSv1.2",
		}
	}
	waived := finding("i-2", "tls1.1-off", results.FindingFail, results.High, "TLS 1.1 is served")
	waived.WaivedUntil = "2026-12-31"
	run.Records = append(run.Records,
		finding("i-2", "tls1.0-off", results.FindingFail, results.High, "TLS 1.0 is served"), waived,
		finding("i-2", "ocsp", results.FindingWarn, results.Low, "no staple"),
		finding("i-1", "tls1.0-off", results.FindingPass, results.High, "TLS 1.0 is refused"),
		finding("i-1", "dh-size", results.FindingNotApplicable, results.High, "no DHE"),
		finding("nlb", "tls1.0-off", results.FindingUnknown, results.High, "no answer to TLS 1.0"),
		finding("evil\x1b[31m]]>", "<script>alert(1)</script>", results.FindingFail, results.High, "=cmd|' /C calc'!A0 ]]> \u202e ::error::x %0A @team [x](https://evil.example) | `code`\r\n"),
	)
	allowed := finding("nlb", "hsts", results.FindingUnknown, results.Low, "was not asked")
	allowed.Allowed = "hsts"
	limit := 1.31
	run.Records = append(run.Records, allowed,
		&results.Finding{
			Service: "portal", Path: "hsm", Address: "127.0.0.1:9005", Profile: "inventory", Rule: "answers", Status: results.FindingUnknown, Severity: results.High,
			Expected: "the endpoint answers, and everything that is asked is determined", Observed: "no TLS answer: connection refused",
		},
		&results.Comparison{Service: "portal", Baseline: "i-1", Candidate: "i-1", BaselineRun: "last.jsonl", Phase: "handshake", Quantile: "p50", Ratio: 1.31, RatioLow: 1.27, RatioHigh: 1.36, Verdict: "slower"},
		&results.Objective{Service: "portal", Path: "i-1", Objective: "handshake.p99<1ms", Unit: "us", Limit: 1000, Observed: &limit, N: 5000, Verdict: results.ObjectiveMet},
		&results.Objective{Service: "portal", Path: "i-2", Objective: "handshake.p99<1ms", Unit: "us", Limit: 1000, N: 5, Verdict: results.ObjectiveUnknown, Why: "5 handshakes do not decide it"},
		&results.Verdict{Verdict: results.GateClosed, FailOn: results.Medium, Why: []string{"2 findings fail", "1 limit is missed", "1 endpoint could not be determined"}},
	)
	return closed(run, 1)
}

func TestMachineFormats(t *testing.T) {
	golden(t, "verdicts-100.txt", rendered(t, "text", Options{}, verdictRun()))
	for format, ending := range map[string]string{"junit": "xml", "sarif": "json", "markdown": "md", "github": "txt", "csv": "csv", "prometheus": "prom"} {
		golden(t, "verdicts."+ending, rendered(t, format, Options{}, verdictRun()))
		bench := benchRun()
		golden(t, "bench."+ending, rendered(t, format, Options{}, bench))
	}
}

func TestJUnitCounts(t *testing.T) {
	var suites junitSuites
	text := rendered(t, "junit", Options{FailOn: results.Low}, verdictRun())
	if err := xml.Unmarshal([]byte(text), &suites); err != nil {
		t.Fatal(err)
	}
	ends := map[string]string{}
	for _, s := range suites.Suites {
		for _, c := range s.Cases {
			switch key := c.Class + " " + c.Name; {
			case c.Failure != nil:
				ends[key] = "failure"
			case c.Error != nil:
				ends[key] = "error"
			case c.Skipped != nil:
				ends[key] = "skipped"
			default:
				ends[key] = "passed"
			}
		}
	}
	const rule = " nist-800-52r2/"
	for key, want := range map[string]string{
		"portal/i-2" + rule + "tls1.0-off at 127.0.0.1:9002": "failure", "portal/i-2" + rule + "tls1.1-off at 127.0.0.1:9002": "skipped",
		"portal/i-2" + rule + "ocsp at 127.0.0.1:9002": "failure", "portal/i-1" + rule + "tls1.0-off at 127.0.0.1:9002": "passed",
		"portal/i-1" + rule + "dh-size at 127.0.0.1:9002": "skipped", "portal/nlb" + rule + "tls1.0-off at 127.0.0.1:9002": "error",
		"portal/nlb" + rule + "hsts at 127.0.0.1:9002": "skipped", "portal/i-1 baseline/handshake.p50": "failure",
		"portal/i-1 limit/handshake.p99<1ms": "passed", "portal/i-2 limit/handshake.p99<1ms": "error",
	} {
		if ends[key] != want {
			t.Errorf("%s: %q, want %s", key, ends[key], want)
		}
	}
	if suites.Tests != len(ends) || suites.Failures != 4 || suites.Errors != 5 || suites.Skipped != 3 {
		t.Errorf("%d tests of %d, %d failures, %d errors, %d skipped", suites.Tests, len(ends), suites.Failures, suites.Errors, suites.Skipped)
	}
}

// TestSARIFIsValid holds it against the published schema.
func TestSARIFIsValid(t *testing.T) {
	check, err := schematest.Compile(publishedSARIF(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range []Run{verdictRun(), benchRun(), fleetRun(3), {Header: results.Header{StartedAt: runTime, Command: "gate", Paths: []string{"a/b"}}}} {
		run := run
		if run.Trailer == nil {
			run = closed(run, 3)
			run.Trailer.Complete = false
		}
		if err := check([]byte(rendered(t, "sarif", Options{}, run))); err != nil {
			t.Error(err)
		}
	}
	if check([]byte(`{"version":"2.1.0","runs":[{"tool":{},"results":[]}]}`)) == nil {
		t.Error("the schema takes a run without a driver")
	}
}

// publishedSARIF is OASIS' schema (errata 01), which the package sarif carries
// and keeps to itself.
func publishedSARIF(t *testing.T) string {
	t.Helper()
	of := reflect.TypeFor[sarif.Report]().PkgPath()
	folder, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", of).Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(folder)), "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	spec, ok := file.Scope.Lookup("schema").Decl.(*ast.ValueSpec)
	if !ok {
		t.Fatalf("%s has no schema any more", of)
	}
	text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestPrometheusReadsIt asks Prometheus' own checker.
func TestPrometheusReadsIt(t *testing.T) {
	for _, run := range []Run{verdictRun(), benchRun()} {
		check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
		check.Stdin = strings.NewReader(rendered(t, "prometheus", Options{}, run))
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("promtool: %v\n%s", err, out)
		}
	}
}

func TestCSVHasOneShape(t *testing.T) {
	for _, run := range []Run{verdictRun(), benchRun()} {
		rows, err := csv.NewReader(strings.NewReader(rendered(t, "csv", Options{}, run))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) && !regexp.MustCompile(`^-?[0-9.]+$`).MatchString(cell) {
					t.Errorf("a formula: %q", cell)
				}
			}
		}
	}
}

// TestHostileTextIsHarmless looks for what must not come out as it went in.
func TestHostileTextIsHarmless(t *testing.T) {
	for _, format := range Formats() {
		if format == "json" {
			continue // JSON escapes by itself, and keeps what was said
		}
		got := rendered(t, format, Options{}, verdictRun())
		if i := strings.IndexFunc(got, func(r rune) bool { return r == 0x1b || r == 0x202e || r < ' ' && r != '\n' && r != '\t' }); i >= 0 && format != "html" {
			t.Errorf("%s: %q", format, got[max(i-40, 0):min(i+40, len(got))])
		}
		forbidden := map[string][]string{
			"junit": {"<script", "]]>"}, "html": {"<script>alert", "\x1b", "\u202e"}, "csv": {"\n=cmd", ",=cmd"},
			"markdown": {"<script", "[x](", "@team", "https://evil", "| `code`"}, "github": {"\n::error::x"},
		}
		for _, bad := range forbidden[format] {
			if strings.Contains(got, bad) {
				t.Errorf("%s holds %q", format, bad)
			}
		}
	}
}

// TestLongTextIsCut has a peer whose names are a megabyte long: no report grows
// with them. Only records keep what was said.
func TestLongTextIsCut(t *testing.T) {
	long := strings.Repeat("A\x1b<]]>=\u202e", 100_000)
	e := hostile()
	e.Path, e.ServerName, e.Protocol.ALPN = "evil", long, []string{long}
	leaf := &e.Chains[0].Certificates[0]
	leaf.Subject, leaf.Issuer, leaf.DNSNames = "CN="+long, "CN="+long, []string{long, long}
	e.Failures = []results.Failure{{Stage: results.StageHandshake, Kind: results.KindMalformed, Count: 1, Detail: long}}
	run := closed(Run{Name: "long.jsonl", Header: results.Header{Schema: results.Schema, StartedAt: runTime, Command: "gate"}, Records: []results.Record{
		e, &results.Finding{Service: "portal", Path: "evil", Profile: "p", Rule: "r", Status: results.FindingFail, Severity: results.High, Expected: long, Observed: long},
		&results.Change{Kind: results.Changed, Service: "portal", Path: "evil", Fact: "certificate", Name: "certificate", Old: long, New: long},
	}}, 1)
	empty := closed(Run{Name: "long.jsonl", Header: run.Header}, 0)
	for _, format := range Formats() {
		if format == "json" {
			continue
		}
		if grown := len(rendered(t, format, Options{}, run)) - len(rendered(t, format, Options{}, empty)); grown > 200_000 {
			t.Errorf("%s grows by %d bytes", format, grown)
		}
	}
}

func TestCutOffRunIsNoPass(t *testing.T) {
	run := Run{Header: results.Header{StartedAt: runTime, Command: "gate", Paths: []string{"portal/i-1"}}, Trailer: &results.Trailer{EndedAt: runTime.Add(time.Second)}}
	var suites junitSuites
	if err := xml.Unmarshal([]byte(rendered(t, "junit", Options{}, run)), &suites); err != nil || suites.Errors != 1 {
		t.Errorf("%d errors, %v", suites.Errors, err)
	}
	if got := rendered(t, "markdown", Options{}, run); !strings.Contains(got, "1 could not be determined") {
		t.Errorf("markdown: %s", got)
	}
}

func TestFailsAtThreshold(t *testing.T) {
	for _, c := range []struct {
		finding   results.Finding
		threshold results.Severity
		want      bool
	}{
		{results.Finding{Status: results.FindingFail, Severity: results.Medium}, results.Medium, true},
		{results.Finding{Status: results.FindingFail, Severity: results.Low}, results.Medium, false},
		{results.Finding{Status: results.FindingFail, Severity: "dire"}, results.High, true},
		{results.Finding{Status: results.FindingWarn, Severity: results.High}, results.Medium, false},
		{results.Finding{Status: results.FindingWarn, Severity: results.High}, results.Low, true},
		{results.Finding{Status: results.FindingFail, Severity: results.High, WaivedUntil: "2030-01-01"}, results.Info, false},
		{results.Finding{Status: results.FindingUnknown, Severity: results.High}, results.Info, false},
	} {
		if got := c.finding.Fails(c.threshold); got != c.want {
			t.Errorf("%+v at %s: %v", c.finding, c.threshold, got)
		}
	}
}

// FuzzMachineFormats renders what a peer may say, in every format.
func FuzzMachineFormats(f *testing.F) {
	f.Add("evil\x1b]]>", "<b>", "=1+1")
	f.Fuzz(func(t *testing.T, path, rule, observed string) {
		run := closed(Run{Header: results.Header{StartedAt: runTime, Command: "gate"}, Records: []results.Record{
			&results.Finding{Service: "s", Path: path, Rule: rule, Observed: observed, Mend: observed, Status: results.FindingFail, Severity: results.High},
		}}, 1)
		for _, format := range []string{"junit", "sarif", "markdown", "github", "csv", "prometheus"} {
			var b bytes.Buffer
			sink, err := New(format, &b, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := Replay([]Run{run}, sink); err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			checkWellFormed(t, format, b.String())
		}
	})
}

func checkWellFormed(t *testing.T, format, text string) {
	t.Helper()
	switch format {
	case "junit":
		d := xml.NewDecoder(strings.NewReader(text))
		for {
			if _, err := d.Token(); err == io.EOF {
				return
			} else if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
		}
	case "csv":
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || slices.ContainsFunc(rows, func(r []string) bool { return len(r) != len(csvColumns()) }) {
			t.Fatalf("%v\n%s", err, text)
		}
	case "github":
		for line := range strings.Lines(text) {
			if !regexp.MustCompile(`^::(error|notice) title=[^:,\n]*::.*\n$`).MatchString(line) {
				t.Fatalf("%q", line)
			}
		}
	case "prometheus":
		for line := range strings.Lines(text) {
			if !regexp.MustCompile(`^(# .*|shakedown_[a-z_]+\{([a-z_]+="([^"\\\n]|\\[\\"n])*",?)*\} [-+0-9.eE]+)\n$`).MatchString(line) {
				t.Fatalf("%q", line)
			}
		}
	}
}

// TestMetricsOfTwins: of two certificates of one kind of key the worse one is what a
// metric tells.
func TestMetricsOfTwins(t *testing.T) {
	for _, days := range [][2]int{{5, 200}, {200, 5}} {
		e := &results.Endpoint{Service: "portal", Path: "alb", ServerName: "portal.example", Status: results.Complete, StartedAt: runTime}
		for _, left := range days {
			e.Chains = append(e.Chains, chain("portal.example", cert("CN=portal", "CN=issuer", 2048, "RSA", -60, left)))
		}
		worse := &e.Chains[slices.Index(days[:], 5)]
		worse.Trusted = results.No
		got := rendered(t, "prometheus", Options{}, closed(Run{Header: results.Header{Schema: results.Schema, StartedAt: runTime, Command: "scan"}, Records: []results.Record{e}}, 0))
		end := strconv.FormatFloat(float64(worse.Certificates[0].NotAfter.Unix()), 'g', -1, 64)
		for _, want := range []string{`server_name="portal.example"} 0` + "\n", `server_name="portal.example"} ` + end + "\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("%v days: no %q in\n%s", days, want, got)
			}
		}
	}
}
