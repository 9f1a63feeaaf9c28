// Places: all connections in flight. Addresses that have answered go before those
// that never did: these may be dead, and keep a place for as long as a timeout.

package dial

import (
	"context"
	"slices"
	"sync"
)

// places are for so many connections at once.
type places struct {
	mu     sync.Mutex
	most   int
	crowds [2]crowd // by standing
}

// crowd is those of one standing.
type crowd struct {
	in      int
	waiting []chan struct{}
}

// standing is what is known of an address.
type standing int

const (
	known    standing = iota
	stranger          // it never answered
)

func newPlaces(most int) *places { return &places{most: most} }

// acquire waits for a place.
func (p *places) acquire(ctx context.Context, s standing) error {
	ready := p.apply(s)
	if ready == nil {
		return nil
	}
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		p.forget(s, ready)
		return ctx.Err()
	}
}

// apply takes a place, or else gives what to wait for.
func (p *places) apply(s standing) (ready chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := &p.crowds[s]
	if len(of.waiting) == 0 && p.hasRoom(s) {
		of.in++
		return nil
	}
	ready = make(chan struct{})
	of.waiting = append(of.waiting, ready)
	return ready
}

// release gives a place back.
func (p *places) release(s standing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.crowds[s].in--
	p.admit()
}

// admit lets in whom there is room for, in the order in which they came.
func (p *places) admit() {
	for s := range p.crowds {
		of := &p.crowds[s]
		for len(of.waiting) > 0 && p.hasRoom(standing(s)) {
			close(of.waiting[0])
			of.waiting = of.waiting[1:]
			of.in++
		}
	}
}

// hasRoom reports whether there is a place: for strangers only among half of
// them, while others are about.
func (p *places) hasRoom(s standing) bool {
	among := p.most
	if s == stranger && p.crowds[known].in > 0 {
		among = max(1, p.most/2)
	}
	return p.crowds[stranger].in+p.crowds[known].in < p.most && p.crowds[s].in < among
}

// forget takes back a wait, or a place that was given meanwhile.
func (p *places) forget(s standing, ready chan struct{}) {
	p.mu.Lock()
	of := &p.crowds[s]
	i := slices.Index(of.waiting, ready)
	if i >= 0 {
		of.waiting = slices.Delete(of.waiting, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 {
		p.release(s)
	}
}

// anyLeft reports whether there is a place that nobody waits for.
func (p *places) anyLeft() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hasRoom(known)
}
