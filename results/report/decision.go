// Where TLS can end: the path kinds of a service as choices, each with what it
// promises by its kind, what the records show of it, and what speaks against it.
// What no record says is said to be unknown, and nothing is weighed that was not
// measured.

package report

import (
	"cmp"
	"fmt"
	"slices"

	"shakedown/results"
)

// decision sets the path kinds of one service side by side.
type decision struct {
	*section
	choices []*choice
	planned float64 // handshakes a second; 0: none is planned
}

// choice is one path kind and the paths that have it.
type choice struct {
	kind       results.PathKind
	paths      []string // names in the inventory
	endpoints  []*endpoint
	behind     []*endpoint // targets that were observed, of kinds with a load balancer
	unobserved []string    // targets that were not
	trials     []*trial
	capacities []*climb
}

// said is a statement and the records that it rests on.
type said struct {
	level level
	text  string
	refs  []ref
}

// newDecision is nil for a service without a choice: less than two kinds.
func newDecision(s *section, planned float64) *decision {
	if s.many {
		return nil
	}
	d := &decision{section: s, planned: planned}
	for _, kind := range results.PathKinds() {
		if c := newChoice(s, kind); c != nil {
			d.choices = append(d.choices, c)
		}
	}
	if len(d.choices) < 2 {
		return nil
	}
	return d
}

func newChoice(s *section, kind results.PathKind) *choice {
	c := &choice{kind: kind}
	for _, e := range s.endpoints {
		if e.Kind == kind {
			c.endpoints = append(c.endpoints, e)
			c.name(e.Path)
		}
	}
	for _, t := range s.trials {
		if t.Kind == kind {
			c.trials = append(c.trials, t)
			c.name(t.Path)
		}
	}
	for _, one := range s.capacities {
		if one.Kind == kind {
			c.capacities = append(c.capacities, one)
			c.name(one.Path)
		}
	}
	if len(c.paths) == 0 {
		return nil
	}
	c.lookBehind(s)
	return c
}

func (c *choice) name(path string) {
	if !slices.Contains(c.paths, path) {
		c.paths = append(c.paths, path)
	}
}

// lookBehind finds the targets of the choice's load balancers.
func (c *choice) lookBehind(s *section) {
	for _, front := range c.endpoints {
		for _, name := range front.Targets {
			i := slices.IndexFunc(s.endpoints, func(e *endpoint) bool { return e.Path == name })
			switch {
			case i >= 0 && !slices.Contains(c.behind, s.endpoints[i]):
				c.behind = append(c.behind, s.endpoints[i])
			case i < 0 && !slices.Contains(c.unobserved, clean(name)):
				c.unobserved = append(c.unobserved, clean(name))
			}
		}
	}
}

// has reports whether a path is one of the choice's.
func (c *choice) has(path string) bool { return slices.Contains(c.paths, path) }

func (d *decision) of(kind results.PathKind) *choice {
	if i := slices.IndexFunc(d.choices, func(c *choice) bool { return c.kind == kind }); i >= 0 {
		return d.choices[i]
	}
	return nil
}

// valid are the choice's trials that measured the path and not the generator,
// and were answered.
func (c *choice) valid() []*trial {
	return slices.DeleteFunc(slices.Clone(c.trials), func(t *trial) bool {
		return !t.Valid || t.Phases.Handshake == nil || !ordered(t.Phases.Handshake)
	})
}

// fastest is the valid trial with the least median handshake; nil if there is
// none.
func (c *choice) fastest() *trial {
	all := c.valid()
	if len(all) == 0 {
		return nil
	}
	return slices.MinFunc(all, func(a, b *trial) int { return cmp.Compare(a.Phases.Handshake.P50US, b.Phases.Handshake.P50US) })
}

// objections are what clients of this choice would meet, as far as it was
// recorded: faults and unknowns of the servers at which TLS ends for them, and
// limits that were missed.
func (d *decision) objections(c *choice) []said {
	met := c.endpoints
	if c.kind == results.Passthrough { // clients meet the instances themselves
		met = append(slices.Clone(met), c.behind...)
	}
	labels := map[string]bool{}
	for _, e := range met {
		labels[e.label], labels[d.pathLabel(e.Service, e.Path)] = true, true
	}
	for _, p := range c.paths {
		labels[d.pathLabel("", p)] = true
	}
	var out []said
	for _, i := range append(scanIssues(d.section), limitIssues(d.section)...) {
		if labels[i.labels[0]] && !d.onlyAges(i) && !d.onlyOpen(i) {
			out = append(out, said{i.level, i.labels[0] + ": " + i.words, i.refs})
		}
	}
	if reach(c.kind) == 3 {
		out = append(d.key(c)[1:], out...)
	}
	out = append(out, d.broken(met, d.common())...)
	if len(c.endpoints) == 0 {
		out = append(out, said{warning, "it was not scanned: what it serves is unknown", nil})
	}
	return out
}

// onlyAges reports whether an issue is a good certificate that ends soon: that is
// work to do, and no reason for another architecture.
func (d *decision) onlyAges(i issue) bool {
	return slices.ContainsFunc(d.endpoints, func(e *endpoint) bool {
		return e.ref == i.refs[0] && e.cert.onlyAges() && i.words == "certificate: "+e.cert.alarm()
	})
}

// onlyOpen reports whether an issue is a search for capacity that did not come to
// its end, or a rate that was tried and is too high: what was found holds all the
// same.
func (d *decision) onlyOpen(i issue) bool {
	return slices.ContainsFunc(d.capacities, func(c *climb) bool { return c.ref == i.refs[0] && !c.Valid }) ||
		slices.ContainsFunc(d.objectives, func(o *objective) bool { return o.ref == i.refs[0] && d.stepRate(o) > 0 })
}

// onlyAges reports whether nothing is wrong with a chain but that it ends soon.
func (v verdict) onlyAges() bool { return len(v.words) > 0 && v.words[0] == trusted }

// best is the choice that protects most among those that nothing speaks
// against; among equals the one whose median handshake is least.
func (d *decision) best() *choice {
	var best *choice
	for _, c := range d.choices {
		if len(d.objections(c)) > 0 {
			continue
		}
		if best == nil || reach(c.kind) > reach(best.kind) || reach(c.kind) == reach(best.kind) && quicker(c, best) {
			best = c
		}
	}
	return best
}

func quicker(a, b *choice) bool {
	x, y := a.fastest(), b.fastest()
	return x != nil && (y == nil || x.Phases.Handshake.P50US < y.Phases.Handshake.P50US)
}

// reach ranks how far a kind protects: to the load balancer; beyond it, but to
// whoever answers there; to a server that the client itself checks; and so that
// this server's key cannot be carried off.
func reach(k results.PathKind) int {
	switch k {
	case results.LBTerminated:
		return 0
	case results.LBReencrypted:
		return 1
	case results.Passthrough, results.Instance:
		return 2
	}
	return 3
}

// added is what the records say that a part adds: the attribution in the phase
// that is wanted most; nil if there is none.
func (d *decision) added(part string, phases ...string) *attribution {
	for _, phase := range phases {
		for _, a := range d.attributions {
			if a.Part == part && a.Phase == phase && a.Quantile == "p50" {
				return a
			}
		}
	}
	return nil
}

// unitWords is a number of units as people say it.
func unitWords(low, high int) string {
	switch {
	case high == 0:
		return fmt.Sprintf("more than %s", plural(low, "unit"))
	case low == high || low > high:
		return plural(high, "unit")
	}
	return fmt.Sprintf("%s to %s", grouped(low), plural(high, "unit"))
}
