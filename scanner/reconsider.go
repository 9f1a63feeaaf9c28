// Reconsider: older versions, held against newer ones. A server mostly has the same
// suites in all; one that chooses in an older version what its key cannot sign there
// (GnuTLS with Ed25519 or RSA-PSS) refuses whatever was offered beside that.

package scanner

import (
	"context"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// reconsider asks an older version by itself for each kind of suites that a newer one
// accepted and it refused, or for usual ones if it refused all. Where no newer one is
// spoken either, it may be the only one.
func (s *session) reconsider(ctx context.Context, v *versionScan) {
	if !v.refusesSuites() && !v.givesUp() {
		return
	}
	newest := v.newestSpoken() // which is not reconsidered itself
	switch {
	case newest == nil && (v.spoken.Load() || s.speaks(wire.TLS13)):
		return
	case newest != nil && !v.refusesSuites():
		return
	}
	suspects := v.usualSuspects(newest == nil)
	if newest != nil {
		if newest.done.through(); newest.fields != nil {
			v.by = withoutFields(v.by)
		}
		if v.spoken.Load() {
			suspects = v.refusedOf(newest.hands.accepted())
		}
	}
	var again hands
	for _, ids := range suspects {
		again = append(again, &elimination{enumerator: v.by, rest: ids})
	}
	if s.enumerates() {
		again.run(ctx, s.ask)
	} else {
		for _, hand := range again {
			hand.step(ctx, s.ask)
		}
	}
	v.hands = v.hands.join(again)
	if len(again.accepted()) > 0 && (newest == nil || newest.fields == nil) { // else it may have been for the fields
		v.mixIntolerant = results.Yes
	}
}

// refusedOf are those of a newer version's suites that this one could have accepted, by
// kinds.
func (v *versionScan) refusedOf(newer []uint16) map[string][]uint16 {
	kinds := map[string][]uint16{}
	for _, id := range without(newer, v.hands.accepted()) {
		info := wire.LookupSuite(id)
		if kind := info.Kx + " " + info.Auth; info.First <= v.version {
			kinds[kind] = append(kinds[kind], id)
		}
	}
	return kinds
}

// usualSuspects are usual suites by what is to be signed for them, and with which key:
// nothing, if the exchange is RSA's, or nobody's. If they are to be asked for exactly,
// also by the exchange, and of further keys.
func (v *versionScan) usualSuspects(exactly bool) map[string][]uint16 {
	kinds := map[string][]uint16{}
	for _, id := range candidates(v.version) {
		info := wire.LookupSuite(id)
		switch kind := info.Auth; {
		case exactly && rareness(info) <= 2:
			kinds[info.Kx+" "+kind] = append(kinds[info.Kx+" "+kind], id)
		case rareness(info) > 2 || kind != "RSA" && kind != "anon":
		case info.Kx == "RSA":
			kinds["RSA unsigned"] = append(kinds["RSA unsigned"], id)
		default:
			kinds[kind] = append(kinds[kind], id)
		}
	}
	return kinds
}

// givesUp reports whether a server may have chosen a suite of an older version that it
// cannot do, and broken off.
func (v *versionScan) givesUp() bool {
	got := v.opening()
	return v.version != wire.SSL30 && v.version != wire.TLS13 && (got.outcome == closed || got.failure.Alert == wire.AlertName(80))
}

// deny asks for TLS 1.2 by the extension of TLS 1.3, which who speaks that has to heed
// (RFC 8446 §4.2.1), where all that was said is internal_error: it may be trouble with
// an older version, that was chosen instead.
func (s *session) deny(ctx context.Context, v *versionScan) {
	newest := s.version(wire.TLS13)
	if v.version != wire.TLS12 || v.spoken.Load() || !v.breaksDown() {
		return
	}
	if newest.known.through(); newest.spoken.Load() {
		q := usual(v.version, v.name, likely(v.version))
		q.extra = []wire.Extension{wire.SupportedVersions(v.version)}
		v.denied = s.ask.ask(ctx, &q).wrongVersion()
	}
}
