// known-weaknesses: attacks that have names, each inferred from facts that a
// hello shows. Nothing is exploited.

package profiles

import "shakedown/results"

func (lib *Library) weaknessProfile() *Profile {
	modern := mendVersions([]results.Version{results.TLSv12, results.TLSv13}) + " · AWS: ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
	suites := lib.nistMend()
	old := []results.Version{results.SSLv3, results.TLSv10}
	p := &Profile{
		Name: "known-weaknesses", Title: "Known weaknesses of TLS configurations", Verification: "our own, argued", lib: lib,
		About: "Attacks with names, inferred from what a server accepts. A finding says that the attack's precondition is there, not that it was tried.",
		Rules: []Rule{
			{ID: "drown", Severity: results.High, Check: "versions-off", Values: []string{"SSLv2"}, Citation: "RFC 6176; CVE-2016-0800 (DROWN)", Mend: modern, Why: "SSLv2 answers decrypt RSA key exchanges of any version that uses the same key"},
			{ID: "drown-shared-key", Severity: results.High, Check: "key-not-on-sslv2", Citation: "CVE-2016-0800 (DROWN)", Mend: "switch SSLv2 off there, and replace the key", Why: "an SSLv2 server elsewhere with the same key is enough"},
			{ID: "poodle", Severity: results.High, Check: "suites-none", Values: []string{"cbc"}, Versions: []results.Version{results.SSLv3}, Citation: "RFC 7568 §4; CVE-2014-3566 (POODLE)", Mend: modern, Why: "SSLv3's CBC padding is not covered by its MAC"},
			{ID: "ssl3-off", Severity: results.High, Check: "versions-off", Values: []string{"SSLv3"}, Citation: "RFC 7568", Mend: modern},
			{ID: "freak", Severity: results.High, Check: "suites-none", Values: []string{"export-rsa"}, Citation: "RFC 9325 §4.1; CVE-2015-0204 (FREAK)", Mend: suites, Why: "512-bit RSA of export suites is factored in hours"},
			{ID: "logjam-export", Severity: results.High, Check: "suites-none", Values: []string{"export-dhe"}, Citation: "CVE-2015-4000 (Logjam)", Mend: suites},
			{ID: "logjam-dh", Severity: results.High, Check: "dh-bits", Limit: 1024 + 1, Expected: "DHE with more than 1024 bits", Citation: "RFC 9325 §4.5; CVE-2015-4000 (Logjam)", Mend: dhRule(2048, "").Mend, Why: "a common 1024-bit prime is within reach of a state; 2048 bits are asked for by RFC 9325"},
			{ID: "export-off", Severity: results.High, Check: "suites-none", Values: []string{"export", "low"}, Citation: "RFC 9325 §4.1", Mend: suites},
			{ID: "anonymous-off", Severity: results.High, Check: "suites-none", Values: []string{"anon"}, Citation: "RFC 9325 §4.1", Mend: suites, Why: "without authentication anyone can stand in between"},
			{ID: "null-off", Severity: results.High, Check: "suites-none", Values: []string{"null"}, Citation: "RFC 9325 §4.1", Mend: suites, Why: "nothing is encrypted"},
			{ID: "rc4", Severity: results.High, Check: "suites-none", Values: []string{"rc4"}, Citation: "RFC 7465; CVE-2015-2808", Mend: suites},
			{ID: "sweet32", Severity: results.Medium, Check: "suites-none", Values: []string{"64bit-block"}, Citation: "CVE-2016-2183 (SWEET32); RFC 9325 §4.1", Mend: suites, Why: "64-bit blocks repeat after some 32 GB under one key"},
			{ID: "beast", Severity: results.Low, Advice: true, Check: "suites-none", Values: []string{"cbc"}, Versions: old, Citation: "CVE-2011-3389 (BEAST); RFC 8996", Mend: modern, Why: "the CBC of TLS 1.0 and SSLv3 takes its IV from the record before; clients split records against it since 2012"},
			{ID: "early-tls-off", Severity: results.Medium, Check: "versions-off", Values: []string{"TLSv1.0", "TLSv1.1"}, Citation: "RFC 8996", Mend: modern, Why: "their handshakes rest on SHA-1 and MD5 (SLOTH, CVE-2015-7575)"},
			{ID: "crime", Severity: results.High, Check: "protocol-no", Values: []string{"compression"}, When: "old-version", Citation: "CVE-2012-4929 (CRIME); RFC 9325 §3.3", Mend: "Apache: SSLCompression off; nginx and HAProxy have it off"},
			{ID: "insecure-renegotiation", Severity: results.High, Check: "protocol-yes", Values: []string{"secure_renegotiation"}, When: "old-version", Citation: "RFC 5746; CVE-2009-3555", Mend: "update the TLS library, or switch renegotiation off"},
			{ID: "fallback-scsv", Severity: results.Medium, Check: "protocol-yes", Values: []string{"fallback_scsv"}, When: "fallback", Citation: "RFC 7507 §3", Mend: modern, Why: "a client that retries with an older version can be pushed down unnoticed"},
			{ID: "static-rsa", Severity: results.Low, Advice: true, Check: "suites-none", Values: []string{"static-rsa"}, Citation: "RFC 9325 §4.1; ROBOT (CVE-2017-13099 and others)", Mend: suites, Why: "no forward secrecy, and the ground on which padding oracles (Bleichenbacher, ROBOT) stand; whether there is an oracle is not tried"},
			{ID: "sha1-signatures", Severity: results.Low, Check: "signatures-none", Values: []string{"sha1", "md5"}, Citation: "RFC 9155", Mend: "nginx: ssl_conf_command SignatureAlgorithms ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256;", Advice: true},
			{ID: "certificate-signature", Severity: results.High, Check: "problems-none", Values: []string{"weak_signature"}, Citation: "RFC 9155; CA/Browser Forum BR §7.1.3.2", Mend: "order a certificate that is signed with SHA-256 or better"},
			{ID: "weak-key", Severity: results.High, Check: "problems-none", Values: []string{"weak_key"}, Citation: "RFC 9325 §4.5; CA/Browser Forum BR §6.1.5", Mend: "make a new key: RSA 2048 or P-256, and order a certificate for it"},
			{ID: "key-sound", Severity: results.High, Check: "rsa-sound", Citation: "CVE-2017-15361 (ROCA), CVE-2022-26320; CA/Browser Forum BR §6.1.1.3", Mend: "make a new key with another program, and order a certificate for it"},
			{ID: "key-shared", Severity: results.Low, Advice: true, Check: "key-not-shared", Citation: "CVE-2016-0800 (DROWN), ALPACA (USENIX Security 2021)", Mend: "one key for each service", Why: "what is learned of the key at the weakest holder holds for all"},
			{ID: "staple-kept", Severity: results.Medium, Check: "staple-kept", Citation: "RFC 7633 §4.2.3", Mend: mendStaple, Why: "clients that heed must-staple refuse such a certificate without a staple; for others it promises what is not kept"},
			{ID: "groups-strong", Severity: results.Medium, Check: "groups-none", Values: []string{"weak"}, Citation: "RFC 9325 §4.5, RFC 8422 §5.1.1", Mend: mendGroups([]string{"X25519", "secp256r1", "secp384r1"})},
		},
		Unseen: []Unseen{
			unseen("CVE-2014-0160 (Heartbleed), ROBOT, Lucky 13, CCS injection", "faults of an implementation", "seen only by attacking, which is not done here"),
			unseen("CVE-2008-0166", "keys of Debian's generator of 2008", "needs a list of all of them, which is not kept here"),
		},
	}
	return p.worded()
}
