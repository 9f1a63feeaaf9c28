// The terminal report's part on scanned endpoints: paths side by side, what
// went without an answer, and the order of the rest.

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

func (p *page) section(s *section) {
	p.title(s.title)
	if len(s.endpoints) > 0 {
		p.table(0, pathTable(s.endpoints))
		p.notes(append([]string{legend(s.endpoints)}, versionNotes(s.endpoints)...))
	}
	for _, b := range s.bonds {
		p.bond(b)
	}
	p.settings(s.endpoints)
	p.steady(s.endpoints)
	p.chains(s.endpoints)
	p.sessions(s.endpoints)
	p.failures(s.endpoints)
	p.matches(s)
	p.findings(s)
	p.bench(s)
	p.decision(newDecision(s, p.planned))
}

// legend explains the signs of the table of paths.
func legend(es []*endpoint) string {
	words := "✓ accepted, · refused, ? no usable answer, blank: not asked"
	if slices.ContainsFunc(es, func(e *endpoint) bool { return e.Groups != nil }) {
		words += "; PQ: a post-quantum group"
	}
	return words
}

func (p *page) notes(notes []string) {
	for _, n := range notes {
		p.paragraph(2, 2, dimStyle, n)
	}
}

// pathTable is a service's paths side by side.
func pathTable(es []*endpoint) *table {
	versions := variedVersions(es)
	unnamed := !slices.ContainsFunc(es, func(e *endpoint) bool { return e.label != clean(e.Address) })
	t := &table{columns: []column{
		{head: " "}, {head: "PATH", min: 12}, {head: "KIND", part: 1}, {head: "ADDRESS", part: 1},
		{head: "STATUS", part: 1}, {head: "CONNS", right: true, part: 1},
		{head: versionHead(versions), part: 2}, {head: "SUITES", right: true, part: 2}, {head: "GROUPS", right: true, part: 2}, {head: "PQ", part: 2},
		{head: "CERTIFICATE", min: 20, part: 2},
	}}
	for _, e := range es {
		l, address := e.worry(), clean(e.Address)
		if unnamed { // the paths are called by their addresses
			address = ""
		}
		t.add(styled(l.mark(), l.style()), styled(e.label, boldStyle), text(clean(string(e.Kind))), text(address),
			statusCell(e), text(fmt.Sprint(e.Connections)), versionCells(e, versions), text(suiteCount(e)), text(groupCount(e)), shown(quantumCell(e)),
			styled(cmp.Or(e.cert.compact(), "–"), e.cert.level.style()))
	}
	return t
}

// worry is the level of the worst that an endpoint's own record tells.
func (e *endpoint) worry() level {
	l, _ := statusWords(e)
	return max(l, e.cert.level)
}

func statusCell(e *endpoint) []piece {
	l, _ := statusWords(e)
	return styled(clean(string(e.Status)), l.style())
}

// variedVersions are those worth a column: all but what every path refuses, or
// none was asked. TLS 1.2 and 1.3 have one always.
func variedVersions(es []*endpoint) []results.Version {
	return slices.DeleteFunc(results.Versions(), func(v results.Version) bool {
		if v == results.TLSv12 || v == results.TLSv13 {
			return false
		}
		return !slices.ContainsFunc(es, func(e *endpoint) bool {
			return e.Versions[v] == results.Yes || e.Versions[v] == results.Unknown && e.Status != results.Failed
		})
	})
}

// versionNotes tells of the versions without a column.
func versionNotes(es []*endpoint) []string {
	shown := variedVersions(es)
	var refused []string
	for _, v := range results.Versions() {
		asked := slices.ContainsFunc(es, func(e *endpoint) bool { return e.Versions[v] == results.No })
		if asked && !slices.Contains(shown, v) {
			refused = append(refused, string(v))
		}
	}
	if refused == nil {
		return nil
	}
	return []string{"no path that answered accepts " + strings.Join(refused, ", ")}
}

func versionHead(versions []results.Version) string {
	heads := make([]string, len(versions))
	for i, v := range versions {
		heads[i] = fmt.Sprintf("%-3s", versionShort(v))
	}
	return strings.TrimRight(strings.Join(heads, " "), " ")
}

func versionShort(v results.Version) string {
	return strings.Replace(strings.TrimPrefix(string(v), "TLSv"), "SSLv", "S", 1)
}

func versionCells(e *endpoint, versions []results.Version) []piece {
	var cells []piece
	for i, v := range versions {
		width := 4
		if i == len(versions)-1 {
			width = 3
		}
		cells = append(cells, markOf(answer(e.Versions[v]), width)...)
	}
	return cells
}

// suiteCount counts the distinct suites of all versions; ? if more may be.
func suiteCount(e *endpoint) string {
	ids := map[string]bool{}
	for _, list := range e.Suites {
		for _, s := range list {
			ids[s.ID] = true
		}
	}
	return count(len(ids), e.Suites != nil, len(e.Undetermined.Suites) > 0)
}

func groupCount(e *endpoint) string {
	ids := map[string]bool{}
	for _, list := range e.Groups {
		for _, g := range list {
			ids[g.ID] = true
		}
	}
	return count(len(ids), e.Groups != nil, len(e.Undetermined.Groups) > 0)
}

func count(n int, asked, open bool) string {
	switch {
	case !asked:
		return ""
	case open && n == 0:
		return "?"
	case open:
		return fmt.Sprintf("%d+?", n)
	}
	return fmt.Sprint(n)
}

// quantumCell says whether a post-quantum group was accepted.
func quantumCell(e *endpoint) cell {
	for _, list := range e.Groups {
		if slices.ContainsFunc(list, postQuantum) {
			return answer(results.Yes)
		}
	}
	switch {
	case e.Groups == nil:
		return cell{}
	case len(e.Undetermined.Groups) > 0:
		return answer(results.Unknown)
	}
	return answer(results.No)
}

func (p *page) limit(n int) int {
	if p.verbose {
		return 0
	}
	return n
}

// failures tells what went without an answer, and what is unknown for it.
func (p *page) failures(es []*endpoint) {
	affected := slices.DeleteFunc(slices.Clone(es), func(e *endpoint) bool {
		return len(e.Failures) == 0 && e.Undetermined.IsZero() && e.Status == results.Complete
	})
	if len(affected) == 0 {
		return
	}
	p.subtitle("Without an answer")
	for _, group := range alike(affected, func(e *endpoint) string { return p.unanswered(e) }) {
		p.paragraph(2, 2, plainStyle, strings.Join(labelsOf(group), ", ")+": "+p.unanswered(group[0]))
		for _, f := range group[0].Failures {
			if f.Detail != "" && (p.verbose || f.Alert == "unrecognized_name") { // there is something to do about that
				p.paragraph(6, 2, dimStyle, failureWords(f)+": "+clean(f.Detail))
			}
		}
	}
}

// nothingKnown is said once where every fact that was asked is unknown.
const nothingKnown = "nothing of what was asked is known"

// heldBack says what to try where some hellos were answered and others met silence.
func heldBack(e *endpoint) string {
	silent := slices.ContainsFunc(e.Failures, func(f results.Failure) bool {
		return f.Stage == results.StageHello && f.Kind == results.KindTimeout
	})
	if !silent {
		return ""
	}
	return "; some servers hold refusals back for up to 30 s (s2n-tls, which AWS load balancers run): --patience 35s waits for them"
}

func (p *page) unanswered(e *endpoint) string {
	words := cmp.Or(failuresWords(e.Failures), "no failure recorded")
	if e.Status == results.Failed {
		return words + "; " + nothingKnown
	}
	if unknown := undeterminedWords(e.Undetermined, p.verbose); len(unknown) > 0 {
		words += "; unknown therefore: " + list(unknown, 0)
	}
	return words + heldBack(e)
}
