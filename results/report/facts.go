// Facts of several endpoints side by side, and in which of them they differ.

package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"shakedown/results"
	"shakedown/results/contrast"
)

// cell is one endpoint's value of a fact. One that is not known takes no part
// in a comparison: it was not asked, or got no usable answer.
type cell struct {
	Text  string // yes, no, unknown, a value; "" = not asked, or has no meaning here
	known bool
	level level
}

func answer(a results.Answer) cell {
	return cell{Text: clean(string(a)), known: a == results.Yes || a == results.No}
}

// fact is one question and each endpoint's value of it.
type fact struct {
	Topic, Name string
	Short       string // a shorter name where there is one: OpenSSL's
	Cells       []cell
	Names       []string // of the facts that are folded into this one; nil: it is one
}

// differs says that two endpoints are known to have different values.
func (f fact) differs() bool {
	var compared contrast.Fact
	for _, c := range f.Cells {
		compared.Cells = append(compared.Cells, contrast.Cell{Text: c.Text, Known: c.known})
	}
	return compared.Differs()
}

// alone says that one endpoint at most has a known value: there is nothing to
// compare it with.
func (f fact) alone() bool {
	known := 0
	for _, c := range f.Cells {
		if c.known {
			known++
		}
	}
	return known < 2
}

// open says that an endpoint's value is unknown though it was asked.
func (f fact) open() bool {
	return slices.ContainsFunc(f.Cells, func(c cell) bool { return c.Text == string(results.Unknown) })
}

// fewAlike is how many names with the same answers everywhere are listed each
// by itself.
const fewAlike = 3

// folded puts many names of one topic into one row where every endpoint gives
// the same answers to them.
func folded(facts []fact) []fact {
	pattern := func(f fact) string {
		key := f.Topic
		for _, c := range f.Cells {
			key += "\x00" + c.Text
		}
		return key
	}
	var out []fact
	for _, topic := range alike(facts, func(f fact) string { return f.Topic }) {
		for _, group := range alike(topic, pattern) {
			if !strings.Contains(group[0].Topic, " of ") || len(group) <= fewAlike {
				out = append(out, group...)
				continue
			}
			out = append(out, foldedInto(group))
		}
	}
	return out
}

func foldedInto(group []fact) fact {
	one := group[0]
	one.Names = nil
	for _, f := range group {
		one.Names = append(one.Names, f.Name)
	}
	one.Name = fmt.Sprintf("%d alike: %s …", len(group), group[0].Name)
	one.Short = fmt.Sprintf("%d alike: %s …", len(group), group[0].Short)
	return one
}

// Noun is what a folded fact counts.
func (f fact) Noun() string {
	noun, _, _ := strings.Cut(f.Topic, " of ")
	return fmt.Sprintf("%d %s", len(f.Names), noun)
}

// The topics, in the order of facts.
const (
	topicVersions = contrast.Versions
	topicSuites   = contrast.Suites
	topicOrder    = contrast.Order
	topicGroups   = contrast.Groups
	topicSchemes  = contrast.Schemes
	topicProtocol = contrast.Protocol
	topicCerts    = contrast.Certificate
)

// factsOf lists every fact that at least one of the endpoints was asked, in
// words that can be shown. What is wrong with certificates is told as a verdict.
func factsOf(es []*endpoint) []fact {
	var facts []fact
	told := false
	for _, f := range contrast.Facts(recordsOf(es)) {
		if f.Topic == topicCerts && !told {
			facts, told = append(facts, verdicts(es)), true
		}
		if f.ID != "certificate.problems" {
			facts = append(facts, cleaned(f))
		}
	}
	return facts
}

func recordsOf(es []*endpoint) []*results.Endpoint {
	records := make([]*results.Endpoint, len(es))
	for i, e := range es {
		records[i] = e.Endpoint
	}
	return records
}

func verdicts(es []*endpoint) fact {
	f := fact{Topic: topicCerts, Name: "verdict", Short: "verdict"}
	for _, e := range es {
		f.Cells = append(f.Cells, cell{e.cert.brief(), e.cert.words != nil, e.cert.level})
	}
	return f
}

// cleaned cleans the words of a fact and shortens what is long.
func cleaned(f contrast.Fact) fact {
	words := clean
	switch {
	case f.ID == "certificate.sha256":
		words = eachPart(short)
	case f.ID == "certificate.not_after":
		words = eachPart(day)
	case strings.HasPrefix(f.Name, contrast.Shared):
		words = letters()
	}
	out := fact{Topic: f.Topic, Name: clean(f.Name), Short: clean(f.Short)}
	for _, c := range f.Cells {
		shown := cell{known: c.Known}
		if c.Text != "" {
			shown.Text = words(c.Text)
		}
		out.Cells = append(out.Cells, shown)
	}
	return out
}

// eachPart puts each chain's value into other words.
func eachPart(words func(string) string) func(string) string {
	return func(text string) string {
		parts := strings.Split(text, contrast.Plus)
		for i, part := range parts {
			parts[i] = words(part)
		}
		return strings.Join(parts, contrast.Plus)
	}
}

// day is the date of a moment in an endpoint's fact.
func day(moment string) string {
	at, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		return clean(moment) // none
	}
	return date(at)
}

// letters tells texts apart as A, B, …
func letters() func(string) string {
	seen := map[string]string{}
	return func(text string) string {
		if seen[text] == "" {
			seen[text] = string(rune('A' + len(seen)%26))
		}
		return seen[text]
	}
}

// offer is what an endpoint accepted of one list, with names that can be shown.
type offer struct{ names, open []string }

func suitesOf(e *endpoint, v results.Version) offer {
	return shownOffer(contrast.SuitesOf(e.Endpoint, v))
}

func groupsOf(e *endpoint, v results.Version) offer {
	return shownOffer(contrast.GroupsOf(e.Endpoint, v))
}

func schemesOf(e *endpoint, v results.Version) offer {
	return shownOffer(contrast.SchemesOf(e.Endpoint, v))
}

func shownOffer(o contrast.Offer) offer {
	out := offer{open: o.Open}
	for _, name := range o.Names {
		out.names = append(out.names, clean(name))
	}
	return out
}

// settings is everything of an endpoint that its TLS configuration decides;
// endpoints with equal settings are shown together.
func settings(e *endpoint) string { return contrast.Settings(e.Endpoint) }

// alike groups items by a key, in the order in which keys first occur.
func alike[T any](items []T, key func(T) string) [][]T { return contrast.Alike(items, key) }

func labelsOf(es []*endpoint) []string {
	labels := make([]string, len(es))
	for i, e := range es {
		labels[i] = e.label
	}
	return labels
}
