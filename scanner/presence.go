// Presence: an address that stops answering is given some time, and then left alone.
// Who bans a client after so many connections would be asked all the rest in vain, and
// each question would take as long as a timeout, twice.

package scanner

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"shakedown/results"
)

// deserted is after how many exchanges in a row without any answer it is in doubt
// whether anybody is there.
const deserted = 8

// pauses are what an address is given before it is asked once more what it accepted.
func pauses() []time.Duration {
	return []time.Duration{250 * time.Millisecond, time.Second, 3 * time.Second}
}

// presence is whether an address that answered still does.
type presence struct {
	unheard atomic.Int32                    // exchanges in a row that nobody answered
	gone    atomic.Pointer[results.Failure] // why nothing more is asked; nil as long as something is
	looking chan struct{}                   // holds one who looks; all others wait
}

// look waits until nobody else looks, and gives what ends it.
func (p *presence) look() (done func()) {
	p.looking <- struct{}{}
	return func() { <-p.looking }
}

// hear counts what nobody answered.
func (p *presence) hear(got *answer) {
	switch got.failure.Kind {
	case results.KindTimeout, results.KindReset, results.KindEOF, results.KindRefused, results.KindUnreachable:
		if !got.goodbye {
			p.unheard.Add(1)
			return
		}
	}
	p.unheard.Store(0)
}

// present reports whether somebody still answers. Where nobody seems to, a question that
// was accepted is put after each pause; if none of them is answered, nothing is asked
// any more.
func (a *asker) present(ctx context.Context) bool {
	p, control := &a.presence, a.control.Load()
	if p.unheard.Load() < deserted || control == nil {
		return true
	}
	defer p.look()()
	var last *answer
	for _, pause := range pauses() {
		switch {
		case p.gone.Load() != nil:
			return false
		case p.unheard.Load() < deserted, !rest(ctx, pause):
			return true
		}
		last = a.exchangeOnce(ctx, control, a.alone)
	}
	if p.unheard.Load() < deserted || ctx.Err() != nil {
		return true
	}
	a.leave(last.failure)
	return false
}

// leave asks nothing further of an address, and says so in the failure that led to it.
func (a *asker) leave(f results.Failure) {
	f.Detail = fmt.Sprintf("after %d connections it did not accept what it had accepted, and was asked nothing further", a.opened())
	a.note(&answer{failure: f})
	f.Count = 0
	a.presence.gone.Store(&f)
}

// rest waits, and reports whether the run goes on.
func rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
