package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestCommands fills in every tool's command line.
func TestCommands(t *testing.T) {
	j := job{dir: t.TempDir(), hosts: []string{"198.18.0.1", "198.18.0.2"}, port: "8443"}
	if err := os.WriteFile(j.output(), []byte("of an earlier run"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tool := range tools("/bin/shakedown") {
		cmd, err := tool.command(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		if line := strings.Join(cmd.Args, " "); strings.ContainsAny(line, "{}") || !strings.Contains(line, j.output()) {
			t.Errorf("%s: %s", tool.name, line)
		}
		list, err := os.ReadFile(j.targets())
		if err != nil {
			t.Fatal(err)
		}
		want := "198.18.0.1:8443\n198.18.0.2:8443\n"
		if strings.HasPrefix(tool.name, "nmap") {
			want = "198.18.0.1\n198.18.0.2\n"
			if !slices.Contains(cmd.Args, "8443") {
				t.Errorf("nmap is not told the port: %q", cmd.Args)
			}
		}
		if string(list) != want {
			t.Errorf("%s: the targets are %q", tool.name, list)
		}
		if (cmd.Stdin != nil) != tool.stdin {
			t.Errorf("%s: standard input %v", tool.name, cmd.Stdin)
		}
	}
	if _, err := os.Stat(j.output()); err == nil {
		t.Error("an earlier run's output is still there")
	}
}

func TestHosts(t *testing.T) {
	all := hosts(10000)
	if len(all) != 10000 || all[0] != "198.18.0.1" || all[299] != "198.18.1.44" || all[9999] != "198.18.39.16" {
		t.Errorf("%d hosts, %q to %q", len(all), all[0], all[len(all)-1])
	}
	if n := len(hosts(1 << 20)); n != 1<<16-1 {
		t.Errorf("%d hosts of a network of 65536 addresses", n)
	}
}
