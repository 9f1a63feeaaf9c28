package scanner

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"shakedown/scanner/dial"
)

func TestClockSkew(t *testing.T) {
	now := time.Date(2026, 3, 14, 9, 30, 0, 0, time.UTC)
	for head, want := range map[string]int{
		"HTTP/1.1 200 OK\r\nDate: Sat, 14 Mar 2026 09:30:02 GMT\r\n\r\n":           0,
		"HTTP/1.1 200 OK\r\nDate: Sat, 14 Mar 2026 09:34:59 GMT\r\n\r\n":           0,
		"HTTP/1.1 200 OK\r\ndate:Sat, 14 Mar 2026 11:30:02 GMT\r\n\r\n":            7200,
		"HTTP/1.1 200 OK\r\nDate: Sat, 14 Mar 2026 09:20:20 GMT\r\n\r\n":           -600,
		"HTTP/1.1 200 OK\r\nDate: Sat, 14 Mar 2026 11:30:02 GMT\r\nAge: 7\r\n\r\n": 0, // a cache's
		"HTTP/1.1 200 OK\r\nDate: Sat, 14 Mar 2026 11:3":                           0, // cut off
		"HTTP/1.1 200 OK\r\n\r\nDate: Sat, 14 Mar 2026 11:30:02 GMT\r\n":           0, // of the body
		"HTTP/1.1 200 OK\r\nDate: whenever\r\n\r\n":                                0,
		"220 Date: Sat, 14 Mar 2026 11:30:02 GMT\r\n":                              0,
		"": 0,
	} {
		got := 0
		if seconds := clockSkew([]byte(head), now); seconds != nil {
			got = *seconds
		}
		if got != want {
			t.Errorf("%q: %d, want %d", head, got, want)
		}
	}
}

// A server whose clock is wrong is told so in its record; one whose clock is right
// is not.
func TestClockSkewScanned(t *testing.T) {
	var ahead time.Duration
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
	}))
	s.TLS, s.Config.ErrorLog = &tls.Config{}, log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	for _, ahead = range []time.Duration{0, 3 * time.Hour} {
		e := scanFake(t, netip.MustParseAddrPort(s.Listener.Addr().String()), dial.Options{Timeout: time.Minute}, Options{Aspects: []Aspect{AspectVersions, AspectProtocol}})
		switch skew := e.PathFacts.ClockSkewS; {
		case ahead == 0 && skew != nil, ahead > 0 && (skew == nil || *skew != int(ahead/time.Second)):
			t.Errorf("%v ahead: %v", ahead, skew)
		}
	}
}
