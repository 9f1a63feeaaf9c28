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
	mu      sync.Mutex
	most    int
	in      map[standing]int
	waiting map[standing][]chan struct{}
}

// standing is what is known of an address.
type standing bool

const (
	stranger standing = false // it never answered
	known    standing = true
)

func newPlaces(most int) *places {
	return &places{most: most, in: map[standing]int{}, waiting: map[standing][]chan struct{}{}}
}

// acquire waits for a place.
func (p *places) acquire(ctx context.Context, s standing) error {
	ready := make(chan struct{})
	p.mu.Lock()
	p.waiting[s] = append(p.waiting[s], ready)
	p.admit()
	p.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		p.forget(s, ready)
		return ctx.Err()
	}
}

// release gives a place back.
func (p *places) release(s standing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.in[s]--
	p.admit()
}

// admit lets in whom there is room for, in the order in which they came.
func (p *places) admit() {
	for _, s := range []standing{known, stranger} {
		for len(p.waiting[s]) > 0 && p.hasRoom(s) {
			close(p.waiting[s][0])
			p.waiting[s] = p.waiting[s][1:]
			p.in[s]++
		}
	}
}

// hasRoom reports whether there is a place: for strangers only among half of
// them, while others are about.
func (p *places) hasRoom(s standing) bool {
	among := p.most
	if s == stranger && p.in[known] > 0 {
		among = max(1, p.most/2)
	}
	return p.in[stranger]+p.in[known] < p.most && p.in[s] < among
}

// forget takes back a wait, or a place that was given meanwhile.
func (p *places) forget(s standing, ready chan struct{}) {
	p.mu.Lock()
	i := slices.Index(p.waiting[s], ready)
	if i >= 0 {
		p.waiting[s] = slices.Delete(p.waiting[s], i, i+1)
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
