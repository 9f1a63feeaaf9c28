// Ramp: an open loop whose rate grows, or falls, evenly from one rate to another.
// As with a steady rate, when a connection is due follows from the plan alone and
// is never corrected by what became of those before.

package bench

import (
	"math"
	"math/rand/v2"
	"time"

	"shakedown/bench/client"
	"shakedown/bench/stats"
	"shakedown/results"
)

// Ramp is the rates at the beginning and at the end of every block. Its zero
// value is none: the rate is steady.
type Ramp struct{ From, To float64 }

func (r Ramp) on() bool { return r != Ramp{} }

// mean is the rate over the whole ramp.
func (r Ramp) mean() float64 { return (r.From + r.To) / 2 }

// due is how many connections are due by an instant of a ramp that lasts d.
func (r Ramp) due(at, d time.Duration) float64 {
	t := at.Seconds()
	return r.From*t + (r.To-r.From)*t*t/(2*d.Seconds())
}

// when is the instant by which n connections are due: due's inverse, in the form
// that loses no digits when the ramp is nearly level.
func (r Ramp) when(n float64, d time.Duration) time.Duration {
	if n <= 0 {
		return 0
	}
	root := math.Sqrt(max(0, r.From*r.From+2*n*(r.To-r.From)/d.Seconds()))
	return time.Duration(2 * n / (r.From + root) * float64(time.Second))
}

// arrivals are those of a plan's block. Its warm-up has the rate of the
// beginning.
func (r Ramp) arrivals(rng *rand.Rand, p Plan) (due []time.Duration) {
	n, gap := rng.Float64(), func() float64 { return 1 }
	if p.Poisson {
		n, gap = rng.ExpFloat64(), rng.ExpFloat64
	}
	switch {
	case r.From == 0:
	case p.Poisson:
		due = poisson(rng, r.From, -p.WarmUp, 0)
	default:
		due = fixed(rng, r.From, p.WarmUp, 0)
	}
	for all := r.due(p.block(), p.block()); n < all; n += gap() {
		due = append(due, r.when(n, p.block()))
	}
	return due
}

// rampIntervals is how many points the curve of a block has.
const rampIntervals = 20

// curve is what became of a ramp, interval by interval of a block: a handshake
// belongs to the one in which it was due.
func (t *trial) curve(samples []client.Sample, begin, end time.Duration) []results.RampInterval {
	if !t.plan.Ramp.on() {
		return nil
	}
	var took, total [rampIntervals]stats.Histogram
	list := make([]results.RampInterval, rampIntervals)
	length := (end - begin) / rampIntervals
	place := func(at time.Duration) int { return min(int((at-begin)/length), rampIntervals-1) }
	for i := range samples {
		s := &samples[i]
		if s.Failure == nil && s.Done >= begin && s.Done < end {
			list[place(s.Done)].Completed++
		}
		if s.Due < begin {
			continue
		}
		at := place(s.Due)
		list[at].Due++
		if t.fits(s) {
			list[at].Handshakes++
			took[at].Record(s.Done - s.Hello)
			total[at].Record(max(s.Done, s.FirstByte) - s.Due)
		}
	}
	for i := range list {
		from := time.Duration(i) * length
		list[i].AtS, list[i].DurationS = from.Seconds(), length.Seconds()
		list[i].OfferedRate = (t.plan.Ramp.due(from+length, end-begin) - t.plan.Ramp.due(from, end-begin)) / length.Seconds()
		list[i].P50US, list[i].P99US = micros(took[i].Quantile(0.5)), micros(took[i].Quantile(0.99))
		list[i].TotalP99US = micros(total[i].Quantile(0.99))
	}
	return list
}

func micros(d time.Duration) float64 { return float64(d) / 1e3 }
