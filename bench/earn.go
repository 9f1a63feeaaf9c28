// Earn: sessions to resume, made before a block begins. A ticket of TLS 1.3 is
// used once; what servers hand out with resumed handshakes is used for the next
// ones, and what is missing is earned by full handshakes that no block counts.

package bench

import (
	"context"
	"time"

	"shakedown/bench/client"
	"shakedown/results"
	"shakedown/scanner/wire"
)

// earners is how many connections earn at once.
const earners = 16

// slack is how many tickets more than needed are kept.
const slack = 50

// earn fills a path's wallet. It gives up when the server hands out too little;
// the block then shows how much was missing.
func (r *run) earn(ctx context.Context, l *lane) {
	if l.wallet == nil {
		return
	}
	l.wallet.Want(r.provision(l))
	for !l.wallet.Full() && ctx.Err() == nil {
		before := l.wallet.Earned()
		now := r.clock.now()
		made := len(l.load.run(ctx, slice{
			slots: min(earners, r.plan.Connections), until: now + time.Second, enough: l.wallet.Full, cut: now + r.plan.Timeout + settle,
		}))
		l.record.Generator.TicketHandshakes += made
		if l.wallet.Earned() == before {
			return
		}
	}
}

// provision is how many tickets a block of TLS 1.3 is begun with. Where resumed
// handshakes bring new ones, as many as there can be in flight will last; else
// there must be one for each of the block.
func (r *run) provision(l *lane) int {
	p := r.plan
	block := p.Tickets(l.path.Ask)
	if p.Loop == results.ClosedLoop {
		block = max(int(1.5*float64(l.busiest)*l.path.Ask.Resume), 4096)
	}
	if l.wallet.Renews() {
		return min(block, p.Connections+slack)
	}
	return block
}

// Tickets is how many a block of an open loop uses at most, and so how many full
// handshakes may be made before it to earn them.
func (p Plan) Tickets(ask client.Ask) int {
	if ask.Resume == 0 || ask.Version == wire.TLS12 {
		return 0
	}
	return int(p.Rate*(p.block()+p.WarmUp).Seconds()*ask.Resume) + slack
}
