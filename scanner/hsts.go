// HTTP: whether a server speaks it, and HSTS, for how long it tells browsers to
// come back by TLS alone (RFC 6797).

package scanner

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"shakedown/results"
)

// speaksHTTP says whether HTTP is spoken, from what ALPN chose and what answered
// the request; "" where nothing tells. STARTTLS names what is spoken by itself.
func (s *session) speaksHTTP(alpn []string, head []byte) results.Answer {
	ofHTTP := func(name string) bool { return strings.HasPrefix(name, "http/") || name == "h2" }
	switch {
	case s.path.Scheme != "":
		return results.No
	case slices.ContainsFunc(alpn, ofHTTP), isHTTP(head):
		return results.Yes
	case len(head) > 0:
		return results.No
	}
	return ""
}

// requestAgain asks one who promised HTTP, and broke off in place of an answer, once
// more. Silence had its time.
func (s *session) requestAgain(ctx context.Context) {
	r := s.more.resumption
	if r == nil || r.head != nil || r.silent || s.speaksHTTP(s.protocol.ALPN, nil) != results.Yes {
		return
	}
	o := r.new
	if len(o.Suites) == 0 {
		o = r.old
	}
	if len(o.Suites) == 0 {
		return
	}
	r.hear(r.ask.finish(ctx, r.withRequest(o), r.ask.alone))
}

func isHTTP(head []byte) bool { return bytes.HasPrefix(head, []byte("HTTP/1.")) }

// strictTransport reads the head of an HTTP response: for how many seconds its
// Strict-Transport-Security is to be kept, 0 where there is none that a browser
// would follow. nil is no HTTP, or a head that was cut off before it said.
func strictTransport(head []byte) *int {
	if !isHTTP(head) {
		return nil
	}
	for line := range strings.Lines(string(head)) {
		if !strings.HasSuffix(line, "\n") {
			break // cut off
		}
		line = strings.TrimRight(line, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		switch {
		case line == "":
			return new(int)
		case strings.EqualFold(name, "Strict-Transport-Security"): // the first alone counts (§8.1)
			seconds := maxAge(value)
			return &seconds
		}
	}
	return nil
}

// maxAge is the max-age of a policy, 0 where the policy is to be ignored: it
// has none, or one twice (§6.1).
func maxAge(policy string) int {
	age := ""
	for _, directive := range strings.Split(policy, ";") {
		name, value, _ := strings.Cut(directive, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "max-age") {
			continue
		}
		if age != "" {
			return 0
		}
		age = strings.Trim(strings.TrimSpace(value), `"`)
	}
	seconds, err := strconv.ParseUint(age, 10, 31)
	switch {
	case err == nil:
		return int(seconds)
	case errors.Is(err, strconv.ErrRange):
		return math.MaxInt32 // longer than a life
	}
	return 0
}
