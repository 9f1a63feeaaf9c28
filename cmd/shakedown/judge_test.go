package main

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"shakedown/bench/lab/stacks"
	"shakedown/profiles"
	"shakedown/results"
	"shakedown/scanner"
)

// TestProfilesAskWhatTheyNeed scans a real server by each kind of profile with
// no more than the profile asks for. Every rule can be judged then, and what the
// rules do not rest on was not asked.
func TestProfilesAskWhatTheyNeed(t *testing.T) {
	lib := profiles.Builtin()
	m, err := stacks.NewMaterial(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	policy, err := lib.Policy("aws-elb/ELBSecurityPolicy-2016-08") // old versions, CBC and static RSA: most rules apply
	if err != nil {
		t.Fatal(err)
	}
	address := nginxOf(t, lib, policy, m)
	for _, name := range []string{
		"nist-800-52r2", "pci-dss-4", "fips-140-3", "hipaa", "target-group", "known-weaknesses", "mozilla/old", "mozilla/modern",
		"aws-elb/ELBSecurityPolicy-2016-08", "aws-clb/ELBSecurityPolicy-2015-05", "aws-cloudfront/TLSv1.2_2021", "aws-apigateway/TLS_1_2",
	} {
		t.Run(name, func(t *testing.T) {
			p, err := lib.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			e, findings := judgedScan(t, "--profile", name, "--all", "--sni", stacks.Host, "--roots", m.File("roots.pem"), address)
			if len(findings) != len(p.Rules) {
				t.Errorf("%d findings for %d rules", len(findings), len(p.Rules))
			}
			for _, f := range findings {
				if f.Status == results.FindingUnknown {
					t.Errorf("%s: %s", f.Rule, f.Observed)
				}
			}
			for aspect, asked := range map[string]bool{
				"preference": e.Preference != nil, "signatures": e.SignatureSchemes != nil, "protocol": e.Protocol.Compression != "", "groups": e.Groups != nil, "path": e.PathFacts.Repeats > 0,
			} {
				if needed := slices.Contains(p.Aspects(), aspect); asked != needed {
					t.Errorf("aspect %s: asked %v, needed %v", aspect, asked, needed)
				}
			}
		})
	}
	// The server is this policy's own, and follows it.
	_, findings := judgedScan(t, "--profile", "aws-elb/ELBSecurityPolicy-2016-08", "--sni", stacks.Host, "--roots", m.File("roots.pem"), address)
	if len(findings) > 0 {
		t.Errorf("the policy's own server: %+v", findings)
	}
}

// judgedScan scans one endpoint and returns its record and findings.
func judgedScan(t *testing.T, args ...string) (*results.Endpoint, []*results.Finding) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), append([]string{"scan", "--quiet", "--format", "json"}, args...), strings.NewReader(""), &stdout, &stderr)
	d, err := results.NewDecoder(&stdout)
	if err != nil {
		t.Fatalf("exit %d: %v %s", code, err, stderr.String())
	}
	var e *results.Endpoint
	var findings []*results.Finding
	verdict := verdictTally{}
	for {
		rec, err := d.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch rec := rec.(type) {
		case *results.Endpoint:
			e = rec
		case *results.Finding:
			findings = append(findings, rec)
			verdict.add(*rec)
		}
	}
	want := exitGood
	switch {
	case verdict.failed > 0:
		want = exitBad
	case verdict.unknown > 0:
		want = exitUndetermined
	}
	if code != want || d.Trailer().ExitCode != want {
		t.Errorf("exit code %d, trailer %d, want %d", code, d.Trailer().ExitCode, want)
	}
	return e, findings
}

// TestAspectsOfProfilesExist: what profiles ask for by name is what a scan has.
func TestAspectsOfProfilesExist(t *testing.T) {
	lib := profiles.Builtin()
	need := profiles.MatchAspects()
	for _, name := range lib.Names() {
		p, err := lib.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		need = append(need, p.Aspects()...)
	}
	for _, a := range need {
		if !slices.Contains(scanner.Aspects(), scanner.Aspect(a)) {
			t.Errorf("no aspect %q", a)
		}
	}
}
