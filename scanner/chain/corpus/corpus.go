// Package corpus makes certificate chains of which the verdict is known: for
// each rule of RFC 5280, RFC 9525 and the CA/Browser Forum's Baseline
// Requirements that a client can check, chains that keep it and chains that
// break it. It judges nothing, and what it expects comes from the rules' text,
// not from a verifier.
//
// All bytes follow from a seed, keys too, so that a failure can be made again
// and no certificate lies in the repository. The keys protect nothing.
package corpus

import (
	"slices"
	"time"

	"shakedown/results"
)

// Case is one chain and its verdict.
type Case struct {
	Name    string
	Section string   // where the rule stands
	Chain   [][]byte // as it would be served
	Roots   [][]byte // the only trust anchors
	Host    string   // "" where the name is not asked
	At      time.Time
	// Problems is what is wrong, sorted; Trusted follows from it by the
	// contract, but where something cannot be verified.
	Problems []results.Problem
	Trusted  results.Answer
	Match    results.Answer // of Host; "" without one
}

// Cases makes the corpus of a seed.
func Cases(seed uint64) []Case {
	g := newMaker(seed)
	for _, part := range []func(*maker){
		names, constraints, validity, usages, basics, encodings, strength, issuers, policies,
	} {
		part(g)
	}
	return g.cases
}

// now is the time that chains are judged for, unless a case has its own.
func now() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) }

// host is the name of every leaf that has no other.
const host = "www.example.com"

// add completes a case and keeps it.
func (g *maker) add(c Case, problems ...results.Problem) {
	c.Problems = append([]results.Problem{}, problems...)
	slices.Sort(c.Problems)
	if c.Roots == nil {
		c.Roots = ders(g.root)
	}
	if c.At.IsZero() {
		c.At = now()
	}
	if c.Trusted == "" {
		c.Trusted = trusted(problems)
	}
	if c.Host != "" && c.Match == "" {
		c.Match = results.Yes
		if slices.Contains(problems, results.NameMismatch) {
			c.Match = results.No
		}
	}
	g.cases = append(g.cases, c)
}

// trusted follows from problems as the contract has it.
func trusted(problems []results.Problem) results.Answer {
	for _, p := range problems {
		switch p {
		case results.WrongOrder, results.RootSent, results.ExtraCertificate, results.NameMismatch:
		default:
			return results.No
		}
	}
	return results.Yes
}

func ders(parties ...*party) [][]byte {
	list := make([][]byte, 0, len(parties))
	for _, p := range parties {
		list = append(list, p.der)
	}
	return list
}
