// Bonds: load balancers and the targets behind them, and which target is not
// like its siblings.

package contrast

import (
	"encoding/json"
	"slices"

	"shakedown/results"
)

// Bond is a path with the instances behind it.
type Bond struct {
	Front   *results.Endpoint
	Targets []*results.Endpoint
	Missing []string // named as targets, but not among the records
}

// Bonds finds each path's targets among the endpoints of its service.
func Bonds(es []*results.Endpoint) []Bond {
	var found []Bond
	for _, front := range es {
		if len(front.Targets) == 0 {
			continue
		}
		b := Bond{Front: front}
		for _, name := range front.Targets {
			behind := behind(es, front, name)
			if len(behind) == 0 {
				b.Missing = append(b.Missing, name)
			}
			b.Targets = append(b.Targets, behind...)
		}
		found = append(found, b)
	}
	return found
}

func behind(es []*results.Endpoint, front *results.Endpoint, name string) []*results.Endpoint {
	var out []*results.Endpoint
	for _, e := range es {
		if e.Path == name && e.Service == front.Service && e != front {
			out = append(out, e)
		}
	}
	return out
}

// Fleets are the targets of each service, behind whichever load balancers: the
// more there are, the clearer is which one drifted.
func Fleets(bonds []Bond) [][]*results.Endpoint {
	var all []*results.Endpoint
	for _, b := range bonds {
		for _, e := range b.Targets {
			if !slices.Contains(all, e) {
				all = append(all, e)
			}
		}
	}
	return Alike(all, func(e *results.Endpoint) string { return e.Service })
}

// Norm returns the sibling that most others do not differ from in their
// settings, and all of those; the first, where there are several. nil if none
// answered.
func Norm(siblings []*results.Endpoint) (norm *results.Endpoint, same []*results.Endpoint) {
	answered := Answered(siblings)
	for _, group := range Alike(answered, Settings) {
		var like []*results.Endpoint
		for _, e := range answered {
			if e == group[0] || !slices.ContainsFunc(Facts([]*results.Endpoint{group[0], e}), Fact.differsInSettings) {
				like = append(like, e)
			}
		}
		if len(like) > len(same) {
			norm, same = group[0], like
		}
	}
	return norm, same
}

// Answered leaves out who said nothing.
func Answered(es []*results.Endpoint) []*results.Endpoint {
	return slices.DeleteFunc(slices.Clone(es), func(e *results.Endpoint) bool {
		// One that failed has its versions as unknown: like everyone, it would be the norm.
		return len(e.Versions) == 0 || e.Status == results.Failed
	})
}

// differsInSettings leaves certificates out: siblings may have their own.
func (f Fact) differsInSettings() bool { return f.Differs() && f.Topic != Certificate }

// Settings is everything of an endpoint that its TLS configuration decides, as
// one text.
func Settings(e *results.Endpoint) string {
	key, err := json.Marshal(&results.Endpoint{
		Versions: e.Versions, Suites: e.Suites, Preference: e.Preference, Groups: e.Groups,
		GroupPreference: e.GroupPreference, SignatureSchemes: e.SignatureSchemes, Undetermined: e.Undetermined, Protocol: e.Protocol,
	})
	if err != nil {
		return e.Service + "/" + e.Path + " " + e.Address // like no other
	}
	return string(key)
}

// Alike groups items by a key, in the order in which keys first occur.
func Alike[T any](items []T, key func(T) string) [][]T {
	var groups [][]T
	at := map[string]int{}
	for _, item := range items {
		k := key(item)
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], item)
	}
	return groups
}
