package report

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with testdata/name, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: make it with go test ./results/report -update", err)
	}
	if got != string(want) {
		t.Errorf("%s differs from what is rendered now; look at it after go test ./results/report -update\n%s", file, firstDifference(got, string(want)))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %q\nwant %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

func TestTextGolden(t *testing.T) {
	for _, width := range []int{80, 120} {
		golden(t, fmt.Sprintf("scan-%d.txt", width), rendered(t, "text", Options{Width: width}, scanRun()))
		golden(t, fmt.Sprintf("bench-%d.txt", width), rendered(t, "text", Options{Width: width}, benchRun()))
	}
	golden(t, "both-verbose-100.txt", rendered(t, "text", Options{Verbose: true}, scanRun(), benchRun()))
	golden(t, "fleet-100.txt", rendered(t, "text", Options{}, fleetRun(50)))
	golden(t, "one-80.txt", rendered(t, "text", Options{Width: 80}, fleetRun(1)))
}
