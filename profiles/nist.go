// NIST SP 800-52r2: what a client can see of its requirements for servers, and
// the list of what it cannot.

package profiles

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"shakedown/results"
)

type nistFile struct {
	Sources      []source
	Requirements []requirement
	Suites       []nistSuite `json:"cipher_suites"`
	FIPS         struct {
		Implementations []struct {
			Name, Version string
			Ciphers       []cipherData
			Groups        []results.Named
		}
	}
	PCI struct {
		Sources []string
		Items   []requirement
	} `json:"pci_dss"`
	HIPAA struct {
		Legal   []string
		Sources []string
		Notes   []string
	}
}

type requirement struct {
	ID, Section, Level, Requirement, Observable string
	Condition, AppliesTo                        string
}

type nistSuite struct {
	cipherData
	Section   string
	Protocols []results.Version
}

const nist = "NIST SP 800-52r2 §"

func (lib *Library) nistProfile() *Profile {
	p := &Profile{
		Name: "nist-800-52r2", Title: "NIST SP 800-52 Revision 2, TLS servers", Verification: "cross-checked",
		About:   "What SP 800-52r2 (August 2019) asks of government servers, as far as a client can see it. What is meant for citizen- or business-facing servers differs in one point: these may keep TLS 1.0 and 1.1 where needed.",
		Sources: titled(lib.nist.Sources, []string{"ses", "tls-scanner"}),
		Notes:   []string{"sections are from an extraction of the document; the lists of suites agree in two sources, that of appendix C has one"},
		Rules:   lib.nistRules(), lib: lib,
	}
	judged := mapped(p.Rules, func(r Rule) string { return r.Citation })
	for _, r := range lib.nist.Requirements {
		if !slices.ContainsFunc(judged, func(c string) bool {
			return strings.Contains(c+" ", "("+r.ID+")") || strings.Contains(c, r.ID+",") || strings.Contains(c, r.ID+")")
		}) {
			p.Unseen = append(p.Unseen, unseen(nist+r.Section+" ("+r.ID+")", r.Level+": "+r.Requirement, whyUnseen(r)))
		}
	}
	return p.worded()
}

// whyUnseen says why a requirement has no rule.
func whyUnseen(r requirement) string {
	switch {
	case r.Level == "may":
		return "a permission: nothing to fail"
	case r.Observable == "no":
		return "cannot be seen from outside"
	case r.Observable == "partial":
		return "only in part visible from outside"
	}
	return "this scanner does not ask"
}

// nistRules are the requirements that are judged. A citation names each by its
// section and its id in the data.
func (lib *Library) nistRules() []Rule {
	cite := func(section string, ids ...string) string {
		return nist + section + " (" + strings.Join(ids, ", ") + ")"
	}
	good := mendVersions([]results.Version{results.TLSv12, results.TLSv13}) + " · AWS: ELBSecurityPolicy-TLS13-1-2-Res-FIPS-PQ-2025-09"
	since2024 := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	rules := []Rule{
		{ID: "tls1.2-or-newer-on", Severity: results.High, Check: "versions-any", Values: []string{"TLSv1.2", "TLSv1.3"}, Citation: cite("3.1", "52r2-3.1-1", "52r2-3.1-8"), Mend: good,
			Why: "TLS 1.2 may be off where TLS 1.3 is on and enough"},
		{ID: "tls1.3-on", Severity: results.Medium, Check: "versions-on", Values: []string{"TLSv1.3"}, From: since2024, Citation: cite("3.1", "52r2-3.1-2", "52r2-3.1-3"), Mend: good,
			Why: "advised at first, required from 2024-01-01"},
		{ID: "ssl2-off", Severity: results.High, Check: "versions-off", Values: []string{"SSLv2"}, Citation: cite("3.1", "52r2-3.1-5", "52r2-3.1-7"), Mend: good},
		{ID: "ssl3-off", Severity: results.High, Check: "versions-off", Values: []string{"SSLv3"}, Citation: cite("3.1", "52r2-3.1-5", "52r2-3.1-7"), Mend: good},
		{ID: "tls1.0-off", Severity: results.Medium, Check: "versions-off", Values: []string{"TLSv1.0"}, Citation: cite("3.1", "52r2-3.1-5", "52r2-3.1-6"), Mend: good},
		{ID: "tls1.1-off", Severity: results.Low, Advice: true, Check: "versions-off", Values: []string{"TLSv1.1"}, Citation: cite("3.1", "52r2-3.1-4"), Mend: good},
		{ID: "version-tolerant", Severity: results.Medium, Check: "protocol-no", Values: []string{"version_intolerant"}, Citation: cite("3.1", "52r2-3.1-9"), Mend: "update the TLS library, or the middlebox before it"},
		{ID: "suites", Severity: results.High, Check: "suites-only", Values: lib.nistSuites(), Expected: "in TLSv1.0, TLSv1.1, TLSv1.2 no suite but the 90 of §3.3.1, appendix C and appendix D", Versions: fromTLS10(), Citation: cite("3.3.1", "52r2-3.3.1-1", "52r2-3.3.1-2"), Mend: lib.nistMend(),
			Why: "the list is that of §3.3.1 with appendices C (PSK) and D (static RSA, in transition only)"},
		{ID: "suites-tls1.3", Severity: results.High, Check: "suites-only", Values: lib.nistSuites(), Expected: "in TLSv1.3 no suite but those of AES (GCM, CCM, CCM_8)", Versions: []results.Version{results.TLSv13}, When: "tls1.3", Citation: cite("3.3.1.2", "52r2-3.3.1-2"),
			Why: "ChaCha20 is not NIST's", Mend: "nginx: ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384; · HAProxy: ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384 · Apache: SSLCipherSuite TLSv1.3 TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384 · AWS: a FIPS policy"},
		{ID: "static-rsa-off", Severity: results.Low, Advice: true, Check: "suites-none", Values: []string{"static-rsa"}, Versions: fromTLS10(), Citation: "NIST SP 800-52r2 appendix D", Mend: lib.nistMend(),
			Why: "static RSA keeps no forward secrecy; appendix D is for the transition"},
		{ID: "3des-off", Severity: results.High, Check: "suites-none", Values: []string{"64bit-block"}, Citation: cite("3.3.1.1", "52r2-3.3.1.1-1"), Mend: lib.nistMend()},
		{ID: "ephemeral-first", Severity: results.Low, Advice: true, Check: "order", Values: []string{"fs", "no-fs"}, Versions: fromTLS10(), Citation: cite("3.3.1.1", "52r2-3.3.1.1-2")},
		{ID: "aead-first", Severity: results.Low, Advice: true, Check: "order", Values: []string{"aead", "cbc"}, Versions: []results.Version{results.TLSv12}, Citation: cite("3.3.1.1", "52r2-3.3.1.1-3")},
		{ID: "ccm-first", Severity: results.Info, Advice: true, Check: "order", Values: []string{"ccm", "ccm-8"}, Versions: []results.Version{results.TLSv12}, Citation: cite("3.3.1.1", "52r2-3.3.1.1-4")},
		{ID: "groups-strong", Severity: results.High, Check: "groups-none", Values: []string{"weak"}, Citation: cite("3.3.1", "52r2-3.3.1-3", "52r2-3.3.3-2"), Mend: mendGroups([]string{"secp256r1", "secp384r1"})},
		{ID: "dh-bits", Severity: results.High, Check: "dh-bits", Limit: 2048, Citation: cite("3.3.1", "52r2-3.3.1-3"), Mend: dhRule(2048, "").Mend},
		{ID: "nist-curve", Severity: results.Medium, Check: "groups-any", Values: []string{"secp256r1", "secp384r1"}, When: "ec", Citation: cite("3.4.2.2", "52r2-3.4.2.2-1", "52r2-3.4.2.2-2"), Mend: mendGroups([]string{"secp256r1", "secp384r1"})},
	}
	return slices.Concat(rules, nistCertificates(cite), nistExtensions(cite))
}

func nistCertificates(cite func(string, ...string) string) []Rule {
	has := func(id, severity, section, requirement string, advice bool, words ...string) Rule {
		return Rule{ID: id, Severity: results.Severity(severity), Advice: advice, Check: "certificate-has", Values: words, Citation: cite(section, requirement), Mend: "order the certificate with it"}
	}
	const table = "3.2.1/table-3-1"
	return []Rule{
		{ID: "key-type", Severity: results.Medium, Check: "key-types", Values: []string{"rsa", "ecdsa"}, Citation: cite("3.2", "52r2-3.2-1", "52r2-3.2-3")},
		{ID: "ec-curves", Severity: results.Low, Advice: true, Check: "ec-curves", Values: []string{"secp256r1", "secp384r1"}, Citation: cite("3.2", "52r2-3.2-4")},
		{ID: "rsa-bits", Severity: results.High, Check: "rsa-bits", Limit: 2048, Citation: cite(table, "52r2-3.2.1-2", "52r2-3.2.1/table-3-1-11"), Mend: "order a certificate for a longer key"},
		{ID: "ec-bits", Severity: results.High, Check: "ec-bits", Limit: 224, Citation: cite(table, "52r2-3.2.1-2", "52r2-3.2.1/table-3-1-12"), Mend: "order a certificate for a longer key"},
		{ID: "certificate-signature", Severity: results.High, Check: "problems-none", Values: []string{"weak_signature"}, Citation: cite("3.3.3", "52r2-3.2.1-3", "52r2-3.3.3-3"), Mend: "order a certificate that is signed with SHA-256 or better, from an authority whose own are"},
		has("x509-v3", "medium", "3.2.1", "52r2-3.2.1-1", false, "x509-v3"),
		has("revocation-source", "medium", "3.2", "52r2-3.2-6", false, "revocation-source"),
		has("ocsp-address", "low", "3.2", "52r2-3.2-5, 52r2-3.2.1/table-3-1-7", true, "ocsp", "issuer-address"),
		has("san", "low", table, "52r2-3.2.1/table-3-1-6", true, "san"),
		has("server-auth", "low", table, "52r2-3.2.1-5, 52r2-3.2.1/table-3-1-5", true, "server-auth"),
		has("key-usage", "low", table, "52r2-3.2.1/table-3-1-4", true, "digital-signature"),
		{ID: "lifespan", Severity: results.Low, Advice: true, Check: "lifespan", Limit: 1095, Citation: cite(table, "52r2-3.2.1/table-3-1-1"), Mend: "order certificates for three years at most"},
		{ID: "trusted", Severity: results.Low, Advice: true, Check: "trusted", Citation: cite("3.2.3", "52r2-3.2.3-1"), Mend: "serve a chain to an authority that the clients trust"},
	}
}

func nistExtensions(cite func(string, ...string) string) []Rule {
	yes := func(id, word, section, requirement, when, mend string) Rule {
		return Rule{ID: id, Severity: results.Medium, Check: "protocol-yes", Values: []string{word}, When: when, Citation: cite(section, requirement), Mend: mend}
	}
	const library = "update the TLS library: all current ones have it"
	return []Rule{
		yes("secure-renegotiation", "secure_renegotiation", "3.4.1.1", "52r2-3.4.1.1-1", "old-version", library),
		yes("extended-master-secret", "extended_master_secret", "3.4.1.3", "52r2-3.4.1.3-1", "tls1.0-to-1.2", library),
		yes("ocsp-staple", "ocsp_staple", "3.4.1.5", "52r2-3.4.1.5-1", "", mendStaple),
		yes("fallback-scsv", "fallback_scsv", "3.4.2.1", "52r2-3.4.2.1-1", "fallback-no-1.3", library),
		yes("encrypt-then-mac", "encrypt_then_mac", "3.4.2.7", "52r2-3.4.2.7-1", "cbc", "take CBC suites out, or use a library that has it (OpenSSL; not BoringSSL, s2n, Go)"),
		{ID: "early-data-off", Severity: results.Low, Advice: true, Check: "protocol-no", Values: []string{"early_data"}, When: "tls1.3", Citation: cite("3.6", "52r2-3.4.3.2-1", "52r2-3.6-1"),
			Mend: "nginx: ssl_early_data off; · HAProxy: leave allow-0rtt out"},
		{ID: "compression-off", Severity: results.High, Check: "protocol-no", Values: []string{"compression"}, When: "old-version", Citation: cite("3.7", "52r2-3.7-1"),
			Mend: "Apache: SSLCompression off; nginx and HAProxy have it off"},
	}
}

func fromTLS10() []results.Version {
	return []results.Version{results.TLSv10, results.TLSv11, results.TLSv12}
}

// nistSuites are all that the document names.
func (lib *Library) nistSuites() []string {
	return mapped(lib.nist.Suites, func(s nistSuite) string { return lib.suite(s.ID).short() })
}

// nistMend lists what is worth having of the suites: ephemeral, AEAD.
func (lib *Library) nistMend() string {
	var list []string
	for _, s := range lib.nist.Suites {
		if known := lib.suite(s.ID); known.Kx == "ECDHE" && known.Mode == "GCM" && known.Cipher == "AES" {
			list = append(list, known.short())
		}
	}
	joined := strings.Join(list, ":")
	return fmt.Sprintf("nginx: ssl_ciphers %s; · HAProxy: ssl-default-bind-ciphers %s · Apache: SSLCipherSuite %s · AWS: ELBSecurityPolicy-TLS13-1-2-Res-FIPS-PQ-2025-09", joined, joined, joined)
}
