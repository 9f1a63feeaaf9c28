// The HTML report: one page that needs nothing else. Go draws it whole; the
// script only adds sorting, filtering and reading values off the plots.

package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"shakedown/results"
)

//go:embed assets
var assets embed.FS

// writeHTML renders a digest as one page, in one Write.
func writeHTML(w io.Writer, d *digest, o Options) error {
	t, err := template.New("page.tmpl").Funcs(template.FuncMap{
		"ms": milliseconds, "sig": significant, "grouped": grouped, "plural": plural, "clean": clean, "moment": moment, "date": date,
		"join": func(words []string) string { return strings.Join(words, ", ") }, "short": short, "rate": rate, "key": keyWords, "shape": shapeWords,
		"failure": failureWords, "brief": versionShort, "n": func(n int64) string { return grouped(int(n)) },
		"whole": wholeRate, "interval": func(s results.CapacityStep) string { return stepInterval(s, "%s") }, "percent": func(share float64) string { return significant(100 * share) },
	}).ParseFS(assets, "assets/*.tmpl")
	if err != nil {
		return fmt.Errorf("reading the page's template: %w", err)
	}
	p, err := newHTMLPage(d, o)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("rendering the page: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// htmlPage is what the template page.tmpl shows.
type htmlPage struct {
	Title       string
	Policy      string // Content-Security-Policy: nothing from outside, no script but ours
	CSS         template.CSS
	JS          template.JS
	Runs        []runView
	Totals      string
	Changes     []changeView
	Successions []successionView
	Issues      []issueView
	Hidden      int    // issues beyond those listed
	Calm        string // what to say where there is no issue
	Sections    []*sectionView
	Decisions   []*decisionView
	Files       []chainView
	Records     []entry
	Partial     bool
	Verdicts    []issueView // of gates
	Checks      []issueView // what each part of a calibration came to
}

// mostAtOnce is how many records a browser lays out at once without delay.
const mostAtOnce = 300

// Big reports whether the page is laid out part by part, as they come into sight.
func (p *htmlPage) Big() bool { return len(p.Records) > mostAtOnce }

// mostOnPaper is how many records a page prints everything of.
const mostOnPaper = 1000

// Long reports whether what is folded stays folded on paper.
func (p *htmlPage) Long() bool { return len(p.Records) > mostOnPaper }

// mostCosts is how many services show their costs at the top of the page.
const mostCosts = 3

// Costs are the sections whose costs stand at the top.
func (p *htmlPage) Costs() []*sectionView {
	all := slices.DeleteFunc(slices.Clone(p.Sections), func(s *sectionView) bool { return s.Bench == nil || s.Bench.Cost == nil })
	if len(all) > mostCosts {
		return nil
	}
	return all
}

func newHTMLPage(d *digest, o Options) (*htmlPage, error) {
	css, err := assets.ReadFile("assets/report.css")
	if err != nil {
		return nil, err
	}
	js, err := assets.ReadFile("assets/report.js")
	if err != nil {
		return nil, err
	}
	p := &htmlPage{
		Policy: fmt.Sprintf("default-src 'none'; img-src data:; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", sourceHash(css), sourceHash(js)),
		CSS:    template.CSS(css), JS: template.JS(js), // our own files; nothing of a peer's
		Totals: totals(d), Records: d.catalog,
	}
	for _, run := range d.runs {
		p.Runs = append(p.Runs, newRunView(run))
		p.Partial = p.Partial || run.Trailer == nil
	}
	for i, s := range d.sections {
		id := fmt.Sprintf("s%d", i+1)
		p.Sections = append(p.Sections, newSectionView(s, id))
		p.decide(newDecision(s, o.PlannedRate), id)
	}
	for _, c := range calibrationOf(d.checks) {
		p.Checks = append(p.Checks, issueView{Level: c.level(), Who: clean(c.part), Words: c.words()})
	}
	p.Title, p.Calm = pageTitle(d), calm(d)
	p.Changes, p.Successions = changeViews(d), successionViews(d)
	for _, v := range verdictsOf(d.runs) {
		p.Verdicts = append(p.Verdicts, issueView{Level: verdictLevel(v), Words: verdictWords(v)})
	}
	p.issues(d)
	for _, f := range d.files {
		p.Files = append(p.Files, newChainView(&chainGroup{chain: &f.Chain, cert: f.cert, labels: []string{clean(f.File)}, refs: []ref{f.ref}}))
	}
	return p, nil
}

// calm says what is well where nothing stands out: no more than was looked at.
func calm(d *digest) string {
	var endpoints, chains, trials, limits int
	for _, s := range d.sections {
		limits += len(s.objectives)
		endpoints, trials = endpoints+len(s.endpoints), trials+len(s.trials)
		for _, e := range s.endpoints {
			chains += len(e.Chains)
		}
	}
	var words []string
	if endpoints > 0 {
		words = append(words, "every path answered all that it was asked")
	}
	if chains+len(d.files) > 0 {
		words = append(words, fmt.Sprintf("every certificate is trusted and has %d days left or more", soonDays))
	}
	if trials > 0 {
		words = append(words, "every measurement is valid")
	}
	if limits > 0 {
		words = append(words, "every limit is kept")
	}
	if words == nil {
		return "There is nothing in these records to judge."
	}
	return "Nothing stands out: " + list(words, 0) + "."
}

// sourceHash names a script or style that the page's policy lets run.
func sourceHash(source []byte) string {
	sum := sha256.Sum256(source)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func pageTitle(d *digest) string {
	var names []string
	for _, s := range d.sections {
		names = append(names, s.title)
	}
	return cmp.Or(list(names[:min(len(names), 3)], 0), "report")
}

// runView is where the page's records come from.
type runView struct {
	Calibrated                                           string // what the calibration before it found
	Name, Command, Started, Took, Tool, Inventory, State string
	Level                                                level
	Records                                              int
	Seed                                                 uint64
	Exit                                                 string
}

func newRunView(run Run) runView {
	v := runView{
		Name: clean(run.Name), Command: clean(run.Header.Command), Started: moment(run.Header.StartedAt), Tool: clean(run.Header.ToolVersion),
		Calibrated: calibrated(run.Header),
		Inventory:  clean(run.Header.Inventory), Records: len(run.Records), Seed: run.Header.Seed, State: "complete",
	}
	switch {
	case run.Trailer == nil:
		v.State, v.Level = "partial: no trailer", warning
		return v
	case !run.Trailer.Complete:
		v.State, v.Level = "ended early", warning
	}
	v.Took = run.Trailer.EndedAt.Sub(run.Header.StartedAt).Round(time.Second / 10).String()
	v.Exit = fmt.Sprint(run.Trailer.ExitCode)
	return v
}

// mostIssuesShown bounds the page's list of what to act on first.
const mostIssuesShown = 60

type issueView struct {
	Level  level
	Who    string
	Words  string
	Refs   []ref
	Target string // the section's id
	More   int
}

func (p *htmlPage) issues(d *digest) {
	for _, i := range d.attention {
		if len(p.Issues) == mostIssuesShown {
			p.Hidden = len(d.attention) - mostIssuesShown
			return
		}
		v := issueView{Level: i.level, Who: who(i, len(d.sections) > 1, 8), Words: i.words, Refs: i.refs}
		if len(v.Refs) > 6 {
			v.Refs, v.More = v.Refs[:6], len(v.Refs)-6
		}
		if at := slices.Index(d.sections, i.section); at >= 0 {
			v.Target = p.Sections[at].ID
		}
		p.Issues = append(p.Issues, v)
	}
}

// sectionView is one service.
type sectionView struct {
	ID, Title string
	Paths     []pathView
	Versions  []results.Version
	Bonds     []bondView
	Matrices  []matrix
	Timeline  *figure
	Beyond    int // certificates that the timeline leaves out
	Chains    []chainView
	Silent    []*endpoint // with failures or unknown facts
	Findings  []findingView
	Matches   []matchView
	Bench     *benchView
	Limits    *limitsView
}

func newSectionView(s *section, id string) *sectionView {
	v := &sectionView{ID: id, Title: s.title, Versions: variedVersions(s.endpoints)}
	for _, e := range s.endpoints {
		v.Paths = append(v.Paths, newPathView(e, v.Versions))
		if len(e.Failures) > 0 || !e.Undetermined.IsZero() || e.Status != results.Complete {
			v.Silent = append(v.Silent, e)
		}
	}
	for _, b := range s.bonds {
		v.Bonds = append(v.Bonds, newBondView(b))
	}
	v.Matrices = matrices(s.endpoints)
	spans := spansOf(s.endpoints)
	v.Beyond = max(0, len(spans)-mostSpans)
	v.Timeline = timelinePlot(id+"-certs", spans[:len(spans)-v.Beyond], lastSeen(s.endpoints))
	for _, g := range chainGroups(s.endpoints) {
		v.Chains = append(v.Chains, newChainView(g))
	}
	for _, f := range s.findings {
		v.Findings = append(v.Findings, findingView{f, findingLevel(f.Finding), s.pathLabel(f.Service, f.Path)})
	}
	for _, m := range s.matches {
		v.Matches = append(v.Matches, matchView{m, s.pathLabel(m.Service, m.Path)})
	}
	if len(s.trials)+len(s.comparisons) > 0 {
		v.Bench = newBenchView(s, id)
	}
	v.Limits = newLimitsView(s, id)
	return v
}

// Notes tells of the versions without a column.
func (v *sectionView) Notes() []string {
	var es []*endpoint
	for _, p := range v.Paths {
		es = append(es, p.endpoint)
	}
	return versionNotes(es)
}

// HasKinds says that a path has a kind; a TARGET has none.
func (v *sectionView) HasKinds() bool {
	return slices.ContainsFunc(v.Paths, func(p pathView) bool { return p.Kind != "" })
}

// lastSeen is the time that the days left count from: the run's, not the clock's.
func lastSeen(es []*endpoint) time.Time {
	var last time.Time
	for _, e := range es {
		if e.at.After(last) {
			last = e.at
		}
	}
	return last
}

// pathView is a row of the table of paths.
type pathView struct {
	*endpoint
	Level    level
	Versions []cell
	Suites   string
	Groups   string
	PQ       cell
	Cert     verdict
	CertText string
	Until    string // sortable
}

// Label is the path's name in its section.
func (e *endpoint) Label() string { return e.label }

func newPathView(e *endpoint, versions []results.Version) pathView {
	v := pathView{endpoint: e, Level: e.worry(), Suites: suiteCount(e), Groups: groupCount(e), PQ: quantumCell(e), Cert: e.cert, CertText: e.cert.String()}
	for _, version := range versions {
		v.Versions = append(v.Versions, answer(e.Versions[version]))
	}
	for _, c := range e.OwnChains() {
		if end, _ := firstEnd(&c); !end.IsZero() && (v.Until == "" || date(end) < v.Until) {
			v.Until = date(end)
		}
	}
	return v
}

// CertLevel is the class of the certificate's verdict.
func (v pathView) CertLevel() level { return v.Cert.level }

// Unknown lists what is undetermined, in full.
func (e *endpoint) Unknown() string {
	if e.Status == results.Failed {
		return nothingKnown
	}
	return strings.Join(undeterminedWords(e.Undetermined, true), ", ")
}

// Class is a word that the style sheet knows.
func (c cell) Class() string {
	switch c.Text {
	case "yes", "no", "unknown":
		return c.Text
	case "":
		return "unasked"
	}
	return "value " + c.level.String()
}

// chainView is one distinct chain.
type chainView struct {
	*results.Chain
	Level   level
	Verdict string
	Served  []string
	Refs    []ref
	Names   []string
}

func newChainView(g *chainGroup) chainView {
	v := chainView{Chain: g.chain, Level: g.cert.level, Verdict: g.cert.String(), Served: g.labels, Refs: g.refs}
	if len(v.Refs) > 6 {
		v.Refs = v.Refs[:6]
	}
	if len(g.chain.Certificates) > 0 {
		v.Names = certNames(g.chain.Certificates[0])
		v.Names = v.Names[:min(len(v.Names), 40)]
	}
	return v
}

type findingView struct {
	*finding
	Level level
	Label string
}

// Words is the finding's severity, or its status where it did not fail.
func (f findingView) Words() string { return findingSeverity(f.Finding) }

// matchView is one endpoint's named policies.
type matchView struct {
	*match
	Label string
}

// Words says what was found in one line.
func (m matchView) Words() string { return matchWords(m.Match) }

// Lines are the policies, and how the endpoint differs from those that it does
// not follow.
func (m matchView) Lines() []string {
	var lines []string
	for _, name := range m.Exact {
		lines = append(lines, clean(name))
	}
	for _, d := range append(slices.Clone(m.Open), m.Nearest...) {
		lines = append(lines, diffWords(d))
	}
	return lines
}
