// Pairing: suites and groups that are enumerated by the same questions, of which
// each takes away one of either.

package scanner

import (
	"context"
	"slices"
)

// pairing goes on for as long as something is hoped for of both. What is left
// then, suites and groups find out for themselves.
type pairing struct {
	groups *elimination
	others hands // groups that are enumerated by themselves
	ask    func(suites, groups []uint16) question
	parted gate
}

// pair plays a hand of suites together with groups, if it has any beside it.
func (t *table) pair(ctx context.Context, s *series, e *elimination) {
	p := e.beside
	if p == nil {
		return
	}
	defer p.parted.open()
	s.urgent = true
	for t.pairs(ctx, e) {
		suites, sure := p.suites(e)
		r := t.mount(e)
		defer r.getOff()
		got := s.ask(ctx, new(p.ask(r.beside(suites), p.groups.rest)), true)
		if r.alight(got, false) {
			continue
		}
		before := len(e.accepted)
		more := p.take(e, got, sure)
		t.note(e, before)
		if !more {
			return
		}
	}
}

// pairs reports whether something is hoped for of both.
func (t *table) pairs(ctx context.Context, e *elimination) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, hoped := e.beside, t.hoped(e)
	if hoped == 0 || e.ended() || p.groups.done() {
		return false
	}
	if hoped/2 > p.hoped() { // each half has a suite for every group, and one for a surprise
		t.divide(ctx, e)
	}
	return true
}

// hoped counts the groups that are likely to be accepted.
func (p *pairing) hoped() (n int) {
	hopes := p.groups.hopes(p.groups.accepted)
	for _, id := range p.groups.rest {
		n += asInt(hopes.of(id) == high)
	}
	return n
}

// suites is what to offer with the groups that are left. Unless one of those is
// hoped for, suites that were accepted before are on offer too, last, so that a
// refusal is sure to be one of the groups.
func (p *pairing) suites(e *elimination) (offered []uint16, sure bool) {
	if p.hoped() > 0 {
		return e.rest, false
	}
	return slices.Concat(e.rest, e.accepted), true
}

// take takes an answer for both, and reports whether they go on together.
func (p *pairing) take(e *elimination, got *answer, sure bool) (more bool) {
	if got.outcome != accepted {
		if sure {
			p.groups.take(got)
		}
		return false
	}
	suite, _ := e.chosen(got)
	group, _ := p.groups.chosen(got)
	more = slices.Contains(e.rest, suite)
	if more {
		e.accept(suite)
	}
	if group == 0 {
		return false // it was not said, or none
	}
	p.groups.take(got)
	return more && !p.groups.ended()
}
