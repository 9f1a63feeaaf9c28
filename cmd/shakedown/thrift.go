// Thrift: how a scan uses this machine. It mostly waits: spread over all
// processors, Go spends a third of its time on waking and parking threads. And it
// makes much garbage and keeps little: a heap of some 30 MB may grow before it is
// worth collecting, within a bound, for many endpoints take no more than few.

package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// reckoning is how often it is looked at what was used. Each look also wakes the
// runtime's monitor thread, which then polls for a while.
const reckoning = 100 * time.Millisecond

// thrifty runs what follows on one processor, after a beginning on two, and on more
// while these are busy, and collects garbage seldom. Call restore when it is over.
func thrifty(ctx context.Context) (restore func()) {
	collect := debug.SetGCPercent(400)
	bounded := withinBounds(ctx)
	spread := onFewProcessors(ctx)
	return func() {
		spread()
		bounded()
		debug.SetGCPercent(collect)
	}
}

// sparing collects garbage often: for what takes much memory for a moment. Call
// restore when it is over.
func sparing() (restore func()) {
	collect := debug.SetGCPercent(50)
	return func() { debug.SetGCPercent(collect) }
}

// leastRoom is what a heap may grow to before garbage is collected more often
// than it would be.
const leastRoom = 64 << 20

// withinBounds bounds the memory of what follows. A heap that is kept gets twice its
// room, as by default: never is all time spent on looking for garbage.
func withinBounds(ctx context.Context) (restore func()) {
	before, given := debug.SetMemoryLimit(-1), int64(-1)
	give := func() {
		if next := min(before, room(keptHeap())); next != given {
			given = next
			debug.SetMemoryLimit(given) // it stops all else for a moment
		}
	}
	give()
	return whileTicking(ctx, give, func() { debug.SetMemoryLimit(before) })
}

// room is how much memory may be taken where so much of the heap is kept: as
// much again, and what is no heap (stacks, Go's own).
func room(kept uint64) int64 { return int64(max(leastRoom, 2*kept+leastRoom/4)) }

// keptHeap is what the last collection left.
func keptHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// whileTicking does something every now and then, until it is over.
func whileTicking(ctx context.Context, do, after func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(reckoning)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				do()
			}
		}
	}()
	return func() {
		cancel()
		<-ended
		after()
	}
}

// atFirst is how many processors there are until the first look, whose choice is one:
// much is made ready while the first answers are waited for, and a scan of one
// endpoint ends before that.
const atFirst = 2

func onFewProcessors(ctx context.Context) (restore func()) {
	if processorTime() == 0 { // not known here
		return func() {}
	}
	all := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(min(atFirst, all))
	n, used, at := 0, processorTime(), time.Now()
	return whileTicking(ctx, func() {
		nowUsed, now := processorTime(), time.Now()
		n = processors(n, all, float64(nowUsed-used)/float64(now.Sub(at)))
		if n > 0 && n != runtime.GOMAXPROCS(0) {
			runtime.GOMAXPROCS(n)
		}
		used, at = nowUsed, now
	}, func() { runtime.GOMAXPROCS(all) })
}

// processors is how many of all are right where so many were there, and so many
// of them busy.
func processors(n, all int, busy float64) int {
	switch {
	case busy > 0.8*float64(n) && n < all:
		return n + 1
	case busy < 0.6*float64(n-1):
		return n - 1
	}
	return n
}
