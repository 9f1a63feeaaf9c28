// StoredRun: a run that a store keeps, as it is listed.

package results

import "time"

// StoredRun describes a run of a store. Without EndedAt and ExitCode it was cut
// off, or is still being written.
type StoredRun struct {
	ID        string    `json:"id"`
	Command   string    `json:"command"`
	Inventory string    `json:"inventory,omitempty"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	Records   int       `json:"records"`
	Complete  bool      `json:"complete"`
	ExitCode  *int      `json:"exit_code,omitempty"`
}

// Type is "run".
func (*StoredRun) Type() string { return "run" }
