package profiles

import (
	"os"
	"slices"
	"strings"
	"testing"

	"shakedown/results"
)

// TestExample reads the profile that the documentation shows.
func TestExample(t *testing.T) {
	p, err := Builtin().Load("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	base, _ := Builtin().Find("mozilla/intermediate")
	if p.Name != "payments" || len(p.Rules) != len(base.Rules)-2+2 {
		t.Errorf("%s has %d rules, mozilla/intermediate %d", p.Name, len(p.Rules), len(base.Rules))
	}
	rule := func(p *Profile, id string) Rule {
		i := slices.IndexFunc(p.Rules, func(r Rule) bool { return r.ID == id })
		if i < 0 {
			return Rule{}
		}
		return p.Rules[i]
	}
	if r := rule(p, "rsa-bits"); r.Limit != 3072 || r.Severity != results.High || r.Expected != "RSA keys of at least 3072 bits" || r.Citation == "" {
		t.Errorf("changed: %+v", r)
	}
	if rule(base, "rsa-bits").Limit != 2048 {
		t.Error("the profile that was extended has changed too")
	}
	if rule(p, "hsts").ID != "" || rule(p, "no-cbc").Check != "suites-none" || !rule(p, "ends-not-soon").Advice {
		t.Errorf("%+v", p.Rules)
	}
	e := everyPublished(t)["mozilla/intermediate"].server(Builtin())
	e.Suites[results.TLSv12] = append(e.Suites[results.TLSv12], results.Suite{ID: "0xC013"})
	i := slices.IndexFunc(Judge(e, p, at), func(f results.Finding) bool { return f.Rule == "no-cbc" })
	if f := Judge(e, p, at)[i]; f.Status != results.FindingFail || f.Observed != "TLSv1.2 accepts ECDHE-RSA-AES128-SHA" || f.Profile != "payments" {
		t.Errorf("%+v", f)
	}
}

// TestMistakes: each names file and line, and how to mend it.
func TestMistakes(t *testing.T) {
	const head = "version: 1\nextends: mozilla/intermediate\n"
	for text, want := range map[string]string{
		"":                                             "own.yaml:1: the file is empty",
		"version: 2\nextends: nist-800-52r2":           "own.yaml:1: a profile begins with `version: 1`",
		"version: 1":                                   "without rules passes everything",
		"version: 1\nextends: nist-800-52":             `own.yaml:2: extends: no profile "nist-800-52"; the nearest are nist-800-52r2`,
		head + "drop: [hst]":                           `own.yaml:3: no rule "hst": did you mean "hsts"?`,
		head + "drop: hsts":                            "own.yaml:3: drop must be a list",
		head + "colour: red":                           `own.yaml:3: unknown key "colour"`,
		head + "drop: [hsts]\ndrop: [hsts]":            `own.yaml:4: a profile has "drop" twice`,
		head + "change: {hsts: {limit: soon}}":         "own.yaml:3: limit must be a whole number of seconds",
		head + "change: {hsts: {limit: -1}}":           "own.yaml:3: limit must be a whole number of seconds",
		head + "change: {suites: {limit: 3}}":          `own.yaml:3: rule "suites" has no limit`,
		head + "change:\n  hsts:\n    severity: grave": "own.yaml:5: severity: unknown \"grave\"",
		head + "change:\n  suites:\n    values: [ECDHE-RSA-AES128-GCM-SHA265]":         `own.yaml:5: no suite or class "ECDHE-RSA-AES128-GCM-SHA265": did you mean "ECDHE-RSA-AES128-GCM-SHA256"?`,
		head + "change: {groups: {values: [x25520]}}":                                  `own.yaml:3: no group "x25520": did you mean "x25519"?`,
		head + "change: {groups: {values: []}}":                                        `own.yaml:3: rule "groups" needs at least one value`,
		head + "add:\n  - {id: a, check: suites-nine, values: [cbc]}":                  `own.yaml:4: check: unknown "suites-nine": did you mean "suites-none"?`,
		head + "add:\n  - {check: trusted}":                                            "own.yaml:4: a rule needs `id` and `check`",
		head + "add:\n  - {id: hsts, check: trusted}":                                  `own.yaml:4: rule "hsts" is there already: use`,
		head + "add:\n  - {id: a, check: trusted, values: [x]}":                        `own.yaml:4: rule "a" takes no values`,
		head + "add:\n  - {id: a, check: days-left}":                                   "own.yaml:4: rule \"a\" needs `limit`, a number of days",
		head + "add:\n  - {id: a, check: protocol-yes, values: [early_dat]}":           `own.yaml:4: values: unknown "early_dat": did you mean "early_data"?`,
		head + "add:\n  - {id: a, check: order, values: [aead]}":                       "own.yaml:4: order takes two values",
		head + "add:\n  - {id: a, check: suites-none, values: [cbc], when: sometimes}": "own.yaml:4: when: unknown",
		head + "add:\n  - {id: a, check: suites-none, values: [cbc], versions: [1.2]}": "own.yaml:4: versions: unknown",
		head + "title: \"\\e[31m\"":                                                    "own.yaml:3: title",
		"a: &x 1\nb: *x":                                                               "own.yaml:1:",
		head + "\tdrop: [hsts]":                                                        "own.yaml:3: indented by a tab",
		"version: 1\n---\nversion: 1":                                                  "own.yaml:2: a second document",
		"x: " + strings.Repeat("[", 1000):                                              "own.yaml:1: nested too deeply",
		"x: \xff":                                                                      "own.yaml:1: not UTF-8",
		"version: [":                                                                   "own.yaml:1: not YAML",
	} {
		_, err := Builtin().Read(strings.NewReader(text), "own.yaml")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text[:min(len(text), 120)], err, want)
		}
	}
}

// TestMistakesTogether: a file is mended in one go, in the order of its lines.
func TestMistakesTogether(t *testing.T) {
	_, err := Builtin().Read(strings.NewReader("version: 1\nextends: mozilla/modern\nchange:\n  b: {}\n  a: {}\ndrop: [x]\n"), "own.yaml")
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "own.yaml:4:") || !strings.HasPrefix(lines[2], "own.yaml:6:") {
		t.Errorf("%v", err)
	}
}

// FuzzRead: no file breaks the reader, and a profile that it takes can judge.
func FuzzRead(f *testing.F) {
	text, err := os.ReadFile("example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("version: 1\nextends: known-weaknesses\ndrop: [drown]\nadd:\n- {id: x, check: order, values: [fs, no-fs], versions: [TLSv1.2], when: cbc, severity: low, advice: true}\n"))
	f.Add([]byte("version: 1\nname: |\n  a\n  b\nadd: [{id: y, check: groups-any, values: [post-quantum]}]"))
	f.Add([]byte("{version: 1, extends: \"aws-elb/ELBSecurityPolicy-2016-08\", change: {suites: {values: [0xC02F, aead]}}}"))
	e := everyPublishedServer()
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Builtin().Read(strings.NewReader(string(text)), "own.yaml")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "own.yaml:") {
				t.Errorf("an error without its place: %v", err)
			}
			return
		}
		for _, finding := range append(Judge(e, p, at), JudgeTogether([]*results.Endpoint{e}, p, at)...) {
			if finding.Status == "" || finding.Expected == "" || finding.Rule == "" {
				t.Errorf("%+v", finding)
			}
		}
		p.Aspects()
	})
}

func everyPublishedServer() *results.Endpoint {
	return &results.Endpoint{Status: results.Complete, Versions: map[results.Version]results.Answer{results.TLSv12: results.Yes, results.TLSv13: results.Yes},
		Suites: map[results.Version][]results.Suite{results.TLSv12: {{ID: "0xC02F"}, {ID: "0x002F"}}, results.TLSv13: {{ID: "0x1301"}}}}
}
