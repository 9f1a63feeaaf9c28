// A gate before real servers.

package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"shakedown/bench/lab"
	"shakedown/results"
)

// TestGateBeforeNginx holds a gate to five nginx: a load balancer's way in, two
// instances that are alike, one that drifted, one whose certificate ended, and an
// address where none is; then to the same with what is bad, and all, mended.
func TestGateBeforeNginx(t *testing.T) {
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	names := lab.Leaf{Names: []string{"portal.example"}, Key: lab.ECDSA}
	good, err := pki.Issue(names)
	if err != nil {
		t.Fatal(err)
	}
	old, err := pki.Expired(names, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), pki.RootPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	nginx := func(name string, cert lab.Certificate, protocols ...string) string {
		n := lab.Nginx{Place: lab.Place{Dir: filepath.Join(dir, name)}, TLS: lab.TLS{Certificates: []lab.Certificate{cert}, Protocols: protocols}}
		return started(t)(lab.StartNginx(t.Context(), n)).Address
	}
	both := []string{"TLSv1.2", "TLSv1.3"}
	alb, i1, i2 := nginx("alb", good, both...), nginx("i-1", good, both...), nginx("i-2", good, both...)
	drifted, expired := nginx("i-3", good, "TLSv1.2"), nginx("i-4", old, both...)
	nobody := closedAddress(t)
	for name, c := range map[string]struct {
		addresses []string
		code      int
		want      []string
	}{
		"all three": {[]string{alb, i1, i2, drifted, expired, nobody}, exitBad, []string{
			"i-3 inventory/siblings-alike fail", "i-4 min-days-left/days-left fail", "i-5 inventory/answers unknown", "closed: 3 findings fail, 1 endpoint could not be determined",
		}},
		"unreachable": {[]string{alb, i1, i2, i1, i2, nobody}, exitUndetermined, []string{
			"closed: 1 endpoint could not be determined", "i-5 inventory/answers unknown",
		}},
		"mended": {[]string{alb, i1, i2, i1, i2, i2}, exitGood, []string{"open"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := gateFindings(t, c.code, inventoryFile(t, dir, c.addresses))
			for _, w := range c.want {
				if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, w) }) {
					t.Errorf("no %q in\n%s", w, strings.Join(got, "\n"))
				}
			}
		})
	}
}

// closedAddress is one where nothing listens any more.
func closedAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return l.Addr().String()
}

// inventoryFile has a load balancer at the first address and its targets at the
// others.
func inventoryFile(t *testing.T, dir string, addresses []string) string {
	t.Helper()
	text := "version: 1\nservices:\n  - name: portal\n    server_name: portal.example\n    roots: [ca.pem]\n    paths:\n" +
		"      - {name: alb, kind: lb-reencrypted, address: \"" + addresses[0] + "\", targets: [i-1, i-2, i-3, i-4, i-5]}\n"
	for i, address := range addresses[1:] {
		text += "      - {name: i-" + string(rune('1'+i)) + ", kind: instance, address: \"" + address + "\"}\n"
	}
	name := filepath.Join(dir, "inventory.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// gateFindings runs a gate and lists its findings and its verdict.
func gateFindings(t *testing.T, code int, inventory string) []string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if got := run(t.Context(), []string{"gate", "--quiet", "--format", "json", "--min-days-left", "14", "--inventory", inventory}, strings.NewReader(""), &stdout, &stderr); got != code {
		t.Errorf("exit %d, want %d: %s", got, code, stderr.String())
	}
	d, err := results.NewDecoder(&stdout)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for {
		rec, err := d.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		switch r := rec.(type) {
		case *results.Finding:
			all = append(all, r.Path+" "+r.Profile+"/"+r.Rule+" "+string(r.Status))
		case *results.Verdict:
			all = append(all, r.Verdict+": "+strings.Join(r.Why, ", "))
		}
	}
}
