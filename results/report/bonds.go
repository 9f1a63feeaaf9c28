// Load balancers and their targets: what each side serves, and which instance
// drifted from its siblings.

package report

import (
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
	"shakedown/results/contrast"
)

// bond is a path with the instances behind it.
type bond struct {
	front   *endpoint
	targets []*endpoint
	missing []string // named as targets, but not among the records
	facts   []fact   // of front and targets, in this order
	drifts  []drift
}

// drift is how an instance's TLS settings differ from its siblings'.
type drift struct {
	who  *endpoint
	from []*endpoint // alike among themselves
	// split says that no settings are those of most siblings: which one
	// drifted cannot be told.
	split bool
	words []string
}

func (d drift) String() string {
	from := list(labelsOf(d.from), 3)
	if d.split {
		return fmt.Sprintf("is not set up like %s: %s", from, strings.Join(d.words, "; "))
	}
	return fmt.Sprintf("drifted from %s: %s", from, strings.Join(d.words, "; "))
}

// bonds finds each path's targets among the endpoints of its service, and those
// that drifted.
func bonds(es []*endpoint) []*bond {
	bound := contrast.Bonds(recordsOf(es))
	var found []*bond
	for _, b := range bound {
		mine := &bond{front: ours(es, b.Front)[0], targets: ours(es, b.Targets...)}
		for _, name := range b.Missing {
			mine.missing = append(mine.missing, clean(name))
		}
		mine.facts = factsOf(mine.all())
		found = append(found, mine)
	}
	for _, siblings := range contrast.Fleets(bound) {
		for _, d := range drifts(ours(es, siblings...)) {
			for _, b := range found {
				if slices.Contains(b.targets, d.who) {
					b.drifts = append(b.drifts, d)
				}
			}
		}
	}
	return found
}

// ours finds the endpoints that some records belong to.
func ours(es []*endpoint, records ...*results.Endpoint) []*endpoint {
	of := map[*results.Endpoint]*endpoint{}
	for _, e := range es {
		of[e.Endpoint] = e
	}
	var mine []*endpoint
	for _, r := range records {
		mine = append(mine, of[r])
	}
	return mine
}

func (b *bond) all() []*endpoint { return append([]*endpoint{b.front}, b.targets...) }

// remark is one thing worth saying of a load balancer's targets.
type remark struct {
	level      level
	who, words string
}

// told says in words which targets stand out.
func (b *bond) told() []remark {
	var out []remark
	for _, d := range b.drifts {
		out = append(out, remark{warning, d.who.label, d.String()})
	}
	for _, e := range b.targets {
		if e.cert.level >= warning {
			out = append(out, remark{e.cert.level, e.label, "certificate: " + e.cert.alarm()})
		}
		if l, words := statusWords(e); l >= warning {
			out = append(out, remark{l, e.label, words})
		}
	}
	for _, name := range b.missing {
		out = append(out, remark{notable, name, "is named as a target but was not observed"})
	}
	if out == nil {
		return []remark{{fine, "", b.harmless()}}
	}
	return out
}

// harmless says that no target stands out.
func (b *bond) harmless() string {
	names := list(labelsOf(b.targets), 6)
	switch {
	case !slices.ContainsFunc(b.facts, fact.differs):
		return "serves what " + names + " serves"
	case len(b.targets) == 1:
		return "its one target here is " + names
	}
	return "the targets are alike: " + names
}

// drifts tells how siblings differ from what most of them have in common.
func drifts(siblings []*endpoint) []drift {
	answered := ours(siblings, contrast.Answered(recordsOf(siblings))...)
	norm, same := contrast.Norm(recordsOf(siblings))
	if norm == nil {
		return nil
	}
	like := ours(siblings, same...)
	var out []drift
	for _, e := range answered {
		if slices.Contains(like, e) {
			continue
		}
		out = append(out, drift{who: e, from: like, split: 2*len(like) <= len(answered), words: differences(ours(siblings, norm)[0], e)})
	}
	return out
}

// differences says in words how e's settings differ from norm's. What is not
// known of both makes no difference; certificates are told elsewhere.
func differences(norm, e *endpoint) []string {
	facts := slices.DeleteFunc(factsOf([]*endpoint{norm, e}), func(f fact) bool {
		return !f.differs() || f.Topic == topicCerts
	})
	var more, fewer, other []string
	for _, group := range alike(facts, func(f fact) string { return f.Topic }) {
		gained, lost, changed := sorted(group)
		more = append(more, counted(group[0].Topic, gained)...)
		fewer = append(fewer, counted(group[0].Topic, lost)...)
		other = append(other, changed...)
	}
	other = append(other, orderChanges(facts)...)
	var words []string
	if more != nil {
		words = append(words, "adds "+list(more, 0))
	}
	if fewer != nil {
		words = append(words, "lacks "+list(fewer, 0))
	}
	return append(words, other...)
}

// sorted tells what differs in the facts of one topic: names that only the
// second endpoint accepts, names that only the first does, and the rest in
// words.
func sorted(facts []fact) (more, fewer, other []string) {
	for _, f := range facts {
		was, is := f.Cells[0].Text, f.Cells[1].Text
		switch {
		case was == "no" && is == "yes":
			more = append(more, f.Name)
		case was == "yes" && is == "no":
			fewer = append(fewer, f.Name)
		case f.Topic == topicOrder: // see orderChanges
		default:
			other = append(other, fmt.Sprintf("%s is %s, not %s", f.Name, is, was))
		}
	}
	return more, fewer, other
}

// orderChanges tells where order counts differently, alike changes together.
func orderChanges(facts []fact) []string {
	facts = slices.DeleteFunc(slices.Clone(facts), func(f fact) bool { return f.Topic != topicOrder })
	change := func(f fact) string {
		was, is := f.Cells[0].Text, f.Cells[1].Text
		if strings.HasPrefix(f.Name, contrast.Shared) {
			return "in another order"
		}
		return fmt.Sprintf("in %s order, not %s", whose(is), whose(was))
	}
	var words []string
	for _, group := range alike(facts, change) {
		var names []string
		for _, f := range group {
			names = append(names, f.Name)
		}
		words = append(words, list(names, 0)+" "+change(group[0]))
	}
	return words
}

// whose names an order by who decides it.
func whose(pref string) string {
	if pref == string(results.PreferenceMixed) {
		return "a mixed"
	}
	return "the " + pref + "'s"
}

// counted names a few things, or counts many: the table beside it names them.
func counted(topic string, names []string) []string {
	if len(names) < 2 || topic == topicVersions || len(names) < 4 && strings.HasPrefix(topic, topicGroups) {
		return names
	}
	return []string{fmt.Sprintf("%d %s", len(names), topic)}
}
