// The clocks of servers, beside this machine's: where they differ, one of them is
// wrong, and with it what either says of certificates.

package scanner

import (
	"net/http"
	"strings"
	"time"
)

// skewTold is how far clocks may differ without being told: requests take time,
// and caches answer with the Date of a while ago.
const skewTold = 5 * time.Minute

// clockSkew reads the Date in the head of an HTTP response (RFC 9110 §6.6.1): by
// how many seconds it is ahead of now, in whole minutes. nil is less than
// skewTold, or no Date; what a cache kept for a while (Age) tells nothing.
func clockSkew(head []byte, now time.Time) *int {
	if !strings.HasPrefix(string(head), "HTTP/1.") {
		return nil
	}
	var date time.Time
	for line := range strings.Lines(string(head)) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		switch {
		case !strings.HasSuffix(line, "\n"), name == "":
			return skewOf(date, now)
		case strings.EqualFold(name, "Age"):
			return nil
		case strings.EqualFold(name, "Date"):
			if at, err := http.ParseTime(strings.TrimSpace(value)); err == nil {
				date = at
			}
		}
	}
	return skewOf(date, now)
}

func skewOf(date, now time.Time) *int {
	if date.IsZero() {
		return nil
	}
	skew := date.Sub(now)
	if skew.Abs() < skewTold {
		return nil
	}
	seconds := int(skew.Round(time.Minute) / time.Second)
	return &seconds
}
