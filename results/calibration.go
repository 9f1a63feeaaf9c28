// Calibration: what a machine's measurements were found to be worth.

package results

import "time"

// Calibration is one check of `shakedown calibrate`: what was expected, what was
// measured, and how far apart they may be. Fields that a part does not have are
// absent.
type Calibration struct {
	Part    string `json:"part"`              // stall, floor, wire, same, planted
	Subject string `json:"subject,omitempty"` // of which schedule or client
	// Verdict is pass, fail, or unknown with Why; "" is a figure without a bar.
	Verdict string `json:"verdict,omitempty"`
	Why     string `json:"why,omitempty"`

	RatePerS float64 `json:"rate_per_s,omitempty"`
	Samples  int     `json:"samples,omitempty"`
	Rounds   int     `json:"rounds,omitempty"` // figures are the medians of so many
	Phase    string  `json:"phase,omitempty"`
	Quantile string  `json:"quantile,omitempty"`

	// Of the parts stall and floor.
	ExpectedUS float64  `json:"expected_us,omitempty"`
	MeasuredUS float64  `json:"measured_us,omitempty"`
	ErrorRatio *float64 `json:"error_ratio,omitempty"` // measured ÷ expected − 1
	LimitRatio float64  `json:"limit_ratio,omitempty"` // what it may be, either way

	// Of the part wire: the quantile of |reported − wire|, sample by sample, and the
	// median of reported − wire.
	DifferenceUS *float64 `json:"difference_us,omitempty"`
	BiasUS       *float64 `json:"bias_us,omitempty"`
	LimitUS      float64  `json:"limit_us,omitempty"`

	// Of the parts same and planted: how many of the runs found a difference.
	Runs     int     `json:"runs,omitempty"`
	Found    *int    `json:"found,omitempty"`
	Limit    *int    `json:"limit,omitempty"`    // at most (same), at least (planted)
	Unfit    int     `json:"unfit,omitempty"`    // runs that were invalid, or too noisy for the promise
	Blocks   int     `json:"blocks,omitempty"`   // of each path in a run
	Planted  float64 `json:"planted,omitempty"`  // the ratio that was planted
	Detected float64 `json:"detected,omitempty"` // the median of the ratios that were measured

	// At is when it was made, in a kept calibration whose latest run left the part out.
	At *time.Time `json:"at,omitempty"`
}

// Type is the record's name.
func (*Calibration) Type() string { return "calibration" }

// Verdicts of a calibration.
const (
	CalibrationPass    = "pass"
	CalibrationFail    = "fail"
	CalibrationUnknown = "unknown"
)

// Machine is what a calibration holds for: on another machine, or after another
// kernel was booted, it says nothing.
type Machine struct {
	ID     string `json:"id"` // a hash of the host's own id
	Kernel string `json:"kernel"`
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
}

// Calibrated sums a calibration up for the header of a run that was made later on
// the same machine.
type Calibrated struct {
	At      time.Time `json:"at"` // of its oldest part
	Version string    `json:"tool_version"`
	Verdict string    `json:"verdict"` // fail if a part failed, unknown if one is, else pass
	// WireUS is by phase the median of |reported − wire|; absent if it is unknown.
	WireUS map[string]float64 `json:"wire_us,omitempty"`
	// StallError is the largest error of a stalled server's p99, as a ratio.
	StallError *float64 `json:"stall_error,omitempty"`
	// FloorUS is the median handshake of a server that does nothing beside TLS.
	FloorUS *float64 `json:"floor_us,omitempty"`
	Same    *Hits    `json:"same,omitempty"`    // comparisons of a path with itself that were called different
	Planted *Hits    `json:"planted,omitempty"` // those with a slower one that found it
	Failed  []string `json:"failed,omitempty"`  // parts that failed
	Unknown []string `json:"unknown,omitempty"` // parts that could not be tried
}

// Hits is how many comparisons of all found a difference.
type Hits struct {
	Found int     `json:"found"`
	Of    int     `json:"of"`
	Ratio float64 `json:"ratio,omitempty"` // that was planted
}
