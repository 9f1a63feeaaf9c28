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
	// The wait after connections that failed in a row doubles from the first to the
	// longest, and becomes shorter with each that is answered: so a limit on how many
	// come in a second is found out. Between those that wait for nothing it is at most
	// wary, as only some of several servers may be down. After hopeless failures the
	// address is down, not full, and waiting helps nobody.
	firstPause   = 5 * time.Millisecond
	wary         = 100 * time.Millisecond
	longestPause = 2 * time.Second
	hopeless     = 10
)

// share lets so many connections in at once, in the order in which they came,
// but those of a series before others, and urgent ones before these. One that is to
// be alone waits until all that came before are out, and whoever comes later waits
// for it.
type share struct {
	most  int // the budget
	users int // lanes; guarded by the Dialer's mu

	mu     sync.Mutex
	limit  int // what is used of the budget now
	in     int
	series int // of these, those of a series,
	held   int // and those that wait for what is held back
	alone  bool
	queue  []*waiter
	idle   []*Conn       // opened ahead, and not needed by whom they were opened for
	heard  bool          // something was answered here
	credit int           // answers since the limit last changed
	cut    bool          // the limit was lowered at some time,
	since  int           // and these answers came after that
	losses int           // connections that failed in a row, those that did together being one,
	lostAt time.Time     // the last of them then,
	pause  time.Duration // and what is waited after it
	left   time.Time     // when a connection last ended
}

// turn says when somebody is let in: after those who came before with the same, and
// before all with a lesser one that wait.
type turn int

const (
	patiently turn = iota // for what is held back: in the way of nobody who is to be alone
	inOrder
	ofSeries // others come after this one
	urgent   // nobody knows how many
	alone    // when all but the patient are out; nobody passes it, and it passes nobody
)

// continues reports whether others are likely to come after one.
func (t turn) continues() bool { return t == ofSeries || t == urgent }

type waiter struct {
	turn  turn
	lane  *Lane
	given *Conn         // an open connection that was handed over, with its place
	ready chan struct{} // nil for who did not have to wait
}

func newShare(most int) *share { return &share{most: most, limit: most} }

// apply asks for a place, or takes a connection that is left over.
func (s *share) apply(l *Lane, t turn) *waiter {
	w := &waiter{turn: t, lane: l}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.idle, func(c *Conn) bool { return c.lane == l }); i >= 0 && t != alone {
		w.given = s.idle[i]
		s.idle = slices.Delete(s.idle, i, i+1)
		return w
	}
	if len(s.queue) == 0 && t != alone && s.hasRoom(t) {
		s.letIn(t)
		return w
	}
	w.ready = make(chan struct{})
	at := len(s.queue)
	for t != alone && at > 0 && s.queue[at-1].turn < t {
		at--
	}
	s.queue = slices.Insert(s.queue, at, w)
	s.admit()
	return w
}

// enter waits for the place that was asked for. It may come with a connection.
func (s *share) enter(ctx context.Context, w *waiter) (*Conn, error) {
	if w.ready != nil {
		select {
		case <-w.ready:
		case <-ctx.Done():
			s.forget(w)
			return nil, ctx.Err()
		}
	}
	if w.given != nil {
		return w.given, nil
	}
	if err := sleepUntil(ctx, s.readyAt(w.turn)); err != nil {
		s.leave(w.turn)
		return nil, err
	}
	return nil, nil
}

// admit lets in whom there is room for. Whoever waits longest comes first, so
// that one who wants to be alone comes to it.
func (s *share) admit() {
	for len(s.queue) > 0 {
		next := s.queue[0]
		if next.turn == alone {
			s.dropIdle(anyOf)
		}
		if !s.hasRoom(next.turn) {
			return
		}
		s.queue = s.queue[1:]
		s.letIn(next.turn)
		close(next.ready)
	}
}

// hasRoom reports whether one more may come in now.
func (s *share) hasRoom(t turn) bool {
	return !s.alone && s.in < s.limit && (t != alone || s.in == s.held) && (t > inOrder || !s.halfFull())
}

func (s *share) letIn(t turn) {
	s.in++
	s.series += countIf(t.continues())
	s.held += countIf(t == patiently)
	s.alone = t == alone
}

// halfFull reports whether half of the places are taken by those of no series,
// while a series is under way: its next question is to find a place.
func (s *share) halfFull() bool { return s.series > 0 && 2*(s.in-s.series) >= s.limit }

func countIf(b bool) int {
	if b {
		return 1
	}
	return 0
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
	switch {
	case i >= 0:
	case w.given != nil:
		w.given.Close()
	default:
		s.leave(w.turn)
	}
}

// handOver gives an open connection, and its place, to who waits for one like
// it. If nobody does it is kept for the next, or closed.
func (s *share) handOver(c *Conn, keep bool) (kept bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, w := range s.queue {
		if w.turn == alone {
			keep = false
			break
		}
		if w.lane == c.lane {
			w.given = c
			s.queue = slices.Delete(s.queue, i, i+1)
			close(w.ready)
			return false
		}
	}
	s.idle = append(s.idle, c)
	if keep = keep && !c.lane.released; !keep {
		s.dropIdle(func(other *Conn) bool { return other == c })
	}
	return keep
}

// drop closes a connection if it is still left over.
func (s *share) drop(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropIdle(func(other *Conn) bool { return other == c })
}

// release closes what a lane has left over, and will have.
func (s *share) release(l *Lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.released = true
	s.dropIdle(func(c *Conn) bool { return c.lane == l })
}

// dropIdle closes some of the connections that are left over.
func (s *share) dropIdle(which func(*Conn) bool) {
	s.idle = slices.DeleteFunc(s.idle, func(c *Conn) bool {
		if !which(c) {
			return false
		}
		go c.Close() // it comes back for s.mu
		return true
	})
}

func anyOf(*Conn) bool { return true }

// leave gives a place back.
func (s *share) leave(t turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in--
	s.series -= countIf(t.continues())
	s.held -= countIf(t == patiently)
	s.alone = s.alone && t != alone
	s.left = time.Now()
	s.admit()
}

// readyAt is when the address may be tried.
func (s *share) readyAt(t turn) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.losses > hopeless: // it is down
		if t == alone {
			return s.left.Add(settling)
		}
		return time.Time{}
	case s.losses > 0:
		return s.left.Add(s.pause)
	case t == alone:
		return s.left.Add(max(settling, s.pause))
	case s.pause > 0:
		return s.left.Add(min(s.pause, wary))
	}
	return time.Time{}
}

// atEase reports whether the address has shown no sign that our connections are
// too many, and nobody waits who would be held up by one more.
func (s *share) atEase(t turn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	pressing := len(s.queue) > 0 && (s.queue[0].turn > t || t == ofSeries && s.queue[0].turn == t)
	return s.heard && s.losses == 0 && s.limit == s.most && !pressing
}

// standing is whether the address ever answered.
func (s *share) standing() standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heard {
		return known
	}
	return stranger
}

// answered counts a connection on which TLS was answered. After many of them
// the address may have one connection more again.
func (s *share) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard, s.losses = true, 0
	s.pause -= s.pause / 8
	s.credit++
	s.since++
	if s.limit < s.most && s.credit >= 8*s.limit {
		s.limit, s.credit = s.limit+1, 0
		s.admit()
	}
}

// lost counts a connection, begun then, that did not come to TLS: refused, reset,
// turned away. Before anything was answered that is how the address is, not that it
// is full. It reports whether to wait and try again may help.
func (s *share) lost(began time.Time) (hope bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.heard {
		return false
	}
	if s.losses == 0 || !began.Before(s.lostAt) {
		most := longestPause
		if s.losses == 0 {
			most = wary
		}
		s.pause = s.longer(most)
		s.losses++
		s.lostAt = time.Now()
	}
	s.halve()
	return s.losses <= hopeless
}

// crowded takes the word of one who knows that connections fail because there
// are others.
func (s *share) crowded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit == 1 {
		s.pause = s.longer(wary)
	}
	s.halve()
}

func (s *share) wasCut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cut || s.pause > 0
}

// longer is the next pause.
func (s *share) longer(most time.Duration) time.Duration {
	return min(max(2*s.pause, firstPause), most)
}

// halve lowers the limit, once for connections that fail together: those that
// were under way end before so many answers have come.
func (s *share) halve() {
	if s.limit > 1 && (!s.cut || s.since >= 2*s.limit) {
		s.limit, s.credit, s.cut, s.since = s.limit/2, 0, true, 0
		s.dropIdle(anyOf)
	}
}

func sleepUntil(ctx context.Context, at time.Time) error {
	if at.IsZero() {
		return nil
	}
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
