// Facts of several endpoints side by side, and in which of them they differ.

package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

// cell is one endpoint's value of a fact. One that is not known takes no part
// in a comparison: it was not asked, or got no usable answer.
type cell struct {
	Text  string // yes, no, unknown, a value; "" = not asked, or has no meaning here
	known bool
	level level
}

func value(text string) cell { return cell{Text: text, known: text != ""} }

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
	first := ""
	for _, c := range f.Cells {
		switch {
		case !c.known:
		case first == "":
			first = c.Text
		case c.Text != first:
			return true
		}
	}
	return false
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
	topicVersions = "versions"
	topicSuites   = "suites"
	topicOrder    = "order"
	topicGroups   = "groups"
	topicSchemes  = "signature schemes"
	topicProtocol = "protocol"
	topicCerts    = "certificate"
)

// sequencePrefix begins the names of the facts that sequenceFact makes.
const sequencePrefix = "shared "

// factsOf lists every fact that at least one of the endpoints was asked.
func factsOf(es []*endpoint) []fact {
	facts := versionFacts(es)
	facts = append(facts, nameFacts(es, topicSuites, suitesOf)...)
	facts = append(facts, orderFacts(es)...)
	facts = append(facts, nameFacts(es, topicGroups, groupsOf)...)
	facts = append(facts, nameFacts(es, topicSchemes, schemesOf)...)
	facts = append(facts, protocolFacts(es)...)
	facts = append(facts, certFacts(es)...)
	return slices.DeleteFunc(facts, func(f fact) bool {
		return !slices.ContainsFunc(f.Cells, func(c cell) bool { return c.Text != "" })
	})
}

func factOf(topic, name string, es []*endpoint, of func(*endpoint) cell) fact {
	f := fact{Topic: topic, Name: name, Short: name, Cells: make([]cell, len(es))}
	for i, e := range es {
		f.Cells[i] = of(e)
	}
	return f
}

func versionFacts(es []*endpoint) []fact {
	asked := map[results.Version]bool{}
	for _, e := range es {
		for v := range e.Versions {
			asked[v] = true
		}
	}
	var facts []fact
	for _, v := range versionsIn(asked) {
		facts = append(facts, factOf(topicVersions, clean(string(v)), es, func(e *endpoint) cell { return answer(e.Versions[v]) }))
	}
	return facts
}

// offer is what an endpoint accepted of one list in one version.
type offer struct {
	ids, names []string // in the server's order, where it has one
	short      []string // the names' shorter forms; nil: the same
	open       []string // ids without a usable answer; * for all
	asked      bool
}

func (o offer) has(id string) cell {
	switch {
	case !o.asked:
		return cell{}
	case slices.Contains(o.ids, id):
		return answer(results.Yes)
	case slices.Contains(o.open, id), slices.Contains(o.open, "*"):
		return answer(results.Unknown)
	}
	return answer(results.No)
}

func suitesOf(e *endpoint, v results.Version) offer {
	list, asked := e.Suites[v]
	o := offer{open: e.Undetermined.Suites[v], asked: asked}
	for _, s := range list {
		o.ids, o.names = append(o.ids, s.ID), append(o.names, suiteName(s))
		o.short = append(o.short, clean(cmp.Or(s.OpenSSL, suiteName(s))))
	}
	return o
}

func groupsOf(e *endpoint, v results.Version) offer {
	return namedOffer(e.Groups, e.Undetermined.Groups, v)
}

func schemesOf(e *endpoint, v results.Version) offer {
	return namedOffer(e.SignatureSchemes, e.Undetermined.SignatureSchemes, v)
}

func namedOffer(lists map[results.Version][]results.Named, open map[results.Version][]string, v results.Version) offer {
	list, asked := lists[v]
	o := offer{open: open[v], asked: asked}
	for _, n := range list {
		o.ids, o.names = append(o.ids, n.ID), append(o.names, groupName(n))
	}
	return o
}

// nameFacts has a fact for each suite, group or scheme that an endpoint
// accepted. Where a version is off, its names have no meaning: that the
// version differs is said already.
func nameFacts(es []*endpoint, topic string, of func(*endpoint, results.Version) offer) []fact {
	known := results.Versions()
	slices.Reverse(known)
	var facts []fact
	for _, v := range known {
		seen := map[string]bool{}
		for _, e := range es {
			o := of(e, v)
			for i, id := range o.ids {
				if seen[id] {
					continue
				}
				seen[id] = true
				f := factOf(topic+" of "+string(v), o.names[i], es, func(e *endpoint) cell { return of(e, v).has(id) })
				if o.short != nil {
					f.Short = o.short[i]
				}
				facts = append(facts, f)
			}
		}
	}
	return facts
}

// orderFacts say whose order is followed and, where it is the server's,
// whether the shared suites stand in the same one.
func orderFacts(es []*endpoint) []fact {
	known := results.Versions()
	slices.Reverse(known)
	var facts []fact
	for _, v := range known {
		facts = append(facts,
			factOf(topicOrder, "suites of "+string(v), es, func(e *endpoint) cell { return preference(e.Preference[v]) }),
			sequenceFact(sequencePrefix+"suites of "+string(v), es, func(e *endpoint) ([]string, bool) {
				return suitesOf(e, v).ids, e.Preference[v] == results.PreferenceServer
			}),
			factOf(topicOrder, "groups of "+string(v), es, func(e *endpoint) cell { return preference(e.GroupPreference[v]) }),
			sequenceFact(sequencePrefix+"groups of "+string(v), es, func(e *endpoint) ([]string, bool) {
				return groupsOf(e, v).ids, e.GroupPreference[v] == results.PreferenceServer
			}))
	}
	return facts
}

func preference(p results.Preference) cell {
	if p == results.PreferenceUnknown {
		return answer(results.Unknown)
	}
	return value(clean(string(p)))
}

// sequenceFact tells apart the orders in which servers keep the names that all
// of them have, as A, B, …
func sequenceFact(name string, es []*endpoint, of func(*endpoint) (ids []string, fixed bool)) fact {
	shared := map[string]int{}
	servers := 0
	for _, e := range es {
		ids, fixed := of(e)
		if !fixed {
			continue
		}
		servers++
		for _, id := range ids {
			shared[id]++
		}
	}
	orders := map[string]string{}
	return factOf(topicOrder, name, es, func(e *endpoint) cell {
		ids, fixed := of(e)
		if !fixed || servers < 2 {
			return cell{}
		}
		kept := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return shared[id] < servers })
		if len(kept) < 2 {
			return cell{}
		}
		key := strings.Join(kept, " ")
		if orders[key] == "" {
			orders[key] = string(rune('A' + len(orders)%26))
		}
		return value(orders[key])
	})
}

func protocolFacts(es []*endpoint) []fact {
	var facts []fact
	for _, q := range protocolQuestions() {
		facts = append(facts, factOf(topicProtocol, q.name, es, func(e *endpoint) cell { return q.of(e.Protocol) }))
	}
	return facts
}

type protocolQuestion struct {
	name string
	of   func(results.Protocol) cell
}

func protocolQuestions() []protocolQuestion {
	yesNo := func(name string, of func(results.Protocol) results.Answer) protocolQuestion {
		return protocolQuestion{name, func(p results.Protocol) cell { return answer(of(p)) }}
	}
	return []protocolQuestion{
		{"ALPN", func(p results.Protocol) cell { return listed(p.ALPN) }},
		yesNo("extended master secret", func(p results.Protocol) results.Answer { return p.ExtendedMasterSecret }),
		yesNo("encrypt then MAC", func(p results.Protocol) results.Answer { return p.EncryptThenMAC }),
		yesNo("secure renegotiation", func(p results.Protocol) results.Answer { return p.SecureRenegotiation }),
		yesNo("compression", func(p results.Protocol) results.Answer { return p.Compression }),
		yesNo("fallback SCSV", func(p results.Protocol) results.Answer { return p.FallbackSCSV }),
		yesNo("resumption by session id", func(p results.Protocol) results.Answer { return p.ResumptionID }),
		yesNo("resumption by ticket", func(p results.Protocol) results.Answer { return p.ResumptionTicket }),
		yesNo("resumption by PSK", func(p results.Protocol) results.Answer { return p.ResumptionPSK }),
		yesNo("early data", func(p results.Protocol) results.Answer { return p.EarlyData }),
		yesNo("asks for a client certificate", func(p results.Protocol) results.Answer { return p.ClientCertificateRequested }),
		{"client certificate authorities", func(p results.Protocol) cell { return listed(p.ClientCertificateAuthorities) }},
		yesNo("OCSP staple", func(p results.Protocol) results.Answer { return p.OCSPStaple }),
		yesNo("SCT", func(p results.Protocol) results.Answer { return p.SCT }),
		{"DH bits", func(p results.Protocol) cell {
			return value(number(fmt.Sprint(max(p.DHBits, 0)))).unless(p.DHBits == 0)
		}},
		{"DH prime", func(p results.Protocol) cell { return value(clean(p.DHPrime)) }},
		yesNo("DH prime is safe", func(p results.Protocol) results.Answer { return p.DHPrimeSafe }),
		yesNo("DH generator is trivial", func(p results.Protocol) results.Answer { return p.DHGeneratorTrivial }),
		yesNo("version intolerant", func(p results.Protocol) results.Answer { return p.VersionIntolerant }),
		yesNo("size intolerant", func(p results.Protocol) results.Answer { return p.SizeIntolerant }),
		yesNo("extension intolerant", func(p results.Protocol) results.Answer { return p.ExtensionIntolerant }),
		{"HSTS", func(p results.Protocol) cell {
			if p.HSTS == nil {
				return cell{}
			}
			return value(fmt.Sprintf("%d s", *p.HSTS))
		}},
	}
}

func (c cell) unless(absent bool) cell {
	if absent {
		return cell{}
	}
	return c
}

// listed is a list's value: nil was not asked, empty is none.
func listed(names []string) cell {
	if names == nil {
		return cell{}
	}
	if len(names) == 0 {
		return value("none")
	}
	return value(clean(strings.Join(names, " ")))
}

func certFacts(es []*endpoint) []fact {
	of := func(name string, words func(results.Chain) string) fact {
		return factOf(topicCerts, name, es, func(e *endpoint) cell {
			var parts []string
			for _, c := range e.Chains {
				if w := words(c); !slices.Contains(parts, w) {
					parts = append(parts, w)
				}
			}
			return value(strings.Join(parts, " + "))
		})
	}
	leaf := func(words func(results.Cert) string) func(results.Chain) string {
		return func(c results.Chain) string {
			if len(c.Certificates) == 0 {
				return "none"
			}
			return words(c.Certificates[0])
		}
	}
	verdicts := factOf(topicCerts, "verdict", es, func(e *endpoint) cell {
		return cell{e.cert.brief(), e.cert.words != nil, e.cert.level}
	})
	return []fact{
		verdicts,
		of("subject", leaf(func(c results.Cert) string { return clean(c.Subject) })),
		of("issuer", leaf(func(c results.Cert) string { return clean(c.Issuer) })),
		of("key", leaf(keyWords)),
		of("valid until", leaf(func(c results.Cert) string { return date(c.NotAfter) })),
		of("fingerprint", leaf(func(c results.Cert) string { return short(c.SHA256) })),
		of("certificates sent", func(c results.Chain) string { return fmt.Sprint(len(c.Certificates)) }),
	}
}

// settings is everything of an endpoint that its TLS configuration decides;
// endpoints with equal settings are shown together.
func settings(e *endpoint) string {
	key, err := json.Marshal(&results.Endpoint{
		Versions: e.Versions, Suites: e.Suites, Preference: e.Preference, Groups: e.Groups,
		GroupPreference: e.GroupPreference, SignatureSchemes: e.SignatureSchemes, Undetermined: e.Undetermined, Protocol: e.Protocol,
	})
	if err != nil {
		return e.Anchor() // like no other
	}
	return string(key)
}

// alike groups items by a key, in the order in which keys first occur.
func alike[T any](items []T, key func(T) string) [][]T {
	var groups [][]T
	at := map[string]int{}
	for _, item := range items {
		k := key(item)
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], item)
	}
	return groups
}

func labelsOf(es []*endpoint) []string {
	labels := make([]string, len(es))
	for i, e := range es {
		labels[i] = e.label
	}
	return labels
}
