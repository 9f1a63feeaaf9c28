package main

import (
	"testing"
	"time"
)

// rowOf has one run of one endpoint with ten pairs.
func rowOf(tool string, roundTrip, wall, client, server time.Duration) row {
	return row{endpoints: "e", farm: true, roundTrip: roundTrip, tool: tool, asked: 1, of: 1,
		runs: []run{{hosts: 1, wall: wall, clientCPU: client, serverCPU: server, found: answered(10, "a")}}}
}

// fewer is a row with a pair less.
func fewer(r row) row {
	r.runs[0].found = answered(9, "a")
	return r
}

func TestBars(t *testing.T) {
	const ms, distance = time.Millisecond, 20 * time.Millisecond
	for _, tc := range []struct {
		name    string
		ours    row
		peers   []row
		figures []string // client CPU, wall, server CPU, or wall and server CPU at a distance
		verdict []string
	}{
		{"all met", rowOf(shakedown, 0, 100*ms, 5*ms, 30*ms),
			[]row{rowOf("sslscan", 0, 300*ms, 50*ms, 10*ms), rowOf("nmap", 0, 900*ms, 70*ms, 30*ms)},
			[]string{"1/10", "1/3, server 30 % busy", "1.00"}, []string{"met", "met", "met"}},
		{"all missed", rowOf(shakedown, 0, 200*ms, 6*ms, 31*ms),
			[]row{rowOf("sslscan", 0, 300*ms, 50*ms, 90*ms), rowOf("nmap", 0, 900*ms, 70*ms, 30*ms)},
			[]string{"1/8.3", "1/1.5, server 16 % busy", "1.03"}, []string{"**missed**", "**missed**", "**missed**"}},
		{"the server is what is slow", rowOf(shakedown, 0, 100*ms, 5*ms, 85*ms),
			[]row{rowOf("nmap", 0, 110*ms, 70*ms, 170*ms)},
			[]string{"1/14", "1/1.1, server 85 % busy", "1/2"}, []string{"met", "met", "met"}},
		{"at a distance", rowOf(shakedown, distance, 100*ms, 5*ms, 85*ms),
			[]row{rowOf("nmap", distance, 600*ms, 70*ms, 85*ms), rowOf("nmap", 0, 1*ms, 1*ms, 1*ms)},
			[]string{"1/6", "1.00"}, []string{"met", "met"}},
		{"who misses some does not count", rowOf(shakedown, distance, 100*ms, 5*ms, 85*ms),
			[]row{rowOf("nmap", distance, 600*ms, 70*ms, 85*ms), fewer(rowOf("sslscan", distance, 1*ms, 1*ms, 1*ms))},
			[]string{"1/6", "1.00"}, []string{"met", "met"}},
		{"slow tools do not count", rowOf(shakedown, distance, 100*ms, 5*ms, 85*ms), []row{rowOf("testssl.sh", distance, time.Hour, time.Hour, time.Hour)},
			[]string{"–", "–"}, []string{"not known: no peer found as much", "not known: no peer found as much"}},
	} {
		got := bars(append(tc.peers, tc.ours))
		if len(got) != len(tc.verdict) {
			t.Errorf("%s: %d bars: %+v", tc.name, len(got), got)
			continue
		}
		for i, b := range got {
			if b.figure != tc.figures[i] || b.verdict() != tc.verdict[i] {
				t.Errorf("%s: %s is %q, %s; not %q, %s", tc.name, b.what, b.figure, b.verdict(), tc.figures[i], tc.verdict[i])
			}
		}
	}
}

// TestBarsOfSilence: where an endpoint did not answer us, being quick is no merit.
func TestBarsOfSilence(t *testing.T) {
	ours := rowOf(shakedown, 0, 1, 1, 1)
	ours.runs[0].found = findings{}
	for _, b := range bars([]row{ours, rowOf("nmap", 0, time.Second, time.Second, time.Second)}) {
		if b.met || b.undecided == "" {
			t.Errorf("%s: %s", b.what, b.verdict())
		}
	}
}

func TestFraction(t *testing.T) {
	for v, want := range map[float64]string{0: "–", 1.0 / 6: "1/6", 0.34: "1/2.9", 0.99: "0.99", 1.234: "1.23", 0.1: "1/10"} {
		if got := fraction(v); got != want {
			t.Errorf("%v: %s, not %s", v, got, want)
		}
	}
}
