// LastKnown: the facts of an endpoint that does not answer now.

package results

import "time"

// LastKnown is what an earlier run determined of an endpoint that did not answer
// this one. It is history: nothing is judged by it.
type LastKnown struct {
	Service    string    `json:"service"`
	Path       string    `json:"path"`
	Address    string    `json:"address"`
	Stale      bool      `json:"stale"` // always true
	Run        string    `json:"run"`   // that determined it, by its id in the store
	ObservedAt time.Time `json:"observed_at"`
	Endpoint   *Endpoint `json:"endpoint"` // certificates without their DER
}

// Type is "last_known".
func (*LastKnown) Type() string { return "last_known" }
