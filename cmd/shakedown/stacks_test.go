package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"shakedown/bench/lab/stacks"
	"shakedown/results"
)

// TestScanAgreesWithStacks holds scans against what the stacks' own clients
// say, one suite, one group, one signature scheme, one other fact at a time. `make
// truth` does so for every stack; here are those that need no more than `make test`
// installs.
func TestScanAgreesWithStacks(t *testing.T) {
	m, err := stacks.NewMaterial(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	light := 0
	for _, s := range stacks.All() {
		if !s.Light {
			continue
		}
		light++
		t.Run(s.Name, func(t *testing.T) { agree(t, s, m) })
	}
	if light < 6 {
		t.Errorf("only %d stacks were compared", light)
	}
}

func agree(t *testing.T, s stacks.Stack, m *stacks.Material) {
	server, err := s.Start(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	endpoint := factsOf(t, server.Address)
	truth, err := s.Truth(t.Context(), m, server.Address)
	if err != nil {
		t.Fatal(err)
	}
	got, err := stacks.Compare(truth, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Exact() {
		t.Errorf("missing %v, extra %v, versions %v, status %s, failures %+v", got.Missing, got.Extra, got.Versions, got.Status, endpoint.Failures)
	}
	points, err := stacks.PointsOf(t.Context(), server.Address)
	if err != nil {
		t.Fatal(err)
	}
	beside, err := stacks.ComparePoints(points, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if !beside.Exact() || beside.True == 0 {
		t.Errorf("of %d groups and schemes: missing %v, extra %v", beside.Tried, beside.Missing, beside.Extra)
	}
	facts, err := stacks.FactsOf(t.Context(), m, s, server.Address, truth)
	if err != nil {
		t.Fatal(err)
	}
	if others := stacks.CompareFacts(facts, endpoint); !others.Exact() || others.Told == 0 {
		t.Errorf("of %d other facts: missing %v, extra %v, differing %v", others.Told, others.Missing, others.Extra, others.Differing)
	}
}

// factsOf scans for what the stacks tell.
func factsOf(t *testing.T, address string) *results.Endpoint {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args := []string{"scan", "--format", "json", "--aspect", "versions,suites,preference,groups,signatures,protocol", "--sni", stacks.Host, address}
	if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); code != exitGood {
		t.Fatalf("exit %d: %s%s", code, stderr.String(), stdout.String())
	}
	d, err := results.NewDecoder(&stdout)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Next(); err != io.EOF {
		t.Fatalf("more than one record: %v", err)
	}
	return rec.(*results.Endpoint)
}
