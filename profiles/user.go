// User profiles: a YAML file that extends a profile, changes rules, drops some
// and adds others. Mistakes name file and line.

package profiles

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"shakedown/results"
	"shakedown/results/strictyaml"
)

// Load reads a user's profile from a file.
func (lib *Library) Load(name string) (*Profile, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading a profile: %w", err)
	}
	defer file.Close()
	return lib.Read(file, name)
}

// Read reads a user's profile. name stands before the line in errors.
func (lib *Library) Read(r io.Reader, name string) (*Profile, error) {
	doc, err := strictyaml.Read(r, name, profileKind())
	if err != nil {
		return nil, err
	}
	u := &reader{Document: doc, lib: lib}
	p := u.profile(doc.Root)
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return p.worded(), nil
}

func profileKind() strictyaml.Kind {
	return strictyaml.Kind{Name: "a profile", Begin: "begin with `version: 1` and `extends:`", Shape: "rules with a few keys each"}
}

// reader turns a document into a profile.
type reader struct {
	*strictyaml.Document
	lib *Library
}

func (u *reader) profile(root ast.Node) *Profile {
	fs := u.Fields(root, "a profile", "version", "name", "title", "about", "extends", "drop", "change", "add")
	if v, ok := fs["version"]; !ok || u.Text(v.Value, "version") != "1" {
		u.Add(strictyaml.LineOf(root), "a profile begins with `version: 1`")
	}
	p := &Profile{Name: u.File, Verification: "user's", lib: u.lib}
	if f, ok := fs["extends"]; ok {
		base, err := u.lib.named(u.Text(f.Value, "extends"))
		if err != nil {
			u.Add(f.Line, "extends: %v", err)
			return p
		}
		p.Title, p.About, p.Sources, p.Notes, p.Unseen = base.Title+", changed by "+u.File, base.About, base.Sources, base.Notes, base.Unseen
		p.Rules = slices.Clone(base.Rules)
	}
	for key, to := range map[string]*string{"name": &p.Name, "title": &p.Title, "about": &p.About} {
		if f, ok := fs[key]; ok {
			*to = u.Text(f.Value, key)
		}
	}
	u.drop(p, fs["drop"])
	u.change(p, fs["change"])
	u.addRules(p, fs["add"])
	if len(p.Rules) == 0 {
		u.Add(strictyaml.LineOf(root), "a profile without rules passes everything: give `extends` or `add`")
	}
	return p
}

func (u *reader) drop(p *Profile, f strictyaml.Field) {
	for _, n := range u.Items(f, "drop") {
		i := u.find(p, u.Text(n, "drop"), strictyaml.LineOf(n))
		if i >= 0 {
			p.Rules = slices.Delete(p.Rules, i, i+1)
		}
	}
}

// find gives the index of a rule, -1 where there is none of that id.
func (u *reader) find(p *Profile, id string, line int) int {
	i := slices.IndexFunc(p.Rules, func(r Rule) bool { return r.ID == id })
	if i < 0 && id != "" {
		u.Add(line, "no rule %s: %s", strictyaml.Quote(id), strictyaml.Suggest(id, mapped(p.Rules, func(r Rule) string { return r.ID })))
	}
	return i
}

// settings are the keys that a rule takes, changed or added.
func settings() []string {
	return []string{"severity", "advice", "limit", "values", "versions", "when", "citation", "expected", "why", "mend"}
}

func (u *reader) change(p *Profile, f strictyaml.Field) {
	if f.Value == nil {
		return
	}
	for id, change := range u.Fields(f.Value, "change") {
		i := u.find(p, id, change.Line)
		if i < 0 {
			continue
		}
		r := p.Rules[i]
		r.Expected = ""
		u.set(&r, u.Fields(change.Value, "rule "+id, settings()...), change.Line)
		p.Rules[i] = r
	}
}

func (u *reader) addRules(p *Profile, f strictyaml.Field) {
	for _, n := range u.Items(f, "add") {
		fs := u.Fields(n, "a rule", append([]string{"id", "check"}, settings()...)...)
		r := Rule{Severity: results.Medium}
		before := u.Count()
		if id, ok := fs["id"]; ok {
			r.ID = u.Text(id.Value, "id")
		}
		if c, ok := fs["check"]; ok {
			r.Check = u.oneOf(c, "check", mapped(Checks(), func(c Check) string { return c.Name }))
		}
		switch {
		case u.Count() > before: // said already
			continue
		case r.ID == "" || r.Check == "":
			u.Add(strictyaml.LineOf(n), "a rule needs `id` and `check`; the checks are listed by: shakedown profile checks")
			continue
		case !plainID(r.ID):
			u.Add(fs["id"].Line, "id %s: letters, digits, dots and hyphens alone", strictyaml.Quote(r.ID))
		case slices.ContainsFunc(p.Rules, func(other Rule) bool { return other.ID == r.ID }):
			u.Add(fs["id"].Line, "rule %s is there already: use `change`", strictyaml.Quote(r.ID))
		}
		u.set(&r, fs, strictyaml.LineOf(n))
		p.Rules = append(p.Rules, r)
	}
}

func plainID(id string) bool {
	return id != "" && len(id) < 100 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == ""
}

// set gives a rule what a file says of it, and sees that its check can use it.
func (u *reader) set(r *Rule, fs map[string]strictyaml.Field, line int) {
	for key, to := range map[string]*string{"citation": &r.Citation, "expected": &r.Expected, "why": &r.Why, "mend": &r.Mend} {
		if f, ok := fs[key]; ok {
			*to = u.Text(f.Value, key)
		}
	}
	if f, ok := fs["severity"]; ok {
		r.Severity = results.Severity(u.oneOf(f, "severity", []string{"high", "medium", "low", "info"}))
	}
	if f, ok := fs["advice"]; ok {
		r.Advice = u.oneOf(f, "advice", []string{"true", "false"}) == "true"
	}
	if f, ok := fs["when"]; ok {
		r.When = u.oneOf(f, "when", conditionNames())
	}
	if f, ok := fs["versions"]; ok {
		r.Versions = nil
		for _, n := range u.Items(f, "versions") {
			r.Versions = append(r.Versions, results.Version(u.oneOf(strictyaml.Field{Line: strictyaml.LineOf(n), Value: n}, "versions", versionNames())))
		}
	}
	u.setValues(r, fs, line)
}

func (u *reader) setValues(r *Rule, fs map[string]strictyaml.Field, line int) {
	c := checkOf(r.Check)
	if f, ok := fs["limit"]; ok {
		n, err := strconv.Atoi(u.Text(f.Value, "limit"))
		switch {
		case c.limit == "":
			u.Add(f.Line, "rule %s has no limit: its check %s takes none", strictyaml.Quote(r.ID), c.name)
		case err != nil || n < 0 || n > 1<<30:
			u.Add(f.Line, "limit must be a whole number of %s", c.limit)
		}
		r.Limit = n
	} else if c.limit != "" && r.Limit == 0 {
		u.Add(line, "rule %s needs `limit`, a number of %s", strictyaml.Quote(r.ID), c.limit)
	}
	f, ok := fs["values"]
	if !ok {
		if c.takes != noValues && len(r.Values) == 0 && c.name != "" {
			u.Add(line, "rule %s needs `values`, a list of %s", strictyaml.Quote(r.ID), c.takes)
		}
		return
	}
	if c.takes == noValues {
		u.Add(f.Line, "rule %s takes no values: its check is %s", strictyaml.Quote(r.ID), c.name)
		return
	}
	r.Values = nil
	for _, n := range u.Items(f, "values") {
		r.Values = append(r.Values, u.value(c, n))
	}
	if c.name == "order" && len(r.Values) != 2 {
		u.Add(f.Line, "order takes two values, the better class first")
		r.Values = append(r.Values, "", "")[:2]
	}
	if len(r.Values) == 0 {
		u.Add(f.Line, "rule %s needs at least one value", strictyaml.Quote(r.ID))
	}
}

// value reads one value, which must be known: a suite that is misspelt would
// never be found, and its rule always pass.
func (u *reader) value(c check, n ast.Node) string {
	switch v := u.Text(n, "value"); c.takes {
	case versionValues:
		return u.oneOf(strictyaml.Field{Line: strictyaml.LineOf(n), Value: n}, "values", versionNames())
	case wordValues:
		return u.oneOf(strictyaml.Field{Line: strictyaml.LineOf(n), Value: n}, "values", c.words)
	case suiteValues:
		if _, class := classes()[v]; !class && u.lib.byName[strings.ToLower(v)] == nil && v != "" {
			u.Add(strictyaml.LineOf(n), "no suite or class %s: %s", strictyaml.Quote(v), strictyaml.Suggest(v, u.lib.suiteWords()))
		}
		return v
	case groupValues:
		_, class := groupClasses()[v]
		if _, known := u.lib.group(v); !known && !class && v != "" {
			u.Add(strictyaml.LineOf(n), "no group %s: %s", strictyaml.Quote(v), strictyaml.Suggest(v, append(mapped(u.lib.groups, func(g group) string { return g.Name }), "post-quantum", "weak")))
		}
		return v
	default:
		if _, known := u.lib.scheme(v); !known && v != "sha1" && v != "md5" && v != "" {
			u.Add(strictyaml.LineOf(n), "no signature scheme %s: %s", strictyaml.Quote(v), strictyaml.Suggest(v, mapped(u.lib.schemes, func(s scheme) string { return s.Name })))
		}
		return v
	}
}

// suiteWords are what can be said for suites, classes first.
func (lib *Library) suiteWords() []string {
	var words []string
	for w := range classes() {
		words = append(words, w)
	}
	slices.Sort(words)
	for _, s := range lib.suites {
		words = append(words, s.short())
	}
	return words
}

func conditionNames() []string {
	var names []string
	for n := range conditions() {
		if n != "" {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

func versionNames() []string {
	return mapped(results.Versions(), func(v results.Version) string { return string(v) })
}

// oneOf reads a text that must be one of some.
func (u *reader) oneOf(f strictyaml.Field, what string, known []string) string {
	s := u.Text(f.Value, what)
	if s != "" && !slices.Contains(known, s) {
		u.Add(f.Line, "%s: unknown %s: %s", what, strictyaml.Quote(s), strictyaml.Suggest(s, known))
		return known[0]
	}
	return s
}
