// series: questions of which each follows from the answer to the one before.
// While an answer is waited for, the connection of the next question is opened.

package scanner

import (
	"context"

	"shakedown/results"
	"shakedown/scanner/dial"
)

// series puts questions one after the other. Leave it when the last is answered.
type series struct {
	*asker
	urgent bool        // nobody knows how long it is: others wait
	next   *dial.Ahead // nil if none is being opened
}

// ask puts a question. expects says that another one is likely to follow.
func (s *series) ask(ctx context.Context, q inquiry, expects bool) (got *answer) {
	got = s.exchange(ctx, q, func(ctx context.Context) (*dial.Conn, *results.Failure) { return s.open(ctx, expects) })
	if got.outcome != accepted {
		s.leave() // nothing follows, or with the address to itself
		got = s.settle(ctx, q, got)
	}
	return got
}

// open takes the connection that was opened ahead, and begins to open the next.
func (s *series) open(ctx context.Context, expects bool) (conn *dial.Conn, f *results.Failure) {
	switch {
	case s.next != nil:
		conn, f = s.next.Take(ctx)
	case s.urgent:
		conn, f = s.lane.OpenUrgent(ctx)
	default:
		conn, f = s.lane.OpenFirst(ctx)
	}
	s.next = nil
	if f == nil && expects && s.lane.PaysAhead(s.urgent) {
		s.next = s.lane.Ahead(ctx, s.urgent)
	}
	return conn, f
}

// leave gives up the connection that is not needed.
func (s *series) leave() {
	if s.next != nil {
		s.next.Leave()
		s.next = nil
	}
}
