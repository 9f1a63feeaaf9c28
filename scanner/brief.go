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

// briefOf asks the same with those schemes that stand first, which are what is
// asked for and the likely ones; nil where these are all.
func briefOf(q inquiry) *question {
	asked := q.asked()
	if asked == nil || max(len(asked.schemes), len(asked.ofCerts)) <= fewSchemes {
		return nil
	}
	short := *asked
	short.schemes = slices.Clip(asked.schemes[:min(len(asked.schemes), fewSchemes)])
	short.ofCerts = slices.Clip(asked.ofCerts[:min(len(asked.ofCerts), fewSchemes)])
	return &short
}

// long reports whether a question lists more schemes than every server reads.
func long(q inquiry) bool {
	asked := q.asked()
	return asked != nil && len(asked.schemes) > fewSchemes
}

// unread reports whether a server says that it could not read a hello.
func unread(got *answer) bool {
	f := &got.failure
	return f.Kind == results.KindAlert && f.Stage == results.StageHello && f.Alert == wire.AlertName(50)
}

// inBrief puts a question that was not read once more; the answer, if there is one,
// takes the place of the first.
func (a *asker) inBrief(ctx context.Context, q inquiry, open opener, got *answer) {
	short := briefOf(q)
	if short == nil {
		return
	}
	again := a.exchangeOnce(ctx, short, open)
	if !again.settled() {
		return
	}
	*got = *again
	if a.readsLong.Load() {
		return
	}
	if long := a.exchangeOnce(ctx, q, open); unread(long) { // it was not by chance
		a.brief.Store(true)
	}
}
