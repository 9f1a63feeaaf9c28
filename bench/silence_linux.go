// Silence: a client's ClientHello comes as long after its connect as an ordinary
// client takes to make its key and its ClientHello. A server has accepted by then
// and sleeps again; a ClientHello without delay would save it that, a twentieth of
// its work for a handshake, and every comparison with what real clients cost it
// would flatter it. In a closed loop, where all that is due has always been due, a
// server is not about to sleep, and nobody is silent.

package bench

import "time"

// silence is a connection whose ClientHello is held back. It counts only while
// its flight says the same: a connection may end meanwhile.
type silence struct {
	flight *flight
	until  time.Duration
}

func (t *thread) keepSilent(f *flight) {
	f.silent = t.clock.now() + t.hold
	t.silent = append(t.silent, silence{f, f.silent})
}

// speak sends the ClientHellos whose time has come. The first held back is the
// first to come.
func (t *thread) speak(now time.Duration) {
	said := 0
	for _, s := range t.silent {
		if s.until > now {
			break
		}
		said++
		if s.flight.silent == s.until {
			s.flight.silent = 0
			t.greet(s.flight)
		}
	}
	t.silent = append(t.silent[:0], t.silent[said:]...)
}
