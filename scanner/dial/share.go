// Share: one address's share of the budget. It grows smaller when the address
// shows that it has too many of our connections, and slowly recovers.

package dial

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// settling is how long a server is given to notice that our other
	// connections have ended, before one that is to be alone.
	settling = 10 * time.Millisecond
	// The wait after connections that failed in a row doubles from the first
	// to the longest. After hopeless of them the address is down, not full, and
	// waiting helps nobody.
	firstPause   = 5 * time.Millisecond
	longestPause = 100 * time.Millisecond
	hopeless     = 8
)

// share lets so many connections in at once, in the order in which they came.
// One that is to be alone waits until all others are out, and they wait for it.
type share struct {
	most  int // the budget
	users int // lanes; guarded by the Dialer's mu

	mu     sync.Mutex
	limit  int // what is used of the budget now
	in     int
	alone  bool
	queue  []*waiter
	heard  bool      // something was answered here
	credit int       // answers since the limit last changed
	cut    bool      // the limit was lowered at some time,
	since  int       // and these answers came after that
	losses int       // connections that failed in a row
	left   time.Time // when a connection last ended
}

type waiter struct {
	alone bool
	ready chan struct{}
}

func newShare(most int) *share { return &share{most: most, limit: most} }

// enter waits for a place.
func (s *share) enter(ctx context.Context, alone bool) error {
	w := &waiter{alone, make(chan struct{})}
	s.mu.Lock()
	s.queue = append(s.queue, w)
	s.admit()
	s.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
		s.forget(w)
		return ctx.Err()
	}
	if err := sleepUntil(ctx, s.readyAt(alone)); err != nil {
		s.leave()
		return err
	}
	return nil
}

// admit lets in whom there is room for. Whoever waits longest comes first, so
// that one who wants to be alone comes to it.
func (s *share) admit() {
	for len(s.queue) > 0 {
		next := s.queue[0]
		if s.alone || s.in >= s.limit || next.alone && s.in > 0 {
			return
		}
		s.queue = s.queue[1:]
		s.in++
		s.alone = next.alone
		close(next.ready)
	}
}

// forget takes back a wait, or a place that was given meanwhile.
func (s *share) forget(w *waiter) {
	s.mu.Lock()
	i := slices.Index(s.queue, w)
	if i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
		s.admit()
	}
	s.mu.Unlock()
	if i < 0 {
		s.leave()
	}
}

// leave gives a place back.
func (s *share) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in--
	s.alone = false
	s.left = time.Now()
	s.admit()
}

// readyAt is when the address may be tried.
func (s *share) readyAt(alone bool) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.losses > 0 && s.losses <= hopeless:
		return s.left.Add(min(firstPause<<(s.losses-1), longestPause))
	case alone:
		return s.left.Add(settling)
	}
	return time.Time{}
}

// answered counts a connection on which TLS was answered. After many of them
// the address may have one connection more again.
func (s *share) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard, s.losses = true, 0
	s.credit++
	s.since++
	if s.limit < s.most && s.credit >= 8*s.limit {
		s.limit, s.credit = s.limit+1, 0
		s.admit()
	}
}

// lost counts a connection that did not come to TLS: refused, reset, turned
// away. Before anything was answered that is how the address is, not that it is
// full.
func (s *share) lost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heard {
		s.losses++
		s.halve()
	}
}

// crowded takes the word of one who knows that connections fail because there
// are others.
func (s *share) crowded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halve()
}

// halve lowers the limit, once for connections that fail together: those that
// were under way end before so many answers have come.
func (s *share) halve() {
	if s.limit > 1 && (!s.cut || s.since >= 2*s.limit) {
		s.limit, s.credit, s.cut, s.since = s.limit/2, 0, true, 0
	}
}

func sleepUntil(ctx context.Context, at time.Time) error {
	wait := time.Until(at)
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
