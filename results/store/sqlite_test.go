// What only a file has: rights, foreign content, a disk that is full.

package store

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFilesAreTheirOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, filepath.Join(dir, "deep", "store.db"))
	put(t, begin(t, s, 0), endpoint("i-1", "A"))
	if _, err := s.Lock(t.Context(), "i", false); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "deep", "*"))
	if len(files) < 3 { // the file, its journal, a lock
		t.Fatalf("only %v", files)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	for name, content := range map[string]string{"text": "to do: buy milk", "short": "SQLite format 3\x00", "newer": newerFile(t)} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), path, Options{}); err == nil {
			t.Errorf("%s was opened", name)
		}
		if after, _ := os.ReadFile(path); string(after) != content {
			t.Errorf("%s was changed", name)
		}
	}
}

// newerFile is a store whose header says that it is of a later version.
func newerFile(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "store.db")
	openTest(t, path).Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[63] = 99
	return string(text)
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if _, err := Open(t.Context(), path, Options{ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a store that is not there: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("reading made a file")
	}
	s := openTest(t, path)
	r := begin(t, s, 0)
	put(t, r, endpoint("i-1", "A"))
	want := exported(t, s, r.ID)
	s.Close()
	before, _ := os.ReadFile(path)
	ro, err := Open(t.Context(), path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	if got := exported(t, ro, r.ID); got != want {
		t.Errorf("read %s", got)
	}
	if _, err := ro.Begin(t.Context(), header(1)); err == nil {
		t.Error("written to")
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("reading changed the file")
	}
}
