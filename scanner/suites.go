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

	"golang.org/x/sync/errgroup"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// versionScan is the enumeration of one version. Others wait on it: until
// known, for whether the version is spoken; until done, for its suites.
type versionScan struct {
	version uint16
	by      enumerator
	hands   hands
	begun   atomic.Bool
	first   *answer // to the first question, if it was put before the others
	opened  gate    // the first question was answered,
	opening answer  // by this, in the end
	fewer   bool    // deal fewer hands: there is enough to do side by side

	spoken atomic.Bool // some suite was accepted
	known  gate
	parted gate // suites go along with groups no longer
	done   gate
}

// gate is closed until somebody opens it.
type gate struct {
	once sync.Once
	c    chan struct{}
}

func newGate() gate      { return gate{c: make(chan struct{})} }
func (g *gate) open()    { g.once.Do(func() { close(g.c) }) }
func (g *gate) through() { <-g.c }

func (g *gate) isOpen() bool {
	select {
	case <-g.c:
		return true
	default:
		return false
	}
}

func newVersionScan(version uint16, serverName string) *versionScan {
	v := &versionScan{version: version, by: suitesIn(version, serverName), opened: newGate(), known: newGate(), parted: newGate(), done: newGate()}
	v.by.onAccept = v.speaks
	for _, share := range offersOf(version).shares {
		v.hands = append(v.hands, deal(v.by, share.suites, 1)...)
	}
	return v
}

// speaks notes that a suite was accepted.
func (v *versionScan) speaks() {
	v.spoken.Store(true)
	v.known.open()
}

// suitesIn enumerates suites of a version.
func suitesIn(version uint16, serverName string) enumerator {
	return enumerator{
		ask:    func(offered []uint16) question { return usual(version, serverName, offered) },
		chosen: func(got answer) uint16 { return got.hello.Suite },
		// OpenSSL's PRIORITIZE_CHACHA, for clients without AES in hardware.
		favourite: func(id uint16) bool { return strings.Contains(wire.LookupSuite(id).Name, "CHACHA20") },
		kind:      keyOf, // Erlang chooses its certificate first
		hopes:     kinLeft,
	}
}

// kinLeft reports whether a likely suite is left whose kind was accepted. OpenSSL
// and those made from it have no Camellia in GCM.
func kinLeft(accepted, rest []uint16) bool {
	hoped := func(s wire.SuiteInfo) bool {
		return rareness(s) == 0 && !(strings.Contains(s.Name, "_CAMELLIA_") && strings.Contains(s.Name, "_GCM_"))
	}
	return slices.ContainsFunc(rest, func(id uint16) bool {
		s := wire.LookupSuite(id)
		return hoped(s) && slices.ContainsFunc(accepted, func(a uint16) bool {
			other := wire.LookupSuite(a)
			return other.Kx == s.Kx && other.Auth == s.Auth
		})
	})
}

// dealing is a part of a version's suites, and in how many hands it is dealt once
// something of it was accepted: more are quicker, each costs one connection.
type dealing struct {
	hands int
	of    func(wire.SuiteInfo) bool
}

// dealsOf says how a version's suites are dealt. Suites that want an ECDSA
// certificate stand apart: some servers (HAProxy) choose the certificate first,
// by what the hello allows, and then find no suite for it although they have
// others. So do odd ones: some servers (mbed TLS) choose one that they cannot do,
// and then refuse whatever else was offered with it.

func dealsOf(version uint16) []dealing {
	ecdsa := func(s wire.SuiteInfo) bool { return s.Auth == "ECDSA" && !odd(s) }
	rsa := func(s wire.SuiteInfo) bool { return s.Auth == "RSA" && !odd(s) }
	oddRSA := func(s wire.SuiteInfo) bool { return s.Auth == "RSA" && odd(s) }
	others := func(s wire.SuiteInfo) bool { return s.Auth != "RSA" && !ecdsa(s) }
	switch version {
	case wire.TLS13, wire.SSL30: // no ECDSA certificates before TLS 1.0 (RFC 4492)
		return []dealing{{1, func(wire.SuiteInfo) bool { return true }}}
	case wire.TLS12:
		return []dealing{{3, rsa}, {1, oddRSA}, {2, ecdsa}, {1, others}}
	}
	strange := func(s wire.SuiteInfo) bool { return s.Auth == "ECDSA" || odd(s) }
	return []dealing{{1, func(s wire.SuiteInfo) bool { return !strange(s) }}, {1, strange}}
}

// odd reports whether hardly any server accepts a suite.
func odd(s wire.SuiteInfo) bool { return rareness(s) >= 3 || strings.Contains(s.Name, "_ARIA_") }

// candidates lists every suite that may be asked for in a version, likely ones
// first. Suites of TLS 1.2 are asked for in older versions too: that a server
// must not accept them there does not say that it does not. The slice is
// shared: do not change it.
func candidates(version uint16) []uint16 { return offersOf(version).suites }

// likely lists the candidates that most servers have some of: for questions in
// which any suite will do. The slice is shared.
func likely(version uint16) []uint16 { return offersOf(version).likely }

// offered is what can be offered in a version. shares are the suites as they are
// dealt.
type offered struct {
	suites, likely, groups, schemes []uint16
	shares                          []share
}

// share is the suites of a dealing.
type share struct {
	suites []uint16
	hands  int
}

// offersOf gives what can be offered in a version.
func offersOf(version uint16) offered {
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
	newest = sync.OnceValue(func() offered { return makeOffers(wire.TLS13) })
	tls12  = sync.OnceValue(func() offered { return makeOffers(wire.TLS12) })
	older  = sync.OnceValue(func() offered { return makeOffers(wire.TLS11) })
	oldest = sync.OnceValue(func() offered { return makeOffers(wire.SSL30) })
)

func makeOffers(version uint16) offered {
	o := offered{suites: suitesUpTo(version, rarest), likely: suitesUpTo(version, 0), groups: makeGroups(version), schemes: makeSchemes(version)}
	for _, d := range dealsOf(version) {
		o.shares = append(o.shares, share{suitesWith(o.suites, d.of), d.hands})
	}
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
func rareness(s wire.SuiteInfo) int {
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
	if v.begun.Swap(true) {
		v.opened.through()
		return
	}
	defer v.opened.open()
	if q := v.hands[0].next(nil); q != nil {
		v.opening = a.knock(ctx, *q, v.first)
		v.hands[0].take(v.opening)
	}
}

// run asks the rest; without all, only until the version is known. A refusal of
// the version as such needs no further hand.
func (v *versionScan) run(ctx context.Context, a *asker, all bool) {
	defer v.done.open()
	defer v.known.open()
	switch {
	case v.opening.wrongVersion():
	case all:
		v.deal(ctx, a)
		v.doubt(ctx, a)
	default:
		v.settle(ctx, a)
	}
}

// deal plays all shares to their ends, each in one hand until something of it is
// accepted.
func (v *versionScan) deal(ctx context.Context, a *asker) {
	played := make([]hands, len(v.hands))
	var g errgroup.Group
	for i, share := range offersOf(v.version).shares {
		g.Go(func() error {
			hand := v.hands[i]
			if len(hand.accepted) == 0 {
				hand.step(ctx, a)
			}
			played[i] = hands{hand}
			if len(hand.accepted) > 0 {
				played[i] = hand.split(max(1, share.hands-asInt(v.fewer)))
			}
			played[i].run(ctx, a)
			smaller := v.smaller(played[i])
			smaller.run(ctx, a)
			played[i] = append(played[i], smaller...)
			return nil
		})
	}
	g.Wait()
	v.hands = slices.Concat(played...)
}

// doubt asks again for what was refused in a way that may not be meant.
func (v *versionScan) doubt(ctx context.Context, a *asker) {
	var g errgroup.Group
	smaller, doubtful := v.smaller(v.hands), v.doubtful()
	g.Go(func() error { smaller.run(ctx, a); return nil })
	deceived := len(doubtful) > 0 && a.ask(ctx, v.by.ask(doubtful)).outcome == accepted
	g.Wait()
	v.hands = append(v.hands, smaller...)
	if deceived {
		v.oneByOne(ctx, a)
	}
}

// manySuites is more than some servers read: wolfSSL refuses 151.
const manySuites = 128

// smaller deals anew, to hands that any server can read, what was refused in a
// larger one without anything of it being accepted, once the version is known to
// be spoken.
func (v *versionScan) smaller(of hands) (smaller hands) {
	for _, hand := range of {
		if n := len(hand.rest); v.spoken.Load() && len(hand.accepted) == 0 && n > manySuites {
			smaller = append(smaller, deal(v.by, hand.rest, (n+manySuites-1)/manySuites)...)
			hand.rest = nil
		}
	}
	return smaller
}

// doubtful lists suites of TLS 1.2 that every library has and that were refused
// among others: where they are accepted by themselves, the refusals of whole
// hands are not to be believed. They are for one kind of certificate: what
// servers choose and cannot do is often for one that they do not have.
func (v *versionScan) doubtful() []uint16 {
	if v.version != wire.TLS12 {
		return nil
	}
	found := v.hands.accepted()
	auth := "RSA"
	if i := slices.IndexFunc(found, func(id uint16) bool { return rareness(wire.LookupSuite(id)) == 0 }); i >= 0 {
		auth = wire.LookupSuite(found[i]).Auth
	}
	refused := slices.DeleteFunc(common(auth), func(id uint16) bool { return slices.Contains(found, id) })
	if rest := suitesWith(refused, func(s wire.SuiteInfo) bool { return s.Kx != "DHE" }); len(rest) > 0 {
		return rest
	}
	return refused
}

// oneByOne gives every suite that was refused a hand of its own.
func (v *versionScan) oneByOne(ctx context.Context, a *asker) {
	var singles hands
	for _, hand := range v.hands {
		singles = append(singles, deal(v.by, hand.rest, len(hand.rest))...)
		hand.rest = nil
	}
	singles.run(ctx, a)
	v.hands = append(v.hands, singles...)
}

// common lists the suites of TLS 1.2 and older that every library has, for one
// kind of certificate.
func common(auth string) []uint16 {
	return suitesWith(likely(wire.TLS12), func(s wire.SuiteInfo) bool {
		return s.Auth == auth && strings.Contains(s.Name, "_AES_") && !strings.Contains(s.Name, "_CCM")
	})
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
	case v.opening.wrongVersion(), len(v.hands.undetermined()) == 0:
		return results.No
	}
	return results.Unknown
}

// undetermined lists the suites that got no usable answer.
func (v *versionScan) undetermined() []uint16 {
	if v.opening.wrongVersion() {
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
// all else; Go's for clients that do not begin with AES-GCM, which ours seldom do.
// Some choose the certificate first: each order comes also with all of RSA before
// all of ECDSA, and the other way round. The tables behind them are made once,
// when they are first needed.
var usualRanks = sync.OnceValue(func() (ranks []func(uint16) int) {
	var (
		longFirst   = []string{"_256_ CHACHA20", "_128_"}
		shortFirst  = []string{"_128_", "_256_", "CHACHA20"}
		streamFirst = []string{"CHACHA20", "_128_", "_256_"}
	)
	plain := []func(uint16) int{placed(longFirst, 1<<9), placed(shortFirst, 1<<9), placed(shortFirst, 1<<13), placed(streamFirst, 1<<9)}
	ranks = slices.Clone(plain)
	for _, first := range []string{"RSA", "ECDSA"} {
		for _, rank := range plain {
			ranks = append(ranks, func(id uint16) int { return rank(id) + 1<<17*asInt(authOf(id) != first) })
		}
	}
	return ranks
})

// placed places every suite; it begins when it is asked for the first.
func placed(lengths []string, lengthWeight int) func(uint16) int {
	places := sync.OnceValue(func() map[uint16]int {
		places := map[uint16]int{}
		for _, s := range wire.Suites() {
			places[uint16(s.ID)] = place(s, lengths, lengthWeight)
		}
		return places
	})
	return func(id uint16) int { return places()[id] }
}

// place puts what encrypts before what does not, ephemeral before static,
// authenticated encryption before CBC, newer hashes first; key lengths in the
// order and with the weight given; then by cipher, key exchange and signature.
func place(s wire.SuiteInfo, lengths []string, lengthWeight int) int {
	return 1<<16*position(s.Strength, "aead cbc tls13 rc4 64bit low export anon", "null") +
		1<<15*position(s.Kx, "ECDHE DHE any") +
		1<<12*position(s.Strength, "aead tls13") +
		1<<10*position(s.Name+"$", "SHA256$ SHA384$ _GCM_ POLY1305 CCM", "SHA$") +
		lengthWeight*position(s.Name, lengths...) +
		1<<5*position(s.Name, "_AES_256_GCM _AES_128_GCM", "CHACHA20", "AES_256_CBC AES_128_CBC", "CCM_8", "CCM", "ARIA", "CAMELLIA") +
		1<<3*position(s.Kx, "ECDHE", "DHE") +
		position(s.Auth, "ECDSA", "DSS", "RSA")
}

// position is the first of some lists of words, spaces between, of which a text
// contains a word; their number if it contains none.
func position(text string, lists ...string) int {
	return max(slices.IndexFunc(append(lists, ""), func(list string) bool {
		return list == "" || slices.ContainsFunc(strings.Fields(list), func(word string) bool { return strings.Contains(text, word) })
	}), 0)
}
