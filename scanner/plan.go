// Plan: what a scan would ask and what that costs in connections, without
// asking.

package scanner

import (
	"fmt"
	"slices"

	"shakedown/results"
	"shakedown/scanner/inventory"
	"shakedown/scanner/wire"
)

// LikelySuites is how many (version, suite) pairs an ordinary server accepts:
// what the likely costs of a plan are reckoned with.
const LikelySuites = 30

// likelyGroups is how many groups it accepts, in each of two versions.
const likelyGroups = 5

// likelySchemes is how many signature schemes.
const likelySchemes = 6

// PlannedPath is what would be asked of one path.
type PlannedPath struct {
	inventory.Path
	Probes []PlannedProbe
}

// PlannedProbe is one aspect's questions. A connection carries one question.
type PlannedProbe struct {
	Name   string
	Cost   string // in words
	Least  int    // connections, if nothing is accepted
	Likely int    // connections, of an ordinary server
}

// Plan lists what Run would ask of each path.
func Plan(paths []inventory.Path, opt Options) []PlannedPath {
	if opt.Aspects == nil {
		opt.Aspects = Aspects()
	}
	opt.Aspects = opt.withNeeds()
	var plan []PlannedPath
	for _, p := range paths {
		plan = append(plan, PlannedPath{p, append(planProbes(p, opt.Aspects), planMore(opt)...)})
	}
	return plan
}

func planProbes(p inventory.Path, aspects []Aspect) []PlannedProbe {
	versions := askedVersions()
	hands := 3 // what is asked again in smaller hands, or vouches for the others
	for _, v := range versions {
		hands += len(offersOf(v).shares)
	}
	probes := []PlannedProbe{{
		"versions", fmt.Sprintf("%d connections, one for each version from %s to %s", len(versions)+1,
			results.SSLv2, wire.VersionName(versions[len(versions)-1])),
		len(versions) + 1, len(versions) + 1,
	}}
	wants := func(a Aspect) bool { return slices.Contains(aspects, a) }
	if wants(AspectSuites) || wants(AspectPreference) {
		probes = append(probes, PlannedProbe{"suites", fmt.Sprintf("one for each accepted suite, and about %d refusals", hands), 0, LikelySuites + hands - len(versions)})
	}
	if wants(AspectPreference) {
		probes = append(probes, PlannedProbe{"preference", "two for each version and its groups, and one for each suite where the server prefers", 0, LikelySuites + 4})
	}
	if wants(AspectGroups) {
		probes = append(probes, PlannedProbe{"groups", "one for each accepted group of TLS 1.2 and 1.3, and a few refusals", 0, 2*likelyGroups + 2})
	}
	if wants(AspectSignatures) {
		probes = append(probes, PlannedProbe{"signatures", "one for each accepted scheme of TLS 1.2 and 1.3, and a few refusals", 0, 2*likelySchemes + 2*schemeHands + 4})
	}
	if wants(AspectCertificates) {
		names := 1
		if p.ServerName != "" {
			names = 2
		}
		probes = append(probes, PlannedProbe{"certificates", fmt.Sprintf("one to four for each of %d server names (with and without SNI), and one under a name that is nobody's", names), 0, 3*names + 1})
	}
	if wants(AspectProtocol) {
		probes = append(probes, PlannedProbe{"protocol", "at most 17, and one for each application protocol; of them at most 6 are finished, and one sends HEAD /", 0, 19})
	}
	if wants(AspectPath) {
		probes = append(probes, PlannedProbe{"path", fmt.Sprintf("%d for each of at most three questions, up to %d where answers differ", repeats, maxRounds*repeats), 0, 3 * repeats})
	}
	return probes
}

// planMore is what is asked only on request.
func planMore(opt Options) (probes []PlannedProbe) {
	if opt.Complete {
		probes = append(probes, PlannedProbe{"complete", "one for each accepted suite that can be finished here", 0, LikelySuites})
	}
	if opt.Revocation {
		probes = append(probes, PlannedProbe{"revocation", "for each trusted certificate once a run, its authority's OCSP responder or CRL, not the endpoint", 0, 2})
	}
	return probes
}
