// Checks of key exchange groups and signature schemes.

package profiles

import (
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

func groupChecks() []check {
	groups, schemes := []string{"groups"}, []string{"signatures"}
	return []check{
		{
			name: "groups-only", about: "no group but these is accepted", takes: groupValues, aspects: groups,
			expected: func(r Rule) string { return within(r) + "no group but " + describeGroups(r.Values) },
			judge: func(f *facts, r Rule) verdict {
				allowed := f.lib.groupsOf(r.Values)
				return f.noNamed(r, f.groupOffers(), func(id string) (string, bool) {
					g, _ := f.lib.group(id)
					return g.Name, !allowed(g)
				})
			},
		},
		{
			name: "groups-none", about: "none of these groups is accepted", takes: groupValues, aspects: groups,
			expected: func(r Rule) string { return within(r) + "no " + describeGroups(r.Values) },
			judge: func(f *facts, r Rule) verdict {
				banned := f.lib.groupsOf(r.Values)
				return f.noNamed(r, f.groupOffers(), func(id string) (string, bool) {
					g, _ := f.lib.group(id)
					return g.Name, banned(g)
				})
			},
		},
		{
			name: "groups-any", about: "at least one of these groups is accepted", takes: groupValues, aspects: groups,
			expected: func(r Rule) string { return within(r) + "at least one of " + describeGroups(r.Values) },
			judge: func(f *facts, r Rule) verdict {
				return f.someNamed(r, f.groupOffers(), func(id string) bool { g, _ := f.lib.group(id); return f.lib.groupsOf(r.Values)(g) })
			},
		},
		{
			name: "signatures-only", about: "no signature scheme but these is used", takes: schemeValues, aspects: schemes,
			expected: func(r Rule) string { return within(r) + "no signature scheme but " + describe(r.Values) },
			judge: func(f *facts, r Rule) verdict {
				allowed := f.lib.schemesOf(r.Values)
				return f.noNamed(r, f.schemeOffers(), func(id string) (string, bool) {
					s, _ := f.lib.scheme(id)
					return s.Name, !allowed(s)
				})
			},
		},
		{
			name: "signatures-none", about: "none of these signature schemes is used; md5 and sha1 stand for all schemes with that hash", takes: schemeValues, aspects: schemes,
			expected: func(r Rule) string { return within(r) + "no signature with " + describe(r.Values) },
			judge: func(f *facts, r Rule) verdict {
				banned := f.lib.schemesOf(r.Values)
				return f.noNamed(r, f.schemeOffers(), func(id string) (string, bool) {
					s, _ := f.lib.scheme(id)
					return s.Name, banned(s)
				})
			},
		},
	}
}

// offers is a kind of fact that TLS 1.2 and 1.3 have: groups or schemes.
type offers struct {
	noun, aspect string
	of           func(results.Version) offer
}

func (f *facts) groupOffers() offers  { return offers{"groups", "groups", f.groups} }
func (f *facts) schemeOffers() offers { return offers{"signature schemes", "signatures", f.schemes} }

// modern are the versions whose groups and schemes are asked.
func modern(only []results.Version) []results.Version {
	if len(only) > 0 {
		return only
	}
	return []results.Version{results.TLSv12, results.TLSv13}
}

// noNamed fails where a name is accepted that a test picks.
func (f *facts) noNamed(r Rule, kind offers, pick func(id string) (name string, bad bool)) verdict {
	yes, unsure := f.served(modern(r.Versions))
	open := f.versionsWhy(unsure)
	var bad, good []string
	for _, v := range yes {
		o := kind.of(v)
		if why := f.whyNamed(o, kind, func(id string) bool { _, b := pick(id); return b }); why != "" {
			open = append(open, why)
		}
		var found, all []string
		for _, id := range o.ids {
			name, isBad := pick(id)
			if all = append(all, name); isBad {
				found = append(found, name)
			}
		}
		if len(found) > 0 {
			bad = append(bad, fmt.Sprintf("%s accepts %s", v, describe(found)))
		}
		if len(all) > 0 {
			good = append(good, fmt.Sprintf("%s accepts %s", v, describe(all)))
		}
	}
	if len(bad)+len(open)+len(good) == 0 {
		return irrelevant("no " + kind.noun + " are used")
	}
	return weigh(bad, open, strings.Join(good, "; "))
}

// someNamed passes where one name is accepted that a test picks.
func (f *facts) someNamed(r Rule, kind offers, pick func(id string) bool) verdict {
	yes, unsure := f.served(modern(r.Versions))
	open := f.versionsWhy(unsure)
	var all []string
	for _, v := range yes {
		o := kind.of(v)
		if i := slices.IndexFunc(o.ids, pick); i >= 0 {
			g, _ := f.lib.group(o.ids[i])
			return pass(fmt.Sprintf("%s accepts %s", v, g.Name))
		}
		all = append(all, o.ids...)
		if why := f.whyNamed(o, kind, pick); why != "" {
			open = append(open, why)
		}
	}
	if len(open) > 0 {
		return unknown(strings.Join(open, "; "))
	}
	if len(all) == 0 {
		return irrelevant("no " + kind.noun + " are used")
	}
	return fail("none of them is accepted")
}

func (f *facts) whyNamed(o offer, kind offers, pick func(id string) bool) string {
	switch {
	case !o.asked:
		return fmt.Sprintf("%s of %s were not asked (aspect %s)", kind.noun, o.version, kind.aspect)
	case slices.Contains(o.open, "*"):
		return fmt.Sprintf("%s of %s: %s", kind.noun, o.version, f.whyUnknown())
	case slices.ContainsFunc(o.open, pick):
		return fmt.Sprintf("%s gave no usable answer for some %s (%s)", o.version, kind.noun, describe(o.open))
	}
	return ""
}
