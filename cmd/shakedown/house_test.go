package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestImportDirection keeps the house's one-way flow: a package imports only
// what stands beside it here, of this module.
func TestImportDirection(t *testing.T) {
	knows := map[string][]string{
		"results":                   {},
		"results/contrast":          {"results"},
		"results/capacity":          {"results"},
		"results/report":            {"results", "results/contrast", "results/capacity"},
		"results/schema":            {"results"},
		"results/schema/schematest": {}, // for tests
		"results/store":             {"results"},
		"results/store/storetest":   {}, // for tests
		"scanner/wire":              {"results"},
		"scanner/secrets":           {},
		"scanner/dial":              {"results"},
		"scanner/handshake":         {"results", "scanner/wire", "scanner/dial", "scanner/secrets"},
		"scanner/chain":             {"results"},
		"scanner/chain/corpus":      {"results"},
		"scanner/inventory":         {"results", "results/strictyaml"},
		"scanner":                   {"results", "scanner/wire", "scanner/dial", "scanner/handshake", "scanner/chain", "scanner/inventory"},
		"results/strictyaml":        {},
		"results/wholefile":         {},
		"profiles":                  {"results", "results/strictyaml"},
		"profiles/gate":             {"results", "results/contrast", "results/strictyaml"},
		"bench":                     {"results", "bench/client", "bench/stats", "scanner/wire", "scanner/inventory", "scanner/dial"},
		"bench/client":              {"results", "scanner/wire", "scanner/secrets"},
		"bench/calibrate":           {"results", "results/wholefile", "bench", "bench/client", "bench/stats", "scanner/wire"},
		"bench/stats":               {"results"},
		"bench/internal/tlstest":    {}, // servers for tests
		"bench/lab":                 {"results", "results/wholefile", "scanner/inventory"},
		"bench/lab/stacks":          {"results", "scanner/wire", "bench/lab"}, // of wire, the names of suites alone
		"bench/lab/equalwork":       {"results", "bench", "bench/client", "bench/stats", "bench/lab", "bench/lab/stacks", "scanner/dial"},
		"bench/lab/stacks/truth":    {"results", "bench/lab/stacks"},
		"bench/lab/stacks/peers":    {"results", "results/wholefile", "scanner/wire", "bench/lab", "bench/lab/delaylink", "bench/lab/stacks"}, // of wire, the same
		"bench/lab/delaylink":       {},
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "shakedown/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], "shakedown/")
		if name == "cmd/shakedown" {
			continue // knows everything
		}
		allowed, ok := knows[name]
		if !ok {
			t.Errorf("package %s has no place in the house: add it to this table and to the README's architecture, or put it where it belongs", name)
			continue
		}
		checked++
		for _, imported := range fields[1:] {
			ours, ok := strings.CutPrefix(imported, "shakedown/")
			if ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which it must not know", name, ours)
			}
			if name == "results" && strings.Contains(strings.Split(imported, "/")[0], ".") {
				t.Errorf("results imports %s; it knows the standard library only", imported)
			}
		}
	}
	if checked < 8 {
		t.Errorf("only %d packages were checked", checked)
	}
}
