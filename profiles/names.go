// Profiles by name.

package profiles

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"shakedown/results/strictyaml"
)

// Find returns the profile of a name. What ends in .yaml or .yml, or names a
// file that is there, is read as a user's profile.
func (lib *Library) Find(name string) (*Profile, error) {
	if isFile(name) {
		return lib.Load(name)
	}
	return lib.named(name)
}

func isFile(name string) bool {
	if strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "/") {
		return true
	}
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// named returns a profile of the library.
func (lib *Library) named(name string) (*Profile, error) {
	if p := lib.policy(name); p != nil {
		return lib.profile(p), nil
	}
	for _, own := range lib.standards() {
		if own.Name == name {
			return own.make(lib), nil
		}
	}
	for _, u := range lib.Unlisted {
		if u.Name == name {
			return nil, fmt.Errorf("profile %q: the name is known and its list of suites is not (%s); choose another, see: shakedown profile list", name, u.Note)
		}
	}
	return nil, fmt.Errorf("no profile %q; the nearest are %s\nsee: shakedown profile list", name, strings.Join(lib.nearest(name, 3), ", "))
}

// Names lists every profile that can be asked for.
func (lib *Library) Names() []string {
	names := mapped(lib.Policies, func(p Policy) string { return p.Name })
	for _, s := range lib.standards() {
		names = append(names, s.Name)
	}
	return names
}

// nearest lists the names that are most like one, best first. A name without
// its family is compared with names without theirs.
func (lib *Library) nearest(name string, most int) []string {
	const longest = 200
	name = strings.ToLower(name[:min(len(name), longest)])
	near := lib.Names()
	score := func(known string) int {
		known = strings.ToLower(known)
		d := strictyaml.Distance(name, known)
		if _, bare, ok := strings.Cut(known, "/"); ok && !strings.Contains(name, "/") {
			d = min(d, strictyaml.Distance(name, bare)+1)
		}
		if strings.Contains(known, name) {
			d = min(d, 2)
		}
		return d
	}
	scores := map[string]int{}
	for _, n := range near {
		scores[n] = score(n)
	}
	slices.SortStableFunc(near, func(a, b string) int { return cmp.Or(cmp.Compare(scores[a], scores[b]), cmp.Compare(len(a), len(b))) })
	return near[:min(most, len(near))]
}

// standard is a profile that is not a vendor's policy.
type standard struct {
	Name string
	make func(*Library) *Profile
}

// Expiry is the profile of --min-days-left: certificates last for so long.
func Expiry(days int) *Profile {
	return (&Profile{
		Name: "min-days-left", Title: "certificates last", lib: Builtin(),
		Rules: []Rule{{ID: "days-left", Severity: "high", Check: "days-left", Limit: days, Citation: "--min-days-left", Mend: "renew the certificate and serve the new one"}},
	}).worded()
}
