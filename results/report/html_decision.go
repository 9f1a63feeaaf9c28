// The HTML report's page for a decision: where the TLS of a service can end.

package report

import (
	"fmt"
	"slices"

	"shakedown/results"
)

// decisionView is a decision, its table already asked.
type decisionView struct {
	ID, Title string
	Sentences []sentenceView
	Heads     []choiceHead
	Rows      []decisionRow
	Unasked   []string // rows of which nothing is recorded
	Unit      string   // what a unit is; "" where none is counted
}

type sentenceView struct {
	Head  string
	Parts []saidView
}

type choiceHead struct{ Kind, Paths string }

type decisionRow struct {
	Name  string
	Cells [][]saidView
}

// saidView is a statement with at most a few of its records.
type saidView struct {
	Level level
	Text  string
	Refs  []ref
	More  int
}

func (p *htmlPage) decide(d *decision, id string) {
	if d == nil {
		return
	}
	v := &decisionView{ID: id + "-decision", Title: d.title}
	for _, s := range d.sentences() {
		v.Sentences = append(v.Sentences, sentenceView{s.head, saidViews(s.parts)})
	}
	for _, c := range d.choices {
		v.Heads = append(v.Heads, choiceHead{string(c.kind), list(cleanAll(c.paths), 4)})
	}
	for _, q := range d.asked() {
		row, told := decisionRow{Name: d.rowName(q)}, false
		for _, c := range d.choices {
			answers := q.ask(d, c)
			row.Cells = append(row.Cells, saidViews(answers))
			told = told || !nothingOf(answers)
		}
		if told {
			v.Rows = append(v.Rows, row)
		} else {
			v.Unasked = append(v.Unasked, q.name)
		}
	}
	if d.planned > 0 {
		v.Unit = unitOf
	}
	p.Decisions = append(p.Decisions, v)
}

func saidViews(all []said) []saidView {
	const most = 4
	out := make([]saidView, len(all))
	for i, s := range all {
		refs := uniqueRefs(s.refs)
		out[i] = saidView{s.level, s.text, refs[:min(len(refs), most)], max(0, len(refs)-most)}
	}
	return out
}

func uniqueRefs(refs []ref) []ref {
	var out []ref
	for _, r := range refs {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// asked are the questions that have a meaning for the service.
func (d *decision) asked() []question {
	return slices.DeleteFunc(questions(), func(q question) bool {
		switch q.name {
		case rowInner:
			return d.of(results.LBTerminated) == nil && d.of(results.LBReencrypted) == nil && d.of(results.Passthrough) == nil
		case rowLoad:
			return d.planned <= 0
		}
		return false
	})
}

// rowName names a row, with the rate that is planned.
func (d *decision) rowName(q question) string {
	if q.name == rowLoad {
		return fmt.Sprintf("For %s handshakes/s", rate(d.planned))
	}
	return q.name
}
