package inventory

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"shakedown/results"
)

var update = flag.Bool("update", false, "write what the tests got to their golden files")

// golden compares got with a file of testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run with -update to write it", err)
	}
	if got != string(want) {
		t.Errorf("%s:\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

func mustRead(t *testing.T, text string) *Inventory {
	t.Helper()
	inv, err := Read(strings.NewReader(text), "inventory.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			inv, err := Read(bytes.NewReader(text), filepath.Base(file))
			if err == nil {
				t.Fatalf("read without an error: %+v", inv)
			}
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, filepath.Base(file)+":") {
					t.Errorf("a message does not name the file: %s", line)
				}
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".want", err.Error()+"\n")
		})
	}
}

func TestReadContract(t *testing.T) {
	inv, err := Load("testdata/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	roots := []string{filepath.Join("testdata", "ca.pem")}
	common := []string{"aws-elb/ELBSecurityPolicy-TLS13-1-2-2021-06", "nist-800-52r2"}
	path := func(name string, kind results.PathKind, host string, port uint16, profiles []string, targets ...string) Path {
		return Path{
			Service: "portal", Name: name, Kind: kind, Target: fmt.Sprintf("%s:%d", host, port), Host: host, Port: port,
			ServerName: "portal.example", Roots: roots, Profiles: profiles, Targets: targets,
		}
	}
	want := []Path{
		path("alb", results.LBReencrypted, "portal.example", 443, common, "i-1", "i-2"),
		path("i-1", results.Instance, "10.0.1.11", 8443, []string{"target-group"}),
		path("i-2", results.Instance, "10.0.2.12", 8443, []string{"target-group"}),
		path("nlb", results.Passthrough, "nlb.example", 443, common),
		path("hsm", results.HSMOffloaded, "hsm.example", 443, common),
	}
	if got := inv.Paths(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if len(inv.Services) != 1 || inv.Services[0].Name != "portal" {
		t.Errorf("services: %+v", inv.Services)
	}
}

func TestInheritance(t *testing.T) {
	inv := mustRead(t, `
version: 1
services:
  - name: portal
    server_name: portal.example
    roots: [ca.pem]
    profiles: &std [a, b]
    load: allowed
    paths:
      - {name: inherits, address: x.example}
      - {name: replaces, address: x.example, server_name: other.example., roots: [other.pem], profiles: [c]}
      - {name: clears, address: x.example, server_name: "", roots: [], profiles: []}
  - name: plain
    profiles: *std
    paths:
      - {name: name, address: x.example., load: allowed}
      - {name: literal, address: "[2001:db8::1]:8443"}
      - {name: 1.10, address: "smtp://mx.example"}
`)
	type effective struct {
		serverName string
		roots      []string
		profiles   []string
		load       bool
	}
	want := map[string]effective{
		"inherits": {"portal.example", []string{"ca.pem"}, []string{"a", "b"}, true},
		"replaces": {"other.example", []string{"other.pem"}, []string{"c"}, true},
		"clears":   {"", nil, nil, true},
		"name":     {"x.example", nil, []string{"a", "b"}, true},
		"literal":  {"", nil, []string{"a", "b"}, false},
		"1.10":     {"mx.example", nil, []string{"a", "b"}, false},
	}
	if n := len(inv.Paths()); n != len(want) {
		t.Errorf("%d paths, want %d", n, len(want))
	}
	for _, p := range inv.Paths() {
		if got := (effective{p.ServerName, p.Roots, p.Profiles, p.Load}); !reflect.DeepEqual(got, want[p.Name]) {
			t.Errorf("%s: got %+v, want %+v", p.Name, got, want[p.Name])
		}
	}
}

// A file from Windows and a file of JSON are YAML too.
func TestReadOtherForms(t *testing.T) {
	for name, text := range map[string]string{
		"CRLF and byte order mark": "\ufeffversion: 1\r\nservices:\r\n  - name: a\r\n    paths:\r\n      - {name: p, address: h.example}\r\n",
		"JSON":                     `{"version":1,"services":[{"name":"a","paths":[{"name":"p","address":"h.example"}]}]}`,
		"document marks":           "# first\n---\nversion: 1\nservices:\n- name: a\n  paths:\n  - name: p\n    address: h.example\n...\n",
	} {
		t.Run(name, func(t *testing.T) {
			inv := mustRead(t, text)
			if got := inv.Paths(); len(got) != 1 || got[0].Service != "a" || got[0].Name != "p" || got[0].Host != "h.example" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestLoadWithoutFile(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"))
	if err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	_, err := Read(bytes.NewReader(bytes.Repeat([]byte{'#'}, maxBytes+1)), "big.yaml")
	if err == nil || !strings.Contains(err.Error(), "larger than 16 MB") {
		t.Errorf("got %v", err)
	}
}

func TestWrite(t *testing.T) {
	for _, file := range []string{"testdata/contract.yaml", "testdata/odd.yaml"} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			inv := mustRead(t, string(text))
			var out strings.Builder
			if err := Write(&out, inv); err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".written", out.String())
			if again := mustRead(t, out.String()); !reflect.DeepEqual(again, inv) {
				t.Errorf("got back\n%+v\nwant\n%+v", again, inv)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "testdata/bad/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			if len(text) < 4096 {
				f.Add(text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		inv, err := Read(bytes.NewReader(text), "f")
		if err != nil {
			return
		}
		if len(inv.Services) == 0 {
			t.Fatal("no services and no error")
		}
		for _, p := range inv.Paths() {
			if p.Service == "" || p.Name == "" || p.Host == "" || p.Port == 0 {
				t.Fatalf("half a path: %+v", p)
			}
		}
		var out bytes.Buffer
		if err := Write(&out, inv); err != nil {
			t.Fatal(err)
		}
		again, err := Read(&out, "f")
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, out.String())
		}
		if !reflect.DeepEqual(again, inv) {
			t.Fatalf("wrote %+v, read %+v", inv, again)
		}
	})
}

// A service's PROXY protocol is its paths', until one says otherwise; a file
// that is written says the same.
func TestProxyProtocol(t *testing.T) {
	inv := mustRead(t, `
version: 1
services:
  - name: all
    proxy_protocol: v2
    paths:
      - {name: a, address: a.example}
      - {name: b, address: b.example}
  - name: mixed
    proxy_protocol: v1
    paths:
      - {name: a, address: a.example}
      - {name: v2, address: b.example, proxy_protocol: v2}
      - {name: off, address: c.example, proxy_protocol: none}
`)
	want := map[string]string{"all/a": "v2", "all/b": "v2", "mixed/a": "v1", "mixed/v2": "v2", "mixed/off": ""}
	for _, p := range inv.Paths() {
		if got := p.ProxyProtocol; got != want[p.Service+"/"+p.Name] {
			t.Errorf("%s/%s: got %q, want %q", p.Service, p.Name, got, want[p.Service+"/"+p.Name])
		}
	}
	var out strings.Builder
	if err := Write(&out, inv); err != nil {
		t.Fatal(err)
	}
	if again := mustRead(t, out.String()); !reflect.DeepEqual(again, inv) || strings.Count(out.String(), "proxy_protocol") != 3 {
		t.Errorf("got back\n%+v from\n%s", again, out.String())
	}
}
