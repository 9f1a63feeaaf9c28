// target-group: what an instance behind a load balancer owes.

package profiles

import (
	"fmt"
	"strings"

	"shakedown/results"
)

const (
	awsTargets = "AWS, Target groups for your Application Load Balancers: certificates of targets are not validated"
	unverified = "A load balancer of AWS does not validate a target's certificate. Self-signed or expired, it still gives encryption: who only listens between balancer and target learns nothing. " +
		"It gives no identity: who can answer at the target's address is taken for the target, whatever certificate is there. So the network between (security groups, subnets) is what vouches for targets. " +
		"A client that reaches an instance directly, or through a pass-through (NLB TCP), does validate, and is turned away."
)

// targetProfile judges an instance by what the balancer before it needs, and by
// what encryption without validation still rests on.
func (lib *Library) targetProfile() *Profile {
	p := &Profile{
		Name: "target-group", Title: "An instance behind a load balancer", Verification: "our own, argued", About: unverified, lib: lib,
		Sources: titled(lib.elb.Sources, []string{"docs-alb"}),
		Rules:   lib.backendRules(),
	}
	modern := mendVersions([]results.Version{results.TLSv12, results.TLSv13})
	p.Rules = append(p.Rules,
		Rule{ID: "ssl-off", Severity: results.High, Check: "versions-off", Values: []string{"SSLv2", "SSLv3"}, Citation: "RFC 6176, RFC 7568", Mend: modern},
		Rule{ID: "early-tls-off", Severity: results.Low, Advice: true, Check: "versions-off", Values: []string{"TLSv1.0", "TLSv1.1"}, Citation: "RFC 8996", Mend: modern,
			Why: "no load balancer of AWS needs them from its targets"},
		Rule{ID: "encrypted", Severity: results.High, Check: "suites-none", Values: []string{"null", "export", "low"}, Citation: "RFC 9325 §4.1", Mend: lib.nistMend(), Why: "encryption is all that is left where nothing is validated"},
		Rule{ID: "weak-suites-off", Severity: results.Medium, Check: "suites-none", Values: []string{"anon", "rc4", "64bit-block"}, Citation: "RFC 9325 §4.1, RFC 7465", Mend: lib.nistMend()},
		Rule{ID: "forward-secrecy", Severity: results.Medium, Check: "suites-any", Values: []string{"fs"}, Citation: "RFC 9325 §4.1", Mend: lib.nistMend(),
			Why: "a key that leaks from one instance must not open what was recorded before"},
		Rule{ID: "key-strength", Severity: results.Medium, Check: "problems-none", Values: []string{"weak_key", "malformed"}, Citation: "RFC 9325 §4.5", Mend: "make a new key: RSA 2048 or P-256; a self-signed certificate will do for the balancer"},
		Rule{ID: "key-sound", Severity: results.High, Check: "rsa-sound", Citation: "CVE-2017-15361, CVE-2022-26320", Mend: "make a new key with another program"},
		Rule{ID: "certificate-current", Severity: results.Medium, Check: "problems-none", Values: []string{"expired", "not_yet_valid"}, Citation: awsTargets, Mend: "renew it by a program, as instances are replaced",
			Why: "the load balancer goes on, but whoever validates (a pass-through's client, a monitor) does not, and nobody renewed what was meant to be renewed"},
		Rule{ID: "certificate-identity", Severity: results.Info, Advice: true, Check: "trusted", Citation: awsTargets, Mend: "to vouch for targets by certificate, terminate at the instance behind a pass-through (NLB TCP) with a trusted chain",
			Why: "a self-signed certificate protects against listening and not against an impostor; the balancer treats both alike"},
		Rule{ID: "no-client-certificate", Severity: results.Medium, Check: "protocol-no", Values: []string{"client_certificate_requested"}, Citation: "AWS: load balancers do not authenticate to targets with a certificate",
			Advice: true, Mend: "nginx: ssl_verify_client off; · HAProxy: leave verify required out · Apache: SSLVerifyClient none", Why: "where it is required, health checks fail"},
		Rule{ID: "secure-renegotiation", Severity: results.Medium, Check: "protocol-yes", Values: []string{"secure_renegotiation"}, When: "old-version", Citation: "RFC 5746 §3.6"},
	)
	p.Unseen = []Unseen{
		unseen(awsTargets, "only the load balancer reaches the instance", "a matter of security groups and subnets, not of TLS"),
		unseen("AWS ALB health checks", "the health check's path answers", "not a matter of TLS"),
	}
	return p.worded()
}

// backendRules want at least one suite in common with each policy that a
// balancer may speak to its targets with.
func (lib *Library) backendRules() []Rule {
	var rules []Rule
	for _, b := range lib.elb.Defaults.Backend {
		policy := lib.policy("aws-elb/" + b.Policy)
		if policy == nil {
			continue
		}
		id, severity, advice := "reachable-"+strings.ToLower(strings.Fields(b.Listener)[0]), results.High, false
		if b.Listener != "other" && !strings.HasPrefix(b.Listener, "TLS 1.3") {
			severity, advice = results.Low, true
		}
		switch {
		case strings.HasPrefix(b.Listener, "TLS 1.3"):
			id = "reachable-tls1.3"
		case strings.HasPrefix(b.Listener, "RFC 9151"):
			id = "reachable-rfc9151"
		}
		rules = append(rules, Rule{
			ID: id, Severity: severity, Advice: advice, Check: "suites-any", Values: lib.shortNames(policy.Suites), Versions: policy.Versions,
			Expected: "a suite in common with " + b.Policy + ", which a balancer whose listener has " + listenerWords(b.Listener) + " speaks to targets",
			Citation: "AWS, Security policies for your Application Load Balancer", Why: "without one the balancer cannot connect: health checks fail",
			Mend: fmt.Sprintf("offer one of its suites: %s", lib.nistMend()),
		})
	}
	return rules
}

func listenerWords(l string) string {
	if l == "other" {
		return "an older policy"
	}
	return "a policy of the kind " + strings.TrimSuffix(l, " policy")
}
