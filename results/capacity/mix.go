// What a unit holds of a mixture of full and resumed handshakes, from what it
// holds of others.
//
// A handshake's cost is the share of a second that it takes of what binds; over a
// mixture costs add up, so the cost is a straight line over the share of resumed
// ones. Two measured mixtures around the wanted one give it; of one alone follow
// bounds, as a resumed handshake costs something between nothing and a full one.

package capacity

import (
	"math"
	"slices"

	"shakedown/results"
)

// point is a mixture that was measured.
type point struct {
	resumed float64 // share, 0 to 1
	holds   Span
	from    []string // where the records stand
}

// sameShare is how far apart two shares of resumed handshakes are one.
const sameShare = 0.005

// mixed is what a unit holds with a share of resumed handshakes, and from which
// records that is.
func mixed(points []point, resumed float64) (point, results.PlanBasis) {
	var at, below, above *point
	for i := range points {
		switch p := &points[i]; {
		case math.Abs(p.resumed-resumed) < sameShare:
			at = joined(at, p)
		case p.resumed < resumed && (below == nil || p.resumed >= below.resumed):
			below = nearest(below, p)
		case p.resumed > resumed && (above == nil || p.resumed <= above.resumed):
			above = nearest(above, p)
		}
	}
	switch {
	case at != nil:
		return *at, results.PlanMeasured
	case below != nil && above != nil:
		return between(*below, *above, resumed), results.PlanInterpolated
	case below != nil:
		return beside(*below, resumed), results.PlanBounded
	case above != nil:
		return beside(*above, resumed), results.PlanBounded
	}
	return point{resumed, nothing(), nil}, results.PlanUnknown
}

// joined is one mixture measured twice: what both say is possible.
func joined(a, b *point) *point {
	if a == nil {
		return b
	}
	return &point{a.resumed, a.holds.hull(b.holds), slices.Concat(a.from, b.from)}
}

// nearest takes b, together with a if that is of the same mixture.
func nearest(a, b *point) *point {
	if a != nil && a.resumed == b.resumed {
		return joined(a, b)
	}
	return b
}

// between interpolates costs.
func between(a, b point, resumed float64) point {
	w := (resumed - a.resumed) / (b.resumed - a.resumed)
	cost := func(x, y float64) float64 { return (1-w)/x + w/y }
	return point{resumed, Span{1 / cost(a.holds.Low, b.holds.Low), 1 / cost(a.holds.High, b.holds.High)}, slices.Concat(a.from, b.from)}
}

// beside bounds costs: if a resumed handshake cost as much as a full one, the
// mixture would make no difference; if it cost nothing, full ones alone would count.
func beside(p point, resumed float64) point {
	free := (1 - p.resumed) / (1 - resumed) // what a unit then holds more
	if p.resumed == 1 {
		free = 0 // full ones may cost anything
	}
	return point{resumed, Span{p.holds.Low * min(1, free), p.holds.High * max(1, free)}, p.from}
}
