// Completion: every accepted suite that can be finished here is finished once.
// A server may choose a suite in its ServerHello and fail afterwards: an HSM
// that signs but does not decrypt, say, cannot do RSA key exchange.

package scanner

import (
	"context"
	"slices"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/handshake"
	"shakedown/scanner/wire"
)

// finish carries a handshake to its end, over one connection of the budget. Where it is
// closed on by a server that is full it is tried again.
func (a *asker) finish(ctx context.Context, o handshake.Offer, open opener) (got handshake.Outcome) {
	for range insistence {
		got = a.finishOnce(ctx, o, open)
		f := got.Failure
		closedOn := f.Stage == results.StageHello && (f.Kind == results.KindEOF || f.Kind == results.KindReset)
		if !closedOn {
			break
		}
		if accepts, full := a.controlled(ctx, &answer{failure: f}); !accepts || !full {
			break
		}
	}
	return got
}

func (a *asker) finishOnce(ctx context.Context, o handshake.Offer, open opener) handshake.Outcome {
	var got handshake.Outcome
	if f := a.connect(ctx, open, func(conn *dial.Conn) { got = handshake.Finish(conn, o) }); f != nil {
		return handshake.Outcome{Suite: got.Suite, Asked: got.Asked, Failure: *f}
	}
	return got
}

// maxStalls is how often a server's silence is waited for twice: where it stops
// in the middle of every handshake, each wait would have the address to itself.
const maxStalls = 2

// finishTwice asks once more, slowly and alone, what was not finished. One
// failure may be bad luck; a server that gives up on a suite twice has no use
// of it.
func (a *asker) finishTwice(ctx context.Context, o handshake.Offer) (got handshake.Outcome, refused bool) {
	first := a.finish(ctx, o, a.lane.Open)
	if o.HTTP && first.Rejected() {
		o.HTTP = false
		first = a.finish(ctx, o, a.lane.Open)
	}
	if first.Finished {
		return first, false
	}
	a.finishing.Lock() // it has the address to itself anyway
	defer a.finishing.Unlock()
	stalled := first.Failure.Kind == results.KindTimeout && a.stalls >= maxStalls
	if stalled || !a.worthAsking(ctx, &answer{failure: first.Failure}) {
		a.noteOutcome(first)
		return first, false
	}
	again := a.finish(ctx, o, a.alone)
	if again.Failure.Kind == results.KindTimeout {
		a.stalls++
	}
	refused = first.Refused() && again.Refused()
	if !again.Finished && !refused {
		a.noteOutcome(first)
		a.noteOutcome(again)
	}
	return again, refused
}

// noteOutcome counts a handshake that told nothing.
func (a *asker) noteOutcome(got handshake.Outcome) {
	if !got.Finished {
		a.note(&answer{failure: got.Failure})
	}
}

// completes says whether a suite can be finished.
func (a *asker) completes(ctx context.Context, o handshake.Offer) results.Answer {
	got, refused := a.finishTwice(ctx, o)
	switch {
	case got.Finished:
		return results.Yes
	case refused:
		return results.No
	}
	return results.Unknown
}

// runCompletion finishes what was accepted, side by side. A suite that nothing
// here can finish is not asked: it has no answer.
func (s *session) runCompletion(ctx context.Context) {
	var g crew
	for _, version := range slices.Backward(askedVersions()) {
		if !s.speaks(version) || version == wire.TLS13 && s.key().failure != nil {
			continue
		}
		for _, id := range s.allSuites(version) {
			if !slices.Contains(handshake.Finishable(version), id) {
				continue
			}
			g.Go(func() {
				got := s.ask.completes(ctx, s.offer(version, id))
				s.keep(func() { put(&s.more.completes, pair{version, id}, got) })
			})
		}
	}
	g.Wait()
}

// pair is a suite in a version.
type pair struct{ version, suite uint16 }

// offer is what a handshake of some suites offers. Of TLS 1.3, s.key must have
// found a group.
func (s *session) offer(version uint16, suites ...uint16) handshake.Offer {
	o := handshake.Offer{Version: version, ServerName: s.path.ServerName, Suites: suites, Certificate: s.more.certificate}
	if version == wire.TLS13 {
		o.Group = s.key().group
	}
	return o
}

// foldCompletion describes a version's suites, with what came of finishing them.
func (s *session) foldCompletion(version uint16, ids []uint16) []results.Suite {
	suites := suiteRecords(ids)
	for i, id := range ids {
		suites[i].Completes = s.more.completes[pair{version, id}]
	}
	return suites
}

// completesUnknown reports whether some suite's completion stayed unknown.
func completesUnknown(e *results.Endpoint) bool {
	for _, suites := range e.Suites {
		if slices.ContainsFunc(suites, func(s results.Suite) bool { return s.Completes == results.Unknown }) {
			return true
		}
	}
	return false
}
