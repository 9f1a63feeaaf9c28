// The timeline of certificates: how long each is valid, beside the time of the
// run.

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"shakedown/results"
)

// span is one distinct certificate on the timeline.
type span struct {
	Cert   results.Cert
	Leaf   bool
	Served []string // labels of the paths
	Level  level
	State  string // in words: expired, self-signed, 21 days left
	Doubt  bool   // its chain has other faults than its dates
}

// mostSpans bounds the timeline's bars.
const mostSpans = 40

// spansOf lists the certificates of a section once each, leaves first, the
// first to expire first.
func spansOf(es []*endpoint) []*span {
	byID := map[string]*span{}
	var spans []*span
	for _, e := range es {
		for i := range e.Chains {
			for k, c := range e.Chains[i].Certificates {
				if c.NotAfter.IsZero() || c.NotBefore.IsZero() {
					continue
				}
				s := byID[c.SHA256]
				if s == nil {
					s = &span{Cert: c, Leaf: k == 0}
					s.Level, s.State = stateOf(c, e.at)
					if k == 0 {
						s.judge(&e.Chains[i])
					}
					byID[c.SHA256] = s
					spans = append(spans, s)
				}
				if !slices.Contains(s.Served, e.label) {
					s.Served = append(s.Served, e.label)
				}
			}
		}
	}
	slices.SortStableFunc(spans, func(a, b *span) int {
		return cmp.Or(cmp.Compare(a.order(), b.order()), a.Cert.NotAfter.Compare(b.Cert.NotAfter))
	})
	return spans
}

// order puts leaves before issuers, those with faults first.
func (s *span) order() int {
	switch {
	case !s.Leaf:
		return 2
	case s.Level >= warning || s.Doubt:
		return 0
	}
	return 1
}

// stateOf says how a certificate's dates stand at a time.
func stateOf(c results.Cert, at time.Time) (level, string) {
	days := daysBetween(at, c.NotAfter)
	switch {
	case c.NotAfter.Before(at):
		return bad, "expired " + date(c.NotAfter)
	case c.NotBefore.After(at):
		return bad, "not valid before " + date(c.NotBefore)
	case days < soonDays:
		return warning, plural(days, "day") + " left"
	}
	return fine, plural(days, "day") + " left"
}

// judge adds what else is wrong with a leaf's chain, the worst of it in words.
func (s *span) judge(c *results.Chain) {
	for _, p := range byWeight(c.Problems) {
		if p == results.Expired || p == results.NotYetValid || problemLevel(p) < warning {
			continue
		}
		s.Doubt = true
		s.State = problemWords(p, c, time.Time{}) + ", " + s.State
		return
	}
	if c.SelfSigned == results.SelfSignedLeaf {
		s.State = "self-signed, " + s.State
	}
}

// window is what the timeline shows: all of the leaves, but no more than two
// years back and three ahead.
func window(spans []*span, now time.Time) (from, to time.Time) {
	from, to = now.AddDate(0, 0, -30), now.AddDate(0, 0, 90)
	for _, s := range spans {
		if !s.Leaf {
			continue
		}
		if s.Cert.NotBefore.Before(from) {
			from = s.Cert.NotBefore
		}
		if s.Cert.NotAfter.After(to) {
			to = s.Cert.NotAfter
		}
	}
	if first := now.AddDate(-2, 0, 0); from.Before(first) {
		from = first
	}
	if last := now.AddDate(3, 0, 0); to.After(last) {
		to = last
	}
	return from.AddDate(0, 0, -14), to.AddDate(0, 0, 14)
}

// timelinePlot draws a bar for each certificate and a line at the run's time.
func timelinePlot(id string, spans []*span, now time.Time) *figure {
	if len(spans) == 0 {
		return nil
	}
	r := newRows(id, "Certificates and when they are valid", "A bar for each distinct certificate from its first to its last valid moment, and a line at the time of the run. The table below has the same dates.", len(spans), figureWidth, 260, 235, 34)
	from, to := window(spans, now)
	r.x = scale{0, to.Sub(from).Hours(), r.left, r.right, false}
	at := func(t time.Time) float64 {
		return min(max(r.x.at(t.Sub(from).Hours()), r.left), r.right)
	}
	n := len(spans)
	for _, m := range months(from, to) {
		r.line("grid", at(m), r.top, at(m), r.base(n))
		r.text("tick", "middle", at(m), r.base(n)+15, monthLabel(m))
	}
	for i, s := range spans {
		r.spanRow(i, s, from, to, at)
	}
	r.line("now", at(now), r.top-4, at(now), r.base(n))
	r.text("nowlabel", "middle", at(now), r.base(n)+30, "the run, "+date(now))
	return r.figure
}

func (r *rows) spanRow(i int, s *span, from, to time.Time, at func(time.Time) float64) {
	y := r.middle(i)
	role := "issuer, sent by "
	if s.Leaf {
		role = "leaf of "
	}
	r.text("name", "end", r.left-10, y-2, truncate(cmp.Or(clean(s.Cert.Subject), "(no subject)"), 30))
	r.text("kind", "end", r.left-10, y+11, truncate(fmt.Sprintf("%s, %s%s", keyWords(s.Cert), role, list(s.Served, 3)), 42))
	x, end := at(s.Cert.NotBefore), at(s.Cert.NotAfter)
	tip := fmt.Sprintf("%s: %s to %s, %s", clean(s.Cert.Subject), date(s.Cert.NotBefore), date(s.Cert.NotAfter), s.State)
	r.rect("span "+s.Level.String()+s.kind(), x, y-8, end-x, 16, tip)
	if s.Cert.NotAfter.After(to) {
		r.text("beyond", "end", r.right-4, y+4, "to "+s.Cert.NotAfter.UTC().Format("2006")+" →")
	}
	if s.Cert.NotBefore.Before(from) {
		r.text("beyond", "start", r.left+4, y+4, "←")
	}
	l := s.Level
	if s.Doubt {
		l = bad
	}
	r.text("state "+l.String(), "start", r.right+10, y+4, strings.TrimSpace(l.mark()+" "+s.State))
}

// kind is the rest of a bar's class.
func (s *span) kind() string {
	switch {
	case s.Doubt:
		return " doubt"
	case !s.Leaf:
		return " issuer"
	}
	return ""
}

// months are the first days of months between two times, thinned to at most
// about ten.
func months(from, to time.Time) []time.Time {
	total := int(to.Sub(from).Hours()/24/30) + 1
	step := 1
	for _, s := range []int{1, 2, 3, 6, 12} {
		step = s
		if total/s <= 10 {
			break
		}
	}
	var out []time.Time
	m := time.Date(from.UTC().Year(), from.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	for ; m.Before(to); m = m.AddDate(0, 1, 0) {
		if m.After(from) && (int(m.Month())-1)%step == 0 {
			out = append(out, m)
		}
	}
	return out
}

func monthLabel(m time.Time) string {
	if m.Month() == time.January {
		return m.Format("2006")
	}
	return m.Format("Jan")
}
