// The terminal report: what to act on first, then each service's paths side by
// side, what differs, and what was measured.

package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"shakedown/results"
)

// writeText renders a digest for a terminal, in one Write.
func writeText(w io.Writer, d *digest, o Options) error {
	p := &page{width: max(40, cmp.Or(o.Width, 100)), color: o.Color, verbose: o.Verbose, planned: o.PlannedRate, told: map[string]string{}}
	p.verdict(d)
	p.heading(d)
	p.changes(d)
	p.successions(d)
	p.attention(d)
	for _, s := range d.sections {
		p.section(s)
	}
	p.files(d.files)
	p.calibrations(d.checks)
	if len(d.sections) > 0 && len(verdictsOf(d.runs)) > 0 {
		p.blank()
		p.verdict(d) // a log is read from its end
	}
	_, err := w.Write(p.out.Bytes())
	return err
}

// page is a terminal's page in the making.
type page struct {
	out     bytes.Buffer
	width   int
	color   bool
	verbose bool
	planned float64           // handshakes a second; 0: none
	told    map[string]string // settings that were listed, by whose they are
}

// print writes one line: pieces after an indent, without trailing space.
func (p *page) print(indent int, pieces ...piece) {
	for len(pieces) > 0 && strings.TrimSpace(pieces[len(pieces)-1].text) == "" {
		pieces = pieces[:len(pieces)-1]
	}
	if n := len(pieces); n > 0 {
		pieces = slices.Clone(pieces)
		pieces[n-1].text = strings.TrimRight(pieces[n-1].text, " ")
		p.out.WriteString(strings.Repeat(" ", indent))
	}
	for _, piece := range pieces {
		if p.color && piece.style != plainStyle {
			fmt.Fprintf(&p.out, "\x1b[%sm%s\x1b[0m", piece.style, piece.text)
		} else {
			p.out.WriteString(piece.text)
		}
	}
	p.out.WriteByte('\n')
}

func (p *page) blank() { p.print(0) }

// paragraph wraps a text; lines after the first hang by a further indent.
func (p *page) paragraph(indent, hang int, style style, s string) {
	lines := wrap(s, p.width-indent-hang)
	for i, line := range lines {
		if i == 1 {
			indent += hang
		}
		p.print(indent, piece{line, style})
	}
}

func (p *page) table(indent int, t *table) {
	for i, part := range t.fitted(p.width - indent) {
		if i > 0 {
			p.blank()
		}
		for _, line := range part.lines() {
			p.print(indent, line...)
		}
	}
}

func (p *page) title(s string) {
	p.blank()
	rule := max(0, p.width-cellWidth(s)-1)
	p.print(0, piece{truncate(s, p.width), headStyle}, piece{" " + strings.Repeat("─", rule), dimStyle})
}

func (p *page) subtitle(s string) {
	p.blank()
	p.paragraph(2, 2, boldStyle, s)
}

// titled is a table under its title, nothing if it has no rows.
func (p *page) titled(title string, t *table) {
	if len(t.rows) > 0 {
		p.subtitle(title)
		p.table(2, t)
	}
}

func (p *page) heading(d *digest) {
	for _, run := range d.runs {
		p.paragraph(0, 2, plainStyle, "shakedown "+runTitle(run))
		if words := calibrated(run.Header); words != "" {
			p.paragraph(0, 2, dimStyle, words)
		}
	}
	if line := cmp.Or(totals(d), unchanged(d)); line != "" {
		p.paragraph(0, 2, plainStyle, line)
	}
}

// totals counts what a digest holds.
func totals(d *digest) string {
	var words []string
	byStatus, endpoints, connections, trials, invalid := map[results.Status]int{}, 0, 0, 0, 0
	for _, s := range d.sections {
		for _, e := range s.endpoints {
			byStatus[e.Status]++
			endpoints++
			connections += e.Connections
		}
		for _, t := range s.trials {
			trials++
			if !t.Valid {
				invalid++
			}
		}
	}
	if endpoints > 0 {
		var parts []string
		for _, s := range []results.Status{results.Complete, results.Partial, results.Failed} {
			if byStatus[s] > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", byStatus[s], s))
			}
		}
		words = append(words, fmt.Sprintf("%s (%s) over %s", plural(endpoints, "endpoint"), strings.Join(parts, ", "), plural(connections, "connection")))
	}
	if trials > 0 {
		words = append(words, fmt.Sprintf("%s, %s", plural(trials, "trial"), invalidWords(invalid)))
	}
	searches, steps := 0, 0
	for _, s := range d.sections {
		for _, c := range s.capacities {
			searches, steps = searches+1, steps+len(c.Steps)
		}
	}
	if searches > 0 {
		words = append(words, fmt.Sprintf("capacity of %s in %s", plural(searches, "path"), plural(steps, "step")))
	}
	if len(d.files) > 0 {
		words = append(words, plural(len(d.files), "chain file"))
	}
	return strings.Join(words, " · ")
}

func invalidWords(n int) string {
	if n == 0 {
		return "all valid"
	}
	return fmt.Sprintf("%d invalid", n)
}

// mostIssues bounds what is listed first, unless all is asked for.
const mostIssues = 20

func (p *page) attention(d *digest) {
	issues := d.attention
	if len(issues) == 0 {
		return
	}
	p.title("To look at first")
	rest := 0
	if !p.verbose && len(issues) > mostIssues {
		issues, rest = issues[:mostIssues], len(issues)-mostIssues
	}
	who := 0
	for _, i := range issues {
		who = max(who, min(cellWidth(p.who(i, d)), p.width/4))
	}
	for _, i := range issues {
		p.issue(i, p.who(i, d), who)
	}
	if rest > 0 {
		p.print(2, piece{fmt.Sprintf("and %d more, with their paths below (--verbose lists them here)", rest), dimStyle})
	}
}

func (p *page) who(i issue, d *digest) string { return who(i, len(d.sections) > 1, p.limit(6)) }

// who names an issue's paths, at most limit of them (0: all), and their
// service where there are several.
func who(i issue, named bool, limit int) string {
	who := strings.Join(i.labels, ", ")
	if n := len(i.labels); limit > 0 && n > limit {
		who = fmt.Sprintf("%s and %d more", strings.Join(i.labels[:limit-1], ", "), n-limit+1)
	}
	if named && i.section != nil && !i.section.many && !i.selfNamed() {
		who = i.section.title + " " + who
	}
	return who
}

// selfNamed reports that each path's name has its service's in it, as a TARGET's has.
func (i issue) selfNamed() bool {
	return !slices.ContainsFunc(i.labels, func(label string) bool { return !strings.Contains(label, i.section.title) })
}

// issue prints who it is about beside what it is; below each other if the
// first is long.
func (p *page) issue(i issue, who string, column int) {
	mark := piece{i.level.mark() + " ", i.level.style()}
	words := wrap(i.words, p.width-column-4)
	if cellWidth(who) > column {
		p.paragraphAfter(mark, boldStyle, who)
		for _, line := range wrap(i.words, p.width-4) {
			p.print(4, piece{line, plainStyle})
		}
		return
	}
	p.print(0, mark, piece{who, boldStyle}, piece{strings.Repeat(" ", column+2-cellWidth(who)) + words[0], plainStyle})
	for _, line := range words[1:] {
		p.print(column+4, piece{line, plainStyle})
	}
}

// paragraphAfter wraps a text after a mark.
func (p *page) paragraphAfter(mark piece, style style, s string) {
	lines := wrap(s, p.width-2)
	p.print(0, mark, piece{lines[0], style})
	for _, line := range lines[1:] {
		p.print(2, piece{line, style})
	}
}
