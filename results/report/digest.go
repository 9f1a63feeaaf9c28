// The digest of one or more runs: records gathered by service, in the order in
// which a reader wants them, each with the place where it stands.

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"shakedown/results"
)

// digest is all that a report says.
type digest struct {
	runs        []Run
	successions []*succession
	sections    []*section
	files       []*chainFile
	changes     []changed
	attention   []issue
	catalog     []entry
	checks      []*results.Calibration
}

// section is one service; or, to keep a list of single addresses readable, all
// services that have one path only.
type section struct {
	title       string
	many        bool // of many services
	endpoints   []*endpoint
	trials      []*trial
	comparisons []*comparison
	limits
	findings []*finding
	matches  []*match
	bonds    []*bond
	statuses map[string]results.Status // of endpoints, by placeOf
}

// ref is where a record stands: the number of the report's own list, and the
// run's name and line.
type ref struct {
	ID    int
	Where string
}

// Anchor is the record's id within a page.
func (r ref) Anchor() string { return fmt.Sprintf("r%d", r.ID) }

type endpoint struct {
	*results.Endpoint
	ref
	label string
	at    time.Time // of the observation
	cert  verdict   // the worst of its chains
}

type trial struct {
	*results.Trial
	ref
	label  string
	run    int
	step   bool // of a search for capacity
	blocks []*block
}

type block struct {
	*results.Block
	ref
}

type comparison struct {
	*results.Comparison
	ref
	run int
}

type finding struct {
	*results.Finding
	ref
}

type match struct {
	*results.Match
	ref
}

type chainFile struct {
	*results.ChainFile
	ref
	at   time.Time
	cert verdict
}

// entry is one line of the list of records.
type entry struct {
	ref
	Kind, About string
}

func newDigest(runs []Run) *digest {
	d := &digest{runs: runs}
	d.successions = successions(runs)
	g := gatherer{digest: d, services: map[string]*section{}, trials: map[trialKey]*trial{}, overtaken: overtaken(d.successions), endpoints: map[endpointKey]ref{}}
	for i, run := range runs {
		for line, rec := range run.Records {
			g.add(i, ref{len(d.catalog) + 1, place(run, line)}, rec)
		}
	}
	g.joinBlocks()
	g.takeSteps()
	for _, s := range d.successions {
		s.tell(runs, g.endpoints)
	}
	planned := placesOf(runs)
	d.sections = arrange(g.services, planned)
	for _, s := range d.sections {
		s.settle(planned)
	}
	d.attention = attention(d)
	return d
}

// place is where a run's record stands: its header is line 1.
func place(run Run, index int) string {
	if run.Name == "" {
		return fmt.Sprintf("line %d", index+2)
	}
	return fmt.Sprintf("%s:%d", clean(run.Name), index+2)
}

// gatherer sorts records into services.
type gatherer struct {
	digest    *digest
	services  map[string]*section
	trials    map[trialKey]*trial
	overtaken map[int]bool // runs whose scans a newer one has made anew
	endpoints map[endpointKey]ref
	blocks    []struct {
		trialKey
		*block
	}
}

// trialKey names a trial: its id is unique in its run only.
type trialKey struct {
	run int
	id  string
}

func (g *gatherer) service(name string) *section {
	s := g.services[name]
	if s == nil {
		s = &section{title: clean(name)}
		g.services[name] = s
	}
	return s
}

func (g *gatherer) add(run int, at ref, rec results.Record) {
	about := ""
	switch rec := rec.(type) {
	case *results.Endpoint:
		when := rec.StartedAt
		if when.IsZero() {
			when = g.digest.runs[run].Header.StartedAt
		}
		g.endpoints[endpointKey{run, rec.Service, rec.Path, rec.Address}] = at
		about = fmt.Sprintf("%s %s at %s", rec.Service, rec.Path, rec.Address)
		if g.overtaken[run] {
			break
		}
		e := &endpoint{Endpoint: rec, ref: at, at: when, cert: worstOf(rec.OwnChains(), when)}
		s := g.service(rec.Service)
		s.endpoints = append(s.endpoints, e)
	case *results.Trial:
		t := &trial{Trial: rec, ref: at, run: run}
		s := g.service(rec.Service)
		s.trials = append(s.trials, t)
		g.trials[trialKey{run, rec.Trial}] = t
		about = fmt.Sprintf("%s %s, trial %s", rec.Service, rec.Path, rec.Trial)
	case *results.Block:
		g.blocks = append(g.blocks, struct {
			trialKey
			*block
		}{trialKey{run, rec.Trial}, &block{rec, at}})
		about = fmt.Sprintf("trial %s, block %d", rec.Trial, rec.Index)
	case *results.Comparison:
		s := g.service(rec.Service)
		s.comparisons = append(s.comparisons, &comparison{rec, at, run})
		about = fmt.Sprintf("%s: %s beside %s, %s %s", rec.Service, rec.Candidate, rec.Baseline, rec.Phase, rec.Quantile)
	case *results.Objective, *results.Capacity, *results.Attribution, *results.Plan:
		about = g.limit(run, at, rec)
	case *results.Finding:
		about = fmt.Sprintf("%s %s: %s %s", rec.Service, rec.Path, rec.Profile, rec.Rule)
		if g.overtaken[run] {
			break
		}
		s := g.service(rec.Service)
		s.findings = append(s.findings, &finding{rec, at})
	case *results.Change:
		g.digest.changes = append(g.digest.changes, changed{rec, at})
		about = fmt.Sprintf("%s %s: %s %s", rec.Service, rec.Path, rec.Kind, rec.Fact)
	case *results.Match:
		about = fmt.Sprintf("%s %s: named policies", rec.Service, rec.Path)
		if g.overtaken[run] {
			break
		}
		s := g.service(rec.Service)
		s.matches = append(s.matches, &match{rec, at})
	case *results.Difference: // the endpoints themselves tell it: see bonds
		about = fmt.Sprintf("%s: %s beside %s, %s", rec.Service, rec.Beside, rec.Path, plural(len(rec.Facts), "difference"))
	case *results.Calibration:
		g.digest.checks = append(g.digest.checks, rec)
		about = fmt.Sprintf("%s %s %s %s", rec.Part, rec.Subject, rec.Phase, rec.Quantile)
	case *results.Verdict:
		about = verdictWords(rec)
	case *results.ChainFile:
		when := rec.At
		if when.IsZero() {
			when = g.digest.runs[run].Header.StartedAt
		}
		g.digest.files = append(g.digest.files, &chainFile{rec, at, when, wordsOf(&rec.Chain, when)})
		about = rec.File
	}
	g.digest.catalog = append(g.digest.catalog, entry{at, rec.Type(), clean(about)})
}

// joinBlocks gives each trial its blocks; they may come before it.
func (g *gatherer) joinBlocks() {
	for _, b := range g.blocks {
		if t := g.trials[b.trialKey]; t != nil {
			t.blocks = append(t.blocks, b.block)
		}
	}
	for _, t := range g.trials {
		slices.SortStableFunc(t.blocks, func(a, b *block) int { return cmp.Compare(a.Index, b.Index) })
	}
}

// places is where a service or path stands in the inventory, as far as the runs
// tell: by service, and by SERVICE/PATH.
type places map[string]int

func placesOf(runs []Run) places {
	p := places{}
	learn := func(key string) {
		if _, known := p[key]; !known {
			p[key] = len(p)
		}
	}
	for _, run := range runs {
		for _, path := range run.Header.Paths {
			service, _, _ := strings.Cut(path, "/")
			learn(service)
			learn(path)
		}
	}
	return p
}

// of is a place; what no run told of comes last.
func (p places) of(key string) int {
	if at, known := p[key]; known {
		return at
	}
	return len(p)
}

// arrange orders the services as the inventory does, or else by name; those with
// one path only become one section at the end, if there are several.
func arrange(services map[string]*section, planned places) []*section {
	var sections []*section
	single := &section{many: true}
	names := sortedKeys(services)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(planned.of(a), planned.of(b)) })
	for _, name := range names {
		if s := services[name]; s.paths() > 1 {
			sections = append(sections, s)
		} else {
			single.absorb(s)
			single.title = s.title
		}
	}
	switch n := len(services) - len(sections); {
	case n == 1: // alone under its own name
		single.many = false
		return append(sections, single)
	case n > 1 && single.paths() == 0: // chain files that were judged by profiles
		single.title = fmt.Sprintf("Verdicts on %d files", n)
		return append(sections, single)
	case n > 1:
		single.title = fmt.Sprintf("%d services with one path each", n)
		return append(sections, single)
	}
	return sections
}

// paths counts the distinct paths and addresses of a service.
func (s *section) paths() int {
	seen := map[string]bool{}
	for _, e := range s.endpoints {
		seen[e.Path] = true
	}
	for _, t := range s.trials {
		seen[t.Path] = true
	}
	for _, m := range s.matches {
		seen[m.Path] = true
	}
	for _, c := range s.capacities {
		seen[c.Path] = true
	}
	for _, c := range s.comparisons {
		seen[c.Candidate] = true
	}
	for _, p := range s.plans {
		for _, name := range append(p.Unmeasured, p.Path) {
			seen[name] = seen[name] || name != ""
		}
	}
	return len(seen)
}

func (s *section) absorb(o *section) {
	s.endpoints = append(s.endpoints, o.endpoints...)
	s.trials = append(s.trials, o.trials...)
	s.comparisons = append(s.comparisons, o.comparisons...)
	s.findings = append(s.findings, o.findings...)
	s.matches = append(s.matches, o.matches...)
	s.limits.absorb(&o.limits)
}

// settle names and orders what a section has: as the inventory does; where that
// is not known the load balancer first, then inwards, and names as people count,
// i-2 before i-10.
func (s *section) settle(planned places) {
	s.nameEndpoints()
	s.nameTrials()
	slices.SortStableFunc(s.endpoints, func(a, b *endpoint) int {
		return cmp.Or(cmp.Compare(planned.of(a.Service+"/"+a.Path), planned.of(b.Service+"/"+b.Path)), cmp.Compare(rank(a.Kind), rank(b.Kind)), natural(a.label, b.label))
	})
	slices.SortStableFunc(s.trials, func(a, b *trial) int {
		return cmp.Or(cmp.Compare(planned.of(a.Service+"/"+a.Path), planned.of(b.Service+"/"+b.Path)), cmp.Compare(rank(a.Kind), rank(b.Kind)), natural(a.label, b.label))
	})
	slices.SortStableFunc(s.comparisons, func(a, b *comparison) int {
		return cmp.Compare(planned.of(a.Service+"/"+a.Candidate), planned.of(b.Service+"/"+b.Candidate))
	})
	slices.SortStableFunc(s.findings, func(a, b *finding) int {
		return cmp.Or(cmp.Compare(findingLevel(b.Finding), findingLevel(a.Finding)), cmp.Compare(severityRank(a.Severity), severityRank(b.Severity)))
	})
	slices.SortStableFunc(s.matches, func(a, b *match) int {
		return cmp.Or(cmp.Compare(planned.of(a.Service+"/"+a.Path), planned.of(b.Service+"/"+b.Path)), natural(a.Path, b.Path))
	})
	s.statuses = map[string]results.Status{}
	for _, e := range s.endpoints {
		s.statuses[placeOf(e.Service, e.Path, e.Address)] = e.Status
	}
	s.bonds = bonds(s.endpoints)
	s.settleLimits(planned)
}

func rank(k results.PathKind) int {
	if i := slices.Index(results.PathKinds(), k); i >= 0 {
		return i
	}
	return len(results.PathKinds())
}

// nameEndpoints labels each endpoint by its path, and by as much more as tells
// it from the others.
func (s *section) nameEndpoints() {
	labels := make([]string, len(s.endpoints))
	for i, e := range s.endpoints {
		labels[i] = s.pathLabel(e.Service, cmp.Or(e.Path, e.Target, e.Address))
	}
	addresses := func(i int) string { return clean(s.endpoints[i].Address) }
	for i, label := range distinct(labels, addresses) {
		s.endpoints[i].label = label
	}
}

// nameTrials labels each trial likewise; the shape tells two of one path apart.
func (s *section) nameTrials() {
	labels := make([]string, len(s.trials))
	for i, t := range s.trials {
		labels[i] = s.pathLabel(t.Service, cmp.Or(t.Path, t.Target, t.Address))
	}
	shapes := func(i int) string { return askedWords(s.trials[i].Trial) }
	for i, label := range distinct(labels, shapes) {
		s.trials[i].label = label
	}
}

func (s *section) pathLabel(service, path string) string {
	if s.many && !strings.Contains(path, service) || path == "" {
		path = strings.TrimSpace(service + " " + path)
	}
	return clean(path)
}

// distinct adds to labels that occur twice what tells them apart, of lists of words
// those that not all have, or else a number.
func distinct(labels []string, more func(int) string) []string {
	extras := map[string][]string{}
	for i, l := range labels {
		if extra := more(i); !slices.Contains(extras[l], extra) {
			extras[l] = append(extras[l], extra)
		}
	}
	out := slices.Clone(labels)
	for i, l := range labels {
		if extra := more(i); len(extras[l]) > 1 && extra != "" {
			out[i] = strings.TrimSpace(l + " " + unshared(extra, extras[l]))
		}
	}
	return numbered(out)
}

// unshared are the words of a list that not all lists have.
func unshared(one string, all []string) string {
	words := slices.DeleteFunc(strings.Split(one, ", "), func(word string) bool {
		return !slices.ContainsFunc(all, func(other string) bool { return !slices.Contains(strings.Split(other, ", "), word) })
	})
	return strings.Join(words, ", ")
}

func numbered(labels []string) []string {
	total, seen := map[string]int{}, map[string]int{}
	for _, l := range labels {
		total[l]++
	}
	out := slices.Clone(labels)
	for i, l := range labels {
		if total[l] > 1 {
			seen[l]++
			out[i] = fmt.Sprintf("%s (%d)", l, seen[l])
		}
	}
	return out
}

// natural compares names with numbers in them as people do.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := number(a), number(b)
		if x == "" || y == "" {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		p, q := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Or(cmp.Compare(len(p), len(q)), cmp.Compare(p, q)); c != 0 {
			return c
		}
		a, b = a[len(x):], b[len(y):]
	}
	return cmp.Compare(len(a), len(b))
}

// number is the run of digits that s begins with.
func number(s string) string {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[:n]
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, natural)
	return keys
}
