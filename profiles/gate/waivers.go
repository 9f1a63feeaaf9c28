// Waivers: findings that somebody answers for until a day, in a file that is
// reviewed like code.

package gate

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"shakedown/results"
	"shakedown/results/strictyaml"
)

// Waiver lets one finding of one path pass, to the end of a day (UTC).
type Waiver struct {
	Finding, Path, Reason, Owner string // Finding: RULE or PROFILE/RULE; Path: SERVICE/PATH
	Until                        time.Time
	File                         string
	Line                         int
}

// LoadWaivers reads a file of waivers.
func LoadWaivers(name string) ([]Waiver, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading waivers: %w", err)
	}
	defer file.Close()
	return ReadWaivers(file, name)
}

// ReadWaivers reads waivers; name stands before the line in errors.
func ReadWaivers(r io.Reader, name string) ([]Waiver, error) {
	doc, err := strictyaml.Read(r, name, strictyaml.Kind{
		Name: "a file of waivers", Begin: "begin with `version: 1` and `waivers:`", Shape: "waivers with a few keys each",
	})
	if err != nil {
		return nil, err
	}
	rd := waiverReader{doc}
	list := rd.all()
	return list, doc.Err()
}

type waiverReader struct{ *strictyaml.Document }

func (rd waiverReader) all() []Waiver {
	top := rd.Fields(rd.Root, "the file", "version", "waivers")
	if v, ok := top["version"]; !ok || rd.Text(v.Value, "version") != "1" {
		rd.Add(strictyaml.LineOf(rd.Root), "a file of waivers begins with `version: 1`")
	}
	f, ok := top["waivers"]
	if !ok {
		rd.Add(strictyaml.LineOf(rd.Root), "no waivers: list them under `waivers:`, an empty list is []")
	}
	var list []Waiver
	first := map[string]int{}
	for _, n := range rd.Items(f, "waivers") {
		w := rd.waiver(n)
		key := w.Finding + "\n" + w.Path
		if line := first[key]; line > 0 && w.Finding != "" {
			rd.Add(w.Line, "%s of %s is waived in line %d already: keep one", strictyaml.Quote(w.Finding), strictyaml.Quote(w.Path), line)
		}
		first[key] = w.Line
		list = append(list, w)
	}
	return list
}

// waiver reads one; each of its keys is needed: a waiver without an owner, a
// reason and an end is how findings are forgotten.
func (rd waiverReader) waiver(n ast.Node) Waiver {
	w := Waiver{File: rd.File, Line: strictyaml.LineOf(n)}
	until := ""
	texts := map[string]*string{"finding": &w.Finding, "path": &w.Path, "reason": &w.Reason, "owner": &w.Owner, "until": &until}
	keys := []string{"finding", "path", "reason", "owner", "until"}
	fields := rd.Fields(n, "a waiver", keys...)
	if fields == nil {
		return w
	}
	for _, key := range keys {
		f, ok := fields[key]
		if !ok {
			rd.Add(w.Line, "a waiver needs `%s`", key)
			continue
		}
		*texts[key] = rd.Text(f.Value, key)
	}
	rd.check(&w, fields, until)
	return w
}

func (rd waiverReader) check(w *Waiver, fields map[string]strictyaml.Field, until string) {
	service, path, _ := strings.Cut(w.Path, "/")
	if w.Path != "" && (service == "" || path == "") {
		rd.Add(fields["path"].Line, "path %s: write SERVICE/PATH, as in the inventory", strictyaml.Quote(w.Path))
	}
	switch profile, rule, named := strings.Cut(w.Finding, "/"); {
	case w.Finding == Answers || w.Finding == Inventory+"/"+Answers:
		rd.Add(fields["finding"].Line, "an endpoint that does not answer cannot be waived: take its path out of the inventory")
	case named && profile == Waivers:
		rd.Add(fields["finding"].Line, "a waiver cannot waive what is wrong with waivers: mend the file")
	case named && (profile == "" || rule == ""):
		rd.Add(fields["finding"].Line, "finding %s: write RULE, or PROFILE/RULE", strictyaml.Quote(w.Finding))
	}
	if until == "" {
		return
	}
	day, err := time.Parse(time.DateOnly, until)
	if err != nil {
		rd.Add(fields["until"].Line, "until %s: write a date, as 2026-12-31; it counts to the end of that day, UTC", strictyaml.Quote(until))
	}
	w.Until = day
}

// Waive marks the findings that are waived, and returns what is to be said of
// the waivers themselves: those that ended, and those that waive nothing. Paths
// that were left out are passed over, and of one that could not be determined
// nobody can tell whether there would be something to waive.
func Waive(findings []results.Finding, waivers []Waiver, now time.Time, leftOut func(path string) bool) []results.Finding {
	dark := map[string]bool{}
	for _, f := range findings {
		if isAnswer(f) && f.Status == results.FindingUnknown {
			dark[f.Service+"/"+f.Path] = true
		}
	}
	var about []results.Finding
	for _, w := range waivers {
		switch ended := !now.Before(w.Until.AddDate(0, 0, 1)); {
		case leftOut(w.Path):
		case ended:
			about = append(about, w.finding("expired", results.Medium, "a waiver that holds, or none",
				fmt.Sprintf("the waiver of %s ended on %s", w.Finding, w.Until.Format(time.DateOnly))))
		case !w.apply(findings) && !dark[w.Path]:
			about = append(about, w.finding("unused", results.Low, "no waiver where there is nothing to waive",
				fmt.Sprintf("the waiver of %s waives nothing", w.Finding)))
		}
	}
	return about
}

// apply waives what it can, and says whether the waiver is of use. Of a rule that
// is unknown just now nobody can tell.
func (w Waiver) apply(findings []results.Finding) bool {
	used := false
	for i := range findings {
		f := &findings[i]
		if f.Service+"/"+f.Path != w.Path || f.Profile == Waivers || w.Finding != f.Rule && w.Finding != f.Profile+"/"+f.Rule {
			continue
		}
		switch f.Status {
		case results.FindingFail, results.FindingWarn:
			f.WaivedUntil, used = w.Until.Format(time.DateOnly), true
		case results.FindingUnknown:
			used = true
		}
	}
	return used
}

func (w Waiver) finding(rule string, severity results.Severity, expected, observed string) results.Finding {
	service, path, _ := strings.Cut(w.Path, "/")
	return results.Finding{
		Service: service, Path: path, Profile: Waivers, Rule: rule, Status: results.FindingFail, Severity: severity, Expected: expected,
		Observed: fmt.Sprintf("%s (%s, %s)", observed, w.Owner, w.Reason), Citation: fmt.Sprintf("%s:%d", w.File, w.Line),
		Mend: fmt.Sprintf("ask %s; then change or remove line %d of %s", w.Owner, w.Line, w.File),
	}
}
