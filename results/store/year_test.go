// How large a store grows: a year of daily sweeps.

package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"shakedown/results"
)

// BenchmarkYear sweeps 10,000 endpoints daily for a year, one in a hundred of
// which has a new certificate each day; half of them have a finding. It prints
// what the store weighs, at the end and per endpoint and day.
//
//	go test -run '^$' -bench Year -benchtime 1x -timeout 1h ./results/store
func BenchmarkYear(b *testing.B) {
	const endpoints, days = 10_000, 365
	for b.Loop() {
		random := rand.NewChaCha8([32]byte{1})
		path := filepath.Join(b.TempDir(), "store.db")
		s, err := Open(b.Context(), path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		certificates := make([][]byte, endpoints)
		issuer := noise(random, 1100)
		for day := range days {
			r, err := s.Begin(b.Context(), header(24*day))
			if err != nil {
				b.Fatal(err)
			}
			var items []item
			for i := range endpoints {
				if day == 0 || (i+day)%100 == 0 {
					certificates[i] = noise(random, 1300)
				}
				for _, record := range sweptEndpoint(i, day, certificates[i], issuer) {
					p, err := pack(record)
					if err != nil {
						b.Fatal(err)
					}
					items = append(items, item{record, p})
				}
				if len(items) >= batch {
					if err := r.put(b.Context(), items); err != nil {
						b.Fatal(err)
					}
					items = items[:0]
				}
			}
			if err := r.put(b.Context(), items); err != nil {
				b.Fatal(err)
			}
		}
		s.dialect.shrink(b.Context(), s.db)
		s.Close()
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/1e6, "MB")
		b.ReportMetric(float64(info.Size())/endpoints/days, "B/endpoint-day")
	}
}

func noise(random *rand.ChaCha8, n int) []byte {
	der := make([]byte, n)
	random.Read(der) // never fails
	return der
}

// sweptEndpoint is a default nginx and what a profile says of it.
func sweptEndpoint(i, day int, certificate, issuer []byte) []results.Record {
	name := fmt.Sprintf("i-%d", i)
	e := endpoint(name, string(certificate))
	e.Service, e.Address = fmt.Sprintf("service-%d", i/5), fmt.Sprintf("10.%d.%d.%d:443", i>>16, i>>8&255, i&255)
	e.StartedAt, e.ElapsedMS = at.AddDate(0, 0, day).Add(time.Duration(i)*time.Millisecond), float64(i%977)/7
	sum := sha256.Sum256(issuer)
	e.Chains[0].Certificates = append(e.Chains[0].Certificates, results.Cert{SHA256: hex.EncodeToString(sum[:]), Subject: "CN=Issuer", DER: issuer})
	e.Suites = map[results.Version][]results.Suite{}
	for k := range 27 {
		e.Suites[results.TLSv12] = append(e.Suites[results.TLSv12], results.Suite{ID: fmt.Sprintf("0xC0%02X", k), Name: fmt.Sprintf("TLS_ECDHE_RSA_WITH_AES_%d_GCM_SHA256", k)})
	}
	found := []results.Record{e}
	if i%2 == 0 {
		found = append(found, &results.Finding{Service: e.Service, Path: e.Path, Address: e.Address, Profile: "nist-800-52r2", Rule: "tls1.0-off",
			Status: results.FindingFail, Severity: results.High, Expected: "no TLS 1.0", Observed: "TLS 1.0 is served", Citation: "NIST SP 800-52r2 §3.1"})
	}
	return found
}
