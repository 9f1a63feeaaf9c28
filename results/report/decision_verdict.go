// The decision in sentences: what each step towards more protection buys, what
// it costs, what stands in its way here, and which choice the records speak for.

package report

import (
	"fmt"
	"strings"

	"shakedown/results"
)

// sentence is one or two with a head.
type sentence struct {
	head  string
	parts []said
}

// step is a kind as something to decide on: the part of a path that it adds, the
// phases in which that shows first, and what it buys.
type step struct {
	head   string
	kind   results.PathKind
	part   string // "" where it adds none
	phases []string
	gain   string
}

func steps() []step {
	const held = "keeps the key from whoever takes over the instance, though not its use meanwhile"
	return []step{
		{"The load balancer alone", results.LBTerminated, "load balancer", []string{"handshake"}, "keeps keys and settings in one place; what lies behind it is plain text"},
		{"Re-encryption", results.LBReencrypted, "re-encryption", []string{"first_byte", "total", "handshake"},
			"protects the way from the load balancer to its targets from readers; who answers there is not checked by AWS load balancers"},
		{"Pass-through", results.Passthrough, "pass-through", []string{"handshake"}, "keeps the load balancer from reading along, and lets clients check the instances themselves"},
		{"Instances alone", results.Instance, "", nil, "let clients check the instance itself"},
		{"An HSM's key", results.HSMOffloaded, "HSM key", []string{"handshake"}, held},
		{"An enclave's key", results.EnclaveOffloaded, "enclave key", []string{"handshake"}, held},
	}
}

// sentences are the evidence for and against, the decision first.
func (d *decision) sentences() []sentence {
	out := []sentence{d.decided()}
	for _, s := range steps() {
		if c := d.of(s.kind); c != nil {
			out = append(out, d.weigh(c, s))
		}
	}
	return out
}

// decided names the choice that protects furthest of those that nothing recorded
// speaks against, and those that would protect as far or further.
func (d *decision) decided() sentence {
	s := sentence{head: "On these records"}
	best := d.best()
	if best == nil {
		s.parts = append(append(s.parts, said{warning, "something speaks against every choice, so none is put forward", nil}), d.whichever()...)
		return s
	}
	words := fmt.Sprintf("%s (%s) protects furthest of the choices that nothing recorded speaks against: %s", best.kind, list(cleanAll(best.paths), 4), reachWords(best.kind))
	s.parts = append(s.parts, said{fine, words, refsOf(best.endpoints)}, d.price(best))
	s.parts = append(s.parts, d.demand(best)...)
	var further []string
	var refs []ref
	for _, c := range d.choices {
		if objections := d.objections(c); len(objections) > 0 && reach(c.kind) > reach(best.kind) {
			further, refs = append(further, string(c.kind)), append(refs, refsOfSaid(objections)...)
		}
	}
	if further != nil {
		s.parts = append(s.parts, said{warning, "further would reach, once what is said below is mended or known: " + list(further, 0), refs})
	}
	s.parts = append(s.parts, d.whichever()...)
	return s
}

// whichever are the rules to mend in any case.
func (d *decision) whichever() []said {
	common := d.common()
	if len(common) == 0 {
		return nil
	}
	out := said{level: warning}
	for _, f := range d.findings {
		if common[ruleOf(f)] && findingLevel(f.Finding) >= warning {
			out.refs = append(out.refs, f.ref)
		}
	}
	out.text = "to mend whichever is chosen: " + plural(len(common), "rule") + " that every choice fails or is not known to keep"
	return []said{out}
}

// reachWords say how far a kind protects.
func reachWords(k results.PathKind) string {
	return []string{"to the load balancer", "to the target, which the load balancer may not check", "to a server that the client itself checks",
		"to a server that the client itself checks, with a key that cannot be carried off"}[reach(k)]
}

// demand is what the choice takes beside the quickest one, and for the load that is
// planned.
func (d *decision) demand(best *choice) []said {
	var out []said
	quickest := best
	for _, c := range d.choices {
		if quicker(c, quickest) {
			quickest = c
		}
	}
	if t := quickest.fastest(); t != nil && quickest != best {
		out = append(out, said{fine, fmt.Sprintf("the quickest is %s (%s) with %s ms", quickest.kind, t.label, milliseconds(t.Phases.Handshake.P50US)), []ref{t.ref}})
	}
	if d.planned > 0 {
		out = append(out, d.taken(best))
	}
	return out
}

// taken is what the planned load takes of a choice.
func (d *decision) taken(c *choice) said {
	planned := rate(d.planned) + " handshakes/s"
	if len(d.plans(c)) == 0 {
		return said{warning, "what " + planned + " take is unknown, as its capacity was not measured", nil}
	}
	first := d.load(c)[0]
	return said{first.level, planned + " take of " + first.text, first.refs}
}

// weigh is one step: its cost, its gain, and what is against it here.
func (d *decision) weigh(c *choice, st step) sentence {
	s := sentence{st.head, d.costs(c, d.added(st.part, st.phases...), st.part != "")}
	s.parts = append(s.parts, said{text: st.gain})
	if instance := d.of(results.Instance); instance != nil && reach(c.kind) == 3 {
		if gap := capacityGap(c, instance); gap.text != "" {
			s.parts = append(s.parts, gap)
		}
	}
	if against := d.hindrances(c); len(against) > 0 {
		s.parts = append(s.parts, said{warning, "but " + inShort(against), refsOfSaid(against)})
	}
	return s
}

// costs are what a part adds, or else what its paths take in all.
func (d *decision) costs(c *choice, a *attribution, isPart bool) []said {
	switch {
	case a == nil && isPart && c.fastest() != nil:
		return []said{{notable, "what it adds was not measured", nil}, d.price(c)}
	case a == nil:
		return []said{d.price(c)}
	}
	words := fmt.Sprintf("costs %s, to %s ms without it", addedWords(a), milliseconds(a.WithoutUS))
	switch {
	case a.HighUS < 0:
		words = fmt.Sprintf("was the faster: %s, to %s ms without it", addedWords(a), milliseconds(a.WithoutUS))
	case !a.shown():
		words = "no cost is shown: " + differenceWords(a)
	}
	out := []said{{fine, words, []ref{a.ref}}}
	if a.Unlike != "" {
		out = append(out, said{warning, a.unlike(), []ref{a.ref}})
	}
	return out
}

// hindrances are what makes a step worth less here than by its kind.
func (d *decision) hindrances(c *choice) []said {
	var out []said
	if c.kind == results.LBReencrypted {
		for _, s := range d.inner(c)[1:] {
			if s.refs != nil {
				out = append(out, s)
			}
		}
	}
	return append(out, d.objections(c)...)
}

// inShort joins a few statements.
func inShort(all []said) string {
	var words []string
	for _, s := range all {
		words = append(words, s.text)
	}
	const most = 3
	if len(words) > most {
		return strings.Join(words[:most], "; ") + fmt.Sprintf("; and %d more", len(words)-most)
	}
	return strings.Join(words, "; ")
}

func refsOfSaid(all []said) []ref {
	var refs []ref
	for _, s := range all {
		refs = append(refs, s.refs...)
	}
	return refs
}
