// Each tool's own words, recorded on an nginx with two suites of TLS 1.2, and
// what is left of them when a tool breaks off.

package main

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shakedown/bench/lab/stacks"
	"shakedown/results"
)

// readers are the parsers with a recording of each.
func readers() map[string]func(io.Reader) (findings, error) {
	return map[string]func(io.Reader) (findings, error){
		"shakedown.jsonl": readShakedown, "sslscan.xml": readSSLScan, "nmap.xml": readNmap, "testssl.json": readTestSSL,
	}
}

// recorded is what the server accepts.
func recorded() stacks.Pairs {
	return stacks.Pairs{
		{Version: results.TLSv12, Suite: 0xC02F}: true, {Version: results.TLSv12, Suite: 0x0035}: true,
		{Version: results.TLSv13, Suite: 0x1301}: true, {Version: results.TLSv13, Suite: 0x1302}: true, {Version: results.TLSv13, Suite: 0x1303}: true,
	}
}

func recording(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParse(t *testing.T) {
	for name, read := range readers() {
		found, err := read(bytes.NewReader(recording(t, name)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := []string{"127.9.0.1", "127.9.0.2"}
		if name == "testssl.json" {
			want = want[:1]
		}
		if len(found) != len(want) {
			t.Errorf("%s: %d addresses, not %d", name, len(found), len(want))
		}
		for _, host := range want {
			if !maps.Equal(found[host], recorded()) {
				t.Errorf("%s: %s has %v", name, host, found[host])
			}
		}
	}
}

// TestParseBrokenOff cuts the recordings short: what was said before counts,
// and nothing is made up.
func TestParseBrokenOff(t *testing.T) {
	for name, read := range readers() {
		whole := recording(t, name)
		for end := range whole {
			found, err := read(bytes.NewReader(whole[:end]))
			for host, pairs := range found {
				if extra := pairs.Without(recorded()); len(extra) > 0 {
					t.Fatalf("%s cut at %d: %s has %v", name, end, host, extra)
				}
			}
			if err == nil && strings.HasSuffix(name, ".xml") && len(found) > 0 && end < len(whole)-1 {
				t.Fatalf("%s cut at %d is taken for whole", name, end)
			}
			if end > len(whole)*9/10 && len(found) == 0 {
				t.Fatalf("%s cut at %d says nothing", name, end)
			}
		}
	}
}

func TestParseGarbage(t *testing.T) {
	for name, text := range map[string]string{
		"sslscan.xml": `<document><cipher status="accepted" sslversion="TLSv1.2" id="0xC02F"/><ssltest host="h">
			<cipher status="accepted" sslversion="TLSv9" id="0xC02F"/><cipher status="accepted" sslversion="TLSv1.2" id="-1"/>
			<cipher status="accepted" sslversion="TLSv1.2" id="0x1C02F"/><cipher status="rejected" sslversion="TLSv1.2" id="0x0005"/></ssltest></document>`,
		"nmap.xml": `<host><table key="TLSv1.2"><elem key="name">TLS_RSA_WITH_AES_256_CBC_SHA</elem></table></host>
			<host><address addr="h" addrtype="ipv4"/><elem key="name">TLS_RSA_WITH_AES_256_CBC_SHA</elem>
			<table key="TLSv1.2"><elem key="name">TLS_OF_NOBODY</elem><elem key="name"/></table></host>`,
		"testssl.json": `[{"id":"cipher-tls1_9_x35","ip":"h/h"},{"id":"cipher-tls1_2_x12345","ip":"h/h"},{"id":"cipher-tls1_2_xzz"},{}]`,
	} {
		found, err := readers()[name](bytes.NewReader([]byte(text)))
		if err != nil || len(found) > 0 {
			t.Errorf("%s: found %v, %v", name, found, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for name := range readers() {
		f.Add(recording(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, read := range readers() {
			found, _ := read(bytes.NewReader(b))
			for host, pairs := range found {
				if host == "" || len(pairs) == 0 {
					t.Errorf("%s: %q has %v", name, host, pairs)
				}
			}
		}
	})
}
