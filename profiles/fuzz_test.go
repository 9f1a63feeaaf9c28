package profiles

import (
	"encoding/json"
	"testing"

	"shakedown/results"
)

// FuzzJudge: an endpoint's record may come from a file that anyone wrote. No
// record breaks a profile or a match, none makes a text without end, and what
// failed passes nothing.
func FuzzJudge(f *testing.F) {
	lib := Builtin()
	for _, name := range []string{"aws-elb/ELBSecurityPolicy-2016-08", "mozilla/old", "aws-cloudfront/SSLv3"} {
		line, err := results.Marshal(everyServer(f)[name])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(line))
	}
	f.Add(`{"status":"failed","versions":{"TLSv1.2":"unknown"},"undetermined":{"suites":{"TLSv1.2":["*"]}}}`)
	f.Add(`{"status":"partial","versions":{"TLSv1.2":"yes","x":"?"},"suites":{"TLSv1.2":[{"id":"0xC02F"},{"id":""}]},"chains":[{"auth":"RSA","certificates":[]},{"certificates":[{"der":"MAA=","key_type":"RSA"}]}]}`)
	var all []*Profile
	for _, s := range lib.standards() {
		all = append(all, s.make(lib))
	}
	for _, name := range []string{"aws-elb/ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", "mozilla/intermediate"} {
		p, err := lib.Find(name)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, p)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var e results.Endpoint
		if json.Unmarshal([]byte(text), &e) != nil {
			return
		}
		for _, p := range all {
			for _, finding := range append(Judge(&e, p, at), JudgeTogether([]*results.Endpoint{&e, &e}, p, at)...) {
				if finding.Status == "" || finding.Observed == "" || len(finding.Observed) > 1<<16 {
					t.Errorf("%s %s: %q, %d bytes", p.Name, finding.Rule, finding.Status, len(finding.Observed))
				}
				if e.Status == results.Failed && len(e.Versions) == 0 && len(e.Chains) == 0 && finding.Status == results.FindingPass {
					t.Errorf("%s %s passes an endpoint that failed: %s", p.Name, finding.Rule, finding.Observed)
				}
			}
		}
		lib.Match(&e)
		lib.Apply(&lib.Policies[0], &e)
	})
}
