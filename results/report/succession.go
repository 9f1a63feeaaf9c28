// Several runs of one inventory: the newest says how things are, and what changed
// from each to the next is told as a story.

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"shakedown/results"
	"shakedown/results/contrast"
)

// succession is runs of one inventory, the oldest first, and what changed from
// each to the next.
type succession struct {
	runs  []int // places in the digest's list
	steps []succeeded
}

// succeeded is what one run has otherwise than the one before.
type succeeded struct {
	from, to Run
	changes  []alteration
}

// alteration is a change between two runs, with both endpoints' records.
type alteration struct {
	changed
	refs []ref
}

// successions finds the runs that scanned the same inventory.
func successions(runs []Run) []*succession {
	var all []*succession
	byKey := map[string]*succession{}
	for i, run := range runs {
		key := inventoryOf(run)
		if key == "" {
			continue
		}
		if byKey[key] == nil {
			byKey[key] = &succession{}
			all = append(all, byKey[key])
		}
		byKey[key].runs = append(byKey[key].runs, i)
	}
	all = slices.DeleteFunc(all, func(s *succession) bool { return len(s.runs) < 2 })
	for _, s := range all {
		slices.SortStableFunc(s.runs, func(a, b int) int {
			return runs[a].Header.StartedAt.Compare(runs[b].Header.StartedAt)
		})
	}
	return all
}

// inventoryOf names what a run scanned; "" where that is not known, or it scanned
// nothing.
func inventoryOf(run Run) string {
	scanned := slices.ContainsFunc(run.Records, func(r results.Record) bool {
		_, is := r.(*results.Endpoint)
		return is
	})
	if !scanned {
		return ""
	}
	return cmp.Or(run.Header.Inventory, strings.Join(run.Header.Paths, "\x00"))
}

// overtaken are the runs whose scans a newer run has made anew.
func overtaken(all []*succession) map[int]bool {
	old := map[int]bool{}
	for _, s := range all {
		for _, i := range s.runs[:len(s.runs)-1] {
			old[i] = true
		}
	}
	return old
}

// tell compares each run with the one before.
func (s *succession) tell(runs []Run, refs map[endpointKey]ref) {
	for k, i := range s.runs[1:] {
		before := s.runs[k]
		step := succeeded{from: runs[before], to: runs[i]}
		for _, c := range contrast.Changes(runs[before].Snapshot(), runs[i].Snapshot(), []int{soonDays, 14, 7, 1, 0}) {
			one := alteration{changed: changed{Change: c}}
			for _, run := range []int{before, i} {
				if at, known := refs[endpointKey{run, c.Service, c.Path, c.Address}]; known {
					one.refs = append(one.refs, at)
				}
			}
			step.changes = append(step.changes, one)
		}
		s.steps = append(s.steps, step)
	}
}

// endpointKey names an endpoint's record among those of all runs.
type endpointKey struct {
	run                    int
	service, path, address string
}

// mostChanges bounds what is listed of a step.
const mostChanges = 200

// title says which runs a step is between.
func (s succeeded) title() string {
	return fmt.Sprintf("%s, since %s", moment(s.to.Header.StartedAt), moment(s.from.Header.StartedAt))
}

// mostDrifting bounds the rows of the timeline.
const mostDrifting = 40

// successionPlot has a row for each path that changed, and a dot at each run in
// which it did; a line for each run.
func successionPlot(id string, s *succession) *figure {
	where := s.where()
	if len(where) == 0 {
		return nil
	}
	where = where[:min(len(where), mostDrifting)]
	r := newRows(id, "What changed from run to run", "A row for each path that changed, a line for each run, and a dot at each run that found the path otherwise than the run before. The lists below have the same.", len(where), figureWidth, 220, 40, 28)
	first, last := s.steps[0].from.Header.StartedAt, s.steps[len(s.steps)-1].to.Header.StartedAt
	span := max(last.Sub(first), time.Second)
	r.x = scale{0, span.Seconds(), r.left + 12, r.right - 12, false}
	at := func(run Run) float64 { return r.x.at(run.Header.StartedAt.Sub(first).Seconds()) }
	r.runLine(at(s.steps[0].from), first, span, len(where), nil)
	var told []float64
	for _, step := range s.steps {
		told = r.runLine(at(step.to), step.to.Header.StartedAt, span, len(where), told)
	}
	for i, name := range where {
		r.name(i, name, "")
		r.line("row", r.left, r.middle(i), r.right, r.middle(i))
		for _, step := range s.steps {
			if l, tip := step.at(name); tip != "" {
				r.circle("change "+l.String(), at(step.to), r.middle(i), 5, tip)
			}
		}
	}
	return r.figure
}

// runLine draws a run, and its time where there is room for it.
func (r *rows) runLine(x float64, at time.Time, span time.Duration, n int, told []float64) []float64 {
	r.line("grid", x, r.top, x, r.base(n))
	if slices.ContainsFunc(told, func(o float64) bool { return x-o < 90 }) {
		return told
	}
	format := "2006-01-02"
	if span < 48*time.Hour {
		format = "01-02 15:04"
	}
	r.text("tick", "middle", x, r.base(n)+15, at.UTC().Format(format))
	return append(told, x)
}

// where lists the paths that changed, in the order in which they first did.
func (s *succession) where() []string {
	var all []string
	for _, step := range s.steps {
		for _, c := range step.changes {
			if name := c.where(); !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// at is the worst change of a path in a step, and all of them in words.
func (s succeeded) at(name string) (worst level, tip string) {
	var words []string
	for _, c := range s.changes {
		if c.where() == name {
			worst = max(worst, c.level())
			words = append(words, c.words())
		}
	}
	if words == nil {
		return fine, ""
	}
	return worst, fmt.Sprintf("%s, %s: %s", name, date(s.to.Header.StartedAt), list(words, 4))
}

// successions lists what changed from run to run on a terminal, the newest first.
func (p *page) successions(d *digest) {
	for _, s := range d.successions {
		p.title(fmt.Sprintf("Changed over %s", plural(len(s.runs), "run")))
		for _, step := range slices.Backward(s.steps) {
			p.print(0, piece{step.title(), boldStyle})
			if len(step.changes) == 0 {
				p.print(2, piece{"nothing changed", dimStyle})
			}
			shown := step.changes
			if !p.verbose {
				shown = shown[:min(len(shown), mostChanges)]
			}
			for _, c := range shown {
				lines := wrap(c.where()+": "+c.words(), p.width-4)
				p.print(2, piece{c.sign() + " ", c.level().style()}, piece{lines[0], plainStyle})
				for _, line := range lines[1:] {
					p.print(4, piece{line, plainStyle})
				}
			}
			if n := len(step.changes) - len(shown); n > 0 {
				p.print(2, piece{fmt.Sprintf("and %s more (--verbose lists them)", grouped(n)), dimStyle})
			}
		}
	}
}

// successionView is a succession on the page.
type successionView struct {
	Runs  int
	Plot  *figure
	Steps []stepView
}

type stepView struct {
	Title   string
	Changes []changeView
	Total   int
	Open    bool
}

// More is how many changes are not listed.
func (s stepView) More() int { return s.Total - len(s.Changes) }

func successionViews(d *digest) []successionView {
	var out []successionView
	for i, s := range d.successions {
		v := successionView{Runs: len(s.runs), Plot: successionPlot(fmt.Sprintf("drift%d", i+1), s)}
		for k, step := range slices.Backward(s.steps) {
			one := stepView{Title: step.title(), Open: k == len(s.steps)-1, Total: len(step.changes)}
			for _, c := range step.changes[:min(len(step.changes), mostChanges)] {
				one.Changes = append(one.Changes, changeView{Level: c.level(), Sign: c.sign(), Where: c.where(), Words: c.words(), Refs: c.refs})
			}
			v.Steps = append(v.Steps, one)
		}
		out = append(out, v)
	}
	return out
}
