package report

import (
	"bytes"
	"strings"
	"testing"

	"shakedown/results"
)

func rampRun(saturated bool) Run {
	shape := results.Shape{Version: results.TLSv13}
	intervals := []results.RampInterval{
		{AtS: 0, DurationS: 2, OfferedRate: 150, Due: 300, Handshakes: 300, Completed: 300, P50US: 900, P99US: 2100, TotalP99US: 2300},
		{AtS: 2, DurationS: 2, OfferedRate: 250, Due: 500, Handshakes: 480, Completed: 470, P50US: 1200, P99US: 41000, TotalP99US: 43700},
		{AtS: 4, DurationS: 2, OfferedRate: 350, Due: 700},
	}
	return closed(Run{Header: results.Header{Schema: results.Schema, Command: "bench", StartedAt: runTime}, Records: []results.Record{
		&results.Block{Trial: "r", DurationS: 6, Handshakes: 780, Ramp: intervals},
		&results.Trial{Service: "s", Path: "p", Address: "192.0.2.1:443", Trial: "r", Loop: results.OpenLoop, OfferedRate: 250, Asked: shape,
			Ramp: &results.Ramp{FromRate: 100, ToRate: 400}, Due: 1500, Handshakes: 780, Abandoned: 720, InvalidWhy: []string{"abandoned"},
			Generator: results.Generator{Saturated: saturated}},
	}}, 3)
}

// A ramp is told interval by interval, what was lost included; its curve has the
// intervals in which something was measured, and is not drawn where it shows the
// generator.
func TestRamp(t *testing.T) {
	var text bytes.Buffer
	if err := writeText(&text, newDigest([]Run{rampRun(false)}), Options{Width: 140}); err != nil {
		t.Fatal(err)
	}
	plain := strings.Join(strings.Fields(text.String()), " ")
	for _, want := range []string{"100 to 400", " 150 150 0.900 2.10 2.30", " 2.0 250 235 20 1.20 41.0 43.7", " 4.0 350 0.0 700 – – –"} {
		if !strings.Contains(plain, want) {
			t.Errorf("no %q in:\n%s", want, text.String())
		}
	}
	for _, saturated := range []bool{false, true} {
		d := newDigest([]Run{rampRun(saturated)})
		f := rampPlot("id", seriesOf(d.sections[0].trials))
		if (f == nil) != saturated {
			t.Fatalf("saturated %v: figure %v", saturated, f)
		}
		if f == nil {
			continue
		}
		dots := 0
		for _, s := range f.Shapes {
			if strings.HasPrefix(s.Class, "dot") {
				dots++
			}
		}
		if dots != 2 {
			t.Errorf("%d dots, want the two intervals that were measured", dots)
		}
	}
}
