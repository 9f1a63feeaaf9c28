// From a session's answers to an endpoint's record.

package scanner

import (
	"cmp"
	"slices"
	"time"

	"shakedown/results"
	"shakedown/scanner/chain"
	"shakedown/scanner/inventory"
	"shakedown/scanner/wire"
)

// fold makes the record.
func (s *session) fold(e *results.Endpoint, roots *chain.Roots, at time.Time) {
	s.foldFacts(e, roots, at)
	if s.former != nil {
		var former results.Endpoint
		s.former.foldFacts(&former, roots, at)
		adopt(e, &former)
	}
	if e.Status = status(e); s.unseen && e.Status == results.Complete {
		e.Status = results.Partial
	}
}

// foldFacts writes what a session found out.
func (s *session) foldFacts(e *results.Endpoint, roots *chain.Roots, at time.Time) {
	e.Connections = s.ask.opened()
	e.Failures = s.ask.failures
	e.Versions = map[results.Version]results.Answer{}
	s.foldV2(e)
	for _, v := range s.versions {
		s.foldVersion(e, v)
	}
	for _, c := range distinct(append(s.chains, s.besides...)) {
		judged := chain.Judge(c.der, chain.Options{ServerName: nameToMatch(s.path), Roots: roots, At: at})
		judged.ServerName, judged.OCSPStaple = c.serverName, s.more.stapled[string(c.der[0])]
		e.Chains = append(e.Chains, judged)
	}
	e.Protocol = s.protocol
	s.foldLadder(&e.Protocol)
	if s.wants(AspectProtocol) {
		s.foldResumption(&e.Protocol)
	}
	e.PathFacts = s.more.drift
	if r := s.more.resumption; r != nil && s.wants(AspectProtocol) {
		e.PathFacts.ClockSkewS = r.skew
	}
}

// foldLadder says where a server had to be asked in smaller steps.
func (s *session) foldLadder(p *results.Protocol) {
	for _, v := range s.versions {
		if v.choked.Load() {
			p.ManySuitesIntolerant = results.Yes
		}
		if p.SuiteMixIntolerant != results.Yes {
			p.SuiteMixIntolerant = cmp.Or(v.mixIntolerant, p.SuiteMixIntolerant)
		}
	}
	switch {
	case s.ask.brief.Load():
		p.ManySchemesIntolerant = results.Yes
	case s.ask.readsLong.Load() && s.wants(AspectProtocol):
		p.ManySchemesIntolerant = results.No
	}
}

// nameToMatch is the name that certificates must match.
func nameToMatch(p *inventory.Path) string {
	if p.ServerName != "" {
		return p.ServerName
	}
	return p.Host
}

func (s *session) foldV2(e *results.Endpoint) {
	got := v2Answer(&s.v2)
	e.Versions[results.SSLv2] = got
	if got == results.Unknown {
		e.Undetermined.Versions = append(e.Undetermined.Versions, results.SSLv2)
	}
	if got != results.No && s.wants(AspectSuites) {
		put(&e.Suites, results.SSLv2, v2Suites(s.v2.kinds))
		putUndetermined(&e.Undetermined.Suites, results.SSLv2, got, nil)
	}
}

func (s *session) foldVersion(e *results.Endpoint, v *versionScan) {
	name := wire.VersionName(v.version)
	got := v.answer()
	switch {
	case s.dead:
		got = results.Unknown
	case got == results.Unknown && v.version < wire.TLS12 && v.breaksDown() && (s.version(wire.TLS12).spoken.Load() || s.version(wire.TLS13).spoken.Load()):
		got = results.No
	}
	e.Versions[name] = got
	if got == results.Unknown {
		e.Undetermined.Versions = append(e.Undetermined.Versions, name)
	}
	if got == results.No {
		return
	}
	ranked := s.ranks[v.version]
	if ranked.preference != results.PreferenceServer && ranked.preference != results.PreferenceMixed {
		ranked.order = usualOrder(v.hands.accepted())
	}
	if s.wants(AspectSuites) {
		put(&e.Suites, name, s.foldCompletion(v.version, ranked.order))
		putUndetermined(&e.Undetermined.Suites, name, got, v.undetermined())
	}
	if s.wants(AspectPreference) && ranked.preference != "" {
		put(&e.Preference, name, ranked.preference)
	}
	if s.wants(AspectGroups) && v.version >= wire.TLS12 {
		g := s.groups[v.version]
		if g == nil {
			g = &groupScan{}
			if slices.ContainsFunc(v.undetermined(), usesGroup) { // nobody could ask
				g.hands = hands{{rest: groupsOf(v.version)}}
			}
		}
		g.fold(e, name, got)
	}
	if s.wants(AspectSignatures) && v.version >= wire.TLS12 {
		foldSchemes(e, name, got, s.schemes[v.version])
	}
}

// status says how much of what was asked was determined.
func status(e *results.Endpoint) results.Status {
	determined := 0
	for _, a := range e.Versions {
		if a != results.Unknown {
			determined++
		}
	}
	switch {
	case determined == 0:
		return results.Failed
	case !e.Undetermined.IsZero(), slices.ContainsFunc(answersOf(&e.Protocol), func(a *results.Answer) bool { return *a == results.Unknown }), slices.Contains(mapValues(e.Preference), results.PreferenceUnknown),
		slices.Contains(mapValues(e.GroupPreference), results.PreferenceUnknown), completesUnknown(e),
		e.PathFacts.Steadiness == results.SteadinessUnknown, slices.Contains(mapValues(e.PathFacts.TicketsFrom), results.Unknown):
		return results.Partial
	}
	return results.Complete
}

// answersOf lists the yes-or-no facts of a protocol record.
func answersOf(p *results.Protocol) []*results.Answer {
	return []*results.Answer{
		&p.ExtendedMasterSecret, &p.EncryptThenMAC, &p.SecureRenegotiation, &p.Compression, &p.FallbackSCSV,
		&p.ResumptionID, &p.ResumptionTicket, &p.ResumptionPSK, &p.EarlyData, &p.ClientCertificateRequested,
		&p.OCSPStaple, &p.SCT, &p.VersionIntolerant, &p.SizeIntolerant, &p.ExtensionIntolerant,
		&p.ManySuitesIntolerant, &p.SuiteMixIntolerant, &p.ManySchemesIntolerant,
	}
}

func mapValues[K comparable, V any](m map[K]V) []V {
	var out []V
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func put[K comparable, V any](m *map[K]V, name K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[name] = v
}

// putUndetermined lists ids that got no answer, "*" for all of a version that
// is itself unknown.
func putUndetermined(m *map[results.Version][]string, name results.Version, version results.Answer, ids []uint16) {
	switch {
	case version == results.Unknown:
		put(m, name, []string{"*"})
	case len(ids) > 0:
		var out []string
		for _, id := range ids {
			out = append(out, wire.ID(id))
		}
		slices.Sort(out)
		put(m, name, out)
	}
}

func suiteRecords(ids []uint16) []results.Suite {
	out := make([]results.Suite, 0, len(ids))
	for _, id := range ids {
		s := wire.LookupSuite(id)
		out = append(out, results.Suite{ID: wire.ID(id), Name: s.Name, OpenSSL: s.OpenSSL})
	}
	return out
}

func named(ids []uint16, name func(uint16) string) []results.Named {
	out := make([]results.Named, 0, len(ids))
	for _, id := range ids {
		out = append(out, results.Named{ID: wire.ID(id), Name: name(id)})
	}
	return out
}
