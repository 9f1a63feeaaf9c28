// HSTS: for how long a server tells browsers to come back by TLS alone (RFC 6797).

package scanner

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// strictTransport reads the head of an HTTP response: for how many seconds its
// Strict-Transport-Security is to be kept, 0 where there is none that a browser
// would follow. nil is no HTTP, or a head that was cut off before it said.
func strictTransport(head []byte) *int {
	if !strings.HasPrefix(string(head), "HTTP/1.") {
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
