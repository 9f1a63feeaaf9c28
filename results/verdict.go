// Verdict: what a gate decided over a whole run.

package results

// Verdict closes or opens a gate. Only a gate that is open lets a release pass.
type Verdict struct {
	Verdict string   `json:"verdict"` // open or closed
	FailOn  Severity `json:"fail_on"` // the least severity that fails
	// Why are the reasons in words, worst first; of an open gate what it rests on.
	Why []string `json:"why"`

	Endpoints    int `json:"endpoints"`
	Undetermined int `json:"undetermined"` // endpoints that did not answer, or not everything
	Failed       int `json:"failed"`       // findings at or above fail_on
	Unknown      int `json:"unknown"`      // rules that could not be judged, of endpoints that answered
	Below        int `json:"below"`        // findings below fail_on
	Waived       int `json:"waived"`
	Allowed      int `json:"allowed"` // unknown, and allowed by name
	Passed       int `json:"passed"`  // rules
	Limits       int `json:"limits"`  // objectives, trials and comparisons with a baseline that were judged
}

// The verdicts of a gate.
const (
	GateOpen   = "open"
	GateClosed = "closed"
)

// Type is the record's type.
func (*Verdict) Type() string { return "verdict" }
