// The lab takes only folders that it may, and gives them back as they were.

package lab

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestTakeFolderRefuses(t *testing.T) {
	foreign := t.TempDir()
	write(t, filepath.Join(foreign, "thesis.tex"))
	file := filepath.Join(t.TempDir(), "file")
	write(t, file)
	for _, dir := range []string{foreign, file, ""} {
		_, err := takeFolder(dir)
		var wrong *FolderError
		if !errors.As(err, &wrong) {
			t.Errorf("%s: %v, want a FolderError", dir, err)
		}
	}
	if found, err := Down(t.Context(), foreign); found || err != nil {
		t.Errorf("down of a foreign folder: %v, %v", found, err)
	}
	if _, err := os.Stat(filepath.Join(foreign, "thesis.tex")); err != nil {
		t.Error(err)
	}
}

func TestFolderIsGivenBack(t *testing.T) {
	parent := t.TempDir()
	for _, tc := range []struct {
		name  string
		there bool // before and after
	}{{"new", false}, {"old", true}} {
		dir := filepath.Join(parent, tc.name)
		if tc.there {
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, markerFile+".123")) // of a start that was killed
		}
		f, err := takeFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "left-over"))
		if st, _ := os.Stat(dir); st.Mode().Perm() != 0o700 {
			t.Errorf("%s: mode %v", tc.name, st.Mode())
		}
		f.release()
		if found, err := Down(t.Context(), dir); !found || err != nil {
			t.Errorf("%s: %v, %v", tc.name, found, err)
		}
		entries, err := os.ReadDir(dir)
		if got := !errors.Is(err, fs.ErrNotExist); got != tc.there || len(entries) > 0 {
			t.Errorf("%s: after down there is %v, with %v", tc.name, got, entries)
		}
	}
}

func TestOneAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	f, err := takeFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	var busy *BusyError
	if _, err := Up(t.Context(), Options{Dir: dir}); !errors.As(err, &busy) {
		t.Errorf("up: %v, want a BusyError", err)
	}
	if _, err := Down(t.Context(), dir); !errors.As(err, &busy) {
		t.Errorf("down: %v, want a BusyError", err)
	}
	f.release()
	if _, err := Down(t.Context(), dir); err != nil {
		t.Error(err)
	}
}

func TestDamagedStateIsSaidAndCleared(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	f, err := takeFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	f.release()
	write(t, filepath.Join(dir, stateFile))
	if _, err := Status(t.Context(), dir); err == nil {
		t.Error("status takes a damaged state for a good one")
	}
	if found, err := Down(t.Context(), dir); !found || err != nil {
		t.Errorf("down: %v, %v", found, err)
	}
}

func TestDefaultDir(t *testing.T) {
	for _, tc := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/shakedown/lab"},
		{map[string]string{"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/shakedown/lab"},
		{map[string]string{"HOME": "/h"}, "/h/.local/state/shakedown/lab"},
	} {
		if got := DefaultDir(func(k string) string { return tc.env[k] }); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.env, got, tc.want)
		}
	}
	if got := DefaultDir(func(string) string { return "" }); !filepath.IsAbs(got) {
		t.Errorf("without a home: %s", got)
	}
}

// write puts a file that nobody can read as a state.
func write(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
}
