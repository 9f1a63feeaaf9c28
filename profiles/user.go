// User profiles: a YAML file that extends a profile, changes rules, drops some
// and adds others. Mistakes name file and line.

package profiles

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"shakedown/results"
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
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	doc, err := parse(text, name)
	if err != nil {
		return nil, err
	}
	u := &reader{document: doc, lib: lib}
	p := u.profile(doc.root)
	if err := doc.err(); err != nil {
		return nil, err
	}
	return p.worded(), nil
}

// reader turns a document into a profile.
type reader struct {
	*document
	lib *Library
}

func (u *reader) profile(root ast.Node) *Profile {
	fs := u.fields(root, "a profile", "version", "name", "title", "about", "extends", "drop", "change", "add")
	if v, ok := fs["version"]; !ok || u.text(v.value, "version") != "1" {
		u.add(lineOf(root), "a profile begins with `version: 1`")
	}
	p := &Profile{Name: u.file, Verification: "user's", lib: u.lib}
	if f, ok := fs["extends"]; ok {
		base, err := u.lib.named(u.text(f.value, "extends"))
		if err != nil {
			u.add(f.line, "extends: %v", err)
			return p
		}
		p.Title, p.About, p.Sources, p.Notes, p.Unseen = base.Title+", changed by "+u.file, base.About, base.Sources, base.Notes, base.Unseen
		p.Rules = slices.Clone(base.Rules)
	}
	for key, to := range map[string]*string{"name": &p.Name, "title": &p.Title, "about": &p.About} {
		if f, ok := fs[key]; ok {
			*to = u.text(f.value, key)
		}
	}
	u.drop(p, fs["drop"])
	u.change(p, fs["change"])
	u.addRules(p, fs["add"])
	if len(p.Rules) == 0 {
		u.add(lineOf(root), "a profile without rules passes everything: give `extends` or `add`")
	}
	return p
}

func (u *reader) drop(p *Profile, f field) {
	for _, n := range u.items(f, "drop") {
		i := u.find(p, u.text(n, "drop"), lineOf(n))
		if i >= 0 {
			p.Rules = slices.Delete(p.Rules, i, i+1)
		}
	}
}

// find gives the index of a rule, -1 where there is none of that id.
func (u *reader) find(p *Profile, id string, line int) int {
	i := slices.IndexFunc(p.Rules, func(r Rule) bool { return r.ID == id })
	if i < 0 && id != "" {
		u.add(line, "no rule %s: %s", quote(id), suggest(id, mapped(p.Rules, func(r Rule) string { return r.ID })))
	}
	return i
}

// settings are the keys that a rule takes, changed or added.
func settings() []string {
	return []string{"severity", "advice", "limit", "values", "versions", "when", "citation", "expected", "why", "mend"}
}

func (u *reader) change(p *Profile, f field) {
	if f.value == nil {
		return
	}
	for id, change := range u.fields(f.value, "change") {
		i := u.find(p, id, change.line)
		if i < 0 {
			continue
		}
		r := p.Rules[i]
		r.Expected = ""
		u.set(&r, u.fields(change.value, "rule "+id, settings()...), change.line)
		p.Rules[i] = r
	}
}

func (u *reader) addRules(p *Profile, f field) {
	for _, n := range u.items(f, "add") {
		fs := u.fields(n, "a rule", append([]string{"id", "check"}, settings()...)...)
		r := Rule{Severity: results.Medium}
		before := len(u.list)
		if id, ok := fs["id"]; ok {
			r.ID = u.text(id.value, "id")
		}
		if c, ok := fs["check"]; ok {
			r.Check = u.oneOf(c, "check", mapped(Checks(), func(c Check) string { return c.Name }))
		}
		switch {
		case len(u.list) > before: // said already
			continue
		case r.ID == "" || r.Check == "":
			u.add(lineOf(n), "a rule needs `id` and `check`; the checks are listed by: shakedown profile checks")
			continue
		case !plainID(r.ID):
			u.add(fs["id"].line, "id %s: letters, digits, dots and hyphens alone", quote(r.ID))
		case slices.ContainsFunc(p.Rules, func(other Rule) bool { return other.ID == r.ID }):
			u.add(fs["id"].line, "rule %s is there already: use `change`", quote(r.ID))
		}
		u.set(&r, fs, lineOf(n))
		p.Rules = append(p.Rules, r)
	}
}

func plainID(id string) bool {
	return id != "" && len(id) < 100 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == ""
}

// set gives a rule what a file says of it, and sees that its check can use it.
func (u *reader) set(r *Rule, fs map[string]field, line int) {
	for key, to := range map[string]*string{"citation": &r.Citation, "expected": &r.Expected, "why": &r.Why, "mend": &r.Mend} {
		if f, ok := fs[key]; ok {
			*to = u.text(f.value, key)
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
		for _, n := range u.items(f, "versions") {
			r.Versions = append(r.Versions, results.Version(u.oneOf(field{lineOf(n), n}, "versions", versionNames())))
		}
	}
	u.setValues(r, fs, line)
}

func (u *reader) setValues(r *Rule, fs map[string]field, line int) {
	c := checkOf(r.Check)
	if f, ok := fs["limit"]; ok {
		n, err := strconv.Atoi(u.text(f.value, "limit"))
		switch {
		case c.limit == "":
			u.add(f.line, "rule %s has no limit: its check %s takes none", quote(r.ID), c.name)
		case err != nil || n < 0 || n > 1<<30:
			u.add(f.line, "limit must be a whole number of %s", c.limit)
		}
		r.Limit = n
	} else if c.limit != "" && r.Limit == 0 {
		u.add(line, "rule %s needs `limit`, a number of %s", quote(r.ID), c.limit)
	}
	f, ok := fs["values"]
	if !ok {
		if c.takes != noValues && len(r.Values) == 0 && c.name != "" {
			u.add(line, "rule %s needs `values`, a list of %s", quote(r.ID), c.takes)
		}
		return
	}
	if c.takes == noValues {
		u.add(f.line, "rule %s takes no values: its check is %s", quote(r.ID), c.name)
		return
	}
	r.Values = nil
	for _, n := range u.items(f, "values") {
		r.Values = append(r.Values, u.value(c, n))
	}
	if c.name == "order" && len(r.Values) != 2 {
		u.add(f.line, "order takes two values, the better class first")
		r.Values = append(r.Values, "", "")[:2]
	}
	if len(r.Values) == 0 {
		u.add(f.line, "rule %s needs at least one value", quote(r.ID))
	}
}

// value reads one value, which must be known: a suite that is misspelt would
// never be found, and its rule always pass.
func (u *reader) value(c check, n ast.Node) string {
	switch v := u.text(n, "value"); c.takes {
	case versionValues:
		return u.oneOf(field{lineOf(n), n}, "values", versionNames())
	case wordValues:
		return u.oneOf(field{lineOf(n), n}, "values", c.words)
	case suiteValues:
		if _, class := classes()[v]; !class && u.lib.byName[strings.ToLower(v)] == nil && v != "" {
			u.add(lineOf(n), "no suite or class %s: %s", quote(v), suggest(v, u.lib.suiteWords()))
		}
		return v
	case groupValues:
		_, class := groupClasses()[v]
		if _, known := u.lib.group(v); !known && !class && v != "" {
			u.add(lineOf(n), "no group %s: %s", quote(v), suggest(v, append(mapped(u.lib.groups, func(g group) string { return g.Name }), "post-quantum", "weak")))
		}
		return v
	default:
		if _, known := u.lib.scheme(v); !known && v != "sha1" && v != "md5" && v != "" {
			u.add(lineOf(n), "no signature scheme %s: %s", quote(v), suggest(v, mapped(u.lib.schemes, func(s scheme) string { return s.Name })))
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
func (u *reader) oneOf(f field, what string, known []string) string {
	s := u.text(f.value, what)
	if s != "" && !slices.Contains(known, s) {
		u.add(f.line, "%s: unknown %s: %s", what, quote(s), suggest(s, known))
		return known[0]
	}
	return s
}

// mistakes are collected, so that a file is mended in one go.
type mistakes struct {
	file string
	list []mistake
}

type mistake struct {
	line int
	text string
}

const maxMistakes = 10

func (m *mistakes) add(line int, format string, args ...any) {
	if len(m.list) < maxMistakes {
		m.list = append(m.list, mistake{line, fmt.Sprintf("%s:%d: %s", m.file, line, fmt.Sprintf(format, args...))})
	}
}

func (m *mistakes) err() error {
	if len(m.list) == 0 {
		return nil
	}
	slices.SortFunc(m.list, func(a, b mistake) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.text, b.text)) })
	return errors.New(strings.Join(mapped(m.list, func(m mistake) string { return m.text }), "\n"))
}

// suggest names the known word that is nearest, else some of them.
func suggest(s string, known []string) string {
	s = s[:min(len(s), 100)]
	best, least := "", 4
	for _, k := range known {
		if d := distance(strings.ToLower(s), strings.ToLower(k)); d < least && d < max(2, len(k)) {
			best, least = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) > 30 {
		return fmt.Sprintf("it can be %s, or %d more", strings.Join(known[:24], ", "), len(known)-24)
	}
	return "it can be " + strings.Join(known, ", ")
}

// quote shows a text of a file safely.
func quote(s string) string {
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return strconv.QuoteToASCII(s)
}
