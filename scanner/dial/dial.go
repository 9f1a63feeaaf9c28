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
		o.Connect = systemTCP()
	}
	return o
}

// Dialer opens connections within its budgets. It is safe for concurrent use.
type Dialer struct {
	opt    Options
	all    *places
	pace   *rate.Limiter // nil: no limit
	opened atomic.Int64
	// buffers are for what is read; one is used for many connections.
	buffers sync.Pool

	mu      sync.Mutex
	shares  map[string]*share       // by what a Route is called
	proxies map[string][]netip.Addr // of their hosts
}

// New returns a Dialer.
func New(opt Options) *Dialer {
	opt = opt.withDefaults()
	var pace *rate.Limiter
	if opt.Rate > 0 {
		pace = rate.NewLimiter(rate.Limit(opt.Rate), 1)
	}
	return &Dialer{
		opt:     opt,
		all:     newPlaces(opt.Concurrency),
		pace:    pace,
		shares:  map[string]*share{},
		proxies: map[string][]netip.Addr{},
	}
}

// Opened counts the connections that were tried so far.
func (d *Dialer) Opened() int64 { return d.opened.Load() }

// Addresses is how many can have their whole budget at once, one at least.
func (d *Dialer) Addresses() int { return d.opt.Concurrency / d.opt.PerEndpoint }

// Concurrency is how many connections may be in flight in all.
func (d *Dialer) Concurrency() int { return d.opt.Concurrency }

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
	d      *Dialer
	route  Route
	share  *share
	tempo  tempo
	opened atomic.Int64
	heard  atomic.Bool // something of TLS, on this route

	released bool // guarded by the share's mu
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
	return &Lane{d: d, route: r, share: s}
}

// Release gives the lane back.
func (l *Lane) Release() {
	l.share.release(l)
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.share.users--; l.share.users == 0 {
		delete(l.d.shares, l.route.String())
	}
}

// Width is how many connections may be in flight to the address.
func (l *Lane) Width() int { return l.d.opt.PerEndpoint }

// Opened counts the connections that were tried through this lane.
func (l *Lane) Opened() int { return int(l.opened.Load()) }

// Open waits for the budget, connects and says what comes before TLS. The
// connection bears the deadline of one exchange, counted from here on; waiting
// for the budget is not in it.
func (l *Lane) Open(ctx context.Context) (*Conn, *results.Failure) {
	return l.open(ctx, inOrder, l.d.opt.Timeout)
}

// OpenFirst is Open before all who are not of a series either.
func (l *Lane) OpenFirst(ctx context.Context) (*Conn, *results.Failure) {
	return l.open(ctx, ofSeries, l.d.opt.Timeout)
}

// OpenUrgent is OpenFirst before all others of a series.
func (l *Lane) OpenUrgent(ctx context.Context) (*Conn, *results.Failure) {
	return l.open(ctx, urgent, l.d.opt.Timeout)
}

// OpenSoon is OpenFirst for a first look: it gives up after so long.
func (l *Lane) OpenSoon(ctx context.Context, timeout time.Duration) (*Conn, *results.Failure) {
	return l.open(ctx, ofSeries, timeout)
}

// OpenPatiently is Open with a time of its own: for what a server holds back,
// which nobody else need wait for.
func (l *Lane) OpenPatiently(ctx context.Context, timeout time.Duration) (*Conn, *results.Failure) {
	return l.open(ctx, patiently, timeout)
}

// OpenAlone is Open with the address to oneself, and with a time of its own:
// for asking again what a busy or slow server did not answer.
func (l *Lane) OpenAlone(ctx context.Context, timeout time.Duration) (*Conn, *results.Failure) {
	return l.open(ctx, alone, timeout)
}

// Crowded tells the lane that a question was answered alone that had failed
// beside others: the address has too many of our connections.
func (l *Lane) Crowded() { l.share.crowded() }

// WasCrowded reports whether the address ever had too many of our connections.
func (l *Lane) WasCrowded() bool { return l.share.wasCut() }

// TurnedAway tells the lane that a connection of just now was turned away after it was
// opened: it closed on what is accepted here. It reports whether to wait and try again
// may help; then whoever comes next waits.
func (l *Lane) TurnedAway() (hope bool) { return l.share.lost(time.Now()) }

// open opens a connection. Who is turned away where others came to TLS waits, and tries
// again: that says nothing of the question.
func (l *Lane) open(ctx context.Context, t turn, timeout time.Duration) (*Conn, *results.Failure) {
	for {
		c, f := l.enter(ctx, ctx, l.share.apply(l, t))
		if f != nil {
			return nil, f
		}
		opened, f, hope := c.begin(timeout)
		if !hope {
			return opened, f
		}
	}
}

// enter waits for the budget, as long as one context says; the connection then
// lives as long as the other does.
func (l *Lane) enter(waiting, ctx context.Context, w *waiter) (*Conn, *results.Failure) {
	given, err := l.share.enter(waiting, w)
	if given != nil {
		return given, nil
	}
	who := l.share.standing()
	if err == nil {
		if err = l.d.enter(waiting, who); err != nil {
			l.share.leave(w.turn)
		}
	}
	if err != nil {
		return nil, overdue(l.route.first())
	}
	l.d.opened.Add(1)
	l.opened.Add(1)
	return &Conn{ctx: ctx, lane: l, turn: w.turn, who: who}, nil
}

// begin opens a connection whose place was found, or gives a time of its own to
// one that was handed over. It reports whether another might fare better, later.
func (c *Conn) begin(timeout time.Duration) (opened *Conn, f *results.Failure, hope bool) {
	began := time.Now()
	if c.Conn != nil {
		c.renew(began.Add(timeout))
		return c, nil, false
	}
	if stage, err := c.establish(began.Add(timeout)); err != nil {
		f := c.Failure(stage, err)
		if f.Kind != results.KindDeadline && f.Kind != results.KindInternal && c.lane.heard.Load() {
			hope = c.lane.share.lost(began) && f.Kind != results.KindTimeout // which took its time already
		}
		c.Close()
		return nil, &f, hope
	}
	c.lane.tempo.opened(time.Since(began))
	return c, nil, false
}

// establish connects and goes to where TLS begins. It returns the stage that
// failed.
func (c *Conn) establish(deadline time.Time) (results.Stage, error) {
	route := c.lane.route
	conn, err := c.lane.d.connect(c.ctx, route, deadline)
	if err != nil {
		return route.first(), err
	}
	c.Conn = conn
	c.SetDeadline(deadline)
	if _, ends := conn.(mortal); !ends { // when the run ends, so does the exchange
		c.stop = context.AfterFunc(c.ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	}
	return route.begin(c)
}

// mortal is a connection that ends with the context it was opened under.
type mortal interface{ endsWithContext() }

// enter waits for a place among all connections and for the rate.
func (d *Dialer) enter(ctx context.Context, who standing) error {
	if err := d.all.acquire(ctx, who); err != nil {
		return err
	}
	err := ctx.Err()
	if d.pace != nil {
		// Wait refuses at once what would exceed ctx's deadline; that is the
		// deadline's doing too.
		err = d.pace.Wait(ctx)
	}
	if err != nil {
		d.all.release(who)
	}
	return err
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
	ctx   context.Context
	lane  *Lane
	turn  turn
	who   standing    // when it was let in
	ahead bool        // opened before it was needed
	asked time.Time   // when the question was sent
	heard bool        // a byte of the answer came
	stale bool        // it ended while nobody used it
	stop  func() bool // nil if the connection ends with its context by itself
	gone  atomic.Bool

	buffer *[bufferSize]byte // nil until it is asked for
}

// Write writes; the first word is the question.
func (c *Conn) Write(b []byte) (int, error) {
	if c.asked.IsZero() {
		c.asked = time.Now()
	}
	n, err := c.Conn.Write(b)
	c.judge(err)
	return n, err
}

// Read reads, and counts the connection as answered with its first byte, if that is not
// of words in the clear: who has too many connections may say so before TLS.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.heard {
		c.heard = true
		if b[0] < ' ' || b[0] >= 0x80 { // a TLS record, or one of SSLv2
			c.lane.heard.Store(true)
			c.lane.share.answered()
			c.lane.tempo.answered(time.Since(c.asked))
		}
	}
	c.judge(err)
	return n, err
}

// bufferSize holds twice the whole answer of most servers.
const bufferSize = 8192

// Buffer gives a buffer to read into, until the connection is closed.
func (c *Conn) Buffer() []byte {
	if c.buffer == nil {
		if c.buffer, _ = c.lane.d.buffers.Get().(*[bufferSize]byte); c.buffer == nil {
			c.buffer = new([bufferSize]byte)
		}
	}
	return c.buffer[:]
}

// Close closes the connection and frees its place.
func (c *Conn) Close() (err error) {
	if c.Conn != nil {
		if c.stop != nil {
			c.stop()
		}
		err = c.Conn.Close()
	}
	if c.gone.Swap(true) {
		return err
	}
	if c.buffer != nil {
		c.lane.d.buffers.Put(c.buffer)
	}
	c.lane.d.all.release(c.who)
	c.lane.share.leave(c.turn)
	return err
}

// Failure names what went wrong on this connection at a stage.
func (c *Conn) Failure(stage results.Stage, err error) results.Failure {
	if f := overtime(c.ctx, stage); f != nil {
		return *f
	}
	return Classify(stage, err)
}
