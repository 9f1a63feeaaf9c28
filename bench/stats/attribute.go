// Attribution: what one part of a path adds, in microseconds.
//
// Two paths of a service that differ in one part alone, as an instance and the
// load balancer before it, are subtracted from each other: round by round, since
// the blocks of a round ran within seconds of each other, and of these differences
// Student's t makes the interval, for the reasons given with the comparisons.
//
// A difference is taken of quantiles. That of medians is near to what the part
// adds to a usual handshake; medians of sums are not sums of medians, so the parts
// of a path need not add up. Each interval stands for itself: of twenty, one may
// be off.

package stats

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"shakedown/results"
)

// part is a pair of path kinds that differ in one thing, and its name.
type part struct {
	name          string
	with, without results.PathKind
}

// The parts of paths.
func parts() []part {
	return []part{
		{"load balancer", results.LBTerminated, results.Instance},
		{"re-encryption", results.LBReencrypted, results.LBTerminated},
		{"LB and re-encryption", results.LBReencrypted, results.Instance},
		{"pass-through", results.Passthrough, results.Instance},
		{"HSM key", results.HSMOffloaded, results.Instance},
		{"enclave key", results.EnclaveOffloaded, results.Instance},
	}
}

// full is what a full handshake has and a resumed one has not.
const full = "full, not resumed"

// Attribute says what the parts of a run's paths add, in the medians of every
// phase, and where blocks are long enough in p99.
func (r *Run) Attribute(opt Options) []*results.Attribution {
	opt = opt.withDefaults()
	var all []*results.Attribution
	for _, with := range r.Trials {
		for _, p := range parts() {
			if with.Kind == p.with {
				all = append(all, r.attribute(p.name, with, r.without(p.without, with, opt), opt)...)
			}
		}
		all = append(all, r.attribute(full, with, r.resumed(with), opt)...)
		for _, s := range stalls() {
			all = append(all, r.stall(s, with, opt)...)
		}
	}
	return all
}

// without is the trial of a kind beside which another stands: the baseline's if
// it is of that kind, else the first; nil if there is none.
func (r *Run) without(kind results.PathKind, with *results.Trial, opt Options) *results.Trial {
	var first *results.Trial
	for _, t := range r.Trials {
		if t.Kind != kind || t.Service != with.Service || !alike(t.Asked, with.Asked) || t.OfferedRate != with.OfferedRate {
			continue
		}
		if t.Path == r.baseline(t.Service, opt) {
			return t
		}
		if first == nil {
			first = t
		}
	}
	return first
}

// resumed is the trial of the same path whose handshakes were resumed; nil if
// there is none, or the trial's own were not full.
func (r *Run) resumed(t *results.Trial) *results.Trial {
	if t.Asked.Resumed == nil || *t.Asked.Resumed {
		return nil
	}
	yes := true
	asked := t.Asked
	asked.Resumed = &yes
	i := slices.IndexFunc(r.Trials, func(o *results.Trial) bool {
		return o.Service == t.Service && o.Path == t.Path && alike(o.Asked, asked)
	})
	if i < 0 {
		return nil
	}
	return r.Trials[i]
}

// attribute subtracts one trial from another, phase by phase. Of an invalid trial
// nothing is said.
func (r *Run) attribute(name string, with, without *results.Trial, opt Options) []*results.Attribution {
	if without == nil || !with.Valid || !without.Valid {
		return nil
	}
	var all []*results.Attribution
	for _, phase := range phaseNames() {
		for _, quantile := range []string{"p50", "p99"} {
			differences, base := r.differences(with, without, phase, quantile)
			if len(differences) < minBlocks {
				continue
			}
			a := attribution(differences, base, opt)
			a.Service, a.Part, a.With, a.Without, a.Asked = with.Service, name, with.Path, without.Path, with.Asked
			a.Phase, a.Quantile, a.Unlike = phase, quantile, unlike(with, without)
			all = append(all, a)
		}
	}
	return all
}

// attribution makes the mean of differences and its interval.
func attribution(differences []float64, base float64, opt Options) *results.Attribution {
	n := float64(len(differences))
	mean, deviation := moments(differences)
	half := quantileT((1+opt.Confidence)/2, n-1) * deviation / math.Sqrt(n)
	return &results.Attribution{
		AddsUS: mean, LowUS: mean - half, HighUS: mean + half, WithoutUS: base,
		Confidence: opt.Confidence, Blocks: len(differences),
	}
}

// stalls are what a path's load adds to the connections of others: in the mean, as
// it meets some of them and spares the rest.
func stalls() []stall {
	return []stall{
		{"load, on bystanders", "bystander", func(b *results.Bystanders) (quiet, loaded *results.Dist) { return b.Quiet, b.Loaded }},
		{"load, on established connections", "request", func(b *results.Bystanders) (quiet, loaded *results.Dist) {
			return b.EstablishedQuiet, b.EstablishedLoaded
		}},
	}
}

type stall struct {
	name, phase string
	of          func(*results.Bystanders) (quiet, loaded *results.Dist)
}

func (r *Run) stall(s stall, t *results.Trial, opt Options) []*results.Attribution {
	var differences []float64
	base := 0.0
	for _, index := range slices.Sorted(maps.Keys(r.blocks[t.Trial])) {
		b := r.blocks[t.Trial][index].Bystanders
		if b == nil {
			continue
		}
		if quiet, loaded := s.of(b); quiet != nil && loaded != nil {
			differences = append(differences, loaded.MeanUS-quiet.MeanUS)
			base += quiet.MeanUS
		}
	}
	if len(differences) < minBlocks || !t.Valid {
		return nil
	}
	a := attribution(differences, base/float64(len(differences)), opt)
	a.Service, a.Part, a.With, a.Without, a.Asked, a.Phase, a.Quantile = t.Service, s.name, t.Path, t.Path, t.Asked, s.phase, "mean"
	return []*results.Attribution{a}
}

// differences gives one for each round that both trials have, and the mean of
// what is subtracted; none if a block has too few handshakes for the quantile.
func (r *Run) differences(with, without *results.Trial, phase, quantile string) (differences []float64, base float64) {
	for _, index := range slices.Sorted(maps.Keys(r.blocks[with.Trial])) {
		other := r.blocks[without.Trial][index]
		if other == nil {
			continue
		}
		x, _ := phaseOf(r.blocks[with.Trial][index].Phases, phase)
		y, _ := phaseOf(other.Phases, phase)
		if x == nil || y == nil {
			continue
		}
		if quantile == "p99" && min(x.N, y.N) < minTail {
			return nil, 0
		}
		differences = append(differences, quantileOf(x, quantile)-quantileOf(y, quantile))
		base += quantileOf(y, quantile)
	}
	return differences, base / float64(max(len(differences), 1))
}

// unlike says in what most handshakes of two trials differed beside the part. A
// resumed handshake has no signature to differ in.
func unlike(with, without *results.Trial) string {
	a, b := most(with.Negotiated), most(without.Negotiated)
	if a == nil || b == nil {
		return ""
	}
	var words []string
	for _, d := range []struct{ name, a, b string }{
		{"signature", a.SignatureScheme, b.SignatureScheme}, {"group", a.Group, b.Group}, {"suite", a.Suite, b.Suite},
	} {
		if d.a != d.b && d.a != "" && d.b != "" {
			words = append(words, fmt.Sprintf("%s %s, not %s", d.name, d.a, d.b))
		}
	}
	return strings.Join(words, "; ")
}

// most is the shape that most handshakes had.
func most(counts []results.ShapeCount) *results.Shape {
	if len(counts) == 0 {
		return nil
	}
	m := slices.MaxFunc(counts, func(a, b results.ShapeCount) int { return cmp.Compare(a.Count, b.Count) })
	return &m.Shape
}
