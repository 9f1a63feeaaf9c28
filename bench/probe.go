// Probe: the first handshake with a path, which is not measured. It shows whether
// the path can do what is asked, and which key shares its server takes.

package bench

import (
	"context"
	"math"
	"net"
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
		l.wallet = client.NewWallet(l.path.Ask)
		h, load, err := attempt(l)
		if err != nil {
			return nil, err
		}
		s := r.first(ctx, l, h, deadline)
		if l.fits(&s) {
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

// first is a path's first handshake, and where some are to be resumed a second
// one that is. It returns the one that shows whether the path can be measured.
func (r *run) first(ctx context.Context, l *lane, h client.Handshaker, deadline time.Duration) client.Sample {
	s := r.try(ctx, l, h, deadline, false)
	if l.wallet == nil || !l.fits(&s) {
		return s
	}
	earned := l.wallet.Earned()
	l.wallet.Learn(false, earned > 0)
	l.wallet.Want(earned + handSize) // so that this one waits for a ticket too
	s = r.try(ctx, l, h, deadline, true)
	l.wallet.Learn(true, l.wallet.Earned() > earned)
	return s
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
	fresh := func() (client.Handshaker, error) { return client.NewStock(r.config(l)) }
	h, err := fresh()
	return h, func() (load, error) { return r.pool(l.path, fresh), nil }, err
}

func (r *run) lean(kind client.ShareKind) attempt {
	return func(l *lane) (client.Handshaker, func() (load, error), error) {
		c, err := client.NewLean(r.config(l), kind)
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
func (r *run) config(l *lane) client.Config { return r.plan.config(l.path, r.env.Classify, l.wallet) }

func (p Plan) config(path Path, classify client.Classify, wallet *client.Wallet) client.Config {
	c := client.Config{
		ServerName: path.ServerName, Ask: path.Ask, ALPN: path.Ask.ALPN, Request: p.Request,
		VerifySample: p.VerifySample, Closing: p.Closing, Classify: classify,
		Wallet: wallet, SessionIDs: p.SessionIDs, Certificate: p.Certificate, Reaction: p.Reaction, Sleep: nap,
	}
	if c.Request != "" {
		c.ALPN = "http/1.1"
	}
	return c
}

func (r *run) pool(path Path, fresh func() (client.Handshaker, error)) *pool {
	dial := r.env.Dial
	if dial == nil {
		dial = newSources(r.plan, path.Address.Addr()).dial
	}
	return &pool{
		clock: r.clock, dial: dial, address: path.Address, timeout: r.plan.Timeout, proxied: path.ProxyProtocol,
		classify: r.env.Classify, fresh: fresh,
	}
}

// try makes one handshake and sees it confirmed.
func (r *run) try(ctx context.Context, l *lane, h client.Handshaker, deadline time.Duration, resume bool) client.Sample {
	now := r.clock.now()
	s := client.Sample{Due: now, Ready: now, Resume: resume}
	c := crew{pool: r.pool(l.path, nil), ctx: ctx, slice: slice{cut: forever}}
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
