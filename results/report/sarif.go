// SARIF 2.1.0 (OASIS), for code scanning: a rule for each rule of a profile, a
// result for each finding. What could not be told is a result of kind "open",
// and a notification, as some readers show results of kind "fail" alone.

package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"shakedown/results"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
}

type sarifTool struct {
	Driver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	} `json:"driver"`
}

type sarifRule struct {
	ID    string     `json:"id"`
	Short sarifText  `json:"shortDescription"`
	Full  *sarifText `json:"fullDescription,omitempty"`
	Help  *sarifText `json:"help,omitempty"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	ExitCode      *int                `json:"exitCode,omitempty"`
	StartedAt     string              `json:"startTimeUtc,omitempty"`
	EndedAt       string              `json:"endTimeUtc,omitempty"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Kind         string             `json:"kind"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations"`
}

type sarifPhysical struct {
	Artifact struct {
		URI string `json:"uri"`
	} `json:"artifactLocation"`
	Region struct {
		StartLine int `json:"startLine"`
	} `json:"region"`
}

type sarifLogical struct {
	Name string `json:"name"`
	Full string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Justification string `json:"justification"`
}

func writeSARIF(w io.Writer, runs []Run, threshold results.Severity) error {
	log := sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{}}
	for _, run := range runs {
		log.Runs = append(log.Runs, sarifRunOf(run, threshold))
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(log)
}

func sarifRunOf(run Run, threshold results.Severity) sarifRun {
	var out sarifRun
	out.Tool.Driver.Name, out.Tool.Driver.Version, out.Tool.Driver.Rules = "shakedown", clean(run.Header.ToolVersion), []sarifRule{}
	out.Results = []sarifResult{}
	invocation := sarifInvocation{StartedAt: run.Header.StartedAt.UTC().Format("2006-01-02T15:04:05Z")}
	if t := run.Trailer; t != nil {
		invocation.Successful, invocation.ExitCode = t.Complete, &t.ExitCode
		invocation.EndedAt = t.EndedAt.UTC().Format("2006-01-02T15:04:05Z")
	}
	for _, o := range outcomesOf([]Run{run}, threshold) {
		at := sarifLocationOf(run, o)
		if o.end == undecided {
			invocation.Successful = false
			invocation.Notifications = append(invocation.Notifications,
				sarifNotification{"error", sarifText{clean(o.where()) + ": " + clean(o.id()) + ": " + o.sentence()}, []sarifLocation{at}})
		}
		out.Results = append(out.Results, out.Tool.result(o, at))
	}
	out.Invocations = []sarifInvocation{invocation}
	return out
}

// result makes a result, and its rule if it is the first of it.
func (t *sarifTool) result(o outcome, at sarifLocation) sarifResult {
	id := clean(o.id())
	i := slices.IndexFunc(t.Driver.Rules, func(r sarifRule) bool { return r.ID == id })
	if i < 0 {
		i = len(t.Driver.Rules)
		t.Driver.Rules = append(t.Driver.Rules, sarifRuleOf(id, o))
	}
	kind, level := sarifEnd(o)
	sum := sha256.Sum256([]byte(o.where() + "\n" + o.address + "\n" + o.id()))
	r := sarifResult{
		RuleID: id, RuleIndex: i, Kind: kind, Level: level, Message: sarifText{clean(o.where()) + ": " + o.sentence()},
		Locations: []sarifLocation{at}, Fingerprints: map[string]string{"pathAndRule/v1": hex.EncodeToString(sum[:16])},
	}
	switch o.end {
	case waived:
		r.Suppressions = []sarifSuppression{{"external", "waived until " + clean(o.until)}}
	case allowed:
		r.Suppressions = []sarifSuppression{{"external", "allowed to be unknown"}}
	}
	return r
}

func sarifRuleOf(id string, o outcome) sarifRule {
	words := o.expected
	switch o.rule {
	case answersRule:
		words = "the endpoint answers, and everything that is asked is determined"
	case "measured":
		words = "the measurement is valid"
	}
	rule := sarifRule{ID: id, Short: sarifText{firstOf(clean(words), id, "a rule without a name")}}
	if o.citation != "" {
		rule.Full = &sarifText{clean(o.citation)}
	}
	if o.mend != "" {
		rule.Help = &sarifText{cleanLines(o.mend)}
	}
	return rule
}

func firstOf(words ...string) string { return cmp.Or(words...) }

// sarifEnd is an end in SARIF's words: the level is "none" unless the kind is
// "fail" (SARIF 2.1.0 §3.27.10).
func sarifEnd(o outcome) (kind, level string) {
	switch o.end {
	case failed, waived, advised:
		levels := map[results.Severity]string{results.High: "error", results.Medium: "warning", results.Low: "note", results.Info: "note"}
		level = firstOf(levels[o.severity], "error")
		if o.end == advised {
			level = "note"
		}
		return "fail", level
	case undecided, allowed:
		return "open", "none"
	case inapplicable:
		return "notApplicable", "none"
	}
	return "pass", "none"
}

// sarifLocationOf is the path by its name; in the inventory's file, if it has
// a relative name, as code scanning wants a file.
func sarifLocationOf(run Run, o outcome) sarifLocation {
	at := sarifLocation{Logical: []sarifLogical{{firstOf(clean(o.path), clean(o.service), "run"), firstOf(clean(strings.Trim(o.where()+" "+o.address, " ")), "run"), "resource"}}}
	if file := run.Header.Inventory; file != "" && filepath.IsLocal(file) {
		at.Physical = new(sarifPhysical)
		at.Physical.Artifact.URI = (&url.URL{Path: filepath.ToSlash(filepath.Clean(file))}).String()
		at.Physical.Region.StartLine = 1
	}
	return at
}
