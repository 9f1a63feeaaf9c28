// Capacity plans in words, for every format.

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"shakedown/results"
	"shakedown/results/capacity"
)

// planned is a plan and where it stands.
type planned struct {
	*results.Plan
	ref
}

// Evidence is what runs say of capacities, each record with the place where it
// stands.
func Evidence(runs []Run) *capacity.Evidence {
	e := new(capacity.Evidence)
	for _, run := range runs {
		for line, r := range run.Records {
			e.Put(r, place(run, line))
		}
	}
	return e
}

// planLabel names what a plan is of in its section: the path, or those that were
// not measured.
func (s *section) planLabel(p *results.Plan) string {
	return s.pathLabel(p.Service, cmp.Or(p.Path, list(p.Unmeasured, 2)))
}

// planTitle says what load plans are for.
func planTitle(l results.Load) string {
	words := []string{fmt.Sprintf("%s handshakes/s", rate(l.Rate))}
	if l.ResumeRatio > 0 {
		words[0] += fmt.Sprintf(", %s %% of them resumed", plainNumber(100*l.ResumeRatio))
	}
	if l.Headroom > 0 {
		words = append(words, fmt.Sprintf("%s %% of each unit kept free", plainNumber(100*l.Headroom)))
	}
	switch {
	case l.Spare > 0:
		words = append(words, plural(l.Spare, "unit")+" to spare")
	default:
		words = append(words, "none to spare")
	}
	return strings.Join(words, ", ")
}

// planUnits is how many units a plan asks for.
func planUnits(p *results.Plan) string {
	low := 1 + p.Load.Spare
	if p.UnitsLow != nil {
		low = *p.UnitsLow
	}
	switch {
	case p.UnitsLow == nil && p.UnitsHigh == nil:
		return "unknown"
	case p.UnitsHigh == nil:
		return "at least " + plural(low, "unit")
	case p.UnitsLow == nil && *p.UnitsHigh > low:
		return plural(*p.UnitsHigh, "unit") + " or fewer"
	}
	return unitWords(low, *p.UnitsHigh)
}

// planCount is planUnits for a table.
func planCount(p *results.Plan) string {
	switch {
	case p.UnitsLow == nil && p.UnitsHigh == nil:
		return "unknown"
	case p.UnitsHigh == nil:
		return "≥ " + grouped(*p.UnitsLow)
	case p.UnitsLow == nil:
		return "≤ " + grouped(*p.UnitsHigh)
	case *p.UnitsLow == *p.UnitsHigh:
		return grouped(*p.UnitsHigh)
	}
	return grouped(*p.UnitsLow) + " – " + grouped(*p.UnitsHigh)
}

// planRate is what one unit holds.
func planRate(p *results.Plan) string {
	low, high := 0.0, p.UnitHigh
	if p.UnitLow != nil {
		low = *p.UnitLow
	}
	switch {
	case low == 0 && high == nil:
		return "–"
	case high == nil:
		return "≥ " + plainNumber(low)
	case low == 0:
		return "< " + plainNumber(*high)
	}
	return fmt.Sprintf("%s – %s", plainNumber(low), plainNumber(*high))
}

// plainNumber has three digits, and none behind the point where they say nothing.
func plainNumber(v float64) string {
	if v >= 100 {
		return rate(math.Round(v))
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// planLevel is bad for units that are not enough, and a warning for what is not
// known.
func planLevel(p *results.Plan) level {
	switch {
	case p.Enough == results.No:
		return bad
	case !capacity.Told(p):
		return warning
	}
	return fine
}

// planWords say what is wrong with a plan; "" if nothing is.
func planWords(p *results.Plan) string {
	switch {
	case p.Enough == results.No:
		return fmt.Sprintf("%s are not enough: it takes %s", plural(p.Load.Units, "unit"), planUnits(p))
	case capacity.Told(p):
		return ""
	case p.Enough == results.Unknown && p.UnitsLow == nil && p.UnitsHigh == nil:
		return fmt.Sprintf("whether %s are enough is unknown", plural(p.Load.Units, "unit")) + because(p.Why)
	case p.Enough == results.Unknown:
		return fmt.Sprintf("whether %s are enough is unknown: it takes %s", plural(p.Load.Units, "unit"), planUnits(p)) + because(p.Why)
	case p.UnitsLow != nil && p.UnitsHigh != nil:
		return "how many devices for keys it takes is unknown" + because(p.KeyDevice.Why)
	}
	return "how many units it takes is not known" + because(p.Why)
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return "; " + clean(why)
}

// planBinds is what binds, in words.
func planBinds(p *results.Plan) string {
	return map[results.Binding]string{
		results.BindsInstance: "the instance", results.BindsLoadBalancer: "the load balancer", results.BindsKeyDevice: "the key's device",
		results.BindsPath: "unknown", results.BindsUnknown: "unknown",
	}[p.Binds]
}

// planDevice is what a plan takes of the device for keys; "" where there is none.
func planDevice(d *results.KeyDevice) string {
	if d == nil {
		return ""
	}
	words := plainNumber(d.Signs) + " signatures/s"
	if d.Key != "" {
		words += " by " + clean(d.Key)
	}
	if d.Count == nil {
		return words + ": how many devices is unknown, " + clean(d.Why)
	}
	return words + fmt.Sprintf(": %s × %s, %s/s without the spare ones (%s)", grouped(*d.Count), clean(d.Device), plainNumber(d.Holds), clean(d.Source))
}

// planBilled is what a load balancer of AWS is paid by.
func planBilled(all []results.Billed) string {
	var words []string
	for _, b := range all {
		words = append(words, fmt.Sprintf("%s %s (of %s/s)", plainNumber(b.Count), clean(b.Unit), plainNumber(b.Each)))
	}
	if words == nil {
		return ""
	}
	return "at AWS new connections alone are billed as " + strings.Join(words, ", or ") + ", which is no limit (" + clean(all[0].Source) + ")"
}

// notesOf are the sentences on one plan.
func notesOf(p *results.Plan) (notes []string) {
	if p.BindsWhy != "" {
		who := "what binds is unknown: "
		if p.Binds != results.BindsPath {
			who = planBinds(p) + " binds: "
		}
		notes = append(notes, who+clean(p.BindsWhy))
	}
	return slices.DeleteFunc(append(notes, planDevice(p.KeyDevice), planBilled(p.Billed)), func(s string) bool { return s == "" })
}

// planNote is what is said of one or more plans alike.
type planNote struct {
	Who  []string
	Text string
}

// planNotes are the sentences below plans, each once.
func (s *section) planNotes(all []*planned) []planNote {
	var notes []planNote
	for _, p := range all {
		for _, words := range notesOf(p.Plan) {
			i := slices.IndexFunc(notes, func(n planNote) bool { return n.Text == words })
			if i < 0 {
				i, notes = len(notes), append(notes, planNote{Text: words})
			}
			notes[i].Who = append(notes[i].Who, s.planLabel(p.Plan))
		}
	}
	return notes
}

// assumptions are those of all plans, each once.
func assumptions(all []*planned) (words []string) {
	for _, p := range all {
		for _, a := range p.Assumed {
			if a = clean(a); !slices.Contains(words, a) {
				words = append(words, a)
			}
		}
	}
	return words
}

// basisWords say how a unit's rate is known.
func basisWords(p *results.Plan) string {
	return map[results.PlanBasis]string{
		results.PlanMeasured: "measured", results.PlanInterpolated: "interpolated", results.PlanBounded: "bounded",
		results.PlanHeld: "a trial", results.PlanUnknown: "not measured",
	}[p.Basis]
}
