// The baseline: what was accepted once, and every fact that is not so now.

package gate

import (
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
	"shakedown/results/contrast"
)

// Compared sets endpoints beside the baseline's of the same path. What is not
// asked or not answered now is unknown; what the baseline did not know is passed
// over, as nobody accepted anything there. removed says that a path of the
// baseline is gone, and not only left out of this run.
func Compared(baseline, now []*results.Endpoint, removed func(path string) bool) []results.Finding {
	was := map[string][]*results.Endpoint{}
	var order []string
	for _, e := range baseline {
		key := e.Service + "/" + e.Path
		if was[key] == nil {
			order = append(order, key)
		}
		was[key] = append(was[key], e)
	}
	var all []results.Finding
	seen := map[string]bool{}
	for _, e := range now {
		key := e.Service + "/" + e.Path
		seen[key] = true
		all = append(all, compared(was[key], e)...)
	}
	for _, key := range order {
		if !seen[key] && removed(key) {
			all = append(all, about(was[key][0], "path", results.FindingFail, results.Medium, "in the inventory, as in the baseline", "the path is gone"))
		}
	}
	return all
}

// compared sets one endpoint beside that of the baseline that it is most like:
// a name's addresses come and go.
func compared(was []*results.Endpoint, e *results.Endpoint) []results.Finding {
	if len(was) == 0 {
		return []results.Finding{about(e, "path", results.FindingFail, results.Medium, "in the baseline", "the path is new")}
	}
	if e.Status == results.Failed {
		return []results.Finding{about(e, "path", results.FindingUnknown, results.High, "as in the baseline", "nothing is known of it now")}
	}
	var nearest []results.Finding
	for i, w := range was {
		if found := between(w, e); i == 0 || len(found) < len(nearest) {
			nearest = found
		}
	}
	return nearest
}

func between(was, is *results.Endpoint) []results.Finding {
	all := notAsked(was, is)
	for _, f := range contrast.Facts([]*results.Endpoint{was, is}) {
		if renewed(f) || !f.Cells[0].Known {
			continue
		}
		before, now := f.Cells[0].Text, f.Cells[1]
		name, expected := named(f), fmt.Sprintf("%s: %s, as in the baseline", named(f), before)
		switch {
		case now.Known && now.Text != before:
			one := about(is, f.ID, results.FindingFail, severity(f.ID, f.Name, before, now.Text), expected, fmt.Sprintf("%s is now %s", name, now.Text))
			one.Mend = "put it back; or, if it is meant to be so, accept it: shakedown gate --accept FILE, and review what changed in FILE"
			all = append(all, one)
		case now.Text == string(results.Unknown):
			all = append(all, about(is, f.ID, results.FindingUnknown, results.Medium, expected, name+" is not known now"))
		}
	}
	return all
}

func about(e *results.Endpoint, rule string, status results.FindingStatus, severity results.Severity, expected, observed string) results.Finding {
	return results.Finding{
		Service: e.Service, Path: e.Path, Address: e.Address, Profile: Baseline, Rule: rule, Status: status, Severity: severity,
		Expected: expected, Observed: observed,
	}
}

// renewed facts change whenever a certificate is renewed, which is as it should
// be: that it lasts is for --min-days-left.
func renewed(f contrast.Fact) bool {
	return f.ID == "certificate.not_after" || f.ID == "certificate.sha256"
}

// named is a fact in words, with its topic where its name says too little.
func named(f contrast.Fact) string {
	switch {
	case f.Topic == contrast.Versions, f.Topic == contrast.Protocol:
		return f.Name
	case f.Topic == contrast.Order:
		return "order of " + f.Name
	}
	return f.Topic + ": " + f.Name
}

// notAsked finds whole kinds of facts that the baseline has and this run did not
// ask for: a scan of fewer aspects, read from its records.
func notAsked(was, is *results.Endpoint) []results.Finding {
	var all []results.Finding
	missing := func(kind string, then, now bool) {
		if then && !now {
			all = append(all, about(is, kind, results.FindingUnknown, results.Medium, "as in the baseline", "not asked in this run: scan all aspects"))
		}
	}
	missing("versions", len(was.Versions) > 0, len(is.Versions) > 0)
	missing("suites", was.Suites != nil, is.Suites != nil)
	missing("groups", was.Groups != nil, is.Groups != nil)
	missing("signature_schemes", was.SignatureSchemes != nil, is.SignatureSchemes != nil)
	missing("certificate", len(was.Chains) > 0, len(is.Chains) > 0)
	return all
}

// severity tells what got worse (high) from what merely changed: with --fail-on
// high a gate lets changes pass and no loss.
func severity(id, name, before, now string) results.Severity {
	switch {
	case worse(id, name, before, now):
		return results.High
	case strings.HasPrefix(id, "certificate.") && id != "certificate.problems" && id != "certificate.key":
		return results.Low // who issued it to whom may change with a renewal
	}
	return results.Medium
}

func worse(id, name, before, now string) bool {
	kind, rest, _ := strings.Cut(id, ".")
	gained, lost := now == "yes", now == "no"
	switch kind {
	case "versions":
		current := rest == string(results.TLSv12) || rest == string(results.TLSv13)
		return current && lost || !current && gained
	case "suites":
		return gained && slices.ContainsFunc([]string{"_NULL_", "_EXPORT_", "_anon_", "_RC4_", "_DES_", "_3DES_", "_MD5", "TLS_RSA_", "TLS_SHA"}, func(weak string) bool { return strings.Contains(name, weak) })
	case "groups":
		return lost && strings.Contains(name, "MLKEM")
	case "protocol":
		good := slices.Contains([]string{"extended_master_secret", "encrypt_then_mac", "secure_renegotiation", "fallback_scsv", "dh_prime_safe"}, rest)
		bad := slices.Contains([]string{"compression", "version_intolerant", "size_intolerant", "extension_intolerant", "many_suites_intolerant", "suite_mix_intolerant", "many_schemes_intolerant", "dh_generator_trivial"}, rest)
		return good && lost || bad && gained
	case "certificate":
		return rest == "problems" && gainedWord(before, now)
	}
	return false
}

// gainedWord says whether there is a word now that was not there before.
func gainedWord(before, now string) bool {
	old := strings.Fields(before)
	return slices.ContainsFunc(strings.Fields(now), func(w string) bool { return w != "none" && w != "+" && !slices.Contains(old, w) })
}

// NotMeasured is the finding on a measurement that the baseline has no like of.
func NotMeasured(t *results.Trial) results.Finding {
	return about(&results.Endpoint{Service: t.Service, Path: t.Path, Address: t.Address}, "measured", results.FindingUnknown, results.High,
		"as fast as in the baseline", "the baseline has no measurement of this path and shape: bench it, and give that run too")
}
