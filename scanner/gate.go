// Gate: how the parts of a scan wait for one another.

package scanner

import (
	"sync"
	"sync/atomic"
)

// gate is closed until somebody opens it. Most are open before anybody waits: only who
// does makes a channel. The zero value is closed.
type gate struct {
	opened atomic.Bool
	mu     sync.Mutex
	c      chan struct{} // nil until somebody waits
}

// open opens the gate, if it is closed.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.opened.Swap(true) && g.c != nil {
		close(g.c)
	}
}

// through waits until the gate is open.
func (g *gate) through() {
	if !g.opened.Load() {
		<-g.wait()
	}
}

// wait gives a channel that is closed when the gate is opened.
func (g *gate) wait() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.c == nil {
		g.c = make(chan struct{})
		if g.opened.Load() {
			close(g.c)
		}
	}
	return g.c
}

func (g *gate) isOpen() bool { return g.opened.Load() }

// once is something that is done once: whoever comes later waits until it is done.
// (A sync.Once would be waited for where package testing/synctest cannot see it.)
type once struct {
	begun atomic.Bool
	done  gate
}

func (o *once) do(it func()) {
	if o.begun.Swap(true) {
		o.done.through()
		return
	}
	defer o.done.open()
	it()
}
