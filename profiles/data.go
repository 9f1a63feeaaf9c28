// The data of profiles/data as typed values: registries and what vendors and
// standards publish.

package profiles

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"shakedown/results"
)

//go:embed data/*.json
var files embed.FS

// Library holds the registries and every policy. It is not changed once made.
type Library struct {
	suites []suite // registered, and what implementations add
	byName map[string]*suite
	byID   map[string]*suite
	kinds  map[string]*suite // of SSLv2
	groups []group

	groupByID map[string]group
	schemes   []scheme

	Policies []Policy // every named policy, in the order of the data
	// Unlisted are names that are known and whose lists are not.
	Unlisted []Unlisted

	mozilla mozillaFile
	nist    nistFile
	elb     elbFile
}

// Unlisted is a policy of which only the name is known.
type Unlisted struct {
	Name string `json:"name"`
	Note string `json:"note"`
}

// Builtin is the embedded library. The data is a part of the program: what
// cannot be read is a fault of the build, which a test finds.
var Builtin = sync.OnceValue(func() *Library {
	lib, err := load()
	if err != nil {
		panic("profiles: the embedded data is broken: " + err.Error())
	}
	return lib
})

func load() (*Library, error) {
	lib := &Library{byName: map[string]*suite{}, byID: map[string]*suite{}, kinds: map[string]*suite{}, groupByID: map[string]group{}}
	var registry suiteFile
	var groups struct{ Groups []group }
	var schemes schemeFile
	var cloudfront, gateway policyFile
	for name, into := range map[string]any{
		"iana-tls-ciphersuites": &registry, "iana-tls-groups": &groups, "iana-tls-sigalgs": &schemes, "aws-elb": &lib.elb,
		"aws-cloudfront": &cloudfront, "aws-apigateway": &gateway, "mozilla": &lib.mozilla, "nist-800-52r2": &lib.nist,
	} {
		text, err := files.ReadFile("data/" + name + ".json")
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	lib.index(registry)
	lib.groups, lib.schemes = groups.Groups, schemes.all()
	for _, g := range lib.groups {
		lib.groupByID[g.ID] = g
	}
	lib.addPolicies("aws-elb", lib.elb.Sources, lib.elb.Policies)
	lib.addPolicies("aws-clb", lib.elb.Sources, lib.elb.CLB)
	lib.addPolicies("aws-cloudfront", cloudfront.Sources, cloudfront.Policies)
	lib.addPolicies("aws-apigateway", gateway.Sources, gateway.Policies)
	lib.addMozilla()
	lib.addUnlisted("aws-elb", lib.elb.Unlisted)
	lib.addUnlisted("aws-apigateway", gateway.Unlisted)
	return lib, nil
}

// source is where data was read.
type source struct{ ID, Title, URL, Version, Date string }

func (s source) String() string {
	words := s.Title
	for _, more := range []string{s.Version, s.Date, s.URL} {
		if more != "" {
			words += ", " + more
		}
	}
	return words
}

// titled gives the titles of sources by their ids.
func titled(sources []source, ids []string) []string {
	var out []string
	for _, id := range ids {
		i := slices.IndexFunc(sources, func(s source) bool { return s.ID == id })
		if i < 0 {
			out = append(out, id)
			continue
		}
		out = append(out, sources[i].String())
	}
	return out
}

type policyFile struct {
	Sources  []source
	Policies []policyData
	Unlisted []unlistedData `json:"names_without_ciphers"`
}

type elbFile struct {
	policyFile
	CLB      []policyData `json:"clb_policies"`
	Defaults struct {
		Backend []backend
	}
}

// backend is the policy by which a load balancer speaks to its targets.
type backend struct{ Listener, Policy string }

type unlistedData struct {
	Name          string
	LoadBalancers []string `json:"load_balancers"`
	Notes         []string
}

// policyData is a policy as the files have it.
type policyData struct {
	Name          string
	Family        string
	LoadBalancers []string `json:"load_balancers"`
	EndpointTypes []string `json:"endpoint_types"`
	Status        string
	FIPS, PQ      bool
	Protocols     []results.Version
	Ciphers       []cipherData
	Groups        []results.Named
	PQGroups      []results.Named `json:"pq_groups"` // nil where not documented
	Verification  string
	DerivedFrom   string `json:"derived_from"`
	Sources       []string
	Default       []string
	Notes         []string
	ServerOrder   *bool           `json:"server_order_preference"`
	SameAsNLB     bool            `json:"same_ciphers_as_nlb"`
	Conflicts     json.RawMessage `json:"conflicts"`
}

type cipherData struct{ OpenSSL, IANA, ID string }

func ids(list []cipherData) []string {
	out := []string{}
	for _, c := range list {
		out = append(out, c.ID)
	}
	return out
}

// addPolicies adds a family of policies. A name that comes twice is told apart
// by the endpoint type that the later one is for.
func (lib *Library) addPolicies(family string, sources []source, list []policyData) {
	for _, d := range list {
		name := family + "/" + d.Name
		if lib.policy(name) != nil {
			name += "-" + d.EndpointTypes[0]
		}
		p := Policy{
			Name: name, Family: family, Versions: d.Protocols, Suites: ids(d.Ciphers), Groups: d.Groups, Verification: d.Verification,
			DerivedFrom: d.DerivedFrom, Sources: titled(sources, d.Sources), Notes: d.Notes, FIPS: d.FIPS || d.Family == "rfc9151" || d.Family == "cnsa2",
			For: append(slices.Clone(d.LoadBalancers), d.EndpointTypes...), Status: d.Status, Defaults: d.Default,
		}
		p.PostQuantum, p.PQGroups = d.PQ || len(d.PQGroups) > 0, d.PQGroups
		if d.DerivedFrom != "" {
			p.Notes = append(slices.Clone(p.Notes), "the list itself was not seen; it is taken from "+d.DerivedFrom)
		}
		lib.Policies = append(lib.Policies, p)
	}
}

func (lib *Library) addUnlisted(family string, list []unlistedData) {
	for _, d := range list {
		f := family
		if family == "aws-elb" && slices.Equal(d.LoadBalancers, []string{"CLB"}) {
			f = "aws-clb"
		}
		lib.Unlisted = append(lib.Unlisted, Unlisted{f + "/" + d.Name, strings.Join(d.Notes, "; ")})
	}
}
