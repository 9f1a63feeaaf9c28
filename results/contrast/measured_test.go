package contrast

import (
	"testing"

	"shakedown/results"
)

func TestMeasured(t *testing.T) {
	full, resumed := false, true
	trial := func(path string, asked results.Shape) *results.Trial {
		return &results.Trial{Service: "portal", Path: path, Trial: path + asked.Suite, Asked: asked}
	}
	search := func(low, high float64, slo string, asked results.Shape) *results.Capacity {
		return &results.Capacity{Service: "portal", Path: "i-1", LowRate: low, HighRate: &high, Valid: true, SLO: []string{slo}, Asked: asked, Steps: []results.CapacityStep{{Trial: "i-1"}}}
	}
	shape, other := results.Shape{Resumed: &full}, results.Shape{Resumed: &resumed}
	const slo = "handshake.p99<50ms"
	for name, c := range map[string]struct {
		old, new []results.Record
		kind     results.ChangeKind // "" for no change
	}{
		"trials of one shape are compared elsewhere": {[]results.Record{trial("a", shape)}, []results.Record{trial("a", shape)}, ""},
		"trials of two shapes":                       {[]results.Record{trial("a", shape)}, []results.Record{trial("a", other)}, results.Untold},
		"a path that was not measured":               {nil, []results.Record{trial("a", shape)}, results.Untold},
		"a path that is not measured any more":       {[]results.Record{trial("a", shape)}, nil, results.Untold},
		"the same capacity, nearly":                  {[]results.Record{search(100, 105, slo, shape)}, []results.Record{search(104, 110, slo, shape)}, ""},
		"another capacity":                           {[]results.Record{search(100, 105, slo, shape)}, []results.Record{search(105, 110, slo, shape)}, results.Changed},
		"held to another limit":                      {[]results.Record{search(100, 105, slo, shape)}, []results.Record{search(105, 110, "errors<1%", shape)}, results.Untold},
		"resumed, and full":                          {[]results.Record{search(100, 105, slo, shape)}, []results.Record{search(105, 110, slo, other)}, results.Untold},
		"steps are no measurements of themselves":    {[]results.Record{search(100, 105, slo, shape), trial("i-1", shape)}, []results.Record{search(100, 105, slo, shape)}, ""},
	} {
		got := Measured(c.old, c.new)
		switch {
		case c.kind == "" && len(got) > 0:
			t.Errorf("%s: %+v", name, *got[0])
		case c.kind != "" && (len(got) != 1 || got[0].Kind != c.kind || got[0].Old == "" || got[0].New == ""):
			t.Errorf("%s: %+v, want one that is %s", name, got, c.kind)
		}
	}
	open := search(100, 0, slo, shape)
	open.HighRate, open.Valid = nil, false
	if got := Measured([]results.Record{search(110, 120, slo, shape)}, []results.Record{open}); len(got) != 1 || got[0].Kind != results.Untold {
		t.Errorf("an interval that is open may be the same: %+v", got)
	}
}
