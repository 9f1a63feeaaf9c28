package bench

import (
	"net/netip"
	"testing"
	"time"

	"shakedown/bench/client"
)

// A source has 28,232 ports, each of which is gone for a minute: the arithmetic
// of --help.
func TestSourcesNeeded(t *testing.T) {
	for _, c := range []struct {
		name string
		plan Plan
		to   string
		want int
	}{
		{"little", Plan{Rate: 300, Duration: 60 * time.Second}, "127.0.0.1", 0},
		{"a minute at 20,000 a second", Plan{Rate: 20000, Duration: time.Minute}, "127.0.0.1", 54}, // 1,200,000 ÷ 28,232, and a fifth left over
		{"no more in an hour", Plan{Rate: 20000, Duration: time.Hour, Blocks: 100}, "127.0.0.1", 54},
		{"by RST", Plan{Rate: 20000, Duration: time.Minute, Closing: client.ByRST}, "127.0.0.1", 0},
		{"not on loopback", Plan{Rate: 20000, Duration: time.Minute}, "192.0.2.1", 0},
		{"not by IPv6", Plan{Rate: 20000, Duration: time.Minute}, "::1", 0},
		{"as told", Plan{Rate: 20000, Duration: time.Minute, Sources: []netip.Addr{netip.MustParseAddr("127.0.0.5")}}, "127.0.0.1", 1},
	} {
		c.plan.WarmUp = -1
		p := plan(t, c.plan)
		if got := sourcesFor(p, netip.MustParseAddr(c.to)); len(got) != c.want {
			t.Errorf("%s: %d sources, want %d: %v", c.name, len(got), c.want, got)
		}
	}
}
