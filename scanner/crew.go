// Crew: the goroutines of a scan, and what becomes of a bug of ours in one of them. It
// reaches whoever waits for them, and in the end the one endpoint that was scanned:
// nothing is known of that then, and all others go on.

package scanner

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"shakedown/results"
)

// crew does things side by side. The zero value does as many as it is given.
type crew struct {
	wg     sync.WaitGroup
	places chan struct{} // nil: no limit
	bug    atomic.Pointer[bug]
}

// atMost is a crew that does so many things at a time.
func atMost(n int) *crew { return &crew{places: make(chan struct{}, n)} }

// Go does something, as soon as there is a place for it.
func (c *crew) Go(do func()) {
	if c.places != nil {
		c.places <- struct{}{}
	}
	c.wg.Add(1)
	go c.run(do)
}

func (c *crew) run(do func()) {
	defer c.leave()
	do()
}

func (c *crew) leave() {
	if r := recover(); r != nil {
		c.bug.CompareAndSwap(nil, bugOf(r))
	}
	if c.places != nil {
		<-c.places
	}
	c.wg.Done()
}

// Wait waits until all is done. A bug in it goes on here.
func (c *crew) Wait() {
	c.wg.Wait()
	if b := c.bug.Swap(nil); b != nil {
		panic(b)
	}
}

// bug is a panic, and where it came from.
type bug struct {
	value any
	stack []byte
}

// bugOf takes what was recovered; it is called where that was.
func bugOf(recovered any) *bug {
	if b, ok := recovered.(*bug); ok {
		return b
	}
	stack := debug.Stack()
	if _, from, ok := bytes.Cut(stack, []byte("\npanic(")); ok {
		stack = from
	}
	return &bug{recovered, stack}
}

// guard does something. A bug of ours in it is a failure.
func guard(do func()) (failure *results.Failure) {
	defer func() {
		if r := recover(); r != nil {
			b := bugOf(r)
			failure = &results.Failure{
				Stage: results.StageHello, Kind: results.KindInternal, Count: 1,
				Detail: fmt.Sprintf("a bug in shakedown, please report it: %v: %.600s", b.value, b.stack),
			}
		}
	}()
	do()
	return nil
}
