// Match: which suites of a version are enumerated together with its groups.

package scanner

import (
	"slices"

	"shakedown/scanner/wire"
)

// match pairs what is hoped for of a hand with groups, if the first answer showed
// one, and gives the hands to play. In TLS 1.2 that is one for RSA certificates
// where there are such: see groupsOfCurves.
func (v *versionScan) match(i int) hands {
	hand := v.hands[i]
	switch {
	case !v.groups || i > 1 || i == 1 && v.showsGroup(0):
		return hands{hand}
	case !v.showsGroup(i):
		if i == 1 || v.version == wire.TLS13 {
			v.matched.open()
		}
		return hands{hand}
	}
	defer v.matched.open()
	hopes := kin(v.version, hand.accepted)
	rest := hand.part(func(id uint16) bool { return hopes.of(id) < high || !usesGroup(id) })
	rest.remote = true
	if v.version == wire.TLS13 {
		rest.early = v.early
	}
	v.beside = v.pairing(hand.accepted[0], v.firsts[i])
	hand.beside = v.beside
	return hands{hand, rest}
}

// usesGroup reports whether a suite's key exchange is in a group of the
// handshake's choosing.
func usesGroup(id uint16) bool {
	s := wire.LookupSuite(id)
	return s.Kx == "ECDHE" || s.First == wire.TLS13
}

// rareGroups asks TLS 1.3 for the groups that are left of all when X25519 was accepted
// and what goes together with it is put aside.
func (v *versionScan) rareGroups() question {
	by := groupsIn(v.version, v.name, likely(v.version))
	hopes := by.hopes([]uint16{x25519})
	return by.ask(slices.DeleteFunc(slices.Clone(groupsOf(v.version)), func(id uint16) bool { return hopes.of(id) == high }))
}

// showsGroup reports whether the first answer to a hand did.
func (v *versionScan) showsGroup(i int) bool {
	got := v.firsts[i]
	if got.outcome != accepted || !usesGroup(got.hello.Suite) {
		return false
	}
	group, _ := groupOf(got)
	return group != 0
}

// groupOf is the group that an answer shows. It is 0 where the answer says that there is
// none in common, as wolfSSL does by a HelloRetryRequest that asks for nothing; ok is
// false where it does not say.
func groupOf(got *answer) (group uint16, ok bool) {
	switch share, ok := got.hello.KeyShare(); {
	case ok:
		return share.Group, share.Group != 0
	case got.hello.IsRetry():
		return 0, got.hello.Cookie() == nil
	case got.keyExchange != nil:
		return got.keyExchange.Group, got.keyExchange.Group != 0
	}
	return 0, false
}

// pairing begins to enumerate groups, with a suite that is known to use them.
func (v *versionScan) pairing(suite uint16, first *answer) *pairing {
	suites := suitesWith(likely(v.version), func(s *wire.SuiteInfo) bool { return usesGroup(uint16(s.ID)) && s.Auth == authOf(suite) })
	if !slices.Contains(suites, suite) {
		suites = append(suites, suite)
	}
	by := groupsIn(v.version, v.name, suites)
	p := &pairing{groups: &elimination{enumerator: by, rest: groupsOf(v.version)}}
	p.ask = func(suites, groups []uint16) question {
		q := by.ask(groups)
		q.suites, q.suffices = suites, true
		return q
	}
	p.groups.takeOpening(first)
	p.groups.after = &p.parted
	if v.version == wire.TLS13 && !v.order {
		hopes := by.hopes(p.groups.accepted)
		p.others = hands{p.groups.part(func(id uint16) bool { return hopes.of(id) < high })}
		p.others[0].remote, p.others[0].early = true, v.earlyGroups
	}
	return p
}
