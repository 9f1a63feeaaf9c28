// Summary: medians of runs, and what is held against the bars.

package main

import (
	"cmp"
	"slices"
	"time"

	"shakedown/bench/lab/stacks"
)

// run is one tool's run.
type run struct {
	hosts       int
	wall        time.Duration
	clientCPU   time.Duration // with all that it started, by wait4(2)
	serverCPU   time.Duration // of all of the server's processes
	connections int           // that the server's side took
	others      time.Duration // CPU of all else that the machine did meanwhile
	peak        int64         // bytes resident, of the largest process
	found       findings
	trouble     string // what went wrong, if something did
}

// row is what one tool took for the same endpoints, in several runs.
type row struct {
	endpoints string
	farm      bool
	roundTrip time.Duration
	tool      string
	runs      []run
	asked     int // endpoints of a run; of a farm maybe fewer than it has
	of        int // endpoints that there are
}

// figures are medians over the runs, for one endpoint unless said.
type figures struct {
	wall        time.Duration // for all endpoints that there are
	connections float64
	clientCPU   time.Duration
	serverCPU   time.Duration
	perPair     time.Duration // of the server's, for a pair that was found
	busy        float64       // share of the wall that the server was on a CPU
	others      float64       // CPUs that all else on the machine took
	peak        int64
	pairs       float64
	answered    int // the fewest in any run
}

func (r row) figures() figures {
	each := func(f func(run) float64) float64 {
		var all []float64
		for _, one := range r.runs {
			all = append(all, f(one))
		}
		return median(all)
	}
	perHost := func(f func(run) time.Duration) time.Duration {
		return time.Duration(each(func(one run) float64 { return ratio(float64(f(one)), float64(one.hosts)) }))
	}
	f := figures{
		wall:        time.Duration(each(func(one run) float64 { return float64(one.wall) * ratio(float64(r.of), float64(one.hosts)) })),
		connections: each(func(one run) float64 { return ratio(float64(one.connections), float64(one.hosts)) }),
		clientCPU:   perHost(func(one run) time.Duration { return one.clientCPU }),
		serverCPU:   perHost(func(one run) time.Duration { return one.serverCPU }),
		perPair:     time.Duration(each(func(one run) float64 { return ratio(float64(one.serverCPU), float64(one.pairs())) })),
		busy:        each(func(one run) float64 { return ratio(float64(one.serverCPU), float64(one.wall)) }),
		others:      each(func(one run) float64 { return ratio(float64(one.others), float64(one.wall)) }),
		peak:        int64(each(func(one run) float64 { return float64(one.peak) })),
		pairs:       each(func(one run) float64 { return ratio(float64(one.pairs()), float64(len(one.found))) }),
	}
	if len(r.runs) > 0 {
		f.answered = len(slices.MinFunc(r.runs, func(a, b run) int { return cmp.Compare(len(a.found), len(b.found)) }).found)
	}
	return f
}

// pairs counts those of all endpoints.
func (r run) pairs() int {
	n := 0
	for _, ps := range r.found {
		n += len(ps)
	}
	return n
}

// union are the pairs that were found of any endpoint in any run; lacking, those
// of them that some endpoint in some run lacks.
func (r row) union() stacks.Pairs {
	all := stacks.Pairs{}
	for _, one := range r.runs {
		for _, ps := range one.found {
			all.Join(ps)
		}
	}
	return all
}

func (r row) lacking(all stacks.Pairs) []stacks.Pair {
	lacks := stacks.Pairs{}
	for _, one := range r.runs {
		for _, ps := range one.found {
			for _, p := range all.Without(ps) {
				lacks[p] = true
			}
		}
	}
	return lacks.Without(nil)
}

// median of an even number is the mean of the two in the middle, of none zero.
func median(of []float64) float64 {
	s := slices.Sorted(slices.Values(of))
	switch n := len(s); {
	case n == 0:
		return 0
	case n%2 == 1:
		return s[n/2]
	default:
		return (s[n/2-1] + s[n/2]) / 2
	}
}

// ratio is zero where there is nothing to divide by.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
