// Trial, Block and Comparison: what was measured, slice by slice, and how two paths compare.

package results

import "time"

// Shape is what a handshake negotiated, or was asked to; in an asked Shape,
// what was not asked for is absent.
type Shape struct {
	Version         Version `json:"version,omitempty"`
	Suite           string  `json:"suite,omitempty"` // IANA's name
	Group           string  `json:"group,omitempty"`
	SignatureScheme string  `json:"signature_scheme,omitempty"`
	Resumed         *bool   `json:"resumed,omitempty"`
	HelloRetry      *bool   `json:"hello_retry,omitempty"`
	ALPN            string  `json:"alpn,omitempty"`
}

// Loop says what makes the next handshake due.
type Loop string

// The loops: in an open one the schedule does, in a closed one a free slot.
const (
	OpenLoop   Loop = "open"
	ClosedLoop Loop = "closed"
)

// Trial is one measured run over one path with one asked shape, over all its
// blocks. Due = Handshakes + OtherShape + Abandoned + failures; warm-up is in
// none of them.
type Trial struct {
	Service      string       `json:"service"`
	Path         string       `json:"path"`
	Kind         PathKind     `json:"kind,omitempty"`
	Target       string       `json:"target"`
	Address      string       `json:"address"`
	ServerName   string       `json:"server_name,omitempty"`
	Trial        string       `json:"trial"` // id; blocks name it
	StartedAt    time.Time    `json:"started_at,omitzero"`
	Loop         Loop         `json:"loop"`
	OfferedRate  float64      `json:"offered_rate,omitempty"` // handshakes a second; open loop only; of a ramp the mean
	Ramp         *Ramp        `json:"ramp,omitempty"`         // absent where the rate is steady
	AchievedRate float64      `json:"achieved_rate"`
	Connections  int          `json:"connections"` // the most in flight that were allowed
	DurationS    float64      `json:"duration_s"`
	Client       string       `json:"client"` // lean or stock
	Asked        Shape        `json:"asked"`
	ResumeRatio  float64      `json:"resume_ratio,omitempty"` // how many were asked to be resumed; Asked has Resumed for all or none alone
	Negotiated   []ShapeCount `json:"negotiated"`
	Due          int          `json:"due"`
	Handshakes   int          `json:"handshakes"` // of the asked shape; equals Phases.Handshake.N
	OtherShape   int          `json:"other_shape"`
	Abandoned    int          `json:"abandoned"`
	Failures     []Failure    `json:"failures"`
	Valid        bool         `json:"valid"`
	InvalidWhy   []string     `json:"invalid_why"`
	Notes        []string     `json:"notes,omitempty"` // what a reader must know beside the numbers
	Generator    Generator    `json:"generator"`
	Phases       Phases       `json:"phases"`
}

// ShapeCount is how many handshakes negotiated a shape.
type ShapeCount struct {
	Shape Shape `json:"shape"`
	Count int   `json:"count"`
}

// Generator is what a trial cost the machine that made the load.
type Generator struct {
	CPUPerHandshakeUS float64 `json:"cpu_us_per_handshake"`
	// LagP99US is how late the generator itself was, due to sent; open loop only.
	LagP99US *float64 `json:"lag_p99_us,omitempty"`
	// CPUShare is the part of its allowed processors that the generator used, 0 to 1.
	CPUShare float64 `json:"cpu_share,omitempty"`
	// Saturated: the generator was the limit, or may have been; then the trial is
	// not valid, and a missed limit is not the server's.
	Saturated bool `json:"saturated,omitempty"`
	// KeyShares is how the lean client exchanged keys: "unit", or "reused" with a
	// server that refuses unit shares.
	KeyShares string `json:"key_shares,omitempty"`
	// Timestamps is whose clock saw things arrive: "kernel", the process that was
	// woken afterwards ("process"), or sometimes the one and sometimes the other
	// ("mixed").
	Timestamps string `json:"timestamps,omitempty"`
	// TicketHandshakes are full handshakes that were made between blocks, and are
	// counted nowhere else, to have tickets for those that are to be resumed.
	TicketHandshakes int `json:"ticket_handshakes,omitempty"`
}

// The sources of instants of arrival.
const (
	KernelStamps  = "kernel"
	ProcessStamps = "process"
	MixedStamps   = "mixed"
)

// Phases are the distributions of a handshake's parts. The first four are
// intervals on the wire: key generation and waiting in the generator are not
// in them. Total runs from the instant at which the connection was due.
type Phases struct {
	Connect     *Dist `json:"connect,omitempty"`      // SYN sent to established
	ServerHello *Dist `json:"server_hello,omitempty"` // first ClientHello sent to final ServerHello received
	Handshake   *Dist `json:"handshake,omitempty"`    // first ClientHello sent to handshake complete at the client
	FirstByte   *Dist `json:"first_byte,omitempty"`   // request sent to first response byte
	Total       *Dist `json:"total,omitempty"`        // due to first response byte, or to complete without a request
}

// Dist is a distribution of durations in microseconds.
type Dist struct {
	N       int64   `json:"n"`
	MeanUS  float64 `json:"mean_us"`
	P50US   float64 `json:"p50_us"`
	P90US   float64 `json:"p90_us"`
	P99US   float64 `json:"p99_us"`
	P999US  float64 `json:"p999_us"`
	MaxUS   float64 `json:"max_us"`
	HDR     string  `json:"hdr"`      // HdrHistogram V2, compressed, base64
	HDRUnit string  `json:"hdr_unit"` // "ns"
}

// Block is one interleaved slice of a trial: the unit of replication.
type Block struct {
	Trial      string    `json:"trial"`
	Index      int       `json:"index"`
	StartedAt  time.Time `json:"started_at"`
	Seed       uint64    `json:"seed"`
	DurationS  float64   `json:"duration_s,omitempty"`
	Handshakes int       `json:"handshakes"`
	// Completed counts the handshakes of any shape that were completed between the
	// block's beginning and its end, whenever they were due: in an open loop fewer
	// than were due if the server falls behind.
	Completed  int         `json:"completed,omitempty"`
	Bystanders *Bystanders `json:"bystanders,omitempty"`
	Phases     Phases      `json:"phases"`
	// Ramp is the block interval by interval, where the rate went from one to
	// another.
	Ramp []RampInterval `json:"ramp,omitempty"`
}

// Ramp is the rates at the beginning and at the end of every block of a trial;
// between them the rate changes evenly.
type Ramp struct {
	FromRate float64 `json:"from_rate"`
	ToRate   float64 `json:"to_rate"`
}

// RampInterval is one point of a ramp's curve: the handshakes that were due in it,
// whenever they ended.
type RampInterval struct {
	AtS         float64 `json:"at_s"` // its beginning, from the block's
	DurationS   float64 `json:"duration_s"`
	OfferedRate float64 `json:"offered_rate"` // its mean
	Due         int     `json:"due"`
	Handshakes  int     `json:"handshakes"`             // of the asked shape
	Completed   int     `json:"completed"`              // of any shape, completed in it, whenever they were due
	P50US       float64 `json:"p50_us,omitempty"`       // of the handshake
	P99US       float64 `json:"p99_us,omitempty"`       // of the handshake
	TotalP99US  float64 `json:"total_p99_us,omitempty"` // from due
}

// Bystanders are connections beside the load that are opened and closed, as a TCP
// health check does, from SYN sent to closed by the server.
type Bystanders struct {
	Quiet  *Dist `json:"quiet,omitempty"`  // before the block, when nothing else was asked of the path
	Loaded *Dist `json:"loaded,omitempty"` // during it
	// Requests on connections that were there already, from the instant at which each
	// was due to the whole response; absent without --request.
	EstablishedQuiet  *Dist `json:"established_quiet,omitempty"`
	EstablishedLoaded *Dist `json:"established_loaded,omitempty"`
}

// Comparison sets a candidate path beside a baseline path in one quantile of
// one phase. Ratio is candidate ÷ baseline, with its confidence interval.
type Comparison struct {
	Service       string  `json:"service"`
	Baseline      string  `json:"baseline"`
	Candidate     string  `json:"candidate"`
	BaselineRun   string  `json:"baseline_run,omitempty"`
	Shape         Shape   `json:"shape"`
	Phase         string  `json:"phase"`
	Quantile      string  `json:"quantile"`
	Ratio         float64 `json:"ratio"`
	RatioLow      float64 `json:"ratio_low"`
	RatioHigh     float64 `json:"ratio_high"`
	Confidence    float64 `json:"confidence"`
	PValue        float64 `json:"p_value"`
	PAdjusted     float64 `json:"p_adjusted"`
	Blocks        int     `json:"blocks"`
	Margin        float64 `json:"margin"`
	MinDetectable float64 `json:"minimum_detectable_ratio"`
	Verdict       string  `json:"verdict"` // same, faster, slower, inconclusive, invalid
}
