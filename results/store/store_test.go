// What a store promises, held against SQLite and PostgreSQL alike.

package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/results/store/storetest"
)

var at = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

var server *storetest.Server

func TestMain(m *testing.M) {
	var err error
	if server, err = storetest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

// everywhere runs a test on a new store of each kind.
func everywhere(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "a store?.db")) })
	t.Run("postgres", func(t *testing.T) {
		dsn, err := server.Database(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		test(t, dsn)
	})
}

func openTest(t *testing.T, dsn string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// endpoint is one that was determined, with a certificate of its own content.
func endpoint(path string, certificate string) *results.Endpoint {
	der := []byte(certificate)
	sum := sha256.Sum256(der)
	return &results.Endpoint{
		Service: "portal", Path: path, Target: path + ":443", Address: "127.0.0.1:443", StartedAt: at.Add(1234567), Status: results.Complete,
		Connections: 31, ElapsedMS: 84.2, Failures: []results.Failure{},
		Versions: map[results.Version]results.Answer{results.TLSv12: results.Yes},
		Chains: []results.Chain{{ServerName: "portal", Auth: "RSA", Trusted: results.Yes, SelfSigned: results.SelfSignedNo, Problems: []results.Problem{},
			Certificates: []results.Cert{{SHA256: hex.EncodeToString(sum[:]), Subject: "CN=" + path, DER: der}}}},
	}
}

func header(n int) results.Header {
	return results.Header{ToolVersion: "test", StartedAt: at.Add(time.Duration(n) * time.Hour), Command: "sweep", Inventory: "i.yaml"}
}

func begin(t *testing.T, s *Store, n int) *Run {
	t.Helper()
	r, err := s.Begin(t.Context(), header(n))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func put(t *testing.T, r *Run, records ...results.Record) {
	t.Helper()
	if err := r.Put(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
}

func finish(t *testing.T, r *Run, n int) {
	t.Helper()
	if err := r.Finish(t.Context(), results.Trailer{Records: n, Complete: true, EndedAt: at}); err != nil {
		t.Fatal(err)
	}
}

// exported is a run as JSON Lines.
func exported(t *testing.T, s *Store, ref string) string {
	t.Helper()
	info, err := s.Find(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.Export(t.Context(), info, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRunComesBackAsItWasPut(t *testing.T) {
	everywhere(t, func(t *testing.T, dsn string) {
		s := openTest(t, dsn)
		sent := []results.Record{
			endpoint("i-1", "A"), endpoint("i-2", "A"),
			&results.Finding{Service: "portal", Path: "i-1", Rule: "r", Status: results.FindingFail, Severity: results.High},
			&results.Endpoint{Service: "portal", Path: "i-3", Status: results.Failed}, // without a time
			&results.Other{Kind: "later", JSON: []byte(`{"record":"later","x":1}`)},
		}
		r := begin(t, s, 0)
		var want bytes.Buffer
		sink := results.NewStream(header(0), results.NewEncoder(&want), r.Sink(t.Context()))
		for _, record := range sent {
			if err := sink.Put(record); err != nil {
				t.Fatal(err)
			}
		}
		if err := sink.Finish(0, true, at); err != nil {
			t.Fatal(err)
		}
		if got := exported(t, s, r.ID); got != want.String() {
			t.Errorf("came back as\n%s, was\n%s", got, want.String())
		}
	})
}

func TestImportGivesTheSameLinesBack(t *testing.T) {
	golden, err := os.ReadFile("../testdata/shakedown-1.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	newer := `{"record":"header","schema":"shakedown/1","tool_version":"9","started_at":"2026-11-22T10:00:00+02:00","command":"scan","added":1}` + "\n" +
		`{"record":"endpoint","service":"s","path":"p","target":"t","address":"a","started_at":"2026-11-22T10:00:00.5+02:00","status":"complete",` +
		`"connections":1,"elapsed_ms":1,"failures":[],"undetermined":{},"a_later_fact":"yes"}` + "\n"
	everywhere(t, func(t *testing.T, dsn string) {
		s := openTest(t, dsn)
		for name, lines := range map[string]string{"every record": string(golden), "of a later version, cut off": newer} {
			d, err := results.NewDecoder(bytes.NewReader([]byte(lines)))
			if err != nil {
				t.Fatal(err)
			}
			info, err := s.Import(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			if got := exported(t, s, info.ID); got != lines {
				t.Errorf("%s: came back as\n%s, was\n%s", name, got, lines)
			}
		}
		broken, err := results.NewDecoder(bytes.NewReader(append(bytes.Clone(golden[:bytes.LastIndexByte(golden[:len(golden)-1], '\n')]), "\n{}\n"...)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Import(t.Context(), broken); err == nil {
			t.Error("a broken run is imported")
		}
		if runs, _ := s.Runs(t.Context()); len(runs) != 2 {
			t.Errorf("%d runs after a failed import, want 2", len(runs))
		}
	})
}

func TestWhatDidNotChangeIsKeptOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, dsn string) {
		s := openTest(t, dsn)
		for n := range 3 {
			r := begin(t, s, n)
			e := endpoint("i-1", "A")
			e.StartedAt, e.ElapsedMS, e.Connections = at.Add(time.Duration(n)*time.Hour), float64(n), n
			put(t, r, e, endpoint("i-2", "A"))
			finish(t, r, 2)
		}
		var blobs int
		if err := s.db.QueryRow("SELECT count(*) FROM blob").Scan(&blobs); err != nil {
			t.Fatal(err)
		}
		if blobs != 3 { // two endpoints, one certificate
			t.Errorf("%d blobs, want 3", blobs)
		}
	})
}

func TestFind(t *testing.T) {
	everywhere(t, func(t *testing.T, dsn string) {
		s := openTest(t, dsn)
		for _, n := range []int{0, 0, 24, -24} { // the last by a clock that was set back
			begin(t, s, n)
		}
		for ref, want := range map[string]string{
			"20261122-080000": "20261122-080000", "20261122-080000-2": "20261122-080000-2", "20261123": "20261123-080000",
			"latest": "20261121-080000", "latest~1": "20261123-080000", "latest~3": "20261122-080000",
		} {
			if got, err := s.Find(t.Context(), ref); err != nil || got.ID != want {
				t.Errorf("%s is run %q, %v; want %s", ref, got.ID, err, want)
			}
		}
		for _, ref := range []string{"", "nothing", "latest~4", "latest~-1", "%", "202611_"} {
			if got, err := s.Find(t.Context(), ref); !errors.Is(err, ErrNoRun) {
				t.Errorf("%q is run %q, %v", ref, got.ID, err)
			}
		}
		if _, err := s.Find(t.Context(), "2026"); err == nil || errors.Is(err, ErrNoRun) {
			t.Errorf("2026 may be several: %v", err)
		}
	})
}

func TestLastKnownOutlivesFailures(t *testing.T) {
	everywhere(t, func(t *testing.T, dsn string) {
		s := openTest(t, dsn)
		first := begin(t, s, 0)
		put(t, first, endpoint("i-1", "A"))
		dead := endpoint("i-1", "A")
		dead.Status, dead.Versions, dead.Chains, dead.StartedAt = results.Failed, nil, nil, at.Add(time.Hour)
		put(t, begin(t, s, 1), dead)
		known, err := s.LastKnown(t.Context(), "portal", "i-1", "i-1:443", "127.0.0.1:443")
		if err != nil || known == nil {
			t.Fatal(known, err)
		}
		if known.Run != first.ID || !known.Endpoint.StartedAt.Equal(at.Add(1234567)) || string(known.Endpoint.Chains[0].Certificates[0].DER) != "A" {
			t.Errorf("known: %+v", known)
		}
		if none, err := s.LastKnown(t.Context(), "portal", "i-9", "", ""); none != nil || err != nil {
			t.Errorf("of an endpoint that was never seen %v, %v is known", none, err)
		}
	})
}

// Of two runs only what is otherwise comes back, endpoints and findings alike,
// whatever passed meanwhile.
func TestUnlike(t *testing.T) {
	everywhere(t, func(t *testing.T, dsn string) {
		s := openTest(t, dsn)
		finding := func(path string, status results.FindingStatus) *results.Finding {
			return &results.Finding{Service: "portal", Path: path, Rule: "tls1.0-off", Status: status}
		}
		later := func(e *results.Endpoint) *results.Endpoint {
			e.StartedAt, e.ElapsedMS, e.Connections = e.StartedAt.Add(time.Hour), 99, 32
			return e
		}
		old, now := begin(t, s, 0), begin(t, s, 1)
		put(t, old, endpoint("same", "a"), finding("same", results.FindingFail), endpoint("other", "a"), finding("other", results.FindingFail), endpoint("gone", "a"))
		put(t, now, later(endpoint("same", "a")), finding("same", results.FindingFail), later(endpoint("other", "b")), finding("other", results.FindingPass))
		unlike := func(run, other *Run) (list []string) {
			a, err := s.Find(t.Context(), run.ID)
			if err != nil {
				t.Fatal(err)
			}
			b, err := s.Find(t.Context(), other.ID)
			if err != nil {
				t.Fatal(err)
			}
			for r, err := range s.Unlike(t.Context(), a, b) {
				if err != nil {
					t.Fatal(err)
				}
				switch r := r.(type) {
				case *results.Endpoint:
					list = append(list, fmt.Sprintf("%s %s", r.Path, r.Chains[0].Certificates[0].DER))
				case *results.Finding:
					list = append(list, fmt.Sprintf("%s %s", r.Path, r.Status))
				}
			}
			return list
		}
		if got := fmt.Sprint(unlike(old, now)); got != "[other a other fail gone a]" {
			t.Errorf("of the old run: %s", got)
		}
		if got := fmt.Sprint(unlike(now, old)); got != "[other b other pass]" {
			t.Errorf("of the new run: %s", got)
		}
	})
}

func TestPrune(t *testing.T) {
	everywhere(t, func(t *testing.T, dsn string) {
		s := openTest(t, dsn)
		for n := range 4 {
			r := begin(t, s, n)
			put(t, r, endpoint("i-1", fmt.Sprint("renewed ", n)), &results.Endpoint{Service: "gone", Path: fmt.Sprint(n), StartedAt: at, Status: results.Failed})
			if n == 0 {
				put(t, r, endpoint("i-2", "once"))
			}
			finish(t, r, 2)
		}
		n, err := s.Prune(t.Context(), at.Add(24*time.Hour), 2)
		if n != 2 || err != nil {
			t.Fatal(n, err)
		}
		counts := map[string]int{"run": 2, "entry": 4, "subject": 4, "blob": 2*3 + 2}
		for table, want := range counts {
			var got int
			if err := s.db.QueryRow("SELECT count(*) FROM " + table).Scan(&got); err != nil || got != want {
				t.Errorf("%d rows in %s, %v; want %d", got, table, err, want)
			}
		}
		if known, err := s.LastKnown(t.Context(), "portal", "i-2", "i-2:443", "127.0.0.1:443"); known == nil || err != nil {
			t.Errorf("what was known of a silent endpoint is gone: %v, %v", known, err)
		}
		if n, err := s.Prune(t.Context(), at, 0); n != 0 || err != nil {
			t.Errorf("pruned %d runs that are not older, %v", n, err)
		}
	})
}

func TestResume(t *testing.T) {
	everywhere(t, func(t *testing.T, dsn string) {
		s := openTest(t, dsn)
		cut := begin(t, s, 0)
		put(t, cut, endpoint("i-1", "A"))
		info, err := s.Unfinished(t.Context(), "sweep", "i.yaml")
		if err != nil || info == nil || info.ID != cut.ID {
			t.Fatal(info, err)
		}
		r, err := s.Resume(t.Context(), info.ID)
		if err != nil {
			t.Fatal(err)
		}
		put(t, r, endpoint("i-2", "A"))
		finish(t, r, 2)
		if info, err := s.Unfinished(t.Context(), "sweep", "i.yaml"); info != nil || err != nil {
			t.Errorf("unfinished after its end: %v, %v", info, err)
		}
		if _, err := s.Resume(t.Context(), r.ID); err == nil {
			t.Error("a run that has ended is resumed")
		}
	})
}

func TestLock(t *testing.T) {
	everywhere(t, func(t *testing.T, dsn string) {
		one, two := openTest(t, dsn), openTest(t, dsn)
		release, err := one.Lock(t.Context(), "i.yaml", false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := two.Lock(t.Context(), "i.yaml", false); !errors.Is(err, ErrLocked) {
			t.Errorf("locked twice: %v", err)
		}
		other, err := two.Lock(t.Context(), "another.yaml", false)
		if err != nil {
			t.Errorf("the lock of another name: %v", err)
		} else {
			other()
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := two.Lock(ended, "i.yaml", true); !errors.Is(err, context.Canceled) {
			t.Errorf("waiting was not interrupted: %v", err)
		}
		release()
		again, err := two.Lock(t.Context(), "i.yaml", true)
		if err != nil {
			t.Fatal(err)
		}
		again()
	})
}

func TestNewerTablesAreRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, dsn string) {
		s := openTest(t, dsn)
		tx, err := s.db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.dialect.setVersion(t.Context(), tx, 99); err != nil {
			t.Fatal(err)
		}
		tx.Commit()
		s.Close()
		if _, err := Open(t.Context(), dsn, Options{}); err == nil || !bytes.Contains([]byte(err.Error()), []byte("newer shakedown")) {
			t.Errorf("opened, or badly refused: %v", err)
		}
	})
}
