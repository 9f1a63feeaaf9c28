// Load balancers and their targets: what each side serves, and which instance
// drifted from its siblings.

package report

import (
	"fmt"
	"slices"
	"strings"
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
		return fmt.Sprintf("is not set up like %s: %s", from, strings.Join(d.words, ", "))
	}
	return fmt.Sprintf("drifted from %s: %s", from, strings.Join(d.words, ", "))
}

// bonds finds each path's targets among the endpoints of its service.
func bonds(es []*endpoint) []*bond {
	var found []*bond
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
		b.drifts = drifts(b.targets)
		found = append(found, b)
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
		return []remark{{fine, "", "the targets are alike: " + list(labelsOf(b.targets), 6)}}
	}
	return out
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
	var words []string
	for _, group := range alike(facts, func(f fact) string { return f.Topic }) {
		words = append(words, topicWords(group)...)
	}
	return words
}

// topicWords words the differing facts of one topic.
func topicWords(facts []fact) []string {
	var more, fewer, other []string
	for _, f := range facts {
		was, is := f.Cells[0].Text, f.Cells[1].Text
		switch {
		case was == "no" && is == "yes":
			more = append(more, f.Name)
		case was == "yes" && is == "no":
			fewer = append(fewer, f.Name)
		case strings.HasPrefix(f.Name, sequencePrefix):
			other = append(other, "another order of "+f.Name)
		case f.Topic == topicOrder:
			other = append(other, fmt.Sprintf("%s in the %s's order, not the %s's", f.Name, is, was))
		default:
			other = append(other, fmt.Sprintf("%s %s, not %s", f.Name, is, was))
		}
	}
	words := counted("also", facts[0].Topic, more)
	words = append(words, counted("not", facts[0].Topic, fewer)...)
	return append(words, other...)
}

// counted names a few things, or counts many: the table beside it names them.
func counted(verb, topic string, names []string) []string {
	switch {
	case len(names) == 0:
		return nil
	case len(names) == 1 || topic == topicVersions || len(names) < 4 && strings.HasPrefix(topic, topicGroups):
		return []string{verb + " " + list(names, 0)}
	}
	return []string{fmt.Sprintf("%s %d %s", verb, len(names), topic)}
}
