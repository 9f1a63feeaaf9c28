// The terminal report's part on scanned endpoints: paths side by side, what
// differs, settings, chains and what is unknown.

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
	"shakedown/results/contrast"
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
	p.chains(s.endpoints)
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
	t := &table{columns: []column{
		{head: " "}, {head: "PATH", min: 12}, {head: "KIND", part: 1}, {head: "ADDRESS", part: 1},
		{head: "STATUS", part: 1}, {head: "CONNS", right: true, part: 1},
		{head: versionHead(versions), part: 2}, {head: "SUITES", right: true, part: 2}, {head: "GROUPS", right: true, part: 2}, {head: "PQ", part: 2},
		{head: "CERTIFICATE", min: 20, part: 2},
	}}
	for _, e := range es {
		l := e.worry()
		t.add(styled(l.mark(), l.style()), styled(e.label, boldStyle), text(clean(string(e.Kind))), text(clean(e.Address)),
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

// bond shows what a load balancer serves beside what its targets serve.
func (p *page) bond(b *bond) {
	p.subtitle(fmt.Sprintf("%s beside its targets", b.front.label))
	for _, line := range b.told() {
		p.paragraph(2, 2, line.level.style(), strings.TrimSpace(line.who+" "+line.words))
	}
	differ := slices.DeleteFunc(slices.Clone(b.facts), func(f fact) bool { return !f.differs() || f.Topic == topicCerts && f.Name != "verdict" })
	if !p.verbose {
		differ = folded(differ)
	}
	if len(differ) > 0 {
		p.blank()
		for i, t := range factTables(b.all(), differ, p.verbose, p.width-2) {
			if i > 0 {
				p.blank()
			}
			p.table(2, t)
		}
	}
	p.paragraph(2, 2, dimStyle, b.rest())
}

// rest counts the facts that do not differ.
func (b *bond) rest() string {
	alike, open, alone := 0, 0, 0
	for _, f := range b.facts {
		switch {
		case f.differs():
		case f.open():
			open++
		case f.alone():
			alone++
		default:
			alike++
		}
	}
	words := plural(alike, "fact") + " alike"
	if alone > 0 {
		words += fmt.Sprintf(", %d that only one of them has", alone)
	}
	if open > 0 {
		words += fmt.Sprintf(", %d unknown of one of them", open)
	}
	return words
}

// factTables lays facts out with a column for each endpoint; endpoints alike
// in all of them share one. What does not fit goes to a further table.
func factTables(es []*endpoint, facts []fact, full bool, width int) []*table {
	columns := alike(indexes(len(es)), func(i int) string {
		key := fmt.Sprint(i == 0) // the load balancer stands alone
		for _, f := range facts {
			key += "\x00" + f.Cells[i].Text
		}
		return key
	})
	var tables []*table
	for len(columns) > 0 {
		n := len(columns)
		t := factTable(es, facts, columns, full)
		for n > 1 && !t.fits(width) {
			n--
			t = factTable(es, facts, columns[:n], full)
		}
		tables, columns = append(tables, t), columns[n:]
	}
	return tables
}

// fairCell is how wide a value may make its column.
const fairCell = 13

// factTable has a row for each fact and a column for each group of endpoints.
func factTable(es []*endpoint, facts []fact, columns [][]int, full bool) *table {
	t := &table{columns: []column{{head: "DIFFERS", min: 28}}}
	for _, group := range columns {
		t.columns = append(t.columns, column{head: groupHead(es, group), min: 8})
	}
	topic := ""
	for _, f := range facts {
		if f.Topic != topic && f.listed() {
			t.add(append([][]piece{styled(f.Topic, dimStyle)}, make([][]piece, len(columns))...)...)
		}
		topic = f.Topic
		cells := [][]piece{text(factLabel(f, full))}
		for i, group := range columns {
			cell := shown(f.Cells[group[0]])
			if !full {
				cell = shorten(cell, max(fairCell, cellWidth(t.columns[i+1].head)))
			}
			cells = append(cells, cell)
		}
		t.add(cells...)
	}
	return t
}

func groupHead(es []*endpoint, group []int) string {
	if len(group) > 3 {
		return fmt.Sprintf("%s +%d", es[group[0]].label, len(group)-1)
	}
	var labels []string
	for _, i := range group {
		labels = append(labels, es[i].label)
	}
	return strings.Join(labels, ", ")
}

// listed says that a fact's topic stands above it.
func (f fact) listed() bool { return f.Topic == topicOrder || strings.Contains(f.Topic, " of ") }

func factLabel(f fact, full bool) string {
	name := f.Short
	if full {
		name = f.Name
	}
	switch {
	case f.Topic == topicCerts:
		return topicCerts
	case f.listed():
		return "  " + name
	}
	return name
}

// settings lists suites, groups and the rest, once for all that are alike.
func (p *page) settings(es []*endpoint) {
	answered := slices.DeleteFunc(slices.Clone(es), func(e *endpoint) bool { return e.Status == results.Failed || e.Suites == nil && e.Groups == nil })
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
		if p.verbose {
			for _, v := range versionsIn(e.SignatureSchemes) {
				p.names("signature schemes", schemesOf(e, v), v, "")
			}
		}
		p.protocol(e)
	}
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

// chains lists each distinct chain once, with who serves it.
func (p *page) chains(es []*endpoint) {
	groups := chainGroups(es)
	if len(groups) == 0 {
		return
	}
	p.subtitle("Certificate chains")
	var sound []*chainGroup
	for i, g := range groups {
		if g.cert.level == fine && len(groups) > fewChains && !p.verbose {
			sound = append(sound, g)
			continue
		}
		if i > 0 {
			p.blank()
		}
		p.chain(g.chain, g.cert, strings.Join(g.labels, ", "))
	}
	if len(sound) > 0 {
		p.blank()
		p.table(2, soundTable(sound))
	}
}

// fewChains is how many chains are told in full though nothing is wrong.
const fewChains = 8

// soundTable has a line for each chain that nothing is wrong with, the first
// to expire first.
func soundTable(groups []*chainGroup) *table {
	slices.SortStableFunc(groups, func(a, b *chainGroup) int {
		x, _ := firstEnd(a.chain)
		y, _ := firstEnd(b.chain)
		return x.Compare(y)
	})
	t := &table{columns: []column{{head: "SERVED BY", min: 24}, {head: "SUBJECT", min: 12}, {head: "KEY"}, {head: "UNTIL"}, {head: "ISSUER", min: 8}, {head: "VERDICT"}}}
	for _, g := range groups {
		leaf := g.chain.Certificates[0]
		t.add(text(list(g.labels, 3)), text(clean(leaf.Subject)), text(keyWords(leaf)), text(date(leaf.NotAfter)), text(clean(leaf.Issuer)), text(g.cert.compact()))
	}
	return t
}

// chainGroup is one distinct chain and the paths that serve it.
type chainGroup struct {
	chain  *results.Chain
	cert   verdict
	labels []string
	refs   []ref
}

func chainGroups(es []*endpoint) []*chainGroup {
	var groups []*chainGroup
	byKey := map[string]*chainGroup{}
	for _, e := range es {
		for i := range e.Chains {
			c := &e.Chains[i]
			cert := wordsOf(c, e.at)
			key := chainKey(c) + cert.String()
			g := byKey[key]
			if g == nil {
				g = &chainGroup{chain: c, cert: cert}
				byKey[key] = g
				groups = append(groups, g)
			}
			g.labels, g.refs = append(g.labels, e.label), append(g.refs, e.ref)
		}
	}
	slices.SortStableFunc(groups, func(a, b *chainGroup) int { return cmp.Compare(b.cert.level, a.cert.level) })
	return groups
}

func chainKey(c *results.Chain) string {
	key := c.ServerName + " " + c.Auth
	for _, cert := range c.Certificates {
		key += " " + cert.SHA256
	}
	return key
}

func (p *page) chain(c *results.Chain, v verdict, who string) {
	p.paragraph(2, 2, boldStyle, fmt.Sprintf("%s %s", v.level.mark(), who))
	p.paragraph(4, 2, v.level.style(), fmt.Sprintf("%s for %s: %s", clean(c.Auth), cmp.Or(clean(c.ServerName), "no name"), v))
	for i, cert := range c.Certificates {
		words := fmt.Sprintf("%d %s, %s, until %s, sha256 %s", i, cmp.Or(clean(cert.Subject), "(subject not readable)"), keyWords(cert), date(cert.NotAfter), short(cert.SHA256))
		p.paragraph(4, 2, plainStyle, words)
		if names := certNames(cert); i == 0 && len(names) > 0 {
			p.paragraph(6, 2, dimStyle, "names: "+list(names, p.limit(4)))
		}
		if i == len(c.Certificates)-1 && cert.Issuer != cert.Subject {
			p.paragraph(6, 2, dimStyle, "issued by "+clean(cert.Issuer))
		}
	}
}

func certNames(c results.Cert) []string {
	var names []string
	for _, n := range slices.Concat(c.DNSNames, c.IPAddresses) {
		names = append(names, clean(n))
	}
	return names
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
			if p.verbose && f.Detail != "" {
				p.paragraph(6, 2, dimStyle, failureWords(f)+": "+clean(f.Detail))
			}
		}
	}
}

// nothingKnown is said once where every fact that was asked is unknown.
const nothingKnown = "nothing of what was asked is known"

func (p *page) unanswered(e *endpoint) string {
	words := cmp.Or(failuresWords(e.Failures), "no failure recorded")
	if e.Status == results.Failed {
		return words + "; " + nothingKnown
	}
	if unknown := undeterminedWords(e.Undetermined, p.verbose); len(unknown) > 0 {
		words += "; unknown therefore: " + list(unknown, 0)
	}
	return words
}

func (p *page) files(files []*chainFile) {
	if len(files) == 0 {
		return
	}
	p.title("Chain files")
	for _, f := range files {
		p.chain(&f.Chain, f.cert, clean(f.File))
	}
}
