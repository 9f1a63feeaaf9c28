// Siblings: instances behind one load balancer that do not serve alike.

package gate

import (
	"cmp"
	"fmt"
	"strings"

	"shakedown/results"
)

// mostFacts are told of one difference; the record of type difference has all.
const mostFacts = 6

// Siblings finds instances that drifted, and with them those that did not.
// Certificates are left out: each instance may well have its own.
func Siblings(differences []*results.Difference) []results.Finding {
	var all []results.Finding
	for _, d := range differences {
		if d.Relation == results.RelationSibling {
			all = append(all, sibling(d))
		}
	}
	return all
}

func sibling(d *results.Difference) results.Finding {
	f := results.Finding{
		Service: d.Service, Path: d.Beside, Address: d.BesideAddress, Profile: Inventory, Rule: Alike, Status: results.FindingPass, Severity: results.Medium,
		Expected: "the settings of its sibling " + d.Path, Observed: "the same as " + d.Path,
		Citation: "clients are sent to any of the instances behind a load balancer: what one alone serves, some of them get by chance",
	}
	var facts []string
	for _, fact := range d.Facts {
		if !strings.HasPrefix(fact.Fact, "certificate.") {
			facts = append(facts, fmt.Sprintf("%s is %s, not %s", cmp.Or(fact.Name, fact.Fact), fact.Right, fact.Left))
		}
	}
	switch {
	case len(facts) > 0:
		f.Status, f.Observed = results.FindingFail, "drifted from "+d.Path+": "+few(facts)
		f.Mend = "give it the TLS settings of " + d.Path + ", or replace it from the same image"
	case len(d.Undetermined) > 0:
		f.Status, f.Observed = results.FindingUnknown, "not known of both: "+few(d.Undetermined)
	}
	return f
}

func few(facts []string) string {
	if more := len(facts) - mostFacts; more > 0 {
		return fmt.Sprintf("%s; and %d more", strings.Join(facts[:mostFacts], "; "), more)
	}
	return strings.Join(facts, "; ")
}
