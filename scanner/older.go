// Older: answers in an older version from a server that speaks the one asked for. It
// chooses the suite first, and then the newest version that may have it (Pike does, with
// those of DES and IDEA, which are not for TLS 1.2, RFC 5246 §1.2).

package scanner

import "context"

// passOlder goes on with hands that ended so. Who chooses the version first never
// ends one so where the version is spoken.
func (v *versionScan) passOlder(ctx context.Context, a *asker) {
	if !v.spoken.Load() {
		return
	}
	var g crew
	for _, hand := range v.hands {
		g.Go(func() { hand.passOlder(ctx, a) })
	}
	g.Wait()
}

// passOlder leaves out, one after the other, what an older version was chosen with.
func (e *elimination) passOlder(ctx context.Context, a *asker) {
	for e.ended() && e.last.older != 0 {
		e.rest, e.last = without(e.rest, []uint16{e.last.older}), nil
		e.run(ctx, a)
	}
}
