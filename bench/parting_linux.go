// Parting: a client says goodbye a moment after its handshake, as ordinary ones
// do. If close_notify and FIN came in one breath with the Finished, the server
// would deal with all three at once: it would be woken twice for a handshake, not
// three times, which saves nginx a twelfth of its work, and every comparison
// with what real clients cost it would flatter it.

package bench

import (
	"time"

	"golang.org/x/sys/unix"

	"shakedown/bench/client"
)

// pause is how long a connection outlives its handshake: longer than a server
// takes to read the Finished and sleep again.
const pause = 200 * time.Microsecond

// leave ends a handshake that is over, and lets its connection go a little later.
// It takes no slot meanwhile.
func (t *thread) leave(f *flight) {
	if t.closing == client.ByRST {
		t.goodbye(f)
		t.end(f)
		return
	}
	t.keep(f)
	f.leaves = t.clock.now() + pause
	t.leaving = append(t.leaving, f)
}

// depart closes the connections whose time has come.
func (t *thread) depart(now time.Duration) {
	kept := t.leaving[:0]
	for _, f := range t.leaving {
		if f.leaves > now {
			kept = append(kept, f)
			continue
		}
		t.goodbye(f)
		unix.Close(f.fd)
		f.leaves = 0
		t.flights.idle = append(t.flights.idle, f)
	}
	t.leaving = kept
}

// heard is for what a server says to a connection that is leaving: it has read
// our Finished, so there is nothing to wait for.
func (f *flight) heard() { f.leaves = 1 }
