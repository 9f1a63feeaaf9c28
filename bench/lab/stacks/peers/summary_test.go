package main

import (
	"testing"
	"time"

	"shakedown/bench/lab/stacks"
	"shakedown/results"
)

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{4}, 4}, {[]float64{9, 1}, 5}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(tc.of); got != tc.want {
			t.Errorf("%v: %v, not %v", tc.of, got, tc.want)
		}
	}
}

// answered gives each host the first n of some pairs.
func answered(n int, hosts ...string) findings {
	f := findings{}
	for _, h := range hosts {
		for i := range n {
			f.add(h, results.TLSv12, uint16(i+1))
		}
	}
	return f
}

func TestFigures(t *testing.T) {
	r := row{asked: 2, of: 10, runs: []run{
		{hosts: 2, wall: time.Second, clientCPU: 100 * time.Millisecond, serverCPU: 800 * time.Millisecond, connections: 40, others: 500 * time.Millisecond, peak: 1 << 20, found: answered(4, "a", "b")},
		{hosts: 2, wall: 3 * time.Second, clientCPU: 300 * time.Millisecond, serverCPU: 600 * time.Millisecond, connections: 44, peak: 3 << 20, found: answered(4, "a")},
		{hosts: 2, wall: 2 * time.Second, clientCPU: 200 * time.Millisecond, serverCPU: 400 * time.Millisecond, connections: 42, peak: 2 << 20, found: answered(4, "a", "b")},
	}}
	want := figures{
		wall: 10 * time.Second, connections: 21, clientCPU: 100 * time.Millisecond, serverCPU: 300 * time.Millisecond,
		perPair: 100 * time.Millisecond, busy: 0.2, others: 0, peak: 2 << 20, pairs: 4, answered: 1,
	}
	if got := r.figures(); got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
	if got := (row{}).figures(); got != (figures{}) {
		t.Errorf("of no run: %+v", got)
	}
}

func TestLacking(t *testing.T) {
	all := stacks.Pairs{}
	all.Join(answered(3, "a")["a"])
	half := row{runs: []run{{found: answered(3, "a")}, {found: answered(2, "b")}}}
	if got := half.lacking(all); len(got) != 1 || got[0].Suite != 3 {
		t.Errorf("found in one run of two, %v is lacking", got)
	}
	if got := half.union(); len(got) != 3 {
		t.Errorf("the union is %v", got)
	}
	if got := (row{runs: []run{{found: answered(3, "a")}}}).lacking(all); len(got) != 0 {
		t.Errorf("all was found, and %v is lacking", got)
	}
}
