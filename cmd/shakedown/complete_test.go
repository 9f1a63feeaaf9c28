package main

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"shakedown/bench/lab"
	"shakedown/results"
)

// completed is what a scan found of each suite's completion, by OpenSSL's name
// and version.
func completed(e *results.Endpoint) map[string]results.Answer {
	got := map[string]results.Answer{}
	for version, suites := range e.Suites {
		for _, s := range suites {
			got[string(version)+" "+s.OpenSSL] = s.Completes
		}
	}
	return got
}

// An instance whose RSA key signs in a token but does not decrypt there chooses
// RSA key exchange all the same, and fails: offered is not completed.
func TestCompleteTellsOfferedFromCompleted(t *testing.T) {
	place := func(name string) lab.Place { return lab.Place{Dir: filepath.Join(t.TempDir(), name)} }
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	token, err := lab.NewToken(t.Context(), place("token"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.Generate(t.Context(), "rsa", lab.RSA)
	if err != nil {
		t.Fatal(err)
	}
	inToken, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}, Signer: key})
	if err != nil {
		t.Fatal(err)
	}
	inFile, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}, Key: lab.RSA})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		certificate lab.Certificate
		rsa         results.Answer
	}{{"token", inToken, results.No}, {"file", inFile, results.Yes}} {
		t.Run(c.name, func(t *testing.T) {
			server := started(t)(lab.StartNginx(t.Context(), lab.Nginx{Place: place("nginx-" + c.name), TLS: lab.TLS{
				Certificates: []lab.Certificate{c.certificate}, Protocols: []string{"TLSv1.1", "TLSv1.2", "TLSv1.3"},
				Ciphers: "ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:AES128-GCM-SHA256:AES128-SHA:ECDHE-RSA-CAMELLIA128-SHA256:@SECLEVEL=0",
			}}))
			e := scanOne(t, server.Address, "--sni", "portal.example", "--complete")
			want := map[string]results.Answer{
				"TLSv1.1 ECDHE-RSA-AES256-SHA": "yes", "TLSv1.1 AES128-SHA": c.rsa,
				"TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256": "yes", "TLSv1.2 ECDHE-RSA-AES256-SHA": "yes",
				"TLSv1.2 AES128-GCM-SHA256": c.rsa, "TLSv1.2 AES128-SHA": c.rsa,
				"TLSv1.2 ECDHE-RSA-CAMELLIA128-SHA256": "", // nothing here finishes it: not asked
				"TLSv1.3 TLS_AES_128_GCM_SHA256":       "yes", "TLSv1.3 TLS_AES_256_GCM_SHA384": "yes", "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256": "yes",
			}
			if got := completed(e); !maps.Equal(got, want) {
				t.Errorf("\n got %v\nwant %v\nfailures %+v", got, want, e.Failures)
			}
		})
	}
}

// What nginx is told of sessions is what is found.
func TestResumptionAgreesWithConfiguration(t *testing.T) {
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, extra            string
		id, ticket, psk, early results.Answer
	}{
		{"cache and tickets", "ssl_session_cache shared:c:1m; ssl_session_tickets on;", "yes", "yes", "yes", "no"},
		{"cache alone", "ssl_session_cache shared:c:1m; ssl_session_tickets off;", "yes", "no", "yes", "no"},
		{"tickets alone", "ssl_session_cache off; ssl_session_tickets on;", "no", "yes", "yes", "no"},
		{"nothing", "ssl_session_cache off; ssl_session_tickets off;", "no", "no", "no", "no"},
		{"early data", "ssl_session_cache shared:c:1m; ssl_early_data on;", "yes", "yes", "yes", "yes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := started(t)(lab.StartNginx(t.Context(), lab.Nginx{
				Place: lab.Place{Dir: filepath.Join(t.TempDir(), "nginx")}, Extra: c.extra + "\n", Body: "ok",
				TLS: lab.TLS{Certificates: []lab.Certificate{certificate}},
			}))
			p := scanOne(t, server.Address, "--sni", "portal.example", "--aspect", "protocol").Protocol
			if p.ResumptionID != c.id || p.ResumptionTicket != c.ticket || p.ResumptionPSK != c.psk || p.EarlyData != c.early {
				t.Errorf("id %s, ticket %s, psk %s, early data %s; want %s, %s, %s, %s",
					p.ResumptionID, p.ResumptionTicket, p.ResumptionPSK, p.EarlyData, c.id, c.ticket, c.psk, c.early)
			}
		})
	}
}

// A pass-through load balancer over two instances that differ is seen through,
// and one over two that are alike is steady.
func TestPathTellsServersBehindABalancer(t *testing.T) {
	place := func(name string) lab.Place { return lab.Place{Dir: filepath.Join(t.TempDir(), name)} }
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}})
	if err != nil {
		t.Fatal(err)
	}
	instance := func(name string, protocols ...string) string {
		return started(t)(lab.StartNginx(t.Context(), lab.Nginx{Place: place(name), TLS: lab.TLS{
			Certificates: []lab.Certificate{certificate}, Protocols: protocols, Ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0",
		}})).Address
	}
	i1, i2, drifted := instance("i-1"), instance("i-2"), instance("i-3", "TLSv1.1", "TLSv1.2")
	for _, c := range []struct {
		name     string
		backends []string
		want     results.Steadiness
		votes    []string
	}{
		{"alike", []string{i1, i2}, results.Steady, nil},
		{"drifted", []string{i1, drifted}, results.Drifting, []string{"TLSv1.1", "TLSv1.3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			balancer := started(t)(lab.StartStream(t.Context(), lab.Stream{Place: place("lb"), Backends: c.backends}))
			e := scanOne(t, balancer.Address, "--sni", "portal.example", "--aspect", "path")
			var votes []string
			for _, v := range e.PathFacts.Votes {
				if len(v.Answers) == 2 && (v.Fact == "TLSv1.1" || v.Fact == "TLSv1.3") {
					votes = append(votes, v.Fact)
				}
			}
			if e.PathFacts.Steadiness != c.want {
				t.Errorf("%+v", e.PathFacts)
			}
			for _, v := range votes {
				if !slices.Contains(c.votes, v) {
					t.Errorf("%s differs, of %v", v, c.votes)
				}
			}
			if c.want == results.Drifting && (len(votes) == 0 || e.PathFacts.Servers != 2) {
				t.Errorf("%+v", e.PathFacts)
			}
		})
	}
}
