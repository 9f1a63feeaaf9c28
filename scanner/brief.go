// Brief: hellos for servers that take no long list of signature schemes. LibreSSL
// calls one of more than 32 a decode_error, and would seem to have no TLS 1.3.

package scanner

import (
	"context"
	"slices"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// fewSchemes is how many schemes every server reads, less those that
// offeredSchemes adds.
const fewSchemes = 32 - 3

// brief leaves of a question's schemes those that stand first, which are what is
// asked for and the likely ones; shorter reports whether that is less.
func (q question) brief() (_ question, shorter bool) {
	if max(len(q.schemes), len(q.ofCerts)) <= fewSchemes {
		return q, false
	}
	q.schemes = slices.Clip(q.schemes[:min(len(q.schemes), fewSchemes)])
	q.ofCerts = slices.Clip(q.ofCerts[:min(len(q.ofCerts), fewSchemes)])
	return q, true
}

// exchange carries one inquiry over one connection, and a question that the server
// could not read over another, in brief. Who answers that is asked in brief from
// then on.
func (a *asker) exchange(ctx context.Context, q inquiry, open opener) answer {
	asked, ok := questionOf(q)
	short, shorter := asked.brief()
	switch {
	case !ok || !shorter:
		return a.exchangeOnce(ctx, q, open)
	case a.brief.Load():
		return a.exchangeOnce(ctx, short, open)
	}
	got := a.exchangeOnce(ctx, q, open)
	if f := got.failure; f.Kind != results.KindAlert || f.Stage != results.StageHello || f.Alert != wire.AlertName(50) {
		return got
	}
	again := a.exchangeOnce(ctx, short, open)
	if !again.settled() {
		return got
	}
	a.brief.Store(true)
	return again
}
