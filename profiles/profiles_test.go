package profiles

import (
	"slices"
	"strings"
	"testing"
	"time"

	"shakedown/results"
)

var at = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// TestEveryProfileIsWhole makes each profile and looks at every rule.
func TestEveryProfileIsWhole(t *testing.T) {
	lib := Builtin()
	severities := []results.Severity{results.High, results.Medium, results.Low, results.Info}
	for _, name := range lib.Names() {
		p, err := lib.Find(name)
		if err != nil || p.Name != name || p.Title == "" || p.Verification == "" || len(p.Rules) == 0 {
			t.Errorf("%s: %v, %+v", name, err, p)
			continue
		}
		seen := map[string]bool{}
		for _, r := range p.Rules {
			c, ok := checkTable()[r.Check]
			if _, known := conditionTable()[r.When]; !ok || !known || seen[r.ID] || !plainID(r.ID) || r.Expected == "" || r.Citation == "" || !slices.Contains(severities, r.Severity) {
				t.Errorf("%s: rule %+v", name, r)
			}
			if c.takes == noValues && len(r.Values) > 0 || c.takes != noValues && len(r.Values) == 0 || c.limit != "" && r.Limit <= 0 {
				t.Errorf("%s: rule %s gives its check %s values %v and limit %d", name, r.ID, r.Check, r.Values, r.Limit)
			}
			if r.Advice && (r.Severity == results.High || r.Severity == results.Medium) && name != "target-group" && name != "known-weaknesses" {
				t.Errorf("%s: rule %s is advice of severity %s", name, r.ID, r.Severity)
			}
			if stray := strayValue(lib, c, r); stray != "" {
				t.Errorf("%s: rule %s has a value that nothing has: %q", name, r.ID, stray)
			}
			seen[r.ID] = true
		}
	}
}

// strayValue finds a value of a rule that no registry knows.
func strayValue(lib *Library, c check, r Rule) string {
	for _, v := range r.Values {
		ok := true
		switch c.takes {
		case versionValues:
			ok = slices.Contains(versionNames(), v)
		case wordValues:
			ok = slices.Contains(c.words, v)
		case suiteValues:
			_, class := classes()[v]
			ok = class || lib.byName[strings.ToLower(v)] != nil
		case groupValues:
			_, class := groupClasses()[v]
			_, known := lib.group(v)
			ok = class || known
		case schemeValues:
			_, known := lib.scheme(v)
			ok = known || v == "sha1" || v == "md5"
		}
		if !ok {
			return v
		}
	}
	return ""
}

// TestNothingKnownIsUnknown: an endpoint that failed, and one of which nothing
// but its versions was asked, pass no rule that needs more.
func TestNothingKnownIsUnknown(t *testing.T) {
	lib := Builtin()
	failed := &results.Endpoint{Status: results.Failed, Failures: []results.Failure{{Stage: results.StageConnect, Kind: results.KindTimeout, Count: 3}}}
	for _, name := range lib.Names() {
		p, _ := lib.Find(name)
		for _, f := range append(Judge(failed, p, at), JudgeTogether([]*results.Endpoint{failed}, p, at)...) {
			if f.Status != results.FindingUnknown {
				t.Errorf("%s %s on an endpoint that failed: %s, %s", name, f.Rule, f.Status, f.Observed)
			}
		}
		bare := &results.Endpoint{Status: results.Complete, Versions: map[results.Version]results.Answer{
			results.SSLv2: results.No, results.SSLv3: results.Yes, results.TLSv10: results.Yes, results.TLSv11: results.Yes, results.TLSv12: results.Yes, results.TLSv13: results.Yes,
		}}
		for _, f := range append(Judge(bare, p, at), JudgeTogether([]*results.Endpoint{bare}, p, at)...) {
			r := p.Rules[slices.IndexFunc(p.Rules, func(r Rule) bool { return r.ID == f.Rule })]
			if needs := checkOf(r.Check).aspects; len(needs) > 0 && f.Status != results.FindingUnknown && f.Status != results.FindingNotApplicable {
				t.Errorf("%s %s needs %v, which was not asked: %s, %s", name, f.Rule, needs, f.Status, f.Observed)
			}
			if strings.Contains(f.Observed, "  ") || f.Observed == "" {
				t.Errorf("%s %s observed %q", name, f.Rule, f.Observed)
			}
		}
	}
}

// TestPolicyServersPass: a server of a policy passes that policy's profile.
func TestPolicyServersPass(t *testing.T) {
	lib := Builtin()
	for name, p := range everyPublished(t) {
		if p.family == "mozilla" {
			continue // asks for more than a policy's lists
		}
		profile, err := lib.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range Judge(p.server(lib), profile, at) {
			if f.Status != results.FindingPass && f.Status != results.FindingNotApplicable {
				t.Errorf("%s: %s %s: %s", name, f.Rule, f.Status, f.Observed)
			}
		}
	}
}

func TestNearestNames(t *testing.T) {
	for asked, want := range map[string]string{
		"ELBSecurityPolicy-2016-8": "aws-elb/ELBSecurityPolicy-2016-08", "mozila/modern": "mozilla/modern", "nist-800-52": "nist-800-52r2",
		"TLS13-1-2-2021-06": "aws-elb/ELBSecurityPolicy-TLS13-1-2-2021-06", "pci": "pci-dss-4", strings.Repeat("x", 1<<20): "",
	} {
		_, err := Builtin().Find(asked)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v", asked, err)
		}
	}
	if _, err := Builtin().Find("aws-clb/ELBSecurityPolicy-2014-01"); err == nil || !strings.Contains(err.Error(), "list of suites is not") {
		t.Errorf("a name without a list: %v", err)
	}
}
