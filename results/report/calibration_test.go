package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"shakedown/results"
)

// A calibration's parts each come to a sentence, in text and on the page; what
// failed or is unknown says so.
func TestCalibration(t *testing.T) {
	off, twelve, limit := 0.0061, 12, 18
	near := 5.67
	at := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	records := []results.Record{
		&results.Header{Command: "calibrate", StartedAt: at},
		&results.Calibration{Part: "stall", Subject: "freeze", Quantile: "p99", ExpectedUS: 790000, MeasuredUS: 794819, ErrorRatio: &off, LimitRatio: 0.02, Verdict: results.CalibrationPass},
		&results.Calibration{Part: "wire", Subject: "lean", Phase: "connect", Quantile: "p50", RatePerS: 1000, DifferenceUS: &near, BiasUS: &near, LimitUS: 20, Verdict: results.CalibrationPass},
		&results.Calibration{Part: "same", Runs: 200, Unfit: 1, Found: &twelve, Limit: &limit, Verdict: results.CalibrationPass},
		&results.Calibration{Part: "planted", Verdict: results.CalibrationUnknown, Why: "too \x1b[31mbusy"},
		&results.Trailer{Records: 4, Complete: true},
	}
	for format, mark := range map[string]string{"text": "! planted: ", "html": `<li class="warn">`} {
		var b bytes.Buffer
		sink, err := New(format, &b, Options{Width: 160})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if err := sink.Put(r); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []string{
			"the p99 of stalled servers is off by 0.610 % at most (2 % are allowed)", "off the wire by 5.67 µs (connect)",
			"12 of 199 comparisons of a path with itself are called different (18 may be, at 95 %)", "unknown: too ", mark,
		} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: no %q in\n%s", format, want, b.String())
			}
		}
		if strings.Contains(b.String(), "\x1b") {
			t.Errorf("%s passes an escape on", format)
		}
	}
}

func TestCalibrated(t *testing.T) {
	at := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	off := 0.0061
	c := &results.Calibrated{At: at, Verdict: results.CalibrationPass, WireUS: map[string]float64{"handshake": 2.8}, StallError: &off}
	for after, want := range map[time.Duration]string{
		time.Second:    "calibrated just before on this machine: handshake within 2.80 µs of the wire, p99 of a stalled server within 0.610 %",
		75 * time.Hour: "calibrated 3 days before on this machine: handshake within 2.80 µs of the wire, p99 of a stalled server within 0.610 %",
	} {
		if got := calibrated(results.Header{StartedAt: at.Add(after), Calibration: c}); got != want {
			t.Errorf("after %v: %q", after, got)
		}
	}
	if got := calibrated(results.Header{}); got != "" {
		t.Errorf("without one: %q", got)
	}
	floor := 212.4
	all := &results.Calibrated{
		At: at, Verdict: results.CalibrationUnknown, StallError: &off, FloorUS: &floor, Unknown: []string{"wire"},
		Same: &results.Hits{Found: 12, Of: 199}, Planted: &results.Hits{Found: 98, Of: 100, Ratio: 1.05},
	}
	if got, want := calibrated(results.Header{StartedAt: at, Calibration: all}), "calibrated just before on this machine: p99 of a stalled server within 0.610 %, "+
		"no handshake under 0.212 ms, 12 of 199 comparisons of a path with itself called different, 5 % slower found 98 times of 100, unknown: wire"; got != want {
		t.Errorf("%q", got)
	}
	failed := &results.Calibrated{At: at, Verdict: results.CalibrationFail, Failed: []string{"same"}}
	if got := calibrated(results.Header{StartedAt: at.Add(3 * time.Hour), Calibration: failed}); got != "calibrated 3 hours before on this machine, which it failed (same)" {
		t.Errorf("%q", got)
	}
}
