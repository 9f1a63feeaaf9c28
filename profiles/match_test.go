package profiles

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"shakedown/results"
)

// published is a policy as its source's file has it, read apart from the
// library, with no more code than JSON needs.
type published struct {
	Name      string
	Protocols []results.Version
	Ciphers   []struct{ ID string }
	TLS13     []struct{ ID string } `json:"tls13_ciphers"`
	Groups    []struct{ ID, Name string }
	PQGroups  []struct{ ID, Name string } `json:"pq_groups"`
	PQ        bool
	family    string
	dsa       bool // serves a DSA certificate whatever its suites
}

// everyPublished lists the policies of all files, as family/name.
func everyPublished(t testing.TB) map[string]published {
	t.Helper()
	out := map[string]published{}
	for _, file := range []struct{ name, family string }{{"aws-elb", "aws-elb"}, {"aws-cloudfront", "aws-cloudfront"}, {"aws-apigateway", "aws-apigateway"}} {
		var content struct {
			Policies []published
			CLB      []published `json:"clb_policies"`
		}
		text, err := files.ReadFile("data/" + file.name + ".json")
		if err == nil {
			err = json.Unmarshal(text, &content)
		}
		if err != nil {
			t.Fatal(err)
		}
		add := func(family string, ps []published) {
			for _, p := range ps {
				name := family + "/" + p.Name
				if _, twice := out[name]; twice {
					name += map[string]string{"TLS_1_2": "-edge-custom-domain", "TLS_1_0": "-edge"}[p.Name]
				}
				p.family = family
				out[name] = p
			}
		}
		add(file.family, content.Policies)
		add("aws-clb", content.CLB)
	}
	var mozilla struct {
		Versions []struct {
			Version  string
			Profiles []published
		}
	}
	text, _ := files.ReadFile("data/mozilla.json")
	if err := json.Unmarshal(text, &mozilla); err != nil {
		t.Fatal(err)
	}
	for _, v := range mozilla.Versions {
		for _, p := range v.Profiles {
			p.family = "mozilla"
			p.Ciphers = append(p.Ciphers, p.TLS13...)
			out["mozilla-"+v.Version+"/"+p.Name] = p
			if _, newer := out["mozilla/"+p.Name]; !newer {
				out["mozilla/"+p.Name] = p
			}
		}
	}
	return out
}

// server is what a server that follows a policy to the letter shows to a
// complete scan, with an RSA and an ECDSA certificate, and a DSA one for suites
// that need it.
func (p published) server(lib *Library) *results.Endpoint {
	e := &results.Endpoint{
		Service: "s", Path: "p", Status: results.Complete, Versions: map[results.Version]results.Answer{}, Suites: map[results.Version][]results.Suite{},
		Groups: map[results.Version][]results.Named{},
		Chains: []results.Chain{{Auth: "RSA"}, {Auth: "ECDSA"}},
	}
	for _, v := range results.Versions() {
		e.Versions[v] = results.No
		if !slices.Contains(p.Protocols, v) {
			continue
		}
		e.Versions[v] = results.Yes
		e.Suites[v] = []results.Suite{}
		for _, c := range p.Ciphers {
			if s := lib.suite(c.ID); s.servedIn(v) {
				e.Suites[v] = append(e.Suites[v], results.Suite{ID: c.ID, Name: s.Name, OpenSSL: s.OpenSSL})
			}
		}
	}
	if slices.Contains(p.Protocols, results.TLSv13) {
		e.Groups[results.TLSv13] = p.served()
	}
	if slices.Contains(p.Protocols, results.TLSv12) {
		e.Groups[results.TLSv12] = slices.DeleteFunc(p.served(), func(n results.Named) bool { return quantumID(n.ID) })
	}
	if slices.ContainsFunc(p.Ciphers, func(c struct{ ID string }) bool { return lib.suite(c.ID).Auth == "DSS" }) || p.dsa {
		e.Chains = append(e.Chains, results.Chain{Auth: "DSA"})
	}
	return e
}

// served are the groups that the server of a policy has: those of its source,
// and one each where the source is silent.
func (p published) served() []results.Named {
	var out []results.Named
	for _, g := range append(slices.Clone(p.Groups), p.PQGroups...) {
		out = append(out, results.Named{ID: g.ID, Name: g.Name})
	}
	if len(p.Groups) == 0 {
		out = append(out, results.Named{ID: "0x001D", Name: "x25519"})
	}
	if p.PQ && len(p.PQGroups) == 0 {
		out = append(out, results.Named{ID: "0x11EC", Name: "X25519MLKEM768"})
	}
	return out
}

// everyServer is a server of each policy.
func everyServer(t testing.TB) map[string]*results.Endpoint {
	out := map[string]*results.Endpoint{}
	for name, p := range everyPublished(t) {
		out[name] = p.server(Builtin())
	}
	return out
}

func quantumID(id string) bool { g, _ := Builtin().group(id); return g.PostQuantum }

// agrees says whether a server of one policy follows the other too, by
// comparing the lists as sets.
func (p published) agrees(other published) bool {
	ids := func(p published) string {
		var out []string
		for _, c := range p.Ciphers {
			out = append(out, c.ID)
		}
		slices.Sort(out)
		return fmt.Sprint(p.Protocols, slices.Compact(out))
	}
	if ids(p) != ids(other) {
		return false
	}
	if !slices.Contains(p.Protocols, results.TLSv13) {
		return true
	}
	var has, hasPQ, wants, wantsPQ []string
	for _, g := range p.served() {
		has = append(has, g.ID)
		if quantumID(g.ID) {
			hasPQ = append(hasPQ, g.ID)
		}
	}
	for _, g := range append(slices.Clone(other.Groups), other.PQGroups...) {
		wants = append(wants, g.ID)
		if quantumID(g.ID) {
			wantsPQ = append(wantsPQ, g.ID)
		}
	}
	for _, s := range [][]string{has, hasPQ, wants, wantsPQ} {
		slices.Sort(s)
	}
	switch {
	case len(other.Groups) > 0: // all groups are documented
		return slices.Equal(has, wants)
	case other.PQ && len(wantsPQ) == 0: // some post-quantum group
		return len(hasPQ) > 0
	}
	return slices.Equal(hasPQ, wantsPQ)
}

// TestEveryPolicyIsMatched is the promise of match: a server that follows any
// policy in the data is matched to the policies that agree with it, to all of
// them and to no other.
func TestEveryPolicyIsMatched(t *testing.T) {
	lib, all := Builtin(), everyPublished(t)
	if len(all) != len(lib.Policies) || len(all) < 49+6+9+13+8 {
		t.Fatalf("the files have %d policies, the library %d", len(all), len(lib.Policies))
	}
	for name, p := range all {
		var want []string
		for other, q := range all {
			if p.agrees(q) {
				want = append(want, other)
			}
		}
		m := lib.Match(p.server(lib))
		got := slices.Sorted(slices.Values(m.Exact))
		slices.Sort(want)
		if !slices.Equal(got, want) || len(m.Open) > 0 || len(m.Nearest) > 0 {
			t.Errorf("%s: matched %v (open %v, nearest %v), want %v", name, got, m.Open, m.Nearest, want)
		}
	}
}

// TestOneSuiteMoreOrLess changes one suite of every policy's server, each in
// turn, and one that is added: it is no longer that policy's.
func TestOneSuiteMoreOrLess(t *testing.T) {
	lib, all := Builtin(), everyPublished(t)
	changes := 0
	for name, p := range all {
		for _, c := range p.Ciphers {
			fewer := p
			fewer.dsa = true
			fewer.Ciphers = slices.DeleteFunc(slices.Clone(p.Ciphers), func(o struct{ ID string }) bool { return o == c })
			changes++
			m := lib.Match(fewer.server(lib))
			if slices.Contains(m.Exact, name) || len(m.Open) > 0 {
				t.Errorf("%s without %s is still matched", name, c.ID)
			}
			d := newFacts(fewer.server(lib), lib, at).against(lib.policy(name))
			if want := lib.suite(c.ID).short(); !slices.Equal(d.Missing, []string{want}) || d.Extra != nil || d.Unknown != nil {
				t.Errorf("%s without %s: missing %v, extra %v, unknown %v", name, want, d.Missing, d.Extra, d.Unknown)
			}
		}
		more, added := p, struct{ ID string }{"0xC09C"} // TLS_RSA_WITH_AES_128_CCM
		if !slices.Contains(p.Protocols, results.TLSv12) {
			added.ID = "0x1304"
		}
		if more.Ciphers = append(slices.Clone(p.Ciphers), added); slices.Contains(p.Ciphers, added) {
			t.Fatalf("%s has %s", name, added.ID)
		}
		if m := lib.Match(more.server(lib)); len(m.Exact)+len(m.Open) > 0 || !slices.ContainsFunc(m.Nearest, func(d results.PolicyDiff) bool {
			return slices.Equal(d.Extra, []string{lib.suite(added.ID).short()}) && d.Missing == nil
		}) {
			t.Errorf("%s with %s too: %v, nearest %v", name, added.ID, m.Exact, m.Nearest)
		}
	}
	if changes < 1000 {
		t.Errorf("only %d suites were taken away", changes)
	}
}

// TestSuiteOfNewerVersion is of servers as s2n-tls makes them: offered nothing
// else, they choose suites of TLS 1.2 in older versions too.
func TestSuiteOfNewerVersion(t *testing.T) {
	lib := Builtin()
	for _, name := range []string{"aws-elb/ELBSecurityPolicy-2016-08", "aws-elb/ELBSecurityPolicy-FS-1-1-2019-08"} {
		honest := everyPublished(t)[name].server(lib)
		e := everyPublished(t)[name].server(lib)
		e.Suites[results.TLSv11] = e.Suites[results.TLSv12]
		want, got := lib.Match(honest), lib.Match(e)
		if len(want.Exact) == 0 || !slices.Equal(got.Exact, want.Exact) {
			t.Errorf("%s: matched %v, want %v; nearest %+v", name, got.Exact, want.Exact, got.Nearest)
		}
	}
}

// TestUnknownKeepsCandidatesOpen takes one answer away from a policy's server.
func TestUnknownKeepsCandidatesOpen(t *testing.T) {
	lib, all := Builtin(), everyPublished(t)
	const name = "aws-elb/ELBSecurityPolicy-TLS13-1-2-2021-06"
	for what, take := range map[string]func(*results.Endpoint){
		"a version":      func(e *results.Endpoint) { e.Versions[results.TLSv11] = results.Unknown },
		"a listed suite": func(e *results.Endpoint) { withhold(e, "0xC028") },
		"another suite":  func(e *results.Endpoint) { withhold(e, "0x000A") },
		"all suites":     func(e *results.Endpoint) { e.Suites = nil },
		"the groups":     func(e *results.Endpoint) { e.Groups = nil },
		"a quantum group": func(e *results.Endpoint) {
			e.Undetermined.Groups = map[results.Version][]string{results.TLSv13: {"0x11EC"}}
		},
	} {
		e := all[name].server(lib)
		take(e)
		m := lib.Match(e)
		if len(m.Exact) > 0 || !slices.ContainsFunc(m.Open, func(d results.PolicyDiff) bool { return d.Policy == name && len(d.Unknown) > 0 }) {
			t.Errorf("without %s: exact %v, open %v", what, m.Exact, m.Open)
		}
	}
}

// withhold makes a suite of TLS 1.2 one without an answer.
func withhold(e *results.Endpoint, id string) {
	e.Suites[results.TLSv12] = slices.DeleteFunc(e.Suites[results.TLSv12], func(s results.Suite) bool { return s.ID == id })
	e.Undetermined.Suites = map[results.Version][]string{results.TLSv12: {id}}
}

// TestOneKindOfCertificate: what a missing certificate hides does not count,
// and is said.
func TestOneKindOfCertificate(t *testing.T) {
	lib, all := Builtin(), everyPublished(t)
	const name = "aws-elb/ELBSecurityPolicy-FS-1-2-Res-2020-10"
	e := all[name].server(lib)
	e.Chains = e.Chains[:1]
	e.Suites[results.TLSv12] = slices.DeleteFunc(e.Suites[results.TLSv12], func(s results.Suite) bool { return strings.Contains(s.Name, "ECDSA") })
	m := lib.Match(e)
	if !slices.Equal(m.Exact, []string{name}) || len(m.Hidden) == 0 || !strings.Contains(m.Hidden[0], "ECDHE-ECDSA-AES128-GCM-SHA256") {
		t.Errorf("exact %v, hidden %v", m.Exact, m.Hidden)
	}
}

func TestNothingServedMatchesNothing(t *testing.T) {
	for _, e := range []*results.Endpoint{{Status: results.Failed}, {Status: results.Complete, Versions: map[results.Version]results.Answer{results.TLSv12: results.No}}} {
		if m := Builtin().Match(e); len(m.Exact)+len(m.Open)+len(m.Nearest) > 0 || len(m.Hidden) == 0 {
			t.Errorf("%+v", m)
		}
	}
}
