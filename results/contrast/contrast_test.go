package contrast

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"shakedown/results"
)

func endpoint(path string, change func(*results.Endpoint)) *results.Endpoint {
	e := &results.Endpoint{
		Service: "portal", Path: path, Address: path + ":443",
		Versions: map[results.Version]results.Answer{results.TLSv11: results.No, results.TLSv12: results.Yes},
		Suites: map[results.Version][]results.Suite{results.TLSv12: {
			{ID: "0xC02F", Name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}, {ID: "0xC030", Name: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
		}},
		Preference: map[results.Version]results.Preference{results.TLSv12: results.PreferenceServer},
		Protocol:   results.Protocol{ALPN: []string{"h2"}, SCT: results.No},
		Chains: []results.Chain{{Certificates: []results.Cert{{
			SHA256: "00ff", Subject: "CN=portal.example", KeyType: "RSA", KeyBits: 2048, NotAfter: time.Unix(0, 0).UTC(),
		}}}},
	}
	if change != nil {
		change(e)
	}
	return e
}

func words(d *results.Difference) string {
	var facts []string
	for _, f := range d.Facts {
		facts = append(facts, fmt.Sprintf("%s %s→%s", f.Fact, f.Left, f.Right))
	}
	return strings.Join(facts, ", ")
}

func TestBetween(t *testing.T) {
	for name, c := range map[string]struct {
		change       func(*results.Endpoint)
		want         string
		undetermined []string
	}{
		"alike":                      {nil, "", nil},
		"version":                    {func(e *results.Endpoint) { e.Versions[results.TLSv11] = results.Yes }, "versions.TLSv1.1 no→yes", nil},
		"unknown is no difference":   {func(e *results.Endpoint) { e.Versions[results.TLSv11] = results.Unknown }, "", []string{"versions.TLSv1.1"}},
		"not asked is no difference": {func(e *results.Endpoint) { delete(e.Versions, results.TLSv11); e.Suites = nil; e.Protocol.SCT = "" }, "", nil},
		"suite":                      {func(e *results.Endpoint) { e.Suites[results.TLSv12] = e.Suites[results.TLSv12][:1] }, "suites.TLSv1.2.0xC030 yes→no", nil},
		"suite without an answer": {func(e *results.Endpoint) {
			e.Suites[results.TLSv12] = e.Suites[results.TLSv12][:1]
			e.Undetermined.Suites = map[results.Version][]string{results.TLSv12: {"0xC030"}}
		}, "", []string{"suites.TLSv1.2.0xC030"}},
		"order":      {func(e *results.Endpoint) { slices.Reverse(e.Suites[results.TLSv12]) }, "suite_order.TLSv1.2 0xC02F 0xC030→0xC030 0xC02F", nil},
		"preference": {func(e *results.Endpoint) { e.Preference[results.TLSv12] = results.PreferenceClient }, "preference.TLSv1.2 server→client", nil},
		"protocol":   {func(e *results.Endpoint) { e.Protocol.ALPN = []string{} }, "protocol.alpn h2→none", nil},
		"certificate": {func(e *results.Endpoint) {
			e.Chains[0].Certificates[0].KeyBits, e.Chains[0].Problems = 1024, []results.Problem{results.Expired, results.WeakKey}
		}, "certificate.problems none→expired weak_key, certificate.key RSA 2048→RSA 1024", nil},
	} {
		d := Between(endpoint("alb", nil), endpoint("i-1", c.change), results.RelationTarget)
		if got := words(d); got != c.want || !slices.Equal(d.Undetermined, c.undetermined) {
			t.Errorf("%s: %s, undetermined %v", name, got, d.Undetermined)
		}
		if d.Path != "alb" || d.Beside != "i-1" || d.BesideAddress != "i-1:443" || d.Facts == nil || d.Same == 0 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// What most siblings have is what each is held against; pairs that differ most
// come first; self-signed and expired targets are named even where the load
// balancer's own certificate is no better.
func TestDifferences(t *testing.T) {
	bad := func(e *results.Endpoint) {
		e.Chains = []results.Chain{{Problems: []results.Problem{results.SelfSignedProblem, results.Expired}}}
	}
	es := []*results.Endpoint{
		endpoint("alb", func(e *results.Endpoint) { e.Targets = []string{"i-1", "i-2", "i-3", "gone"}; bad(e) }),
		endpoint("i-1", func(e *results.Endpoint) { bad(e); e.Protocol.SCT = results.Yes }),
		endpoint("i-2", func(e *results.Endpoint) {
			e.Versions[results.TLSv11] = results.Yes
			e.Protocol.SCT = results.Yes
			bad(e)
		}),
		endpoint("i-3", func(e *results.Endpoint) { bad(e); e.Protocol.SCT = results.Yes }),
		endpoint("alone", nil),
		{Service: "other", Path: "i-1", Versions: map[results.Version]results.Answer{results.TLSv11: results.Yes}},
	}
	var got []string
	for _, d := range Differences(es) {
		got = append(got, fmt.Sprintf("%s %s %s: %s", d.Relation, d.Path, d.Beside, words(d)))
		if fmt.Sprint(d.BesideProblems) != "[expired self_signed]" {
			t.Errorf("%s: problems %v", d.Beside, d.BesideProblems)
		}
	}
	want := []string{
		"target alb i-2: versions.TLSv1.1 no→yes, protocol.sct no→yes",
		"target alb i-1: protocol.sct no→yes",
		"target alb i-3: protocol.sct no→yes",
		"sibling i-1 i-2: versions.TLSv1.1 no→yes",
		"sibling i-1 i-3: ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// One that did not answer is unknown in everything, and so unlike nobody: it is
// no norm that others could have drifted from.
func TestNormAnswered(t *testing.T) {
	dead := &results.Endpoint{Service: "portal", Path: "dead", Status: results.Failed, Versions: map[results.Version]results.Answer{results.TLSv11: results.Unknown, results.TLSv12: results.Unknown}}
	es := []*results.Endpoint{
		endpoint("i-1", nil), dead, endpoint("i-2", nil),
		endpoint("i-3", func(e *results.Endpoint) { e.Versions[results.TLSv11] = results.Yes }),
	}
	if norm, same := Norm(es); norm == nil || norm.Path != "i-1" || len(same) != 2 {
		t.Errorf("%+v of %d", norm, len(same))
	}
}
