package gate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"shakedown/results"
)

func finding(path, profile, rule string, status results.FindingStatus, severity results.Severity) results.Finding {
	return results.Finding{Service: "portal", Path: path, Address: path + ":443", Profile: profile, Rule: rule, Status: status, Severity: severity}
}

func TestVerdict(t *testing.T) {
	answers := func(path string, status results.FindingStatus) results.Finding {
		return finding(path, Inventory, Answers, status, results.High)
	}
	for name, c := range map[string]struct {
		tally       Tally
		why         string
		bad, unsure bool
	}{
		"open": {Tally{Findings: []results.Finding{answers("a", "pass"), finding("a", "p", "r", "pass", "high")}, Endpoints: make([]*results.Endpoint, 1)},
			"1 endpoint, 1 rule passed", false, false},
		"fails":      {Tally{Findings: []results.Finding{finding("a", "p", "r", "fail", "medium")}}, "1 finding fails", true, false},
		"below":      {Tally{Findings: []results.Finding{finding("a", "p", "r", "fail", "low"), finding("a", "p", "w", "warn", "high")}}, "2 findings below medium", false, false},
		"low":        {Tally{FailOn: results.Low, Findings: []results.Finding{finding("a", "p", "w", "warn", "info")}}, "1 finding fails", true, false},
		"strange":    {Tally{Findings: []results.Finding{finding("a", "p", "r", "fail", "dire")}}, "1 finding fails", true, false},
		"unknown":    {Tally{Findings: []results.Finding{finding("a", "p", "r", "unknown", "info")}}, "1 rule could not be judged", false, true},
		"dark":       {Tally{Findings: []results.Finding{answers("a", "unknown"), finding("a", "p", "r", "unknown", "info")}}, "1 endpoint could not be determined", false, true},
		"both":       {Tally{Findings: []results.Finding{answers("a", "unknown"), finding("b", "p", "r", "fail", "high")}}, "1 finding fails, 1 endpoint could not be determined", true, true},
		"missed":     {Tally{Missed: 2}, "2 limits are missed", true, false},
		"unmeasured": {Tally{Unmeasured: 1}, "1 measurement decides nothing", false, true},
		"cut":        {Tally{Cut: "the deadline came first"}, "the deadline came first", false, true},
	} {
		if c.tally.FailOn == "" {
			c.tally.FailOn = results.Medium
		}
		v := c.tally.Verdict()
		open := !c.bad && !c.unsure
		if got := strings.Join(v.Why, ", "); got != c.why || c.tally.Bad(v) != c.bad || c.tally.Unsure(v) != c.unsure || (v.Verdict == results.GateOpen) != open {
			t.Errorf("%s: %q, bad %v, unsure %v, %s", name, got, c.tally.Bad(v), c.tally.Unsure(v), v.Verdict)
		}
	}
}

func TestAllow(t *testing.T) {
	all := []results.Finding{
		finding("a", "mozilla/modern", "hsts", "unknown", "low"), finding("a", "own", "hsts", "unknown", "low"), finding("a", "own", "hsts", "fail", "low"),
		finding("dead", "own", "hsts", "unknown", "low"), finding("dead", Inventory, Answers, "unknown", "high"), finding("a", Inventory, Answers, "unknown", "high"),
	}
	for _, c := range []struct{ name, want string }{
		{"hsts", "hsts hsts - - - -"}, {"mozilla/modern/hsts", "mozilla/modern/hsts - - - - -"}, {"answers", "- - - - - answers"}, {"own", "- - - - - -"},
	} {
		some := slices.Clone(all)
		Allow(some, []string{c.name}, func(f results.Finding) bool { return f.Path == "dead" })
		var got []string
		for _, f := range some {
			got = append(got, map[bool]string{true: "-", false: f.Allowed}[f.Allowed == ""])
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

func TestWaiversLastToTheEndOfTheirDay(t *testing.T) {
	read, err := ReadWaivers(strings.NewReader("version: 1\nwaivers:\n  - {finding: r, path: portal/a, reason: x, owner: y, until: 2026-12-31}\n"), "w.yaml")
	if err != nil {
		t.Fatal(err)
	}
	none := func(string) bool { return false }
	for at, want := range map[string]string{"2026-12-31T23:59:59Z": "", "2027-01-01T00:00:00Z": "expired"} {
		now, _ := time.Parse(time.RFC3339, at)
		some := []results.Finding{finding("a", "p", "r", "fail", "high"), finding("b", "p", "r", "fail", "high")}
		about := Waive(some, read, now, none)
		got := ""
		for _, f := range about {
			got += f.Rule
		}
		if got != want || (some[0].WaivedUntil == "2026-12-31") != (want == "") || some[1].WaivedUntil != "" {
			t.Errorf("%s: %q, %+v", at, got, some)
		}
		if want != "" && (about[0].Citation != "w.yaml:3" || about[0].Severity != results.Medium || about[0].Path != "a") {
			t.Errorf("%+v", about)
		}
	}
	// A rule that is unknown now may fail tomorrow: its waiver is of use. Of a path
	// that did not answer nobody can tell.
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for status, f := range map[string]results.Finding{
		"unknown": finding("a", "p", "r", "unknown", "high"), "dark": finding("a", Inventory, Answers, "unknown", "high"),
	} {
		some := []results.Finding{f}
		if about := Waive(some, read, now, none); about != nil || some[0].WaivedUntil != "" {
			t.Errorf("%s: %+v %+v", status, about, some)
		}
	}
	if about := Waive([]results.Finding{finding("a", "p", "r", "pass", "high")}, read, now, none); len(about) != 1 || about[0].Rule != "unused" || about[0].Severity != results.Low {
		t.Errorf("%+v", about)
	}
}

func TestSiblings(t *testing.T) {
	facts := func(ids ...string) []results.FactDifference {
		var all []results.FactDifference
		for _, id := range ids {
			all = append(all, results.FactDifference{Fact: id, Left: "no", Right: "yes"})
		}
		return all
	}
	for name, c := range map[string]struct {
		d        results.Difference
		status   results.FindingStatus
		observed string
	}{
		"alike":     {results.Difference{Relation: results.RelationSibling, Facts: facts("certificate.sha256")}, results.FindingPass, "the same as i-1"},
		"drifted":   {results.Difference{Relation: results.RelationSibling, Facts: facts("versions.TLSv1.1"), Undetermined: []string{"protocol.sct"}}, results.FindingFail, "drifted from i-1: has versions.TLSv1.1"},
		"not known": {results.Difference{Relation: results.RelationSibling, Undetermined: []string{"protocol.sct"}}, results.FindingUnknown, "not known of both: protocol.sct"},
		"very":      {results.Difference{Relation: results.RelationSibling, Facts: facts("a", "b", "c", "d", "e", "f", "g")}, results.FindingFail, "drifted from i-1: has a, b and 5 more"},
		"otherwise": {results.Difference{Relation: results.RelationSibling, Facts: []results.FactDifference{
			{Fact: "suites.TLSv1.2.0xC030", Name: "AES", Left: "yes", Right: "no"}, {Fact: "protocol.alpn", Name: "ALPN", Left: "h2", Right: "none"},
		}}, results.FindingFail, "drifted from i-1: lacks AES; ALPN is none, not h2"},
		"no siblings": {results.Difference{Relation: results.RelationTarget, Facts: facts("versions.TLSv1.1")}, "", ""},
	} {
		c.d.Path, c.d.Beside = "i-1", "i-2"
		got := Siblings([]*results.Difference{&c.d})
		if c.status == "" {
			if got != nil {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Status != c.status || got[0].Observed != c.observed || got[0].Path != "i-2" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func FuzzReadWaivers(f *testing.F) {
	f.Add("version: 1\nwaivers:\n  - {finding: r, path: portal/a, reason: x, owner: y, until: 2026-12-31}\n")
	f.Add("version: 1\nwaivers: []\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ReadWaivers(strings.NewReader(text), "w")
		if err != nil {
			return
		}
		for _, w := range list {
			if w.Finding == "" || w.Owner == "" || w.Reason == "" || !strings.Contains(w.Path, "/") || w.Until.IsZero() {
				t.Errorf("%+v", w)
			}
		}
	})
}
