// Changes: what is otherwise in a later run of the same services.

package contrast

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"shakedown/results"
)

// Snapshot is what one run says of its endpoints. It is a Sink.
type Snapshot struct {
	Endpoints []*results.Endpoint
	Findings  []*results.Finding
	// Whole is whether all planned work was tried: then what is missing is gone.
	Whole bool
	began time.Time
}

// Put keeps endpoints and findings; other records pass.
func (s *Snapshot) Put(r results.Record) error {
	switch r := r.(type) {
	case *results.Header:
		s.began = r.StartedAt
	case *results.Endpoint:
		s.Endpoints = append(s.Endpoints, r)
	case *results.Finding:
		s.Findings = append(s.Findings, r)
	case *results.Trailer:
		s.Whole = r.Complete
	}
	return nil
}

// Changes lists what changed from one run to a later one, in the order of
// services and paths. Thresholds are days before a certificate's end.
func Changes(old, new *Snapshot, thresholds []int) []*results.Change {
	c := comparer{old: old, new: new, thresholds: thresholds}
	for _, p := range pairs(old.Endpoints, new.Endpoints) {
		c.pair(p[0], p[1])
	}
	c.drifts()
	c.findings()
	slices.SortStableFunc(c.changes, func(a, b *results.Change) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Address, b.Address))
	})
	return c.changes
}

// pairs joins the endpoints of one path and address. Those that are left over
// of a path on both sides are joined in their order: the addresses of a load
// balancer come and go by themselves. nil stands for one that is missing.
func pairs(old, new []*results.Endpoint) [][2]*results.Endpoint {
	path := func(e *results.Endpoint) string { return e.Service + "\x00" + e.Path }
	before := map[string][]*results.Endpoint{}
	for _, e := range old {
		before[path(e)] = append(before[path(e)], e)
	}
	var all [][2]*results.Endpoint
	for _, group := range Alike(new, path) {
		rest := before[path(group[0])]
		delete(before, path(group[0]))
		all = append(all, pairsOf(rest, group)...)
	}
	for _, e := range old {
		if slices.Contains(before[path(e)], e) {
			all = append(all, [2]*results.Endpoint{e, nil})
		}
	}
	return all
}

func pairsOf(old, new []*results.Endpoint) [][2]*results.Endpoint {
	var all [][2]*results.Endpoint
	var moved []*results.Endpoint
	old = slices.Clone(old)
	for _, e := range new {
		if i := slices.IndexFunc(old, func(o *results.Endpoint) bool { return o.Address == e.Address }); i >= 0 {
			all = append(all, [2]*results.Endpoint{old[i], e})
			old = slices.Delete(old, i, i+1)
		} else {
			moved = append(moved, e)
		}
	}
	for i := range max(len(old), len(moved)) {
		var p [2]*results.Endpoint
		if i < len(old) {
			p[0] = old[i]
		}
		if i < len(moved) {
			p[1] = moved[i]
		}
		all = append(all, p)
	}
	return all
}

type comparer struct {
	old, new   *Snapshot
	thresholds []int
	changes    []*results.Change
}

func (c *comparer) add(kind results.ChangeKind, e *results.Endpoint, fact, name, old, new string) {
	c.changes = append(c.changes, &results.Change{Kind: kind, Service: e.Service, Path: e.Path, Address: e.Address, Fact: fact, Name: name, Old: old, New: new})
}

// pair compares an endpoint with itself.
func (c *comparer) pair(old, new *results.Endpoint) {
	switch {
	case old == new: // nothing but time went by
		c.crossed(old, new)
	case new == nil && c.new.Whole:
		c.add(results.Gone, old, "", "", "", "")
	case new == nil:
		c.add(results.Untold, old, "", "the endpoint", "", "not asked: the run was cut short")
	case old == nil && c.old.Whole:
		c.add(results.Joined, new, "", "", "", "")
	case old == nil:
		c.add(results.Untold, new, "", "the endpoint", "not asked: the run was cut short", "")
	case new.Status == results.Failed:
		c.add(results.Untold, new, "", "the endpoint", "", firstFailure(new))
	case old.Status == results.Failed:
		c.add(results.Untold, new, "", "the endpoint", firstFailure(old), "")
	default:
		c.facts(old, new)
		c.crossed(old, new)
	}
}

func firstFailure(e *results.Endpoint) string {
	if len(e.Failures) == 0 {
		return "no version determined"
	}
	return fmt.Sprintf("no answer: %s/%s", e.Failures[0].Stage, e.Failures[0].Kind)
}

func (c *comparer) facts(old, new *results.Endpoint) {
	d := Between(old, new, "")
	replaced := slices.ContainsFunc(d.Facts, func(f results.FactDifference) bool { return f.Fact == "certificate.sha256" })
	if replaced {
		c.add(results.Changed, new, "certificate", "certificate", leaves(old), leaves(new))
	}
	for _, f := range d.Facts {
		switch f.Fact {
		case "certificate.sha256", "certificate.not_after", "certificate.subject":
			if replaced {
				continue // said already
			}
		}
		c.add(results.Changed, new, f.Fact, f.Name, f.Left, f.Right)
	}
	if n := len(d.Undetermined); n > 0 {
		c.add(results.Untold, new, "", "facts", "", list(d.Undetermined, 5))
	}
}

func list(names []string, most int) string {
	if len(names) > most+1 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// leaves describes the certificates that an endpoint shows.
func leaves(e *results.Endpoint) string {
	var all []string
	for _, chain := range e.Chains {
		if len(chain.Certificates) == 0 {
			continue
		}
		leaf := chain.Certificates[0]
		words := fmt.Sprintf("%s until %s (%s, %.16s)", leaf.Subject, leaf.NotAfter.UTC().Format("2006-01-02"), keyOf(leaf), leaf.SHA256)
		if !slices.Contains(all, words) {
			all = append(all, words)
		}
	}
	return strings.Join(all, Plus)
}

// crossed tells when a certificate came under a threshold, on the run on which
// it did and on no other. One that was replaced is told as such.
func (c *comparer) crossed(old, new *results.Endpoint) {
	was := map[string]bool{}
	for _, chain := range old.Chains {
		if len(chain.Certificates) > 0 {
			was[chain.Certificates[0].SHA256] = true
		}
	}
	told := map[string]bool{}
	for _, chain := range new.Chains {
		if len(chain.Certificates) == 0 || chain.Certificates[0].NotAfter.IsZero() {
			continue
		}
		leaf := chain.Certificates[0]
		// By the runs' beginnings, not by the moments at which each endpoint was asked:
		// else a crossing between these two would be told twice, or never.
		before, now := daysLeft(leaf, c.old.began, old.StartedAt), daysLeft(leaf, c.new.began, new.StartedAt)
		if !was[leaf.SHA256] || told[leaf.SHA256] {
			continue
		}
		for _, days := range slices.Sorted(slices.Values(c.thresholds)) {
			if now < float64(days) && before >= float64(days) {
				told[leaf.SHA256] = true
				c.add(results.Crossed, new, "certificate.not_after", fmt.Sprintf("under %d days left", days), fmt.Sprintf("%.0f days", before), fmt.Sprintf("%.0f days", now))
				break
			}
		}
	}
}

func daysLeft(leaf results.Cert, at, otherwise time.Time) float64 {
	if at.IsZero() {
		at = otherwise
	}
	return leaf.NotAfter.Sub(at).Hours() / 24
}

// drifts tells which targets are not like their siblings any more.
func (c *comparer) drifts() {
	before := map[string]bool{}
	for _, d := range drifted(c.old.Endpoints) {
		before[d.Service+"\x00"+d.Beside+"\x00"+d.BesideAddress] = true
	}
	for _, d := range drifted(c.new.Endpoints) {
		if before[d.Service+"\x00"+d.Beside+"\x00"+d.BesideAddress] {
			continue
		}
		var names []string
		for _, f := range d.Facts {
			names = append(names, f.Fact)
		}
		c.changes = append(c.changes, &results.Change{
			Kind: results.Drifted, Service: d.Service, Path: d.Beside, Address: d.BesideAddress, Name: "beside " + d.Path, New: list(names, 5),
		})
	}
}

// drifted lists the targets that differ from their siblings in more than their
// certificates.
func drifted(es []*results.Endpoint) []*results.Difference {
	return slices.DeleteFunc(Differences(es), func(d *results.Difference) bool {
		return d.Relation != results.RelationSibling || !slices.ContainsFunc(d.Facts, func(f results.FactDifference) bool { return !strings.HasPrefix(f.Fact, Certificate) })
	})
}

// findings tells which findings are new, and which are no more.
func (c *comparer) findings() {
	before, now := worst(c.old.Findings), worst(c.new.Findings)
	for _, f := range c.new.Findings {
		if f == now[ruleOf(f)] && open(f) && !open(before[ruleOf(f)]) {
			c.finding(results.Opened, f, observed(before[ruleOf(f)]), f.Observed)
		}
	}
	for _, f := range c.old.Findings {
		switch is := now[ruleOf(f)]; {
		case f != before[ruleOf(f)] || !open(f) || open(is):
		case is != nil && is.Status == results.FindingUnknown, is == nil && !c.answered(f):
			c.finding(results.Untold, f, f.Observed, "not determined")
		default:
			c.finding(results.Closed, f, f.Observed, observed(is))
		}
	}
}

// ruleOf names a rule on a path; addresses come and go.
func ruleOf(f *results.Finding) string {
	return strings.Join([]string{f.Service, f.Path, f.Profile, f.Rule}, "\x00")
}

// worst keeps one finding for each rule and path: an open one, if there is one.
func worst(findings []*results.Finding) map[string]*results.Finding {
	m := map[string]*results.Finding{}
	for _, f := range findings {
		if was := m[ruleOf(f)]; was == nil || open(f) && !open(was) {
			m[ruleOf(f)] = f
		}
	}
	return m
}

// answered reports whether the endpoint of a finding was determined now: what
// is not recorded of one that was not is no good news.
func (c *comparer) answered(f *results.Finding) bool {
	return slices.ContainsFunc(c.new.Endpoints, func(e *results.Endpoint) bool {
		return e.Service == f.Service && e.Path == f.Path && e.Status != results.Failed
	})
}

func (c *comparer) finding(kind results.ChangeKind, f *results.Finding, old, new string) {
	c.changes = append(c.changes, &results.Change{
		Kind: kind, Service: f.Service, Path: f.Path, Address: f.Address, Fact: f.Profile + "/" + f.Rule, Name: string(f.Severity), Old: old, New: new,
	})
}

// open is a finding that wants something done.
func open(f *results.Finding) bool {
	return f != nil && (f.Status == results.FindingFail || f.Status == results.FindingWarn)
}

func observed(f *results.Finding) string {
	if f == nil {
		return ""
	}
	return f.Observed
}
