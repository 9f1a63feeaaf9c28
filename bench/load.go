// Load: what carries out one block on one path.

package bench

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"time"

	"shakedown/bench/client"
	"shakedown/results"
)

// load makes the handshakes of one path, block after block.
type load interface {
	// run carries out a slice and returns a sample of every handshake that was
	// begun or due, warm-up included. One that was cut off, by the end of the
	// slice's grace or by ctx, has neither Done nor a Failure.
	run(ctx context.Context, s slice) []client.Sample
	// processors is how many it can keep busy.
	processors() int
	close()
}

// stamper is a load that can have instants from the kernel.
type stamper interface {
	// stamped counts the instants of arrival by whose they are.
	stamped() (kernel, process int)
}

// timestamps names the source of a load's instants of arrival.
func timestamps(l load) string {
	s, ok := l.(stamper)
	if !ok {
		return results.ProcessStamps
	}
	kernel, process := s.stamped()
	switch {
	case kernel == 0:
		return results.ProcessStamps
	case process*100 > kernel:
		return results.MixedStamps
	}
	return results.KernelStamps
}

// slice is what one block asks of a load. Instants are since the run began.
type slice struct {
	due    []time.Duration // open loop: when connections are due, in order
	resume []bool          // open loop: which of them are to be resumed; nil is none
	ratio  float64         // closed loop: how many are to be resumed
	seed   uint64          // closed loop: of the order of those
	slots  int             // open loop: the most in flight; closed loop: how many
	until  time.Duration   // closed loop: no connection begins after
	enough func() bool     // closed loop: nor once this holds; nil is never
	cut    time.Duration   // what is not over by then is cut off
}

// ended reports whether a closed loop begins no more connections.
func (s slice) ended(now time.Duration) bool {
	return now >= s.until || s.enough != nil && s.enough()
}

// resumed reports whether the ith arrival of an open loop is to be resumed.
func (s slice) resumed(i int) bool { return i < len(s.resume) && s.resume[i] }

func (s slice) open() bool { return s.due != nil }

// Dial opens a connection.
type Dial func(ctx context.Context, address netip.AddrPort) (net.Conn, error)

// clock is the run's: monotonic, from 0 on.
type clock struct {
	begin time.Time
	sleep func(time.Duration) // nil is the kernel's
}

// newClock starts at 1 µs: an instant of 0 is one that was not reached.
func newClock(sleep func(time.Duration)) clock {
	return clock{time.Now().Add(-time.Microsecond), sleep}
}

func (c clock) now() time.Duration { return time.Since(c.begin) }

// backoff is how long a slot of a closed loop waits after its nth failure in a
// row: a server that refuses at once is not to be hammered.
func backoff(n int) time.Duration {
	return min(time.Millisecond<<min(n, 10), 500*time.Millisecond)
}

// perThread is how many handshakes a second one thread makes without haste.
const perThread = 4000

// threads is how many a plan needs: at a low rate one alone, so that the servers
// have the other processors if they share this machine.
func threads(p Plan) int {
	n := 1 + int(p.peak()/perThread)
	if p.Loop == results.ClosedLoop {
		n = (p.Connections + 7) / 8
	}
	return min(n, runtime.NumCPU(), p.Connections)
}
