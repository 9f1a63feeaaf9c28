package report

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shakedown/results"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with testdata/name, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: make it with go test ./results/report -update", err)
	}
	if got != string(want) {
		t.Errorf("%s differs from what is rendered now; look at it after go test ./results/report -update\n%s", file, firstDifference(got, string(want)))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %q\nwant %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

func TestTextGolden(t *testing.T) {
	for _, width := range []int{80, 120} {
		golden(t, fmt.Sprintf("scan-%d.txt", width), rendered(t, "text", Options{Width: width}, scanRun()))
		golden(t, fmt.Sprintf("bench-%d.txt", width), rendered(t, "text", Options{Width: width}, benchRun()))
	}
	golden(t, "both-verbose-100.txt", rendered(t, "text", Options{Verbose: true}, scanRun(), benchRun()))
	golden(t, "fleet-100.txt", rendered(t, "text", Options{}, fleetRun(50)))
	golden(t, "one-80.txt", rendered(t, "text", Options{Width: 80}, fleetRun(1)))
}

// TestTargetsAreNamedOnce: a TARGET is its own path's name, its service's and often
// its address too, and no room is spent on saying so.
func TestTargetsAreNamedOnce(t *testing.T) {
	target := func(host, port string) *results.Endpoint {
		return &results.Endpoint{Service: host, Path: host + ":" + port, Target: host + ":" + port, Address: "127.0.0.1:" + port, Status: results.Failed,
			Failures: []results.Failure{{Stage: results.StageConnect, Kind: results.KindRefused, Count: 4}}}
	}
	run := closed(Run{Header: results.Header{Schema: results.Schema, StartedAt: runTime, Command: "scan"}, Records: []results.Record{
		target("127.0.0.1", "18080"), target("127.0.0.1", "1"), target("portal.example", "443"), target("portal.example", "8443"),
	}}, 3)
	got := rendered(t, "text", Options{}, run)
	for _, want := range []string{"✗ 127.0.0.1:1, 127.0.0.1:18080\n", "   PATH             STATUS ", "✗ portal.example:443, portal.example:8443\n", "   PATH                 ADDRESS "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "127.0.0.1 127.0.0.1:") || strings.Contains(got, "portal.example portal.example") {
		t.Errorf("a service is named twice in\n%s", got)
	}
}

// TestUnknownIsSaidOnce: formats that say so themselves do not say it again.
func TestUnknownIsSaidOnce(t *testing.T) {
	run := closed(Run{Header: results.Header{Schema: results.Schema, StartedAt: runTime, Command: "gate"}, Records: []results.Record{
		&results.Finding{Service: "portal", Path: "i-2", Profile: "inventory", Rule: answersRule, Status: results.FindingUnknown, Severity: results.High,
			Observed: "unknown: TLSv1.1 (2 × alert internal_error (hello))"},
	}}, 3)
	for format, want := range map[string]string{"github": "::unknown: TLSv1.1 (2", "markdown": "| TLSv1.1 \\(2", "junit": `message="TLSv1.1 (2`} {
		if got := rendered(t, format, Options{}, run); !strings.Contains(got, want) {
			t.Errorf("%s: no %q in\n%s", format, want, got)
		}
	}
}

// TestChainsOfOthers: what an address shows to who asks for no name, or for another,
// is told, and is no fault of the path.
func TestChainsOfOthers(t *testing.T) {
	own := chain("portal.example", cert("CN=portal", "CN=issuer", 2048, "RSA", -60, 200))
	run := Run{Header: results.Header{Schema: results.Schema, StartedAt: runTime, Command: "scan"}}
	e := &results.Endpoint{Service: "portal", Path: "alb", ServerName: "portal.example", Status: results.Complete, StartedAt: runTime, Chains: []results.Chain{own}}
	for i, name := range []string{"", results.Nobody} {
		other := chain(name, cert("CN=other", "CN=issuer", 2048, "RSA", -60, 5+i))
		other.HostnameMatch, other.Problems = results.No, []results.Problem{results.NameMismatch}
		e.Chains = append(e.Chains, other)
	}
	run.Records = []results.Record{e}
	got := rendered(t, "text", Options{}, closed(run, 0))
	for want, there := range map[string]bool{
		"✗": false, "!": false, "RSA without SNI: name mismatch, 5 days left": true, "RSA for nobody.invalid: name mismatch, 6 days left": true, "trusted, 200 days": true,
	} {
		if strings.Contains(got, want) != there {
			t.Errorf("%q: want %t in\n%s", want, there, got)
		}
	}
}

// TestOneAspect: what alone was asked for is told, though it has no column; what is
// unknown as a whole is not told as none.
func TestOneAspect(t *testing.T) {
	for want, change := range map[string]func(*results.Endpoint){
		"yes: extended master secret, OCSP staple": func(e *results.Endpoint) {
			e.Protocol.ExtendedMasterSecret, e.Protocol.OCSPStaple = results.Yes, results.Yes
		},
		"signature schemes of TLSv1.2: ed25519": func(e *results.Endpoint) {
			e.SignatureSchemes = map[results.Version][]results.Named{results.TLSv12: {{ID: "0x0807", Name: "ed25519"}}}
		},
		"i-1: 8 answers to the same question, all alike": func(e *results.Endpoint) { e.PathFacts = results.PathFacts{Repeats: 8, Steadiness: results.Steady} },
		"TLSv1.2, suites unknown groups of TLSv1.2: unknown": func(e *results.Endpoint) {
			all := map[results.Version][]string{results.TLSv12: {"*"}}
			e.Suites, e.Groups = map[results.Version][]results.Suite{results.TLSv12: {}}, map[results.Version][]results.Named{results.TLSv12: {}}
			e.Undetermined.Suites, e.Undetermined.Groups = all, all
		},
		"alert unrecognized_name (hello): give a name by --sni": func(e *results.Endpoint) {
			e.Status = results.Partial
			e.Failures = []results.Failure{{Stage: results.StageHello, Kind: results.KindAlert, Alert: "unrecognized_name", Count: 2, Detail: "give a name by --sni"}}
		},
	} {
		e := &results.Endpoint{Service: "portal", Path: "i-1", Status: results.Complete, StartedAt: runTime, Versions: map[results.Version]results.Answer{results.TLSv12: results.Yes}}
		change(e)
		run := Run{Header: results.Header{Schema: results.Schema, StartedAt: runTime, Command: "scan"}, Records: []results.Record{e}}
		got := strings.Join(strings.Fields(rendered(t, "text", Options{}, closed(run, 0))), " ")
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestMustStaple: a certificate that asks for a staple and is sent without one is
// trouble for the clients that heed it; in a file it is no more than told.
func TestMustStaple(t *testing.T) {
	c := chain("portal.example", cert("CN=portal", "CN=issuer", 2048, "RSA", -60, 200))
	c.Certificates[0].MustStaple = true
	run := Run{Header: results.Header{Schema: results.Schema, StartedAt: runTime, Command: "scan"}}
	for staple, there := range map[results.Answer]bool{results.No: true, results.Yes: false, "": false} {
		c.OCSPStaple = staple
		run.Records = []results.Record{&results.Endpoint{Service: "portal", Path: "alb", ServerName: "portal.example", Status: results.Complete, StartedAt: runTime, Chains: []results.Chain{c}}}
		got := rendered(t, "text", Options{}, closed(run, 0))
		if strings.Contains(got, "! alb  certificate: must be stapled, and is not\n") != there || !strings.Contains(got, ", must be stapled\n") {
			t.Errorf("staple %q:\n%s", staple, got)
		}
	}
}

// TestAddresses: the addresses of one name are held beside each other, and it is told
// which goes on with sessions of which.
func TestAddresses(t *testing.T) {
	run := Run{Header: results.Header{Schema: results.Schema, StartedAt: runTime, Command: "scan"}}
	for i, from := range []map[string]results.Answer{
		{"192.0.2.2:443": results.Yes, "192.0.2.3:443": results.No},
		{"192.0.2.1:443": results.Yes, "192.0.2.3:443": results.Unknown},
		{"192.0.2.1:443": results.No, "192.0.2.2:443": results.No},
	} {
		e := instance("portal:443", "", fmt.Sprintf("192.0.2.%d:443", i+1))
		e.PathFacts.TicketsFrom = from
		if i == 2 {
			e.Versions[results.TLSv10] = results.Yes
		}
		if i == 1 {
			e.Status = results.Partial
		}
		run.Records = append(run.Records, e)
	}
	got := strings.Join(strings.Fields(rendered(t, "text", Options{}, closed(run, 3))), " ")
	for _, want := range []string{
		"! portal:443 192.0.2.3:443 drifted from portal:443 192.0.2.1:443 and portal:443 192.0.2.2:443: adds TLSv1.0",
		"! portal:443 192.0.2.2:443 unknown: whether sessions of 192.0.2.3:443 go on here",
		"portal:443 192.0.2.1:443 goes on with those of 192.0.2.2:443; not with those of 192.0.2.3:443",
		"portal:443 192.0.2.2:443 goes on with those of 192.0.2.1:443; unknown: those of 192.0.2.3:443",
		"portal:443 192.0.2.3:443 not with those of 192.0.2.1:443, 192.0.2.2:443",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestChainsWithoutName: a file is for no name unless one is asked, an endpoint was
// asked without SNI.
func TestChainsWithoutName(t *testing.T) {
	c := chain("", cert("CN=portal", "CN=portal", 2048, "RSA", -60, 200))
	e := &results.Endpoint{Service: "portal", Path: "i-1", Status: results.Complete, StartedAt: runTime, Chains: []results.Chain{c}}
	run := closed(Run{Header: results.Header{Schema: results.Schema, StartedAt: runTime, Command: "scan"}, Records: []results.Record{
		e, &results.ChainFile{File: "portal.pem", At: runTime, Chain: c},
	}}, 0)
	got := rendered(t, "text", Options{}, run)
	for _, want := range []string{"    RSA without SNI: ", "    RSA: "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
