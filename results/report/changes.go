// What changed between two runs, in words: for diff, for sweeps, and for the
// page.

package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"shakedown/results"
)

// changed is a change and where it stands.
type changed struct {
	*results.Change
	ref
}

// where names the endpoint of a change.
func (c changed) where() string {
	where := strings.Trim(c.Service+"/"+c.Path, "/")
	if c.Service == c.Path || c.Path == "" {
		where = c.Service
	}
	return clean(where)
}

// level ranks a change: what got worse, or cannot be told, stands out.
func (c changed) level() level {
	switch c.Kind {
	case results.Opened:
		return bad
	case results.Crossed, results.Drifted, results.Untold, results.Gone:
		return warning
	case results.Changed:
		return notable
	}
	return fine
}

// sign is a change's mark in front of its line.
func (c changed) sign() string {
	signs := map[results.ChangeKind]string{
		results.Joined: "+", results.Gone: "-", results.Drifted: "≠", results.Crossed: "!", results.Opened: "✗", results.Closed: "✓", results.Untold: "?",
	}
	if c.Kind == results.Changed {
		switch {
		case c.New == string(results.Yes):
			return "+"
		case c.New == string(results.No):
			return "-"
		}
	}
	return cmp.Or(signs[c.Kind], "~")
}

// words says what changed.
func (c changed) words() string {
	old, now, name := clean(c.Old), clean(c.New), clean(cmp.Or(c.Name, c.Fact))
	topic, _, _ := strings.Cut(c.Fact, ".")
	switch c.Kind {
	case results.Joined:
		return "new: it was not there before"
	case results.Gone:
		return "gone: it is not there any more"
	case results.Drifted:
		return "drifted from its siblings (" + name + "): " + now
	case results.Crossed:
		return fmt.Sprintf("certificate %s: %s, was %s", name, now, old)
	case results.Opened:
		return fmt.Sprintf("%s (%s): %s", clean(c.Fact), name, cmp.Or(now, "fails"))
	case results.Closed:
		return fmt.Sprintf("%s mended%s", clean(c.Fact), prefixed(": ", now))
	case results.Untold:
		if c.Fact == "" && name == "facts" { // of an endpoint that answered both times
			return "cannot be told: " + now + " (not determined before or now)"
		}
		if strings.Contains(c.Fact, "/") { // a finding
			name = clean(c.Fact)
		}
		return "cannot be told: " + name + prefixed(", now ", now) + prefixed(", then ", old)
	}
	if noun := map[string]string{"suites": "suite ", "groups": "group ", "signature_schemes": "signature scheme "}[topic]; noun != "" {
		parts := strings.SplitN(c.Fact, ".", 2)
		version, _, _ := cutLast(parts[1], ".")
		name = noun + name + " of " + clean(version)
	}
	switch {
	case c.New == string(results.Yes) && c.Old == string(results.No):
		return name + ": yes, was no"
	case c.New == string(results.No) && c.Old == string(results.Yes):
		return name + ": no, was yes"
	}
	return fmt.Sprintf("%s: %s, was %s", name, cmp.Or(now, "none"), cmp.Or(old, "none"))
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// cutLast cuts at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// unchanged says of a comparison of runs that it found nothing.
func unchanged(d *digest) string {
	if len(d.runs) == 1 && d.runs[0].Header.Command == "diff" && len(d.catalog) == 0 {
		return "nothing changed"
	}
	return ""
}

// changes lists what changed, by endpoint.
func (p *page) changes(d *digest) {
	if len(d.changes) == 0 {
		return
	}
	p.title("Changed")
	for _, group := range alike(d.changes, changed.where) {
		p.print(0, piece{group[0].where(), boldStyle})
		for _, c := range group {
			lines := wrap(c.words(), p.width-4)
			p.print(2, piece{c.sign() + " ", c.level().style()}, piece{lines[0], plainStyle})
			for _, line := range lines[1:] {
				p.print(4, piece{line, plainStyle})
			}
		}
	}
}

// WriteChanges writes changes as text, a line each: for mails and for programs
// that are told of them.
func WriteChanges(w io.Writer, changes []*results.Change) error {
	var b strings.Builder
	for _, c := range changes {
		c := changed{Change: c}
		fmt.Fprintf(&b, "%s %s: %s\n", c.sign(), c.where(), c.words())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdownChanges is the table of a job's summary.
func markdownChanges(b *strings.Builder, d *digest) {
	if len(d.changes) == 0 {
		return
	}
	b.WriteString("### Changed\n\n")
	var rows [][]string
	for _, c := range d.changes {
		rows = append(rows, []string{c.sign(), c.where(), c.words()})
	}
	markdownTable(b, []string{"", "path", "what"}, rows)
}

// changeViews are the page's list of changes.
type changeView struct {
	Level              level
	Sign, Where, Words string
	Refs               []ref
}

func changeViews(d *digest) []changeView {
	views := make([]changeView, 0, len(d.changes))
	for _, c := range d.changes {
		views = append(views, changeView{c.level(), c.sign(), c.where(), c.words(), []ref{c.ref}})
	}
	slices.SortStableFunc(views, func(a, b changeView) int { return cmp.Compare(b.Level, a.Level) })
	return views
}
