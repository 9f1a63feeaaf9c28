// Load balancers and their targets: what each side serves, and which instance
// drifted from its siblings.

package report

import (
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
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

// bonds finds each path's targets among the endpoints of its service. Every
// target of a service is the others' sibling, behind whichever load balancer:
// the more there are, the clearer is which one drifted.
func bonds(es []*endpoint) []*bond {
	var found []*bond
	var fleet []*endpoint
	for _, front := range es {
		if len(front.Targets) == 0 {
			continue
		}
		b := &bond{front: front}
		for _, name := range front.Targets {
			behind := behind(es, front, name)
			if len(behind) == 0 {
				b.missing = append(b.missing, clean(name))
			}
			b.targets = append(b.targets, behind...)
		}
		b.facts = factsOf(b.all())
		found = append(found, b)
		for _, e := range b.targets {
			if !slices.Contains(fleet, e) {
				fleet = append(fleet, e)
			}
		}
	}
	for _, siblings := range alike(fleet, func(e *endpoint) string { return e.Service }) {
		for _, d := range drifts(siblings) {
			for _, b := range found {
				if slices.Contains(b.targets, d.who) {
					b.drifts = append(b.drifts, d)
				}
			}
		}
	}
	return found
}

func behind(es []*endpoint, front *endpoint, name string) []*endpoint {
	var out []*endpoint
	for _, e := range es {
		if e.Path == name && e.Service == front.Service && e != front {
			out = append(out, e)
		}
	}
	return out
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

// drifts compares siblings with what most of them have in common.
func drifts(siblings []*endpoint) []drift {
	answered := slices.DeleteFunc(slices.Clone(siblings), func(e *endpoint) bool { return len(e.Versions) == 0 })
	norm, same := mostCommon(answered)
	if norm == nil {
		return nil
	}
	var out []drift
	for _, e := range answered {
		if slices.Contains(same, e) {
			continue
		}
		out = append(out, drift{who: e, from: same, split: 2*len(same) <= len(answered), words: differences(norm, e)})
	}
	return out
}

// mostCommon returns the sibling that most others do not differ from, and all
// of those; the first, where there are several.
func mostCommon(es []*endpoint) (norm *endpoint, same []*endpoint) {
	for _, group := range alike(es, settings) {
		var like []*endpoint
		for _, e := range es {
			if e == group[0] || len(differences(group[0], e)) == 0 {
				like = append(like, e)
			}
		}
		if len(like) > len(same) {
			norm, same = group[0], like
		}
	}
	return norm, same
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
		if strings.HasPrefix(f.Name, sequencePrefix) {
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
