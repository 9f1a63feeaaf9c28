// Chain files: which rules can be judged of certificates that no server has
// served yet.

package profiles

import (
	"slices"

	"shakedown/results"
)

// OfFiles is the part of a profile that a chain file can answer, and how many
// rules that leaves out: those of what a server does, of what several endpoints
// hold, and, unless a name was given to match, those of names. A rule that was
// not asked neither passes nor keeps a good file from being good.
func (p *Profile) OfFiles(named bool) (part *Profile, left int) {
	light := *p
	light.Rules = slices.DeleteFunc(slices.Clone(p.Rules), func(r Rule) bool { return !ofFiles(r, named) })
	return &light, len(p.Rules) - len(light.Rules)
}

func ofFiles(r Rule, named bool) bool {
	return checkOf(r.Check).ofChain && r.When == "" && (named || r.Check != "hostname")
}

// Served is the observation that a chain file stands for: its chain alone.
func Served(file results.ChainFile) *results.Endpoint {
	return &results.Endpoint{Service: file.File, Status: results.Complete, Chains: []results.Chain{file.Chain}}
}
