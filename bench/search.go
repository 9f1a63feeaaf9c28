// Search: which rate to try next. From the verdicts on rates so far follows the
// next rate; that is all, so a search can be tested without a server.
//
// It doubles the rate until one does not hold, halves the gap (by ratio) until it
// is small, and tries both of its ends again: one good second does not make a
// capacity, nor one bad second a limit. Where two tries of a rate differ, a third
// decides; and if the end that was held falls, the search goes on below it.

package bench

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"shakedown/results"
)

const (
	growth    = 2.0  // from one rate to the next while all hold
	retreat   = 4.0  // to the next lower rate while none holds
	precision = 1.05 // the gap at which the search is done, as a ratio
	agreed    = 2    // tries that each end of the gap needs
	maxTries  = 40
)

// search is the state of one search; its rates are between floor and ceiling.
type search struct {
	start, floor, ceiling float64
	tried                 int
	rates                 []*votes // in order
}

// votes are the verdicts on one rate.
type votes struct {
	rate                           float64
	held, missed, limited, unknown int
}

func (v *votes) failed() int { return v.missed + v.limited + v.unknown }
func (v *votes) holds() bool { return v.held > v.failed() }
func (v *votes) fails() bool { return v.failed() > v.held }
func (v *votes) tries() int  { return v.held + v.failed() }

// doubtful rates are tried again at once: where tries differ, and where the
// generator was the limit once, as it may have been for a neighbour's sake.
func (v *votes) doubtful() bool {
	return v.failed() == v.held || v.limited == 1 && v.tries() == 1
}

// kind is what the rate failed by: the server only if most say so.
func (v *votes) kind() results.StepVerdict {
	switch {
	case v.missed > v.limited+v.unknown:
		return results.StepMissed
	case v.limited >= v.unknown && v.limited > 0:
		return results.StepGenerator
	}
	return results.StepUnknown
}

// learn takes the verdict on a rate.
func (s *search) learn(rate float64, verdict results.StepVerdict) {
	s.tried++
	i, known := slices.BinarySearchFunc(s.rates, rate, func(v *votes, rate float64) int { return cmp.Compare(v.rate, rate) })
	if !known {
		s.rates = slices.Insert(s.rates, i, &votes{rate: rate})
	}
	switch v := s.rates[i]; verdict {
	case results.StepHeld:
		v.held++
	case results.StepMissed:
		v.missed++
	case results.StepGenerator:
		v.limited++
	default:
		v.unknown++
	}
}

// ends are the highest rate that holds and the lowest that does not; nil where
// there is none. A rate of which nothing is known limits only from above one that
// holds: slow rates give too few samples to say much.
func (s *search) ends() (low, high *votes) {
	for _, v := range s.rates {
		switch {
		case v.holds():
			low = v
		case v.fails() && (v.kind() != results.StepUnknown || low != nil):
			return low, v
		}
	}
	return low, nil
}

// next is the rate to try, false if the search is over.
func (s *search) next() (float64, bool) {
	if s.tried == 0 {
		return s.start, true
	}
	if s.tried >= maxTries {
		return 0, false
	}
	if i := slices.IndexFunc(s.rates, (*votes).doubtful); i >= 0 {
		return s.rates[i].rate, true
	}
	low, high := s.ends()
	switch {
	case high == nil:
		return s.up()
	case low == nil:
		return s.down()
	case high.rate/low.rate > precision:
		return between(low.rate, high.rate)
	case low.tries() < agreed:
		return low.rate, true
	case high.tries() < agreed:
		return high.rate, true
	}
	return 0, false
}

// up is the next rate while none has failed.
func (s *search) up() (float64, bool) {
	top := s.rates[len(s.rates)-1]
	if top.rate < s.ceiling {
		return min(rounded(growth*top.rate), s.ceiling), true
	}
	return top.rate, top.tries() < agreed
}

// down is the next rate while none has held. It ends where nothing can be told
// any more, or at the floor.
func (s *search) down() (float64, bool) {
	bottom := s.rates[0]
	switch {
	case bottom.kind() == results.StepUnknown:
		return 0, false
	case bottom.rate > s.floor:
		return max(rounded(bottom.rate/retreat), s.floor), true
	}
	return bottom.rate, bottom.tries() < agreed
}

// between halves a gap by ratio; false if no round rate lies in it.
func between(low, high float64) (float64, bool) {
	mid := rounded(math.Sqrt(low * high))
	return mid, low < mid && mid < high
}

// rounded has three significant digits: a rate for people.
func rounded(rate float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(rate))-2)
	if unit < 1 { // so that 2.4 is not 2.4000000000000004
		return math.Round(rate/unit) / math.Round(1/unit)
	}
	return math.Round(rate/unit) * unit
}

// answer fills in what the search found.
func (s *search) answer(c *results.Capacity) {
	low, high := s.ends()
	if low != nil {
		c.LowRate = low.rate
	}
	c.LimitedBy = results.LimitedByUnknown
	switch {
	case high == nil && low == nil:
		c.InvalidWhy = append(c.InvalidWhy, "no rate could be judged")
	case high == nil && low.rate >= s.ceiling:
		c.InvalidWhy = append(c.InvalidWhy, fmt.Sprintf("every rate held, up to the highest that is tried, %v/s", s.ceiling))
	case high == nil:
		c.InvalidWhy = append(c.InvalidWhy, "no rate was found that does not hold")
	case high.kind() == results.StepGenerator:
		c.LimitedBy = results.LimitedByGenerator
		c.InvalidWhy = append(c.InvalidWhy, fmt.Sprintf("at %v/s the generator was the limit, not the server: %s", high.rate, whyOf(c, high)))
	case high.kind() == results.StepUnknown:
		c.InvalidWhy = append(c.InvalidWhy, fmt.Sprintf("at %v/s nothing could be told: %s", high.rate, whyOf(c, high)))
	default:
		c.LimitedBy, c.HighRate = results.LimitedByServer, &high.rate
		if low == nil && s.rates[0].fails() && s.rates[0].kind() != results.StepMissed {
			c.InvalidWhy = append(c.InvalidWhy, fmt.Sprintf("no rate held, and at %v/s nothing could be told: %s", s.rates[0].rate, whyOf(c, s.rates[0])))
		}
	}
	if _, more := s.next(); more || s.tried >= maxTries {
		c.InvalidWhy = append(c.InvalidWhy, fmt.Sprintf("the search did not come to its end in %d steps", s.tried))
	}
}

// whyOf is what the last step of a rate says of what that failed by.
func whyOf(c *results.Capacity, v *votes) string {
	for _, s := range slices.Backward(c.Steps) {
		if s.Rate == v.rate && s.Verdict == v.kind() && s.Why != "" {
			return s.Why
		}
	}
	return "no reason given"
}
