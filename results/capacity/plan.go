// The plan of one path: units, what binds, and what it stands on.

package capacity

import (
	"fmt"
	"math"
	"strings"

	"shakedown/results"
)

func (u *unit) plan(load results.Load, siblings []*unit) *results.Plan {
	p := &results.Plan{
		Service: u.service, Path: u.name, Kind: u.kind, Address: u.address, Load: load, Asked: u.asked, SLO: []string{},
		Basis: u.basis, From: u.from, Why: strings.Join(u.notes, "; "),
	}
	if u.slo != "" {
		p.SLO = strings.Split(u.slo, "\x00")
	}
	p.UnitLow, p.UnitHigh = known(u.holds.Low), known(u.holds.High)
	u.count(p)
	p.Binds, p.BindsWhy = u.binds(siblings)
	if inDevice(u.kind) {
		p.KeyDevice = keyDevice(load, u.scheme)
		u.tighten(p)
	}
	p.Billed = billed(u.kind, load.Rate)
	p.Assumed = u.assumed(p)
	judge(p)
	return p
}

// known is a rate, absent where it is not.
func known(rate float64) *float64 {
	if rate <= 0 || math.IsInf(rate, 1) {
		return nil
	}
	return &rate
}

// count fills in how many units the load takes.
func (u *unit) count(p *results.Plan) {
	usable := u.holds.times(1 - p.Load.Headroom)
	low, high := usable.Units(p.Load.Rate)
	low, high = low+p.Load.Spare, high+p.Load.Spare
	if !math.IsInf(usable.High, 1) {
		p.UnitsLow = &low
	}
	if usable.Low > 0 {
		p.UnitsHigh = &high
	}
}

// judge answers whether the units that there are are enough.
func judge(p *results.Plan) {
	switch have := p.Load.Units; {
	case have == 0:
	case p.UnitsHigh != nil && have >= *p.UnitsHigh:
		p.Enough = results.Yes
	case p.UnitsLow != nil && have < *p.UnitsLow:
		p.Enough = results.No
	default:
		p.Enough = results.Unknown
	}
}

// Told reports whether a plan says all that it was asked for.
func Told(p *results.Plan) bool {
	device := p.KeyDevice == nil || p.KeyDevice.Count != nil || p.Load.HSM == "" && p.Load.Signs == 0
	if p.Load.Units > 0 { // more than the answer was not asked for
		return device && p.Enough != results.Unknown
	}
	return device && p.UnitsLow != nil && p.UnitsHigh != nil
}

// inDevice reports whether a kind's keys lie in a device.
func inDevice(kind results.PathKind) bool {
	return kind == results.HSMOffloaded || kind == results.EnclaveOffloaded
}

// binds says which resource of a path has the least room, as far as another path
// shows it: an instance alone that was asked for the same.
func (u *unit) binds(siblings []*unit) (results.Binding, string) {
	if u.kind == results.Instance {
		return results.BindsInstance, ""
	}
	alone := u.alone(siblings)
	if u.kind == "" || alone == nil || !u.holds.bounded() || !alone.holds.bounded() {
		return results.BindsPath, ""
	}
	words := fmt.Sprintf("%s alone holds %s/s, %s %s/s", alone.name, alone.holds, u.name, u.holds)
	switch {
	case !u.holds.below(alone.holds):
		return results.BindsPath, words + ": that does not tell the parts apart"
	case inDevice(u.kind):
		return results.BindsKeyDevice, words
	}
	return results.BindsLoadBalancer, words
}

// alone is the instance of a path's service that was asked for the same handshakes
// and holds most.
func (u *unit) alone(siblings []*unit) (best *unit) {
	for _, o := range siblings {
		same := o.subject
		same.path = u.path
		if o.service == u.service && o.kind == results.Instance && same.same(u.subject) && (best == nil || o.holds.Low > best.holds.Low) {
			best = o
		}
	}
	return best
}

// String is a span as people say it.
func (s Span) String() string {
	switch {
	case math.IsInf(s.High, 1):
		return fmt.Sprintf("%.0f or more", s.Low)
	case s.Low <= 0:
		return fmt.Sprintf("less than %.0f", s.High)
	}
	return fmt.Sprintf("%.0f to %.0f", s.Low, s.High)
}

// tighten lets the device bind where what is known of it leaves less room than the
// units have.
func (u *unit) tighten(p *results.Plan) {
	d := p.KeyDevice
	if d.Holds == 0 || d.Signs == 0 || p.UnitsHigh == nil {
		return
	}
	room := d.Holds / d.Signs
	units := float64(*p.UnitsHigh-p.Load.Spare) * u.holds.Low / p.Load.Rate
	if room < units {
		p.Binds, p.BindsWhy = results.BindsKeyDevice, fmt.Sprintf("%d of the device sign %.4g times what the load asks for, the units hold %.4g times the load (spare ones apart)", *d.Count-p.Load.Spare, room, units)
	}
}

// assumed is what a plan stands on beside its records.
func (u *unit) assumed(p *results.Plan) []string {
	all := []string{"units are alike, and the load spreads evenly over them", "each handshake is of a new connection; what connections do afterwards takes nothing"}
	if p.Load.Spare == 0 {
		all = append(all, "no unit fails")
	}
	switch u.basis {
	case results.PlanInterpolated:
		all = append(all, fmt.Sprintf("costs of full and resumed handshakes add up: a share of %s resumed ones was not measured, a greater and a smaller one were", percent(p.Load.ResumeRatio)))
	case results.PlanBounded:
		all = append(all, fmt.Sprintf("a resumed handshake costs something between nothing and a full one: a share of %s of them was not measured", percent(p.Load.ResumeRatio)))
	}
	switch {
	case inDevice(u.kind) && p.KeyDevice.Holds == 0:
		all = append(all, "each unit has a device for its keys as the one that was measured: where units share one, it does not sign more for their number")
	case inDevice(u.kind):
		all = append(all, "a full handshake takes one signature of the device, a resumed one none")
	case u.kind != results.Instance && u.kind != "":
		all = append(all, "a unit is the load balancer with the targets behind it, as measured; one of AWS grows by itself, to a rate that is not published")
	}
	return all
}

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }
