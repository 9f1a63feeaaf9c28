// Checks of what a server does beside choosing versions and suites.

package profiles

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

func protocolChecks() []check {
	asks := []string{"protocol"}
	return []check{
		{
			name: "protocol-yes", about: "each of these is so", takes: wordValues, words: protocolWords(), aspects: asks,
			expected: func(r Rule) string { return spoken(r.Values) + ": yes" },
			judge:    func(f *facts, r Rule) verdict { return f.behaves(r, results.Yes) },
		},
		{
			name: "protocol-no", about: "none of these is so", takes: wordValues, words: protocolWords(), aspects: asks,
			expected: func(r Rule) string { return spoken(r.Values) + ": no" },
			judge:    func(f *facts, r Rule) verdict { return f.behaves(r, results.No) },
		},
		{
			name: "dh-bits", about: "the prime of DHE is at least this long", limit: "bits", aspects: []string{"protocol", "suites"},
			expected: func(r Rule) string { return fmt.Sprintf("DHE with at least %d bits", r.Limit) },
			judge:    longPrime,
		},
		{
			name: "hsts", about: "where HTTP is spoken, Strict-Transport-Security is sent, for at least so long", limit: "seconds", aspects: asks,
			expected: func(r Rule) string { return fmt.Sprintf("HSTS for at least %d seconds", r.Limit) },
			judge:    longHSTS,
		},
		{
			name: "staple-kept", about: "a certificate that asks for an OCSP staple (must-staple) is sent with one", aspects: []string{"certificates", "suites", "protocol"},
			expected: func(Rule) string { return "an OCSP staple with each certificate that asks for one" },
			judge:    func(f *facts, r Rule) verdict { return f.everyCert(r, stapleKept) },
		},
		{
			name: "authorities-named", about: "where a client certificate is asked for, the authorities that are accepted are named", aspects: asks,
			expected: func(Rule) string { return "no client certificate asked for" },
			judge: func(f *facts, _ Rule) verdict {
				switch f.e.Protocol.ClientCertificateRequested {
				case results.No:
					return irrelevant("no client certificate is asked for")
				case results.Yes:
					if n := len(f.e.Protocol.ClientCertificateAuthorities); n > 0 {
						return pass(fmt.Sprintf("%d authorities named", n))
					}
					return fail("no authority is named")
				}
				return unknown("whether a client certificate is asked for: " + f.whyProtocol(""))
			},
		},
	}
}

// behaviours are the yes-or-no facts of a protocol record, by their keys.
func behaviours(p results.Protocol) map[string]results.Answer {
	return map[string]results.Answer{
		"extended_master_secret": p.ExtendedMasterSecret, "encrypt_then_mac": p.EncryptThenMAC, "secure_renegotiation": p.SecureRenegotiation,
		"compression": p.Compression, "fallback_scsv": p.FallbackSCSV, "resumption_id": p.ResumptionID, "resumption_ticket": p.ResumptionTicket,
		"resumption_psk": p.ResumptionPSK, "early_data": p.EarlyData, "client_certificate_requested": p.ClientCertificateRequested,
		"ocsp_staple": p.OCSPStaple, "sct": p.SCT, "version_intolerant": p.VersionIntolerant, "size_intolerant": p.SizeIntolerant,
		"extension_intolerant": p.ExtensionIntolerant, "many_suites_intolerant": p.ManySuitesIntolerant, "suite_mix_intolerant": p.SuiteMixIntolerant,
		"many_schemes_intolerant": p.ManySchemesIntolerant,
	}
}

func protocolWords() []string {
	var words []string
	for w := range behaviours(results.Protocol{}) {
		words = append(words, w)
	}
	slices.Sort(words)
	return words
}

func spoken(words []string) string {
	return strings.ReplaceAll(strings.Join(words, ", "), "_", " ")
}

// behaves wants the same answer to every question that a rule names.
func (f *facts) behaves(r Rule, want results.Answer) verdict {
	answers := behaviours(f.e.Protocol)
	var bad, open []string
	for _, word := range r.Values {
		switch got := answers[word]; got {
		case want:
		case results.Yes, results.No:
			bad = append(bad, spoken([]string{word})+": "+string(got))
		default:
			open = append(open, spoken([]string{word})+": "+f.whyProtocol(got))
		}
	}
	return weigh(bad, open, spoken(r.Values)+": "+string(want))
}

func (f *facts) whyProtocol(got results.Answer) string {
	switch {
	case got == results.Unknown, f.e.Status == results.Failed:
		return f.whyUnknown()
	case slices.Contains(protocolAnswered(f.e.Protocol), true):
		return "not asked of this endpoint"
	}
	return "was not asked (aspect protocol)"
}

func protocolAnswered(p results.Protocol) []bool {
	var out []bool
	for _, a := range behaviours(p) {
		out = append(out, a != "")
	}
	return out
}

// longHSTS has nothing to say of what does not speak HTTP; whether it does is
// open where nothing answered a request.
func longHSTS(f *facts, r Rule) verdict {
	switch p := f.e.Protocol; {
	case p.HSTS != nil && *p.HSTS >= r.Limit:
		return pass(fmt.Sprintf("%d seconds", *p.HSTS))
	case p.HSTS != nil:
		return fail(fmt.Sprintf("%d seconds", *p.HSTS))
	case p.HTTP == results.No:
		return irrelevant("no HTTP is spoken")
	case p.HTTP == results.Yes:
		return unknown("HTTP is spoken, but the request was not answered")
	case slices.Contains(protocolAnswered(p), true):
		return unknown("no request was answered, over HTTP or otherwise")
	}
	return unknown("HSTS " + f.whyProtocol(""))
}

// stapleKept holds a server to what its certificates promise: clients that heed
// must-staple turn away from one without a staple.
func stapleKept(f *facts, c cert, _ Rule) (bad, open, good string) {
	staple := cmp.Or(c.chain.OCSPStaple, f.e.Protocol.OCSPStaple)
	switch {
	case !c.leaf.MustStaple:
		return "", "", ""
	case staple == results.Yes:
		return "", "", c.name() + " stapled"
	case staple == results.No:
		return c.name() + " must be stapled, and no staple is sent", "", ""
	}
	return "", "ocsp staple: " + f.whyProtocol(staple), ""
}

func longPrime(f *facts, r Rule) verdict {
	switch bits := f.e.Protocol.DHBits; {
	case bits >= r.Limit:
		return pass(fmt.Sprintf("%d bits", bits))
	case bits > 0:
		return fail(fmt.Sprintf("%d bits", bits))
	}
	switch f.accepts(classes()["dhe"]) {
	case results.No:
		return irrelevant("no DHE suite is accepted")
	case results.Yes:
		return unknown("DHE is accepted; how long its prime is " + f.whyProtocol(""))
	}
	return unknown("suites: " + f.whySuites(nil))
}
