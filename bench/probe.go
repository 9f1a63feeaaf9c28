// Probe: the first handshake with a path, which is not measured. It shows whether
// the path can do what is asked, and which key shares its server takes.

package bench

import (
	"context"
	"math"
	"net"
	"net/netip"
	"time"

	"shakedown/bench/client"
	"shakedown/results"
)

// prepare tries a path and makes its load; nil if it cannot be measured: then its
// trial counts the attempt.
func (r *run) prepare(ctx context.Context, l *lane) (load, error) {
	if f := l.path.Failure; f != nil {
		l.add(&client.Sample{Failure: f}, &phases{})
		return nil, nil
	}
	// All attempts together take no longer than a server that says nothing.
	deadline := r.clock.now() + r.plan.Timeout
	var first *client.Sample
	for _, attempt := range r.attempts() {
		h, load, err := attempt(l)
		if err != nil {
			return nil, err
		}
		s := r.try(ctx, l.path, h, deadline)
		if s.Failure == nil && s.Done != 0 && l.path.Ask.Fits(s.Shape) {
			l.idle = max(s.Done, s.FirstByte) - s.Start
			return load()
		}
		if first == nil {
			first = &s
		}
		if s.Failure == nil || !refusal(s.Failure) {
			break
		}
	}
	l.add(first, &phases{})
	return nil, nil
}

// refusal reports whether a failure can come of a server that does not like a key
// share, so that another is worth a try.
func refusal(f *results.Failure) bool {
	switch f.Kind {
	case results.KindAlert, results.KindEOF, results.KindReset, results.KindMalformed:
		return f.Stage == results.StageHello || f.Stage == results.StageHandshake
	}
	return false
}

// attempt makes a client for a path: a Handshaker to try it, and the load if that
// goes well.
type attempt func(*lane) (client.Handshaker, func() (load, error), error)

// attempts are the clients to try, in order.
func (r *run) attempts() []attempt {
	if r.plan.Client == Stock {
		return []attempt{r.stock}
	}
	return []attempt{r.lean(client.UnitShares), r.lean(client.ReusedShares)}
}

func (r *run) stock(l *lane) (client.Handshaker, func() (load, error), error) {
	fresh := func() (client.Handshaker, error) { return client.NewStock(r.config(l.path)) }
	h, err := fresh()
	return h, func() (load, error) { return r.pool(l.path, fresh), nil }, err
}

func (r *run) lean(kind client.ShareKind) attempt {
	return func(l *lane) (client.Handshaker, func() (load, error), error) {
		c, err := client.NewLean(r.config(l.path), kind)
		if err != nil {
			return nil, nil, err
		}
		fresh := func() (client.Handshaker, error) { return c.Session(r.plan.Seed), nil }
		h, err := fresh()
		return h, func() (load, error) {
			l.record.Generator.KeyShares = string(kind)
			if r.env.Dial == nil {
				if made, err := newLoop(r.clock, r.plan, l.path, c, r.env.Classify); made != nil || err != nil {
					return made, err
				}
			}
			return r.pool(l.path, fresh), nil
		}, err
	}
}

// config is what a path's clients are told.
func (r *run) config(path Path) client.Config { return r.plan.config(path, r.env.Classify) }

func (p Plan) config(path Path, classify client.Classify) client.Config {
	c := client.Config{
		ServerName: path.ServerName, Ask: path.Ask, Request: p.Request,
		VerifySample: p.VerifySample, Closing: p.Closing, Classify: classify,
	}
	if c.Request != "" {
		c.ALPN = "http/1.1"
	}
	return c
}

func (r *run) pool(path Path, fresh func() (client.Handshaker, error)) *pool {
	dial := r.env.Dial
	if dial == nil {
		dial = dialTCP
	}
	return &pool{
		clock: r.clock, dial: dial, address: path.Address, timeout: r.plan.Timeout,
		classify: r.env.Classify, fresh: fresh,
	}
}

// try makes one handshake and sees it confirmed.
func (r *run) try(ctx context.Context, path Path, h client.Handshaker, deadline time.Duration) client.Sample {
	now := r.clock.now()
	s := client.Sample{Due: now, Ready: now}
	c := crew{pool: r.pool(path, nil), ctx: ctx, slice: slice{cut: forever}}
	c.timeout = max(deadline-now, time.Millisecond)
	c.one(confirmed{h, c.timeout}, &s)
	return s
}

const forever = time.Duration(math.MaxInt64)

// confirmed is a Handshaker that waits for the server's last word, for a second
// at most.
type confirmed struct {
	client.Handshaker
	timeout time.Duration
}

func (c confirmed) Handshake(conn net.Conn, now client.Clock, s *client.Sample) {
	c.Handshaker.Handshake(conn, now, s)
	if h, ok := c.Handshaker.(client.Confirmer); ok && s.Failure == nil {
		conn.SetReadDeadline(time.Now().Add(min(time.Second, c.timeout)))
		h.Confirm(conn, now, s)
	}
}

// dialTCP opens a connection without what a Dialer does for long-lived ones.
func dialTCP(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1}
	return d.DialContext(ctx, "tcp", address.String())
}
