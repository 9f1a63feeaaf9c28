// Objective, Capacity and Attribution: limits that were kept or missed, the
// highest rate that keeps them, and what each part of a path adds.

package results

// Objective is the verdict on one limit for one trial, or for one comparison.
type Objective struct {
	Service   string   `json:"service"`
	Path      string   `json:"path"`
	Kind      PathKind `json:"kind,omitempty"`
	Address   string   `json:"address,omitempty"`
	Trial     string   `json:"trial,omitempty"`    // the trial that was judged
	Baseline  string   `json:"baseline,omitempty"` // of a ratio: the path that it is to
	Objective string   `json:"objective"`          // as "handshake.p99<50ms"
	Unit      string   `json:"unit"`               // of limit and observed: us, share (0 to 1) or ratio
	Limit     float64  `json:"limit"`
	// Observed is absent where there is no such number: nothing was measured, or so
	// many handshakes were lost that the quantile lies among them.
	Observed *float64         `json:"observed,omitempty"`
	N        int              `json:"n"` // what Observed was made from: handshakes, of a ratio rounds
	Verdict  ObjectiveVerdict `json:"verdict"`
	Why      string           `json:"why,omitempty"` // of unknown, and of what the numbers do not show
}

// ObjectiveVerdict says whether a limit was kept.
type ObjectiveVerdict string

// The verdicts of an objective.
const (
	ObjectiveMet     ObjectiveVerdict = "met"
	ObjectiveMissed  ObjectiveVerdict = "missed"
	ObjectiveUnknown ObjectiveVerdict = "unknown" // it was not measured well enough to say
)

// Capacity is what a search for the highest rate found: the server holds LowRate
// and does not hold HighRate. Where the search met another limit than the
// server's, HighRate is absent: the answer is "at least LowRate".
type Capacity struct {
	Service string   `json:"service"`
	Path    string   `json:"path"`
	Kind    PathKind `json:"kind,omitempty"`
	Target  string   `json:"target"`
	Address string   `json:"address"`
	Client  string   `json:"client"`
	Asked   Shape    `json:"asked"`
	// ResumeRatio is how many of the handshakes were asked to be resumed; Asked has
	// Resumed for all or none alone.
	ResumeRatio float64  `json:"resume_ratio,omitempty"`
	SLO         []string `json:"slo"`                 // what a rate had to keep
	LowRate     float64  `json:"low_rate"`            // the highest that held; 0: none did
	HighRate    *float64 `json:"high_rate,omitempty"` // the lowest that did not; absent: none was shown
	// LimitedBy says whose limit HighRate is: server; else what ended the search:
	// generator, or unknown.
	LimitedBy  LimitedBy      `json:"limited_by"`
	Valid      bool           `json:"valid"` // the interval is closed, and the server's
	InvalidWhy []string       `json:"invalid_why"`
	Steps      []CapacityStep `json:"steps"` // in the order in which they were made
}

// LimitedBy is what ended a search.
type LimitedBy string

// What can end a search.
const (
	LimitedByServer    LimitedBy = "server"
	LimitedByGenerator LimitedBy = "generator"
	LimitedByUnknown   LimitedBy = "unknown"
)

// CapacityStep is one rate that was tried: a trial of its own.
type CapacityStep struct {
	Trial         string  `json:"trial"`
	Rate          float64 `json:"rate"`           // asked, handshakes a second
	CompletedRate float64 `json:"completed_rate"` // what the server finished a second meanwhile
	DurationS     float64 `json:"duration_s"`
	Errors        float64 `json:"errors"` // share of due
	P50US         float64 `json:"p50_us"` // of the handshake
	P99US         float64 `json:"p99_us"` // of the handshake
	// P99LowUS and P99HighUS are the interval of 95 % of the p99, by batch means over
	// ten parts of the step. Absent: the step was too short to bound it on that side.
	P99LowUS  float64     `json:"p99_low_us,omitempty"`
	P99HighUS float64     `json:"p99_high_us,omitempty"`
	CPUShare  float64     `json:"cpu_share"`
	LagP99US  float64     `json:"lag_p99_us"`
	Verdict   StepVerdict `json:"verdict"`
	Why       string      `json:"why,omitempty"`
}

// StepVerdict says whether a rate was held.
type StepVerdict string

// The verdicts on a step.
const (
	StepHeld      StepVerdict = "held"
	StepMissed    StepVerdict = "missed"
	StepGenerator StepVerdict = "generator" // it was the limit, so the step says nothing of the server
	StepUnknown   StepVerdict = "unknown"
)

// Attribution is what one part of a path adds to a handshake: the difference of
// two paths of a service, or of two shapes of one path, that differ in this part.
type Attribution struct {
	Service    string  `json:"service"`
	Part       string  `json:"part"`    // as "re-encryption": what With has and Without has not
	With       string  `json:"with"`    // path
	Without    string  `json:"without"` // path
	Asked      Shape   `json:"asked"`   // of With
	Phase      string  `json:"phase"`
	Quantile   string  `json:"quantile"`
	AddsUS     float64 `json:"adds_us"` // with − without, mean over rounds; negative: saves
	LowUS      float64 `json:"low_us"`
	HighUS     float64 `json:"high_us"`
	Confidence float64 `json:"confidence"` // of each interval by itself
	Blocks     int     `json:"blocks"`     // rounds in which both were measured
	WithoutUS  float64 `json:"without_us"` // mean over rounds: what it is added to
	// Unlike says in what else most handshakes of the two differed; the difference
	// is of that too.
	Unlike string `json:"unlike,omitempty"`
}

func (*Objective) Type() string   { return "objective" }
func (*Capacity) Type() string    { return "capacity" }
func (*Attribution) Type() string { return "attribution" }
