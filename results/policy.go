// Profiles and what a change of policy does, as records: what the rules of a run
// were can be kept beside its findings.

package results

import "time"

// Profile is what endpoints are judged by.
type Profile struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	About string `json:"about,omitempty"`
	// Verification says how well the source is known: cross-checked (the same
	// list in two sources), single-source, derived, conflict …
	Verification string        `json:"verification,omitempty"`
	Sources      []string      `json:"sources,omitempty"`
	Notes        []string      `json:"notes,omitempty"`
	Rules        []ProfileRule `json:"rules"`
	// Unseen is what the source asks for and a client cannot see.
	Unseen []ProfileUnseen `json:"unseen,omitempty"`
}

// ProfileRule is one thing that a profile asks for.
type ProfileRule struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	// Advice makes a miss a warning: the source says should, not shall.
	Advice   bool      `json:"advice,omitempty"`
	Check    string    `json:"check"`
	Values   []string  `json:"values,omitempty"`
	Limit    int       `json:"limit,omitempty"`
	Versions []Version `json:"versions,omitempty"` // of suites, groups and schemes; absent is all
	When     string    `json:"when,omitempty"`     // where it applies, one of the conditions; absent is everywhere
	From     time.Time `json:"from,omitzero"`      // before it a miss is a warning
	Citation string    `json:"citation,omitempty"`
	Expected string    `json:"expected"`
	Why      string    `json:"why,omitempty"`
	Mend     string    `json:"mend,omitempty"`
}

// ProfileUnseen is a requirement that cannot be judged from outside.
type ProfileUnseen struct {
	Citation    string `json:"citation"`
	Requirement string `json:"requirement"`
	Why         string `json:"why"`
}

// PolicyChange is what a change of policy does.
type PolicyChange struct {
	From    string   `json:"from"`
	To      string   `json:"to"`
	Dropped []string `json:"dropped"` // versions, suites and groups that clients lose
	Added   []string `json:"added"`
	Notes   []string `json:"notes,omitempty"`
	// Endpoints are those of recorded scans.
	Endpoints []EndpointChange `json:"endpoints,omitempty"`
}

// EndpointChange is what a change of policy does to an endpoint.
type EndpointChange struct {
	Service string   `json:"service"`
	Path    string   `json:"path"`
	Address string   `json:"address"`
	Loses   []string `json:"loses"`
	Gains   []string `json:"gains"`
	Unknown []string `json:"unknown,omitempty"`
	// Stops says that no accepted version or suite would be left.
	Stops bool `json:"stops,omitempty"`
}

// Changes says whether anything would be otherwise.
func (c EndpointChange) Changes() bool { return len(c.Loses)+len(c.Gains) > 0 }

// Type is the record's type.
func (*Profile) Type() string { return "profile" }

// Type is the record's type.
func (*PolicyChange) Type() string { return "policy_change" }
