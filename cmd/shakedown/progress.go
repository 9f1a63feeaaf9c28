// Progress on standard error: a bar on a terminal, elsewhere a plain line now
// and then, with --quiet nothing.

package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress counts steps of a known number. It is safe for concurrent use.
type progress interface {
	step(n int)
	note(text string) // what is going on just now
	end()             // leaves standard error as it was
}

// progress begins to show steps of a total; unit names them ("endpoints").
func (a *app) progress(quiet bool, total int, unit string) progress {
	switch {
	case quiet || total == 0:
		return silence{}
	case isTerminal(a.stderr) && a.getenv("CI") == "" && a.getenv("TERM") != "dumb":
		return newBar(a.stderr, total, unit)
	}
	return &lines{w: a.stderr, now: a.now, began: a.now(), last: a.now(), total: total, unit: unit}
}

// counter begins to count steps of a number that nobody knows yet.
func (a *app) counter(quiet bool, unit string) progress {
	if quiet {
		return silence{}
	}
	return &lines{w: a.stderr, now: a.now, began: a.now(), last: a.now(), unit: unit}
}

type silence struct{}

func (silence) step(int)    {}
func (silence) note(string) {}
func (silence) end()        {}

// bar is an mpb bar that leaves the terminal when it ends.
type bar struct {
	pool *mpb.Progress
	bar  *mpb.Bar
	mu   sync.Mutex
	text string
}

func newBar(w io.Writer, total int, unit string) *bar {
	b := &bar{pool: mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithRefreshRate(120*time.Millisecond))}
	b.bar = b.pool.New(int64(total), mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("─"),
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.CountersNoUnit("%d of %d "+unit+" ")),
		mpb.AppendDecorators(decor.Elapsed(decor.ET_STYLE_GO), decor.Any(func(decor.Statistics) string {
			b.mu.Lock()
			defer b.mu.Unlock()
			return "  " + b.text
		})),
	)
	return b
}

func (b *bar) step(n int) { b.bar.IncrBy(n) }

func (b *bar) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = text
}

func (b *bar) end() {
	b.bar.Abort(true) // a bar that is already complete does not mind
	b.pool.Wait()
}

// linesEvery is how often a pipe or a CI log hears of progress.
const linesEvery = 10 * time.Second

// lines prints a line now and then.
type lines struct {
	mu          sync.Mutex
	w           io.Writer
	now         func() time.Time
	began, last time.Time
	done, total int
	unit        string
}

func (l *lines) step(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done += n
	if now := l.now(); now.Sub(l.last) >= linesEvery {
		l.last = now
		of := ""
		if l.total > 0 {
			of = fmt.Sprintf("of %d ", l.total)
		}
		fmt.Fprintf(l.w, "shakedown: %d %s%s after %s\n", l.done, of, l.unit, now.Sub(l.began).Round(time.Second))
	}
}

func (*lines) note(string) {}
func (*lines) end()        {}
