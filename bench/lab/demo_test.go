package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDemoScript: whatever a verb of the demo ends with, the lab is taken down;
// what could not be determined is reported all the same, and its code kept.
func TestDemoScript(t *testing.T) {
	for name, c := range map[string]struct {
		fail, code string
		exit       int
		verbs      string
	}{
		"all is well":     {"none", "0", 0, "lab up,scan,bench,report,report,lab down"},
		"a busy machine":  {"bench", "3", 3, "lab up,scan,bench,report,report,lab down"},
		"a fact unknown":  {"scan", "3", 3, "lab up,scan,bench,report,report,lab down"},
		"interrupted":     {"bench", "130", 130, "lab up,scan,bench,lab down"},
		"a wrong flag":    {"scan", "2", 2, "lab up,scan,lab down"},
		"no lab":          {"lab up", "3", 3, "lab up,lab down"},
		"no report to do": {"report", "3", 3, "lab up,scan,bench,report,lab down"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fake, calls := filepath.Join(dir, "fake"), filepath.Join(dir, "calls")
			script := "#!/bin/sh\nverb=$1; [ \"$1\" = lab ] && verb=\"lab $2\"\necho \"$verb\" >> '" + calls + "'\n[ \"$verb\" = '" + c.fail + "' ] && exit " + c.code + "\nexit 0\n"
			if err := os.WriteFile(fake, []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "bash", "demo.sh", fake, filepath.Join(dir, "out"))
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != c.exit {
				t.Errorf("exit %d, want %d: %s", got, c.exit, out)
			}
			said, err := os.ReadFile(calls)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(strings.Split(strings.TrimSpace(string(said)), "\n"), ","); got != c.verbs {
				t.Errorf("verbs %s\nwant  %s", got, c.verbs)
			}
		})
	}
}
