// Doubt: refusals before TLS 1.3 that may not be meant. Some servers choose a suite
// that they cannot do, and then refuse whatever else was offered with it.

package scanner

import (
	"context"
	"slices"
	"strings"
	"sync"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// doubted is a question for suites that were refused, put while others are under
// way.
type doubted struct {
	suites []uint16
	got    answer // once it is done
	done   gate
}

// doubtEarly asks for what will be doubtful if the next question, for some suites, is
// refused like others before, and all that is hoped for elsewhere is accepted; nil if
// nothing will be, or if that cannot be told yet. next is nil where none is put.
func (v *versionScan) doubtEarly(ctx context.Context, a *asker, next []uint16, refusals hands, found []uint16) *doubted {
	hopes, refused := kin(v.version, found), refusals.rests()
	elsewhere := func(id uint16) bool { return !slices.Contains(refused, id) && !slices.Contains(next, id) }
	for _, id := range common(kindsOf(found)[0]) {
		if h := hopes.of(id); h == high && !slices.Contains(refused, id) || h == fair && next == nil && elsewhere(id) {
			found = append(found, id)
		}
	}
	d := &doubted{suites: without(v.doubtful(a, found), byThemselves(refusals))}
	isOpen := func(id uint16) bool {
		return elsewhere(id) || hopes.of(id) > faint && !slices.Contains(refused, id)
	}
	if len(d.suites) == 0 || slices.ContainsFunc(d.suites, isOpen) {
		return nil
	}
	a.apart(ctx, func(ctx context.Context) {
		defer d.done.open()
		d.got = *a.ask(ctx, new(v.byItself(d.suites)))
	})
	return d
}

// doubt asks again for what was refused in a way that may not be meant.
func (v *versionScan) doubt(ctx context.Context, a *asker) {
	var g crew
	smaller := v.smaller(v.hands)
	fieldless := v.fieldless()
	g.Go(func() { v.runSmaller(ctx, a, smaller) })
	all := v.doubtful(a, v.hands.accepted())
	alone := without(all, byThemselves(v.hands))
	if !onlyDHE(alone) {
		g.Go(func() { fieldless(ctx, a) })
	}
	var deceived, dhe bool
	if len(all) > 0 {
		deceived, dhe = v.deceives(ctx, a, alone)
	}
	if dhe {
		fieldless(ctx, a)
	}
	g.Wait()
	v.hands = append(v.hands, smaller...)
	v.leaveFields()
	if deceived {
		v.oneByOne(ctx, a)
	}
}

// deceives reports whether the server accepts by itself what it refused among others,
// and whether DHE without named fields, which was the way to ask if it was all. What is
// doubtful may be none if it was asked for by itself before.
func (v *versionScan) deceives(ctx context.Context, a *asker, doubtful []uint16) (others, dhe bool) {
	got := &answer{outcome: refused}
	if len(doubtful) > 0 {
		got = v.askAgain(ctx, a, doubtful)
	}
	if dhe = got.outcome == accepted && onlyDHE(doubtful); dhe {
		got = a.ask(ctx, new(v.by.ask(doubtful))) // was it for the fields, or for the company?
	}
	switch {
	case got.outcome == refused:
		v.mixIntolerant = results.No
	case got.outcome == accepted && v.refusesAmongOthers(ctx, a, got.hello.Suite):
		v.mixIntolerant = results.Yes
		return true, dhe
	}
	return false, dhe
}

// byItself asks for what is doubtful.
func (v *versionScan) byItself(doubtful []uint16) question {
	if onlyDHE(doubtful) {
		return withoutFields(v.by).ask(doubtful)
	}
	return v.by.ask(doubtful)
}

// refusesAmongOthers reports whether a suite that is accepted by itself is refused once
// more by a hand that it was refused with.
func (v *versionScan) refusesAmongOthers(ctx context.Context, a *asker, suite uint16) bool {
	i := slices.IndexFunc(v.hands, func(e *elimination) bool { return slices.Contains(e.rest, suite) })
	if i < 0 || len(v.hands[i].undetermined()) > 0 {
		return false
	}
	hand := v.hands[i]
	hand.last = nil
	if hand.step(ctx, a); hand.ended() {
		return hand.last.refuses()
	}
	a.temper.wavers.Store(true)
	hand.run(ctx, a)
	return false
}

// askAgain asks for what is doubtful, unless that was done before.
func (v *versionScan) askAgain(ctx context.Context, a *asker, doubtful []uint16) *answer {
	if d := v.doubted; d != nil && (d.wasRefused(doubtful) || slices.Equal(doubtful, d.suites)) {
		return &d.got
	}
	return a.ask(ctx, new(v.byItself(doubtful)))
}

// byThemselves lists common suites that were refused among none but such.
func byThemselves(refusals hands) (ids []uint16) {
	for _, e := range refusals {
		if e.ended() && !e.away && len(e.rest) > 0 && e.last.outcome == refused && len(without(e.rest, common(authOf(e.rest[0])))) == 0 {
			ids = append(ids, e.rest...)
		}
	}
	return ids
}

// without leaves out some ids.
func without(ids, out []uint16) []uint16 {
	return slices.DeleteFunc(slices.Clone(ids), func(id uint16) bool { return slices.Contains(out, id) })
}

// doubtful lists suites of TLS 1.2 that every library has and that are not among
// what was found: where they are accepted by themselves, the refusals of whole
// hands are not to be believed. They are for the first kind of certificate that
// was seen: what servers choose and cannot do is often for one that they do not have;
// for the others too where a server closes without a word, which hides all trouble.
// DHE is refused by all who have no parameters for it.
func (v *versionScan) doubtful(a *asker, found []uint16) []uint16 {
	if v.version != wire.TLS12 {
		return nil
	}
	kinds := kindsOf(found)
	if !a.closes.Load() {
		kinds = kinds[:1]
	}
	if rest := notDHE(without(common(kinds...), found)); len(rest) > 0 {
		return rest
	}
	return without(common(kinds[0]), found)
}

func notDHE(ids []uint16) []uint16 {
	return suitesWith(ids, func(s *wire.SuiteInfo) bool { return !isDHE(s) })
}

// oneByOne gives every suite that was refused a hand of its own.
func (v *versionScan) oneByOne(ctx context.Context, a *asker) {
	var singles hands
	for _, hand := range v.hands {
		singles = append(singles, deal(v.by, hand.rest, len(hand.rest))...)
		hand.rest = nil
	}
	singles.run(ctx, a)
	v.hands = v.hands.join(singles)
}

// common lists the suites of TLS 1.2 and older that every library has, for some
// kinds of certificate. The slice is shared: do not change it.
func common(auths ...string) []uint16 {
	if len(auths) == 1 {
		return commonSuites()[auths[0]]
	}
	var all []uint16
	for _, auth := range auths {
		all = append(all, commonSuites()[auth]...)
	}
	return all
}

var commonSuites = sync.OnceValue(func() map[string][]uint16 {
	by := map[string][]uint16{}
	for _, id := range likely(wire.TLS12) {
		if s := wire.LookupSuite(id); strings.Contains(s.Name, "_AES_") && !strings.Contains(s.Name, "_CCM") {
			by[s.Auth] = append(by[s.Auth], id)
		}
	}
	return by
})

// kindsOf lists for which kinds of certificate usual suites are, RSA if for none.
func kindsOf(ids []uint16) (auths []string) {
	for _, id := range ids {
		if s := wire.LookupSuite(id); rareness(s) == 0 && !slices.Contains(auths, s.Auth) {
			auths = append(auths, s.Auth)
		}
	}
	if len(auths) == 0 {
		return []string{"RSA"}
	}
	return auths
}
