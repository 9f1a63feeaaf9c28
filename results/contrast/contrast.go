// Package contrast holds endpoints side by side: what a load balancer serves
// beside what each of its targets serves, and the targets beside each other. It
// judges nothing and renders nothing; reports and records are made from it.
//
// What is not known of both sides makes no difference.
package contrast

import (
	"slices"

	"shakedown/results"
)

// Differences compares all that the endpoints' own words of their targets bind
// together: each load balancer with each of its targets, and the sibling that
// most are like with each other one. Pairs that differ most come first.
func Differences(es []*results.Endpoint) []*results.Difference {
	bonds := Bonds(es)
	var all []*results.Difference
	for _, b := range bonds {
		for _, e := range b.Targets {
			all = append(all, Between(b.Front, e, results.RelationTarget))
		}
	}
	for _, siblings := range Fleets(bonds) {
		norm, _ := Norm(siblings)
		for _, e := range siblings {
			if norm != nil && e != norm {
				all = append(all, Between(norm, e, results.RelationSibling))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *results.Difference) int { return len(b.Facts) - len(a.Facts) })
	return all
}

// Between compares two endpoints.
func Between(left, right *results.Endpoint, relation results.Relation) *results.Difference {
	d := &results.Difference{
		Service: right.Service, Path: left.Path, Address: left.Address, Beside: right.Path, BesideAddress: right.Address,
		Relation: relation, Facts: []results.FactDifference{}, BesideProblems: problemsOf(right),
	}
	for _, f := range Facts([]*results.Endpoint{left, right}) {
		was, is := f.Cells[0], f.Cells[1]
		switch {
		case f.Differs():
			d.Facts = append(d.Facts, results.FactDifference{Fact: f.ID, Name: f.Name, Left: was.Text, Right: is.Text})
		case was.Known && is.Known:
			d.Same++
		case was.Text == string(results.Unknown), is.Text == string(results.Unknown):
			d.Undetermined = append(d.Undetermined, f.ID)
		}
	}
	return d
}

// problemsOf lists the problems of an endpoint's certificates, each once.
func problemsOf(e *results.Endpoint) []results.Problem {
	var all []results.Problem
	for _, c := range e.Chains {
		all = append(all, c.Problems...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
