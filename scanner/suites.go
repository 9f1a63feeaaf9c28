// Versions and suites: which versions a server speaks, and which suites in
// each. Both come from the same questions: a version is spoken if one of its
// suites is accepted.

package scanner

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
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

// sharesOf says how a version's suites are dealt. Suites that want an ECDSA
// certificate stand apart: some servers (HAProxy) choose the certificate first,
// by what the hello allows, and then find no suite for it although they have
// others. So do odd ones: some servers (mbed TLS) choose one that they cannot do,
// and then refuse whatever else was offered with it.
func sharesOf(version uint16) []func(*wire.SuiteInfo) bool {
	ecdsa := func(s *wire.SuiteInfo) bool { return s.Auth == "ECDSA" && !odd(s) }
	rsa := func(s *wire.SuiteInfo) bool { return s.Auth == "RSA" && !odd(s) }
	oddRSA := func(s *wire.SuiteInfo) bool { return s.Auth == "RSA" && odd(s) }
	others := func(s *wire.SuiteInfo) bool { return s.Auth != "RSA" && !ecdsa(s) }
	switch version {
	case wire.TLS13, wire.SSL30: // no ECDSA certificates before TLS 1.0 (RFC 4492)
		return []func(*wire.SuiteInfo) bool{func(*wire.SuiteInfo) bool { return true }}
	case wire.TLS12:
		return []func(*wire.SuiteInfo) bool{rsa, ecdsa, oddRSA, others}
	}
	strange := func(s *wire.SuiteInfo) bool { return s.Auth == "ECDSA" || odd(s) }
	return []func(*wire.SuiteInfo) bool{func(s *wire.SuiteInfo) bool { return !strange(s) }, strange}
}

// odd reports whether hardly any server accepts a suite.
func odd(s *wire.SuiteInfo) bool { return rareness(s) >= 3 || strings.Contains(s.Name, "_ARIA_") }

// candidates lists every suite that may be asked for in a version, likely ones
// first. Suites of TLS 1.2 are asked for in older versions too: that a server
// must not accept them there does not say that it does not. The slice is
// shared: do not change it.
func candidates(version uint16) []uint16 { return offersOf(version).suites }

// likely lists the candidates that most servers have some of: for questions in
// which any suite will do. The slice is shared.
func likely(version uint16) []uint16 { return offersOf(version).likely }

// rare13 lists the candidates of TLS 1.3 that hardly any server accepts.
func rare13() []uint16 {
	return slices.DeleteFunc(slices.Clone(candidates(wire.TLS13)), universal)
}

// offered is what can be offered in a version. shares are the suites as they are
// dealt.
type offered struct {
	suites, likely, groups, schemes []uint16
	shares                          [][]uint16
	groupsWritten, schemesWritten   wire.Extension
}

// offersOf gives what can be offered in a version.
func offersOf(version uint16) *offered {
	switch version {
	case wire.TLS13:
		return newest()
	case wire.TLS12:
		return tls12()
	case wire.SSL30:
		return oldest()
	}
	return older()
}

// The tables are made once, when they are first needed.
var (
	newest = sync.OnceValue(func() *offered { return makeOffers(wire.TLS13) })
	tls12  = sync.OnceValue(func() *offered { return makeOffers(wire.TLS12) })
	older  = sync.OnceValue(func() *offered { return makeOffers(wire.TLS11) })
	oldest = sync.OnceValue(func() *offered { return makeOffers(wire.SSL30) })
)

func makeOffers(version uint16) *offered {
	o := &offered{suites: suitesUpTo(version, rarest), likely: suitesUpTo(version, 0), groups: makeGroups(version), schemes: makeSchemes(version)}
	for _, of := range sharesOf(version) {
		share := suitesWith(o.suites, of)
		pieces := 1
		if version == wire.TLS12 { // there the large one is seldom accepted
			pieces = piecesOf(share)
		}
		o.shares = append(o.shares, spread(share, pieces)...)
	}
	all := question{version: version, groups: o.groups, schemes: o.schemes}
	o.groupsWritten, o.schemesWritten = wire.SupportedGroups(o.groups), wire.SignatureAlgorithms(all.offeredSchemes())
	return o
}

func suitesUpTo(version uint16, rare int) []uint16 {
	var ids []uint16
	for _, s := range likeliestFirst() {
		if s.newest == (version == wire.TLS13) && s.rareness <= rare {
			ids = append(ids, s.id)
		}
	}
	return ids
}

// placedSuite is a suite and what places it.
type placedSuite struct {
	id              uint16
	newest          bool // of TLS 1.3
	rareness, place int
	auth, kx        string
}

// likeliestFirst sorts all suites. A server has one kind of key, or a kind of
// exchange, or not: suites that go together stand together, so that hands get
// equal shares of them. DHE stands last: a server that has no parameters for it
// may choose it all the same (Dovecot), and then refuse whatever else was offered
// with it.
var likeliestFirst = sync.OnceValue(func() []placedSuite {
	late := []string{"RSA", "DHE"}
	all := make([]placedSuite, 0, len(wire.Suites()))
	for _, s := range wire.Suites() {
		all = append(all, placedSuite{uint16(s.ID), s.First == wire.TLS13, rareness(s), slices.Index(late, s.Kx), s.Auth, s.Kx})
	}
	slices.SortStableFunc(all, func(a, b placedSuite) int {
		return cmp.Or(a.rareness-b.rareness, strings.Compare(a.auth, b.auth), a.place-b.place, strings.Compare(a.kx, b.kx))
	})
	return all
})

// rarest is the most that rareness gives.
const rarest = 4

// rareness sorts suites by how likely a server is to accept them.
func rareness(s *wire.SuiteInfo) int {
	usual := s.Kx == "ECDHE" || s.Kx == "DHE" || s.Kx == "RSA" || s.Kx == "any"
	signed := s.Auth == "RSA" || s.Auth == "ECDSA" || s.Auth == "any"
	switch {
	case !s.Registered:
		return rarest
	case !usual:
		return 3
	case !signed:
		return 2
	case s.Strength == "aead-fs", s.Strength == "cbc-fs", s.Strength == "aead-no-fs", s.Strength == "cbc-no-fs", s.Strength == "tls13-aead":
		return 0
	}
	return 1
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
	defer func() { // even if a bug ended it
		for _, t := range tables {
			t.clear()
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

// manySuites is more than some servers read: wolfSSL refuses 151.
const manySuites = 128

// piecesOf is in how many parts any server can read suites.
func piecesOf(suites []uint16) int { return (len(suites) + manySuites - 1) / manySuites }

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

// usualRank is the usual order of accepted suites that agrees best with what the
// server chose.
func usualRank(accepted []uint16, seen []offer) func(uint16) int {
	seen = only(accepted, seen)
	var best func(uint16) int
	least := -1
	for _, rank := range usualRanks() {
		if n := disagreements(seen, rank); least < 0 || n < least {
			best, least = rank, n
		}
	}
	return best
}

// only leaves of what was offered some ids.
func only(ids []uint16, seen []offer) []offer {
	wanted := map[uint16]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	kept := make([]offer, len(seen))
	for i, o := range seen {
		kept[i].choice = o.choice
		for _, id := range o.ids {
			if wanted[id] {
				kept[i].ids = append(kept[i].ids, id)
			}
		}
	}
	return kept
}

// disagreements counts what a ranking has before a choice that the server made in
// spite of it.
func disagreements(seen []offer, rank func(uint16) int) int {
	n := 0
	for _, o := range seen {
		chosen := rank(o.choice)
		for _, id := range o.ids {
			n += asInt(rank(id) < chosen)
		}
	}
	return n
}

// usualOrder sorts suites as most servers do, for those that have no order of
// their own.
func usualOrder(ids []uint16) []uint16 {
	rank := usualRanks()[0]
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b uint16) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	return ids
}

// usualRanks are the orders that servers usually have, as functions that place
// a suite: OpenSSL's and those made from it, with long keys first; Mozilla's and
// Go's, with short ones first; AWS's, where the length of the key comes before
// all else; Go's own.
// Some choose the certificate first: each order comes also with all of RSA before
// all of ECDSA, and the other way round.
var usualRanks = sync.OnceValue(func() (ranks []func(uint16) int) {
	var (
		longFirst  = []string{"_256_ CHACHA20", "_128_"}
		shortFirst = []string{"_128_", "_256_", "CHACHA20"}
	)
	by := func(lengths []string, lengthWeight int) func(uint16) int {
		return placed(func(s *wire.SuiteInfo) int { return place(s, lengths, lengthWeight) })
	}
	plain := []func(uint16) int{by(longFirst, 1<<9), by(shortFirst, 1<<9), by(shortFirst, 1<<13), placed(placeOfGo)}
	ranks = slices.Clone(plain)
	for _, first := range []string{"RSA", "ECDSA"} {
		for _, rank := range plain {
			ranks = append(ranks, func(id uint16) int { return rank(id) + 1<<20*asInt(authOf(id) != first) })
		}
	}
	return ranks
})

// placed places suites, each when it is asked for the first time: of all that
// there are a server has few.
func placed(place func(*wire.SuiteInfo) int) func(uint16) int {
	var mu sync.Mutex
	places := map[uint16]int{}
	return func(id uint16) int {
		mu.Lock()
		defer mu.Unlock()
		at, known := places[id]
		if !known {
			at = place(wire.LookupSuite(id))
			places[id] = at
		}
		return at
	}
}

// place puts what encrypts before what does not, ephemeral before static,
// authenticated encryption before CBC, newer hashes first; key lengths in the
// order and with the weight given; then by cipher, key exchange and signature.
func place(s *wire.SuiteInfo, lengths []string, lengthWeight int) int {
	return 1<<16*position(s.Strength, "aead cbc tls13 rc4 64bit low export anon", "null") +
		1<<15*position(s.Kx, "ECDHE DHE any") +
		1<<12*position(s.Strength, "aead tls13") +
		1<<10*position(s.Name+"$", "SHA256$ SHA384$ _GCM_ POLY1305 CCM", "SHA$") +
		lengthWeight*position(s.Name, lengths...) +
		1<<5*position(s.Name, "_AES_256_GCM _AES_128_GCM", "CHACHA20", "AES_256_CBC AES_128_CBC", "CCM_8", "CCM", "ARIA", "CAMELLIA") +
		1<<3*position(s.Kx, "ECDHE", "DHE") +
		position(s.Auth, "ECDSA", "DSS", "RSA")
}

// placeOfGo is crypto/tls's for clients that do not begin with AES-GCM, which ours
// seldom do: what is off by default stands last.
func placeOfGo(s *wire.SuiteInfo) int {
	off := []string{"_3DES_", "_CBC_SHA256", "_RC4_"}
	return 1<<16*((position(s.Name, off...)+1)%(len(off)+1)) +
		1<<15*position(s.Kx, "ECDHE any") +
		1<<12*position(s.Strength, "aead tls13") +
		1<<9*position(s.Name, "CHACHA20", "_128_", "_256_") +
		position(s.Auth, "ECDSA", "DSS", "RSA")
}

// position is the first of some lists of words, spaces between, of which a text
// contains a word; their number if it contains none.
func position(text string, lists ...string) int {
	return max(slices.IndexFunc(append(lists, ""), func(list string) bool {
		return list == "" || slices.ContainsFunc(strings.Fields(list), func(word string) bool { return strings.Contains(text, word) })
	}), 0)
}
