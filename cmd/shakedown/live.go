// The live view of a bench: on a terminal a line for each path with its rate, its
// latency and what failed, and a bar with the time left; elsewhere the plain
// lines of progress.

package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"shakedown/bench"
	"shakedown/results"
)

// live hears of a bench's progress.
type live interface {
	progress(bench.Progress)
	step(bench.Step)
	end()
}

// live begins to show a plan being carried out.
func (a *app) live(f *benchFlags, plan bench.Plan) live {
	if f.quiet || !isTerminal(a.stderr) || a.getenv("CI") != "" || a.getenv("TERM") == "dumb" {
		return newLog(a, f, plan)
	}
	s := newScreen(a.now, plan, !f.levels())
	s.deadline = f.deadline
	s.show(a.stderr)
	return s
}

// log is the live view of a pipe or file: the lines of progress.
type log struct {
	lines progress
	done  int
	steps bool // not blocks are counted
}

func newLog(a *app, f *benchFlags, plan bench.Plan) *log {
	l := &log{steps: f.levels()}
	total, unit := plan.Blocks*len(plan.Paths), "blocks"
	if l.steps {
		total, unit = len(f.rates)*len(plan.Paths), "steps"
	}
	if l.steps && total == 0 { // of a search nobody knows how many there will be
		l.lines = a.counter(f.quiet, unit)
		return l
	}
	l.lines = a.progress(f.quiet, total, unit)
	return l
}

func (l *log) progress(p bench.Progress) {
	if !l.steps {
		l.lines.step(p.Done - l.done)
		l.done = p.Done
	}
}

func (l *log) step(s bench.Step) {
	if s.Ended != nil {
		l.lines.step(1)
	}
}

func (l *log) end() { l.lines.end() }

// screen is the live view of a terminal.
type screen struct {
	pool *mpb.Progress
	now  func() time.Time

	mu     sync.Mutex
	rows   []*row // in the plan's order
	width  int    // of the longest name
	began  time.Time
	length time.Duration // that all takes; 0 if nobody knows
	spent  time.Duration // of it, by blocks that have ended
	turn   time.Time     // when the block at hand began
	each   time.Duration // what it takes
	lines  []*mpb.Bar    // without a bar: only their text

	deadline time.Duration // of the whole run; 0 is none
}

// row is one path's line.
type row struct {
	name     string
	busy     bool
	rate     float64 // asked; 0 in a closed loop
	achieved float64
	p50, p99 float64 // µs
	made     bool    // anything yet
	lost     int
	note     string
}

// mostRows is how many paths have a line of their own.
const mostRows = 15

// newScreen shows how far a run has come; of a search that is not known.
func newScreen(now func() time.Time, plan bench.Plan, known bool) *screen {
	s := &screen{now: now, began: now(), turn: now(), each: time.Second}
	if known {
		s.length = plan.Time()
		s.each = s.length / time.Duration(max(1, plan.Blocks*len(plan.Paths)))
	}
	several := false
	for _, p := range plan.Paths {
		several = several || p.Service != plan.Paths[0].Service
	}
	for _, p := range plan.Paths {
		name := p.Name
		if several && !strings.Contains(name, p.Service) {
			name = p.Service + "/" + name
		}
		s.rows = append(s.rows, &row{name: clean(name, 28)})
		s.width = max(s.width, len([]rune(s.rows[len(s.rows)-1].name)))
	}
	return s
}

// show begins to draw, anew every now and then.
func (s *screen) show(w io.Writer) {
	s.pool = mpb.New(mpb.WithOutput(w), mpb.WithRefreshRate(200*time.Millisecond))
	s.line(s.head)
	for _, r := range s.rows[:min(len(s.rows), mostRows)] {
		s.line(func() string { return s.text(r) })
	}
	if more := len(s.rows) - mostRows; more > 0 {
		s.line(func() string { return fmt.Sprintf("  and %d more", more) })
	}
	s.line(s.clockText)
}

// clean keeps a name from the terminal's controls, and short.
func clean(name string, most int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, name))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}

// line adds a line that is drawn anew every time.
func (s *screen) line(text func() string) {
	s.lines = append(s.lines, s.pool.New(0, mpb.NopStyle(), mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
		s.mu.Lock()
		defer s.mu.Unlock()
		return text()
	}))))
}

// elapsed is how much of the plan's time is over: what has ended, and of the
// block at hand no more than it takes.
func (s *screen) elapsed() time.Duration {
	return min(s.spent+min(s.now().Sub(s.turn), s.each), s.length)
}

func (s *screen) clockText() string {
	took := s.now().Sub(s.began).Round(time.Second)
	switch {
	case s.length > 0:
	case s.deadline > 0:
		return fmt.Sprintf("  %v so far, at most %v left", took, max(0, s.deadline-took).Round(time.Second))
	default:
		return fmt.Sprintf("  %v so far", took)
	}
	const width = 40
	elapsed := s.elapsed()
	full := int(width * elapsed / s.length)
	return fmt.Sprintf("  %s%s  %v left", strings.Repeat("━", full), strings.Repeat("─", width-full), (s.length - elapsed).Round(time.Second))
}

func (s *screen) head() string {
	return fmt.Sprintf("  %-*s %9s %9s %9s %9s %7s", s.width+2, "path", "asked/s", "made/s", "p50 ms", "p99 ms", "errors")
}

// text is a path's line: what its last block or step was like.
func (s *screen) text(r *row) string {
	mark := " "
	if r.busy {
		mark = "▸"
	}
	asked, made, p50, p99 := "–", "–", "–", "–"
	if r.rate > 0 {
		asked = short(r.rate)
	}
	if r.made {
		made, p50, p99 = short(r.achieved), short(r.p50/1e3), short(r.p99/1e3)
	}
	return strings.TrimRight(fmt.Sprintf("%s %-*s %9s %9s %9s %9s %7d  %s", mark, s.width+2, r.name, asked, made, p50, p99, r.lost, r.note), " ")
}

// short writes a number for a narrow column.
func short(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func (s *screen) progress(p bench.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.length == 0: // steps tell the same
	case p.Ended != nil:
		s.ended(p)
	default:
		s.spent, s.turn = s.each*time.Duration(p.Done), s.now()
		s.begin(p.Index, p.Rate)
	}
}

// begin marks whose turn it is.
func (s *screen) begin(index int, rate float64) {
	for i, r := range s.rows {
		if r.busy = i == index; r.busy {
			r.rate = rate
		}
	}
}

// ended takes up what a block was like.
func (s *screen) ended(p bench.Progress) {
	r := s.rows[p.Index]
	r.lost += p.Ended.Lost
	if b := p.Ended.Block; b.Phases.Handshake != nil && b.DurationS > 0 {
		r.made, r.achieved = true, float64(b.Handshakes)/b.DurationS
		r.p50, r.p99 = b.Phases.Handshake.P50US, b.Phases.Handshake.P99US
	}
}

func (s *screen) step(step bench.Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rows[step.Index]
	if e := step.Ended; e != nil {
		r.made, r.achieved, r.p50, r.p99 = true, e.CompletedRate, e.P50US, e.P99US
		r.lost += step.Lost
		r.note = stepNote(step.Number, step.Rate, e.Verdict)
		return
	}
	s.begin(step.Index, step.Rate)
}

func stepNote(number int, rate float64, v results.StepVerdict) string {
	words := map[results.StepVerdict]string{
		results.StepHeld: "held", results.StepMissed: "missed", results.StepGenerator: "the generator was the limit", results.StepUnknown: "nothing could be told",
	}[v]
	return fmt.Sprintf("step %d: %v/s %s", number, rate, words)
}

func (s *screen) end() {
	for _, line := range s.lines {
		line.Abort(true)
	}
	s.pool.Wait()
}
