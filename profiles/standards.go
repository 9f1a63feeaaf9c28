// Standards beside NIST's: FIPS 140-3, PCI DSS 4.0 and HIPAA's pointer.

package profiles

import (
	"slices"
	"strings"

	"shakedown/results"
)

// standards lists the profiles that are not vendors' policies.
func (lib *Library) standards() []standard {
	return []standard{
		{"nist-800-52r2", (*Library).nistProfile},
		{"pci-dss-4", (*Library).pciProfile},
		{"fips-140-3", (*Library).fipsProfile},
		{"hipaa", (*Library).hipaaProfile},
		{"target-group", (*Library).targetProfile},
		{"known-weaknesses", (*Library).weaknessProfile},
		{"minimum", (*Library).minimumProfile},
	}
}

// fipsProfile asks for what the approved modes of three validated libraries
// would negotiate. That a module is validated cannot be seen.
func (lib *Library) fipsProfile() *Profile {
	var suites, groups []string
	for _, impl := range lib.nist.FIPS.Implementations {
		for _, c := range impl.Ciphers {
			suites = appendWord(suites, lib.suite(c.ID).short())
		}
		for _, g := range impl.Groups {
			groups = appendWord(groups, g.Name)
		}
	}
	const a = "NIST SP 800-131A r2"
	mend := lib.nistMend()
	p := &Profile{
		Name: "fips-140-3", Title: "FIPS 140-3: approved algorithms in TLS", Verification: "derived",
		About:   "The versions, suites, groups and keys that at least one of three libraries allows in its approved mode (Go's, s2n's, BoringSSL's). Passing shows that nothing unapproved is offered, not that the module behind is validated.",
		Notes:   []string{"the lists are the union of the three libraries'", "IG D.Q is known from secondary sources"},
		Sources: titled(lib.nist.Sources, []string{"ses-131a", "go", "s2n", "boringssl", "second-hand"}), lib: lib,
		Rules: []Rule{
			{ID: "old-versions-off", Severity: results.High, Check: "versions-off", Values: []string{"SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"}, Citation: "FIPS 140-3 approved modes of Go, s2n and BoringSSL", Mend: mendVersions([]results.Version{results.TLSv12, results.TLSv13})},
			{ID: "suites", Severity: results.High, Check: "suites-only", Values: suites, Expected: "no suite but those of an approved mode: ECDHE or RSA with AES, SHA-1 or SHA-2", Citation: a + " (AES, SHA-2); approved modes of Go, s2n and BoringSSL", Mend: mend},
			{ID: "groups", Severity: results.High, Check: "groups-only", Values: groups, Citation: "NIST SP 800-56A r3 appendix D, FIPS 203; approved modes of Go, s2n and BoringSSL", Mend: mendGroups([]string{"secp256r1", "secp384r1"})},
			{ID: "extended-master-secret", Severity: results.Medium, Check: "protocol-yes", Values: []string{"extended_master_secret"}, When: "tls1.2", Citation: "FIPS 140-3 IG D.Q", Mend: "update the TLS library: all current ones have it"},
			{ID: "signatures", Severity: results.High, Check: "signatures-none", Values: []string{"sha1", "md5"}, Citation: a + " table 8", Mend: "nginx: ssl_conf_command SignatureAlgorithms ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256;"},
			{ID: "rsa-bits", Severity: results.High, Check: "rsa-bits", Limit: 2048, Citation: a + " table 2"},
			{ID: "ec-curves", Severity: results.High, Check: "ec-curves", Values: []string{"secp224r1", "secp256r1", "secp384r1", "secp521r1"}, Citation: "FIPS 186-5, NIST SP 800-186"},
			{ID: "certificate-signature", Severity: results.High, Check: "problems-none", Values: []string{"weak_signature"}, Citation: a + " table 8"},
			{ID: "dh-bits", Severity: results.High, Check: "dh-bits", Limit: 2048, Citation: a + " table 4"},
		},
		Unseen: []Unseen{
			unseen("FIPS 140-3", "the cryptographic module is validated and runs in its approved mode", "cannot be seen from outside: ask for the certificate number"),
			unseen(a+" tables 3, 5", "random numbers and key derivation are approved ones", "cannot be seen from outside"),
		},
	}
	return p.worded()
}

// pciProfile maps PCI DSS 4.0 to what assessors ask for: the standard itself
// names no version and no suite.
func (lib *Library) pciProfile() *Profile {
	cite := func(section string) string { return "PCI DSS 4.0 §" + section }
	mend := mendVersions([]results.Version{results.TLSv12, results.TLSv13}) + " · AWS: ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
	p := &Profile{
		Name: "pci-dss-4", Title: "PCI DSS 4.0, transmission over open networks", Verification: "secondary source",
		About:   "PCI DSS names no TLS version or suite. That strong cryptography means TLS 1.2 or newer without weak suites is the practice of assessors, not its text.",
		Sources: titled(lib.nist.Sources, lib.nist.PCI.Sources), lib: lib,
		Notes: []string{"sections are known from secondary sources"},
		Rules: []Rule{
			{ID: "ssl-off", Severity: results.High, Check: "versions-off", Values: []string{"SSLv2", "SSLv3"}, Citation: cite("4.2.1") + ", A2", Mend: mend},
			{ID: "early-tls-off", Severity: results.High, Check: "versions-off", Values: []string{"TLSv1.0", "TLSv1.1"}, Citation: cite("4.2.1") + ", A2", Mend: mend, Why: "A2 keeps early TLS for card-present terminals alone"},
			{ID: "tls1.2-or-newer-on", Severity: results.High, Check: "versions-any", Values: []string{"TLSv1.2", "TLSv1.3"}, Citation: cite("4.2.1"), Mend: mend},
			{ID: "weak-suites-off", Severity: results.High, Check: "suites-none", Values: []string{"weak"}, Citation: cite("4.2.1"), Mend: lib.nistMend()},
			{ID: "forward-secrecy", Severity: results.Low, Advice: true, Check: "suites-none", Values: []string{"no-fs"}, Citation: cite("4.2.1"), Mend: lib.nistMend()},
			{ID: "dh-bits", Severity: results.High, Check: "dh-bits", Limit: 2048, Citation: cite("4.2.1"), Mend: dhRule(2048, "").Mend},
			{ID: "groups-strong", Severity: results.High, Check: "groups-none", Values: []string{"weak"}, Citation: cite("4.2.1")},
			{ID: "trusted", Severity: results.High, Check: "trusted", Citation: cite("4.2.1"), Mend: "serve a chain to an authority that the clients trust"},
			{ID: "hostname", Severity: results.High, Check: "hostname", Citation: cite("4.2.1"), Mend: "order a certificate for the name"},
			{ID: "not-expired", Severity: results.High, Check: "problems-none", Values: []string{"expired", "not_yet_valid", "revoked"}, Citation: cite("4.2.1"), Mend: "renew the certificate and serve the new one"},
			{ID: "rsa-bits", Severity: results.High, Check: "rsa-bits", Limit: 2048, Citation: cite("4.2.1"), Mend: "order a certificate for a longer key"},
			{ID: "ec-bits", Severity: results.High, Check: "ec-bits", Limit: 224, Citation: cite("4.2.1"), Mend: "order a certificate for a longer key"},
			{ID: "secure-renegotiation", Severity: results.High, Check: "protocol-yes", Values: []string{"secure_renegotiation"}, When: "old-version", Citation: cite("4.2.1")},
			{ID: "compression-off", Severity: results.High, Check: "protocol-no", Values: []string{"compression"}, When: "old-version", Citation: cite("4.2.1")},
		},
	}
	for _, r := range lib.nist.PCI.Items {
		if r.Observable == "no" {
			p.Unseen = append(p.Unseen, unseen(cite(r.Section), r.Requirement, "a process, not a setting: cannot be seen from outside"))
		}
	}
	return p.worded()
}

// hipaaProfile is NIST's: HHS points there for data in motion.
func (lib *Library) hipaaProfile() *Profile {
	p := lib.nistProfile()
	p.Name, p.Title, p.Verification = "hipaa", "HIPAA: data in motion, by NIST SP 800-52r2", "secondary source"
	p.About = "HIPAA names no TLS setting. The guidance of HHS on unsecured health information (2009) points to NIST SP 800-52 for data in motion; so these are the rules of nist-800-52r2."
	p.Notes = append(slices.Clone(lib.nist.HIPAA.Notes), p.Notes...)
	p.Sources = append(titled(lib.nist.Sources, lib.nist.HIPAA.Sources), p.Sources...)
	for i := range p.Rules {
		p.Rules[i].Citation = "45 CFR 164.312(e) by " + p.Rules[i].Citation
	}
	p.Unseen = append([]Unseen{unseen(strings.Join(lib.nist.HIPAA.Legal, ", "), "a risk analysis, and measures for data at rest", "a process: cannot be seen from outside")}, p.Unseen...)
	return p
}
