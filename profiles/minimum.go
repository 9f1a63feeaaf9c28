// minimum: what a path that clients reach owes them, whatever its policy.

package profiles

import "shakedown/results"

// minimumProfile is what a gate judges by where an inventory names no profile.
// It holds what no policy would allow to be otherwise, so that nobody has to
// argue with a default; a policy of one's own is for the inventory to name.
func (lib *Library) minimumProfile() *Profile {
	p := &Profile{
		Name: "minimum", Title: "What every path owes its clients", Verification: "our own, argued", lib: lib,
		About: "A client of today can connect and has reason to trust whom it reached. Name a policy in the inventory to ask for more.",
		Rules: []Rule{
			{ID: "current-version", Severity: results.High, Check: "versions-any", Values: []string{"TLSv1.2", "TLSv1.3"}, Citation: "RFC 9325 §3.1.1", Mend: mendVersions([]results.Version{results.TLSv12, results.TLSv13}),
				Why: "clients of today speak no other version"},
			{ID: "ssl-off", Severity: results.High, Check: "versions-off", Values: []string{"SSLv2", "SSLv3"}, Citation: "RFC 6176, RFC 7568", Mend: mendVersions([]results.Version{results.TLSv12, results.TLSv13})},
			{ID: "trusted", Severity: results.High, Check: "trusted", Citation: "RFC 5280 §6", Mend: "serve a current certificate with its whole chain; of a private authority, name its root under roots in the inventory",
				Why: "a client that validates turns away, one that does not can be deceived"},
			{ID: "hostname", Severity: results.High, Check: "hostname", Citation: "RFC 9525 §6", Mend: "order a certificate for the name, or set the path's server_name in the inventory"},
			{ID: "no-weak-suites", Severity: results.High, Check: "suites-none", Values: []string{"null", "export", "low", "anon"}, Citation: "RFC 9325 §4.1", Mend: lib.nistMend(),
				Why: "nothing is protected by them"},
		},
	}
	return p.worded()
}

// Default is the profile of a path that names none: of an instance behind a load
// balancer target-group, as that validates nothing; else minimum.
func (lib *Library) Default(behind bool) *Profile {
	if behind {
		return lib.targetProfile()
	}
	return lib.minimumProfile()
}
