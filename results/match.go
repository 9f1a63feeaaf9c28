// Match: the named policies that an endpoint agrees with.

package results

// Match says which named policies an endpoint's facts agree with. Exact are all
// that agree in everything a client can see: they cannot be told apart from
// outside. Open agree in what is known, while something is not. Nearest are
// given where none is exact.
type Match struct {
	Service string       `json:"service"`
	Path    string       `json:"path"`
	Address string       `json:"address"`
	Exact   []string     `json:"exact"`
	Open    []PolicyDiff `json:"open,omitempty"`
	Nearest []PolicyDiff `json:"nearest,omitempty"`
	// Hidden says what a client cannot see here that policies differ in.
	Hidden []string `json:"hidden,omitempty"`
}

// PolicyDiff is how an endpoint differs from a policy.
type PolicyDiff struct {
	Policy  string   `json:"policy"`
	Missing []string `json:"missing,omitempty"` // the policy has it, the endpoint has not
	Extra   []string `json:"extra,omitempty"`   // the endpoint has it, the policy has not
	Unknown []string `json:"unknown,omitempty"` // not asked, or no usable answer
}

// Type is the record's type.
func (*Match) Type() string { return "match" }
