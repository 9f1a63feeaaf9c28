// Package dial is the only way out to the network. It keeps to budgets: so many
// connections in flight in all and to one address, so many new ones a second,
// each exchange within its time. It says what must be said before TLS (to a
// proxy, in the PROXY protocol, for STARTTLS), and names what went wrong on the
// way. It knows no TLS.
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

	// Proxy is the proxy for a host and port, nil for none; nil is none at all.
	Proxy func(host string, port uint16) *Proxy

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
	if o.Proxy == nil {
		o.Proxy = func(string, uint16) *Proxy { return nil }
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

	mu      sync.Mutex
	shares  map[string]*share       // by what a Route is called
	proxies map[string][]netip.Addr // of their hosts
}

// New returns a Dialer.
func New(opt Options) *Dialer {
	opt = opt.withDefaults()
	pace := rate.NewLimiter(rate.Inf, 1)
	if opt.Rate > 0 {
		pace = rate.NewLimiter(rate.Limit(opt.Rate), 1)
	}
	return &Dialer{
		opt:     opt,
		all:     semaphore.NewWeighted(int64(opt.Concurrency)),
		pace:    pace,
		shares:  map[string]*share{},
		proxies: map[string][]netip.Addr{},
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

// Lane is one route with its address's share of the budget, which all lanes to
// that address have together.
type Lane struct {
	d     *Dialer
	route Route
	share *share
}

// Lane returns the lane of a route. Call Release when done with it, so that a
// run over many addresses does not remember them all.
func (d *Dialer) Lane(r Route) *Lane {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.shares[r.String()]
	if s == nil {
		s = newShare(d.opt.PerEndpoint)
		d.shares[r.String()] = s
	}
	s.users++
	return &Lane{d, r, s}
}

// Release gives the lane back.
func (l *Lane) Release() {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.share.users--; l.share.users == 0 {
		delete(l.d.shares, l.route.String())
	}
}

// Width is how many connections may be in flight to the address.
func (l *Lane) Width() int { return l.d.opt.PerEndpoint }

// Open waits for the budget, connects and says what comes before TLS. The
// connection bears the deadline of one exchange, counted from here on; waiting
// for the budget is not in it.
func (l *Lane) Open(ctx context.Context) (*Conn, *results.Failure) {
	return l.open(ctx, false, l.d.opt.Timeout)
}

// OpenAlone is Open with the address to oneself, and with a time of its own:
// for asking again what a busy or slow server did not answer.
func (l *Lane) OpenAlone(ctx context.Context, timeout time.Duration) (*Conn, *results.Failure) {
	return l.open(ctx, true, timeout)
}

// Crowded tells the lane that a question was answered alone that had failed
// beside others: the address has too many of our connections.
func (l *Lane) Crowded() { l.share.crowded() }

func (l *Lane) open(ctx context.Context, alone bool, timeout time.Duration) (*Conn, *results.Failure) {
	stage := l.route.first()
	if err := l.share.enter(ctx, alone); err != nil {
		return nil, overdue(stage)
	}
	if err := l.d.enter(ctx); err != nil {
		l.share.leave()
		return nil, overdue(stage)
	}
	l.d.opened.Add(1)
	c := &Conn{ctx: ctx, share: l.share, release: func() {
		l.d.all.Release(1)
		l.share.leave()
	}}
	if stage, err := c.establish(l, time.Now().Add(timeout)); err != nil {
		f := c.Failure(stage, err)
		if f.Kind != results.KindDeadline && f.Kind != results.KindInternal {
			l.share.lost()
		}
		c.Close()
		return nil, &f
	}
	return c, nil
}

// establish connects and goes to where TLS begins. It returns the stage that
// failed.
func (c *Conn) establish(l *Lane, deadline time.Time) (results.Stage, error) {
	conn, err := l.d.connect(c.ctx, l.route, deadline)
	if err != nil {
		return l.route.first(), err
	}
	c.Conn = conn
	c.SetDeadline(deadline)
	// When the run ends, so does the exchange.
	c.stop = context.AfterFunc(c.ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	return l.route.begin(c)
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
	share   *share
	heard   bool // a byte of the answer came
	stop    func() bool
	release func()
	once    sync.Once
}

// Read reads, and counts the connection as answered with its first byte.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.heard {
		c.heard = true
		c.share.answered()
	}
	return n, err
}

// Close closes the connection and frees its place.
func (c *Conn) Close() (err error) {
	if c.Conn != nil {
		c.stop()
		err = c.Conn.Close()
	}
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
