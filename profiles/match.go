// Match: which named policies an endpoint's facts agree with.

package profiles

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"shakedown/results"
)

// MatchAspects are what a scan must ask for Match.
func MatchAspects() []string { return []string{"versions", "suites", "groups", "certificates"} }

// mostNearest bounds how many policies are named where none is exact.
const mostNearest = 3

// Match compares an endpoint with every named policy. What a client cannot see
// does not count: suites for a kind of certificate that is not served, orders,
// and groups that a policy's source does not name.
func (lib *Library) Match(e *results.Endpoint) *results.Match {
	f := newFacts(e, lib, time.Time{}) // no policy looks at times
	m := &results.Match{Service: e.Service, Path: e.Path, Address: e.Address, Exact: []string{}}
	if served, _ := f.served(nil); len(served) == 0 {
		m.Hidden = []string{f.whyUnknown()}
		if _, open := f.served(nil); len(open) == 0 {
			m.Hidden = []string{"no version is accepted"}
		}
		return m
	}
	var apart []apartFrom
	for i := range lib.Policies {
		switch d := f.against(&lib.Policies[i]); {
		case len(d.Missing)+len(d.Extra) > 0:
			apart = append(apart, apartFrom{d, f.distance(&lib.Policies[i], d)})
		case len(d.Unknown) > 0:
			m.Open = append(m.Open, d)
		default:
			m.Exact = append(m.Exact, d.Policy)
		}
	}
	if len(m.Exact)+len(m.Open) == 0 {
		m.Nearest = closest(apart)
	}
	m.Hidden = f.hidden(m)
	return m
}

// apartFrom is a policy that an endpoint does not follow, and how far it is.
type apartFrom struct {
	results.PolicyDiff
	distance int
}

// closest are the policies with the fewest differences.
func closest(all []apartFrom) []results.PolicyDiff {
	slices.SortStableFunc(all, func(a, b apartFrom) int { return cmp.Compare(a.distance, b.distance) })
	n := 0
	for n < len(all) && (n < mostNearest || all[n].distance == all[0].distance) && n < 2*mostNearest {
		n++
	}
	return mapped(all[:n], func(a apartFrom) results.PolicyDiff { return a.PolicyDiff })
}

// distance counts differences: one for each version, suite and group. A suite
// of a version that only one side has counts too, so that a policy is not near
// because it has so little in common that little can differ.
func (f *facts) distance(p *Policy, d results.PolicyDiff) int {
	n := len(d.Missing) + len(d.Extra) + len(d.Unknown)
	shared := func(v results.Version) bool { return f.version(v) == results.Yes && slices.Contains(p.Versions, v) }
	auths := f.auths()
	counted := map[string]bool{}
	for _, v := range results.Versions() {
		if shared(v) {
			continue
		}
		for _, id := range f.suites(v).ids {
			counted[id] = counted[id] || !slices.Contains(p.Suites, id)
		}
		for _, s := range f.lib.in(p, v) {
			counted[s.ID] = counted[s.ID] || visible(s, auths) && !f.offers(s.ID)
		}
	}
	for _, differs := range counted {
		if differs {
			n++
		}
	}
	return n
}

// offers says whether a suite is accepted in any version.
func (f *facts) offers(id string) bool {
	return slices.ContainsFunc(results.Versions(), func(v results.Version) bool { return f.suites(v).has(id) })
}

// against says how an endpoint differs from a policy.
func (f *facts) against(p *Policy) results.PolicyDiff {
	d := results.PolicyDiff{Policy: p.Name}
	for _, v := range results.Versions() {
		has := slices.Contains(p.Versions, v)
		switch f.version(v) {
		case results.Yes:
			if !has {
				d.Extra = append(d.Extra, string(v))
			}
		case results.No:
			if has {
				d.Missing = append(d.Missing, string(v))
			}
		default:
			d.Unknown = append(d.Unknown, string(v))
		}
	}
	f.suitesAgainst(p, &d)
	f.groupsAgainst(p, &d)
	return d
}

// suitesAgainst compares version by version, and names a suite once.
func (f *facts) suitesAgainst(p *Policy, d *results.PolicyDiff) {
	auths := f.auths()
	var missing, extra tallied
	for _, v := range results.Versions() {
		if f.version(v) != results.Yes || !slices.Contains(p.Versions, v) {
			continue
		}
		o := f.suites(v)
		if !o.asked {
			d.Unknown = append(d.Unknown, "suites of "+string(v))
			continue
		}
		listed := f.lib.in(p, v)
		for _, s := range listed {
			switch {
			case o.has(s.ID) || !visible(s, auths):
			case o.openFor(s.ID):
				d.Unknown = appendWord(d.Unknown, s.short())
			default:
				missing.add(s.short(), v)
			}
		}
		// A suite of the policy in a version that cannot have it is how s2n-tls (AWS'
		// own) follows the policy: it settles for one where nothing else is offered.
		for _, id := range o.ids {
			if !slices.Contains(p.Suites, id) {
				extra.add(f.lib.suite(id).short(), v)
			}
		}
		for _, id := range o.open { // may be too much
			if !slices.Contains(p.Suites, id) {
				d.Unknown = appendWord(d.Unknown, f.openName(id, v))
			}
		}
	}
	d.Missing = append(d.Missing, missing.words(f, p)...)
	d.Extra = append(d.Extra, extra.words(f, p)...)
}

func (f *facts) openName(id string, v results.Version) string {
	if id == "*" {
		return "suites of " + string(v)
	}
	return f.lib.suite(id).short()
}

// tallied are names with the versions in which they were found.
type tallied struct {
	names []string
	in    map[string][]results.Version
}

func (t *tallied) add(name string, v results.Version) {
	if t.in == nil {
		t.in = map[string][]results.Version{}
	}
	t.names = appendWord(t.names, name)
	t.in[name] = append(t.in[name], v)
}

// words says a version beside a name where it is not so in all that could be.
func (t *tallied) words(f *facts, p *Policy) []string {
	var out []string
	for _, name := range t.names {
		could := 0
		for _, v := range p.Versions {
			if s := f.lib.byName[strings.ToLower(name)]; f.version(v) == results.Yes && (s == nil || s.servedIn(v)) {
				could++
			}
		}
		if len(t.in[name]) < could {
			name += " (" + joinVersions(t.in[name]) + ")"
		}
		out = append(out, name)
	}
	return out
}

// groupsAgainst compares the groups that a source documents; of post-quantum
// ones every policy says whether it has any.
func (f *facts) groupsAgainst(p *Policy, d *results.PolicyDiff) {
	if f.version(results.TLSv13) != results.Yes || !slices.Contains(p.Versions, results.TLSv13) {
		return
	}
	o := f.groups(results.TLSv13)
	if !o.asked || slices.Contains(o.open, "*") {
		d.Unknown = append(d.Unknown, "groups of TLSv1.3")
		return
	}
	named := append(slices.Clone(p.PQGroups), p.Groups...)
	listed := func(id string) bool {
		return slices.ContainsFunc(named, func(n results.Named) bool { return n.ID == id })
	}
	quantum := false
	for _, id := range o.ids {
		g, _ := f.lib.group(id)
		quantum = quantum || g.PostQuantum
		documented := p.Groups != nil || g.PostQuantum && (!p.PostQuantum || p.PQGroups != nil)
		if documented && !listed(id) {
			d.Extra = append(d.Extra, g.Name)
		}
	}
	for _, n := range named {
		switch {
		case o.has(n.ID):
		case o.openFor(n.ID):
			d.Unknown = append(d.Unknown, n.Name)
		default:
			d.Missing = append(d.Missing, n.Name)
		}
	}
	if p.PostQuantum && p.PQGroups == nil && !quantum {
		d.Missing = append(d.Missing, "a post-quantum group")
	}
	for _, id := range o.open {
		if g, _ := f.lib.group(id); !listed(id) && (p.Groups != nil || g.PostQuantum) {
			d.Unknown = appendWord(d.Unknown, g.Name)
		}
	}
}

// hidden says what policies may differ in and this endpoint cannot show.
func (f *facts) hidden(m *results.Match) []string {
	var out []string
	names := slices.Clone(m.Exact)
	for _, d := range m.Open {
		names = append(names, d.Policy)
	}
	var suites []string
	for _, name := range names {
		p := f.lib.policy(name)
		for _, id := range p.Suites {
			if s := f.lib.suite(id); !visible(s, f.auths()) && slices.ContainsFunc(p.Versions, func(v results.Version) bool { return f.version(v) == results.Yes && s.servedIn(v) }) {
				suites = appendWord(suites, s.short())
			}
		}
	}
	if len(suites) > 0 {
		out = append(out, fmt.Sprintf("served certificates are of kind %s alone: %s cannot be negotiated, whatever the policy", strings.Join(f.auths(), " and "), describe(suites)))
	}
	if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "aws-") }) {
		out = append(out, "whether a cryptographic module is validated (FIPS names), the order of suites and the classical groups of load balancers are not compared: AWS does not document them, or a client cannot see them")
	}
	return out
}

// Alike lists the policies of one name's class: those with the same versions,
// suites and groups, as far as their sources say.
func (lib *Library) Alike(name string) []string {
	p := lib.policy(name)
	if p == nil {
		return nil
	}
	var out []string
	for i := range lib.Policies {
		if lib.Policies[i].list() == p.list() {
			out = append(out, lib.Policies[i].Name)
		}
	}
	return out
}

// list is what a policy allows, as one text to compare.
func (p *Policy) list() string {
	suites := slices.Sorted(slices.Values(p.Suites))
	groups := slices.Sorted(slices.Values(groupNames(append(slices.Clone(p.Groups), p.PQGroups...))))
	return fmt.Sprint(p.Versions, suites, groups, p.PostQuantum)
}
