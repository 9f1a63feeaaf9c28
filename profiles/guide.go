// What whoever writes a profile needs to know.

package profiles

import (
	_ "embed"
	"slices"
)

//go:embed example.yaml
var example string

// Example is a profile as a user would write it.
func Example() string { return example }

// Condition describes where a rule can be said to apply.
type Condition struct{ Name, About string }

// Conditions lists what `when` takes.
func Conditions() []Condition {
	return mapped(conditionNames(), func(n string) Condition { return Condition{n, conditions()[n].about} })
}

// Where says where a condition holds.
func Where(condition string) string { return conditionOf(condition).about }

// Classes lists the words for kinds of suites and of groups.
func Classes() (suites, groups []string) {
	for w := range classes() {
		suites = append(suites, w)
	}
	for w := range groupClasses() {
		groups = append(groups, w)
	}
	slices.Sort(suites)
	slices.Sort(groups)
	return suites, groups
}

// IsPolicy says whether a name is a vendor's policy.
func (lib *Library) IsPolicy(name string) bool { return lib.policy(name) != nil }
