// Plan: how many units of what was measured a load takes, and what binds.

package results

// Load is what a plan is for.
type Load struct {
	Rate        float64 `json:"rate"`         // handshakes a second at the peak, each of a new connection
	ResumeRatio float64 `json:"resume_ratio"` // how many of them are resumed, 0 to 1
	Headroom    float64 `json:"headroom"`     // share of each unit's capacity that is kept free, 0 to 1
	Spare       int     `json:"spare"`        // units more than the load takes, as many as may fail
	HSM         string  `json:"hsm,omitempty"`
	Signs       float64 `json:"signs,omitempty"` // what a device for keys signs a second, as was given
	Units       int     `json:"units,omitempty"` // to be judged: are so many enough?
}

// Plan says what a load takes of one path as it was measured. Of a kind of which
// no path was measured there is one that says so: it has no Path, but those that
// were not measured.
type Plan struct {
	Service    string   `json:"service"`
	Path       string   `json:"path"`
	Kind       PathKind `json:"kind,omitempty"`
	Address    string   `json:"address,omitempty"`
	Unmeasured []string `json:"unmeasured,omitempty"`
	Load       Load     `json:"load"`
	Asked      Shape    `json:"asked"` // Load says how many are resumed
	SLO        []string `json:"slo"`   // what a unit has to keep
	// Basis says how the rate of a unit is known.
	Basis PlanBasis `json:"basis"`
	// UnitLow and UnitHigh are what one unit holds of this load's mixture, in
	// handshakes a second: it holds the low rate and does not hold the high one.
	// Absent is not known.
	UnitLow  *float64 `json:"unit_rate_low,omitempty"`
	UnitHigh *float64 `json:"unit_rate_high,omitempty"`
	// UnitsLow is how many it takes at least, UnitsHigh how many are enough; spare
	// ones are counted. Absent is not known.
	UnitsLow  *int `json:"units_low,omitempty"`
	UnitsHigh *int `json:"units_high,omitempty"`
	// Enough answers whether Load.Units are, where that was asked.
	Enough Answer `json:"enough,omitempty"`
	// Binds names the resource that has the least room left, and BindsWhy how that
	// is known.
	Binds     Binding    `json:"binds"`
	BindsWhy  string     `json:"binds_why,omitempty"`
	KeyDevice *KeyDevice `json:"key_device,omitempty"` // where keys lie in one
	Billed    []Billed   `json:"billed,omitempty"`     // what a load balancer of AWS counts
	Assumed   []string   `json:"assumed"`              // what the numbers stand on, beside the records
	From      []string   `json:"from"`                 // where the records stand: RUN:LINE
	Why       string     `json:"why,omitempty"`        // of what is not known
}

// PlanBasis is how the rate of a unit is known.
type PlanBasis string

// The bases of a plan, the firmest first.
const (
	PlanMeasured     PlanBasis = "measured"     // this mixture's capacity was searched for
	PlanInterpolated PlanBasis = "interpolated" // those of two mixtures were, one with more resumed and one with fewer
	PlanBounded      PlanBasis = "bounded"      // that of another mixture was
	PlanHeld         PlanBasis = "held"         // a trial held a rate, and no search asked for more
	PlanUnknown      PlanBasis = "unknown"      // nothing was measured
)

// Binding is a resource that can bind.
type Binding string

// The resources.
const (
	BindsInstance     Binding = "instance"
	BindsLoadBalancer Binding = "load-balancer"
	BindsKeyDevice    Binding = "key-device" // an HSM or an enclave, and the workers that wait for it
	BindsPath         Binding = "path"       // of what was measured as a whole it is not known which part
	BindsUnknown      Binding = "unknown"
)

// KeyDevice is what the load takes of the device that keys lie in: one private-key
// operation for each full handshake, none for a resumed one.
type KeyDevice struct {
	Signs  float64 `json:"signs"`            // signatures a second that the load asks for
	Key    string  `json:"key,omitempty"`    // as "EC P-256", where it is known
	Device string  `json:"device,omitempty"` // of which it is known what it signs
	Count  *int    `json:"count,omitempty"`  // how many it takes, spare ones counted; absent: not known
	Holds  float64 `json:"holds,omitempty"`  // what so many without the spare ones sign a second
	Source string  `json:"source,omitempty"` // where that figure is from
	Why    string  `json:"why,omitempty"`    // of what is not known
}

// Billed is a unit that AWS counts a load balancer's new connections in: what is
// paid for, and no limit.
type Billed struct {
	Unit   string  `json:"unit"` // as "ALB LCU"
	Each   float64 `json:"each"` // new connections a second
	Count  float64 `json:"count"`
	Source string  `json:"source"`
}

func (*Plan) Type() string { return "plan" }
