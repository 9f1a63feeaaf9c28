// A load balancer beside its targets on the page, and who serves what: matrices
// of paths against suites, groups and the rest.

package report

import (
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

// bondView is a load balancer beside its targets.
type bondView struct {
	Front  string
	Heads  []string
	Told   []issueView
	Differ []factGroup
	Alike  []factGroup
	Rest   string
}

type factGroup struct {
	Topic string
	Facts []fact
}

func newBondView(b *bond) bondView {
	v := bondView{Front: b.front.label, Heads: labelsOf(b.all()), Rest: b.rest()}
	for _, line := range b.told() {
		v.Told = append(v.Told, issueView{Level: line.level, Who: line.who, Words: line.words})
	}
	differ := slices.DeleteFunc(slices.Clone(b.facts), func(f fact) bool { return !f.differs() })
	same := slices.DeleteFunc(slices.Clone(b.facts), func(f fact) bool { return f.differs() })
	v.Differ, v.Alike = byTopic(folded(differ)), byTopic(folded(same))
	return v
}

func byTopic(facts []fact) []factGroup {
	var out []factGroup
	for _, g := range alike(facts, func(f fact) string { return f.Topic }) {
		out = append(out, factGroup{g[0].Topic, g})
	}
	return out
}

// matrix is names × paths.
type matrix struct {
	Title   string
	Heads   []string
	Keys    []columnKey // who stands in a column, where several share one
	Groups  []matrixGroup
	Strange bool   // has hints on strength
	Legend  string // the end of the legend below; "" for none
	Folded  bool
}

// columnKey names the paths that share a column.
type columnKey struct {
	Head  string
	Paths []string
}

type matrixGroup struct {
	Topic string
	Rows  []matrixRow
}

type matrixRow struct {
	Name  string
	Hint  string // what the name says of its strength
	Class string
	Cells []rankedCell
}

// rankedCell is a cell with its place in the server's order, if it has one.
type rankedCell struct {
	cell
	Rank int
}

// mostColumns is how many paths a matrix shows each by itself; beyond, those
// with equal settings share a column.
const mostColumns = 12

// matrices are suites × paths, groups × paths, and everything else × paths.
func matrices(es []*endpoint) []matrix {
	answered := slices.DeleteFunc(slices.Clone(es), func(e *endpoint) bool { return len(e.Versions) == 0 || e.Status == results.Failed })
	if len(answered) == 0 {
		return nil
	}
	var heads []string
	columns := answered
	var keys []columnKey
	if len(answered) > mostColumns {
		columns = nil
		for i, g := range alike(answered, settings) {
			k := columnKey{fmt.Sprintf("set %d", i+1), labelsOf(g)}
			columns, heads, keys = append(columns, g[0]), append(heads, k.Head), append(keys, k)
		}
	} else {
		heads = labelsOf(answered)
	}
	suites := matrix{Title: "Cipher suites", Heads: heads, Keys: keys, Strange: true, Legend: " · hints are read off the name: FS forward secrecy, AEAD authenticated encryption"}
	suites.add(columns, topicSuites, suitesOf, func(e *endpoint, v results.Version) results.Preference { return e.Preference[v] })
	groups := matrix{Title: "Groups", Heads: heads, Strange: true, Legend: " · blank: the version is off, or was not asked"}
	groups.add(columns, topicGroups, groupsOf, func(e *endpoint, v results.Version) results.Preference { return e.GroupPreference[v] })
	others := matrix{Title: "Signature schemes and protocol", Heads: heads, Folded: true}
	others.add(columns, topicSchemes, schemesOf, func(*endpoint, results.Version) results.Preference { return "" })
	others.rest(columns)
	return slices.DeleteFunc([]matrix{suites, groups, others}, func(m matrix) bool { return len(m.Groups) == 0 })
}

func (m *matrix) add(es []*endpoint, topic string, of func(*endpoint, results.Version) offer, pref func(*endpoint, results.Version) results.Preference) {
	known := results.Versions()
	slices.Reverse(known)
	facts := factsOf(es)
	for _, v := range known {
		g := matrixGroup{Topic: string(v)}
		if topic == topicSchemes {
			g.Topic = topic + " of " + string(v)
		}
		for _, f := range facts {
			if f.Topic != topic+" of "+string(v) {
				continue
			}
			row := matrixRow{Name: f.Name}
			row.Hint, row.Class = hint(topic, f.Name)
			for i, c := range f.Cells {
				rc := rankedCell{cell: c}
				if pref(es[i], v) == results.PreferenceServer {
					rc.Rank = slices.Index(of(es[i], v).names, f.Name) + 1
				}
				row.Cells = append(row.Cells, rc)
			}
			g.Rows = append(g.Rows, row)
		}
		if len(g.Rows) > 0 {
			m.Groups = append(m.Groups, g)
		}
	}
}

// rest adds the order and protocol facts.
func (m *matrix) rest(es []*endpoint) {
	facts := slices.DeleteFunc(factsOf(es), func(f fact) bool { return f.Topic != topicOrder && f.Topic != topicProtocol })
	for _, group := range byTopic(facts) {
		g := matrixGroup{Topic: group.Topic}
		for _, f := range group.Facts {
			row := matrixRow{Name: f.Name}
			for _, c := range f.Cells {
				row.Cells = append(row.Cells, rankedCell{cell: c})
			}
			g.Rows = append(g.Rows, row)
		}
		m.Groups = append(m.Groups, g)
	}
}

// hint is what a suite's or group's name says, and its class.
func hint(topic, name string) (words, class string) {
	switch topic {
	case topicGroups:
		if postQuantum(results.Named{Name: name}) {
			return "post-quantum", "strong"
		}
		return "", ""
	case topicSuites:
		if strings.HasPrefix(name, "0x") {
			return "", ""
		}
		t := traitsOf(name)
		switch {
		case t.Weak:
			return "weak", "weak"
		case t.ForwardSecret && t.AEAD:
			return "FS · AEAD", "strong"
		case t.ForwardSecret:
			return "FS · no AEAD", "fair"
		case t.AEAD:
			return "no FS · AEAD", "poor"
		}
		return "no FS · no AEAD", "poor"
	}
	return "", ""
}
