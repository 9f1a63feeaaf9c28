// Difference: two endpoints side by side.

package results

// Difference holds one endpoint beside another: a target beside the load
// balancer in front of it, or beside the one of its siblings that most others
// are like. Left is what Path has, Right what Beside has. Only what is known of
// both counts.
type Difference struct {
	Service       string   `json:"service"`
	Path          string   `json:"path"`
	Address       string   `json:"address"`
	Beside        string   `json:"beside"`
	BesideAddress string   `json:"beside_address"`
	Relation      Relation `json:"relation"`
	// Facts are those that differ, [] if none does.
	Facts []FactDifference `json:"facts"`
	Same  int              `json:"same"` // how many facts are known to be the same
	// Undetermined are the facts that are unknown of one side or both: whether
	// they differ cannot be told.
	Undetermined []string `json:"undetermined,omitempty"`
	// BesideProblems are those of the certificates that Beside shows, whether or
	// not Path's have them too: a load balancer may take a target's certificate
	// unseen.
	BesideProblems []Problem `json:"beside_problems,omitempty"`
}

// Relation says what Beside is to Path.
type Relation string

// The relations.
const (
	RelationTarget  Relation = "target"  // an instance behind it
	RelationSibling Relation = "sibling" // another instance of the same service
)

// FactDifference is one fact of which both sides are known to have different
// values: yes and no, or words. Fact is the place in an endpoint record, as
// versions.TLSv1.1, suites.TLSv1.2.0xC02F, preference.TLSv1.2,
// suite_order.TLSv1.2 (ids of the suites that both have), groups.TLSv1.3.0x001D,
// protocol.alpn, certificate.problems; Name is what people call it. Several
// chains' values stand with " + " between them.
type FactDifference struct {
	Fact  string `json:"fact"`
	Name  string `json:"name,omitempty"`
	Left  string `json:"left"`
	Right string `json:"right"`
}
