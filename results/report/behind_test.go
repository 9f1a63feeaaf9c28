package report

import (
	"strings"
	"testing"

	"shakedown/results"
)

func TestBehindWords(t *testing.T) {
	e := &endpoint{Endpoint: &results.Endpoint{PathFacts: results.PathFacts{
		Steadiness: results.Drifting, Servers: 2, Votes: []results.Vote{
			{Fact: "TLSv1.1", Answers: []results.Tally{{Answer: "no", Count: 5}, {Answer: "yes", Count: 3}}},
			{Fact: "TLSv1.2 certificate", Answers: []results.Tally{{Answer: strings.Repeat("ab", 32), Count: 8}}},
		},
	}}}
	want := "at least 2 different servers behind one address, of which any may accept what is listed: TLSv1.1 no ×5, yes ×3, TLSv1.2 certificate abababababab… ×8"
	if got := behindWords(e); strings.ReplaceAll(got, " and ", ", ") != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	e.PathFacts = results.PathFacts{Steadiness: results.Flapping, Repeats: 8}
	if got := behindWords(e); !strings.HasPrefix(got, "it accepts what it refused") {
		t.Errorf("one that takes a refusal back: %s", got)
	}
	e.PathFacts = results.PathFacts{Steadiness: results.Steady, Repeats: 8}
	if got := behindWords(e); got != "" {
		t.Errorf("a steady server: %s", got)
	}
}

func TestIncompleteWords(t *testing.T) {
	e := &endpoint{Endpoint: &results.Endpoint{Suites: map[results.Version][]results.Suite{
		results.TLSv12: {{ID: "0x009C", OpenSSL: "AES128-GCM-SHA256", Completes: results.No}, {ID: "0xC02F", Completes: results.Yes}, {ID: "0x1234", Completes: results.Unknown}},
	}}}
	if got, want := incompleteWords(e), "chosen, but no handshake completes: AES128-GCM-SHA256 (TLSv1.2)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	e.Protocol.ResumptionPSK = results.Unknown
	if got, want := strings.Join(moreUnknown(e), "; "), "resumption by PSK; whether 1 suite can be completed"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	e.Suites, e.Protocol = nil, results.Protocol{SizeIntolerant: results.No} // asked for, and no list of protocols
	if got := moreUnknown(e); len(got) != 1 || got[0] != "ALPN" {
		t.Errorf("got %v, want ALPN", got)
	}
}
