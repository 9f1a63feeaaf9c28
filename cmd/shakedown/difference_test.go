package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"shakedown/bench/lab"
	"shakedown/results"
)

// TestDifferences scans an inventory of a load balancer and two targets, and
// finds in the stream what differs: once for each pair, in the inventory's order
// whichever was finished first.
func TestDifferences(t *testing.T) {
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	nginx := func(name string, protocols ...string) string {
		n := lab.Nginx{Place: lab.Place{Dir: filepath.Join(dir, name)}, TLS: lab.TLS{Certificates: []lab.Certificate{cert}, Protocols: protocols}}
		return started(t)(lab.StartNginx(t.Context(), n)).Address
	}
	inventory := filepath.Join(dir, "inventory.yaml")
	content := `version: 1
services:
  - name: portal
    server_name: portal.example
    paths:
      - {name: i-2, kind: instance, address: "` + nginx("i-2", "TLSv1.3") + `"}
      - {name: alb, kind: lb-reencrypted, address: "` + nginx("alb", "TLSv1.2") + `", targets: [i-1, i-2, i-3]}
      - {name: i-1, kind: instance, address: "` + nginx("i-1", "TLSv1.2", "TLSv1.3") + `"}
      - {name: i-3, kind: instance, address: "` + nginx("i-3", "TLSv1.2", "TLSv1.3") + `"}
      - {name: alone, kind: passthrough, address: "` + nginx("alone") + `"}
`
	if err := os.WriteFile(inventory, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"scan", "--format", "json", "--aspect", "versions", "--inventory", inventory}, strings.NewReader(""), &stdout, &stderr); code != exitGood {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	d, err := results.NewDecoder(&stdout)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		rec, err := d.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		diff, ok := rec.(*results.Difference)
		if !ok {
			continue
		}
		words := []string{string(diff.Relation), diff.Path, diff.Beside}
		for _, f := range diff.Facts {
			words = append(words, f.Fact, f.Left, f.Right)
		}
		got = append(got, strings.Join(words, " "))
	}
	want := []string{
		"target alb i-2 versions.TLSv1.3 no yes versions.TLSv1.2 yes no",
		"target alb i-1 versions.TLSv1.3 no yes",
		"target alb i-3 versions.TLSv1.3 no yes",
		"sibling i-1 i-2 versions.TLSv1.2 yes no",
		"sibling i-1 i-3",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
