// Siblings: instances behind one load balancer that do not serve alike.

package gate

import (
	"cmp"
	"fmt"
	"strings"

	"shakedown/results"
)

// mostFacts are told of each kind of difference; the record of type difference has all.
const mostFacts = 2

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
	facts := drift(d.Facts)
	switch {
	case len(facts) > 0:
		f.Status, f.Observed = results.FindingFail, "drifted from "+d.Path+": "+strings.Join(facts, "; ")
		f.Mend = "give it the TLS settings of " + d.Path + ", or replace it from the same image"
	case len(d.Undetermined) > 0:
		f.Status, f.Observed = results.FindingUnknown, "not known of both: "+few(d.Undetermined)
	}
	return f
}

// drift says what an instance has, has not, and has otherwise.
func drift(facts []results.FactDifference) []string {
	var adds, lacks, other []string
	for _, f := range facts {
		name := cmp.Or(f.Name, f.Fact)
		if kind, _, _ := strings.Cut(f.Fact, "."); strings.HasSuffix(kind, "preference") || strings.HasSuffix(kind, "_order") {
			name = "order of " + name
		}
		switch {
		case strings.HasPrefix(f.Fact, "certificate."):
		case f.Left == "no" && f.Right == "yes":
			adds = append(adds, name)
		case f.Left == "yes" && f.Right == "no":
			lacks = append(lacks, name)
		default:
			other = append(other, fmt.Sprintf("%s is %s, not %s", name, f.Right, f.Left))
		}
	}
	var words []string
	for _, part := range []struct {
		verb  string
		names []string
	}{{"has ", adds}, {"lacks ", lacks}, {"", other}} {
		if len(part.names) > 0 {
			words = append(words, part.verb+few(part.names))
		}
	}
	return words
}

// few names the first of some, so that a finding stays a sentence.
func few(names []string) string {
	if more := len(names) - mostFacts; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostFacts], ", "), more)
	}
	return strings.Join(names, ", ")
}
