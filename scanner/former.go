// Former: two records of one address that wavers, as one. What was accepted at either
// time is; that something is not is for the later one to say, which asked more often.

package scanner

import (
	"slices"

	"shakedown/results"
)

// adopt adds to a record what a former one has beside it.
func adopt(e, former *results.Endpoint) {
	for version, was := range former.Versions {
		if was != results.Yes {
			continue
		}
		if e.Versions[version] != results.Yes { // all that the later one knows is that it is not sure
			e.Versions[version] = results.Yes
			e.Undetermined.Versions = slices.DeleteFunc(e.Undetermined.Versions, func(v results.Version) bool { return v == version })
			for _, kind := range kinds(e, former) {
				kind.open(version)
			}
		}
		for _, kind := range kinds(e, former) {
			kind.adopt(version)
		}
	}
	for _, c := range former.Chains {
		same := func(o results.Chain) bool { return slices.EqualFunc(o.Certificates, c.Certificates, sameCertificate) }
		if !slices.ContainsFunc(e.Chains, same) {
			e.Chains = append(e.Chains, c)
		}
	}
	was := answersOf(&former.Protocol)
	for i, answer := range answersOf(&e.Protocol) {
		if *answer == "" && *was[i] != "" {
			*answer = results.Unknown
		}
	}
}

func sameCertificate(a, b results.Cert) bool { return a.SHA256 == b.SHA256 }

// kind is the facts of one kind, in two records: how to add what only the former has.
type kind struct {
	asked        bool
	undetermined *map[results.Version][]string
	preference   map[results.Version]results.Preference
	add          func(results.Version) (added []string)
}

func kinds(e, former *results.Endpoint) []kind {
	return []kind{
		{former.Suites != nil, &e.Undetermined.Suites, e.Preference, func(v results.Version) []string {
			return add(&e.Suites, former.Suites, v, func(s results.Suite) string { return s.ID })
		}},
		{former.Groups != nil, &e.Undetermined.Groups, e.GroupPreference, func(v results.Version) []string {
			return add(&e.Groups, former.Groups, v, func(g results.Named) string { return g.ID })
		}},
		{former.SignatureSchemes != nil, &e.Undetermined.SignatureSchemes, nil, func(v results.Version) []string {
			return add(&e.SignatureSchemes, former.SignatureSchemes, v, func(s results.Named) string { return s.ID })
		}},
	}
}

// open says that of a version nothing is known but what will be added.
func (k kind) open(v results.Version) {
	if k.asked {
		put(k.undetermined, v, []string{"*"})
	}
}

// adopt adds what was accepted before. The order of what was not asked together is
// anybody's guess.
func (k kind) adopt(v results.Version) {
	added := k.add(v)
	if len(added) == 0 {
		return
	}
	if k.preference[v] != "" {
		k.preference[v] = results.PreferenceUnknown
	}
	open := slices.DeleteFunc(slices.Clone((*k.undetermined)[v]), func(id string) bool { return slices.Contains(added, id) })
	if delete(*k.undetermined, v); len(open) > 0 {
		put(k.undetermined, v, open)
	}
}

// add adds to one list of a version what only another has, and gives its ids.
func add[T any](to *map[results.Version][]T, from map[results.Version][]T, v results.Version, id func(T) string) (added []string) {
	list := (*to)[v]
	for _, item := range from[v] {
		if !slices.ContainsFunc(list, func(other T) bool { return id(other) == id(item) }) {
			list, added = append(list, item), append(added, id(item))
		}
	}
	if len(added) > 0 {
		put(to, v, list)
	}
	return added
}
