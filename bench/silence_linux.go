// Silence: a client's ClientHello comes as long after its connect as an ordinary
// client takes to make its key and its ClientHello. A server has accepted by then
// and sleeps again; a ClientHello without delay would save it that, a twentieth of
// its work for a handshake, and every comparison with what real clients cost it
// would flatter it. In a closed loop, where all that is due has always been due, a
// server is not about to sleep, and nobody is silent.

package bench

import "time"

// silence is a connection whose words are held back: its ClientHello, and its answers
// where the plan has a reaction. It counts only while its flight says the same: a
// connection may end meanwhile.
type silence struct {
	flight *flight
	until  time.Duration
}

func (t *thread) keepSilent(f *flight, until time.Duration) {
	f.silent = until
	t.silent = append(t.silent, silence{f, until})
}

// speak says what is to be said by now.
func (t *thread) speak(now time.Duration) {
	kept := t.silent[:0]
	for _, s := range t.silent {
		switch {
		case s.flight.silent != s.until:
		case s.until > now:
			kept = append(kept, s)
		case s.flight.sample.Hello == 0:
			s.flight.silent = 0
			t.greet(s.flight)
		default:
			s.flight.silent = 0
			t.proceed(s.flight)
		}
	}
	t.silent = kept
}
