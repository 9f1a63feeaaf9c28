// Versions and suites: which versions a server speaks, and which suites in
// each. Both come from the same questions: a version is spoken if one of its
// suites is accepted.

package scanner

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"shakedown/results"
	"shakedown/scanner/handshake"
	"shakedown/scanner/wire"
)

// versionScan is the enumeration of one version. Others wait on it: until
// known, for whether the version is spoken; until done, for its suites.
type versionScan struct {
	version     uint16
	name        string // of the server
	by          enumerator
	hands       hands
	first       *answer   // to the first question, if it was put before the others
	asked       []once    // whether hands were asked for the first time,
	firsts      []*answer // with these answers
	early       *early    // the first of the second hand, or of TLS 1.3's rare suites, put before its time; nil if not
	earlyGroups *early    // likewise of TLS 1.3's rare groups

	// What else is wanted of first answers.
	chains, groups bool
	order          bool     // of suites and groups
	beside         *pairing // of suites and groups; nil if there is none

	spoken  atomic.Bool // some suite was accepted
	known   gate
	looked  gate // all hands were asked for the first time
	matched gate // there is a pairing, or none will be
	done    gate
	doubted *doubted       // nil if nothing was doubted yet
	newer   []*versionScan // but for TLS 1.3
	finite  *doubted       // DHE without named fields, put early; nil if it was not
	fields  *elimination   // DHE that was accepted without named fields; nil if there is none
	denied  bool           // of TLS 1.2: the server said that it is not among its versions

	choked        atomic.Bool    // what was refused among many was accepted among fewer
	mixIntolerant results.Answer // whether what was refused among others is accepted by itself
}

func newVersionScan(version uint16, serverName string, others *siblings) *versionScan {
	v := &versionScan{
		version: version, name: serverName, by: suitesIn(version, serverName),
	}
	v.by.onAccept = v.accepts
	if version < wire.TLS13 {
		v.by.elsewhere = others
		v.by.hopes = func(accepted []uint16) prospects {
			p := kin(version, accepted)
			others.raise(version, p)
			return p
		}
	}
	for _, share := range offersOf(version).shares {
		v.hands = append(v.hands, &elimination{enumerator: v.by, rest: share}) // which nobody changes
	}
	v.asked, v.firsts = make([]once, len(v.hands)), slices.Repeat([]*answer{{}}, len(v.hands))
	return v
}

// accepts notes that a suite was accepted.
func (v *versionScan) accepts(suite uint16) {
	v.spoken.Store(true)
	v.known.open()
	if v.by.elsewhere != nil {
		v.by.elsewhere.learn(suite)
	}
}

// suitesIn enumerates suites of a version.
func suitesIn(version uint16, serverName string) enumerator {
	return enumerator{
		ask:    func(offered []uint16) question { return usual(version, serverName, offered) },
		chosen: func(got *answer) (uint16, bool) { return got.hello.Suite, true },
		// OpenSSL's PRIORITIZE_CHACHA, for clients without AES in hardware.
		favourite: func(id uint16) bool { return strings.Contains(wire.LookupSuite(id).Name, "CHACHA20") },
		// crypto/tls takes a client that begins with it for one with AES in hardware.
		rival: func(id uint16) bool {
			return strings.Contains(wire.LookupSuite(id).Name, "_AES_") && strings.Contains(wire.LookupSuite(id).Name, "_GCM_")
		},
		kind:  keyOf, // Erlang chooses its certificate first
		hopes: func(accepted []uint16) prospects { return kin(version, accepted) },
	}
}

// open asks the first question of the first hand, once: whoever comes later
// waits for its answer.
func (v *versionScan) open(ctx context.Context, a *asker) {
	v.begin(0, func(q *question) *answer { return a.knock(ctx, q, v.first) })
}

// opening is the answer to the first question; it must have been opened.
func (v *versionScan) opening() *answer { return v.firsts[0] }

// begin asks the first question of a hand, once.
func (v *versionScan) begin(hand int, ask func(*question) *answer) {
	v.asked[hand].do(func() {
		v.firsts[hand] = ask(new(v.question(hand)))
		v.hands[hand].take(v.firsts[hand])
	})
}

// question is the first question of a hand. What its answer can show besides,
// without another round trip, is looked at.
func (v *versionScan) question(hand int) question {
	q := *v.hands[hand].next()
	switch {
	case v.version == wire.TLS13 && v.chains:
		q.key, _ = handshake.NewKey(x25519)
		q.until, q.suffices = untilCertificate, true
	case v.version == wire.TLS12 && (v.chains || v.groups):
		q.until, q.suffices = untilKeyExchange, true
	}
	q.extra = v.orOlder(hand)
	return q
}

// orOlder has the first question of TLS 1.1 ask for all that is older too: by its own
// version of most servers, by a list of those that know TLS 1.3.
func (v *versionScan) orOlder(hand int) []wire.Extension {
	if v.version != wire.TLS11 || hand > 0 {
		return nil
	}
	return []wire.Extension{wire.SupportedVersions(wire.TLS11, wire.TLS10, wire.SSL30)}
}

// x25519 is the group that most servers accept.
const x25519 = 0x001D

// run asks the rest; without all, only until the version is known. A refusal of
// the version as such needs no further hand.
func (v *versionScan) run(ctx context.Context, a *asker, all bool) {
	defer v.looked.open()
	defer v.matched.open()
	switch {
	case v.opening().wrongVersion():
	case all:
		v.deal(ctx, a)
		v.passOlder(ctx, a)
		v.doubt(ctx, a)
	default:
		v.settle(ctx, a)
	}
}

// release lets all go on that wait for the version, even if a bug ended its scan.
func (v *versionScan) release() {
	for _, g := range []*gate{&v.known, &v.looked, &v.matched, &v.done} {
		g.open()
	}
	if v.beside != nil {
		v.beside.parted.open()
	}
}

// deal plays all hands to their ends.
func (v *versionScan) deal(ctx context.Context, a *asker) {
	played, tables := make([]hands, len(v.hands)), make([]*table, len(v.hands))
	for i := range tables {
		tables[i] = v.table(ctx, a, i)
	}
	l := v.newLate(ctx, a, tables)
	var g, looking crew
	playsLate := false
	defer func() { // even if a bug ended it
		for _, t := range tables {
			t.clear()
		}
		if l.rider != nil && !playsLate {
			l.rider.settled.open()
		}
		g.Wait()
	}()
	for i := range v.hands {
		looking.Go(func() {
			switch {
			case i < prompt || !l.together(ctx):
				v.look(ctx, a, i)
				dealt := v.match(i)
				l.soon(ctx)
				g.Go(func() { played[i] = v.play(ctx, a, tables[i], dealt) })
			case i == prompt:
				playsLate = true
				g.Go(func() { played[i] = l.play(ctx, a) })
			}
		})
	}
	looking.Wait()
	v.looked.open()
	g.Wait()
	v.hands = slices.Concat(played...)
}

// look asks the first question of a hand.
func (v *versionScan) look(ctx context.Context, a *asker, i int) {
	v.begin(i, func(q *question) *answer {
		if i == 1 && v.early != nil {
			return v.early.settle(ctx, a)
		}
		return a.askFirst(ctx, q)
	})
}

// table is where a hand is played.
func (v *versionScan) table(ctx context.Context, a *asker, i int) *table {
	t := &table{asker: a}
	if v.version == wire.TLS12 && i == 0 {
		t.onRefusal = func(next []uint16, refused hands, found []uint16) bool {
			v.doubted = v.doubtEarly(ctx, a, next, refused, found)
			if v.doubted != nil {
				v.fieldlessEarly(ctx, a, found)
			}
			return v.doubted != nil
		}
	}
	return t
}

// play plays one of the dealt hands, which may be cut to several by now.
func (v *versionScan) play(ctx context.Context, a *asker, t *table, dealt hands) hands {
	played := t.play(ctx, dealt)
	return append(played, v.runSmaller(ctx, a, v.smaller(played))...)
}

// runSmaller plays what smaller dealt.
func (v *versionScan) runSmaller(ctx context.Context, a *asker, smaller hands) hands {
	smaller.run(ctx, a)
	if len(smaller.accepted()) > 0 {
		v.choked.Store(true)
	}
	return smaller
}

// smaller deals anew, to hands that any server can read, what was refused in a
// larger one without anything of it being accepted, once the version is known to
// be spoken.
func (v *versionScan) smaller(of hands) (smaller hands) {
	for _, hand := range of {
		if v.spoken.Load() && !hand.wasRead() && len(hand.rest) > manySuites {
			smaller = append(smaller, deal(v.by, hand.rest, piecesOf(hand.rest))...)
			hand.rest = nil
		}
	}
	return smaller
}

// settle asks each hand once, until one is accepted.
func (v *versionScan) settle(ctx context.Context, a *asker) {
	for _, hand := range v.hands {
		if v.spoken.Load() {
			return
		}
		hand.step(ctx, a)
	}
}

// answer is whether the version is spoken. With every suite, group and scheme
// on offer, a refusal of all hands is a refusal of the version.
func (v *versionScan) answer() results.Answer {
	switch {
	case v.spoken.Load():
		return results.Yes
	case v.opening().wrongVersion(), v.denied, len(v.hands.undetermined()) == 0:
		return results.No
	}
	return results.Unknown
}

// breaksDown reports whether the server said internal_error twice to some hands, and
// refused the others. Beside a newer version that it speaks, that is how OpenSSL 3
// says that its security level forbids what the version is signed with (MD5 and SHA-1).
func (v *versionScan) breaksDown() (internal bool) {
	for _, hand := range v.hands {
		if !hand.ended() {
			return false
		}
		broke := hand.last.failure.Kind == results.KindAlert && hand.last.failure.Alert == wire.AlertName(80)
		if !broke && hand.last.outcome != refused {
			return false
		}
		internal = internal || broke
	}
	return internal
}

// rememberBreakdown has those questions put again of which breaksDown makes a refusal.
func (v *versionScan) rememberBreakdown(a *asker) {
	if v.version >= wire.TLS12 || v.spoken.Load() || !v.breaksDown() {
		return
	}
	for i, hand := range v.hands {
		if hand.last.outcome == failed {
			q := v.by.ask(hand.rest)
			q.extra = v.orOlder(i)
			a.temper.remember(&q, hand.last)
		}
	}
}

// undetermined lists the suites that got no usable answer.
func (v *versionScan) undetermined() []uint16 {
	if v.opening().wrongVersion() {
		return nil
	}
	return v.hands.undetermined()
}
