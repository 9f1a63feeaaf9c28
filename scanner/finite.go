// Finite fields: DHE of servers that know fields by their names. One that is offered
// such, and has none of them, must not choose DHE, whichever parameters it has for
// others (RFC 7919 §4); one that has only such chooses it for nobody else.

package scanner

import (
	"context"
	"slices"

	"shakedown/scanner/wire"
)

// fieldless asks for DHE without named fields where nothing of it was accepted with
// them: for the keys that the server was seen to have, or for any if it refused all
// suites of the version. Older versions are asked if a newer one was given it: see
// reconsider.
func (v *versionScan) fieldless() func(context.Context, *asker) {
	found := v.hands.accepted()
	ids := finiteOf(v.hands.rests(), found)
	if len(ids) == 0 || len(suitesWith(found, isDHE)) > 0 || !v.refusesSuites() {
		return func(context.Context, *asker) { v.finite.wasRefused(nil) }
	}
	hand := &elimination{enumerator: withoutFields(v.by), rest: ids}
	return func(ctx context.Context, a *asker) {
		if v.newestSpoken() != nil || v.finite.wasRefused(ids) {
			return
		}
		if hand.run(ctx, a); len(hand.accepted) > 0 {
			v.fields = hand
		}
	}
}

// finiteOf are DHE suites for the keys that others are for, if there are others.
func finiteOf(ids, others []uint16) []uint16 {
	auths := authsOf(others)
	return suitesWith(ids, func(s *wire.SuiteInfo) bool {
		return isDHE(s) && (len(others) == 0 || slices.Contains(auths, s.Auth))
	})
}

// fieldlessEarly asks while other questions are under way, once it is likely that no DHE
// will be accepted. Where DHE is all that is doubtful, that is asked for so anyway.
func (v *versionScan) fieldlessEarly(ctx context.Context, a *asker, found []uint16) {
	ids := finiteOf(candidates(v.version), found)
	if len(ids) == 0 || onlyDHE(v.doubted.suites) || len(suitesWith(found, isDHE)) > 0 {
		return
	}
	v.finite = &doubted{suites: ids}
	d := v.finite
	a.apart(ctx, func(ctx context.Context) {
		defer d.done.open()
		d.got = *a.ask(ctx, new(withoutFields(v.by).ask(ids)))
	})
}

// wasRefused waits for the answer, if it was asked, and reports whether all of some
// suites were.
func (d *doubted) wasRefused(ids []uint16) bool {
	if d == nil {
		return false
	}
	d.done.through()
	return d.got.outcome == refused && len(without(ids, d.suites)) == 0
}

// refusesSuites reports whether the refusals of an older version may have been meant
// for suites, and not for the version.
func (v *versionScan) refusesSuites() bool {
	const handshakeFailure = 40
	if v.version == wire.SSL30 || v.version == wire.TLS13 {
		return false
	}
	return v.spoken.Load() || v.opening().outcome == refused && v.opening().alert == handshakeFailure
}

func isDHE(s *wire.SuiteInfo) bool { return s.Kx == "DHE" }

// onlyDHE reports whether there are suites, and all of DHE.
func onlyDHE(ids []uint16) bool { return len(ids) > 0 && len(notDHE(ids)) == 0 }

// newestSpoken waits until it is known which newer version is spoken; nil if none is.
func (v *versionScan) newestSpoken() *versionScan {
	for _, newer := range slices.Backward(v.newer) {
		if newer.known.through(); newer.spoken.Load() {
			return newer
		}
	}
	return nil
}

// withoutFields offers no finite field by its name.
func withoutFields(by enumerator) enumerator {
	ask := by.ask
	by.ask = func(offered []uint16) question {
		q := ask(offered)
		q.groups = unnamed(q.groups)
		return q
	}
	return by
}

// unnamed leaves out finite fields.
func unnamed(groups []uint16) []uint16 {
	return slices.DeleteFunc(slices.Clone(groups), func(id uint16) bool { return wire.LookupGroup(id).Kind == "ffdhe" })
}

// leaveFields goes on without named fields, if DHE was accepted so.
func (v *versionScan) leaveFields() {
	if v.fields == nil {
		return
	}
	v.by = v.fields.enumerator
	v.hands = v.hands.join(hands{v.fields})
}
