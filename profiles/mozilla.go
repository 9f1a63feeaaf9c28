// Mozilla's server side TLS recommendations.

package profiles

import (
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

type mozillaFile struct {
	Sources  []source
	Latest   string
	Versions []struct {
		Version, Date, Href string
		Profiles            []mozillaData
	}
}

// mozillaData is one configuration. A limit of 0 is none.
type mozillaData struct {
	Name         string
	Protocols    []results.Version
	TLS13        []cipherData `json:"tls13_ciphers"`
	Ciphers      []cipherData
	Groups       []results.Named
	ServerOrder  bool     `json:"server_preferred_order"`
	KeyTypes     []string `json:"certificate_types"`
	Curves       []string `json:"certificate_curves"`
	Signatures   []string `json:"certificate_signatures"`
	RSABits      int      `json:"rsa_key_size"`
	DHBits       int      `json:"dh_param_size"`
	HSTS         int      `json:"hsts_min_age"`
	OCSPStaple   bool     `json:"ocsp_staple"`
	Lifespan     int      `json:"maximum_certificate_lifespan"`
	Oldest       []string `json:"oldest_clients"`
	Verification string
	Sources      []string
	guideline    string
}

// addMozilla adds every version's configurations: mozilla-5.7/old and so on,
// and mozilla/old for the newest version that has one.
func (lib *Library) addMozilla() {
	for _, v := range lib.mozilla.Versions { // newest first
		for _, d := range v.Profiles {
			d.guideline = fmt.Sprintf("Mozilla server side TLS %s (%s), %s configuration", v.Version, v.Date, d.Name)
			p := Policy{
				Family: "mozilla", Versions: d.Protocols, Suites: append(ids(d.TLS13), ids(d.Ciphers)...), Verification: d.Verification,
				Sources: append(titled(lib.mozilla.Sources, d.Sources), v.Href), mozilla: &d,
			}
			for _, g := range d.Groups {
				if known, _ := lib.group(g.Name); known.PostQuantum {
					p.PQGroups, p.PostQuantum = append(p.PQGroups, g), true
				} else {
					p.Groups = append(p.Groups, g)
				}
			}
			if len(d.Oldest) > 0 {
				p.Notes = []string{"oldest clients: " + strings.Join(d.Oldest, ", ")}
			}
			for _, name := range []string{"mozilla/" + d.Name, "mozilla-" + v.Version + "/" + d.Name} {
				if lib.policy(name) == nil {
					p.Name = name
					lib.Policies = append(lib.Policies, p)
				}
			}
		}
	}
}

func (lib *Library) mozillaProfile(p *Policy) *Profile {
	d, m := p.mozilla, lib.mends(p)
	cite := d.guideline
	rules := versionRules(p, cite, m)
	rules = append(rules,
		Rule{ID: "suites", Severity: results.High, Check: "suites-only", Values: lib.shortNames(p.Suites), Citation: cite, Mend: m.suites},
		Rule{ID: "suites-offered", Severity: results.Low, Advice: true, Check: "suites-all", Values: lib.shortNames(p.Suites), Citation: cite, Mend: m.suites,
			Why: "a stricter server is safe; it turns away clients that Mozilla's list keeps"},
		Rule{ID: "groups", Severity: results.Medium, Check: "groups-only", Values: groupNames(append(slices.Clone(p.PQGroups), p.Groups...)), Citation: cite, Mend: m.groups},
	)
	for _, g := range p.PQGroups {
		rules = append(rules, Rule{ID: "group-" + strings.ToLower(g.Name), Severity: results.Low, Advice: true, Check: "groups-any", Values: []string{g.Name}, When: "tls1.3", Versions: tls13(), Citation: cite, Mend: m.groups})
	}
	rules = append(rules, mozillaOrder(d, cite), Rule{ID: "key-type", Severity: results.Medium, Check: "key-types", Values: d.KeyTypes, Citation: cite})
	rules = append(rules, mozillaCertificates(d, cite)...)
	return (&Profile{
		Name: p.Name, Title: cite, Verification: p.Verification, Sources: p.Sources, Notes: p.Notes, Rules: rules, lib: lib,
		About: "What Mozilla recommends for a public web server: versions, suites, groups, certificates, HSTS.",
	}).worded()
}

func mozillaOrder(d *mozillaData, cite string) Rule {
	want, mend := "client", "nginx: ssl_prefer_server_ciphers off; · HAProxy: ssl-default-bind-options prefer-client-ciphers · Apache: SSLHonorCipherOrder off"
	if d.ServerOrder {
		want, mend = "server", "nginx: ssl_prefer_server_ciphers on; · HAProxy: leave prefer-client-ciphers out · Apache: SSLHonorCipherOrder on"
	}
	return Rule{ID: "order", Severity: results.Low, Advice: true, Check: "preference", Values: []string{want}, Versions: []results.Version{results.TLSv10, results.TLSv11, results.TLSv12}, Citation: cite, Mend: mend}
}

// mozillaCertificates are the limits that a configuration has.
func mozillaCertificates(d *mozillaData, cite string) []Rule {
	rules := []Rule{
		{ID: "ec-curves", Severity: results.Medium, Check: "ec-curves", Values: d.Curves, Citation: cite},
		{ID: "certificate-signature", Severity: results.Medium, Check: "certificate-signatures", Values: mapped(d.Signatures, recordSignature), Citation: cite},
		{ID: "lifespan", Severity: results.Medium, Check: "lifespan", Limit: d.Lifespan, Citation: cite, Mend: "order certificates for a shorter time, and renew them by a program (ACME, ACM)"},
	}
	if d.RSABits > 0 {
		rules = append(rules, Rule{ID: "rsa-bits", Severity: results.Medium, Check: "rsa-bits", Limit: d.RSABits, Citation: cite, Mend: "order a certificate for a longer RSA key, or an ECDSA key"})
	}
	if d.DHBits > 0 {
		rules = append(rules, dhRule(d.DHBits, cite))
	}
	rules = append(rules, Rule{ID: "hsts", Severity: results.Medium, Check: "hsts", Limit: d.HSTS, Citation: cite,
		Mend: fmt.Sprintf(`nginx: add_header Strict-Transport-Security "max-age=%d" always; · HAProxy: http-response set-header Strict-Transport-Security max-age=%d · Apache: Header always set Strict-Transport-Security "max-age=%d"`, d.HSTS, d.HSTS, d.HSTS)})
	if d.OCSPStaple {
		rules = append(rules, Rule{ID: "ocsp-staple", Severity: results.Low, Advice: true, Check: "protocol-yes", Values: []string{"ocsp_staple"}, Citation: cite, Mend: mendStaple})
	}
	return rules
}

func dhRule(bits int, cite string) Rule {
	return Rule{ID: "dh-bits", Severity: results.Medium, Check: "dh-bits", Limit: bits, Citation: cite,
		Mend: "nginx: ssl_dhparam FILE; · HAProxy: ssl-dh-param-file FILE · Apache: append the parameters to SSLCertificateFile (ffdhe2048 of RFC 7919, or longer); better: no DHE suites"}
}

const mendStaple = "nginx: ssl_stapling on; · HAProxy: ocsp-update on in the crt-list · Apache: SSLUseStapling on; a certificate without an OCSP address cannot have one"

// recordSignature is a record's name of an algorithm that Mozilla names as
// OpenSSL does.
func recordSignature(name string) string {
	return map[string]string{
		"ecdsa-with-SHA256": "ECDSA-SHA256", "ecdsa-with-SHA384": "ECDSA-SHA384", "ecdsa-with-SHA512": "ECDSA-SHA512",
		"sha256WithRSAEncryption": "SHA256-RSA", "sha384WithRSAEncryption": "SHA384-RSA", "sha512WithRSAEncryption": "SHA512-RSA",
	}[name]
}
