// Pairs: what a server accepts, and how far a scan agrees.

package stacks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// Pair is a suite in a version.
type Pair struct {
	Version results.Version
	Suite   uint16
}

func (p Pair) String() string {
	s := wire.LookupSuite(p.Suite)
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", p.Version, wire.ID(p.Suite), cmp.Or(s.OpenSSL, s.Name)))
}

// Pairs is a set of them. The value says whether a handshake was finished, or
// the suite only chosen.
type Pairs map[Pair]bool

// Join adds more.
func (ps Pairs) Join(more Pairs) {
	for p, finished := range more {
		ps[p] = ps[p] || finished
	}
}

// unfinished lists the pairs that were chosen and never finished.
func (ps Pairs) unfinished() []Pair {
	finished := maps.Clone(ps)
	maps.DeleteFunc(finished, func(_ Pair, done bool) bool { return !done })
	return ps.Without(finished)
}

// Without lists what ps has and others has not.
func (ps Pairs) Without(others Pairs) []Pair {
	var rest []Pair
	for p := range ps {
		if _, ok := others[p]; !ok {
			rest = append(rest, p)
		}
	}
	slices.SortFunc(rest, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.Suite, b.Suite))
	})
	return rest
}

// versions lists those that have a pair.
func (ps Pairs) versions() map[results.Version]bool {
	vs := map[results.Version]bool{}
	for p := range ps {
		vs[p.Version] = true
	}
	return vs
}

// Scanned are the pairs of an endpoint record. SSLv2 has kinds, not suites, and
// is not among them.
func Scanned(e *results.Endpoint) (Pairs, error) {
	ps := Pairs{}
	for v, suites := range e.Suites {
		if v == results.SSLv2 {
			continue
		}
		for _, s := range suites {
			id, err := strconv.ParseUint(s.ID, 0, 16)
			if err != nil {
				return nil, fmt.Errorf("the scan's suite %q: %w", s.ID, err)
			}
			ps[Pair{v, uint16(id)}] = true
		}
	}
	return ps, nil
}

// Agreement is a scan beside the truth.
type Agreement struct {
	True, Found    int
	Unfinished     []Pair // of those that are true
	Missing, Extra []Pair
	Versions       []string // that are judged wrongly
	Connections    int
	Status         results.Status
}

// Compare holds a scan's record against the truth.
func Compare(truth Pairs, e *results.Endpoint) (Agreement, error) {
	found, err := Scanned(e)
	if err != nil {
		return Agreement{}, err
	}
	a := Agreement{
		True: len(truth), Found: len(found), Unfinished: truth.unfinished(), Missing: truth.Without(found), Extra: found.Without(truth),
		Connections: e.Connections, Status: e.Status,
	}
	spoken := truth.versions()
	for _, v := range []results.Version{results.SSLv2, results.SSLv3, results.TLSv10, results.TLSv11, results.TLSv12, results.TLSv13} {
		want := results.No
		if spoken[v] {
			want = results.Yes
		}
		if e.Versions[v] != want {
			a.Versions = append(a.Versions, fmt.Sprintf("%s is %s, not %s", v, want, e.Versions[v]))
		}
	}
	return a, nil
}

// Exact reports whether there is nothing to explain.
func (a Agreement) Exact() bool { return len(a.Missing)+len(a.Extra)+len(a.Versions) == 0 }

// Precision is the share of what was found that is true, in percent.
func (a Agreement) Precision() float64 { return percent(a.Found-len(a.Extra), a.Found) }

// Recall is the share of what is true that was found, in percent.
func (a Agreement) Recall() float64 { return percent(a.True-len(a.Missing), a.True) }

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}
