// How many units a rate takes, from an interval of what one holds.

package capacity

import "math"

// Span is an interval of rates, in handshakes a second: what is held for sure,
// and what is not held any more. Zero and infinity say that an end is not known.
type Span struct{ Low, High float64 }

// Units is how many units a rate takes: at least low, and high are enough (0:
// not known).
func (s Span) Units(rate float64) (low, high int) {
	if s.Low > 0 {
		high = countOf(rate / s.Low)
	}
	return countOf(rate / s.High), high
}

// countOf rounds up; a small rest is measurement, not another unit's work.
func countOf(share float64) int {
	const most, rest = 1e9, 1e-9
	return max(1, int(math.Ceil(min(share, most)-rest)))
}

// times is the span of a part of each unit's capacity.
func (s Span) times(share float64) Span { return Span{s.Low * share, s.High * share} }

// nothing is a span of which nothing is known.
func nothing() Span { return Span{0, math.Inf(1)} }

// bounded reports whether both ends are known.
func (s Span) bounded() bool { return s.Low > 0 && !math.IsInf(s.High, 1) }

// hull holds both.
func (s Span) hull(o Span) Span { return Span{min(s.Low, o.Low), max(s.High, o.High)} }

// below reports whether all of s is below all of o.
func (s Span) below(o Span) bool { return s.High <= o.Low }
