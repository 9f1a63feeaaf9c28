// Policy: what a vendor publishes under a name, and the rules that follow from
// it.

package profiles

import (
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

// Policy is a named list of versions, suites and groups.
type Policy struct {
	Name     string            `json:"name"`
	Family   string            `json:"family"`
	Versions []results.Version `json:"versions"`
	Suites   []string          `json:"suites"` // ids, in the order of the source
	// Groups are the classical ones, nil where the source names none; PQGroups
	// are nil too where a post-quantum policy's are not documented.
	Groups       []results.Named `json:"groups,omitempty"`
	PostQuantum  bool            `json:"post_quantum"`
	PQGroups     []results.Named `json:"pq_groups,omitempty"`
	FIPS         bool            `json:"fips,omitempty"`
	For          []string        `json:"for,omitempty"` // load balancers or endpoint types
	Status       string          `json:"status,omitempty"`
	Defaults     []string        `json:"defaults,omitempty"` // where it is the default
	Verification string          `json:"verification"`
	DerivedFrom  string          `json:"derived_from,omitempty"`
	Sources      []string        `json:"sources,omitempty"`
	Notes        []string        `json:"notes,omitempty"`

	mozilla *mozillaData // what Mozilla says beside
}

func (lib *Library) policy(name string) *Policy {
	i := slices.IndexFunc(lib.Policies, func(p Policy) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &lib.Policies[i]
}

// in lists a policy's suites that a version can have.
func (lib *Library) in(p *Policy, v results.Version) []suite {
	if !slices.Contains(p.Versions, v) {
		return nil
	}
	var out []suite
	for _, id := range p.Suites {
		if s := lib.suite(id); s.servedIn(v) {
			out = append(out, s)
		}
	}
	return out
}

func (lib *Library) shortNames(ids []string) []string {
	return mapped(ids, func(id string) string { return lib.suite(id).short() })
}

func groupNames(list []results.Named) []string {
	return mapped(list, func(n results.Named) string { return n.Name })
}

// profile makes a policy's profile: nothing beyond it, and nothing less.
func (lib *Library) profile(p *Policy) *Profile {
	if p.mozilla != nil {
		return lib.mozillaProfile(p)
	}
	title := familyTitle(p.Family) + " " + strings.TrimPrefix(p.Name, p.Family+"/")
	m := lib.mends(p)
	rules := versionRules(p, title, m)
	rules = append(rules,
		Rule{ID: "suites", Severity: results.High, Check: "suites-only", Values: lib.shortNames(p.Suites), Citation: title, Mend: m.suites,
			Why: "a suite beyond the policy is one that nobody chose"},
		Rule{ID: "suites-offered", Severity: results.Medium, Check: "suites-all", Values: lib.shortNames(p.Suites), Citation: title, Mend: m.suites,
			Why: "a client that relies on the policy may have no other"},
	)
	rules = append(rules, groupRules(p, title, m)...)
	profile := &Profile{
		Name: p.Name, Title: title, Verification: p.Verification, Sources: p.Sources, Notes: p.Notes, Rules: rules, lib: lib,
		About: "The endpoint offers what this policy offers: its versions and suites, no more, and no less than its certificates allow.",
	}
	return profile.worded()
}

func familyTitle(family string) string {
	return map[string]string{
		"aws-elb": "AWS load balancer policy", "aws-clb": "AWS Classic Load Balancer policy", "aws-cloudfront": "AWS CloudFront policy",
		"aws-apigateway": "AWS API Gateway policy", "mozilla": "Mozilla server side TLS",
	}[family]
}

// versionRules want a policy's versions and no others.
func versionRules(p *Policy, citation string, m mends) []Rule {
	var rules []Rule
	for _, v := range results.Versions() {
		if slices.Contains(p.Versions, v) {
			rules = append(rules, Rule{ID: versionID(v) + "-on", Severity: results.Medium, Check: "versions-on", Values: []string{string(v)}, Citation: citation, Mend: m.versions})
			continue
		}
		rules = append(rules, Rule{ID: versionID(v) + "-off", Severity: versionSeverity(v), Check: "versions-off", Values: []string{string(v)}, Citation: citation, Mend: m.versions})
	}
	return rules
}

// versionID is how rules speak of a version: tls1.2, ssl3.
func versionID(v results.Version) string {
	return strings.NewReplacer("TLSv", "tls", "SSLv", "ssl").Replace(string(v))
}

func versionSeverity(v results.Version) results.Severity {
	if v == results.SSLv2 || v == results.SSLv3 {
		return results.High
	}
	return results.Medium
}

// groupRules want the documented groups, and of post-quantum ones what the
// policy has.
func groupRules(p *Policy, citation string, m mends) []Rule {
	var rules []Rule
	if p.Groups != nil {
		rules = append(rules, Rule{ID: "groups", Severity: results.Medium, Check: "groups-only", Values: groupNames(append(slices.Clone(p.Groups), p.PQGroups...)), Citation: citation, Mend: m.groups})
	}
	for _, g := range p.PQGroups {
		rules = append(rules, Rule{ID: "group-" + strings.ToLower(g.Name), Severity: results.Medium, Check: "groups-any", Values: []string{g.Name}, When: "tls1.3", Versions: tls13(), Citation: citation, Mend: m.groups})
	}
	switch {
	case p.PostQuantum && len(p.PQGroups) == 0:
		rules = append(rules, Rule{ID: "post-quantum-on", Severity: results.Medium, Check: "groups-any", Values: []string{"post-quantum"}, When: "tls1.3", Versions: tls13(), Citation: citation, Mend: m.groups})
	case !p.PostQuantum && slices.Contains(p.Versions, results.TLSv13):
		rules = append(rules, Rule{ID: "post-quantum-off", Severity: results.Info, Advice: true, Check: "groups-none", Values: []string{"post-quantum"}, When: "tls1.3", Versions: tls13(), Citation: citation,
			Why: "not a weakness: it shows that the endpoint follows another policy"})
	}
	return rules
}

func tls13() []results.Version { return []results.Version{results.TLSv13} }

// worded gives every rule without words of its own its check's.
func (p *Profile) worded() *Profile {
	for i, r := range p.Rules {
		if r.Expected == "" {
			p.Rules[i].Expected = checkOf(r.Check).expected(r)
		}
	}
	return p
}

// mends are the settings of common servers that make a policy.
type mends struct{ versions, suites, groups string }

// mends spells a policy out for nginx, HAProxy, Apache and AWS.
func (lib *Library) mends(p *Policy) mends {
	var old []string
	var tls13 []string
	for _, id := range p.Suites {
		s := lib.suite(id)
		if s.TLS13 {
			tls13 = append(tls13, s.short())
		} else {
			old = append(old, s.short())
		}
	}
	aws := awsMend(p)
	m := mends{versions: mendVersions(p.Versions) + aws}
	if len(old) > 0 {
		list := strings.Join(old, ":")
		m.suites = fmt.Sprintf("nginx: ssl_ciphers %s; · HAProxy: ssl-default-bind-ciphers %s · Apache: SSLCipherSuite %s", list, list, list)
	}
	if len(tls13) > 0 && len(tls13) < 3 {
		list := strings.Join(tls13, ":")
		m.suites = join(m.suites, fmt.Sprintf("TLS 1.3, nginx: ssl_conf_command Ciphersuites %s; · HAProxy: ssl-default-bind-ciphersuites %s · Apache: SSLCipherSuite TLSv1.3 %s", list, list, list))
	}
	m.suites = strings.TrimPrefix(m.suites+aws, " · ")
	if groups := groupNames(append(slices.Clone(p.PQGroups), p.Groups...)); len(groups) > 0 {
		m.groups = mendGroups(groups) + aws
	}
	return m
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + " · " + b
}

// awsMend is how a load balancer is given a policy of AWS.
func awsMend(p *Policy) string {
	name := strings.TrimPrefix(p.Name, p.Family+"/")
	switch p.Family {
	case "aws-elb":
		return " · AWS: aws elbv2 modify-listener --listener-arn ARN --ssl-policy " + name
	case "aws-clb":
		return " · AWS: attach the predefined policy " + name + " to the listener (aws elb set-load-balancer-policies-of-listener)"
	case "aws-cloudfront":
		return " · AWS: ViewerCertificate.MinimumProtocolVersion " + name + " in the distribution"
	case "aws-apigateway":
		return " · AWS: security policy " + name + " of the API or its domain name"
	}
	return ""
}

func mendVersions(vs []results.Version) string {
	if len(vs) == 0 {
		return ""
	}
	names := mapped(vs, func(v results.Version) string { return strings.TrimSuffix(string(v), ".0") })
	least := strings.Replace(string(vs[0]), "SSLv3", "SSLv3", 1)
	return fmt.Sprintf("nginx: ssl_protocols %s; · HAProxy: ssl-default-bind-options ssl-min-ver %s ssl-max-ver %s · Apache: SSLProtocol -all +%s",
		strings.Join(names, " "), least, vs[len(vs)-1], strings.Join(names, " +"))
}

func mendGroups(names []string) string {
	list := strings.Join(names, ":")
	return fmt.Sprintf("nginx: ssl_ecdh_curve %s; · HAProxy: ssl-default-bind-curves %s · Apache: SSLOpenSSLConfCmd Groups %s (post-quantum groups: OpenSSL 3.5)", list, list, list)
}
