// Early: questions that are put beside the first ones, in places that nobody uses
// yet, because nearly every server is asked them whatever it answers. What the
// answers are worth is judged later, when it is known how the server refuses.

package scanner

import (
	"context"
	"slices"
	"sync"
)

// aside is what an asker does beside the parts of a scan, which wait for it only if
// they need it.
type aside struct {
	crew
	mu     sync.Mutex
	ctx    context.Context    // until it is needed no more; nil while there is nothing
	cancel context.CancelFunc // ends it
}

// apart does something beside the parts of a scan.
func (a *asker) apart(ctx context.Context, do func(context.Context)) {
	s := &a.aside
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancel(ctx)
	}
	own := s.ctx
	s.Go(func() { do(own) })
}

// endAside breaks off what is done apart and waits until it has ended: nobody needs it
// any more, and it is not to outlive its scan. That it was broken off is no failure.
func (a *asker) endAside() {
	s := &a.aside
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		return
	}
	s.ctx = nil
	a.mu.Lock()
	told := slices.Clone(a.failures)
	a.mu.Unlock()
	s.cancel()
	s.Wait()
	a.mu.Lock()
	a.failures = told
	a.mu.Unlock()
}

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
	a.apart(ctx, func(ctx context.Context) {
		defer a.lines.Add(-1)
		defer e.done.open()
		e.first = *a.exchange(ctx, q, a.lane.OpenFirst)
	})
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
