package calibrate

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"shakedown/results"
)

func TestKeep(t *testing.T) {
	here := results.Machine{ID: "a", Kernel: "6.1", CPU: "some", CPUs: 2}
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	off, slow, small := 5.5, -0.012, 0.004
	k := &Keeper{}
	stream := results.NewStream(results.Header{Command: "calibrate", StartedAt: at, ToolVersion: "v1", Machine: &here}, k)
	for _, c := range []*results.Calibration{
		{Part: Stall, Quantile: "p50", ErrorRatio: &off},
		{Part: Stall, Quantile: "p99", ErrorRatio: &slow, LimitRatio: 0.02, Verdict: results.CalibrationPass},
		{Part: Stall, Quantile: "p99", ErrorRatio: &small, LimitRatio: 0.02, Verdict: results.CalibrationPass},
		{Part: Floor, Phase: "handshake", Quantile: "p50", MeasuredUS: 210},
		{Part: Wire, Subject: "lean", Phase: "handshake", Quantile: "p50", DifferenceUS: &off, Verdict: results.CalibrationPass},
		{Part: Wire, Subject: "stock", Phase: "connect", Quantile: "p50", DifferenceUS: &off},
		{Part: Same, Verdict: results.CalibrationUnknown},
	} {
		stream.Put(c)
	}
	stream.Finish(0, true, at)
	file := filepath.Join(t.TempDir(), "state", "calibration.jsonl")
	for range 2 { // the second replaces the first
		if err := k.Save(file); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	got := Kept(file, here)
	if got == nil || !got.At.Equal(at) || got.Version != "v1" || got.Verdict != results.CalibrationUnknown ||
		len(got.WireUS) != 1 || got.WireUS["handshake"] != off || got.StallError == nil || *got.StallError != 0.012 ||
		got.FloorUS == nil || *got.FloorUS != 210 || got.Same != nil || len(got.Unknown) != 1 || got.Unknown[0] != Same || got.Failed != nil {
		t.Errorf("%+v", got)
	}
	testNotKept(t, file, here)
}

// A run of some parts replaces those and leaves the rest, which say how old they
// are; one that found nothing out, or less, replaces nothing.
func TestKeepByPart(t *testing.T) {
	here := results.Machine{ID: "a"}
	file := filepath.Join(t.TempDir(), "calibration.jsonl")
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	same := func(found, runs int, verdict string) *results.Calibration {
		return &results.Calibration{Part: Same, Found: &found, Runs: runs, Verdict: verdict}
	}
	floor := func(us float64) *results.Calibration {
		return &results.Calibration{Part: Floor, Phase: "handshake", Quantile: "p50", MeasuredUS: us}
	}
	for n, c := range []struct {
		checks []*results.Calibration
		since  int
		same   results.Hits
		floor  float64
		failed int
	}{
		{[]*results.Calibration{floor(210), same(0, 10, results.CalibrationPass)}, 1, results.Hits{Found: 0, Of: 10}, 210, 0},
		{[]*results.Calibration{same(12, 200, results.CalibrationPass)}, 1, results.Hits{Found: 12, Of: 200}, 210, 0},
		{[]*results.Calibration{floor(190)}, 2, results.Hits{Found: 12, Of: 200}, 190, 0},
		{[]*results.Calibration{same(1, 10, results.CalibrationPass)}, 2, results.Hits{Found: 12, Of: 200}, 190, 0},
		{[]*results.Calibration{same(0, 10, results.CalibrationUnknown)}, 2, results.Hits{Found: 12, Of: 200}, 190, 0},
		{[]*results.Calibration{same(9, 10, results.CalibrationFail)}, 3, results.Hits{Found: 9, Of: 10}, 190, 1},
		{[]*results.Calibration{same(1, 10, results.CalibrationPass)}, 3, results.Hits{Found: 1, Of: 10}, 190, 0},
	} {
		k := &Keeper{}
		stream := results.NewStream(results.Header{Command: "calibrate", StartedAt: day(n + 1), Machine: &here}, k)
		for _, check := range c.checks {
			stream.Put(check)
		}
		stream.Finish(0, true, day(n+1))
		if err := k.Save(file); err != nil {
			t.Fatal(err)
		}
		got := Kept(file, here)
		if got == nil || !got.At.Equal(day(c.since)) || *got.Same != c.same || *got.FloorUS != c.floor || len(got.Failed) != c.failed {
			t.Fatalf("after run %d: %+v, %+v", n+1, got, got.Same)
		}
	}
}

// What was made elsewhere, or is not whole, is not shown as this machine's.
func testNotKept(t *testing.T, file string, here results.Machine) {
	for _, other := range []results.Machine{{ID: "b", Kernel: "6.1", CPU: "some", CPUs: 2}, {ID: "a", Kernel: "6.2", CPU: "some", CPUs: 2}, {}} {
		if Kept(file, other) != nil {
			t.Errorf("%+v shows the calibration of %+v", other, here)
		}
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{nil, []byte("nonsense\n"), whole[:len(whole)/2], whole[:len(whole)-20]} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if Kept(file, here) != nil {
			t.Errorf("a file of %d bytes of %d counts", len(text), len(whole))
		}
	}
	if Kept(file+"x", here) != nil || Kept("", here) != nil {
		t.Error("a file that is not there counts")
	}
}

func TestDefaultFile(t *testing.T) {
	for _, c := range []struct{ state, home, want string }{
		{"/s", "/h", "/s/shakedown/calibration.jsonl"},
		{"", "/h", "/h/.local/state/shakedown/calibration.jsonl"},
		{"relative", "/h", "/h/.local/state/shakedown/calibration.jsonl"},
		{"", "", ""},
	} {
		env := map[string]string{"XDG_STATE_HOME": c.state, "HOME": c.home}
		if got := DefaultFile(func(k string) string { return env[k] }); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
