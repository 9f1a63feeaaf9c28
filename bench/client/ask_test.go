package client

import (
	"encoding/json"
	"strings"
	"testing"

	"shakedown/results"
)

func TestNewAsk(t *testing.T) {
	for _, c := range []struct {
		version              results.Version
		group, suite, scheme string
		want                 Ask
	}{
		{"", "", "", "", Ask{Version: 0x0304}},
		{results.TLSv12, "P-256", "ECDHE-RSA-AES128-GCM-SHA256", "rsa_pkcs1_sha256", Ask{Version: 0x0303, Group: 0x0017, Suite: 0xC02F, Scheme: 0x0401}},
		{results.TLSv13, "x25519mlkem768", "TLS_AES_256_GCM_SHA384", "ed25519", Ask{Version: 0x0304, Group: 0x11EC, Suite: 0x1302, Scheme: 0x0807}},
	} {
		if got, err := NewAsk(c.version, c.group, c.suite, c.scheme); err != nil || got != c.want {
			t.Errorf("%+v: got %+v, %v", c, got, err)
		}
	}
}

func TestNewAskRefuses(t *testing.T) {
	for _, c := range []struct {
		version              results.Version
		group, suite, scheme string
		say                  string
	}{
		{results.TLSv11, "", "", "", "use TLSv1.2 or TLSv1.3"},
		{results.TLSv13, "P-257", "", "", "secp256r1"},
		{results.TLSv13, "", "AES128-SHA", "", "TLS_AES_128_GCM_SHA256"},
		{results.TLSv12, "", "TLS_AES_128_GCM_SHA256", "", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
		{results.TLSv13, "", "", "ecdsa", "ecdsa_secp256r1_sha256"},
	} {
		if _, err := NewAsk(c.version, c.group, c.suite, c.scheme); err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%+v: %v, want a hint at %s", c, err, c.say)
		}
	}
}

// What is asked is written, and nothing else.
func TestAskRecord(t *testing.T) {
	for _, c := range []struct {
		ask  Ask
		want string
	}{
		{Ask{Version: 0x0304}, `{"version":"TLSv1.3","resumed":false}`},
		{Ask{Version: 0x0303, Group: 0x001D, Suite: 0xC02F, Scheme: 0x0804}, `{"version":"TLSv1.2","suite":"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256","group":"X25519","signature_scheme":"rsa_pss_rsae_sha256","resumed":false}`},
	} {
		if got, err := json.Marshal(c.ask.Record()); err != nil || string(got) != c.want {
			t.Errorf("%+v: %s, %v, want %s", c.ask, got, err, c.want)
		}
	}
	for ratio, want := range map[float64]string{1: `{"version":"TLSv1.3","resumed":true,"hello_retry":true}`, 0.5: `{"version":"TLSv1.3","hello_retry":true}`} {
		if got, _ := json.Marshal(Ask{Version: 0x0304, Resume: ratio, Retry: true}.Record()); string(got) != want {
			t.Errorf("a ratio of %v: %s, want %s", ratio, got, want)
		}
	}
	got, _ := json.Marshal(Shape{Version: 0x0304, Suite: 0x1301, Group: 0x11EC, Scheme: 0x0403, Retry: true, ALPN: "h2"}.Record())
	want := `{"version":"TLSv1.3","suite":"TLS_AES_128_GCM_SHA256","group":"X25519MLKEM768","signature_scheme":"ecdsa_secp256r1_sha256","resumed":false,"hello_retry":true,"alpn":"h2"}`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFits(t *testing.T) {
	shape := Shape{Version: 0x0304, Suite: 0x1301, Group: 0x1D, Scheme: 0x0403}
	for _, c := range []struct {
		name    string
		ask     Ask
		resumed bool
		change  func(*Shape)
		want    bool
	}{
		{"the version alone", Ask{Version: 0x0304}, false, func(*Shape) {}, true},
		{"everything", Ask{Version: 0x0304, Group: 0x1D, Suite: 0x1301, Scheme: 0x0403}, false, func(*Shape) {}, true},
		{"a retry", Ask{Version: 0x0304}, false, func(s *Shape) { s.Retry = true }, true},
		{"a retry as asked", Ask{Version: 0x0304, Retry: true}, false, func(s *Shape) { s.Retry = true }, true},
		{"no retry", Ask{Version: 0x0304, Retry: true}, false, func(*Shape) {}, false},
		{"another version", Ask{Version: 0x0303}, false, func(*Shape) {}, false},
		{"resumed", Ask{Version: 0x0304}, false, func(s *Shape) { s.Resumed = true }, false},
		{"resumed as asked", Ask{Version: 0x0304, Resume: 1, Scheme: 0x0403}, true, func(s *Shape) { s.Resumed, s.Scheme = true, 0 }, true},
		{"full, in a mix", Ask{Version: 0x0304, Resume: 0.5}, true, func(*Shape) {}, false},
		{"resumed, in a mix", Ask{Version: 0x0304, Resume: 0.5}, false, func(s *Shape) { s.Resumed = true }, false},
		{"resumed with another group", Ask{Version: 0x0304, Group: 0x17}, true, func(s *Shape) { s.Resumed = true }, false},
		{"resumed 1.2, which has no group", Ask{Version: 0x0303, Group: 0x17}, true, func(s *Shape) { s.Version, s.Resumed, s.Group = 0x0303, true, 0 }, true},
		{"another group", Ask{Version: 0x0304, Group: 0x17}, false, func(*Shape) {}, false},
		{"another suite", Ask{Version: 0x0304, Suite: 0x1302}, false, func(*Shape) {}, false},
		{"another scheme", Ask{Version: 0x0304, Scheme: 0x0804}, false, func(*Shape) {}, false},
		{"the protocol", Ask{Version: 0x0304, ALPN: "h2"}, false, func(s *Shape) { s.ALPN = "h2" }, true},
		{"no protocol", Ask{Version: 0x0304, ALPN: "h2"}, false, func(*Shape) {}, false},
	} {
		s := shape
		c.change(&s)
		if got := c.ask.Fits(s, c.resumed); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// crypto/tls cannot be held to everything; then it is not used.
func TestStockRefuses(t *testing.T) {
	for _, ask := range []Ask{{Version: 0x0304, Suite: 0x1302}, {Version: 0x0303, Scheme: 0x0403}, {Version: 0x0304, Retry: true}} {
		if _, err := NewStock(Config{Ask: ask}); err == nil || !strings.Contains(err.Error(), "--client lean") {
			t.Errorf("%+v: %v", ask, err)
		}
	}
}
