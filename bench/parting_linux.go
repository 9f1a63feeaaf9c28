// Parting: a client says goodbye a moment after its handshake, as ordinary ones
// do. If close_notify and FIN came in one breath with the Finished, the server
// would deal with all three at once: it would be woken twice for a handshake, not
// three times, which saves nginx a twelfth of its work, and every comparison
// with what real clients cost it would flatter it.

package bench

import (
	"slices"
	"time"

	"shakedown/bench/client"
)

// pause is how long a connection outlives its handshake: longer than a server
// takes to read the Finished and sleep again.
const pause = 200 * time.Microsecond

// patience is how much longer it may stay: it goes when its thread is awake
// anyway, as a wake-up of its own costs half as much as a handshake.
const patience = 800 * time.Microsecond

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
	gone := 0
	for _, f := range t.leaving {
		if f.leaves > now {
			break
		}
		t.goodbye(f)
		hangUp(f.fd)
		t.flights.idle = append(t.flights.idle, f)
		gone++
	}
	t.leaving = slices.Delete(t.leaving, 0, gone)
}
