package chain_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"shakedown/scanner/chain"
	"shakedown/scanner/chain/corpus"
)

// cases are those of seed 1, made once: keys take a second.
var cases = sync.OnceValue(func() []corpus.Case { return corpus.Cases(1) })

// TestCorpus holds the verdict on every chain of the corpus to the rule that it
// was made for.
func TestCorpus(t *testing.T) {
	if len(cases()) < 150 {
		t.Errorf("the corpus has %d chains", len(cases()))
	}
	seen, file := map[string]bool{}, filepath.Join(t.TempDir(), "roots.pem")
	for _, c := range cases() {
		if seen[c.Name] || c.Section == "" {
			t.Errorf("%q: a name twice, or no section", c.Name)
		}
		seen[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			got := chain.Judge(c.Chain, chain.Options{ServerName: c.Host, Roots: rootsOf(t, file, c.Roots), At: c.At})
			if !reflect.DeepEqual(got.Problems, c.Problems) || got.Trusted != c.Trusted || got.HostnameMatch != c.Match {
				t.Errorf("%s:\ngot  %v, trusted %s, name %q\nwant %v, trusted %s, name %q",
					c.Section, got.Problems, got.Trusted, got.HostnameMatch, c.Problems, c.Trusted, c.Match)
			}
		})
	}
}

// TestCorpusIsSeeded: the same seed makes the same bytes, another others.
func TestCorpusIsSeeded(t *testing.T) {
	a, b, other := cases(), corpus.Cases(1), corpus.Cases(2)
	for i := range a {
		if !reflect.DeepEqual(a[i], b[i]) {
			t.Fatalf("%s: two chains from one seed", a[i].Name)
		}
	}
	if bytes.Equal(a[0].Chain[0], other[0].Chain[0]) {
		t.Error("two seeds make one chain")
	}
}

// rootsOf trusts these alone, which it puts into a file.
func rootsOf(t *testing.T, file string, ders [][]byte) *chain.Roots {
	t.Helper()
	if err := os.WriteFile(file, chain.PEM(ders), 0o600); err != nil {
		t.Fatal(err)
	}
	roots, err := chain.OnlyRoots([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	return roots
}
