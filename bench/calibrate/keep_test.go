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
		{Part: Floor},
		{Part: Wire, Subject: "lean", Phase: "handshake", Quantile: "p50", DifferenceUS: &off, Verdict: results.CalibrationPass},
		{Part: Wire, Subject: "stock", Phase: "connect", Quantile: "p50", DifferenceUS: &off},
		{Part: Same, Verdict: results.CalibrationUnknown},
	} {
		stream.Put(c)
		if c.Part == Floor && k.Whole() {
			t.Error("whole without the wire")
		}
	}
	stream.Finish(0, true, at)
	if !k.Whole() {
		t.Fatal("not whole")
	}
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
		len(got.WireUS) != 1 || got.WireUS["handshake"] != off || got.StallError == nil || *got.StallError != 0.012 {
		t.Errorf("%+v", got)
	}
	testNotKept(t, file, here)
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
