package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestTable(t *testing.T) {
	ours, theirs := rowOf(shakedown, 20*time.Millisecond, time.Second, time.Millisecond, 2*time.Millisecond), rowOf("sslscan", 20*time.Millisecond, 3*time.Second, 5*time.Millisecond, 4*time.Millisecond)
	theirs.of = 20
	theirs.runs[0].found = answered(9, "a")
	theirs.runs[0].trouble = "its XML breaks off"
	many := rowOf(shakedown, 0, 10*time.Second, time.Second, 9*time.Second)
	many.runs[0].peak = 30 << 20
	table := table{
		heading: "# Heading\n", tools: tools("bin/shakedown")[:2], version: map[string]string{shakedown: "1", "sslscan": "2"},
		rows: []row{ours, theirs}, many: []row{many}, took: time.Minute,
	}
	var b strings.Builder
	if err := table.write(&b); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "table.md")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the table is now\n%s\nrun with -update if that is meant", b.String())
	}
}
