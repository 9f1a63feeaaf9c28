// Bystanders: what the load on a path does to connections that ask nothing of
// it. A server whose worker waits for an HSM's signature serves nobody meanwhile.
//
// A bystander opens a connection and says at once that it is done, as a TCP health
// check does; the server's worker has to take it and to close it. How long that
// takes is measured before each block, when nothing else is asked of the path, and
// during it: the difference is the stall. Where several workers take from one
// queue, a free one takes the bystander: what an established connection on a busy
// worker waits is measured beside them, where there is something to ask: see established.

package bench

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"shakedown/bench/stats"
	"shakedown/results"
)

const (
	// bystanders a second: few, so that they are no load themselves.
	bystanderRate = 50
	// quietest is how long they are watched before a block, at most.
	quietest = time.Second
)

// bystanders watch one address.
type bystanders struct {
	clock   clock
	dial    Dial
	address netip.AddrPort
	timeout time.Duration
	rng     *rand.Rand
	kept    *established // nil if nothing is asked of them
}

func (r *run) bystanders(l *lane, round int) *bystanders {
	if !r.plan.Bystanders {
		return nil
	}
	dial := r.env.Dial
	if dial == nil {
		dial = newSources(r.plan, l.path.Address.Addr()).dial
	}
	b := &bystanders{
		clock: r.clock, dial: dial, address: l.path.Address, timeout: r.plan.Timeout,
		rng: rand.New(rand.NewPCG(r.plan.Seed, uint64(round)<<32|uint64(l.index)<<1|1<<63)),
	}
	b.kept = b.regulars(r.plan, l.path)
	return b
}

// quiet is how long bystanders are watched before a block.
func (p Plan) quiet() time.Duration {
	if !p.Bystanders {
		return 0
	}
	return min(p.block()/2, quietest)
}

// BystanderCount is about how many bystanders each path sees.
func (p Plan) BystanderCount() int {
	if !p.Bystanders {
		return 0
	}
	n := int(bystanderRate * (p.Duration + time.Duration(p.Blocks)*p.quiet()).Seconds())
	if p.Request != "" {
		n += keptAlive * p.Blocks
	}
	return n
}

// watch sends bystanders between two instants, at random ones, so that they do not
// keep step with the load.
func (b *bystanders) watch(ctx context.Context, from, to time.Duration) *stats.Histogram {
	var all sync.WaitGroup
	var mu sync.Mutex
	took := &stats.Histogram{}
	for at := from; ; {
		at += time.Duration(b.rng.ExpFloat64() / bystanderRate * float64(time.Second))
		if at >= to || !b.clock.wait(ctx, at) {
			break
		}
		all.Go(func() {
			d := b.one(ctx)
			mu.Lock()
			defer mu.Unlock()
			took.Record(d)
		})
	}
	all.Wait()
	return took
}

// one is a single bystander. One that is not served in time counts with that time.
func (b *bystanders) one(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	begin := b.clock.now()
	conn, err := b.dial(ctx, b.address)
	if err != nil {
		return max(b.clock.now()-begin, b.timeout)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	if half, ok := conn.(*net.TCPConn); ok {
		half.CloseWrite()
	}
	io.Copy(io.Discard, io.LimitReader(conn, 1<<16)) // an alert, if anything; then the end
	return b.clock.now() - begin
}

// watched is what came of the bystanders of one watch, and of the connections that
// are kept alive.
type watched struct{ opened, kept *stats.Histogram }

func (b *bystanders) both(ctx context.Context, from, to time.Duration) (w watched) {
	var side sync.WaitGroup
	side.Go(func() { w.kept = b.kept.watch(ctx, from, to) })
	w.opened = b.watch(ctx, from, to)
	side.Wait()
	return w
}

// beside watches bystanders while something else goes on, and returns its record.
func (b *bystanders) beside(ctx context.Context, quiet watched, begin, end time.Duration, load func()) *results.Bystanders {
	if b == nil {
		load()
		return nil
	}
	defer b.kept.close()
	var loaded watched
	var both sync.WaitGroup
	both.Go(func() { loaded = b.both(ctx, begin, end) })
	load()
	both.Wait()
	r := &results.Bystanders{Quiet: quiet.opened.Dist(), Loaded: loaded.opened.Dist()}
	if b.kept != nil {
		r.EstablishedQuiet, r.EstablishedLoaded = quiet.kept.Dist(), loaded.kept.Dist()
	}
	return r
}

// before watches bystanders while nothing is asked of the path.
func (b *bystanders) before(ctx context.Context, length time.Duration) watched {
	if b == nil {
		return watched{}
	}
	now := b.clock.now()
	return b.both(ctx, now, now+length)
}
