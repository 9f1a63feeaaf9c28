// Early: questions that are put beside the first ones, in places that nobody uses
// yet, because nearly every server is asked them whatever it answers. What the
// answers are worth is judged later, when it is known how the server refuses.

package scanner

import (
	"context"
	"slices"
)

// early is a question that was put before its time.
type early struct {
	q     inquiry
	first answer
	done  gate
}

// putEarly puts a question.
func (a *asker) putEarly(ctx context.Context, q inquiry) *early {
	e := &early{q: q}
	a.lines.Add(1)
	go func() {
		defer a.lines.Add(-1)
		defer e.done.open()
		e.first = *a.exchange(ctx, q, a.lane.OpenFirst)
	}()
	return e
}

// settle waits for the answer, and asks again where that may help.
func (e *early) settle(ctx context.Context, a *asker) *answer {
	e.done.through()
	return a.settle(ctx, e.q, &e.first)
}

// same reports whether it is what is asked now.
func (e *early) same(q *question) bool {
	put := e.q.asked()
	return slices.Equal(put.suites, q.suites) && slices.Equal(put.groups, q.groups)
}
