// Checks of cipher suites: which are accepted, and in whose order.

package profiles

import (
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

func suiteChecks() []check {
	asks := []string{"suites"}
	return []check{
		{
			name: "suites-only", about: "no suite but these is accepted", takes: suiteValues, aspects: asks,
			expected: func(r Rule) string { return within(r) + "nothing but " + describe(r.Values) },
			judge: func(f *facts, r Rule) verdict {
				allowed := f.lib.suitesOf(r.Values)
				return f.noSuite(r, func(s suite) bool { return !allowed(s) })
			},
		},
		{
			name: "suites-none", about: "none of these suites is accepted", takes: suiteValues, aspects: asks,
			expected: func(r Rule) string { return within(r) + "no " + describe(r.Values) },
			judge:    func(f *facts, r Rule) verdict { return f.noSuite(r, f.lib.suitesOf(r.Values)) },
		},
		{
			name: "suites-any", about: "at least one of these suites is accepted", takes: suiteValues, aspects: asks,
			expected: func(r Rule) string { return within(r) + "at least one of " + describe(r.Values) },
			judge: func(f *facts, r Rule) verdict {
				switch f.accepts(f.lib.suitesOf(r.Values), r.Versions...) {
				case results.Yes:
					return pass("accepted")
				case results.No:
					return fail("none of them is accepted")
				}
				return unknown("suites: " + f.whySuites(r.Versions))
			},
		},
		{
			name: "suites-all", about: "every one of these suites is accepted that the served certificates allow", takes: suiteValues, aspects: append(asks, "certificates"),
			expected: func(r Rule) string { return within(r) + "every one of " + describe(r.Values) },
			judge:    everySuite,
		},
		{
			name: "order", about: "where the server's order counts, suites of the first class come before those of the second", takes: suiteValues, aspects: append(asks, "preference"),
			expected: func(r Rule) string {
				return fmt.Sprintf("%s before %s", describe(r.Values[:1]), describe(r.Values[1:]))
			},
			judge: inOrder,
		},
		{
			name: "preference", about: "whose order of suites counts, where it is known", takes: wordValues, words: []string{"server", "client", "mixed"}, aspects: append(asks, "preference"),
			expected: func(r Rule) string { return "order of suites: " + strings.Join(r.Values, " or ") },
			judge:    whoseOrder,
		},
	}
}

// within names the versions that a rule is about.
func within(r Rule) string {
	if len(r.Versions) == 0 {
		return ""
	}
	return "in " + joinVersions(r.Versions) + " "
}

// noSuite fails where a suite is accepted that a test picks.
func (f *facts) noSuite(r Rule, pick func(suite) bool) verdict {
	var bad, open, names []string
	yes, unsure := f.served(r.Versions)
	for _, v := range yes {
		o := f.suites(v)
		var found []string
		for _, id := range o.ids {
			if s := f.lib.suite(id); pick(s) {
				found = append(found, s.short())
			}
		}
		if len(found) > 0 {
			bad = append(bad, string(v)+" accepts "+describe(found))
		}
		names = append(names, fmt.Sprintf("%s accepts %d suites, none of these", v, len(o.ids)))
		if why := f.whyOpen(o, pick); why != "" {
			open = append(open, why)
		}
	}
	open = append(open, f.versionsWhy(unsure)...)
	if len(names) == 0 && len(open) == 0 {
		return irrelevant("no such version is accepted")
	}
	return weigh(bad, open, strings.ReplaceAll(strings.Join(names, "; "), "none of these", "none against it"))
}

// whyOpen says what of an offer is unknown that a test picks; "" if nothing.
func (f *facts) whyOpen(o offer, pick func(suite) bool) string {
	switch {
	case !o.asked:
		return "suites of " + string(o.version) + " were not asked (aspect suites)"
	case slices.Contains(o.open, "*"):
		return "suites of " + string(o.version) + ": " + f.whyUnknown()
	}
	var names []string
	for _, id := range o.open {
		if s := f.lib.suite(id); pick(s) {
			names = append(names, s.short())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return string(o.version) + " gave no usable answer for " + describe(names)
}

func (f *facts) whySuites(only []results.Version) string {
	yes, open := f.served(only)
	words := f.versionsWhy(open)
	for _, v := range yes {
		if why := f.whyOpen(f.suites(v), func(suite) bool { return true }); why != "" {
			words = append(words, why)
		}
	}
	return strings.Join(words, "; ")
}

// everySuite wants all the suites that the served certificates allow, in every
// version that is accepted and can have them.
func everySuite(f *facts, r Rule) verdict {
	wanted := f.lib.suitesOf(r.Values)
	yes, unsure := f.served(r.Versions)
	auths := f.auths()
	open := f.versionsWhy(unsure)
	var bad []string
	seen := 0
	for _, v := range yes {
		o := f.suites(v)
		if !o.asked {
			open = append(open, f.whyOpen(o, wanted))
			continue
		}
		var missing []string
		for _, s := range f.lib.suites {
			if !wanted(s) || !s.servedIn(v) || !visible(s, auths) {
				continue
			}
			seen++
			if !o.has(s.ID) && !o.openFor(s.ID) {
				missing = append(missing, s.short())
			}
		}
		if len(missing) > 0 {
			bad = append(bad, string(v)+" lacks "+describe(missing))
		}
		if why := f.whyOpen(o, wanted); why != "" {
			open = append(open, why)
		}
	}
	if seen == 0 && len(open) == 0 {
		return irrelevant("none of them can show with the served versions and certificates")
	}
	return weigh(bad, open, "all that the served certificates allow")
}

// inOrder wants no suite of the second class before one of the first.
func inOrder(f *facts, r Rule) verdict {
	better, worse := f.lib.suitesOf(r.Values[:1]), f.lib.suitesOf(r.Values[1:])
	yes, unsure := f.served(r.Versions)
	open := f.versionsWhy(unsure)
	var bad []string
	judged := false
	for _, v := range yes {
		o := f.suites(v)
		list := mapped(o.ids, f.lib.suite)
		i := slices.IndexFunc(list, worse)
		j := -1
		for k, s := range list {
			if better(s) && !worse(s) {
				j = k
			}
		}
		switch pref := f.e.Preference[v]; {
		case !o.asked:
			open = append(open, f.whyOpen(o, worse))
		case i < 0 || j < 0: // nothing to order
		case pref == results.PreferenceClient:
			judged = true
			bad = append(bad, string(v)+" leaves the choice to the client")
		case pref == "" || pref == results.PreferenceUnknown:
			open = append(open, "the order of "+string(v)+" is not known (aspect preference)")
		case i < j:
			judged = true
			bad = append(bad, fmt.Sprintf("%s prefers %s to %s", v, list[i].short(), list[j].short()))
		default:
			judged = true
		}
	}
	if !judged && len(open) == 0 {
		return irrelevant("no version accepts suites of both kinds")
	}
	return weigh(bad, open, "in this order")
}

// whoseOrder judges versions that accept more than one suite.
func whoseOrder(f *facts, r Rule) verdict {
	yes, unsure := f.served(r.Versions)
	open := f.versionsWhy(unsure)
	var bad, good []string
	for _, v := range yes {
		o := f.suites(v)
		pref := f.e.Preference[v]
		switch {
		case o.asked && len(o.ids) < 2 && len(o.open) == 0: // nothing to prefer
		case pref == "" || pref == results.PreferenceUnknown:
			open = append(open, "the order of "+string(v)+" is not known (aspect preference)")
		case !slices.Contains(r.Values, string(pref)):
			bad = append(bad, fmt.Sprintf("%s follows the %s's order", v, pref))
		default:
			good = append(good, fmt.Sprintf("%s follows the %s's order", v, pref))
		}
	}
	if len(bad)+len(open)+len(good) == 0 {
		return irrelevant("no version accepts more than one suite")
	}
	return weigh(bad, open, strings.Join(good, "; "))
}
