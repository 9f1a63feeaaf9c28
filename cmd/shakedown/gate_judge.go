// What a gate judges each path by.

package main

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"shakedown/profiles"
	"shakedown/profiles/gate"
	"shakedown/results"
	"shakedown/results/strictyaml"
	"shakedown/scanner/inventory"
)

// gateJudges are the profiles of each path, for a gate or a sweep.
type gateJudges struct {
	byPath map[string][]*profiles.Profile // by SERVICE/PATH
	behind map[string]bool                // paths that are targets of others
	every  []*profiles.Profile            // by flags
}

// judgesOf finds every profile that the inventory or a flag names. A name that is not known is the
// user's mistake.
func judgesOf(net *netFlags, judge *judgeFlags, paths []inventory.Path) (*gateJudges, error) {
	flags, err := judge.load()
	if err != nil {
		return nil, err
	}
	j := &gateJudges{byPath: map[string][]*profiles.Profile{}, behind: map[string]bool{}, every: flags.profiles}
	for _, p := range paths {
		for _, target := range p.Targets {
			j.behind[p.Service+"/"+target] = true
		}
	}
	for _, p := range paths {
		list, err := namedBy(net.inventory, p)
		if err != nil {
			return nil, err
		}
		key := p.Service + "/" + p.Name
		if len(list) == 0 && len(judge.profiles) == 0 {
			list = []*profiles.Profile{byDefault(j.behind[key])}
		}
		j.byPath[key] = list
	}
	return j, nil
}

// namedBy are the profiles that an inventory names for a path; those in files are
// relative to it.
func namedBy(inventoryFile string, p inventory.Path) ([]*profiles.Profile, error) {
	var list []*profiles.Profile
	for _, name := range p.Profiles {
		file := name
		if (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")) && !filepath.IsAbs(name) {
			file = filepath.Join(filepath.Dir(inventoryFile), name)
		}
		found, err := profiles.Builtin().Find(file)
		if err != nil {
			return nil, usagef("%s: profiles of %s/%s: %w", inventoryFile, p.Service, p.Name, err)
		}
		list = append(list, found)
	}
	return list, nil
}

// all lists every profile that some path is judged by, each once.
func (j *gateJudges) all() []*profiles.Profile {
	var list []*profiles.Profile
	for _, key := range slices.Sorted(maps.Keys(j.byPath)) {
		for _, p := range append(slices.Clone(j.byPath[key]), j.every...) {
			if !slices.ContainsFunc(list, func(other *profiles.Profile) bool { return other.Name == p.Name }) {
				list = append(list, p)
			}
		}
	}
	return list
}

// byDefault is what a path is judged by that names no profile.
func byDefault(behind bool) *profiles.Profile { return profiles.Builtin().Default(behind) }

// of lists the profiles of an endpoint, each once.
func (j *gateJudges) of(e *results.Endpoint) []*profiles.Profile {
	own, known := j.byPath[e.Service+"/"+e.Path]
	if !known && !slices.ContainsFunc(j.every, func(p *profiles.Profile) bool { return p.Name != "min-days-left" }) {
		own = []*profiles.Profile{byDefault(j.behind[e.Service+"/"+e.Path])}
	}
	var list []*profiles.Profile
	for _, p := range slices.Concat(own, j.every) {
		if !slices.ContainsFunc(list, func(other *profiles.Profile) bool { return other.Name == p.Name }) {
			list = append(list, p)
		}
	}
	return list
}

// judge judges all endpoints, each by itself and then together.
func (j *gateJudges) judge(es []*results.Endpoint, at time.Time) []results.Finding {
	for _, e := range es { // records tell targets too
		for _, target := range e.Targets {
			j.behind[e.Service+"/"+target] = true
		}
	}
	var all []results.Finding
	var order []*profiles.Profile
	held := map[string][]*results.Endpoint{}
	for _, e := range es {
		for _, p := range j.of(e) {
			all = append(all, profiles.Judge(e, p, at)...)
			if held[p.Name] == nil {
				order = append(order, p)
			}
			held[p.Name] = append(held[p.Name], e)
		}
	}
	for _, p := range order {
		all = append(all, profiles.JudgeTogether(held[p.Name], p, at)...)
	}
	return all
}

// checkAllowed refuses names of --allow-unknown that no rule has: a gate that is
// told to look away has to know from what.
func (j *gateJudges) checkAllowed(names []string) error {
	known := []string{gate.Answers, gate.Alike, gate.Inventory + "/" + gate.Answers, gate.Inventory + "/" + gate.Alike}
	for _, list := range append(slices.Collect(maps.Values(j.byPath)), j.every, []*profiles.Profile{byDefault(false), byDefault(true)}) {
		for _, p := range list {
			for _, r := range p.Rules {
				known = append(known, r.ID, p.Name+"/"+r.ID)
			}
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	for _, name := range names {
		if !slices.Contains(known, name) && !strings.HasPrefix(name, gate.Baseline+"/") {
			return usagef("--allow-unknown %s: no profile of this gate has such a rule: %s", strictyaml.Quote(name), strictyaml.Suggest(name, known))
		}
	}
	return nil
}
