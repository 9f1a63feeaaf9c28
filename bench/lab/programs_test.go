// What must be installed, and what is said when it is not.

package lab

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestUpNamesWhatIsMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	_, err := Up(t.Context(), Options{Dir: dir, Path: t.TempDir()})
	var missing Missing
	if !errors.As(err, &missing) {
		t.Fatalf("got %v, want Missing", err)
	}
	for _, want := range []string{"haproxy", "package opensc: makes keys inside the HSM",
		"apt-get install --no-install-recommends nginx haproxy softhsm2 opensc p11-kit"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder was made all the same")
	}
}

func TestOneMissing(t *testing.T) {
	bin := t.TempDir()
	for _, n := range Needs() {
		if n.globs == nil && n.What != "haproxy" {
			if err := os.WriteFile(filepath.Join(bin, n.What), nil, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(bin, "haproxy"), nil, 0o600); err != nil { // not executable
		t.Fatal(err)
	}
	m := newHost(bin).missing()
	if len(m) != 1 || m[0].What != "haproxy" {
		t.Errorf("missing: %v", m)
	}
}

// The script and the program look for the same.
func TestInstallScriptAgrees(t *testing.T) {
	script, err := os.ReadFile("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(script), "needs='\n")
	table, _, found := strings.Cut(rest, "\n'\n")
	if !found {
		t.Fatal("install.sh has no table of needs")
	}
	table = strings.ReplaceAll(table, `'\''`, "'")
	var want []string
	for _, n := range Needs() {
		want = append(want, n.What+" "+n.Package+" "+n.Why)
		for _, g := range n.globs {
			if stem := strings.TrimSuffix(g, n.What); !strings.Contains(string(script), " "+stem+`"$1"`) {
				t.Errorf("install.sh does not look for %s", g)
			}
		}
	}
	if table != strings.Join(want, "\n") {
		t.Errorf("install.sh:\n%s\nwant\n%s", table, strings.Join(want, "\n"))
	}
}

// Here everything is installed, or the other tests fail: then the script says
// and does nothing.
func TestInstallScriptIsIdle(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "sh", "install.sh", "dpkg").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}
