// Settings in a terminal: suites, groups and the rest, once for all that are
// alike.

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
	"shakedown/results/contrast"
)

// settings lists suites, groups and the rest, once for all that are alike.
func (p *page) settings(es []*endpoint) {
	answered := slices.DeleteFunc(slices.Clone(es), func(e *endpoint) bool { return e.Status == results.Failed || !p.hasSettings(e) })
	for _, group := range alike(answered, settings) {
		e := group[0]
		title := "TLS settings of " + list(labelsOf(group), 0)
		if told := p.told[settings(e)]; told != "" {
			p.subtitle(title + ": as those of " + told)
			continue
		}
		p.subtitle(title)
		p.told[settings(e)] = strings.TrimSpace(clean(e.Service) + " " + e.label)
		for _, v := range versionsIn(e.Suites) {
			p.suites(e, v)
		}
		for _, v := range versionsIn(e.Groups) {
			o := groupsOf(e, v)
			p.names("groups", o, v, orderWords(e.GroupPreference[v]))
		}
		if p.wantsSchemes(e) {
			for _, v := range versionsIn(e.SignatureSchemes) {
				p.names("signature schemes", schemesOf(e, v), v, "")
			}
		}
		p.protocol(e)
	}
}

// hasSettings says whether there is anything to list.
func (p *page) hasSettings(e *endpoint) bool {
	return e.Suites != nil || e.Groups != nil || p.wantsSchemes(e) ||
		slices.ContainsFunc(contrast.ProtocolQuestions(), func(q contrast.ProtocolQuestion) bool { return q.Of(e.Protocol).Text != "" })
}

// wantsSchemes says whether signature schemes are listed: where all is, and where
// nothing else of their kind was asked for.
func (p *page) wantsSchemes(e *endpoint) bool {
	return e.SignatureSchemes != nil && (p.verbose || e.Suites == nil && e.Groups == nil)
}

func orderWords(pref results.Preference) string {
	switch pref {
	case results.PreferenceServer:
		return "server's order"
	case results.PreferenceClient:
		return "client's order"
	case results.PreferenceMixed:
		return "mixed order"
	case results.PreferenceUnknown:
		return "order unknown"
	}
	return ""
}

func (p *page) suites(e *endpoint, v results.Version) {
	list := e.Suites[v]
	if len(list) == 0 && slices.Contains(e.Undetermined.Suites[v], "*") {
		p.print(4, piece{clean(string(v)) + ", suites unknown", warnStyle})
		return
	}
	words := []string{clean(string(v)), plural(len(list), "suite")}
	if o := orderWords(e.Preference[v]); o != "" {
		words = append(words, o)
	}
	p.print(4, piece{strings.Join(words, ", "), plainStyle})
	cells := make([][]piece, len(list))
	for i, s := range list {
		cells[i] = suiteCell(i+1, s, p.verbose)
	}
	p.columns(6, cells)
	for _, words := range unknownIDs("suite", map[results.Version][]string{v: e.Undetermined.Suites[v]}, p.verbose) {
		if e.Undetermined.Suites[v] != nil {
			p.paragraph(6, 2, warnStyle, "unknown: "+words)
		}
	}
}

// suiteCell numbers a suite and marks what its name says against it. The name
// is OpenSSL's, as load balancers' documentation has it; in full, IANA's.
func suiteCell(n int, s results.Suite, full bool) []piece {
	name := clean(cmp.Or(s.OpenSSL, suiteName(s)))
	if full {
		name = suiteName(s)
	}
	cell := []piece{{fmt.Sprintf("%2d ", n), dimStyle}, {name, plainStyle}}
	switch t := traitsOf(s.Name); {
	case s.Name == "":
	case t.Weak:
		cell = append(cell, piece{" weak", badStyle})
	case !t.ForwardSecret:
		cell = append(cell, piece{" no-fs", warnStyle})
	}
	if s.Completes != "" {
		cell = append(cell, piece{" completes: " + clean(string(s.Completes)), dimStyle})
	}
	return cell
}

// columns lists cells downwards in as many columns as fit.
func (p *page) columns(indent int, cells [][]piece) {
	if len(cells) == 0 {
		return
	}
	widest := 0
	for _, c := range cells {
		widest = max(widest, widthOf(c))
	}
	perLine := max(1, (p.width-indent+gap)/(widest+gap))
	height := (len(cells) + perLine - 1) / perLine
	for row := range height {
		var line []piece
		for i := row; i < len(cells); i += height {
			line = append(line, shorten(cells[i], p.width-indent)...)
			line = append(line, piece{strings.Repeat(" ", max(0, widest+gap-widthOf(cells[i]))), plainStyle})
		}
		p.print(indent, line...)
	}
}

// names lists groups or signature schemes in one paragraph.
func (p *page) names(noun string, o offer, v results.Version, order string) {
	if len(o.names) == 0 && len(o.open) == 0 {
		return
	}
	words := noun + " of " + clean(string(v))
	if order != "" && len(o.names) > 1 {
		words += ", " + order
	}
	names := slices.Clone(o.names)
	for i := range names {
		if noun == "groups" && postQuantum(results.Named{Name: names[i]}) {
			names[i] += " (pq)"
		}
	}
	if len(names) == 0 && slices.Contains(o.open, "*") {
		p.paragraph(4, 2, warnStyle, words+": unknown")
		return
	}
	words += ": " + cmp.Or(strings.Join(names, ", "), "none")
	if len(o.open) > 0 {
		words += "; " + unknownIDs("other", map[results.Version][]string{v: o.open}, p.verbose)[0] + " unknown"
	}
	p.paragraph(4, 2, plainStyle, words)
}

func (p *page) protocol(e *endpoint) {
	byAnswer := map[string][]string{}
	var values []string
	for _, q := range contrast.ProtocolQuestions() {
		switch text := q.Of(e.Protocol).Text; text {
		case "":
		case "yes", "no", "unknown":
			byAnswer[text] = append(byAnswer[text], q.Name)
		default:
			values = append(values, q.Name+" "+clean(text))
		}
	}
	for _, line := range []struct{ head, words string }{
		{"", strings.Join(values, ", ")}, {"yes: ", strings.Join(byAnswer["yes"], ", ")},
		{"no: ", strings.Join(byAnswer["no"], ", ")}, {"unknown: ", strings.Join(byAnswer["unknown"], ", ")},
	} {
		if line.words != "" {
			p.paragraph(4, 2, plainStyle, line.head+line.words)
		}
	}
}
