// A load balancer beside its targets in a terminal: the facts that differ.

package report

import (
	"fmt"
	"slices"
	"strings"
)

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
