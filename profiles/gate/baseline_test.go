package gate

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"shakedown/results"
)

func endpoint(path string, change func(*results.Endpoint)) *results.Endpoint {
	e := &results.Endpoint{
		Service: "portal", Path: path, Kind: results.Instance, Target: path + ":443", Address: path + ":443", Status: results.Complete,
		StartedAt: time.Unix(0, 0).UTC(), Connections: 31, ElapsedMS: 84.2,
		Versions: map[results.Version]results.Answer{results.TLSv11: results.No, results.TLSv12: results.Yes},
		Suites: map[results.Version][]results.Suite{results.TLSv12: {
			{ID: "0xC030", Name: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}, {ID: "0xC02F", Name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
		}},
		Preference: map[results.Version]results.Preference{results.TLSv12: results.PreferenceServer},
		Groups:     map[results.Version][]results.Named{results.TLSv12: {{ID: "0x001D", Name: "X25519"}}},
		Protocol:   results.Protocol{ALPN: []string{"h2"}, SecureRenegotiation: results.Yes},
		Chains: []results.Chain{{Trusted: results.Yes, SelfSigned: "no", Problems: []results.Problem{}, Certificates: []results.Cert{{
			SHA256: "00ff", Subject: "CN=portal.example", Issuer: "CN=R10", KeyType: "RSA", KeyBits: 2048, NotAfter: time.Unix(0, 0).UTC(), DER: []byte{1},
		}}}},
	}
	if change != nil {
		change(e)
	}
	return e
}

func told(fs []results.Finding) string {
	var all []string
	for _, f := range fs {
		all = append(all, fmt.Sprintf("%s %s %s: %s", f.Rule, f.Status, f.Severity, f.Observed))
	}
	return strings.Join(all, "\n")
}

func TestCompared(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*results.Endpoint)
		want   string
	}{
		"same":    {nil, ""},
		"address": {func(e *results.Endpoint) { e.Address = "elsewhere:443" }, ""},
		"renewed": {func(e *results.Endpoint) {
			e.Chains[0].Certificates[0].SHA256 = "ff"
			e.Chains[0].Certificates[0].NotAfter = time.Unix(9e9, 0)
		}, ""},
		"old version": {func(e *results.Endpoint) { e.Versions[results.TLSv11] = results.Yes }, "versions.TLSv1.1 fail high: TLSv1.1 is now yes"},
		"no version":  {func(e *results.Endpoint) { e.Versions[results.TLSv12] = results.No }, "versions.TLSv1.2 fail high: TLSv1.2 is now no"},
		"unknown":     {func(e *results.Endpoint) { e.Versions[results.TLSv11] = results.Unknown }, "versions.TLSv1.1 unknown medium: TLSv1.1 is not known now"},
		"suite dropped": {func(e *results.Endpoint) { e.Suites[results.TLSv12] = e.Suites[results.TLSv12][:1] },
			"suites.TLSv1.2.0xC02F fail medium: suites of TLSv1.2: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is now no"},
		"suite added": {func(e *results.Endpoint) {
			e.Suites[results.TLSv12] = append(e.Suites[results.TLSv12], results.Suite{ID: "0x0005", Name: "TLS_RSA_WITH_RC4_128_SHA"})
		}, "suites.TLSv1.2.0x0005 fail high: suites of TLSv1.2: TLS_RSA_WITH_RC4_128_SHA is now yes"},
		"order": {func(e *results.Endpoint) { slices.Reverse(e.Suites[results.TLSv12]) },
			"suite_order.TLSv1.2 fail medium: order of shared suites of TLSv1.2 is now 0xC02F 0xC030"},
		"problem": {func(e *results.Endpoint) { e.Chains[0].Problems = []results.Problem{results.Expired} }, "certificate.problems fail high: certificate: problems is now expired"},
		"issuer":  {func(e *results.Endpoint) { e.Chains[0].Certificates[0].Issuer = "CN=R11" }, "certificate.issuer fail low: certificate: issuer is now CN=R11"},
		"protocol": {func(e *results.Endpoint) {
			e.Protocol.SecureRenegotiation, e.Protocol.ALPN = results.No, []string{}
		}, "protocol.alpn fail medium: ALPN is now none\nprotocol.secure_renegotiation fail high: secure renegotiation is now no"},
		"not asked": {func(e *results.Endpoint) { e.Suites, e.Chains = nil, nil },
			"suites unknown medium: not asked in this run: scan all aspects\ncertificate unknown medium: not asked in this run: scan all aspects"},
		"failed": {func(e *results.Endpoint) { e.Status = results.Failed }, "path unknown high: nothing is known of it now"},
	} {
		got := told(Compared([]*results.Endpoint{endpoint("a", nil)}, []*results.Endpoint{endpoint("a", c.change)}, func(string) bool { return true }))
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// What the baseline did not know is passed over; paths come and go.
func TestComparedPaths(t *testing.T) {
	unsure := endpoint("a", func(e *results.Endpoint) { e.Versions[results.TLSv11] = results.Unknown })
	if got := told(Compared([]*results.Endpoint{unsure}, []*results.Endpoint{endpoint("a", nil)}, nil)); got != "" {
		t.Error(got)
	}
	was, now := []*results.Endpoint{endpoint("a", nil), endpoint("left-out", nil)}, []*results.Endpoint{endpoint("b", nil)}
	got := told(Compared(was, now, func(path string) bool { return path == "portal/a" }))
	if got != "path fail medium: the path is new\npath fail medium: the path is gone" {
		t.Error(got)
	}
	// Several addresses: each beside the one that it is most like.
	two := []*results.Endpoint{endpoint("a", func(e *results.Endpoint) { e.Versions[results.TLSv11] = results.Yes }), endpoint("a", nil)}
	if got := told(Compared(two, []*results.Endpoint{two[1], two[0]}, nil)); got != "" {
		t.Error(got)
	}
}

func written(t *testing.T, es ...*results.Endpoint) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteBaseline(&b, es); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What is read back is what was accepted, whatever changes from run to run.
func TestBaselineFile(t *testing.T) {
	a, b := endpoint("a", nil), endpoint("b", func(e *results.Endpoint) { e.Chains[0].Certificates[0].Subject = "<&\x1b]]>\u202e\U000e0001" })
	text := written(t, b, a, endpoint("a", func(e *results.Endpoint) { e.Address = "second:443" }))
	again := endpoint("a", func(e *results.Endpoint) {
		e.StartedAt, e.Connections, e.ElapsedMS, e.Address = time.Now(), 99, 1, "third:443"
		e.Chains[0].Certificates[0].SHA256, e.Chains[0].Certificates[0].Serial = "aa", "77"
		e.Failures = []results.Failure{{Stage: results.StageHello, Kind: results.KindReset, Count: 1}}
	})
	if other := written(t, again, b); other != text {
		t.Errorf("got\n%s\nwant\n%s", other, text)
	}
	if !IsBaseline([]byte(text)) || IsBaseline([]byte(`{"record":"header"`)) {
		t.Error("a baseline is not told from a run")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Error("what a server said could write to the terminal of a reviewer")
	}
	read, err := ReadBaseline(strings.NewReader(text), "base.json")
	if err != nil || len(read) != 2 {
		t.Fatalf("%d paths, %v", len(read), err)
	}
	if got := told(Compared(read, []*results.Endpoint{a, b}, func(string) bool { return true })); got != "" {
		t.Error(got)
	}
	if !strings.Contains(text, "\n      \"path\": \"a\",") || !strings.Contains(text, "\n          {\"id\":\"0xC030\",") {
		t.Error(text)
	}
}

// Suites stand in the server's order where it has one, else sorted.
func TestBaselineOrder(t *testing.T) {
	free := func(e *results.Endpoint) { e.Preference[results.TLSv12] = results.PreferenceClient }
	turned := func(e *results.Endpoint) { free(e); slices.Reverse(e.Suites[results.TLSv12]) }
	if written(t, endpoint("a", free)) != written(t, endpoint("a", turned)) {
		t.Error("an order that nobody chose is a difference")
	}
	if written(t, endpoint("a", nil)) == written(t, endpoint("a", func(e *results.Endpoint) { slices.Reverse(e.Suites[results.TLSv12]) })) {
		t.Error("the server's order is lost")
	}
}

func TestBaselineMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"{\n  \"schema\": \"shakedown-baseline/2\", \"paths\": []\n}": "base.json:1: schema \"shakedown-baseline/2\" is not known here",
		"{\n  \"paths\": [\n    {]\n":                                 "base.json:3: not an accepted baseline",
		"{\n  \"schema\": \"shakedown-baseline/1\", \"extra\": 1}":    "unknown field",
		"{\n\"schema\":\"shakedown-baseline/1\",\"paths\":[null]}":    "path 1 names no service",
		"{\n\"schema\":\"shakedown-baseline/1\",\n\"paths\":[7]}":     "base.json:3: not an accepted baseline",
	} {
		if _, err := ReadBaseline(strings.NewReader(text), "base.json"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if Unacceptable(nil) == "" || Unacceptable([]*results.Endpoint{{Service: "portal", Path: "a", Status: results.Failed}}) != "portal/a did not answer" {
		t.Error("nothing is accepted")
	}
}

func FuzzReadBaseline(f *testing.F) {
	var b bytes.Buffer
	if err := WriteBaseline(&b, []*results.Endpoint{endpoint("a", nil)}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	f.Fuzz(func(t *testing.T, text string) {
		es, err := ReadBaseline(strings.NewReader(text), "base.json")
		if err != nil {
			return
		}
		Compared(es, es, func(string) bool { return true })
		if err := WriteBaseline(&bytes.Buffer{}, es); err != nil {
			t.Error(err)
		}
	})
}
