// Package dial is the only way out to the network. It keeps to budgets: so many
// connections in flight in all and to one address, so many new ones a second,
// each exchange within its time. It also names what went wrong on the way. It
// sends nothing of its own and knows no TLS.
package dial

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"shakedown/results"
)

// Options are the budgets. Zero values are the defaults.
type Options struct {
	Concurrency int           // connections in flight in all; 0 is 64
	PerEndpoint int           // connections in flight to one address; 0 is 4
	Rate        float64       // new connections a second; 0 is no limit
	Timeout     time.Duration // one exchange, from connecting on; 0 is 5 s
	Resolver    Resolver      // nil is the system's, any family

	// Connect opens a connection; nil is TCP.
	Connect func(ctx context.Context, address netip.AddrPort, deadline time.Time) (net.Conn, error)
}

func (o Options) withDefaults() Options {
	if o.Concurrency <= 0 {
		o.Concurrency = 64
	}
	if o.PerEndpoint <= 0 {
		o.PerEndpoint = 4
	}
	o.PerEndpoint = min(o.PerEndpoint, o.Concurrency)
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Resolver == nil {
		o.Resolver = SystemResolver(AnyFamily, nil)
	}
	if o.Connect == nil {
		o.Connect = connectTCP
	}
	return o
}

// Dialer opens connections within its budgets. It is safe for concurrent use.
type Dialer struct {
	opt    Options
	all    *semaphore.Weighted
	pace   *rate.Limiter
	opened atomic.Int64

	mu    sync.Mutex
	lanes map[netip.AddrPort]*Lane
}

// New returns a Dialer.
func New(opt Options) *Dialer {
	opt = opt.withDefaults()
	pace := rate.NewLimiter(rate.Inf, 1)
	if opt.Rate > 0 {
		pace = rate.NewLimiter(rate.Limit(opt.Rate), 1)
	}
	return &Dialer{
		opt:   opt,
		all:   semaphore.NewWeighted(int64(opt.Concurrency)),
		pace:  pace,
		lanes: map[netip.AddrPort]*Lane{},
	}
}

// Opened counts the connections that were tried so far.
func (d *Dialer) Opened() int64 { return d.opened.Load() }

// Timeout is the time of one exchange.
func (d *Dialer) Timeout() time.Duration { return d.opt.Timeout }

// Resolve gives the addresses of a host, most preferred first.
func (d *Dialer) Resolve(ctx context.Context, host string) ([]netip.Addr, *results.Failure) {
	limited, cancel := context.WithTimeout(ctx, d.opt.Timeout)
	defer cancel()
	addrs, err := d.opt.Resolver(limited, host)
	if err != nil {
		if f := overtime(ctx, results.StageResolve); f != nil {
			return nil, f
		}
		f := Classify(results.StageResolve, err)
		return nil, &f
	}
	return addrs, nil
}

// Lane is the way to one address: its share of the budget. All users of an
// address share one.
type Lane struct {
	d     *Dialer
	addr  netip.AddrPort
	slots *semaphore.Weighted
	users int // guarded by d.mu
}

// Lane returns the lane to an address. Call Release when done with it, so that
// a run over many addresses does not remember them all.
func (d *Dialer) Lane(addr netip.AddrPort) *Lane {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lanes[addr]
	if l == nil {
		l = &Lane{d: d, addr: addr, slots: semaphore.NewWeighted(int64(d.opt.PerEndpoint))}
		d.lanes[addr] = l
	}
	l.users++
	return l
}

// Release gives the lane back.
func (l *Lane) Release() {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(l.d.lanes, l.addr)
	}
}

// Open waits for the budget and connects. The connection bears the deadline of
// one exchange, counted from here on; waiting for the budget is not in it.
func (l *Lane) Open(ctx context.Context) (*Conn, *results.Failure) {
	return l.open(ctx, 1, l.d.opt.Timeout)
}

// OpenAlone is Open with the address to oneself, and with a time of its own:
// for asking again what a busy or slow server did not answer.
func (l *Lane) OpenAlone(ctx context.Context, timeout time.Duration) (*Conn, *results.Failure) {
	return l.open(ctx, int64(l.d.opt.PerEndpoint), timeout)
}

func (l *Lane) open(ctx context.Context, slots int64, timeout time.Duration) (*Conn, *results.Failure) {
	if err := l.slots.Acquire(ctx, slots); err != nil {
		return nil, overdue(results.StageConnect)
	}
	if err := l.d.enter(ctx); err != nil {
		l.slots.Release(slots)
		return nil, overdue(results.StageConnect)
	}
	release := func() {
		l.d.all.Release(1)
		l.slots.Release(slots)
	}
	l.d.opened.Add(1)
	deadline := time.Now().Add(timeout)
	nc, err := l.d.opt.Connect(ctx, l.addr, deadline)
	if err != nil {
		release()
		if f := overtime(ctx, results.StageConnect); f != nil {
			return nil, f
		}
		f := Classify(results.StageConnect, err)
		return nil, &f
	}
	c := &Conn{Conn: nc, ctx: ctx, release: release}
	c.SetDeadline(deadline)
	// When the run ends, so does the exchange.
	c.stop = context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	return c, nil
}

// enter waits for a place among all connections and for the rate.
func (d *Dialer) enter(ctx context.Context) error {
	if err := d.all.Acquire(ctx, 1); err != nil {
		return err
	}
	// Wait refuses at once what would exceed ctx's deadline; that is the
	// deadline's doing too.
	if err := d.pace.Wait(ctx); err != nil {
		d.all.Release(1)
		return err
	}
	return nil
}

// overtime is the failure of an exchange that the end of the run cut off, nil
// while the run goes on.
func overtime(ctx context.Context, stage results.Stage) *results.Failure {
	if ctx.Err() == nil {
		return nil
	}
	return overdue(stage)
}

func overdue(stage results.Stage) *results.Failure {
	return &results.Failure{Stage: stage, Kind: results.KindDeadline, Count: 1, Detail: "the run ended before this exchange did"}
}

// Conn is one connection of the budget; Close gives its place back.
type Conn struct {
	net.Conn
	ctx     context.Context
	stop    func() bool
	release func()
	once    sync.Once
}

// Close closes the connection and frees its place.
func (c *Conn) Close() error {
	c.stop()
	err := c.Conn.Close()
	c.once.Do(c.release)
	return err
}

// Failure names what went wrong on this connection at a stage.
func (c *Conn) Failure(stage results.Stage, err error) results.Failure {
	if f := overtime(c.ctx, stage); f != nil {
		return *f
	}
	return Classify(stage, err)
}

func connectTCP(ctx context.Context, address netip.AddrPort, deadline time.Time) (net.Conn, error) {
	d := net.Dialer{Deadline: deadline, KeepAlive: -1}
	return d.DialContext(ctx, "tcp", address.String())
}
