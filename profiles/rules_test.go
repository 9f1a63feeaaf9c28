package profiles

import (
	"crypto/rsa"
	"encoding/pem"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"shakedown/results"
)

// sound is an endpoint that nothing is to be said against: the base of every
// case here.
func sound(t *testing.T) *results.Endpoint {
	t.Helper()
	e := everyPublished(t)["aws-elb/ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"].server(Builtin())
	e.Preference = map[results.Version]results.Preference{results.TLSv12: results.PreferenceServer, results.TLSv13: results.PreferenceServer}
	e.SignatureSchemes = map[results.Version][]results.Named{results.TLSv12: {{ID: "0x0403"}}, results.TLSv13: {{ID: "0x0403"}}}
	hsts := 63072000
	e.Protocol = results.Protocol{
		ExtendedMasterSecret: "yes", EncryptThenMAC: "yes", SecureRenegotiation: "yes", Compression: "no", FallbackSCSV: "yes", EarlyData: "no",
		ClientCertificateRequested: "no", OCSPStaple: "yes", VersionIntolerant: "no", HSTS: &hsts,
	}
	leaf := results.Cert{
		SHA256: "aa", KeyType: "ECDSA", KeyBits: 256, SignatureAlgorithm: "ECDSA-SHA256", NotBefore: at.AddDate(0, 0, -10), NotAfter: at.AddDate(0, 0, 79), DER: testLeaf(t),
	}
	e.Chains = []results.Chain{{Auth: "ECDSA", ServerName: "portal.example", Certificates: []results.Cert{leaf}, Trusted: results.Yes, HostnameMatch: results.Yes, SelfSigned: results.SelfSignedNo}}
	for v, list := range e.Suites {
		e.Suites[v] = slices.DeleteFunc(list, func(s results.Suite) bool { return strings.Contains(s.Name, "_RSA_") })
	}
	return e
}

// testLeaf is a certificate as an authority of today makes it.
func testLeaf(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/leaf.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	return block.Bytes
}

// accept adds suites to a version, which it switches on.
func accept(v results.Version, ids ...string) func(*results.Endpoint) {
	return func(e *results.Endpoint) {
		e.Versions[v] = results.Yes
		if v == results.SSLv2 {
			e.Suites[v] = []results.Suite{}
		}
		for _, id := range ids {
			e.Suites[v] = append(e.Suites[v], results.Suite{ID: id})
			if Builtin().suite(id).Auth == "RSA" && len(e.Chains) == 1 { // which was seen, and is as good
				rsa := e.Chains[0]
				rsa.Auth = "RSA"
				e.Chains = append(e.Chains, rsa)
			}
		}
		if e.Preference[v] == "" {
			e.Preference[v] = results.PreferenceServer
		}
	}
}

// TestRules changes one thing of a sound endpoint and says which rules of a
// profile no longer pass, each with its status.
func TestRules(t *testing.T) {
	problem := func(ps ...results.Problem) func(*results.Endpoint) {
		return func(e *results.Endpoint) {
			e.Chains[0].Problems, e.Chains[0].Trusted = ps, results.No
		}
	}
	tests := []struct {
		profile, name string
		change        func(*results.Endpoint)
		want          string
	}{
		{"known-weaknesses", "sound", nil, ""},
		{"known-weaknesses", "SSLv2", accept(results.SSLv2), "drown fail"},
		{"known-weaknesses", "SSLv3 with CBC", accept(results.SSLv3, "0x002F"), "poodle fail, ssl3-off fail, beast warn, fallback-scsv pass, static-rsa warn"},
		{"known-weaknesses", "SSLv3 without CBC", accept(results.SSLv3, "0x0005"), "ssl3-off fail, rc4 fail, static-rsa warn"},
		{"known-weaknesses", "RSA export", accept(results.TLSv12, "0x0003"), "freak fail, export-off fail, rc4 fail, static-rsa warn"},
		{"known-weaknesses", "DHE export", accept(results.TLSv12, "0x0014"), "logjam-export fail, export-off fail, sweet32 fail, logjam-dh unknown"},
		{"known-weaknesses", "1024-bit DHE", func(e *results.Endpoint) { accept(results.TLSv12, "0x009E")(e); e.Protocol.DHBits = 1024 }, "logjam-dh fail"},
		{"known-weaknesses", "2048-bit DHE", func(e *results.Endpoint) { accept(results.TLSv12, "0x009E")(e); e.Protocol.DHBits = 2048 }, ""},
		{"known-weaknesses", "3DES", accept(results.TLSv12, "0xC008"), "sweet32 fail"},
		{"known-weaknesses", "TLS 1.0 with CBC", accept(results.TLSv10, "0xC009"), "beast warn, early-tls-off fail"},
		{"known-weaknesses", "no fallback signal", func(e *results.Endpoint) { accept(results.TLSv11, "0xC009")(e); e.Protocol.FallbackSCSV = "no" }, "early-tls-off fail, fallback-scsv fail"},
		{"known-weaknesses", "must-staple without a staple", func(e *results.Endpoint) {
			e.Chains[0].Certificates[0].MustStaple, e.Protocol.OCSPStaple = true, results.No
		}, "staple-kept fail"},
		{"known-weaknesses", "must-staple with a staple", func(e *results.Endpoint) { e.Chains[0].Certificates[0].MustStaple = true }, "staple-kept pass"},
		{"known-weaknesses", "must-staple, staple not asked", func(e *results.Endpoint) {
			e.Chains[0].Certificates[0].MustStaple, e.Protocol.OCSPStaple = true, ""
		}, "staple-kept unknown"},
		{"known-weaknesses", "no must-staple", func(e *results.Endpoint) { e.Protocol.OCSPStaple = results.No }, "staple-kept not_applicable"},
		{"known-weaknesses", "compression", func(e *results.Endpoint) { e.Protocol.Compression = "yes" }, "crime fail"},
		{"known-weaknesses", "compression unknown", func(e *results.Endpoint) { e.Protocol.Compression = "unknown" }, "crime unknown"},
		{"known-weaknesses", "compression not asked", func(e *results.Endpoint) { e.Protocol.Compression = "" }, "crime unknown"},
		{"known-weaknesses", "renegotiation", func(e *results.Endpoint) { e.Protocol.SecureRenegotiation = "no" }, "insecure-renegotiation fail"},
		{"known-weaknesses", "static RSA", accept(results.TLSv12, "0x009C"), "static-rsa warn"},
		{"known-weaknesses", "anonymous", accept(results.TLSv12, "0xC018"), "anonymous-off fail"},
		{"known-weaknesses", "NULL", accept(results.TLSv12, "0xC006"), "null-off fail"},
		{"known-weaknesses", "a suite nobody knows", accept(results.TLSv12, "0xFEED"), ""},
		{"known-weaknesses", "SHA-1 signatures", func(e *results.Endpoint) { e.SignatureSchemes[results.TLSv12] = []results.Named{{ID: "0x0203"}} }, "sha1-signatures warn"},
		{"known-weaknesses", "weak certificate", problem(results.WeakKey, results.WeakSignature), "certificate-signature fail, weak-key fail"},
		{"known-weaknesses", "weak group", func(e *results.Endpoint) { e.Groups[results.TLSv12] = []results.Named{{ID: "0x0001"}} }, "groups-strong fail"},
		{"known-weaknesses", "groups open", func(e *results.Endpoint) {
			e.Undetermined.Groups = map[results.Version][]string{results.TLSv12: {"0x0001"}}
		}, "groups-strong unknown"},
		{"known-weaknesses", "a strong group open", func(e *results.Endpoint) {
			e.Undetermined.Groups = map[results.Version][]string{results.TLSv12: {"0x0018"}}
		}, ""},

		{"nist-800-52r2", "sound, with ChaCha20 in TLS 1.3", nil, "suites-tls1.3 fail"},
		{"pci-dss-4", "sound", nil, ""},
		{"pci-dss-4", "expired", problem(results.Expired), "trusted fail, not-expired fail"},
		{"pci-dss-4", "TLS 1.0", accept(results.TLSv10, "0xC009"), "early-tls-off fail"},
		{"pci-dss-4", "another name", func(e *results.Endpoint) { e.Chains[0].HostnameMatch = results.No }, "hostname fail"},
		{"pci-dss-4", "what the address shows to other clients", func(e *results.Endpoint) {
			e.ServerName = "portal.example"
			for _, name := range []string{"", results.Nobody} {
				other := e.Chains[0]
				other.ServerName, other.Trusted, other.HostnameMatch, other.Problems = name, results.No, results.No, []results.Problem{results.NameMismatch, results.SelfSignedProblem, results.WeakKey}
				e.Chains = append(e.Chains, other)
			}
		}, ""},
		{"pci-dss-4", "no chain but other clients'", func(e *results.Endpoint) { e.ServerName = "other.example" }, "hostname unknown, trusted unknown, not-expired unknown, rsa-bits unknown, ec-bits unknown"},
		{"pci-dss-4", "trust unknown", func(e *results.Endpoint) { e.Chains[0].Trusted = results.Unknown }, "trusted unknown"},
		{"target-group", "sound", nil, "reachable-rfc9151 pass"},
		{"target-group", "self-signed", problem(results.SelfSignedProblem), "certificate-identity warn"},
		{"target-group", "expired", problem(results.Expired), "certificate-current fail, certificate-identity warn"},
		{"target-group", "client certificates", func(e *results.Endpoint) { e.Protocol.ClientCertificateRequested = "yes" }, "no-client-certificate warn"},
		{"target-group", "TLS 1.3 alone", func(e *results.Endpoint) {
			e.Versions[results.TLSv12] = results.No
			delete(e.Suites, results.TLSv12)
		}, "reachable-other fail"},
		{"target-group", "no suite in common", func(e *results.Endpoint) {
			e.Versions[results.TLSv13] = results.No
			e.Suites[results.TLSv12] = []results.Suite{{ID: "0xCCA9"}}
		}, "reachable-tls1.3 fail, reachable-fips warn, reachable-rfc9151 warn, reachable-other fail"},
		{"mozilla/modern", "sound", nil, "tls1.2-off fail, suites fail, groups fail"},
		{"mozilla/intermediate", "no answer to a request", func(e *results.Endpoint) { e.Protocol.HSTS = nil }, "hsts unknown"},
		{"mozilla/intermediate", "HTTP without an answer", func(e *results.Endpoint) { e.Protocol.HSTS, e.Protocol.HTTP = nil, results.Yes }, "hsts unknown"},
		{"mozilla/intermediate", "no HTTP", func(e *results.Endpoint) { e.Protocol.HSTS, e.Protocol.HTTP = nil, results.No }, "hsts not_applicable"},
		{"mozilla/intermediate", "HTTP without a policy", func(e *results.Endpoint) { *e.Protocol.HSTS = 0 }, "hsts fail"},
		{"mozilla/intermediate", "short HSTS", func(e *results.Endpoint) { *e.Protocol.HSTS = 300 }, "hsts fail"},
		{"mozilla/intermediate", "long certificate", func(e *results.Endpoint) { e.Chains[0].Certificates[0].NotAfter = at.AddDate(2, 0, 0) }, "lifespan fail"},
		{"mozilla/intermediate", "short RSA", func(e *results.Endpoint) {
			e.Chains[0].Certificates[0].KeyType, e.Chains[0].Certificates[0].KeyBits = "RSA", 1024
		}, "rsa-bits fail"},
		{"fips-140-3", "ChaCha20", accept(results.TLSv12, "0xCCA9"), "suites fail"},
		{"fips-140-3", "no extended master secret", func(e *results.Endpoint) { e.Protocol.ExtendedMasterSecret = "no" }, "extended-master-secret fail"},
	}
	for _, test := range tests {
		e := sound(t)
		before := verdicts(t, test.profile, e)
		if test.change != nil {
			test.change(e)
		}
		after := verdicts(t, test.profile, e)
		for _, want := range strings.Split(test.want, ", ") {
			rule, status, _ := strings.Cut(want, " ")
			if want != "" && after[rule] != results.FindingStatus(status) {
				t.Errorf("%s, %s: %s is %s, want %s", test.profile, test.name, rule, after[rule], status)
			}
		}
		for rule, status := range after {
			changed := status == results.FindingFail || status == results.FindingUnknown || status == results.FindingWarn
			if test.change != nil && changed && before[rule] != status && !strings.Contains(test.want, rule+" "+string(status)) {
				t.Errorf("%s, %s: %s is %s too", test.profile, test.name, rule, status)
			}
			if test.change == nil && test.want == "" && changed {
				t.Errorf("%s, %s: %s is %s", test.profile, test.name, rule, status)
			}
		}
	}
}

func verdicts(t *testing.T, profile string, e *results.Endpoint) map[string]results.FindingStatus {
	t.Helper()
	p, err := Builtin().Find(profile)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]results.FindingStatus{}
	for _, f := range Judge(e, p, at) {
		out[f.Rule] = f.Status
	}
	return out
}

// TestDaysLeft counts the last moment that is enough.
func TestDaysLeft(t *testing.T) {
	e := sound(t)
	end := e.Chains[0].Certificates[0].NotAfter
	for left, want := range map[time.Duration]results.FindingStatus{
		30 * 24 * time.Hour: results.FindingPass, 30*24*time.Hour - time.Second: results.FindingFail, -time.Second: results.FindingFail,
	} {
		if got := Judge(e, Expiry(30), end.Add(-left))[0]; got.Status != want {
			t.Errorf("%v left: %s, %s", left, got.Status, got.Observed)
		}
	}
	e.Chains = nil
	if got := Judge(e, Expiry(30), at)[0]; got.Status != results.FindingUnknown {
		t.Errorf("no certificate: %s, %s", got.Status, got.Observed)
	}
}

// TestSharedKeys: one key on two services, one of which speaks SSLv2.
func TestSharedKeys(t *testing.T) {
	a, b, c := sound(t), sound(t), sound(t)
	a.Service, b.Service, c.Service = "a", "b", "c"
	accept(results.SSLv2)(b)
	c.Chains[0].Certificates[0].DER = nil
	p, _ := Builtin().Find("known-weaknesses")
	got := map[string]results.FindingStatus{}
	for _, f := range JudgeTogether([]*results.Endpoint{a, b, c}, p, at) {
		got[f.Service+" "+f.Rule] = f.Status
	}
	for what, want := range map[string]results.FindingStatus{
		"a drown-shared-key": results.FindingFail, "b drown-shared-key": results.FindingPass, "c drown-shared-key": results.FindingUnknown,
		"a key-shared": results.FindingWarn, "b key-shared": results.FindingWarn, "c key-shared": results.FindingUnknown,
	} {
		if got[what] != want {
			t.Errorf("%s: %s, want %s", what, got[what], want)
		}
	}
}

// TestUnsoundKeys makes keys as the faulty generators did.
func TestUnsoundKeys(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	prime := func(bits int) *big.Int {
		n := new(big.Int)
		for range bits / 64 {
			n.Or(n.Lsh(n, 64), new(big.Int).SetUint64(random.Uint64()))
		}
		return nextPrime(n.SetBit(n, bits-1, 1))
	}
	p := prime(512)
	close := nextPrime(new(big.Int).Add(p, big.NewInt(1000)))
	if !hasClosePrimes(&rsa.PublicKey{N: new(big.Int).Mul(p, close), E: 65537}) {
		t.Error("close primes are not told")
	}
	usual := &rsa.PublicKey{N: new(big.Int).Mul(p, prime(512)), E: 65537}
	if hasClosePrimes(usual) || hasROCA(usual) {
		t.Error("a usual key is told for a faulty one")
	}
	if roca := (&rsa.PublicKey{N: new(big.Int).Mul(rocaPrime(random), rocaPrime(random)), E: 65537}); !hasROCA(roca) {
		t.Error("a key of Infineon's form is not told")
	}
}

// rocaPrime is k·M + 65537^a mod M with M the product of the first 39 primes.
func rocaPrime(random *rand.Rand) *big.Int {
	m := big.NewInt(1)
	for n, found := int64(2), 0; found < 39; n++ {
		if big.NewInt(n).ProbablyPrime(10) {
			m.Mul(m, big.NewInt(n))
			found++
		}
	}
	for {
		a := new(big.Int).Exp(big.NewInt(65537), new(big.Int).SetUint64(random.Uint64()), m)
		p := a.Add(a, new(big.Int).Mul(m, new(big.Int).SetUint64(random.Uint64()>>27)))
		if p.ProbablyPrime(10) {
			return p
		}
	}
}

func nextPrime(n *big.Int) *big.Int {
	p := new(big.Int).SetBit(n, 0, 1)
	for !p.ProbablyPrime(10) {
		p.Add(p, big.NewInt(2))
	}
	return p
}
