// What two benches measured that ratios of handshakes do not tell: capacities, and
// what cannot be compared as it was measured or asked otherwise.

package contrast

import (
	"fmt"
	"math"
	"reflect"
	"strings"

	"shakedown/results"
)

// Measured are the changes of capacities from one run to another, and the paths
// that cannot be compared. The handshakes of trials that can are compared by ratios.
func Measured(old, new []results.Record) []*results.Change {
	was, is := measurementsOf(old), measurementsOf(new)
	var out []*results.Change
	for _, m := range is {
		out = append(out, m.since(was)...)
	}
	for _, m := range was {
		if m.nearest(is) == nil {
			out = append(out, m.change(results.Untold, "measured", "not measured"))
		}
	}
	return out
}

// measurement is a trial, or a search for capacity.
type measurement struct {
	service, path, address string
	asked                  results.Shape
	resumed                float64
	search                 *results.Capacity // nil for a trial
}

// measurementsOf are a run's; the trials of a search's steps are none of themselves.
func measurementsOf(records []results.Record) []*measurement {
	var all []*measurement
	steps := map[string]bool{}
	for _, r := range records {
		if c, ok := r.(*results.Capacity); ok {
			all = append(all, &measurement{c.Service, c.Path, c.Address, c.Asked, c.ResumeRatio, c})
			for _, s := range c.Steps {
				steps[s.Trial] = true
			}
		}
	}
	for _, r := range records {
		if t, ok := r.(*results.Trial); ok && !steps[t.Trial] {
			all = append(all, &measurement{t.Service, t.Path, t.Address, t.Asked, t.ResumeRatio, nil})
		}
	}
	return all
}

// nearest is the same path's measurement of the same sort: one that was asked for
// the same, if there is one. nil: the path was not measured so.
func (m *measurement) nearest(all []*measurement) (best *measurement) {
	for _, o := range all {
		if o.service != m.service || o.path != m.path || (o.search == nil) != (m.search == nil) {
			continue
		}
		if best == nil || m.alike(o) {
			best = o
		}
	}
	return best
}

// alike reports whether two were asked for the same. The share of resumed ones was
// not always recorded of searches, where Asked has it.
func (m *measurement) alike(o *measurement) bool {
	return reflect.DeepEqual(m.asked, o.asked) && (m.asked.Resumed != nil || m.resumed == o.resumed)
}

// since is what changed since a run.
func (m *measurement) since(was []*measurement) []*results.Change {
	o := m.nearest(was)
	switch {
	case o == nil:
		return []*results.Change{m.change(results.Untold, "not measured", "measured")}
	case !m.alike(o):
		return []*results.Change{m.change(results.Untold, "asked for "+o.askedFor(), "asked for "+m.askedFor())}
	case m.search == nil:
		return nil
	case strings.Join(m.search.SLO, ", ") != strings.Join(o.search.SLO, ", "):
		return []*results.Change{m.change(results.Untold, "held to "+strings.Join(o.search.SLO, ", "), "held to "+strings.Join(m.search.SLO, ", "))}
	}
	return m.capacity(o)
}

// capacity compares intervals: those that do not meet are another capacity; those
// that meet are the same, as far as both are closed.
func (m *measurement) capacity(o *measurement) []*results.Change {
	low, high := ends(m.search)
	oldLow, oldHigh := ends(o.search)
	switch {
	case low >= oldHigh || high <= oldLow:
		return []*results.Change{m.change(results.Changed, interval(oldLow, oldHigh), interval(low, high))}
	case !m.search.Valid || !o.search.Valid:
		return []*results.Change{m.change(results.Untold, interval(oldLow, oldHigh), interval(low, high))}
	}
	return nil
}

func ends(c *results.Capacity) (low, high float64) {
	high = math.Inf(1)
	if c.HighRate != nil {
		high = *c.HighRate
	}
	return c.LowRate, high
}

func interval(low, high float64) string {
	if math.IsInf(high, 1) {
		return fmt.Sprintf("%.4g/s or more", low)
	}
	return fmt.Sprintf("%.4g to %.4g/s", low, high)
}

// askedFor names what was asked for.
func (m *measurement) askedFor() string {
	a := m.asked
	kind := fmt.Sprintf("%.3g %% resumed", 100*m.resumed)
	if a.Resumed != nil {
		kind = map[bool]string{false: "full", true: "resumed"}[*a.Resumed]
	}
	var all []string
	for _, w := range []string{string(a.Version), a.Suite, a.Group, a.SignatureScheme, a.ALPN, kind} {
		if w != "" {
			all = append(all, w)
		}
	}
	return strings.Join(all, ", ")
}

func (m *measurement) change(kind results.ChangeKind, old, new string) *results.Change {
	fact := "handshakes"
	if m.search != nil {
		fact = "capacity"
	}
	return &results.Change{Kind: kind, Service: m.service, Path: m.path, Address: m.address, Fact: fact, Name: fact, Old: old, New: new}
}
