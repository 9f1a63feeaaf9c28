// What a path kind promises and what was recorded of it, row by row.

package report

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

// question is one row of the decision.
type question struct {
	name string
	ask  func(*decision, *choice) []said
}

// The rows that not every decision has.
const (
	rowInner = "Load balancer to target"
	rowLoad  = "For the planned load"
)

// questions are asked of every choice. The first are answered by the kind, which
// is what the inventory says; the others by records.
func questions() []question {
	return []question{
		{"TLS ends", func(_ *decision, c *choice) []said { return plainly(promiseOf(c.kind).ends) }},
		{"In plain text at", func(_ *decision, c *choice) []said { return plainly(promiseOf(c.kind).open) }},
		{rowInner, (*decision).inner},
		{"The client checks", (*decision).checked},
		{"Client certificates", (*decision).clients},
		{"Private key", (*decision).key},
		{"Serves", (*decision).serves},
		{"Policy", (*decision).policy},
		{"Handshake", (*decision).handshake},
		{"What it adds", (*decision).adds},
		{"Holds", (*decision).holds},
		{rowLoad, (*decision).load},
	}
}

func plainly(words string) []said { return []said{{text: words}} }

// promise is what a path kind means.
type promise struct {
	ends, open, inner, key string
	balanced               bool // a load balancer opens TLS
}

func promiseOf(k results.PathKind) promise {
	switch k {
	case results.LBTerminated:
		return promise{"at the load balancer", "the load balancer, the network behind it, the target",
			"plain text: whoever is on that network can read and change it", "on the load balancer", true}
	case results.LBReencrypted:
		return promise{"at the load balancer, and again at the target", "the load balancer, the target",
			"encrypted", "one on the load balancer, one on each target", true}
	case results.Passthrough:
		return promise{"at the instance behind the load balancer", "the instance",
			"the client's own TLS, passed on unopened", "on each instance behind it", false}
	case results.Instance:
		return promise{"at the instance", "the instance", "no load balancer", "on the instance", false}
	case results.HSMOffloaded:
		return promise{"at the instance", "the instance", "no load balancer",
			"in the HSM: the instance can have it used, and cannot copy it", false}
	}
	return promise{"at the instance", "the instance", "no load balancer",
		"in the enclave: the instance can have it used, and cannot copy it", false}
}

// inner is the way behind the load balancer.
func (d *decision) inner(c *choice) []said {
	out := plainly(promiseOf(c.kind).inner)
	if c.kind != results.LBReencrypted {
		return out
	}
	out = append(out, said{notable, "AWS load balancers do not check a target's certificate, and no record says that this one does: whoever answers at a target's address is believed", nil})
	for _, e := range c.behind {
		if e.cert.level >= warning && !e.cert.onlyAges() {
			out = append(out, said{e.cert.level, fmt.Sprintf("%s shows: %s", e.label, e.cert.alarm()), []ref{e.ref}})
		}
	}
	if len(c.behind) == 0 {
		out = append(out, said{notable, "which certificates the targets show was not observed", nil})
	}
	return out
}

// checked is the certificate that clients are shown.
func (d *decision) checked(c *choice) []said {
	what := "the server's certificate"
	if promiseOf(c.kind).balanced {
		what = "the load balancer's certificate, not the target's"
	}
	out := plainly(what)
	for _, group := range alike(c.endpoints, func(e *endpoint) string { return e.cert.String() }) {
		words := group[0].cert.String()
		if words == "" {
			words = "no certificate was seen"
		}
		out = append(out, said{group[0].cert.level, fmt.Sprintf("%s: %s", list(labelsOf(group), 4), words), refsOf(group)})
	}
	return out
}

// clients says whether clients are asked who they are.
func (d *decision) clients(c *choice) []said {
	var out []said
	for _, group := range alike(c.endpoints, func(e *endpoint) string { return string(e.Protocol.ClientCertificateRequested) }) {
		words := map[results.Answer]string{results.Yes: "asked for", results.No: "not asked for", results.Unknown: "unknown"}[group[0].Protocol.ClientCertificateRequested]
		if words == "" {
			words = "not observed"
		}
		out = append(out, said{fine, words + " (" + list(labelsOf(group), 4) + ")", refsOf(group)})
	}
	if len(out) == 1 {
		out[0].text, _, _ = strings.Cut(out[0].text, " (")
	}
	return orUnknown(out, "not scanned")
}

// key is where the private key lies, and who else shows the same public one.
func (d *decision) key(c *choice) []said {
	out := plainly(promiseOf(c.kind).key)
	shared := d.sharing(c)
	if len(shared) == 0 {
		return out
	}
	words, l := list(labelsOf(shared), 4)+" can use the same key", fine
	if reach(c.kind) == 3 {
		words, l = words+": unless by the same device, a copy lies outside it", warning
	}
	return append(out, said{l, words, refsOf(shared)})
}

// sharing are the endpoints of other choices that show a leaf with the same
// public key: they could not finish a handshake without the private one.
func (d *decision) sharing(c *choice) []*endpoint {
	mine := map[string]bool{}
	for _, e := range c.endpoints {
		for _, k := range keysOf(e) {
			mine[k] = true
		}
	}
	var out []*endpoint
	for _, other := range d.choices {
		if other == c || reach(c.kind) == 3 && reach(other.kind) == 3 { // a device too
			continue
		}
		for _, e := range other.endpoints {
			if slices.ContainsFunc(keysOf(e), func(k string) bool { return mine[k] }) {
				out = append(out, e)
			}
		}
	}
	return out
}

// keysOf names the public keys of an endpoint's leaves.
func keysOf(e *endpoint) []string {
	var keys []string
	for _, c := range e.Chains {
		if len(c.Certificates) == 0 {
			continue
		}
		leaf := c.Certificates[0]
		key := "certificate " + leaf.SHA256
		if parsed, err := x509.ParseCertificate(leaf.DER); err == nil {
			key = fmt.Sprintf("key %x", sha256.Sum256(parsed.RawSubjectPublicKeyInfo))
		}
		keys = append(keys, key)
	}
	return keys
}

// serves are the versions, and whether a post-quantum group is.
func (d *decision) serves(c *choice) []said {
	var out []said
	words := func(e *endpoint) string {
		if e.Status == results.Failed {
			return "unknown: no answer"
		}
		return versionsText(e) + map[string]string{"yes": ", post-quantum", "no": "", "unknown": ", post-quantum?"}[quantumCell(e).Text]
	}
	for _, group := range alike(c.endpoints, words) {
		who := ""
		if len(group) < len(c.endpoints) {
			who = list(labelsOf(group), 4) + ": "
		}
		out = append(out, said{fine, who + words(group[0]), refsOf(group)})
	}
	return orUnknown(out, "not scanned")
}

// policy is what named policies the choice's endpoints follow, and what rules
// they fail.
func (d *decision) policy(c *choice) []said {
	var out []said
	for _, m := range d.matches {
		if c.has(m.Path) {
			out = append(out, said{fine, m.Path + ": " + briefMatch(m.Match), []ref{m.ref}})
		}
	}
	out = append(out, d.broken(c.endpoints, nil)...)
	return orUnknown(out, "no policy was asked for")
}

// broken counts the rules that endpoints fail, or are not known to keep, but for
// some.
func (d *decision) broken(es []*endpoint, but map[string]bool) []said {
	var mine []*finding
	for _, f := range d.findings {
		its := func(e *endpoint) bool { return e.Path == f.Path && (f.Address == "" || e.Address == f.Address) }
		if findingLevel(f.Finding) >= warning && !but[ruleOf(f)] && slices.ContainsFunc(es, its) {
			mine = append(mine, f)
		}
	}
	var out []said
	for _, group := range alike(mine, func(f *finding) string { return f.Path + "\x00" + f.Profile + "\x00" + string(f.Status) }) {
		s := said{text: fmt.Sprintf("%s %s", clean(group[0].Path), brokenWords(group))}
		for _, f := range group {
			s.level = max(s.level, findingLevel(f.Finding))
			s.refs = append(s.refs, f.ref)
		}
		out = append(out, s)
	}
	return out
}

// brokenWords counts findings of one profile and status; of one it names the rule.
func brokenWords(group []*finding) string {
	verb := "fails"
	if group[0].Status == results.FindingUnknown {
		verb = "is not known to keep"
	}
	if len(group) == 1 {
		return fmt.Sprintf("%s %s of %s", verb, clean(group[0].Rule), clean(group[0].Profile))
	}
	return fmt.Sprintf("%s %s of %s", verb, plural(len(group), "rule"), clean(group[0].Profile))
}

func ruleOf(f *finding) string { return f.Profile + "\x00" + f.Rule }

// common are the rules that some path of every choice fails: they want mending
// whichever is chosen, and speak against none.
func (d *decision) common() map[string]bool {
	in := map[string]int{}
	for _, c := range d.choices {
		seen := map[string]bool{}
		for _, f := range d.findings {
			if c.has(f.Path) && findingLevel(f.Finding) >= warning {
				seen[ruleOf(f)] = true
			}
		}
		for rule := range seen {
			in[rule]++
		}
	}
	all := map[string]bool{}
	for rule, n := range in {
		if n == len(d.choices) {
			all[rule] = true
		}
	}
	return all
}

// briefMatch names a few of the policies of a match.
func briefMatch(m *results.Match) string {
	names := func(diffs []results.PolicyDiff) (all []string) {
		for _, d := range diffs {
			all = append(all, clean(d.Policy))
		}
		return all
	}
	switch {
	case len(m.Exact) > 0:
		return "follows " + list(cleanAll(m.Exact), 2)
	case len(m.Open) > 0:
		return "may follow " + list(names(m.Open), 2) + ", as far as is known"
	case len(m.Nearest) > 0:
		return "follows none; nearest " + list(names(m.Nearest), 1)
	}
	return "follows no named policy"
}

func cleanAll(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = clean(w)
	}
	return out
}

// orUnknown says what is not known where nothing is.
func orUnknown(out []said, words string) []said {
	if len(out) == 0 {
		return []said{{notable, words, nil}}
	}
	return out
}

// nothingOf reports whether answers are only that nothing is known.
func nothingOf(answers []said) bool {
	return len(answers) == 1 && answers[0].level == notable && answers[0].refs == nil
}

func refsOf(es []*endpoint) []ref {
	refs := make([]ref, len(es))
	for i, e := range es {
		refs[i] = e.ref
	}
	return refs
}
