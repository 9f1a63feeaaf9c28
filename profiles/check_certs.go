// Checks of certificates: of every chain that clients of the endpoint meet, so that a
// server with an RSA and an ECDSA certificate passes with both or not at all. What
// the same address shows to who asks for no name, or for another, is not judged.

package profiles

import (
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

func certificateChecks() []check {
	each := func(name, about string, takes kind, words []string, limit string, expected func(Rule) string, judge func(*facts, cert, Rule) (string, string, string)) check {
		return check{
			name: name, about: about, takes: takes, words: words, limit: limit, aspects: []string{"certificates", "suites"}, expected: expected, ofChain: true,
			judge: func(f *facts, r Rule) verdict { return f.everyCert(r, judge) },
		}
	}
	return []check{
		each("key-types", "the kinds of key that certificates may have", wordValues, []string{"rsa", "ecdsa", "ed25519", "ed448", "dsa", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87"}, "",
			func(r Rule) string { return "certificate keys of kind " + strings.Join(r.Values, " or ") }, keyTypeOf),
		each("rsa-bits", "RSA keys of certificates are at least this long", noValues, nil, "bits",
			func(r Rule) string { return fmt.Sprintf("RSA keys of at least %d bits", r.Limit) }, bitsOf("RSA")),
		each("ec-bits", "EC keys of certificates are at least this long", noValues, nil, "bits",
			func(r Rule) string { return fmt.Sprintf("EC keys of at least %d bits", r.Limit) }, bitsOf("ECDSA")),
		each("ec-curves", "EC keys of certificates are on one of these curves", groupValues, nil, "",
			func(r Rule) string { return "EC keys on " + strings.Join(r.Values, " or ") }, curveOf),
		each("lifespan", "certificates are not valid for longer than this", noValues, nil, "days",
			func(r Rule) string { return fmt.Sprintf("valid for at most %d days", r.Limit) }, lifespanOf),
		each("days-left", "certificates stay valid for so long", noValues, nil, "days",
			func(r Rule) string { return fmt.Sprintf("valid for at least %d more days", r.Limit) }, daysLeftOf),
		each("trusted", "the chain leads to a trusted authority and nothing on it is wrong", noValues, nil, "",
			func(Rule) string { return "a trusted chain" }, trustOf),
		each("hostname", "the certificate is for the name that was asked for", noValues, nil, "",
			func(Rule) string { return "a certificate for the name" }, hostnameOf),
		each("problems-none", "the chain has none of these problems", wordValues, problemWords(), "",
			func(r Rule) string { return "a chain without these problems: " + spoken(r.Values) }, problemsOf),
		each("certificate-signatures", "certificates are signed with one of these algorithms, as records name them", wordValues, signatureWords(), "",
			func(r Rule) string { return "signed with " + strings.Join(r.Values, " or ") }, signatureOf),
		each("certificate-has", "the leaf has each of these", wordValues, certWords(), "",
			func(r Rule) string { return "certificate with " + certPhrases(r.Values) }, contentOf),
	}
}

// everyCert judges each chain's leaf. The function returns what is bad, what is
// open and what is good of one.
func (f *facts) everyCert(r Rule, judge func(*facts, cert, Rule) (bad, open, good string)) verdict {
	var bads, opens, goods []string
	for _, c := range f.certs {
		bad, open, good := judge(f, c, r)
		bads, opens, goods = appendWord(bads, bad), appendWord(opens, open), appendWord(goods, good)
	}
	opens = append(opens, f.unseenCerts()...)
	if len(bads)+len(opens)+len(goods) == 0 {
		return irrelevant("no certificate of that kind")
	}
	return weigh(bads, opens, strings.Join(goods, "; "))
}

func appendWord(words []string, w string) []string {
	if w == "" || slices.Contains(words, w) {
		return words
	}
	return append(words, w)
}

// unseenCerts says which certificates must be there and were not seen: one at
// least, and one of each kind that an accepted suite needs.
func (f *facts) unseenCerts() []string {
	own := f.e.OwnChains()
	if len(own) == 0 {
		switch {
		case f.e.Status == results.Failed:
			return []string{"no certificate was seen: " + f.whyUnknown()}
		default:
			return []string{"no certificate was seen: not asked (aspect certificates), or " + f.whyUnknown()}
		}
	}
	seen := mapped(own, func(c results.Chain) string { return authOf(c.Auth) })
	var out []string
	for _, auth := range f.auths() {
		if (auth == "RSA" || auth == "ECDSA") && !slices.Contains(seen, auth) {
			out = append(out, "suites show an "+auth+" certificate, which was not seen")
		}
	}
	return out
}

func keyTypeOf(_ *facts, c cert, r Rule) (bad, open, good string) {
	switch {
	case c.leaf.KeyType == "":
		return "", "a certificate's key was not read", ""
	case !slices.Contains(r.Values, strings.ToLower(c.leaf.KeyType)):
		return bounded(c.leaf.KeyType) + " key", "", ""
	}
	return "", "", c.leaf.KeyType + " key"
}

func bitsOf(keyType string) func(*facts, cert, Rule) (string, string, string) {
	return func(_ *facts, c cert, r Rule) (bad, open, good string) {
		words := fmt.Sprintf("%s key of %d bits", c.leaf.KeyType, c.leaf.KeyBits)
		switch {
		case c.leaf.KeyType == "":
			return "", "a certificate's key was not read", ""
		case c.leaf.KeyType != keyType:
			return "", "", ""
		case c.leaf.KeyBits == 0:
			return "", "the length of an " + keyType + " key was not read", ""
		case c.leaf.KeyBits < r.Limit:
			return words, "", ""
		}
		return "", "", words
	}
}

func curveOf(f *facts, c cert, r Rule) (bad, open, good string) {
	if c.leaf.KeyType != "ECDSA" {
		return "", "", ""
	}
	curve := c.curve()
	if curve == "" {
		return "", "the curve of an EC key is not one that is read here", ""
	}
	if g, _ := f.lib.group(curve); !f.lib.groupsOf(r.Values)(g) {
		return "EC key on " + curve, "", ""
	}
	return "", "", "EC key on " + curve
}

func lifespanOf(_ *facts, c cert, r Rule) (bad, open, good string) {
	days, known := c.lifespan()
	words := fmt.Sprintf("%s valid for %.0f days", c.name(), days)
	switch {
	case !known:
		return "", "a certificate's validity was not read", ""
	case days > float64(r.Limit):
		return words, "", ""
	}
	return "", "", words
}

// daysLeftOf judges every certificate that was sent: any of them ends the chain.
func daysLeftOf(f *facts, c cert, r Rule) (bad, open, good string) {
	first := c.leaf
	for _, other := range c.chain.Certificates {
		if first.NotAfter.IsZero() || !other.NotAfter.IsZero() && other.NotAfter.Before(first.NotAfter) && needed(c.chain, other) {
			first = other
		}
	}
	if first.NotAfter.IsZero() {
		return "", "when a certificate ends was not read", ""
	}
	left := int(first.NotAfter.Sub(f.at).Hours() / 24)
	who := c.name()
	if first.SHA256 != c.leaf.SHA256 {
		who = "issuer " + bounded(first.Subject)
	}
	words := fmt.Sprintf("%s ends in %d days, on %s", who, left, first.NotAfter.UTC().Format("2006-01-02"))
	if !first.NotAfter.After(f.at) {
		words = fmt.Sprintf("%s ended on %s", who, first.NotAfter.UTC().Format("2006-01-02"))
	}
	if first.NotAfter.Sub(f.at).Hours()/24 < float64(r.Limit) {
		return words, "", ""
	}
	return "", "", words
}

// needed says whether a certificate stands on the leaf's path as it was sent:
// one that issued nothing that was sent is superfluous.
func needed(c *results.Chain, cert results.Cert) bool {
	if cert.Subject == cert.Issuer { // a root that is sent along is the client's business
		return false
	}
	return slices.ContainsFunc(c.Certificates, func(child results.Cert) bool {
		return child.SHA256 != cert.SHA256 && child.Issuer == cert.Subject
	})
}

func trustOf(_ *facts, c cert, _ Rule) (bad, open, good string) {
	switch c.chain.Trusted {
	case results.Yes:
		return "", "", c.name() + " trusted"
	case results.No:
		return c.name() + " not trusted: " + problemList(c.chain.Problems), "", ""
	}
	return "", "whether the " + c.name() + " is trusted could not be determined", ""
}

func hostnameOf(f *facts, c cert, _ Rule) (bad, open, good string) {
	switch c.chain.HostnameMatch {
	case results.Yes:
		return "", "", c.name() + " is for " + bounded(c.chain.ServerName)
	case results.No:
		return c.name() + " is not for the name that was asked for", "", ""
	}
	return "", "whether the " + c.name() + " is for the name is not known", ""
}

func problemsOf(_ *facts, c cert, r Rule) (bad, open, good string) {
	var found []results.Problem
	for _, p := range c.chain.Problems {
		if slices.Contains(r.Values, string(p)) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) > 0:
		return c.name() + ": " + problemList(found), "", ""
	case slices.Contains(c.chain.Problems, results.Malformed) && c.parsed == nil:
		return "", "a certificate could not be read", ""
	}
	return "", "", c.name() + ": none"
}

func problemList(ps []results.Problem) string {
	return spoken(mapped(ps, func(p results.Problem) string { return string(p) }))
}

func signatureOf(_ *facts, c cert, r Rule) (bad, open, good string) {
	alg := c.leaf.SignatureAlgorithm
	switch {
	case alg == "":
		return "", "a certificate's signature algorithm was not read", ""
	case !slices.Contains(r.Values, alg):
		return c.name() + " signed with " + bounded(alg), "", ""
	}
	return "", "", c.name() + " signed with " + bounded(alg)
}

func contentOf(_ *facts, c cert, r Rule) (bad, open, good string) {
	if c.parsed == nil {
		return "", "a certificate could not be read in full", ""
	}
	var missing []string
	for _, word := range r.Values {
		if !c.has(word) {
			missing = append(missing, word)
		}
	}
	if len(missing) > 0 {
		return c.name() + " without " + certPhrases(missing), "", ""
	}
	return "", "", c.name() + " with " + certPhrases(r.Values)
}

func problemWords() []string {
	return mapped([]results.Problem{
		results.Expired, results.NotYetValid, results.BadValidity, results.SelfSignedProblem, results.UnknownAuthority, results.Incomplete,
		results.WrongOrder, results.RootSent, results.ExtraCertificate, results.NameMismatch, results.WeakKey, results.WeakSignature,
		results.BadSignature, results.BadUsage, results.ConstraintViolation, results.UnknownCriticalExtension, results.Revoked, results.Malformed,
	}, func(p results.Problem) string { return string(p) })
}

func signatureWords() []string {
	return []string{"SHA256-RSA", "SHA384-RSA", "SHA512-RSA", "SHA256-RSAPSS", "SHA384-RSAPSS", "SHA512-RSAPSS", "ECDSA-SHA256", "ECDSA-SHA384", "ECDSA-SHA512", "Ed25519", "Ed448", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87", "SHA1-RSA", "ECDSA-SHA1"}
}
