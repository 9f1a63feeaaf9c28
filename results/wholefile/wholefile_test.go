package wholefile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestWrite: the old file stands until the new one is whole, and nothing else is
// left in the folder.
func TestWrite(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state.json")
	content := func(want string, files int) {
		t.Helper()
		got, _ := os.ReadFile(name)
		entries, err := os.ReadDir(filepath.Dir(name))
		if err != nil || string(got) != want || len(entries) != files {
			t.Errorf("%q among %v, want %q among %d; %v", got, entries, want, files, err)
		}
	}
	text := func(s string, then error) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, s)
			return errors.Join(err, then)
		}
	}
	if err := Write(name, 0o640, text("old", nil)); err != nil {
		t.Fatal(err)
	}
	content("old", 1)
	if info, err := os.Stat(name); err != nil || info.Mode() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	broken := errors.New("broken")
	if err := Write(name, 0o600, text("half", broken)); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	content("old", 1)
	f, err := Create(name)
	if err != nil {
		t.Fatal(err)
	}
	content("old", 2)
	f.Drop()
	content("old", 1)
	if err := Write(name, 0o600, text("new", nil)); err != nil {
		t.Fatal(err)
	}
	content("new", 1)
	if err := Write(filepath.Join(name, "below"), 0o600, text("", nil)); err == nil {
		t.Error("written below a file")
	}
}
