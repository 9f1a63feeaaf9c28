// Aspects: what of an endpoint is asked.

package scanner

import (
	"fmt"
	"slices"
	"strings"
)

// Aspect is one part of what can be asked of an endpoint.
type Aspect string

// The aspects. Versions are asked always: the others rest on them.
const (
	AspectVersions     Aspect = "versions"
	AspectSuites       Aspect = "suites"
	AspectPreference   Aspect = "preference"
	AspectGroups       Aspect = "groups"
	AspectSignatures   Aspect = "signatures"
	AspectCertificates Aspect = "certificates"
	AspectProtocol     Aspect = "protocol"
	AspectPath         Aspect = "path"
)

// Aspects lists every aspect that can be asked for.
func Aspects() []Aspect {
	return []Aspect{AspectVersions, AspectSuites, AspectPreference, AspectGroups, AspectSignatures, AspectCertificates, AspectProtocol, AspectPath}
}

// ParseAspects reads a list with commas between; "" is all aspects.
func ParseAspects(list string) ([]Aspect, error) {
	if list == "" {
		return Aspects(), nil
	}
	var out []Aspect
	for name := range strings.SplitSeq(list, ",") {
		a := Aspect(strings.TrimSpace(name))
		if !slices.Contains(Aspects(), a) {
			return nil, fmt.Errorf("unknown aspect %q; there are %s", name, joinAspects(Aspects()))
		}
		out = append(out, a)
	}
	return out, nil
}

func joinAspects(as []Aspect) string {
	var names []string
	for _, a := range as {
		names = append(names, string(a))
	}
	return strings.Join(names, ", ")
}
