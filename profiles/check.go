// Checks: the vocabulary of rules. A check says what it takes, what a scan must
// ask for it, and judges.

package profiles

import (
	"slices"
	"strings"
	"sync"

	"shakedown/results"
)

// kind says what a check's values are.
type kind string

const (
	noValues      kind = ""
	versionValues kind = "versions"
	suiteValues   kind = "suites"
	groupValues   kind = "groups"
	schemeValues  kind = "signature schemes"
	wordValues    kind = "words" // those that the check lists
)

// check is one way to judge.
type check struct {
	name    string
	about   string
	takes   kind
	words   []string // of wordValues
	limit   string   // the unit of its limit; "" for a check without
	aspects []string

	expected func(Rule) string
	judge    func(*facts, Rule) verdict
	// ofChain marks a check that looks at one chain and at nothing else.
	ofChain bool
	// together marks a check of several endpoints, judged by among.
	together bool
	among    func(*facts, keyHolders) verdict
}

// Check describes a check to whoever writes a profile.
type Check struct {
	Name   string   `json:"name"`
	About  string   `json:"about"`
	Values string   `json:"values,omitempty"`
	Words  []string `json:"words,omitempty"`
	Limit  string   `json:"limit,omitempty"`
}

// Checks lists what rules can ask for.
func Checks() []Check {
	var out []Check
	for _, c := range checks() {
		out = append(out, Check{c.name, c.about, string(c.takes), c.words, c.limit})
	}
	return out
}

func checks() []check {
	return slices.Concat(versionChecks(), suiteChecks(), groupChecks(), protocolChecks(), certificateChecks(), keyChecks())
}

var checkTable = sync.OnceValue(func() map[string]check {
	table := map[string]check{}
	for _, c := range checks() {
		table[c.name] = c
	}
	return table
})

// checkOf finds a check; every rule has one, as profiles are made here or read
// by a parser that refuses others.
func checkOf(name string) check { return checkTable()[name] }

// condition says where a rule applies.
type condition struct {
	about     string
	otherwise string // what to say where it does not hold
	aspects   []string
	holds     func(*facts) results.Answer
}

func conditions() map[string]condition {
	suites := []string{"suites"}
	pick := func(class string) func(*facts) results.Answer {
		return func(f *facts) results.Answer { return f.accepts(classes()[class]) }
	}
	return map[string]condition{
		"": {"everywhere", "", nil, func(*facts) results.Answer { return results.Yes }},
		"old-version": {"where TLS 1.2 or an older version is accepted", "only TLS 1.3 is accepted", nil, func(f *facts) results.Answer {
			return f.any(results.SSLv3, results.TLSv10, results.TLSv11, results.TLSv12)
		}},
		"fallback": {"where TLS 1.2 and an older version are accepted", "no version below TLS 1.2 beside it to fall back to", nil, func(f *facts) results.Answer {
			return both(f.any(results.TLSv12), f.any(results.SSLv3, results.TLSv10, results.TLSv11))
		}},
		"fallback-no-1.3": {"where a version before TLS 1.2 is accepted and TLS 1.3 is not", "TLS 1.3 is accepted, or no version before TLS 1.2", nil, func(f *facts) results.Answer {
			return both(not(f.any(results.TLSv13)), f.any(results.SSLv3, results.TLSv10, results.TLSv11))
		}},
		"tls1.3": {"where TLS 1.3 is accepted", "TLS 1.3 is not accepted", nil, func(f *facts) results.Answer { return f.any(results.TLSv13) }},
		"tls1.2": {"where TLS 1.2 is accepted", "TLS 1.2 is not accepted", nil, func(f *facts) results.Answer { return f.any(results.TLSv12) }},
		"cbc":    {"where CBC suites are accepted", "no CBC suite is accepted", suites, pick("cbc")},
		"dhe":    {"where DHE suites are accepted", "no DHE suite is accepted", suites, pick("dhe")},
		"ec": {"where ECDHE suites or TLS 1.3 are accepted", "no ECDHE suite and no TLS 1.3", suites, func(f *facts) results.Answer {
			return either(f.any(results.TLSv13), f.accepts(classes()["ecdhe"]))
		}},
		"tls1.0-to-1.2": {"where TLS 1.0, 1.1 or 1.2 is accepted", "only TLS 1.3 is accepted", nil, func(f *facts) results.Answer {
			return f.any(results.TLSv10, results.TLSv11, results.TLSv12)
		}},
	}
}

var conditionTable = sync.OnceValue(conditions)

func conditionOf(name string) condition { return conditionTable()[name] }

// both, either and not are the three-valued logic of Kleene.
func both(a, b results.Answer) results.Answer {
	switch {
	case a == results.No || b == results.No:
		return results.No
	case a == results.Yes && b == results.Yes:
		return results.Yes
	}
	return results.Unknown
}

func either(a, b results.Answer) results.Answer { return not(both(not(a), not(b))) }

func not(a results.Answer) results.Answer {
	switch a {
	case results.Yes:
		return results.No
	case results.No:
		return results.Yes
	}
	return results.Unknown
}

func versionChecks() []check {
	return []check{
		{
			name: "versions-off", about: "none of these versions is accepted", takes: versionValues,
			expected: func(r Rule) string { return strings.Join(r.Values, ", ") + " off" },
			judge: func(f *facts, r Rule) verdict {
				yes, open := f.served(versionsOf(r.Values))
				return weigh(accepted(yes), f.versionsWhy(open), "refused")
			},
		},
		{
			name: "versions-on", about: "all of these versions are accepted", takes: versionValues,
			expected: func(r Rule) string { return strings.Join(r.Values, ", ") + " on" },
			judge: func(f *facts, r Rule) verdict {
				var bad, open []string
				for _, v := range versionsOf(r.Values) {
					switch f.version(v) {
					case results.No:
						bad = append(bad, string(v)+" is refused")
					case results.Unknown:
						open = append(open, f.versionWhy(v))
					}
				}
				return weigh(bad, open, "accepted")
			},
		},
		{
			name: "versions-any", about: "at least one of these versions is accepted", takes: versionValues,
			expected: func(r Rule) string { return "one of " + strings.Join(r.Values, ", ") + " on" },
			judge: func(f *facts, r Rule) verdict {
				yes, open := f.served(versionsOf(r.Values))
				switch {
				case len(yes) > 0:
					return pass(joinVersions(yes) + " accepted")
				case len(open) > 0:
					return unknown(strings.Join(f.versionsWhy(open), "; "))
				}
				return fail("none of them is accepted")
			},
		},
	}
}

func versionsOf(values []string) []results.Version {
	return mapped(values, func(v string) results.Version { return results.Version(v) })
}

func joinVersions(vs []results.Version) string {
	return strings.Join(mapped(vs, func(v results.Version) string { return string(v) }), ", ")
}

func accepted(vs []results.Version) []string {
	return mapped(vs, func(v results.Version) string { return string(v) + " is accepted" })
}

func (f *facts) versionsWhy(vs []results.Version) []string { return mapped(vs, f.versionWhy) }
