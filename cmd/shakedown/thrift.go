// Thrift: how a scan uses this machine. It mostly waits: spread over all
// processors, Go spends a third of its time on waking and parking threads. And it
// makes much garbage and keeps little: a heap of some 30 MB may grow before it is
// worth collecting.

package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

// reckoning is how often it is looked at what was used. Each look also wakes the
// runtime's monitor thread, which then polls for a while.
const reckoning = 100 * time.Millisecond

// thrifty runs what follows on one processor, and on more while these are busy,
// and collects garbage seldom. Call restore when it is over.
func thrifty(ctx context.Context) (restore func()) {
	collect := debug.SetGCPercent(400)
	spread := onFewProcessors(ctx)
	return func() {
		spread()
		debug.SetGCPercent(collect)
	}
}

func onFewProcessors(ctx context.Context) (restore func()) {
	if processorTime() == 0 { // not known here
		return func() {}
	}
	all := runtime.GOMAXPROCS(1)
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		adapt(ctx, all)
	}()
	return func() {
		stop()
		<-ended
		runtime.GOMAXPROCS(all)
	}
}

func adapt(ctx context.Context, all int) {
	tick := time.NewTicker(reckoning)
	defer tick.Stop()
	n, used, at := 1, processorTime(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		nowUsed, now := processorTime(), time.Now()
		busy := float64(nowUsed-used) / float64(now.Sub(at))
		if next := processors(n, all, busy); next != n {
			n = next
			runtime.GOMAXPROCS(n)
		}
		used, at = nowUsed, now
	}
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
