// Comparing two policies: what a change from one to the other drops and adds,
// and what that changes for an endpoint.

package profiles

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"shakedown/results"
)

// Policy returns a named policy, an error that names near ones if there is
// none.
func (lib *Library) Policy(name string) (*Policy, error) {
	if p := lib.policy(name); p != nil {
		return p, nil
	}
	if p, err := lib.named(name); err == nil {
		return nil, fmt.Errorf("%s is a standard (%s), not a list of versions and suites: only vendors' policies can be compared", name, p.Title)
	} else {
		return nil, err
	}
}

// Compare says what a change from one policy to another drops and adds.
func (lib *Library) Compare(from, to *Policy) *results.PolicyChange {
	c := &results.PolicyChange{From: from.Name, To: to.Name, Dropped: lib.beyond(from, to), Added: lib.beyond(to, from)}
	switch {
	case from.FIPS && !to.FIPS:
		c.Notes = append(c.Notes, to.Name+" does not use FIPS modules")
	case to.FIPS && !from.FIPS:
		c.Notes = append(c.Notes, to.Name+" uses FIPS modules")
	}
	for _, p := range []*Policy{from, to} {
		if p.PostQuantum && p.PQGroups == nil {
			c.Notes = append(c.Notes, "which post-quantum groups "+p.Name+" has is not documented")
		}
		if p.Verification != "cross-checked" {
			c.Notes = append(c.Notes, "the list of "+p.Name+" is "+p.Verification)
		}
	}
	return c
}

// beyond lists what one policy has and the other has not.
func (lib *Library) beyond(p, other *Policy) []string {
	out := []string{}
	for _, v := range p.Versions {
		if !slices.Contains(other.Versions, v) {
			out = append(out, string(v))
		}
	}
	for _, id := range p.Suites {
		if !slices.Contains(other.Suites, id) {
			out = append(out, lib.suite(id).short())
		}
	}
	for _, g := range p.PQGroups {
		if !slices.Contains(other.PQGroups, g) && (other.PQGroups != nil || !other.PostQuantum) {
			out = append(out, g.Name)
		}
	}
	if p.PostQuantum && p.PQGroups == nil && !other.PostQuantum {
		out = append(out, "post-quantum groups")
	}
	if p.Groups != nil && other.Groups != nil {
		for _, g := range p.Groups {
			if !slices.Contains(other.Groups, g) {
				out = append(out, g.Name)
			}
		}
	}
	return out
}

// Apply says what a policy would change of an endpoint: what it accepts now and
// would not, and what it would accept beside.
func (lib *Library) Apply(p *Policy, e *results.Endpoint) results.EndpointChange {
	f := newFacts(e, lib, time.Time{})
	d := f.against(p)
	c := results.EndpointChange{Service: e.Service, Path: e.Path, Address: e.Address, Loses: append([]string{}, d.Extra...), Gains: append([]string{}, d.Missing...), Unknown: d.Unknown}
	for _, v := range results.Versions() { // what only a lost version has is lost with it
		if f.version(v) == results.Yes && !slices.Contains(p.Versions, v) {
			continue
		}
		if slices.Contains(p.Versions, v) && f.version(v) == results.Yes && f.common(p, v) {
			return c
		}
	}
	served, _ := f.served(nil)
	c.Stops = len(served) > 0 && !f.gainsVersion(p)
	return c
}

// common says whether an accepted suite is one of the policy's.
func (f *facts) common(p *Policy, v results.Version) bool {
	return slices.ContainsFunc(f.lib.in(p, v), func(s suite) bool { return f.suites(v).has(s.ID) })
}

func (f *facts) gainsVersion(p *Policy) bool {
	return slices.ContainsFunc(p.Versions, func(v results.Version) bool {
		return slices.ContainsFunc(f.lib.in(p, v), func(s suite) bool { return visible(s, f.auths()) })
	})
}

// Explain says what a policy is in a few sentences.
func (lib *Library) Explain(p *Policy) []string {
	var words []string
	oldest, newest := p.Versions[0], p.Versions[len(p.Versions)-1]
	span := string(oldest) + " to " + string(newest)
	if oldest == newest {
		span = string(newest) + " alone"
	}
	words = append(words, fmt.Sprintf("Accepts %s, with %d suites.", span, len(p.Suites)))
	count := func(class string) int {
		n := 0
		for _, id := range p.Suites {
			if classes()[class](lib.suite(id)) {
				n++
			}
		}
		return n
	}
	if n := count("no-fs"); n > 0 {
		words = append(words, fmt.Sprintf("%d of them have no forward secrecy: whoever gets the key later reads what was recorded.", n))
	} else {
		words = append(words, "All have forward secrecy.")
	}
	if n := count("cbc"); n > 0 {
		words = append(words, fmt.Sprintf("%d use CBC, for clients without AEAD.", n))
	}
	if n := count("weak"); n > 0 {
		words = append(words, fmt.Sprintf("%d are weak by today's measure (RC4 or 64-bit blocks).", n))
	}
	switch {
	case p.PostQuantum && p.PQGroups != nil:
		words = append(words, "Post-quantum key exchange: "+strings.Join(groupNames(p.PQGroups), ", ")+".")
	case p.PostQuantum:
		words = append(words, "Post-quantum key exchange; with which groups is not documented.")
	case newest == results.TLSv13:
		words = append(words, "No post-quantum key exchange.")
	}
	if p.FIPS {
		words = append(words, "Served by FIPS-validated modules, which a client cannot see.")
	}
	if len(p.Defaults) > 0 {
		words = append(words, "The default of: "+strings.Join(p.Defaults, ", ")+".")
	}
	return words
}

// ShortNames lists suites by the names that people know.
func (lib *Library) ShortNames(ids []string) []string { return lib.shortNames(ids) }

// Traits marks what is to be known of a suite: no-fs, cbc, weak.
func (lib *Library) Traits(id string) []string {
	var out []string
	for _, class := range []string{"weak", "no-fs", "cbc"} {
		if classes()[class](lib.suite(id)) {
			out = append(out, class)
		}
	}
	return out
}
