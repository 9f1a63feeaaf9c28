package results

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite golden files")

var at = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// everyRecord is one record of each type, with every field set.
func everyRecord() []Record {
	yes, lag, hsts := true, 40.0, 0
	dist := &Dist{N: 750, MeanUS: 900.5, P50US: 880, P90US: 1100, P99US: 2000, P999US: 4000, MaxUS: 4100.25, HDR: "HISTFAAAA", HDRUnit: "ns"}
	shape := Shape{
		Version: TLSv13, Suite: "TLS_AES_128_GCM_SHA256", Group: "X25519", SignatureScheme: "ecdsa_secp256r1_sha256",
		Resumed: new(bool), HelloRetry: &yes, ALPN: "http/1.1",
	}
	phases := Phases{Connect: dist, ServerHello: dist, Handshake: dist, FirstByte: dist, Total: dist}
	chain := Chain{
		ServerName: "portal.example", Auth: "ECDSA", Trusted: No, SelfSigned: SelfSignedLeaf, HostnameMatch: Yes,
		Problems: []Problem{Expired, SelfSignedProblem},
		Certificates: []Cert{{
			SHA256: "00ff", Subject: "CN=portal.example", Issuer: "CN=portal.example", Serial: "01", DNSNames: []string{"portal.example"},
			IPAddresses: []string{"192.0.2.7"}, NotBefore: at, NotAfter: at.Add(time.Hour), KeyType: "ECDSA", KeyBits: 256,
			SignatureAlgorithm: "ECDSA-SHA256", DER: []byte{0x30, 0},
		}},
	}
	return []Record{
		&Endpoint{
			Service: "portal", Path: "alb", Kind: LBTerminated, Target: "portal.example:443", Address: "192.0.2.7:443",
			ServerName: "portal.example", Targets: []string{"i-1"}, StartedAt: at, Status: Partial, Connections: 31, ElapsedMS: 84.2,
			Failures:         []Failure{{Stage: StageHello, Kind: KindAlert, Alert: "internal_error", Count: 1, Detail: "<b>\x1b[31m"}},
			Versions:         map[Version]Answer{SSLv2: No, TLSv10: Unknown, TLSv12: Yes, TLSv13: Yes},
			Suites:           map[Version][]Suite{TLSv12: {{ID: "0xC02F", Name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", OpenSSL: "ECDHE-RSA-AES128-GCM-SHA256", Completes: Yes}, {ID: "0xFF85"}}, TLSv13: {}},
			Preference:       map[Version]Preference{TLSv12: PreferenceServer},
			Groups:           map[Version][]Named{TLSv13: {{ID: "0x11EC", Name: "X25519MLKEM768"}}},
			GroupPreference:  map[Version]Preference{TLSv13: PreferenceClient},
			SignatureSchemes: map[Version][]Named{TLSv13: {{ID: "0x0403", Name: "ecdsa_secp256r1_sha256"}}},
			Undetermined:     Undetermined{Versions: []Version{TLSv10}, Suites: map[Version][]string{TLSv12: {"0x0005"}}},
			Protocol: Protocol{
				ALPN: []string{}, ExtendedMasterSecret: Yes, SCT: Unknown, DHBits: 2048, HTTP: Yes, HSTS: &hsts,
				ClientCertificateAuthorities: []string{"CN=Staff"},
			},
			Chains: []Chain{chain},
		},
		&ChainFile{File: "portal.pem", Chain: chain},
		&Finding{
			Service: "portal", Path: "alb", Address: "192.0.2.7:443", Profile: "nist-800-52r2", Rule: "tls1.0-off", Status: FindingFail,
			Severity: High, Expected: "no TLS 1.0", Observed: "TLS 1.0 is served", Citation: "NIST SP 800-52r2 §3.1", Mend: "…", WaivedUntil: "2026-12-31",
		},
		&Trial{
			Service: "portal", Path: "hsm", Kind: HSMOffloaded, Target: "hsm.example:443", Address: "192.0.2.9:443", ServerName: "hsm.example",
			Trial: "t1", StartedAt: at, Loop: OpenLoop, OfferedRate: 500, AchievedRate: 499.8, Connections: 64, DurationS: 30, Client: "lean",
			Asked: shape, Negotiated: []ShapeCount{{shape, 750}}, Due: 753, Handshakes: 750, OtherShape: 0, Abandoned: 2,
			Failures: []Failure{{Stage: StageConnect, Kind: KindTimeout, Count: 1}}, Valid: false, InvalidWhy: []string{"interrupted"},
			Generator: Generator{CPUPerHandshakeUS: 61, LagP99US: &lag, CPUShare: 0.1, Saturated: true}, Phases: phases,
		},
		&Block{Trial: "t1", Index: 3, StartedAt: at, Seed: 42, DurationS: 1.5, Handshakes: 750, Completed: 751, Bystanders: &Bystanders{Quiet: dist, Loaded: dist}, Phases: phases},
		&Comparison{
			Service: "portal", Baseline: "i-1", Candidate: "hsm", BaselineRun: "r7", Shape: shape, Phase: "handshake", Quantile: "p50",
			Ratio: 1.31, RatioLow: 1.27, RatioHigh: 1.36, Confidence: 0.95, PValue: 0.0003, PAdjusted: 0.0012, Blocks: 20, Margin: 1.05,
			MinDetectable: 1.03, Verdict: "slower",
		},
		&Difference{
			Service: "portal", Path: "alb", Address: "192.0.2.7:443", Beside: "i-1", BesideAddress: "192.0.2.11:8443", Relation: RelationTarget,
			Facts: []FactDifference{
				{Fact: "versions.TLSv1.1", Name: "TLSv1.1", Left: "no", Right: "yes"},
				{Fact: "suites.TLSv1.2.0xFF85", Name: "0xFF85 (unregistered)", Left: "yes", Right: "no"},
			},
			Same: 41, Undetermined: []string{"versions.TLSv1.0"}, BesideProblems: []Problem{Expired, SelfSignedProblem},
		},
		&Objective{
			Service: "portal", Path: "hsm", Kind: HSMOffloaded, Address: "192.0.2.9:443", Trial: "t1", Objective: "handshake.p99<50ms",
			Unit: "us", Limit: 50000, Observed: &lag, N: 753, Verdict: ObjectiveUnknown, Why: "753 handshakes do not decide it, 1000 would",
		},
		&Capacity{
			Service: "portal", Path: "hsm", Kind: HSMOffloaded, Target: "hsm.example:443", Address: "192.0.2.9:443", Client: "lean", Asked: shape,
			SLO: []string{"handshake.p99<50ms", "errors<1%", "completed>=98%"}, LowRate: 950, HighRate: &lag, LimitedBy: LimitedByServer,
			Valid: true, InvalidWhy: []string{}, Steps: []CapacityStep{{
				Trial: "t1", Rate: 1000, CompletedRate: 900.5, DurationS: 5, Errors: 0.02, P50US: 900, P99US: 51000, CPUShare: 0.4, LagP99US: 40,
				Verdict: StepMissed, Why: "handshake.p99<50ms: 51 ms",
			}},
		},
		&Attribution{
			Service: "portal", Part: "HSM", With: "hsm", Without: "i-1", Asked: shape, Phase: "handshake", Quantile: "p50",
			AddsUS: 2310.5, LowUS: 2200, HighUS: 2421, Confidence: 0.95, Blocks: 20, WithoutUS: 990, Unlike: "group X25519, not secp256r1",
		},
		&Profile{
			Name: "own", Title: "Ours", About: "what we want", Verification: "cross-checked", Sources: []string{"here"}, Notes: []string{"note"},
			Rules: []ProfileRule{{
				ID: "suites", Severity: High, Advice: true, Check: "suites-none", Values: []string{"cbc"}, Limit: 3, Versions: []Version{TLSv12}, When: "tls1.2",
				From: at, Citation: "RFC 9325", Expected: "no CBC", Why: "padding", Mend: "leave it out",
			}},
			Unseen: []ProfileUnseen{{Citation: "§1", Requirement: "a lock", Why: "not a matter of TLS"}},
		},
		&PolicyChange{
			From: "old", To: "new", Dropped: []string{"TLSv1.0"}, Added: []string{"TLSv1.3"}, Notes: []string{"note"},
			Endpoints: []EndpointChange{{Service: "portal", Path: "alb", Address: "192.0.2.7:443", Loses: []string{"TLSv1.0"}, Gains: []string{}, Unknown: []string{"TLSv1.1"}, Stops: true}},
		},
		&Verdict{
			Verdict: GateClosed, FailOn: Medium, Why: []string{"1 finding fails", "1 endpoint could not be determined"},
			Endpoints: 4, Undetermined: 1, Failed: 1, Unknown: 2, Below: 3, Waived: 1, Allowed: 1, Passed: 40, Limits: 2,
		},
	}
}

func encode(t *testing.T, records ...Record) []byte {
	t.Helper()
	var b bytes.Buffer
	s := NewStream(Header{ToolVersion: "1.0", StartedAt: at, Command: "scan", Inventory: "i.yaml", Seed: 7}, NewEncoder(&b))
	for _, r := range records {
		if err := s.Put(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Finish(3, false, at.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(t *testing.T, in []byte) ([]Record, *Decoder, error) {
	t.Helper()
	d, err := NewDecoder(bytes.NewReader(in))
	if err != nil {
		return nil, nil, err
	}
	var got []Record
	for {
		r, err := d.Next()
		if err == io.EOF {
			return got, d, nil
		}
		if err != nil {
			return got, d, err
		}
		got = append(got, r)
	}
}

// The golden stream is public interface: if it changes, a field was renamed.
func TestGoldenStream(t *testing.T) {
	got := encode(t, everyRecord()...)
	file := filepath.Join("testdata", "shakedown-1.jsonl")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the stream differs from %s:\n%s", file, got)
	}
	if lines := bytes.Count(got, []byte("\n")); lines != len(everyRecord())+2 {
		t.Errorf("%d lines for %d records", lines, len(everyRecord()))
	}
}

func TestRoundTrip(t *testing.T) {
	got, d, err := decode(t, encode(t, everyRecord()...))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, everyRecord()) {
		t.Errorf("got %+v", got)
	}
	if h := d.Header(); h.Command != "scan" || h.Schema != Schema || h.Seed != 7 {
		t.Errorf("header %+v", h)
	}
	if tr := d.Trailer(); tr == nil || tr.Records != len(everyRecord()) || tr.ExitCode != 3 || tr.Complete {
		t.Errorf("trailer %+v", d.Trailer())
	}
}

// Wherever a stream is cut off, the records before the cut are read.
func TestEveryCut(t *testing.T) {
	whole := encode(t, everyRecord()...)
	ends := bytes.Count(whole, []byte("\n"))
	for cut := 1; cut < len(whole); cut++ {
		got, d, err := decode(t, whole[:cut])
		if bytes.Count(whole[:cut], []byte("\n")) == 0 {
			if err == nil && d.Header().Schema != Schema { // only a whole header line reads
				t.Fatalf("cut at %d: a header out of half a line", cut)
			}
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		lines := bytes.Count(whole[:cut], []byte("\n")) - 1
		if len(got) < lines || d.Trailer() != nil && cut < len(whole)-1 {
			t.Fatalf("cut at %d of %d lines: %d records, trailer %v", cut, ends, len(got), d.Trailer())
		}
	}
}

func TestRefused(t *testing.T) {
	header := `{"record":"header","schema":"shakedown/1","tool_version":"1","started_at":"2026-11-22T08:00:00Z","command":"scan"}` + "\n"
	for name, c := range map[string]struct{ in, want string }{
		"empty":              {"", "the input is empty"},
		"another schema":     {strings.Replace(header, "shakedown/1", "shakedown/2", 1), `schema "shakedown/2" is not known here`},
		"no header":          {`{"record":"endpoint"}` + "\n", "line 1: not a run"},
		"not JSON":           {"TARGET STATUS\n", "line 1: not a run of shakedown, which --format json writes: not a JSON object"},
		"no record key":      {header + `{"a":1}` + "\n", `line 2: not a record`},
		"a broken middle":    {header + `{"record":"endp` + "\n" + `{"record":"trailer"}` + "\n", "line 2"},
		"a wrong count":      {header + `{"record":"trailer","records":3}` + "\n", "counts 3 records, the stream has 0"},
		"two runs":           {header + header, "line 2: a second header"},
		"a run behind a run": {header + `{"record":"trailer"}` + "\n" + header, "line 3: there is more after the trailer"},
		"a cut-off one":      {header + `{"record":"trailer"}` + "\n" + "\n" + `{"rec`, "line 4: there is more after the trailer"},
		"a wrong type":       {header + `{"record":"block","index":"three"}` + "\n", "line 2: block record"},
	} {
		if _, _, err := decode(t, []byte(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// That nothing failed and nothing is unknown is a fact: a key that is absent was
// not asked.
func TestNoFailureIsAFact(t *testing.T) {
	line, err := Marshal(&Endpoint{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"failures":[]`, `"undetermined":{}`} {
		if !strings.Contains(string(line), want) {
			t.Errorf("%s lacks %s", line, want)
		}
	}
}

// A record of a later version is kept as it is.
func TestOther(t *testing.T) {
	line := `{"record":"sizing","units":3}`
	got, err := Unmarshal([]byte(line))
	if err != nil || got.Type() != "sizing" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if again, err := Marshal(got); err != nil || string(again) != line {
		t.Errorf("got %s, %v", again, err)
	}
}

// full is a file on a disk with so much room.
type full struct {
	bytes.Buffer
	room int
}

var errFull = errors.New("no space left on device")

func (f *full) Write(b []byte) (int, error) {
	n := min(len(b), f.room)
	f.room -= n
	f.Buffer.Write(b[:n])
	if n < len(b) {
		return n, errFull
	}
	return n, nil
}

func (f *full) Truncate(size int64) error { f.Buffer.Truncate(int(size)); return nil }

// On a full disk the file keeps its whole records, and the run hears of it.
func TestFullDisk(t *testing.T) {
	whole := encode(t, everyRecord()...)
	for room := range len(whole) {
		f := &full{room: room}
		s := NewStream(Header{ToolVersion: "1.0", StartedAt: at, Command: "scan", Inventory: "i.yaml", Seed: 7}, NewEncoder(f))
		for _, r := range everyRecord() {
			s.Put(r)
		}
		if err := s.Finish(3, false, at.Add(time.Second)); !errors.Is(err, errFull) || !errors.Is(s.Err(), errFull) {
			t.Fatalf("room for %d bytes: %v", room, err)
		}
		if rest := f.Bytes(); len(rest) > 0 && (rest[len(rest)-1] != '\n' || !bytes.HasPrefix(whole, rest)) {
			t.Fatalf("room for %d bytes: the file ends in half a record: %q", room, rest[max(0, len(rest)-40):])
		}
	}
}

// One sink that fails does not cost the others their records.
func TestOneSinkFails(t *testing.T) {
	var good bytes.Buffer
	s := NewStream(Header{StartedAt: at}, NewEncoder(&full{}), NewEncoder(&good))
	if err := s.Put(everyRecord()[0]); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
	s.Finish(0, true, at)
	if got, d, err := decode(t, good.Bytes()); err != nil || len(got) != 1 || d.Trailer() == nil {
		t.Errorf("the other sink: %v, %v", got, err)
	}
}

func TestConcurrentPut(t *testing.T) {
	var b bytes.Buffer
	s := NewStream(Header{StartedAt: at}, NewEncoder(&b))
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { s.Put(&Block{Trial: "t"}) })
	}
	wg.Wait()
	s.Finish(0, true, at)
	if got, _, err := decode(t, b.Bytes()); err != nil || len(got) != 50 {
		t.Errorf("%d records, %v", len(got), err)
	}
}

func FuzzDecoder(f *testing.F) {
	for _, r := range everyRecord() {
		line, err := Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(`{"record":"header","schema":"shakedown/1"}` + "\n" + string(line) + "\n" + `{"record":"trailer","records":1}` + "\n"))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := NewDecoder(bytes.NewReader(in))
		if err != nil {
			return
		}
		for {
			r, err := d.Next()
			if err != nil {
				return
			}
			line, err := Marshal(r)
			if err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			if _, err := Unmarshal(line); err != nil {
				t.Fatalf("what was written cannot be read: %v: %s", err, line)
			}
		}
	})
}

// What a peer says is escaped where it would act on a terminal, and read back as
// it was.
func TestMarshalIsVisible(t *testing.T) {
	said := "C1 \u009b31m, DEL \x7f, turned \u202e, a tag \U000e0041, and ünïcode 例"
	line, err := Marshal(&ChainFile{File: said})
	if err != nil {
		t.Fatal(err)
	}
	if want := `"file":"C1 \u009b31m, DEL \u007f, turned \u202e, a tag \udb40\udc41, and ünïcode 例"`; !strings.Contains(string(line), want) {
		t.Errorf("got %s\nwant %s", line, want)
	}
	back, err := Unmarshal(line)
	if err != nil || back.(*ChainFile).File != said {
		t.Errorf("read back %v, %v", back, err)
	}
}
