package report

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"shakedown/results"
)

func TestNewRefusesUnknownFormat(t *testing.T) {
	_, err := New("pdf", nil, Options{})
	if err == nil || !strings.Contains(err.Error(), "text, json, html") {
		t.Errorf("New(pdf) = %v, want an error that names the formats", err)
	}
	for _, f := range Formats() {
		if sink, err := New(f, &writer{}, Options{}); err != nil || sink == nil {
			t.Errorf("New(%s) = %v, %v", f, sink, err)
		}
	}
}

func TestReplayJSONIsARun(t *testing.T) {
	got := rendered(t, "json", Options{}, scanRun(), benchRun())
	run, err := Read("merged", strings.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	if want := len(scanRun().Records) + len(benchRun().Records); len(run.Records) != want || run.Trailer == nil || run.Trailer.Records != want {
		t.Errorf("%d records, trailer %+v, want %d", len(run.Records), run.Trailer, want)
	}
	if run.Header.Command != "scan" {
		t.Errorf("header of %q, want the first run's", run.Header.Command)
	}
}

func TestClosing(t *testing.T) {
	run := func(complete bool, code int) Run {
		return Run{Header: results.Header{StartedAt: runTime}, Records: make([]results.Record, 2),
			Trailer: &results.Trailer{Records: 2, Complete: complete, ExitCode: code, EndedAt: runTime.Add(time.Duration(code) * time.Second)}}
	}
	partial := Run{Header: results.Header{StartedAt: runTime}, Records: []results.Record{&results.Endpoint{StartedAt: runTime.Add(time.Hour)}}}
	tests := []struct {
		name string
		runs []Run
		want results.Trailer
	}{
		{"one", []Run{run(true, 0)}, results.Trailer{Records: 2, Complete: true, EndedAt: runTime}},
		{"bad wins over undetermined", []Run{run(true, 3), run(true, 1)}, results.Trailer{Records: 4, Complete: true, ExitCode: 1, EndedAt: runTime.Add(3 * time.Second)}},
		{"interrupted wins", []Run{run(false, 130), run(true, 1)}, results.Trailer{Records: 4, ExitCode: 130, EndedAt: runTime.Add(130 * time.Second)}},
		{"partial", []Run{run(true, 0), partial}, results.Trailer{Records: 3, ExitCode: 3, EndedAt: runTime.Add(time.Hour)}},
	}
	for _, tt := range tests {
		if got := closing(tt.runs); *got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, *got, tt.want)
		}
	}
}

func TestRunsMustFitTheRecords(t *testing.T) {
	for _, given := range [][]Run{{scanRun(), scanRun()}, {{}}} {
		sink, err := New("text", &writer{}, Options{Runs: given})
		if err != nil {
			t.Fatal(err)
		}
		if err := Replay([]Run{scanRun()}, sink); err == nil {
			t.Errorf("%d runs given for another's records: no error", len(given))
		}
	}
}

// TestLiveRun renders as a verb does while it works: no runs are given, the
// stream's own header and trailer say all.
func TestLiveRun(t *testing.T) {
	var b writer
	sink, err := New("text", &b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	stream := results.NewStream(results.Header{Command: "scan", StartedAt: runTime}, sink)
	if err := stream.Put(refused()); err != nil {
		t.Fatal(err)
	}
	if len(b) > 0 {
		t.Errorf("rendered before the trailer: %s", b)
	}
	if err := stream.Finish(130, false, runTime); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"shakedown scan, 2026-03-14 09:30 UTC", "ended before all planned work was tried", "connection refused"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the report lacks %q:\n%s", want, b)
		}
	}
}

// siblings makes endpoints behind one load balancer, each changed by one of fs.
func siblings(fs ...func(*results.Endpoint)) []*endpoint {
	var out []*endpoint
	for i, f := range fs {
		e := instance("i-"+string(rune('1'+i)), results.Instance, "192.0.2.1:443")
		if f != nil {
			f(e)
		}
		out = append(out, &endpoint{Endpoint: e, label: e.Path})
	}
	return out
}

func TestDrifts(t *testing.T) {
	tls10 := func(e *results.Endpoint) { e.Versions[results.TLSv10] = results.Yes }
	unsure := func(e *results.Endpoint) {
		e.Versions[results.TLSv10] = results.Unknown
		e.Suites[results.TLSv12] = suites12(0, 1, 2)
		e.Undetermined.Suites = map[results.Version][]string{results.TLSv12: {"*"}}
	}
	reordered := func(e *results.Endpoint) { e.Suites[results.TLSv12] = suites12(3, 2, 1, 0) }
	chosen := func(e *results.Endpoint) {
		e.Suites[results.TLSv12] = suites12(3, 2, 1, 0)
		e.Preference[results.TLSv12] = results.PreferenceClient
	}
	fewer := func(e *results.Endpoint) {
		e.Suites[results.TLSv12] = suites12(0)
		e.Groups[results.TLSv13] = groups("X25519", "secp256r1", "X25519MLKEM768")
		e.Protocol.ALPN = []string{}
	}
	dead := func(e *results.Endpoint) { e.Versions, e.Status = nil, results.Failed }
	otherCert := func(e *results.Endpoint) { e.Chains = []results.Chain{selfSigned()} }
	tests := []struct {
		name string
		es   []*endpoint
		want []string
	}{
		{"alike", siblings(nil, nil, nil), nil},
		{"one drifted", siblings(nil, tls10, nil), []string{"i-2 drifted from i-1 and i-3: adds TLSv1.0"}},
		{"the first drifted", siblings(tls10, nil, nil), []string{"i-1 drifted from i-2 and i-3: adds TLSv1.0"}},
		{"two cannot tell", siblings(nil, tls10), []string{"i-2 is not set up like i-1: adds TLSv1.0"}},
		{"unknown is no difference", siblings(nil, unsure, nil), nil},
		{"another order", siblings(nil, nil, reordered), []string{"i-3 drifted from i-1 and i-2: shared suites of TLSv1.2 in another order"}},
		{"the client's order", siblings(nil, nil, chosen), []string{"i-3 drifted from i-1 and i-2: suites of TLSv1.2 in the client's order, not the server's"}},
		{"many", siblings(nil, fewer, nil), []string{"i-2 drifted from i-1 and i-3: adds X25519MLKEM768; lacks 3 suites of TLSv1.2; ALPN is none, not http/1.1"}},
		{"silent ones do not count", siblings(nil, dead, tls10), []string{"i-3 is not set up like i-1: adds TLSv1.0"}},
		{"a certificate is no drift", siblings(nil, otherCert, nil), nil},
		{"none", nil, nil},
	}
	for _, tt := range tests {
		var got []string
		for _, d := range drifts(tt.es) {
			got = append(got, d.who.label+" "+d.String())
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestVerdictWords(t *testing.T) {
	tests := []struct {
		name  string
		chain results.Chain
		level level
		want  string
	}{
		{"sound", chain("a", cert("CN=a", "CN=b", 2048, "RSA", -1, 90), issuing()), fine, "trusted, 90 days left"},
		{"soon", chain("a", cert("CN=a", "CN=b", 2048, "RSA", -1, 29)), warning, "trusted, 29 days left"},
		{"an issuer ends first", chain("a", cert("CN=a", "CN=b", 2048, "RSA", -1, 90), cert("CN=b", "CN=c", 2048, "RSA", -9, 10)), warning, "trusted, 10 days left (an issuer's)"},
		{"a root that was sent counts not", chain("a", cert("CN=a", "CN=b", 2048, "RSA", -1, 90), cert("CN=b", "CN=b", 2048, "RSA", -9, 10)), fine, "trusted, 90 days left"},
		{"expired", expired(), bad, "expired 11 days ago"},
		{"self-signed", selfSigned(), bad, "self-signed, name mismatch, 355 days left"},
		{"empty", results.Chain{Trusted: results.No}, warning, "no certificate sent"},
		{"unknown trust", func() results.Chain {
			c := chain("a", cert("CN=a", "CN=b", 2048, "RSA", -1, 90))
			c.Trusted = results.Unknown
			return c
		}(), warning, "trust unknown, 90 days left"},
		{"a needless root", func() results.Chain {
			c := chain("a", cert("CN=a", "CN=b", 2048, "RSA", -1, 90))
			c.Problems = []results.Problem{results.RootSent}
			return c
		}(), notable, "trusted, root sent needlessly, 90 days left"},
		{"a problem of a later version", func() results.Chain {
			c := chain("a", cert("CN=a", "CN=b", 2048, "RSA", -1, 90))
			c.Trusted, c.Problems = results.No, []results.Problem{"moon_phase"}
			return c
		}(), bad, "moon phase, 90 days left"},
	}
	for _, tt := range tests {
		if got := wordsOf(&tt.chain, runTime); got.String() != tt.want || got.level != tt.level {
			t.Errorf("%s: %v %q, want %v %q", tt.name, got.level, got, tt.level, tt.want)
		}
	}
}

func TestTraits(t *testing.T) {
	tests := []struct {
		name string
		want traits
	}{
		{"TLS_AES_128_GCM_SHA256", traits{ForwardSecret: true, AEAD: true}},
		{"TLS_AES_128_CCM_8_SHA256", traits{ForwardSecret: true, AEAD: true}},
		{"TLS_CHACHA20_POLY1305_SHA256", traits{ForwardSecret: true, AEAD: true}},
		{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", traits{ForwardSecret: true}},
		{"TLS_ECDHE_ECDSA_WITH_AES_128_CCM", traits{ForwardSecret: true, AEAD: true}},
		{"TLS_RSA_WITH_AES_128_GCM_SHA256", traits{AEAD: true}},
		{"TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", traits{ForwardSecret: true, Weak: true}},
		{"TLS_DH_anon_WITH_AES_128_CBC_SHA", traits{Weak: true}},
		{"TLS_RSA_WITH_NULL_SHA", traits{Weak: true}},
		{"TLS_RSA_EXPORT_WITH_RC4_40_MD5", traits{Weak: true}},
		{"TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA", traits{}},
		{"TLS_SHA256_SHA256", traits{ForwardSecret: true, Weak: true}},
	}
	for _, tt := range tests {
		if got := traitsOf(tt.name); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestNatural(t *testing.T) {
	names := []string{"i-10", "i-2", "alb", "i-02", "i", "i-2b", "b-1-10", "b-1-9"}
	slices.SortStableFunc(names, natural)
	if want := []string{"alb", "b-1-9", "b-1-10", "i", "i-2", "i-02", "i-2b", "i-10"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

// TestCurveIsTheRecords compares what is drawn from a histogram with the
// quantiles that stand in the same record.
func TestCurveIsTheRecords(t *testing.T) {
	for _, rec := range benchRun().Records {
		tr, ok := rec.(*results.Trial)
		if !ok {
			continue
		}
		d := tr.Phases.Handshake
		got := curve(d, []float64{50, 90, 99, 99.9, 99.99})
		for i, want := range []float64{d.P50US, d.P90US, d.P99US, d.P999US} {
			if math.Abs(got[i]-want) > want*1e-9 {
				t.Errorf("%s: point %d of the curve is %v, the record says %v", tr.Path, i, got[i], want)
			}
		}
		if len(got) != 4 {
			t.Errorf("%s: %d points: 2,000 samples do not tell the percentile 99.99", tr.Path, len(got))
		}
	}
}

func TestCurveOfABrokenHistogram(t *testing.T) {
	good := benchRun().Records[0].(*results.Trial).Phases.Handshake
	for name, change := range map[string]func(*results.Dist){
		"cut":          func(d *results.Dist) { d.HDR = d.HDR[:len(d.HDR)/2] },
		"empty":        func(d *results.Dist) { d.HDR = "" },
		"not base64":   func(d *results.Dist) { d.HDR = "***" },
		"another unit": func(d *results.Dist) { d.HDRUnit = "us" },
		"too long":     func(d *results.Dist) { d.HDR = strings.Repeat("A", maxHDR+1) },
	} {
		d := *good
		change(&d)
		if got := curve(&d, []float64{50}); got != nil {
			t.Errorf("%s: %v", name, got)
		}
		known := knownCurve(&d, []float64{50, 90, 99, 99.9})
		for i, want := range []float64{d.P50US, d.P90US, d.P99US, d.P999US} {
			if math.Abs(known[i]-want) > want*1e-6 {
				t.Errorf("%s: without its histogram, point %d is %v, want %v", name, i, known[i], want)
			}
		}
	}
}

func TestTicks(t *testing.T) {
	for _, s := range []scale{{0, 13000, 0, 500, false}, {500, 20000, 0, 500, true}, {0.001, 1e14, 0, 500, true}, {0, 1e14, 0, 500, false}, {0, 0.001, 0, 500, false}} {
		ticks := s.ticks(6)
		if len(ticks) < 2 || len(ticks) > 16 {
			t.Errorf("%+v has ticks %v", s, ticks)
		}
		if !slices.IsSorted(ticks) || ticks[0] < s.lo*0.999 || ticks[len(ticks)-1] > s.hi*1.001 {
			t.Errorf("%+v has ticks %v", s, ticks)
		}
	}
}

func TestSpread(t *testing.T) {
	tests := []struct{ want, got []float64 }{
		{[]float64{10, 50}, []float64{10, 50}},
		{[]float64{10, 12, 11}, []float64{10, 40, 25}},
		{[]float64{95, 96, 97}, []float64{70, 85, 100}},
	}
	for _, tt := range tests {
		if got := spread(tt.want, 15, 0, 100); !slices.Equal(got, tt.got) {
			t.Errorf("spread(%v) = %v, want %v", tt.want, got, tt.got)
		}
	}
}

// TestWidths renders everything at every width: no line is wider.
func TestWidths(t *testing.T) {
	runs := []Run{scanRun(), benchRun(), fleetRun(20)}
	for width := 40; width <= 160; width += 3 {
		text := rendered(t, "text", Options{Width: width}, runs...)
		for line := range strings.Lines(text) {
			if n := cellWidth(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("%d columns in %d: %q", n, width, line)
			}
			if strings.HasSuffix(strings.TrimSuffix(line, "\n"), " ") {
				t.Errorf("a space at the end of %q", line)
			}
		}
	}
}

// TestColor shows that colours change nothing but colours.
func TestColor(t *testing.T) {
	runs := []Run{scanRun(), benchRun()}
	plain, colored := rendered(t, "text", Options{}, runs...), rendered(t, "text", Options{Color: true}, runs...)
	if !strings.Contains(colored, "\x1b[31m✗") {
		t.Error("no red mark")
	}
	for _, code := range []string{"0", "1", "2", "31", "32", "33", "1;36"} {
		colored = strings.ReplaceAll(colored, "\x1b["+code+"m", "")
	}
	if colored != plain {
		t.Error(firstDifference(colored, plain))
	}
}
