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
// accepted and it refused, or for usual ones if it refused all.
func (s *session) reconsider(ctx context.Context, v *versionScan) {
	if !v.refusesSuites() {
		return
	}
	newest := v.newestSpoken() // which is not reconsidered itself
	if newest == nil {
		return
	}
	if newest.done.through(); newest.fields != nil {
		v.by = withoutFields(v.by)
	}
	suspects := v.usualSuspects()
	if v.spoken.Load() {
		suspects = v.refusedOf(newest.hands.accepted())
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
	if len(again.accepted()) > 0 && newest.fields == nil { // else it may have been for the fields
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
// nothing, if the exchange is RSA's, or nobody's.
func (v *versionScan) usualSuspects() map[string][]uint16 {
	kinds := map[string][]uint16{}
	for _, id := range candidates(v.version) {
		info := wire.LookupSuite(id)
		switch kind := info.Auth; {
		case rareness(info) > 2 || kind != "RSA" && kind != "anon":
		case info.Kx == "RSA":
			kinds["RSA unsigned"] = append(kinds["RSA unsigned"], id)
		default:
			kinds[kind] = append(kinds[kind], id)
		}
	}
	return kinds
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
