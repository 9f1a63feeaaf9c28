// Schedules: how a server keeps its clients waiting, so that what a client must
// measure can be computed beforehand.

package calibrate

import (
	"math"
	"slices"
	"time"
)

// Schedule says when a server answers a ClientHello. Its zero value is at once.
type Schedule struct {
	// Delays are waited in turn: the nth connection waits for the nth of them.
	Delays []time.Duration `json:"delays,omitempty"`
	// In the first Stall of each Period the server answers nobody.
	Period time.Duration `json:"period,omitempty"`
	Stall  time.Duration `json:"stall,omitempty"`
}

// due is when the nth connection is answered whose ClientHello came at an
// instant.
func (s Schedule) due(n int, at time.Duration) time.Duration {
	if len(s.Delays) > 0 {
		at += s.Delays[n%len(s.Delays)]
	}
	if s.Period > 0 && at%s.Period < s.Stall {
		at += s.Stall - at%s.Period
	}
	return at
}

// quantile is what a client must measure: of the delays, as many are as long as
// the rank says; of a stall, who comes at an even pace waits for what is left of
// it, so that the longest p of all waits reach from the stall down.
func (s Schedule) quantile(p float64) time.Duration {
	if s.Period > 0 {
		return max(0, s.Stall-time.Duration((1-p)*float64(s.Period)))
	}
	if len(s.Delays) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.Delays))
	return sorted[max(int(math.Ceil(p*float64(len(sorted))-1e-9))-1, 0)]
}

// whole is the time, near the one that is wished for, in which clients at a rate
// see the schedule a whole number of times.
func (s Schedule) whole(rate float64, wish time.Duration) time.Duration {
	cycle := s.Period
	if n := len(s.Delays); n > 0 {
		cycle = time.Duration(float64(n) / rate * float64(time.Second))
	}
	if cycle == 0 {
		return wish
	}
	return cycle * max(1, (wish+cycle/2)/cycle)
}

// sequence is delays of 20 to 100 ms whose p50, p90 and p99 do not stand where one
// delay ends and another begins, so that a single handshake more or less does not
// move them. Each is dealt out evenly over the sequence.
func sequence() Schedule {
	const length = 200
	var s Schedule
	counts := []struct {
		d time.Duration
		n int
	}{{100 * time.Millisecond, 4}, {60 * time.Millisecond, 20}, {40 * time.Millisecond, 66}, {20 * time.Millisecond, 110}}
	s.Delays = make([]time.Duration, length)
	for i := range s.Delays {
		at := i * 67 % length // 67 and 200 have no common divisor: every place comes once
		for _, c := range counts {
			if i -= c.n; i < 0 {
				s.Delays[at] = c.d
				break
			}
		}
	}
	return s
}

// freeze is a server that stops altogether for most of every second: a generator
// that waits with the server sees one long handshake, one that keeps its schedule
// sees everybody who came meanwhile.
func freeze() Schedule { return Schedule{Period: time.Second, Stall: 800 * time.Millisecond} }
