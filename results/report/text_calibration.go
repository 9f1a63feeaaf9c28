// The terminal report's part on calibrations: what each part came to, then the
// figures; and what a bench says of the calibration before it.

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"shakedown/results"
)

// calibration is the checks of one part.
type calibration struct {
	part   string
	checks []*results.Calibration
}

// calibrationOf gathers checks by part, in the order in which they came.
func calibrationOf(checks []*results.Calibration) []*calibration {
	var parts []*calibration
	for _, c := range checks {
		i := slices.IndexFunc(parts, func(p *calibration) bool { return p.part == c.Part })
		if i < 0 {
			parts, i = append(parts, &calibration{part: c.Part}), len(parts)
		}
		parts[i].checks = append(parts[i].checks, c)
	}
	return parts
}

func (c *calibration) level() level {
	worst := fine
	for _, r := range c.checks {
		worst = max(worst, calibrationLevel(r))
	}
	return worst
}

func calibrationLevel(c *results.Calibration) level {
	switch c.Verdict {
	case results.CalibrationFail:
		return bad
	case results.CalibrationUnknown:
		return warning
	}
	return fine
}

// words is the part in a sentence.
func (c *calibration) words() string {
	for _, r := range c.checks {
		if r.Verdict == results.CalibrationUnknown {
			return "unknown: " + clean(r.Why)
		}
	}
	switch first := c.checks[0]; c.part {
	case "stall":
		return fmt.Sprintf("the p99 of stalled servers is off by %s %% at most (%s %% are allowed)", significant(100*c.stallError()), fmt.Sprint(100*c.limit()))
	case "floor":
		return "the least that can be measured here: " + c.floor()
	case "wire":
		return fmt.Sprintf("at %s handshakes a second the lean client is off the wire by %s at the median (%.0f µs are allowed)",
			rate(first.RatePerS), c.distances("lean"), first.LimitUS)
	case "same":
		return fmt.Sprintf("%d of %d comparisons of a path with itself are called different (%d may be, at 95 %%)", howMany(first.Found), first.Runs-first.Unfit, howMany(first.Limit))
	case "planted":
		return fmt.Sprintf("a slowdown of %.0f %% is found in %d of %d comparisons that promised to (%d must be)",
			100*(first.Planted-1), howMany(first.Found), first.Runs-first.Unfit, howMany(first.Limit))
	}
	return plural(len(c.checks), "check")
}

func howMany(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func number64(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

func (c *calibration) stallError() float64 {
	worst := 0.0
	for _, r := range c.checks {
		if r.LimitRatio > 0 {
			worst = max(worst, math.Abs(number64(r.ErrorRatio)))
		}
	}
	return worst
}

func (c *calibration) limit() float64 {
	most := 0.0
	for _, r := range c.checks {
		most = max(most, r.LimitRatio)
	}
	return most
}

func (c *calibration) floor() string {
	var words []string
	for _, r := range c.checks {
		if r.Quantile == "p50" || r.Phase == "cpu" {
			words = append(words, fmt.Sprintf("%s %s µs", clean(r.Phase), significant(r.MeasuredUS)))
		}
	}
	return list(words, 0)
}

// distances are a client's medians from the wire.
func (c *calibration) distances(client string) string {
	var words []string
	for _, r := range c.checks {
		if r.Subject == client && r.Quantile == "p50" {
			words = append(words, fmt.Sprintf("%s µs (%s)", significant(number64(r.DifferenceUS)), clean(r.Phase)))
		}
	}
	return list(words, 0)
}

func (p *page) calibrations(checks []*results.Calibration) {
	if len(checks) == 0 {
		return
	}
	p.title("Calibration")
	parts := calibrationOf(checks)
	for _, c := range parts {
		l := c.level()
		p.paragraph(2, 2, l.style(), fmt.Sprintf("%s %s: %s", cmp.Or(strings.TrimSpace(l.mark()), "✓"), clean(c.part), c.words()))
	}
	for _, c := range parts {
		switch c.part {
		case "stall":
			p.subtitle("Stalled servers: total in ms")
			p.table(2, stallTable(c.checks))
		case "wire":
			if c.checks[0].DifferenceUS != nil {
				p.subtitle("Reported beside the wire, handshake by handshake: how far off, in µs")
				p.table(2, wireTable(c.checks))
			}
		}
	}
}

func stallTable(checks []*results.Calibration) *table {
	t := &table{columns: []column{
		{head: "SCHEDULE", min: 8}, {head: "RATE/S", right: true}, {head: "N", right: true}, {head: ""},
		{head: "EXPECTED", right: true}, {head: "MEASURED", right: true}, {head: "OFF", right: true},
	}}
	for _, r := range checks {
		off := styled("–", dimStyle)
		if r.ErrorRatio != nil {
			off = styled(fmt.Sprintf("%+.2f %%", 100**r.ErrorRatio), calibrationLevel(r).style())
		}
		t.add(text(clean(r.Subject)), text(rate(r.RatePerS)), text(grouped(r.Samples)), text(clean(r.Quantile)),
			text(milliseconds(r.ExpectedUS)), text(milliseconds(r.MeasuredUS)), off)
	}
	return t
}

func wireTable(checks []*results.Calibration) *table {
	t := &table{columns: []column{
		{head: "PHASE", min: 8}, {head: "CLIENT"}, {head: ""}, {head: "OFF", right: true}, {head: "ALLOWED", right: true}, {head: "BIAS", right: true}, {head: "N", right: true},
	}}
	for _, r := range checks {
		allowed := "–"
		if r.LimitUS > 0 {
			allowed = significant(r.LimitUS)
		}
		t.add(text(clean(r.Phase)), text(clean(r.Subject)), text(clean(r.Quantile)), styled(significant(number64(r.DifferenceUS)), calibrationLevel(r).style()),
			text(allowed), text(significant(number64(r.BiasUS))), text(grouped(r.Samples)))
	}
	return t
}

// calibrated is what a run's header says of the calibration before it; "" for runs
// that measure nothing.
func calibrated(h results.Header) string {
	c := h.Calibration
	if c == nil {
		return ""
	}
	words := "calibrated " + ago(h.StartedAt.Sub(c.At)) + " on this machine"
	if c.Verdict == results.CalibrationFail {
		words += ", which it failed"
		if len(c.Failed) > 0 {
			words += " (" + clean(strings.Join(c.Failed, ", ")) + ")"
		}
	}
	var found []string
	if us, ok := c.WireUS["handshake"]; ok {
		found = append(found, fmt.Sprintf("handshake within %s µs of the wire", significant(math.Abs(us))))
	}
	if c.StallError != nil {
		found = append(found, fmt.Sprintf("p99 of a stalled server within %s %%", significant(100**c.StallError)))
	}
	if c.FloorUS != nil {
		found = append(found, fmt.Sprintf("no handshake under %s ms", milliseconds(*c.FloorUS)))
	}
	if t := c.Same; t != nil {
		found = append(found, fmt.Sprintf("%d of %d comparisons of a path with itself called different", t.Found, t.Of))
	}
	if t := c.Planted; t != nil {
		found = append(found, fmt.Sprintf("%.0f %% slower found %d times of %d", 100*(t.Ratio-1), t.Found, t.Of))
	}
	if len(c.Unknown) > 0 {
		found = append(found, "unknown: "+clean(strings.Join(c.Unknown, ", ")))
	}
	if len(found) == 0 {
		return words
	}
	return words + ": " + strings.Join(found, ", ")
}

// ago is a time in the past, roughly.
func ago(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return "just before"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes before", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours before", int(d.Hours()))
	}
	return fmt.Sprintf("%d days before", int(d.Hours()/24))
}
