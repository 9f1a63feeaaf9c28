// Package results holds the records that every verb writes and every output
// reads, and their JSON Lines codec. It does not measure, judge or render: a
// run that was recorded can be judged or rendered later without a network.
//
// What a load balancer serves beside what each of its targets serves, and the
// targets beside each other, is a Difference for each pair; they follow the
// endpoints that they compare. Package contrast makes them.
//
// A run is a stream of records: a Header first, a Trailer last. Field names,
// units and meanings are public interface (schema "shakedown/1"); they can be
// added to, never changed.
package results

import "time"

// Schema names the version of the record format. Adding an optional field
// keeps it; changing a name, a unit or a meaning raises it.
const Schema = "shakedown/1"

// Record is one line of a run. Type is the value of its "record" key.
type Record interface{ Type() string }

// Header opens a run.
type Header struct {
	Schema      string    `json:"schema"`
	ToolVersion string    `json:"tool_version"`
	StartedAt   time.Time `json:"started_at"`
	Command     string    `json:"command"`
	// Inventory is the path of the inventory file as it was given, if one was.
	Inventory string `json:"inventory,omitempty"`
	// Paths is what the run set out to do, each as SERVICE/PATH, in the order of
	// the inventory. Records come in the order in which they are finished.
	Paths []string `json:"paths,omitempty"`
	// Seed is what every random choice of the run was made from.
	Seed uint64 `json:"seed,omitempty"`
	// Machine is where a calibration was made.
	Machine *Machine `json:"machine,omitempty"`
	// Calibration is what the machine's latest calibration found, if there is one.
	Calibration *Calibrated `json:"calibration,omitempty"`
}

// Trailer closes a run. A stream without one is partial.
type Trailer struct {
	Records  int       `json:"records"`  // records between Header and Trailer
	Complete bool      `json:"complete"` // all planned work was tried
	ExitCode int       `json:"exit_code"`
	EndedAt  time.Time `json:"ended_at"`
}

// Other is a record of a type that this version does not know. It is kept as
// it was read, so that a newer run can be passed on unharmed.
type Other struct {
	Kind string
	JSON []byte
}

func (*Header) Type() string     { return "header" }
func (*Trailer) Type() string    { return "trailer" }
func (*Endpoint) Type() string   { return "endpoint" }
func (*ChainFile) Type() string  { return "chain" }
func (*Finding) Type() string    { return "finding" }
func (*Trial) Type() string      { return "trial" }
func (*Block) Type() string      { return "block" }
func (*Comparison) Type() string { return "comparison" }
func (*Difference) Type() string { return "difference" }
func (o *Other) Type() string    { return o.Kind }

// PathKind says where TLS ends on a path.
type PathKind string

// The path kinds. A TARGET of the command line has none.
const (
	LBTerminated     PathKind = "lb-terminated"
	LBReencrypted    PathKind = "lb-reencrypted"
	Passthrough      PathKind = "passthrough"
	Instance         PathKind = "instance"
	HSMOffloaded     PathKind = "hsm-offloaded"
	EnclaveOffloaded PathKind = "enclave-offloaded"
)

// PathKinds lists every path kind, from the load balancer inwards.
func PathKinds() []PathKind {
	return []PathKind{LBTerminated, LBReencrypted, Passthrough, Instance, HSMOffloaded, EnclaveOffloaded}
}

// Failure counts exchanges that gave no usable answer, alike in stage and
// kind. A refusal that answers the question is not a Failure.
type Failure struct {
	Stage  Stage       `json:"stage"`
	Kind   FailureKind `json:"kind"`
	Alert  string      `json:"alert,omitempty"`
	Count  int         `json:"count"`
	Detail string      `json:"detail,omitempty"`
}

// Stage is the step of an exchange in which it failed.
type Stage string

// The stages, in the order in which an exchange passes them.
const (
	StageResolve   Stage = "resolve"
	StageProxy     Stage = "proxy"
	StageConnect   Stage = "connect"
	StageStartTLS  Stage = "starttls"
	StageHello     Stage = "hello"     // to ServerHello, HelloRetryRequest or alert
	StageHandshake Stage = "handshake" // after that
	StageRequest   Stage = "request"
)

// FailureKind is how an exchange failed. Code switches on it, never on Detail.
type FailureKind string

// The failure kinds.
const (
	KindDNS         FailureKind = "dns"
	KindRefused     FailureKind = "refused"
	KindUnreachable FailureKind = "unreachable"
	KindTimeout     FailureKind = "timeout"
	KindReset       FailureKind = "reset"
	KindEOF         FailureKind = "eof"
	KindNotTLS      FailureKind = "not_tls"
	KindMalformed   FailureKind = "malformed"
	KindAlert       FailureKind = "alert"
	KindLimit       FailureKind = "limit"    // the peer sent more than it may
	KindDeclined    FailureKind = "declined" // STARTTLS or a proxy said no
	KindDeadline    FailureKind = "deadline" // the whole run's time was over
	KindInternal    FailureKind = "internal" // ours: no descriptors, no ports, a bug
)
