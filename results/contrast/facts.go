// Facts of several endpoints side by side, and in which of them they differ.

package contrast

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"shakedown/results"
)

// Cell is one endpoint's value of a fact. One that is not known takes no part
// in a comparison: it was not asked, or got no usable answer.
type Cell struct {
	Text  string // yes, no, unknown, a value; "" = not asked, or has no meaning here
	Known bool
}

func value(text string) Cell { return Cell{Text: text, Known: text != ""} }

func answer(a results.Answer) Cell {
	return Cell{Text: string(a), Known: a == results.Yes || a == results.No}
}

// Fact is one question and each endpoint's value of it. Its words can be what a
// server said: they are to be cleaned before they are shown.
type Fact struct {
	ID          string // as a Difference names it
	Topic, Name string
	Short       string // a shorter name where there is one: OpenSSL's
	Cells       []Cell
}

// Differs says that two endpoints are known to have different values.
func (f Fact) Differs() bool {
	first := ""
	for _, c := range f.Cells {
		switch {
		case !c.Known:
		case first == "":
			first = c.Text
		case c.Text != first:
			return true
		}
	}
	return false
}

// The topics, in the order of Facts. Suites, groups and schemes have one for
// each version: "suites of TLSv1.2".
const (
	Versions    = "versions"
	Suites      = "suites"
	Order       = "order"
	Groups      = "groups"
	Schemes     = "signature schemes"
	Protocol    = "protocol"
	Certificate = "certificate"
)

// Shared begins the names of the facts that tell in which order servers keep the
// names that all of them have.
const Shared = "shared "

// Facts lists every fact that at least one of the endpoints was asked.
func Facts(es []*results.Endpoint) []Fact {
	facts := versionFacts(es)
	facts = append(facts, nameFacts(es, Suites, "suites", SuitesOf)...)
	facts = append(facts, orderFacts(es)...)
	facts = append(facts, nameFacts(es, Groups, "groups", GroupsOf)...)
	facts = append(facts, nameFacts(es, Schemes, "signature_schemes", SchemesOf)...)
	facts = append(facts, protocolFacts(es)...)
	facts = append(facts, certificateFacts(es)...)
	return slices.DeleteFunc(facts, func(f Fact) bool {
		return !slices.ContainsFunc(f.Cells, func(c Cell) bool { return c.Text != "" })
	})
}

func factOf(id, topic, name string, es []*results.Endpoint, of func(*results.Endpoint) Cell) Fact {
	f := Fact{ID: id, Topic: topic, Name: name, Short: name, Cells: make([]Cell, len(es))}
	for i, e := range es {
		f.Cells[i] = of(e)
	}
	return f
}

// newestFirst lists the versions.
func newestFirst() []results.Version {
	vs := results.Versions()
	slices.Reverse(vs)
	return vs
}

func versionFacts(es []*results.Endpoint) []Fact {
	var facts []Fact
	for _, v := range newestFirst() {
		facts = append(facts, factOf("versions."+string(v), Versions, string(v), es, func(e *results.Endpoint) Cell { return answer(e.Versions[v]) }))
	}
	return facts
}

// Offer is what an endpoint accepted of one list in one version.
type Offer struct {
	IDs, Names []string // in the server's order, where it has one
	Short      []string // the names' shorter forms; nil: the same
	Open       []string // ids without a usable answer; * for all
	Asked      bool
}

// Has says whether an id was accepted.
func (o Offer) Has(id string) Cell {
	switch {
	case !o.Asked:
		return Cell{}
	case slices.Contains(o.IDs, id):
		return answer(results.Yes)
	case slices.Contains(o.Open, id), slices.Contains(o.Open, "*"):
		return answer(results.Unknown)
	}
	return answer(results.No)
}

// SuitesOf, GroupsOf and SchemesOf are what an endpoint accepted in a version.
func SuitesOf(e *results.Endpoint, v results.Version) Offer {
	list, asked := e.Suites[v]
	o := Offer{Open: e.Undetermined.Suites[v], Asked: asked}
	for _, s := range list {
		name := cmp.Or(s.Name, unregistered(s.ID))
		o.IDs, o.Names, o.Short = append(o.IDs, s.ID), append(o.Names, name), append(o.Short, cmp.Or(s.OpenSSL, name))
	}
	return o
}

func GroupsOf(e *results.Endpoint, v results.Version) Offer {
	return namedOffer(e.Groups, e.Undetermined.Groups, v)
}

func SchemesOf(e *results.Endpoint, v results.Version) Offer {
	return namedOffer(e.SignatureSchemes, e.Undetermined.SignatureSchemes, v)
}

func namedOffer(lists map[results.Version][]results.Named, open map[results.Version][]string, v results.Version) Offer {
	list, asked := lists[v]
	o := Offer{Open: open[v], Asked: asked}
	for _, n := range list {
		o.IDs, o.Names = append(o.IDs, n.ID), append(o.Names, cmp.Or(n.Name, unregistered(n.ID)))
	}
	return o
}

func unregistered(id string) string { return id + " (unregistered)" }

// nameFacts has a fact for each suite, group or scheme that an endpoint
// accepted. Where a version is off, its names have no meaning: that the
// version differs is said already.
func nameFacts(es []*results.Endpoint, topic, key string, of func(*results.Endpoint, results.Version) Offer) []Fact {
	var facts []Fact
	for _, v := range newestFirst() {
		seen := map[string]bool{}
		for _, e := range es {
			o := of(e, v)
			for i, id := range o.IDs {
				if seen[id] {
					continue
				}
				seen[id] = true
				f := factOf(dotted(key, v, id), topic+" of "+string(v), o.Names[i], es, func(e *results.Endpoint) Cell { return of(e, v).Has(id) })
				if o.Short != nil {
					f.Short = o.Short[i]
				}
				facts = append(facts, f)
			}
		}
	}
	return facts
}

func dotted(key string, v results.Version, id string) string {
	return strings.Join([]string{key, string(v), id}, ".")
}

// orderFacts say whose order is followed and, where it is the server's,
// whether the shared names stand in the same one.
func orderFacts(es []*results.Endpoint) []Fact {
	var facts []Fact
	for _, v := range newestFirst() {
		suites, groups := "suites of "+string(v), "groups of "+string(v)
		facts = append(facts,
			factOf("preference."+string(v), Order, suites, es, func(e *results.Endpoint) Cell { return preference(e.Preference[v]) }),
			sequenceFact("suite_order."+string(v), Shared+suites, es, func(e *results.Endpoint) ([]string, bool) {
				return SuitesOf(e, v).IDs, e.Preference[v] == results.PreferenceServer
			}),
			factOf("group_preference."+string(v), Order, groups, es, func(e *results.Endpoint) Cell { return preference(e.GroupPreference[v]) }),
			sequenceFact("group_order."+string(v), Shared+groups, es, func(e *results.Endpoint) ([]string, bool) {
				return GroupsOf(e, v).IDs, e.GroupPreference[v] == results.PreferenceServer
			}))
	}
	return facts
}

func preference(p results.Preference) Cell {
	if p == results.PreferenceUnknown {
		return answer(results.Unknown)
	}
	return value(string(p))
}

// sequenceFact tells in which order each server keeps the names that all of
// them have.
func sequenceFact(id, name string, es []*results.Endpoint, of func(*results.Endpoint) (ids []string, fixed bool)) Fact {
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
	return factOf(id, Order, name, es, func(e *results.Endpoint) Cell {
		ids, fixed := of(e)
		if !fixed || servers < 2 {
			return Cell{}
		}
		kept := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return shared[id] < servers })
		if len(kept) < 2 {
			return Cell{}
		}
		return value(strings.Join(kept, " "))
	})
}

func protocolFacts(es []*results.Endpoint) []Fact {
	var facts []Fact
	for _, q := range ProtocolQuestions() {
		facts = append(facts, factOf("protocol."+q.Key, Protocol, q.Name, es, func(e *results.Endpoint) Cell { return q.Of(e.Protocol) }))
	}
	return facts
}

// ProtocolQuestion is one key of a record's protocol.
type ProtocolQuestion struct {
	Key, Name string
	Of        func(results.Protocol) Cell
}

// ProtocolQuestions lists them all.
func ProtocolQuestions() []ProtocolQuestion {
	yesNo := func(key, name string, of func(results.Protocol) results.Answer) ProtocolQuestion {
		return ProtocolQuestion{key, name, func(p results.Protocol) Cell { return answer(of(p)) }}
	}
	return []ProtocolQuestion{
		{"alpn", "ALPN", func(p results.Protocol) Cell { return listed(p.ALPN) }},
		yesNo("extended_master_secret", "extended master secret", func(p results.Protocol) results.Answer { return p.ExtendedMasterSecret }),
		yesNo("encrypt_then_mac", "encrypt then MAC", func(p results.Protocol) results.Answer { return p.EncryptThenMAC }),
		yesNo("secure_renegotiation", "secure renegotiation", func(p results.Protocol) results.Answer { return p.SecureRenegotiation }),
		yesNo("compression", "compression", func(p results.Protocol) results.Answer { return p.Compression }),
		yesNo("fallback_scsv", "fallback SCSV", func(p results.Protocol) results.Answer { return p.FallbackSCSV }),
		yesNo("resumption_id", "resumption by session id", func(p results.Protocol) results.Answer { return p.ResumptionID }),
		yesNo("resumption_ticket", "resumption by ticket", func(p results.Protocol) results.Answer { return p.ResumptionTicket }),
		yesNo("resumption_psk", "resumption by PSK", func(p results.Protocol) results.Answer { return p.ResumptionPSK }),
		yesNo("early_data", "early data", func(p results.Protocol) results.Answer { return p.EarlyData }),
		yesNo("client_certificate_requested", "asks for a client certificate", func(p results.Protocol) results.Answer { return p.ClientCertificateRequested }),
		{"client_certificate_authorities", "client certificate authorities", func(p results.Protocol) Cell { return listed(p.ClientCertificateAuthorities) }},
		yesNo("ocsp_staple", "OCSP staple", func(p results.Protocol) results.Answer { return p.OCSPStaple }),
		yesNo("sct", "SCT", func(p results.Protocol) results.Answer { return p.SCT }),
		{"dh_bits", "DH bits", func(p results.Protocol) Cell {
			if p.DHBits <= 0 {
				return Cell{}
			}
			return value(fmt.Sprint(p.DHBits))
		}},
		{"dh_prime", "DH prime", func(p results.Protocol) Cell { return value(p.DHPrime) }},
		yesNo("dh_prime_safe", "DH prime is safe", func(p results.Protocol) results.Answer { return p.DHPrimeSafe }),
		yesNo("dh_generator_trivial", "DH generator is trivial", func(p results.Protocol) results.Answer { return p.DHGeneratorTrivial }),
		yesNo("version_intolerant", "version intolerant", func(p results.Protocol) results.Answer { return p.VersionIntolerant }),
		yesNo("size_intolerant", "size intolerant", func(p results.Protocol) results.Answer { return p.SizeIntolerant }),
		yesNo("extension_intolerant", "extension intolerant", func(p results.Protocol) results.Answer { return p.ExtensionIntolerant }),
		yesNo("many_suites_intolerant", "intolerant of many suites", func(p results.Protocol) results.Answer { return p.ManySuitesIntolerant }),
		yesNo("suite_mix_intolerant", "refuses good suites beside others", func(p results.Protocol) results.Answer { return p.SuiteMixIntolerant }),
		yesNo("many_schemes_intolerant", "intolerant of many signature schemes", func(p results.Protocol) results.Answer { return p.ManySchemesIntolerant }),
		yesNo("http", "HTTP", func(p results.Protocol) results.Answer { return p.HTTP }),
		{"hsts", "HSTS", func(p results.Protocol) Cell {
			if p.HSTS == nil {
				return Cell{}
			}
			return value(fmt.Sprintf("%d s", *p.HSTS))
		}},
	}
}

// listed is a list's value: nil was not asked, empty is none.
func listed(names []string) Cell {
	if names == nil {
		return Cell{}
	}
	if len(names) == 0 {
		return value("none")
	}
	return value(strings.Join(names, " "))
}

// Plus stands between the values of several chains of one endpoint.
const Plus = " + "

func certificateFacts(es []*results.Endpoint) []Fact {
	of := func(key, name string, words func(results.Chain) string) Fact {
		return factOf("certificate."+key, Certificate, name, es, func(e *results.Endpoint) Cell {
			var parts []string
			for _, c := range e.Chains {
				if w := words(c); !slices.Contains(parts, w) {
					parts = append(parts, w)
				}
			}
			return value(strings.Join(parts, Plus))
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
	return []Fact{
		of("problems", "problems", problems),
		of("subject", "subject", leaf(func(c results.Cert) string { return c.Subject })),
		of("issuer", "issuer", leaf(func(c results.Cert) string { return c.Issuer })),
		of("key", "key", leaf(keyOf)),
		of("not_after", "valid until", leaf(func(c results.Cert) string { return c.NotAfter.UTC().Format(time.RFC3339) })),
		of("sha256", "fingerprint", leaf(func(c results.Cert) string { return c.SHA256 })),
		of("sent", "certificates sent", func(c results.Chain) string { return fmt.Sprint(len(c.Certificates)) }),
	}
}

func problems(c results.Chain) string {
	if len(c.Problems) == 0 {
		return "none"
	}
	var words []string
	for _, p := range c.Problems {
		words = append(words, string(p))
	}
	return strings.Join(words, " ")
}

func keyOf(c results.Cert) string {
	switch {
	case c.KeyType == "":
		return "unknown key"
	case c.KeyBits == 0 || strings.HasPrefix(c.KeyType, "Ed"):
		return c.KeyType
	}
	return fmt.Sprintf("%s %d", c.KeyType, c.KeyBits)
}
