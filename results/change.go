// Change: what is otherwise in one run than in another.

package results

// Change is one thing that differs between two runs, in the same place of both.
type Change struct {
	Kind    ChangeKind `json:"kind"`
	Service string     `json:"service"`
	Path    string     `json:"path"`
	Address string     `json:"address"`
	// Fact is what changed: a place in an endpoint record, as a FactDifference
	// names it; certificate for a certificate that was replaced; PROFILE/RULE of a
	// finding; absent for the endpoint itself.
	Fact string `json:"fact,omitempty"`
	Name string `json:"name,omitempty"` // of the fact, for people
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

// ChangeKind says what happened.
type ChangeKind string

// The kinds of change. Untold is not known to be one: something was not
// determined on one side or both.
const (
	Changed ChangeKind = "changed" // a fact has another value
	Joined  ChangeKind = "joined"  // an endpoint that was not there
	Gone    ChangeKind = "gone"    // an endpoint that is not there any more
	Drifted ChangeKind = "drifted" // a target that was like its siblings is not any more
	Crossed ChangeKind = "crossed" // a certificate has fewer days left than a threshold
	Opened  ChangeKind = "opened"  // a finding that was not there
	Closed  ChangeKind = "closed"  // a finding that is not there any more
	Untold  ChangeKind = "untold"
)

// Type is "change".
func (*Change) Type() string { return "change" }
