package report

import (
	"strings"
	"testing"

	"shakedown/results"
)

func TestClocks(t *testing.T) {
	web := func(path string, skew int) *results.Endpoint {
		e := instance(path, results.Instance, "192.0.2.1:443", chain("a", cert("CN=a", "CN=b", 2048, "RSA", -1, 90)))
		e.Protocol.HSTS = new(int)
		if skew != 0 {
			e.PathFacts.ClockSkewS = &skew
		}
		return e
	}
	for _, tt := range []struct {
		name        string
		endpoints   []results.Record
		want, wrong string
	}{
		{"one server is off", []results.Record{web("a", -7200), web("b", 0)}, "its clock is 2h0m0s behind this machine's: one of them is wrong", "this machine  "},
		{"all are", []results.Record{web("a", 600), web("b", 660)}, "its clock looks wrong: all 2 servers that told the time told another", ""},
		{"none is", []results.Record{web("a", 0), web("b", 0)}, "2 endpoints", "clock"},
	} {
		text := rendered(t, "text", Options{Width: 400}, closed(Run{Header: scanRun().Header, Records: tt.endpoints}, 0))
		if !strings.Contains(text, tt.want) || tt.wrong != "" && strings.Contains(text, tt.wrong) {
			t.Errorf("%s: %s", tt.name, text)
		}
	}
}
