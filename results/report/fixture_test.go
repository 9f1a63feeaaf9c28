package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"shakedown/results"
)

// The runs of these tests: a service `portal` on every path kind, with what
// goes wrong in practice, and hostile names. All of it is made here; times are
// fixed and samples are seeded, so that golden files hold.

var runTime = time.Date(2026, 3, 14, 9, 30, 0, 0, time.UTC)

func scanRun() Run {
	portal := portalEndpoints()
	records := make([]results.Record, 0, len(portal))
	for _, e := range portal {
		records = append(records, e)
	}
	return closed(Run{
		Name:    "scan.jsonl",
		Header:  results.Header{Schema: results.Schema, ToolVersion: "0.1.0", StartedAt: runTime, Command: "scan", Inventory: "lab/inventory.yaml"},
		Records: records,
	}, 3)
}

func closed(r Run, exitCode int) Run {
	r.Trailer = &results.Trailer{Records: len(r.Records), Complete: true, ExitCode: exitCode, EndedAt: r.Header.StartedAt.Add(42 * time.Second)}
	return r
}

func portalEndpoints() []*results.Endpoint {
	lbChain := chain("portal.example", cert("CN=portal.example", "CN=Lab Issuing CA,O=Lab", 2048, "RSA", -20, 70), issuing())
	lbEC := chain("portal.example", cert("CN=portal.example", "CN=Lab Issuing CA,O=Lab", 256, "ECDSA", -20, 70), issuing())
	lbEC.Auth = "ECDSA"
	siteChain := chain("portal.example", cert("CN=i.portal.example", "CN=Lab Issuing CA,O=Lab", 2048, "RSA", -60, 21), issuing())

	alb := lbEndpoint("alb", results.LBTerminated, "127.0.0.1:8443", lbChain, lbEC)
	re := lbEndpoint("alb-reencrypt", results.LBReencrypted, "127.0.0.1:8444", lbChain)
	re.Targets = []string{"i-1", "i-2", "i-3", "i-4"}
	alb.Targets = []string{"i-1", "i-2"}
	nlb := instance("nlb", results.Passthrough, "127.0.0.1:8445", siteChain)
	i1 := instance("i-1", results.Instance, "127.0.0.1:9001", siteChain)
	i2 := drifted(instance("i-2", results.Instance, "127.0.0.1:9002", expired()))
	i3 := instance("i-3", results.Instance, "127.0.0.1:9003", selfSigned())
	hsm := instance("hsm", results.HSMOffloaded, "127.0.0.1:9004", siteChain)
	enclave := instance("enclave", results.EnclaveOffloaded, "127.0.0.1:9005", siteChain)
	return []*results.Endpoint{i2, alb, enclave, re, nlb, hsm, i1, i3, refused(), unsure(), hostile()}
}

func endpoint0(path string, kind results.PathKind, address string) *results.Endpoint {
	return &results.Endpoint{
		Service: "portal", Path: path, Kind: kind, Target: address, Address: address, ServerName: "portal.example",
		StartedAt: runTime.Add(2 * time.Second), Status: results.Complete, Connections: 31, ElapsedMS: 84.2,
	}
}

func lbEndpoint(path string, kind results.PathKind, address string, chains ...results.Chain) *results.Endpoint {
	e := endpoint0(path, kind, address)
	e.Versions = versions("no no no no yes yes")
	e.Suites = map[results.Version][]results.Suite{results.TLSv13: suites13(), results.TLSv12: suites12(0, 1, 2, 3, 4, 5)}
	e.Preference = map[results.Version]results.Preference{results.TLSv12: results.PreferenceServer, results.TLSv13: results.PreferenceServer}
	e.Groups = map[results.Version][]results.Named{results.TLSv13: groups("X25519MLKEM768", "X25519", "secp256r1", "secp384r1")}
	e.GroupPreference = map[results.Version]results.Preference{results.TLSv13: results.PreferenceServer}
	e.Protocol = results.Protocol{ALPN: []string{"h2", "http/1.1"}, ExtendedMasterSecret: results.Yes, ResumptionTicket: results.Yes, EarlyData: results.No}
	e.Chains = chains
	return e
}

func instance(path string, kind results.PathKind, address string, chains ...results.Chain) *results.Endpoint {
	e := lbEndpoint(path, kind, address, chains...)
	e.Connections = 27
	e.Suites[results.TLSv12] = suites12(0, 1, 2, 3)
	e.Groups[results.TLSv13] = groups("X25519", "secp256r1")
	e.Preference[results.TLSv13] = results.PreferenceClient
	e.Protocol.ALPN = []string{"http/1.1"}
	return e
}

// drifted is an instance that an old image was started from.
func drifted(e *results.Endpoint) *results.Endpoint {
	e.Versions = versions("no no yes yes yes no")
	delete(e.Suites, results.TLSv13)
	delete(e.Preference, results.TLSv13)
	delete(e.Groups, results.TLSv13)
	delete(e.GroupPreference, results.TLSv13)
	e.Suites[results.TLSv12] = suites12(1, 0, 4, 5, 6, 7)
	e.Suites[results.TLSv11], e.Suites[results.TLSv10] = suites12(4, 6, 7), suites12(4, 6, 7)
	e.Groups[results.TLSv12] = groups("secp256r1")
	return e
}

func refused() *results.Endpoint {
	e := endpoint0("blue", results.Instance, "127.0.0.1:9009")
	e.Status, e.Connections = results.Failed, 2
	e.Versions = versions("unknown unknown unknown unknown unknown unknown")
	e.Undetermined.Versions = results.Versions()
	e.Failures = []results.Failure{{Stage: results.StageConnect, Kind: results.KindRefused, Count: 2, Detail: "dial tcp 127.0.0.1:9009: connect: connection refused"}}
	return e
}

func unsure() *results.Endpoint {
	e := instance("green", results.Instance, "127.0.0.1:9010", selfSigned())
	e.Status = results.Partial
	e.Versions[results.TLSv10] = results.Unknown
	e.Undetermined.Versions = []results.Version{results.TLSv10}
	e.Undetermined.Suites = map[results.Version][]string{results.TLSv12: {"0x0005", "0x000A"}, results.TLSv10: {"*"}}
	e.Failures = []results.Failure{
		{Stage: results.StageHello, Kind: results.KindTimeout, Count: 3, Detail: "no answer within 5s"},
		{Stage: results.StageHello, Kind: results.KindAlert, Alert: "internal_error", Count: 1},
	}
	return e
}

// hostile says what it can to break a terminal or a page.
func hostile() *results.Endpoint {
	c := cert("CN=<script>alert(1)</script>\x1b[31m\u202egpj.exe,O=\"><img src=x onerror=alert(2)>", "CN=\u2066evil\x07</style><svg onload=alert(3)>", 1024, "RSA", -1, 400)
	c.DNSNames = []string{"javascript:alert(4)", "{{.}}\u0000\u200b", "שלום.example"}
	ch := chain("portal.example", c)
	ch.Trusted, ch.HostnameMatch, ch.Problems = results.No, results.No, []results.Problem{results.NameMismatch, results.UnknownAuthority, results.WeakKey}
	e := instance("evil\x1b]0;owned\x07<b>", "<i>kind", "[::1]:9011", ch)
	e.Suites[results.TLSv12] = []results.Suite{{ID: "0xFAFA", Name: ""}, {ID: "0xC02F", Name: "TLS_<x onmouseover=alert(5)>_WITH_\u202e"}}
	e.Protocol.ALPN = []string{"h2\"><script>alert(6)</script>", "\x1b[2J"}
	e.Failures = []results.Failure{{Stage: results.StageHandshake, Kind: results.KindMalformed, Count: 1, Detail: "</script><script>alert(7)</script>\x1b[1A"}}
	return e
}

// versions reads six answers, oldest version first.
func versions(answers string) map[results.Version]results.Answer {
	m := map[results.Version]results.Answer{}
	for _, v := range results.Versions() {
		var a string
		if _, err := fmt.Sscan(answers, &a); err != nil {
			panic(err)
		}
		answers = answers[len(a):]
		for len(answers) > 0 && answers[0] == ' ' {
			answers = answers[1:]
		}
		m[v] = results.Answer(a)
	}
	return m
}

func suites13() []results.Suite {
	return []results.Suite{
		{ID: "0x1302", Name: "TLS_AES_256_GCM_SHA384", OpenSSL: "TLS_AES_256_GCM_SHA384"},
		{ID: "0x1303", Name: "TLS_CHACHA20_POLY1305_SHA256", OpenSSL: "TLS_CHACHA20_POLY1305_SHA256"},
		{ID: "0x1301", Name: "TLS_AES_128_GCM_SHA256", OpenSSL: "TLS_AES_128_GCM_SHA256"},
	}
}

func suites12(pick ...int) []results.Suite {
	all := []results.Suite{
		{ID: "0xC02F", Name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", OpenSSL: "ECDHE-RSA-AES128-GCM-SHA256"},
		{ID: "0xC030", Name: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", OpenSSL: "ECDHE-RSA-AES256-GCM-SHA384"},
		{ID: "0xCCA8", Name: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", OpenSSL: "ECDHE-RSA-CHACHA20-POLY1305"},
		{ID: "0xC02B", Name: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", OpenSSL: "ECDHE-ECDSA-AES128-GCM-SHA256"},
		{ID: "0xC013", Name: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", OpenSSL: "ECDHE-RSA-AES128-SHA"},
		{ID: "0xC027", Name: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", OpenSSL: "ECDHE-RSA-AES128-SHA256"},
		{ID: "0x002F", Name: "TLS_RSA_WITH_AES_128_CBC_SHA", OpenSSL: "AES128-SHA"},
		{ID: "0x000A", Name: "TLS_RSA_WITH_3DES_EDE_CBC_SHA", OpenSSL: "DES-CBC3-SHA"},
	}
	var out []results.Suite
	for _, i := range pick {
		out = append(out, all[i])
	}
	return out
}

func groups(names ...string) []results.Named {
	ids := map[string]string{"X25519MLKEM768": "0x11EC", "X25519": "0x001D", "secp256r1": "0x0017", "secp384r1": "0x0018"}
	var out []results.Named
	for _, n := range names {
		out = append(out, results.Named{ID: ids[n], Name: n})
	}
	return out
}

func cert(subject, issuer string, bits int, key string, fromDays, toDays int) results.Cert {
	sum := sha256.Sum256(fmt.Append(nil, subject, issuer, bits, key, fromDays, toDays))
	return results.Cert{
		SHA256: hex.EncodeToString(sum[:]), Subject: subject, Issuer: issuer, Serial: hex.EncodeToString(sum[:8]),
		DNSNames: []string{"portal.example", "www.portal.example"}, NotBefore: runTime.AddDate(0, 0, fromDays), NotAfter: runTime.AddDate(0, 0, toDays).Add(time.Hour),
		KeyType: key, KeyBits: bits, SignatureAlgorithm: "SHA256-RSA", DER: sum[:],
	}
}

func issuing() results.Cert {
	c := cert("CN=Lab Issuing CA,O=Lab", "CN=Lab Root,O=Lab", 4096, "RSA", -400, 1400)
	c.DNSNames = nil
	return c
}

func chain(name string, certs ...results.Cert) results.Chain {
	return results.Chain{
		ServerName: name, Auth: "RSA", Certificates: certs, Trusted: results.Yes, SelfSigned: results.SelfSignedNo,
		HostnameMatch: results.Yes, Problems: []results.Problem{},
	}
}

func expired() results.Chain {
	c := chain("portal.example", cert("CN=i.portal.example", "CN=Lab Issuing CA,O=Lab", 2048, "RSA", -102, -12), issuing())
	c.Trusted, c.Problems = results.No, []results.Problem{results.Expired}
	return c
}

func selfSigned() results.Chain {
	c := chain("portal.example", cert("CN=localhost", "CN=localhost", 2048, "RSA", -10, 355))
	c.Trusted, c.SelfSigned, c.HostnameMatch = results.No, results.SelfSignedLeaf, results.No
	c.Problems = []results.Problem{results.NameMismatch, results.SelfSignedProblem}
	return c
}

// latency is what a made-up path costs: medians in microseconds, and spread.
type latency struct {
	path                        string
	kind                        results.PathKind
	connect, hello, rest, first float64
	sigma                       float64
	failures, blocks, perBlock  int
	invalid                     string
	slowBlock                   int // this block is slower, as if a neighbour was busy
}

// benchRun is made once: its samples take a while.
var benchRun = sync.OnceValue(newBenchRun)

func newBenchRun() Run {
	r := Run{
		Name:   "bench.jsonl",
		Header: results.Header{Schema: results.Schema, ToolVersion: "0.1.0", StartedAt: runTime.Add(5 * time.Minute), Command: "bench", Inventory: "lab/inventory.yaml", Seed: 42},
	}
	for i, l := range []latency{
		{path: "alb", kind: results.LBTerminated, connect: 90, hello: 700, rest: 260, first: 420, sigma: .18, slowBlock: 3},
		{path: "alb-reencrypt", kind: results.LBReencrypted, connect: 95, hello: 720, rest: 270, first: 1500, sigma: .22, slowBlock: -1},
		{path: "nlb", kind: results.Passthrough, connect: 150, hello: 820, rest: 240, first: 310, sigma: .2, slowBlock: -1},
		{path: "i-1", kind: results.Instance, connect: 80, hello: 760, rest: 230, first: 250, sigma: .15, slowBlock: -1},
		{path: "hsm", kind: results.HSMOffloaded, connect: 82, hello: 3100, rest: 240, first: 260, sigma: .35, slowBlock: -1, failures: 7},
		{path: "enclave", kind: results.EnclaveOffloaded, connect: 84, hello: 5200, rest: 250, first: 260, sigma: .4, slowBlock: -1},
		{path: "i-3", kind: results.Instance, connect: 80, hello: 9000, rest: 300, first: 250, sigma: .9, slowBlock: -1, invalid: "the generator was late: lag p99 4,210 µs is above the limit of 1,000 µs"},
	} {
		l.blocks, l.perBlock = 8, 250
		r.Records = append(r.Records, measured(l, uint64(100+i))...)
	}
	for _, c := range []struct {
		path       string
		ratio, err float64
		verdict    string
	}{{"alb", .91, .02, "faster"}, {"nlb", 1.07, .03, "slower"}, {"hsm", 3.36, .21, "slower"}, {"enclave", 5.44, .4, "slower"}, {"alb-reencrypt", 1.01, .02, "same"}, {"alb-tls12", 1.04, .1, "inconclusive"}, {"i-3", 9.4, 3, "invalid"}} {
		r.Records = append(r.Records, &results.Comparison{
			Service: "portal", Baseline: "i-1", Candidate: c.path, Shape: asked(), Phase: "handshake", Quantile: "p50", Ratio: c.ratio, RatioLow: c.ratio - c.err, RatioHigh: c.ratio + c.err,
			Confidence: .95, PValue: .0003, PAdjusted: .0012, Blocks: 8, Margin: 1.05, MinDetectable: 1.03, Verdict: c.verdict,
		})
	}
	return closed(r, 3)
}

func asked() results.Shape {
	full := false
	return results.Shape{Version: results.TLSv13, Suite: "TLS_AES_128_GCM_SHA256", Group: "X25519", Resumed: &full}
}

// measured makes a trial and its blocks from lognormal samples.
func measured(l latency, seed uint64) []results.Record {
	rnd := rand.New(rand.NewPCG(seed, 7))
	sample := func(median, sigma float64) float64 { return median * math.Exp(rnd.NormFloat64()*sigma) }
	var out []results.Record
	whole := newHists()
	id := "t-" + l.path
	for b := range l.blocks {
		hs := newHists()
		slow := 1.0
		if b == l.slowBlock {
			slow = 1.35
		}
		for range l.perBlock {
			c, h := sample(l.connect, l.sigma), sample(l.hello, l.sigma)*slow
			rest, first := sample(l.rest, l.sigma), sample(l.first, l.sigma)
			if rnd.Float64() < .004 {
				h += sample(4000, .6) // a pause now and then
			}
			for i, us := range []float64{c, h, h + rest, first, c + h + rest + first + sample(30, .3)} {
				hs[i].record(us)
				whole[i].record(us)
			}
		}
		out = append(out, &results.Block{Trial: id, Index: b, StartedAt: runTime.Add(time.Duration(b) * 10 * time.Second), Seed: seed + uint64(b), DurationS: 1, Handshakes: l.perBlock, Phases: hs.phases()})
	}
	n := l.blocks * l.perBlock
	lagged := 40.0
	t := &results.Trial{
		Service: "portal", Path: l.path, Kind: l.kind, Target: "127.0.0.1:1", Address: "127.0.0.1:1", ServerName: "portal.example", Trial: id, StartedAt: runTime,
		Loop: results.OpenLoop, OfferedRate: 250, AchievedRate: float64(n) / 8, Connections: 64, DurationS: 8, Client: "lean", Asked: asked(),
		Negotiated: []results.ShapeCount{{Shape: asked(), Count: n}}, Due: n + l.failures, Handshakes: n, Failures: []results.Failure{},
		Valid: true, InvalidWhy: []string{}, Generator: results.Generator{CPUPerHandshakeUS: 61 + float64(seed%7), LagP99US: &lagged, CPUShare: .12}, Phases: whole.phases(),
	}
	if l.failures > 0 {
		t.Failures = []results.Failure{{Stage: results.StageHello, Kind: results.KindTimeout, Count: l.failures}}
	}
	if l.invalid != "" {
		late := 4210.0
		t.Valid, t.InvalidWhy, t.Generator.LagP99US = false, []string{l.invalid}, &late
	}
	return append([]results.Record{t}, out...)
}

// hists are the histograms of the five phases, and their maxima.
type hists [5]*hist

type hist struct {
	*hdrhistogram.Histogram
	sum float64
}

func (h *hist) record(us float64) {
	if err := h.RecordValue(int64(us * 1000)); err != nil {
		panic(err)
	}
	h.sum += us
}

func newHists() (hs hists) {
	for i := range hs {
		hs[i] = &hist{Histogram: hdrhistogram.New(1, int64(time.Minute), 3)}
	}
	return hs
}

func (hs hists) phases() results.Phases {
	return results.Phases{Connect: hs[0].dist(), ServerHello: hs[1].dist(), Handshake: hs[2].dist(), FirstByte: hs[3].dist(), Total: hs[4].dist()}
}

func (h *hist) dist() *results.Dist {
	enc, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		panic(err)
	}
	at := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1000 }
	return &results.Dist{
		N: h.TotalCount(), MeanUS: h.sum / float64(h.TotalCount()), P50US: at(50), P90US: at(90), P99US: at(99), P999US: at(99.9),
		MaxUS: float64(h.Max()) / 1000, HDR: string(enc), HDRUnit: "ns",
	}
}

// fleetRun is a scan of n addresses from the command line, some of them with
// trouble.
func fleetRun(n int) Run {
	r := Run{Header: results.Header{Schema: results.Schema, ToolVersion: "0.1.0", StartedAt: runTime, Command: "scan"}}
	for i := range n {
		host := fmt.Sprintf("host-%d.example", i+1)
		e := instance(host+":443", "", fmt.Sprintf("192.0.2.%d:443", i+1), chain(host, cert("CN="+host, "CN=Lab Issuing CA,O=Lab", 2048, "RSA", -30, 40+i%90), issuing()))
		switch {
		case i%17 == 5:
			e = refused()
		case i%13 == 7:
			e.Chains = []results.Chain{selfSigned()}
		case i%19 == 3:
			e = drifted(e)
		}
		e.Service, e.Path, e.Target, e.Kind, e.Address = host, host+":443", host+":443", "", fmt.Sprintf("192.0.2.%d:443", i+1)
		if len(e.Chains) > 0 {
			e.ServerName = e.Chains[0].ServerName
		}
		r.Records = append(r.Records, e)
	}
	return closed(r, 3)
}

// rendered gives a report of runs.
func rendered(t *testing.T, format string, o Options, runs ...Run) string {
	t.Helper()
	var b writer
	o.Runs = slices.Clone(runs)
	sink, err := New(format, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := Replay(runs, sink); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type writer []byte

func (w *writer) Write(p []byte) (int, error) { *w = append(*w, p...); return len(p), nil }
