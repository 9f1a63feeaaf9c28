package main

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"shakedown/bench/lab"
	"shakedown/results"
)

// truth is what a configuration says, as a scan must find it.
type truth struct {
	versions   []results.Version
	suites     map[results.Version][]string // OpenSSL's names, in the server's order
	groups     map[results.Version][]string // IANA's names, in the server's order
	preference map[results.Version]results.Preference
}

// The configurations are written here, the expectation beside each: nothing of
// it comes from a scan. Orders are such as no default has.
var (
	instanceTLS = lab.TLS{
		Protocols:    []string{"TLSv1.2", "TLSv1.3"},
		Ciphers:      "ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-CCM",
		Ciphersuites: "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_256_GCM_SHA384",
		Curves:       "P-384:X25519:P-256", Preference: lab.ServerPreference,
	}
	instanceTruth = truth{
		versions: []results.Version{results.TLSv12, results.TLSv13},
		suites: map[results.Version][]string{
			results.TLSv12: {"ECDHE-RSA-AES256-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-CCM"},
			results.TLSv13: {"TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256", "TLS_AES_256_GCM_SHA384"},
		},
		groups: map[results.Version][]string{
			results.TLSv12: {"secp384r1", "X25519", "secp256r1"},
			results.TLSv13: {"secp384r1", "X25519", "secp256r1"},
		},
		preference: map[results.Version]results.Preference{results.TLSv12: "server", results.TLSv13: "server"},
	}

	driftedTLS = lab.TLS{
		Protocols: []string{"TLSv1", "TLSv1.1", "TLSv1.2"},
		Ciphers:   "AES256-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA256:CAMELLIA128-SHA:ECDHE-RSA-NULL-SHA:@SECLEVEL=0",
		Curves:    "P-521:P-256", Preference: lab.ServerPreference,
	}
	driftedTruth = truth{
		versions: []results.Version{results.TLSv10, results.TLSv11, results.TLSv12},
		suites: map[results.Version][]string{
			results.TLSv10: {"AES256-SHA", "ECDHE-RSA-AES128-SHA", "CAMELLIA128-SHA", "ECDHE-RSA-NULL-SHA"},
			results.TLSv11: {"AES256-SHA", "ECDHE-RSA-AES128-SHA", "CAMELLIA128-SHA", "ECDHE-RSA-NULL-SHA"},
			results.TLSv12: {"AES256-SHA", "ECDHE-RSA-AES128-SHA", "AES128-SHA256", "CAMELLIA128-SHA", "ECDHE-RSA-NULL-SHA"},
		},
		groups:     map[results.Version][]string{results.TLSv12: {"secp521r1", "secp256r1"}},
		preference: map[results.Version]results.Preference{results.TLSv10: "server", results.TLSv11: "server", results.TLSv12: "server"},
	}

	balancerTLS = lab.TLS{
		Protocols:    []string{"TLSv1.2", "TLSv1.3"},
		Ciphers:      "ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305",
		Ciphersuites: "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256",
		Curves:       "X25519:P-384:P-256", Preference: lab.ServerPreference,
	}
	balancerTruth = truth{
		versions: []results.Version{results.TLSv12, results.TLSv13},
		suites: map[results.Version][]string{
			results.TLSv12: {"ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
			results.TLSv13: {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"},
		},
		groups: map[results.Version][]string{
			// The certificate is on P-256 and OpenSSL uses X25519 wherever both
			// are offered; P-384 comes next. P-256 itself is last.
			results.TLSv12: {"X25519", "secp384r1", "secp256r1"},
			results.TLSv13: {"X25519", "secp384r1", "secp256r1"},
		},
		// HAProxy sets OpenSSL's PRIORITIZE_CHACHA: a client that puts ChaCha20
		// first gets it, whatever the server's order.
		preference: map[results.Version]results.Preference{results.TLSv12: "mixed", results.TLSv13: "server"},
	}
)

// A balancer with certificates of both kinds. HAProxy chooses the certificate
// first, ECDSA wherever the client can have it, and then a suite for it: ECDSA's
// suites come first, in their order, then RSA's in theirs.
var (
	dualTLS = lab.TLS{
		Protocols:    []string{"TLSv1.2", "TLSv1.3"},
		Ciphers:      "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:AES128-GCM-SHA256",
		Ciphersuites: "TLS_AES_256_GCM_SHA384",
		Curves:       "X25519:P-256", Preference: lab.ServerPreference,
	}
	dualTruth = truth{
		versions: []results.Version{results.TLSv12, results.TLSv13},
		suites: map[results.Version][]string{
			results.TLSv12: {"ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA256", "AES128-GCM-SHA256"},
			results.TLSv13: {"TLS_AES_256_GCM_SHA384"},
		},
		groups:     map[results.Version][]string{results.TLSv12: {"X25519", "secp256r1"}, results.TLSv13: {"X25519", "secp256r1"}},
		preference: map[results.Version]results.Preference{results.TLSv12: "server"},
	}
)

// TestScanAgreesWithConfiguration scans real servers and expects what their
// configurations say: versions, suites in order, groups in order.
func TestScanAgreesWithConfiguration(t *testing.T) {
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	issue := func(key lab.KeyType) lab.Certificate {
		c, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ec, rsa := issue(lab.ECDSA), issue(lab.RSA)
	dir := t.TempDir()
	place := func(name string) lab.Place { return lab.Place{Dir: filepath.Join(dir, name)} }

	instanceTLS, driftedTLS, balancerTLS := instanceTLS, driftedTLS, balancerTLS
	instanceTLS.Certificates = []lab.Certificate{rsa, ec}
	driftedTLS.Certificates = []lab.Certificate{rsa}
	balancerTLS.Certificates = []lab.Certificate{ec}

	instance := started(t)(lab.StartNginx(t.Context(), lab.Nginx{Place: place("instance"), TLS: instanceTLS, Plain: true}))
	drifted := started(t)(lab.StartNginx(t.Context(), lab.Nginx{Place: place("drifted"), TLS: driftedTLS}))
	balancer := started(t)(lab.StartHAProxy(t.Context(), lab.HAProxy{
		Place: place("balancer"), TLS: balancerTLS, Backends: []lab.Backend{{Name: "i-1", Address: instance.Plain}},
	}))
	dualTLS := dualTLS
	dualTLS.Certificates = []lab.Certificate{rsa, ec}
	dual := started(t)(lab.StartHAProxy(t.Context(), lab.HAProxy{
		Place: place("dual"), TLS: dualTLS, Backends: []lab.Backend{{Name: "i-1", Address: instance.Plain}},
	}))
	stream := started(t)(lab.StartStream(t.Context(), lab.Stream{Place: place("stream"), Backends: []string{instance.Address}}))

	for _, c := range []struct {
		server *lab.Server
		want   truth
		chains []string // of the leaf's key
	}{
		{instance, instanceTruth, []string{"ECDSA", "RSA"}},
		{drifted, driftedTruth, []string{"RSA"}},
		{balancer, balancerTruth, []string{"ECDSA"}},
		{dual, dualTruth, []string{"ECDSA", "RSA"}},
		{stream, instanceTruth, []string{"ECDSA", "RSA"}},
	} {
		t.Run(c.server.Name, func(t *testing.T) {
			e := scanOne(t, c.server.Address, "--sni", "portal.example")
			c.want.check(t, e)
			var auths []string
			for _, chain := range e.Chains {
				auths = append(auths, chain.Auth)
			}
			slices.Sort(auths)
			for _, auth := range c.chains {
				for v, list := range e.SignatureSchemes {
					prefix := strings.ToLower(auth) + "_"
					if !slices.ContainsFunc(list, func(n results.Named) bool { return strings.HasPrefix(n.Name, prefix) }) {
						t.Errorf("no %s… among the signature schemes of %s, of which there is a certificate: %v", prefix, v, list)
					}
				}
			}
			if !slices.Equal(auths, c.chains) {
				t.Errorf("chains by key: %v, want %v", auths, c.chains)
			}
		})
	}
}

// started stops the server when the test ends.
func started(t *testing.T) func(*lab.Server, error) *lab.Server {
	return func(s *lab.Server, err error) *lab.Server {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Stop(t.Context()); err != nil && t.Context().Err() == nil {
				t.Error(err)
			}
		})
		return s
	}
}

// scanOne runs the verb and returns its one endpoint.
func scanOne(t *testing.T, args ...string) *results.Endpoint {
	t.Helper()
	e, code := scanAny(t, args...)
	if code != exitGood {
		t.Fatalf("exit %d: %s, failures %+v, undetermined %+v, protocol %+v", code, e.Status, e.Failures, e.Undetermined, e.Protocol)
	}
	return e
}

// scanAny is scanOne with whatever exit code.
func scanAny(t *testing.T, args ...string) (*results.Endpoint, int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), append([]string{"scan", "--format", "json"}, args...), strings.NewReader(""), &stdout, &stderr)
	d, err := results.NewDecoder(&stdout)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Next(); err != io.EOF || d.Trailer() == nil || !d.Trailer().Complete {
		t.Fatalf("the run does not end as it should: %v", err)
	}
	return rec.(*results.Endpoint), code
}

func (want truth) check(t *testing.T, e *results.Endpoint) {
	t.Helper()
	if e.Status != results.Complete {
		t.Errorf("status %s, failures %+v, undetermined %+v", e.Status, e.Failures, e.Undetermined)
	}
	for v, got := range e.Versions {
		expected := results.No
		if slices.Contains(want.versions, v) {
			expected = results.Yes
		}
		if got != expected {
			t.Errorf("%s: %s, want %s", v, got, expected)
		}
	}
	suites := map[results.Version][]string{}
	for v, list := range e.Suites {
		for _, s := range list {
			suites[v] = append(suites[v], cmp.Or(s.OpenSSL, s.ID))
		}
	}
	if !maps.EqualFunc(suites, want.suites, slices.Equal) {
		t.Errorf("suites\n got %v\nwant %v", suites, want.suites)
	}
	groups := map[results.Version][]string{}
	for v, list := range e.Groups {
		for _, g := range list {
			groups[v] = append(groups[v], g.Name)
		}
	}
	if !maps.EqualFunc(groups, want.groups, slices.Equal) {
		t.Errorf("groups\n got %v\nwant %v", groups, want.groups)
	}
	if !maps.Equal(e.Preference, want.preference) {
		t.Errorf("preference %v, want %v", e.Preference, want.preference)
	}
}
