package chain_test

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"shakedown/scanner/chain"
	"shakedown/scanner/chain/corpus"
)

// TestCorpus holds the verdict on every chain of the corpus to the rule that it
// was made for.
func TestCorpus(t *testing.T) {
	cases := corpus.Cases(1)
	if len(cases) < 150 {
		t.Errorf("the corpus has %d chains", len(cases))
	}
	seen := map[string]bool{}
	for _, c := range cases {
		if seen[c.Name] || c.Section == "" {
			t.Errorf("%q: a name twice, or no section", c.Name)
		}
		seen[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			got := chain.Judge(c.Chain, chain.Options{ServerName: c.Host, Roots: rootsOf(t, c.Roots), At: c.At})
			if !reflect.DeepEqual(got.Problems, c.Problems) || got.Trusted != c.Trusted || got.HostnameMatch != c.Match {
				t.Errorf("%s:\ngot  %v, trusted %s, name %q\nwant %v, trusted %s, name %q",
					c.Section, got.Problems, got.Trusted, got.HostnameMatch, c.Problems, c.Trusted, c.Match)
			}
		})
	}
}

// TestCorpusIsSeeded: the same seed makes the same bytes, another others.
func TestCorpusIsSeeded(t *testing.T) {
	a, b, other := corpus.Cases(2), corpus.Cases(2), corpus.Cases(3)
	for i := range a {
		if !reflect.DeepEqual(a[i], b[i]) {
			t.Fatalf("%s: two chains from one seed", a[i].Name)
		}
	}
	if bytes.Equal(a[0].Chain[0], other[0].Chain[0]) {
		t.Error("two seeds make one chain")
	}
}

// rootsOf trusts these alone.
func rootsOf(t *testing.T, ders [][]byte) *chain.Roots {
	t.Helper()
	file := filepath.Join(t.TempDir(), "roots.pem")
	var text []byte
	for _, der := range ders {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	roots, err := chain.OnlyRoots([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	return roots
}
