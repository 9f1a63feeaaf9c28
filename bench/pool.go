// Pool: a load of goroutines, one for each connection in flight. It is for
// clients that block, such as crypto/tls, and for systems without a better one.

package bench

import (
	"context"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"shakedown/bench/client"
	"shakedown/results"
	"shakedown/scanner/dial"
)

type pool struct {
	clock    clock
	dial     Dial
	address  netip.AddrPort
	timeout  time.Duration
	proxied  string // version of the PROXY protocol header; "" for none
	classify client.Classify
	fresh    func() (client.Handshaker, error)

	mu   sync.Mutex
	idle []client.Handshaker
}

func (p *pool) processors() int { return runtime.NumCPU() }
func (p *pool) close()          {}

// spare is how many workers of an open loop wait for coming arrivals beside those
// that are at work, so that none has to be started when one is due.
const spare = 4

// crew is the workers of one slice. Each takes the next arrival of all, waits
// until it is due, and starts it itself: so an arrival is late only if every
// worker is busy and no more are allowed, and nobody has to be woken in time by
// anybody else.
type crew struct {
	*pool
	slice
	ctx     context.Context
	next    atomic.Int64 // arrival
	waiting atomic.Int64 // workers
	hired   atomic.Int64
	work    sync.WaitGroup
	mu      sync.Mutex
	mix     *mix // closed loop: which are to be resumed
	samples []client.Sample
}

func (p *pool) run(ctx context.Context, s slice) []client.Sample {
	c := &crew{pool: p, slice: s, ctx: ctx, mix: newMix(s.ratio, s.seed, 0)}
	if s.open() {
		c.hire(min(spare, s.slots))
	} else {
		c.hire(s.slots)
	}
	c.work.Wait()
	if s.open() { // arrivals that nobody took
		for i := min(int(c.next.Load()), len(s.due)); i < len(s.due); i++ {
			c.samples = append(c.samples, client.Sample{Due: s.due[i]})
		}
	}
	return c.samples
}

// hire takes on workers while there are fewer than allowed.
func (c *crew) hire(n int) {
	for range n {
		if c.hired.Add(1) > int64(c.slots) {
			c.hired.Add(-1)
			return
		}
		c.waiting.Add(1)
		c.work.Go(func() {
			h, err := c.handshaker()
			if err != nil {
				return // made once before, so it can be made
			}
			var done []client.Sample
			if c.open() {
				done = c.arrivals(h)
			} else {
				done = c.slot(h)
			}
			c.mu.Lock()
			c.samples = append(c.samples, done...)
			c.mu.Unlock()
			c.pool.mu.Lock()
			c.idle = append(c.idle, h)
			c.pool.mu.Unlock()
		})
	}
}

func (p *pool) handshaker() (client.Handshaker, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		h := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return h, nil
	}
	return p.fresh()
}

// arrivals is the work of one worker of an open loop.
func (c *crew) arrivals(h client.Handshaker) (done []client.Sample) {
	for !c.over() {
		ready := c.clock.now()
		i := c.next.Add(1) - 1
		if i >= int64(len(c.due)) {
			return done
		}
		s := client.Sample{Due: c.due[i], Resume: c.resumed(int(i))}
		s.Ready = s.Due
		if c.hired.Load() >= int64(c.slots) { // else a worker more would have been allowed: it is we who are late
			s.Ready = max(s.Due, ready)
		}
		if !c.clock.wait(c.ctx, s.Due) {
			return append(done, s)
		}
		if c.waiting.Add(-1) < spare {
			c.hire(1)
		}
		c.one(h, &s)
		c.waiting.Add(1)
		done = append(done, s)
	}
	return done
}

// slot is the work of one connection of a closed loop.
func (c *crew) slot(h client.Handshaker) (done []client.Sample) {
	failed := 0
	for !c.over() {
		s := client.Sample{Due: c.clock.now()}
		if c.ended(s.Due) {
			return done
		}
		s.Ready, s.Resume = s.Due, c.resumes()
		c.one(h, &s)
		done = append(done, s)
		if failed++; s.Failure == nil {
			failed = 0
		} else if !c.clock.wait(c.ctx, c.clock.now()+backoff(failed)) {
			return done
		}
	}
	return done
}

// resumes says whether the next connection of a closed loop is to be resumed.
func (c *crew) resumes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mix.next()
}

// over reports whether what is under way now is cut off.
func (c *crew) over() bool { return c.ctx.Err() != nil || c.clock.now() >= c.cut-slop }

// slop is how early a timer may be, measured by another clock.
const slop = time.Millisecond

// one makes one handshake. One that was cut off is left without an end.
func (c *crew) one(h client.Handshaker, s *client.Sample) {
	s.Start = c.clock.now()
	ctx, cancel := context.WithTimeout(c.ctx, min(c.timeout, c.cut-s.Start))
	defer cancel()
	if err := c.attempt(ctx, h, s); err != nil {
		f := c.classify(results.StageConnect, err)
		s.Failure = &f
	}
	if s.Failure != nil && c.over() {
		s.Failure, s.Done = nil, 0
	}
}

// attempt returns what kept it from connecting; what came after is in the sample.
func (c *crew) attempt(ctx context.Context, h client.Handshaker, s *client.Sample) error {
	conn, err := c.dial(ctx, c.address)
	if err != nil {
		return timeoutOf(ctx, err)
	}
	s.Connected = c.clock.now()
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	if p := c.proxied; p != "" {
		local, _ := netip.ParseAddrPort(conn.LocalAddr().String())
		if _, err := conn.Write(dial.ProxyHeader(p, local, c.address)); err != nil {
			conn.Close()
			return err
		}
	}
	stop := context.AfterFunc(c.ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	h.Handshake(conn, c.clock.now, s)
	stop()
	h.Close(conn)
	return nil
}
