// Objectives: limits on what is measured, as a user writes them, and whether a
// trial or a comparison keeps them.
//
// A handshake that was due and came to nothing is slower than any limit, so the
// quantiles are those of all that was due: a server that drops its slow handshakes
// does not look fast by it.
//
// A quantile that enough samples tell is taken as observed. Fewer decide only if
// the number of those beyond the limit would be a rare chance (one in twenty, by
// the binomial distribution) on the other side of it; else the verdict is unknown.

package stats

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"shakedown/results"
)

// Objective is one limit. Its zero value is none: use ParseObjective.
type Objective struct {
	text      string
	phase     string // of a handshake; or errors, ratio
	quantile  string
	limit     float64 // µs, share or ratio
	inclusive bool    // the limit itself is met
}

// String is the objective as it was given, without spaces.
func (o Objective) String() string { return o.text }

const (
	errorsOf = "errors"
	ratioOf  = "ratio"
	// maxObjective bounds an objective's text.
	maxObjective = 100
)

// examples end an error's sentence.
const examples = `as in "handshake.p99<50ms", "errors<0.1%" or "ratio<1.10"`

// ParseObjective reads PHASE.QUANTILE<DURATION, errors<PERCENT% or
// ratio<FACTOR, with < or <=.
func ParseObjective(text string) (Objective, error) {
	if len(text) > maxObjective {
		return Objective{}, fmt.Errorf("objective of %d bytes: want a limit, %s", len(text), examples)
	}
	left, right, ok := strings.Cut(text, "<")
	if !ok {
		return Objective{}, fmt.Errorf("objective %q has no <: want a limit, %s", text, examples)
	}
	o, sign := Objective{}, "<"
	if right, o.inclusive = strings.CutPrefix(right, "="); o.inclusive {
		sign = "<="
	}
	left, right = strings.TrimSpace(left), strings.TrimSpace(right)
	o.text = left + sign + right
	err := o.subject(left)
	if err == nil {
		err = o.bound(right)
	}
	if err != nil {
		return Objective{}, fmt.Errorf("objective %q: %w", text, err)
	}
	return o, nil
}

// subject reads what is limited.
func (o *Objective) subject(s string) error {
	phase, quantile, dotted := strings.Cut(s, ".")
	o.phase, o.quantile = phase, quantile
	switch {
	case phase == errorsOf && !dotted:
		return nil
	case phase == ratioOf && !dotted:
		o.quantile = "p50"
		return nil
	case phase == ratioOf && (quantile == "p50" || quantile == "p99"):
		return nil
	case phase == ratioOf:
		return fmt.Errorf("unknown quantile %q of a ratio: want p50 or p99", quantile)
	case !slices.Contains(phaseNames(), phase):
		return fmt.Errorf("unknown subject %q: want a phase (%s), errors or ratio", phase, strings.Join(phaseNames(), ", "))
	case !dotted:
		return fmt.Errorf("%s needs a quantile, as %s.p99: one of %s", phase, phase, strings.Join(quantileNames(), ", "))
	case !slices.Contains(quantileNames(), quantile):
		return fmt.Errorf("unknown quantile %q: want one of %s", quantile, strings.Join(quantileNames(), ", "))
	}
	return nil
}

// bound reads the limit.
func (o *Objective) bound(s string) (err error) {
	switch o.phase {
	case errorsOf:
		number, ok := strings.CutSuffix(s, "%")
		o.limit, err = strconv.ParseFloat(strings.TrimSpace(number), 64)
		o.limit /= 100
		switch {
		case err != nil || !ok || !(o.limit >= 0 && o.limit < 1):
			return fmt.Errorf("limit %q: want a percentage from 0 to 100, as errors<0.1%%", s)
		case o.limit == 0 && !o.inclusive:
			return fmt.Errorf("limit %q: nothing is below 0: for no error at all write errors<=0%%", s)
		}
	case ratioOf:
		o.limit, err = strconv.ParseFloat(s, 64)
		if err != nil || !(o.limit > 0 && o.limit <= 1e6) {
			return fmt.Errorf("limit %q: want a factor, as ratio<1.10", s)
		}
	default:
		o.limit, err = microseconds(s)
	}
	return err
}

// microseconds reads a duration with one unit.
func microseconds(s string) (float64, error) {
	for _, unit := range []struct {
		name string
		us   float64
	}{{"us", 1}, {"µs", 1}, {"μs", 1}, {"ms", 1e3}, {"s", 1e6}} {
		number, ok := strings.CutSuffix(s, unit.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		switch v *= unit.us; {
		case err != nil:
			continue // 5ms ends in s too
		case !(v > 0):
			return 0, fmt.Errorf("limit %q: must be more than nothing", s)
		case v >= float64(longest)/1e3:
			return 0, fmt.Errorf("limit %q: what lasts longer than %v is not told apart: use a lower limit", s, time.Duration(longest))
		}
		return v, nil
	}
	return 0, fmt.Errorf("limit %q: want a number with its unit us, ms or s, as 50ms", s)
}

func quantileNames() []string { return []string{"p50", "p90", "p99", "p999", "mean", "max"} }

func phaseNames() []string {
	return []string{"connect", "server_hello", "handshake", "first_byte", "total"}
}

// phaseOf finds a phase by its name in records; false if there is no such phase.
func phaseOf(p results.Phases, name string) (*results.Dist, bool) {
	switch name {
	case "connect":
		return p.Connect, true
	case "server_hello":
		return p.ServerHello, true
	case "handshake":
		return p.Handshake, true
	case "first_byte":
		return p.FirstByte, true
	case "total":
		return p.Total, true
	}
	return nil, false
}

// rest is the share of samples that may lie beyond a quantile; false for mean and
// max.
func rest(quantile string) (float64, bool) {
	switch quantile {
	case "p50":
		return 0.5, true
	case "p90":
		return 0.1, true
	case "p99":
		return 0.01, true
	case "p999":
		return 0.001, true
	}
	return 0, false
}

// OfRatio reports whether it limits comparisons, not trials.
func (o Objective) OfRatio() bool { return o.phase == ratioOf }

// OfErrors reports whether it limits what may fail.
func (o Objective) OfErrors() bool { return o.phase == errorsOf }

// OfFirstByte reports whether it needs a request to be made.
func (o Objective) OfFirstByte() bool { return o.phase == "first_byte" }

// Wants is how many handshakes decide the objective as a rule.
func (o Objective) Wants() int {
	share, ok := rest(o.quantile)
	if o.phase == errorsOf {
		share, ok = o.limit, o.limit > 0
	}
	if !ok {
		return fewest
	}
	return max(int(math.Ceil(beyond/share)), fewest)
}

const (
	// fewest samples on which anything is said.
	fewest = 20
	// beyond is how many samples a quantile wants beyond it: a p99 a thousand.
	beyond = 10
	// rare is the chance below which too few samples decide all the same.
	rare = 0.05
)

// Judge gives the verdict on every objective, for every trial or comparison that
// it is about.
func Judge(objectives []Objective, trials []*results.Trial, comparisons []*results.Comparison) []*results.Objective {
	var all []*results.Objective
	for _, o := range objectives {
		if o.OfRatio() {
			all = append(all, o.compared(trials, comparisons)...)
			continue
		}
		for _, t := range trials {
			all = append(all, o.Trial(t))
		}
	}
	return all
}

// Trial judges one trial. One that is invalid keeps no limit; it can miss one,
// where it is invalid for handshakes that the server lost, and for nothing else.
func (o Objective) Trial(t *results.Trial) *results.Objective {
	r := &results.Objective{
		Service: t.Service, Path: t.Path, Kind: t.Kind, Address: t.Address, Trial: t.Trial,
		Objective: o.text, Unit: "us", Limit: o.limit, Verdict: results.ObjectiveUnknown,
	}
	lost := Lost(t)
	if o.phase == errorsOf {
		o.errors(r, lost, t.Due)
	} else {
		d, _ := phaseOf(t.Phases, o.phase)
		o.latency(r, d, lost)
	}
	switch {
	case t.Valid:
	case r.Verdict == results.ObjectiveMissed && lostAlone(t):
	default:
		r.Verdict, r.Why = results.ObjectiveUnknown, "the measurement is invalid"
	}
	return r
}

// Lost counts the handshakes that the path lost: those that failed, on this
// machine excepted, and those given up.
func Lost(t *results.Trial) int {
	n := t.Abandoned
	for _, f := range t.Failures {
		if f.Kind != results.KindInternal {
			n += f.Count
		}
	}
	return n
}

// lostAlone reports whether what is wrong with an invalid trial is what the server
// lost.
func lostAlone(t *results.Trial) bool {
	return !t.Generator.Saturated && t.Due >= fewest && float64(t.OtherShape) <= 0.01*float64(t.Due)
}

func (o Objective) errors(r *results.Objective, lost, due int) {
	r.Unit, r.N = "share", due
	if due == 0 {
		r.Why = "nothing was measured"
		return
	}
	r.Observed = number(float64(lost) / float64(due))
	o.decide(r, lost, due, o.limit)
}

// latency judges a distribution, and beside it what was lost.
func (o Objective) latency(r *results.Objective, d *results.Dist, lost int) {
	if d == nil || d.N <= 0 {
		r.Why = "nothing was measured of " + o.phase
		if o.OfFirstByte() {
			r.Why += "; --request makes a request"
		}
		return
	}
	n := int(d.N) + lost
	r.N = n
	h, err := Decode(d)
	if err != nil {
		r.Why = "the trial's histogram cannot be read: " + err.Error()
		return
	}
	if share, ok := rest(o.quantile); ok {
		r.Observed = o.observed(d, h, lost, share)
		above := int(h.Above(time.Duration(o.limit * float64(time.Microsecond))))
		o.decide(r, min(above, int(d.N))+lost, n, share)
		return
	}
	o.extreme(r, d, lost)
}

// observed is the quantile of all that was due; nil if it lies among the lost.
func (o Objective) observed(d *results.Dist, h *Histogram, lost int, share float64) *float64 {
	if lost == 0 {
		return number(quantileOf(d, o.quantile)) // as the record has it
	}
	part := (1 - share) * float64(int(d.N)+lost) / float64(d.N)
	if part > 1 {
		return nil
	}
	return number(float64(h.Quantile(part)) / 1e3)
}

// extreme judges mean and max, which have no quantile's bound on their chance. What
// was lost is slower than any maximum; a mean with it nobody knows, but that it is
// above the others'.
func (o Objective) extreme(r *results.Objective, d *results.Dist, lost int) {
	r.Observed = number(quantileOf(d, o.quantile))
	switch {
	case o.quantile == "max" && lost > 0:
		r.Verdict, r.Why = results.ObjectiveMissed, fmt.Sprintf("%d of %d handshakes were lost", lost, r.N)
	case r.N < fewest:
		r.Why = tooFew(r.N, fewest)
	case lost > 0 && o.verdict(*r.Observed) == results.ObjectiveMet:
		r.Why = fmt.Sprintf("%d of %d handshakes were lost, and have no time: a quantile, as p99, counts them", lost, r.N)
	default:
		r.Verdict = o.verdict(*r.Observed)
	}
}

func quantileOf(d *results.Dist, name string) float64 {
	switch name {
	case "p50":
		return d.P50US
	case "p90":
		return d.P90US
	case "p99":
		return d.P99US
	case "p999":
		return d.P999US
	case "mean":
		return d.MeanUS
	}
	return d.MaxUS
}

// decide gives the verdict where k of n lie beyond a limit that a share may
// exceed.
func (o Objective) decide(r *results.Objective, k, n int, share float64) {
	switch {
	case r.Observed == nil:
		r.Verdict, r.Why = results.ObjectiveMissed, fmt.Sprintf("%d of %d handshakes were lost or too slow", k, n)
		if n < fewest {
			r.Verdict, r.Why = results.ObjectiveUnknown, tooFew(n, o.Wants())
		}
	case n >= o.Wants():
		r.Verdict = o.verdict(*r.Observed)
	case n < fewest:
		r.Why = tooFew(n, o.Wants())
	case atMost(k, n, share) < rare:
		r.Verdict = results.ObjectiveMet
	case 1-atMost(k-1, n, share) < rare:
		r.Verdict = results.ObjectiveMissed
	default:
		r.Why = tooFew(n, o.Wants())
	}
}

func tooFew(n, wants int) string {
	return fmt.Sprintf("%d handshakes do not decide it, %d would", n, wants)
}

func (o Objective) verdict(observed float64) results.ObjectiveVerdict {
	if observed < o.limit || o.inclusive && observed == o.limit {
		return results.ObjectiveMet
	}
	return results.ObjectiveMissed
}

// atMost is the chance that of n samples, each of which is beyond with the chance
// p, at most k are.
func atMost(k, n int, p float64) float64 {
	if k < 0 {
		return 0
	}
	if k >= n {
		return 1
	}
	return incompleteBeta(float64(n-k), float64(k+1), 1-p)
}

// compared judges the comparisons of the objective's quantile. A ratio is beyond
// a limit, or below, only with its whole interval.
func (o Objective) compared(trials []*results.Trial, comparisons []*results.Comparison) []*results.Objective {
	var all []*results.Objective
	for _, c := range comparisons {
		if c.Quantile == "p50" { // there is one for every pair
			all = append(all, o.ratio(c, find(comparisons, c, o.quantile), trials))
		}
	}
	return all
}

// find is the comparison of the same pair in a quantile.
func find(all []*results.Comparison, like *results.Comparison, quantile string) *results.Comparison {
	for _, c := range all {
		if c.Quantile == quantile && c.Phase == like.Phase && c.Service == like.Service && c.Baseline == like.Baseline &&
			c.Candidate == like.Candidate && alike(c.Shape, like.Shape) {
			return c
		}
	}
	return nil
}

func (o Objective) ratio(pair, c *results.Comparison, trials []*results.Trial) *results.Objective {
	r := &results.Objective{
		Service: pair.Service, Path: pair.Candidate, Baseline: pair.Baseline,
		Objective: o.text, Unit: "ratio", Limit: o.limit, Verdict: results.ObjectiveUnknown,
	}
	for _, t := range trials {
		if t.Service == pair.Service && t.Path == pair.Candidate && alike(t.Asked, pair.Shape) {
			r.Kind, r.Address, r.Trial = t.Kind, t.Address, t.Trial
		}
	}
	switch {
	case c == nil:
		r.Why = fmt.Sprintf("a p99 is compared only where every block has %d handshakes: use a higher rate, or fewer, longer blocks", minTail)
		return r
	case c.Verdict == Invalid:
		r.Why = "one of the measurements is invalid"
		return r
	}
	r.Observed, r.N = number(c.Ratio), c.Blocks
	interval := fmt.Sprintf("the interval is %.3f to %.3f", c.RatioLow, c.RatioHigh)
	switch {
	case c.Blocks < minBlocks:
		r.Why = fmt.Sprintf("%d rounds: from %d on a difference is stated", c.Blocks, minBlocks)
	case o.verdict(c.RatioHigh) == results.ObjectiveMet:
		r.Verdict, r.Why = results.ObjectiveMet, interval
	case o.verdict(c.RatioLow) == results.ObjectiveMissed:
		r.Verdict, r.Why = results.ObjectiveMissed, interval
	default:
		r.Why = interval + ", on both sides of the limit: use more blocks or a longer duration"
	}
	return r
}

func number(v float64) *float64 { return &v }
