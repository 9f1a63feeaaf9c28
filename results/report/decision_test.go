package report

import (
	"slices"
	"strings"
	"testing"

	"shakedown/results"
	"shakedown/results/capacity"
)

// decisionRun is a service with a choice: scanned, measured, searched.
func decisionRuns() []Run {
	scan := scanRun()
	scan.Records = slices.DeleteFunc(slices.Clone(scan.Records), func(r results.Record) bool {
		return !slices.Contains(results.PathKinds(), r.(*results.Endpoint).Kind)
	})
	scan.Records = append(scan.Records,
		&results.Match{Service: "portal", Path: "alb", Exact: []string{"aws-elb/ELBSecurityPolicy-TLS13-1-2-2021-06"}},
		&results.Finding{Service: "portal", Path: "nlb", Profile: "nist-800-52r2", Rule: "ems", Status: results.FindingUnknown, Severity: results.Medium})
	limits := limitsRun()
	limits.Records = append(limits.Records, &results.Attribution{Service: "portal", Part: "re-encryption", With: "alb-reencrypt", Without: "alb", Phase: "total", Quantile: "p50",
		AddsUS: 935, LowUS: 910, HighUS: 960, Confidence: 0.95, Blocks: 10, WithoutUS: 1480})
	return []Run{closed(scan, 3), benchRun(), closed(limits, 1)}
}

func TestDecisionGolden(t *testing.T) {
	golden(t, "decision-100.txt", onlyDecision(rendered(t, "text", Options{PlannedRate: 2000}, decisionRuns()...)))
	page := rendered(t, "html", Options{PlannedRate: 2000}, decisionRuns()...)
	_, page, _ = strings.Cut(page, `<section class="service decision"`)
	page, _, _ = strings.Cut(page, "</section>")
	golden(t, "decision.html", page)
}

func onlyDecision(text string) string {
	_, text, _ = strings.Cut(text, "  Where TLS should end\n")
	text, _, _ = strings.Cut(text, "\n\n")
	return text + "\n"
}

func TestDecisionInBrowser(t *testing.T) {
	b := newBrowser(t)
	b.size(1280, 900)
	b.media("screen", "light")
	url := pageOf(t, rendered(t, "html", Options{PlannedRate: 2000}, decisionRuns()...))
	b.open(url)
	b.shot("decision")
	b.want(`document.querySelectorAll("table.choices thead th").length`, 7)
	b.want(`[...document.querySelectorAll(".decision a.ref")].filter(a => !document.querySelector(a.getAttribute("href"))).length`, 0)
	b.want(`document.querySelectorAll(".decision a.ref").length > 30`, true)
	for _, width := range []int{1280, 390} {
		b.size(width, 900)
		b.want(`document.documentElement.scrollWidth <= innerWidth`, true)
	}
	b.silent(url)
}

// A decision is claimed by nothing but records.
func TestDecisionSays(t *testing.T) {
	runs := decisionRuns()
	whole := rendered(t, "text", Options{Width: 4000, PlannedRate: 2000}, runs...)
	scanned := rendered(t, "text", Options{Width: 4000, PlannedRate: 2000}, runs[0])
	for _, tt := range []struct {
		name, text, want string
		not              bool
	}{
		{"the difference with its interval", whole, "costs +0.935 ms (+0.910 to +0.960) on the total p50, to 1.48 ms without it", false},
		{"what the targets show", whole, "but i-2 shows: expired 11 days ago; i-3 shows: self-signed", false},
		{"a choice with an unknown is not put forward", whole, "but nlb is not known to keep ems of nist-800-52r2", false},
		{"a missed limit counts", whole, "further would reach, once what is said below is mended or known: passthrough, instance, hsm-offloaded and enclave-offloaded", false},
		{"the key is used elsewhere too", whole, "can use the same key: unless by the same device, a copy lies outside it", false},
		{"nothing else is against re-encryption", whole, "lb-reencrypted (alb-reencrypt) protects furthest", false},
		{"nothing was measured", scanned, "what it costs was not measured", false},
		{"nothing is invented", scanned, "0.", true},
		{"nothing is held", scanned, "what 2,000 handshakes/s take is unknown, as its capacity was not measured", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			said := onlyDecision(tt.text)
			if strings.Contains(said, tt.want) == tt.not {
				t.Errorf("%q in it: %v\n%s", tt.want, !tt.not, said)
			}
		})
	}
	for name, text := range map[string]string{
		"one kind is no choice":         rendered(t, "text", Options{}, Run{Header: scanRun().Header, Records: []results.Record{portalEndpoints()[0], portalEndpoints()[6]}}),
		"addresses without kinds":       rendered(t, "text", Options{}, fleetRun(5)),
		"kinds of services with a path": rendered(t, "text", Options{}, Run{Records: []results.Record{other("a", results.Instance), other("b", results.LBTerminated)}}),
	} {
		if strings.Contains(text, "Where TLS should end") {
			t.Errorf("%s, and yet there is a decision", name)
		}
	}
}

// A rule that every choice fails speaks against none of them.
func TestDecisionCommonRule(t *testing.T) {
	run := Run{Header: scanRun().Header, Records: []results.Record{portalEndpoints()[1], portalEndpoints()[6]}} // alb and i-1
	fails := func(path, rule string) *results.Finding {
		return &results.Finding{Service: "portal", Path: path, Profile: "own", Rule: rule, Status: results.FindingFail, Severity: results.Medium}
	}
	run.Records = append(run.Records, fails("alb", "staple"), fails("i-1", "staple"))
	said := onlyDecision(rendered(t, "text", Options{Width: 4000, Verbose: true}, closed(run, 1)))
	for _, want := range []string{"instance (i-1) protects furthest", "to mend whichever is chosen: 1 rule that every choice fails"} {
		if !strings.Contains(said, want) {
			t.Errorf("it lacks %q:\n%s", want, said)
		}
	}
	run.Records = append(run.Records, fails("i-1", "tls1.0-off"))
	said = onlyDecision(rendered(t, "text", Options{Width: 4000, Verbose: true}, closed(run, 1)))
	for _, want := range []string{"lb-terminated (alb) protects furthest", "further would reach, once what is said below is mended or known: instance", "but i-1 fails tls1.0-off of own"} {
		if !strings.Contains(said, want) {
			t.Errorf("it lacks %q:\n%s", want, said)
		}
	}
}

func other(service string, kind results.PathKind) *results.Endpoint {
	e := endpoint0(service, kind, "192.0.2.1:443")
	e.Service = service
	return e
}

func TestUnits(t *testing.T) {
	high := func(v float64) *float64 { return &v }
	for _, tt := range []struct {
		name    string
		planned float64
		c       results.Capacity
		want    string
	}{
		{"an interval", 2000, results.Capacity{LowRate: 60, HighRate: high(63)}, "32 to 34 units"},
		{"one is enough", 2000, results.Capacity{LowRate: 2930, HighRate: high(3060)}, "1 unit"},
		{"at least so much", 2000, results.Capacity{LowRate: 1500}, "2 units or fewer"},
		{"exactly", 3000, results.Capacity{LowRate: 1500, HighRate: high(1500.0001)}, "2 units"},
		{"no rate held", 2000, results.Capacity{HighRate: high(100)}, "at least 20 units"},
		{"a record that lies", 1e300, results.Capacity{LowRate: 1e-300}, "1,000,000,000 units or fewer"},
	} {
		full := false
		tt.c.Asked.Resumed = &full
		e := new(capacity.Evidence)
		e.Put(&tt.c, "run:2")
		if got := planUnits(e.Plans(results.Load{Rate: tt.planned})[0]); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
