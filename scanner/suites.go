// Versions and suites: which versions a server speaks, and which suites in
// each. Both come from the same questions: a version is spoken if one of its
// suites is accepted.

package scanner

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// enumerator asks for one kind of code point: it puts candidates into a
// question and finds the chosen one in the answer.
type enumerator struct {
	ask    func(offered []uint16) question
	chosen func(answer) uint16
	// favourite marks what a server with an order of its own may still let a
	// client push to the front; nil if there is no such thing.
	favourite func(uint16) bool
}

// suitesIn enumerates suites of a version.
func suitesIn(version uint16, serverName string) enumerator {
	return enumerator{
		ask:    func(offered []uint16) question { return usual(version, serverName, offered) },
		chosen: func(got answer) uint16 { return got.hello.Suite },
		// OpenSSL's PRIORITIZE_CHACHA, for clients without AES in hardware.
		favourite: func(id uint16) bool { return strings.Contains(wire.LookupSuite(id).Name, "CHACHA20") },
	}
}

// versionScan is the enumeration of one version. Its suites are dealt into
// disjoint hands, so that they are asked for side by side and no hello is
// large; each hand ends in a refusal of its own.
type versionScan struct {
	version uint16
	by      enumerator
	hands   []*elimination
	opened  bool
	opening answer // to the first hand's first question
	vouch   bool   // check the refusals: one more connection
}

func newVersionScan(version uint16, serverName string) *versionScan {
	v := &versionScan{version: version, by: suitesIn(version, serverName)}
	for _, hand := range hands(version) {
		v.hands = append(v.hands, &elimination{enumerator: v.by, rest: hand})
	}
	return v
}

// hands deals a version's suites: more hands are quicker, each costs one
// connection. Odd suites have hands of their own: some servers choose an odd one
// that they cannot do, and then refuse whatever else was offered with it.
func hands(version uint16) [][]uint16 {
	ids := candidates(version)
	if version == wire.TLS13 {
		return [][]uint16{ids}
	}
	n := 1
	if version == wire.TLS12 {
		n = 3 // it has most of the suites that servers accept
	}
	odd := slices.IndexFunc(ids, func(id uint16) bool { return rareness(wire.LookupSuite(id)) >= oddRareness })
	return slices.Concat(deal(ids[:odd], n), deal(ids[odd:], n))
}

// candidates lists every suite that may be asked for in a version, likely ones
// first. Suites of TLS 1.2 are asked for in older versions too: that a server
// must not accept them there does not say that it does not.
func candidates(version uint16) []uint16 {
	var all []wire.SuiteInfo
	for _, s := range wire.Suites() {
		if (s.First == wire.TLS13) == (version == wire.TLS13) {
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b wire.SuiteInfo) int { return cmp.Compare(rareness(a), rareness(b)) })
	ids := make([]uint16, len(all))
	for i, s := range all {
		ids[i] = uint16(s.ID)
	}
	return ids
}

// oddRareness is where the suites begin that hardly any server accepts.
const oddRareness = 3

// rareness sorts suites by how likely a server is to accept them, so that
// dealing spreads the likely ones evenly.
func rareness(s wire.SuiteInfo) int {
	usual := s.Kx == "ECDHE" || s.Kx == "DHE" || s.Kx == "RSA" || s.Kx == "any"
	signed := s.Auth == "RSA" || s.Auth == "ECDSA" || s.Auth == "any"
	switch {
	case !s.Registered:
		return 4
	case !usual, strings.Contains(s.Name, "_ARIA_"):
		return oddRareness
	case !signed:
		return 2
	case s.Strength == "aead-fs", s.Strength == "cbc-fs", s.Strength == "aead-no-fs", s.Strength == "cbc-no-fs", s.Strength == "tls13-aead":
		return 0
	}
	return 1
}

// deal spreads ids over n hands, one by one.
func deal(ids []uint16, n int) [][]uint16 {
	hands := make([][]uint16, n)
	for i, id := range ids {
		hands[i%n] = append(hands[i%n], id)
	}
	return hands
}

// open asks the first question of the first hand.
func (v *versionScan) open(ctx context.Context, a *asker) {
	v.opened = true
	if q := v.hands[0].next(nil); q != nil {
		v.opening = a.ask(ctx, *q)
		v.hands[0].take(v.opening)
	}
}

// run asks the rest; without all, only until the version is known. A refusal of
// the version as such needs no further hand.
func (v *versionScan) run(ctx context.Context, a *asker, all bool) {
	if !v.opening.settled() || v.opening.wrongVersion() {
		return
	}
	if !all {
		v.settle(ctx, a)
		return
	}
	var g errgroup.Group
	for _, hand := range v.hands {
		g.Go(func() error {
			hand.run(ctx, a)
			return nil
		})
	}
	g.Wait()
	if v.vouch && v.deceived(ctx, a) {
		v.oneByOne(ctx, a)
	}
}

// deceived reports whether the refusals of whole hands are not to be believed:
// of the suites that every library has, those that were refused among others
// are asked for by themselves. They are for one kind of certificate: what
// servers choose and cannot do is often for one that they do not have.
func (v *versionScan) deceived(ctx context.Context, a *asker) bool {
	found := v.accepted()
	auth := "RSA"
	if i := slices.IndexFunc(found, func(id uint16) bool { return rareness(wire.LookupSuite(id)) == 0 }); i >= 0 {
		auth = wire.LookupSuite(found[i]).Auth
	}
	refused := slices.DeleteFunc(common(auth), func(id uint16) bool { return slices.Contains(found, id) })
	if len(refused) == 0 {
		return false
	}
	return a.ask(ctx, v.by.ask(refused)).outcome == accepted
}

// oneByOne gives every suite that was refused a hand of its own.
func (v *versionScan) oneByOne(ctx context.Context, a *asker) {
	var g errgroup.Group
	for _, hand := range v.hands {
		for _, id := range hand.rest {
			single := &elimination{enumerator: v.by, rest: []uint16{id}}
			v.hands = append(v.hands, single)
			g.Go(func() error {
				single.run(ctx, a)
				return nil
			})
		}
		hand.rest = nil
	}
	g.Wait()
}

// common lists the suites of TLS 1.2 and older that every library has, for one
// kind of certificate.
func common(auth string) []uint16 {
	var ids []uint16
	for _, id := range candidates(wire.TLS12) {
		s := wire.LookupSuite(id)
		if rareness(s) == 0 && s.Auth == auth && strings.Contains(s.Name, "_AES_") && !strings.Contains(s.Name, "_CCM") {
			ids = append(ids, id)
		}
	}
	return ids
}

// settle asks each hand once, until one is accepted.
func (v *versionScan) settle(ctx context.Context, a *asker) {
	for _, hand := range v.hands {
		if len(v.accepted()) > 0 {
			return
		}
		if q := hand.next(nil); q != nil {
			hand.take(a.ask(ctx, *q))
		}
	}
}

// answer is whether the version is spoken. With every suite, group and scheme
// on offer, a refusal of all hands is a refusal of the version.
func (v *versionScan) answer() results.Answer {
	if len(v.accepted()) > 0 {
		return results.Yes
	}
	if v.opening.wrongVersion() {
		return results.No
	}
	for _, hand := range v.hands {
		if len(hand.undetermined()) > 0 {
			return results.Unknown
		}
	}
	return results.No
}

// accepted lists the accepted suites, hand by hand.
func (v *versionScan) accepted() []uint16 {
	var ids []uint16
	for _, hand := range v.hands {
		ids = append(ids, hand.accepted...)
	}
	return ids
}

// offers lists every choice that was seen.
func (v *versionScan) offers() []offer {
	var all []offer
	for _, hand := range v.hands {
		all = append(all, hand.offers...)
	}
	return all
}

// undetermined lists the suites that got no usable answer.
func (v *versionScan) undetermined() []uint16 {
	if v.opening.wrongVersion() {
		return nil
	}
	var ids []uint16
	for _, hand := range v.hands {
		ids = append(ids, hand.undetermined()...)
	}
	return ids
}

// guess is an order of the accepted suites to try first as the server's: each
// hand's is known, and between hands stronger goes first, as most servers have
// it.
func (v *versionScan) guess() []uint16 {
	var orders [][]uint16
	for _, hand := range v.hands {
		orders = append(orders, hand.accepted)
	}
	return merge(orders, func(a, b uint16) bool { return usualRank(a) < usualRank(b) })
}

// usualOrder sorts suites as most servers do, for those that have no order of
// their own.
func usualOrder(ids []uint16) []uint16 {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b uint16) int { return cmp.Or(cmp.Compare(usualRank(a), usualRank(b)), cmp.Compare(a, b)) })
	return ids
}

// usualRank places a suite as OpenSSL's default order and the lists made from
// it do: ephemeral before static, authenticated encryption before CBC, ECDHE
// before DHE, longer keys first.
func usualRank(id uint16) int {
	s := wire.LookupSuite(id)
	rank := 0
	score := func(points int, yes bool) {
		if !yes {
			rank += points
		}
	}
	score(64, strings.HasSuffix(s.Strength, "-fs") && !strings.HasSuffix(s.Strength, "no-fs"))
	score(32, strings.HasPrefix(s.Strength, "aead"))
	score(16, strings.Contains(s.Name, "_256_"))
	score(8, s.Kx == "ECDHE")
	score(4, s.Auth == "ECDSA")
	score(2, strings.Contains(s.Name, "_GCM_") || strings.HasSuffix(s.Name, "SHA384") || strings.HasSuffix(s.Name, "SHA256"))
	return rank
}
