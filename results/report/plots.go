// The plots of measured handshakes.

package report

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"shakedown/results"
)

func sortBy(order []int, less func(a, b int) bool) {
	sort.SliceStable(order, func(i, j int) bool { return less(order[i], order[j]) })
}

// series is a trial on a plot: its number decides its colour and dashes, the
// same in every plot of a section.
type series struct {
	*trial
	N int
}

// colours is how many colours the style sheet has for series.
const colours = 8

// Class is the series' colour and, beyond those, its dashes.
func (s series) Class() string {
	return fmt.Sprintf("c%d dash%d", s.N%colours, s.N/colours%3)
}

func seriesOf(trials []*trial) []series {
	out := make([]series, len(trials))
	for i, t := range trials {
		out[i] = series{t, i}
	}
	return out
}

// measuredIn are the valid series that have a phase: an invalid trial measured
// the generator and is never drawn beside servers.
func measuredIn(all []series, ph phase) []series {
	return slices.DeleteFunc(slices.Clone(all), func(s series) bool {
		d := ph.Of(s.Phases)
		return !s.Valid || d == nil || !ordered(d)
	})
}

// ordered says that a distribution's numbers can be drawn: above zero, and
// growing with the percentile.
func ordered(d *results.Dist) bool {
	return d.N > 0 && d.P50US > 0 && d.P50US <= d.P90US && d.P90US <= d.P99US && d.P99US <= d.P999US && d.P999US <= d.MaxUS && d.MaxUS < 1e14
}

// maxHDR bounds an encoded histogram: an honest one has some kilobytes.
const maxHDR = 1 << 20

// curve is a distribution's value, in µs, at each percentile rank that n
// samples can tell; nil if its histogram cannot be read.
func curve(d *results.Dist, ranks []float64) []float64 {
	if len(d.HDR) > maxHDR || d.HDRUnit != "ns" {
		return nil
	}
	h, err := hdrhistogram.Decode([]byte(d.HDR))
	if err != nil || h.TotalCount() == 0 {
		return nil
	}
	last := 100 * (1 - 1/float64(h.TotalCount()))
	ranks = slices.DeleteFunc(slices.Clone(ranks), func(p float64) bool { return p > last })
	values := make([]float64, 0, len(ranks))
	for _, ns := range h.ValueAtPercentilesSlice(ranks) {
		values = append(values, float64(ns)/1000)
	}
	return values
}

// knownCurve is what a record says of a curve without its histogram.
func knownCurve(d *results.Dist, ranks []float64) []float64 {
	known := []struct{ p, us float64 }{{0, d.P50US}, {50, d.P50US}, {90, d.P90US}, {99, d.P99US}, {99.9, d.P999US}}
	last := 100 * (1 - 1/float64(max(d.N, 2)))
	var values []float64
	for _, p := range ranks {
		if p > last {
			break
		}
		i := 0
		for i < len(known)-2 && known[i+1].p < p {
			i++
		}
		a, b := known[i], known[i+1]
		part := (nines(p) - nines(a.p)) / (nines(b.p) - nines(a.p))
		values = append(values, a.us+min(part, 1)*(b.us-a.us))
	}
	return values
}

// figureWidth is that of a figure across the page.
const figureWidth = 1060.0

// nines is the place of a percentile on the plot's axis: how often its rest is
// divided by ten.
func nines(percentile float64) float64 { return -math.Log10(1 - percentile/100) }

// percentileRanks are the points of a curve, evenly spaced on that axis.
func percentileRanks(end float64) []float64 {
	var ranks []float64
	for i := 0; float64(i)*0.05 <= end+1e-9; i++ {
		ranks = append(ranks, 100*(1-math.Pow(10, -float64(i)*0.05)))
	}
	return ranks
}

// withoutHistogram are the labels of the series that are drawn from a few
// quantiles only, since their histogram cannot be read.
func withoutHistogram(all []series, ph phase) []string {
	var labels []string
	for _, s := range measuredIn(all, ph) {
		if curve(ph.Of(s.Phases), []float64{0}) == nil {
			labels = append(labels, s.label)
		}
	}
	return labels
}

// percentilePlot has a line for each path: latency over percentile.
func percentilePlot(id string, all []series, ph phase) *figure {
	shown := measuredIn(all, ph)
	if len(shown) == 0 {
		return nil
	}
	const left, right, top, bottom, width, height = 52.0, 150.0, 18.0, 40.0, figureWidth, 400.0
	end := 3.0
	for _, s := range shown {
		if ph.Of(s.Phases).N > 1000 {
			end = 4
		}
	}
	ranks := percentileRanks(end)
	lines, lows, highs := make([][]float64, len(shown)), make([][]float64, len(shown)), make([][]float64, len(shown))
	lo, hi := math.Inf(1), 0.0
	for i, s := range shown {
		d := ph.Of(s.Phases)
		lines[i] = curve(d, ranks)
		if lines[i] == nil {
			lines[i] = knownCurve(d, ranks)
		}
		lows[i], highs[i] = band(s.blocks, ph, ranks, lines[i])
		for _, v := range lines[i] {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	x := scale{0, end, left, width - right, false}
	y := latencyScale(lo, hi, height-bottom, top)
	f := &figure{ID: id, W: width, H: height, Title: "Percentiles of " + ph.Name + ", by path",
		Desc: "One line for each path: the latency in milliseconds that a share of handshakes stayed below; the band around it is its confidence interval. The table below has the same numbers.",
		Data: map[string]string{"ranks": rankList(ranks), "x0": px(left).String(), "x1": px(width - right).String()}}
	percentileAxes(f, x, y, height-bottom, top)
	for i, s := range shown {
		f.drawBand(s, x, y, ranks, lows[i], highs[i])
	}
	ends, reach := make([]float64, len(shown)), 0.0
	for i, s := range shown {
		points := make([][2]float64, len(lines[i]))
		for k, v := range lines[i] {
			points[k] = [2]float64{x.at(nines(ranks[k])), y.at(v)}
		}
		last := points[len(points)-1]
		ends[i], reach = last[1], max(reach, last[0])
		f.add(shape{Kind: "path", Class: "curve " + s.Class(), D: polyline(points), Name: s.label, Vals: valueList(lines[i]), Series: true,
			Tip: fmt.Sprintf("%s: p50 %s ms, p99 %s ms", s.label, milliseconds(ph.Of(s.Phases).P50US), milliseconds(ph.Of(s.Phases).P99US))})
		f.circle("end "+s.Class(), last[0], last[1], 3, "")
	}
	for i, at := range spread(ends, 15, top+4, height-bottom) {
		f.line("leader "+shown[i].Class(), reach+6, ends[i], reach+16, at)
		f.text("label fill-"+shown[i].Class(), "start", reach+19, at+4, truncate(shown[i].label, 18))
	}
	return f
}

func percentileAxes(f *figure, x, y scale, base, top float64) {
	for _, v := range y.ticks(6) {
		f.line("grid", x.from, y.at(v), x.to, y.at(v))
		f.text("tick", "end", x.from-7, y.at(v)+4, axisLabel(v))
	}
	for _, p := range []float64{0, 50, 90, 99, 99.9, 99.99} {
		if nines(p) > x.hi+1e-9 {
			continue
		}
		at := x.at(nines(p))
		f.line("grid", at, base, at, top)
		f.text("tick", "middle", at, base+17, strings.TrimSuffix(fmt.Sprintf("%g", p), ".0"))
	}
	f.text("axis", "middle", (x.from+x.to)/2, base+34, "percentile of handshakes")
	unit := "ms"
	if y.log {
		unit = "ms, by ratio"
	}
	f.text("axis", "start", x.from-40, top-6, unit)
}

func rankList(ranks []float64) string {
	words := make([]string, len(ranks))
	for i, r := range ranks {
		words[i] = fmt.Sprintf("%.4g", r)
		if r > 99 {
			words[i] = strings.TrimRight(fmt.Sprintf("%.3f", r), "0")
		}
	}
	return strings.Join(words, " ")
}

// valueList writes values as milliseconds.
func valueList(us []float64) string {
	words := make([]string, len(us))
	for i, v := range us {
		words[i] = strings.ReplaceAll(milliseconds(v), ",", "")
	}
	return strings.Join(words, " ")
}

// rows are plots with a line for each path: labels left, marks right.
type rows struct {
	*figure
	x           scale
	top, height float64
	left, right float64
}

func newRows(id, title, desc string, n int, width, left, right, height float64) *rows {
	const top = 6.0
	return &rows{
		figure: &figure{ID: id, Title: title, Desc: desc, W: px(width), H: px(top + float64(n)*height + 34)},
		top:    top, height: height, left: left, right: width - right,
	}
}

func (r *rows) middle(i int) float64 { return r.top + (float64(i)+.5)*r.height }

func (r *rows) base(n int) float64 { return r.top + float64(n)*r.height }

// name labels a row with its path and, smaller, its kind.
func (r *rows) name(i int, label, kind string) {
	y := r.middle(i)
	if kind == "" {
		r.text("name", "end", r.left-10, y+4, truncate(label, 22))
		return
	}
	r.text("name", "end", r.left-10, y-2, truncate(label, 22))
	r.text("kind", "end", r.left-10, y+11, truncate(kind, 22))
}

// axis draws the scale of milliseconds below n rows.
func (r *rows) axis(n int, words string) {
	base := r.base(n)
	for _, v := range r.x.ticks(6) {
		r.line("grid", r.x.at(v), r.top, r.x.at(v), base)
		r.text("tick", "middle", r.x.at(v), base+15, axisLabel(v))
	}
	r.text("axis", "end", r.right, base+30, words)
}

// costPlot says at a glance what each path costs: its median handshake, and a
// line to the 99th percentile; the cheapest first.
func costPlot(id string, all []series) *figure {
	ph := phases()[0]
	shown := measuredIn(all, ph)
	if len(shown) == 0 {
		return nil
	}
	slices.SortStableFunc(shown, func(a, b series) int { return cmpFloat(a.Phases.Handshake.P50US, b.Phases.Handshake.P50US) })
	r := newRows(id, "Median handshake, by path", "A bar for each path up to its median, a line to its 99th percentile, in milliseconds.", len(shown), 560, 150, 96, 38)
	hi := 0.0
	for _, s := range shown {
		hi = max(hi, s.Phases.Handshake.P99US)
	}
	r.x = scale{0, plausible(hi) * 1.02, r.left, r.right, false}
	r.axis(len(shown), "handshake, ms: bar p50, line to p99")
	for i, s := range shown {
		d, y := s.Phases.Handshake, r.middle(i)
		r.name(i, s.label, clean(string(s.Kind)))
		tip := fmt.Sprintf("%s: p50 %s ms, p99 %s ms, n %s", s.label, milliseconds(d.P50US), milliseconds(d.P99US), grouped(int(d.N)))
		r.line("whisker "+s.Class(), r.x.at(d.P50US), y, r.x.at(d.P99US), y)
		r.line("whisker "+s.Class(), r.x.at(d.P99US), y-4, r.x.at(d.P99US), y+4)
		r.rect("bar fill-"+s.Class(), r.left, y-9, r.x.at(d.P50US)-r.left, 18, tip)
		r.text("value", "start", r.right+10, y-1, milliseconds(d.P50US)+" ms")
		if times := d.P50US / shown[0].Phases.Handshake.P50US; i > 0 && times >= 1.005 {
			r.text("kind", "start", r.right+10, y+12, fmt.Sprintf("×%.2f", times))
		}
	}
	return r.figure
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// part is one phase's share in a path's time.
type part struct {
	Class, Name string
	US          float64
}

// partsOf are the medians that follow each other in time. Medians do not add
// up exactly to the median of the whole: the page says so.
func partsOf(p results.Phases) []part {
	var parts []part
	add := func(class, name string, us float64) {
		if us > 0 && us < 1e14 {
			parts = append(parts, part{class, name, us})
		}
	}
	median := func(d *results.Dist) float64 {
		if d == nil {
			return 0
		}
		return d.P50US
	}
	add("p0", "connect", median(p.Connect))
	add("p1", "server hello", median(p.ServerHello))
	add("p2", "rest of the handshake", median(p.Handshake)-median(p.ServerHello))
	add("p3", "first byte", median(p.FirstByte))
	return parts
}

// breakdownPlot stacks the medians of each path's phases.
func breakdownPlot(id string, all []series) *figure {
	shown := slices.DeleteFunc(slices.Clone(all), func(s series) bool { return !s.Valid || len(partsOf(s.Phases)) == 0 })
	if len(shown) == 0 {
		return nil
	}
	r := newRows(id, "Where the time goes, by path", "A bar for each path, made of the medians of connect, server hello, the rest of the handshake and first byte, in milliseconds.", len(shown), figureWidth, 170, 70, 30)
	hi := 0.0
	for _, s := range shown {
		hi = max(hi, sumOf(partsOf(s.Phases)))
	}
	r.x = scale{0, plausible(hi) * 1.02, r.left, r.right, false}
	r.axis(len(shown), "ms")
	for i, s := range shown {
		r.name(i, s.label, "")
		x, y := r.left, r.middle(i)
		for _, p := range partsOf(s.Phases) {
			w := r.x.at(p.US) - r.left
			r.rect("bar part "+p.Class, x, y-9, w, 18, fmt.Sprintf("%s, %s: median %s ms", s.label, p.Name, milliseconds(p.US)))
			x += w
		}
		r.text("value", "start", x+8, y+4, milliseconds(sumOf(partsOf(s.Phases))))
	}
	return r.figure
}

func sumOf(parts []part) float64 {
	sum := 0.0
	for _, p := range parts {
		sum += p.US
	}
	return sum
}

// blocksPlot has a dot for each block's median: how far a path's repetitions
// lie apart, beside how far the paths do.
func blocksPlot(id string, all []series) *figure {
	median := func(b *block) float64 { return b.Phases.Handshake.P50US }
	lo, hi := math.Inf(1), 0.0
	var shown []series
	drawn := map[int][]*block{}
	for _, s := range measuredIn(all, phases()[0]) {
		bs := slices.DeleteFunc(slices.Clone(s.blocks), func(b *block) bool { return b.Phases.Handshake == nil || !ordered(b.Phases.Handshake) })
		if len(bs) == 0 {
			continue
		}
		shown, drawn[s.N] = append(shown, s), bs
		for _, b := range bs {
			lo, hi = min(lo, median(b)), max(hi, median(b))
		}
	}
	if len(shown) == 0 {
		return nil
	}
	r := newRows(id, "Median handshake of each block, by path", "A row for each path, a dot for each block at its median handshake in milliseconds, the first block on top; the stroke is the median of the whole trial.", len(shown), figureWidth, 170, 40, 34)
	r.x = latencyScale(lo, hi, r.left, r.right)
	unit := "median handshake, ms"
	if r.x.log {
		unit += ", by ratio"
	}
	r.axis(len(shown), unit)
	for i, s := range shown {
		r.name(i, s.label, "")
		y := r.middle(i)
		r.line("row", r.left, y, r.right, y)
		m := r.x.at(s.Phases.Handshake.P50US)
		r.line("whisker "+s.Class(), m, y-13, m, y+13)
		for k, b := range drawn[s.N] {
			part := float64(k+1)/float64(len(drawn[s.N])+1) - .5
			r.circle("dot fill-"+s.Class(), r.x.at(median(b)), y+part*r.height*.7, 3.6,
				fmt.Sprintf("%s, block %d: median %s ms of %s", s.label, b.Index, milliseconds(median(b)), plural(b.Handshakes, "handshake")))
		}
	}
	return r.figure
}

// ratioPlot sets candidates beside their baselines: the ratio with its
// interval, and the margin within which they count as the same.
func ratioPlot(id string, cs []*comparison) *figure {
	shown := slices.DeleteFunc(slices.Clone(cs), func(c *comparison) bool {
		return c.Verdict == "invalid" || c.RatioLow < 1e-6 || c.RatioHigh > 1e6 || c.RatioHigh < c.RatioLow
	})
	if len(shown) == 0 {
		return nil
	}
	lo, hi := .95, 1.05
	for _, c := range shown {
		lo, hi = min(lo, c.RatioLow), max(hi, c.RatioHigh)
	}
	r := newRows(id, "Ratio to the baseline, by path", "A dot for each comparison at candidate divided by baseline, a line for its confidence interval; the band is the margin for being the same.", len(shown), figureWidth, 260, 180, 34)
	r.x = scale{lo * .97, hi * 1.03, r.left, r.right, true}
	n := len(shown)
	if m := shown[0].Margin; m > 1 {
		r.rect("band", r.x.at(max(1/m, r.x.lo)), r.top, r.x.at(min(m, r.x.hi))-r.x.at(max(1/m, r.x.lo)), r.base(n)-r.top, "")
	}
	for _, v := range ratioTicks(r.x) {
		r.line("grid", r.x.at(v), r.top, r.x.at(v), r.base(n))
		r.text("tick", "middle", r.x.at(v), r.base(n)+15, fmt.Sprintf("×%g", v))
	}
	r.line("one", r.x.at(1), r.top, r.x.at(1), r.base(n))
	r.text("axis", "end", r.right, r.base(n)+30, "candidate ÷ baseline, by ratio")
	for i, c := range shown {
		y := r.middle(i)
		r.name(i, fmt.Sprintf("%s ÷ %s", clean(c.Candidate), baselineName(c)), clean(c.Phase+" "+c.Quantile))
		class := "verdict-" + verdictClass(c)
		r.line("whisker "+class, r.x.at(c.RatioLow), y, r.x.at(c.RatioHigh), y)
		r.circle("dot "+class, r.x.at(c.Ratio), y, 5, fmt.Sprintf("×%.3g, interval %.3g to %.3g", c.Ratio, c.RatioLow, c.RatioHigh))
		r.text("value", "start", r.right+10, y+4, fmt.Sprintf("×%.2f %s", c.Ratio, clean(c.Verdict)))
	}
	return r.figure
}

func ratioTicks(s scale) []float64 {
	all := []float64{.1, .2, .33, .5, .67, .8, .9, 1, 1.1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100}
	all = slices.DeleteFunc(all, func(v float64) bool { return v < s.lo || v > s.hi })
	var out []float64
	for _, v := range all {
		near := slices.ContainsFunc(out, func(o float64) bool { return math.Abs(s.at(o)-s.at(v)) < 34 })
		if v != 1 && (near || math.Abs(s.at(1)-s.at(v)) < 34) {
			continue
		}
		out = append(out, v)
	}
	return out
}

// verdictClass is one of the words that the style sheet knows.
func verdictClass(c *comparison) string {
	if slices.Contains([]string{"same", "faster", "slower", "inconclusive"}, c.Verdict) {
		return c.Verdict
	}
	return "inconclusive"
}
