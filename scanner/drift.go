// Drift: whether one address leads to servers that differ. A few cheap questions
// are put again and again; every connection may end at another server, so the
// answers to one question are held beside each other, never those of two.

package scanner

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"sync"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// repeats is how often a question is put at first, and maxRounds how often that
// is done where one answer came only once: two servers in turn give each answer
// several times by then.
const (
	repeats   = 8
	maxRounds = 3
)

// poll is one question and the answers that it got so far.
type poll struct {
	q     question
	known results.Answer // how it was answered before; "" if it was not put
	mu    sync.Mutex
	// sets are the different answers, each as facts, and how often each came.
	sets  map[string]map[string]string
	count map[string]int
	lost  int // exchanges without a usable answer
}

// runPath polls what has a stable answer on a single server: what is chosen in
// the newest versions, what certificate is shown, and whether an older version
// is spoken after all.
func (s *session) runPath(ctx context.Context) {
	polls := s.polls()
	var g crew
	for _, p := range polls {
		g.Go(func() { p.run(ctx, s.ask) })
	}
	g.Wait()
	if len(polls) > 0 {
		facts := tally(polls)
		if slices.ContainsFunc(polls, (*poll).wavers) {
			s.ask.temper.wavers.Store(true)
		}
		if s.ask.temper.wavers.Load() && facts.Steadiness != results.Drifting {
			facts.Steadiness = results.Flapping
		}
		s.keep(func() { s.more.drift = facts })
	}
}

func (s *session) polls() []*poll {
	var polls []*poll
	add := func(q question) {
		polls = append(polls, &poll{q: q, known: s.version(q.version).answer(), sets: map[string]map[string]string{}, count: map[string]int{}})
	}
	spoken, refused := false, false // of the versions before TLS 1.3, newest first
	for _, v := range slices.Backward(s.versions) {
		v.done.through()
		if v.answer() == results.Unknown {
			continue // asking it often is no better than asking it twice
		}
		q := usual(v.version, s.path.ServerName, candidates(v.version))
		switch yes := v.answer() == results.Yes; {
		case v.version == wire.TLS13:
			add(q) // without a key: suite and group of a HelloRetryRequest
		case yes && !spoken:
			spoken = true
			q.suites = s.allSuites(v.version)
			if with := shown(q.suites); len(with) > 0 {
				q.suites, q.until = with, untilCertificate
			}
			add(q)
			if !s.enumerates() { // these may not be what was accepted
				polls[len(polls)-1].known = ""
			}
		case !yes && !refused && v.version >= wire.TLS10:
			refused = true
			add(q)
		}
	}
	return polls
}

// shown is those of some suites that come with a certificate.
func shown(suites []uint16) []uint16 {
	return suitesWith(suites, func(s *wire.SuiteInfo) bool {
		return (s.Auth == "RSA" || s.Auth == "ECDSA" || s.Auth == "DSS") && (s.Kx == "RSA" || s.Kx == "DHE" || s.Kx == "ECDHE")
	})
}

// run puts the question, and again as long as some answer came only once.
func (p *poll) run(ctx context.Context, a *asker) {
	for range maxRounds {
		var g crew
		for range repeats {
			g.Go(func() { p.ask(ctx, a) })
		}
		g.Wait()
		if ctx.Err() != nil || !p.unsure() {
			return
		}
	}
}

func (p *poll) ask(ctx context.Context, a *asker) {
	got := a.exchange(ctx, &p.q, a.lane.Open)
	if got.outcome == closed || got.unopened() { // by one who had too many connections, perhaps
		got = a.exchange(ctx, &p.q, a.alone)
	}
	facts := p.facts(got)
	p.mu.Lock()
	defer p.mu.Unlock()
	if facts == nil {
		p.lost++
		a.note(got)
		return
	}
	key := fingerprint(facts)
	p.sets[key] = facts
	p.count[key]++
}

// unsure reports whether an answer came only once beside others.
func (p *poll) unsure() bool {
	return len(p.count) > 1 && slices.Contains(slices.Collect(maps.Values(p.count)), 1)
}

// wavers reports whether the question was both accepted and refused, now or before.
func (p *poll) wavers() bool {
	name := string(wire.VersionName(p.q.version))
	given := map[string]bool{string(p.known): true}
	for _, facts := range p.sets {
		given[facts[name]] = true
	}
	return given[string(results.Yes)] && given[string(results.No)]
}

// asked is how many usable answers there are.
func (p *poll) asked() int {
	n := 0
	for _, c := range p.count {
		n += c
	}
	return n
}

// facts are what an answer shows that does not change from one connection to the
// next on a single server; nil if it shows nothing. That a server hangs up or
// breaks down is a fact here: one of two may.
func (p *poll) facts(got *answer) map[string]string {
	name := string(wire.VersionName(p.q.version))
	switch {
	case got.outcome == accepted:
		return p.shows(name, got)
	case got.outcome == otherVersion, got.outcome == refused:
		return map[string]string{name: "no"}
	case got.outcome == closed:
		return map[string]string{name: "closed"}
	case got.failure.Kind == results.KindAlert:
		return map[string]string{name: got.failure.Alert}
	}
	return nil
}

func (p *poll) shows(name string, got *answer) map[string]string {
	facts := map[string]string{name: "yes", name + " suite": suiteName(got.hello.Suite)}
	if p.q.version == wire.TLS13 {
		if share, ok := got.hello.KeyShare(); ok {
			facts[name+" group"] = cmp.Or(wire.LookupGroup(share.Group).Name, wire.ID(share.Group))
		}
		return facts
	}
	facts[name+" extended_master_secret"] = yesNo(got.hello.HasExtendedMasterSecret())
	facts[name+" secure_renegotiation"] = yesNo(got.hello.HasRenegotiationInfo())
	if len(got.certs) > 0 {
		sum := sha256.Sum256(got.certs[0])
		facts[name+" certificate"] = hex.EncodeToString(sum[:])
	}
	return facts
}

func suiteName(id uint16) string { return cmp.Or(wire.LookupSuite(id).Name, wire.ID(id)) }

func yesNo(b bool) string {
	if b {
		return string(results.Yes)
	}
	return string(results.No)
}

// fingerprint is the same for the same facts.
func fingerprint(facts map[string]string) string {
	key := ""
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		key += name + "=" + facts[name] + "\n"
	}
	return key
}

// tally counts the votes.
func tally(polls []*poll) results.PathFacts {
	f := results.PathFacts{Steadiness: results.Steady}
	for _, p := range polls {
		f.Repeats = max(f.Repeats, p.asked())
		f.Votes = append(f.Votes, p.votes()...)
		f.Steadiness = worse(f.Steadiness, p.steadiness())
		f.Servers = max(f.Servers, len(p.sets))
	}
	slices.SortFunc(f.Votes, func(a, b results.Vote) int { return cmp.Compare(a.Fact, b.Fact) })
	if f.Steadiness != results.Drifting {
		f.Servers = 0
	}
	return f
}

// steadiness is steady if all answers are alike, drifting if each of several
// came more than once, flapping otherwise.
func (p *poll) steadiness() results.Steadiness {
	switch {
	case p.asked() < 2:
		return results.SteadinessUnknown
	case len(p.sets) == 1:
		return results.Steady
	case p.unsure():
		return results.Flapping
	}
	return results.Drifting
}

// worse keeps what is seen of one question from being hidden by another.
func worse(a, b results.Steadiness) results.Steadiness {
	order := []results.Steadiness{results.Steady, results.SteadinessUnknown, results.Drifting, results.Flapping}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// votes are the facts on which the answers differ.
func (p *poll) votes() []results.Vote {
	counts := map[string]map[string]int{} // by fact and answer
	for key, facts := range p.sets {
		for fact, answer := range facts {
			if counts[fact] == nil {
				counts[fact] = map[string]int{}
			}
			counts[fact][answer] += p.count[key]
		}
	}
	var votes []results.Vote
	for fact, answers := range counts {
		if len(answers) > 1 {
			votes = append(votes, vote(fact, answers))
		}
	}
	return votes
}

// maxTallies bounds the answers of one fact: a server may show another
// certificate each time.
const maxTallies = 10

func vote(fact string, answers map[string]int) results.Vote {
	v := results.Vote{Fact: fact}
	for answer, n := range answers {
		v.Answers = append(v.Answers, results.Tally{Answer: answer, Count: n})
	}
	slices.SortFunc(v.Answers, func(a, b results.Tally) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Answer, b.Answer))
	})
	v.Answers = v.Answers[:min(len(v.Answers), maxTallies)]
	return v
}
