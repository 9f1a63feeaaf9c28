// Small helpers for drawings: a figure is a list of shapes in one coordinate
// system, and a template writes it (assets/figure.tmpl), so that every text in
// it is escaped like any other.

package report

import (
	"math"
	"strconv"
	"strings"
)

// px is a coordinate; it is written with one decimal.
type px float64

func (p px) String() string {
	s := strconv.FormatFloat(float64(p), 'f', 1, 64)
	return strings.TrimSuffix(s, ".0")
}

// figure is one drawing. Title and Desc are for those who cannot see it.
type figure struct {
	ID, Title, Desc string
	W, H            px
	Shapes          []shape
	Data            map[string]string // data attributes for the page's script
}

// shape is one mark. Kind says which of its fields count.
type shape struct {
	Kind         string // line, rect, circle, path, text
	Class        string
	X, Y, X2, Y2 px // X2, Y2: a line's end, or a rectangle's width and height
	R            px
	D, Text      string
	Anchor       string // text: start, middle, end
	Tip          string // shown on hover, read by assistive technology
	Name, Vals   string // path: a line's name and its values, for the script
	Series       bool
}

func (f *figure) add(s shape) { f.Shapes = append(f.Shapes, s) }

func (f *figure) line(class string, x, y, x2, y2 float64) {
	f.add(shape{Kind: "line", Class: class, X: px(x), Y: px(y), X2: px(x2), Y2: px(y2)})
}

func (f *figure) text(class, anchor string, x, y float64, s string) {
	f.add(shape{Kind: "text", Class: class, Anchor: anchor, X: px(x), Y: px(y), Text: s})
}

func (f *figure) rect(class string, x, y, w, h float64, tip string) {
	f.add(shape{Kind: "rect", Class: class, X: px(x), Y: px(y), X2: px(max(w, 0.5)), Y2: px(h), Tip: tip})
}

func (f *figure) circle(class string, x, y, r float64, tip string) {
	f.add(shape{Kind: "circle", Class: class, X: px(x), Y: px(y), R: px(r), Tip: tip})
}

// polyline is a path through points, as an SVG path's data.
func polyline(points [][2]float64) string {
	var b strings.Builder
	for i, p := range points {
		b.WriteByte("ML"[min(i, 1)])
		b.WriteString(px(p[0]).String())
		b.WriteByte(' ')
		b.WriteString(px(p[1]).String())
	}
	return b.String()
}

// scale maps values to coordinates, evenly or by ratio.
type scale struct {
	lo, hi   float64 // values
	from, to float64 // coordinates
	log      bool
}

func (s scale) at(v float64) float64 {
	lo, hi := s.lo, s.hi
	if s.log {
		lo, hi, v = math.Log10(lo), math.Log10(hi), math.Log10(max(v, s.lo))
	}
	if hi == lo {
		return s.from
	}
	return s.from + (v-lo)/(hi-lo)*(s.to-s.from)
}

// wide is how many times larger the largest value is where a scale by ratio
// reads better.
const wide = 15

// latencyScale spans values of microseconds: from zero, or by ratio if they
// are wide apart.
func latencyScale(lo, hi, from, to float64) scale {
	lo, hi = plausible(lo), plausible(hi)
	if lo > 0 && hi/lo > wide {
		return scale{niceBelow(lo), hi * 1.08, from, to, true}
	}
	return scale{0, hi * 1.05, from, to, false}
}

// plausible keeps a latency in µs between a nanosecond and three years: what a
// record says may be anything, and a scale must not become endless by it.
func plausible(us float64) float64 { return min(max(us, 1e-3), 1e14) }

// niceBelow is the greatest 1, 2 or 5 times a power of ten not above v.
func niceBelow(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{5, 2} {
		if p*m <= v {
			return p * m
		}
	}
	return p
}

// ticks are round values on a scale, about n of them.
func (s scale) ticks(n int) []float64 {
	if s.log {
		return s.logTicks(n)
	}
	step := niceBelow((s.hi - s.lo) / float64(n))
	if (s.hi-s.lo)/step > 1.6*float64(n) {
		step = niceBelow(step * 2.5)
	}
	var out []float64
	for i := math.Ceil(s.lo / step); i*step <= s.hi*1.000001 && len(out) < 4*n; i++ {
		out = append(out, i*step+0) // +0, as nobody wants to read −0
	}
	return out
}

func (s scale) logTicks(n int) []float64 {
	multiples := []float64{1, 2, 5}
	decades := math.Log10(s.hi / s.lo)
	if decades*3 > 1.5*float64(n) {
		multiples = []float64{1}
	}
	every := int(decades)/n + 1
	var out []float64
	for d := int(math.Floor(math.Log10(s.lo))); float64(d) <= math.Log10(s.hi); d += every {
		for _, m := range multiples {
			if v := m * math.Pow(10, float64(d)); v >= s.lo*0.999 && v <= s.hi {
				out = append(out, v)
			}
		}
	}
	return out
}

// spread moves labels that would overlap apart, keeping their order as near to
// where they belong as it can, between lo and hi.
func spread(want []float64, distance, lo, hi float64) []float64 {
	order := indexes(len(want))
	sortBy(order, func(a, b int) bool { return want[a] < want[b] })
	at := make([]float64, len(want))
	floor := lo
	for _, i := range order {
		at[i] = max(want[i], floor)
		floor = at[i] + distance
	}
	ceiling := hi
	for k := len(order) - 1; k >= 0; k-- {
		i := order[k]
		at[i] = min(at[i], ceiling)
		ceiling = at[i] - distance
	}
	return at
}

// axisLabel writes microseconds as milliseconds without needless zeros.
func axisLabel(us float64) string {
	return strconv.FormatFloat(us/1000, 'g', 4, 64)
}
