// Parting: a client says goodbye when ordinary ones do, at once after its handshake,
// or a reaction later where the plan has one.
// If close_notify and FIN came in one breath with the Finished, the server would
// deal with all three at once; if they came when it has said its last words, its
// tickets in TLS 1.3, and sleeps, it would be woken once more. Either changes its
// work for a handshake by a twelfth or so, and every comparison with what real
// clients cost it would be wrong by that.

package bench

import (
	"slices"
	"time"

	"shakedown/bench/client"
)

// pause is how long a connection outlives its handshake. crypto/tls, told to close at
// once, says close_notify 25 µs after its Finished, and FIN 7 µs later; the lean client
// takes 20 µs of these itself.
const pause = 5 * time.Microsecond

// patience is how much longer it may stay where the thread does not stay awake for
// it, at high rates and in closed loops: it goes when its thread is awake anyway, as
// a wake-up of its own costs half as much as a handshake.
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
	f.leaves = t.clock.now() + max(pause, t.reaction)
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
