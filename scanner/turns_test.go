package scanner

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
)

// neighbourhood is many addresses, of which some are dead: what is sent to them
// vanishes.
type neighbourhood struct {
	link
	dead func(i int) bool
}

func (n *neighbourhood) connect(ctx context.Context, a netip.AddrPort, deadline time.Time) (net.Conn, error) {
	if !n.dead(numberOf(a)) {
		return n.link.connect(ctx, a, deadline)
	}
	n.opened.Add(1)
	n.mostInFlight.Store(max(n.mostInFlight.Load(), n.inFlight.Add(1)))
	defer n.inFlight.Add(-1)
	limited, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	<-limited.Done()
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &timeoutError{}}
}

type timeoutError struct{}

func (timeoutError) Error() string { return "i/o timeout" }
func (timeoutError) Timeout() bool { return true }

// surveyed is a run over a neighbourhood.
type surveyed struct {
	living, whole time.Duration // until the last living one was finished, and all
	records       map[int]*results.Endpoint
}

func survey(t *testing.T, n *neighbourhood, count int) surveyed {
	return surveyBy(t, n.connect, n.dead, count)
}

func numberOf(a netip.AddrPort) int {
	b := a.Addr().As4()
	return int(b[2])<<8 | int(b[3])
}

func surveyBy(t *testing.T, connect func(context.Context, netip.AddrPort, time.Time) (net.Conn, error), dead func(int) bool, count int) surveyed {
	var paths []inventory.Path
	for i := range count {
		paths = append(paths, target(netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), 443)))
	}
	d := dial.New(dial.Options{Connect: connect, Timeout: 5 * time.Second})
	began, got := time.Now(), surveyed{records: map[int]*results.Endpoint{}}
	err := New(d, Options{Aspects: []Aspect{AspectVersions, AspectSuites}}).Run(t.Context(), paths, func(e *results.Endpoint) error {
		i := numberOf(netip.MustParseAddrPort(e.Address))
		got.records[i] = e
		if !dead(i) {
			got.living = time.Since(began)
		}
		return nil
	})
	got.whole = time.Since(began)
	if err != nil || len(got.records) != count {
		t.Fatalf("%d records of %d: %v", len(got.records), count, err)
	}
	return got
}

// Endpoints that are dead do not cost those that live their turn.
func TestDeadCostTheLivingNothing(t *testing.T) {
	serve := usualServer().answer
	const living = 100
	alone := time.Duration(0)
	bubble(t, func(t *testing.T) {
		n := &neighbourhood{link: *to(serve), dead: func(int) bool { return false }}
		alone = survey(t, n, living).living
	})
	for _, c := range []struct {
		name  string
		count int
		dead  func(i int) bool
	}{
		{"none", living, func(int) bool { return false }},
		{"a third, here and there", living * 3 / 2, func(i int) bool { return i%3 == 0 }},
		{"a third, all first", living * 3 / 2, func(i int) bool { return i < living/2 }},
		{"nine of ten", living * 10, func(i int) bool { return i%10 != 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				n := &neighbourhood{link: *to(serve), dead: c.dead}
				got := survey(t, n, c.count)
				dead := c.count - living
				t.Logf("%v alone, %v beside %d dead; all after %v", alone, got.living, dead, got.whole)
				// Half of 64 connections may be at dead addresses, a second each.
				if bound := alone + time.Duration(dead)*time.Second/32 + 2*time.Second; got.living > bound {
					t.Errorf("the living are finished after %v, at most %v is due", got.living, bound)
				}
				if most := n.mostInFlight.Load(); most > 64 {
					t.Errorf("%d connections in flight of 64", most)
				}
				for i, e := range got.records {
					checkSurveyed(t, e, c.dead(i))
				}
				time.Sleep(time.Second) // what was opened ahead is closed beside
				if left := n.inFlight.Load(); left != 0 {
					t.Errorf("%d connections are left open", left)
				}
			})
		})
	}
}

// checkSurveyed holds a record against what is there.
func checkSurveyed(t *testing.T, e *results.Endpoint, dead bool) {
	t.Helper()
	want := results.Complete
	if dead {
		want = results.Failed
	}
	if e.Status != want {
		t.Errorf("%s is %s, not %s: %+v", e.Address, e.Status, want, e.Failures)
	}
	if !dead {
		return
	}
	if len(e.Failures) != 1 || e.Failures[0].Stage != results.StageConnect || e.Failures[0].Kind != results.KindTimeout || len(e.Undetermined.Versions) != 6 {
		t.Errorf("%s: %+v, undetermined %v", e.Address, e.Failures, e.Undetermined.Versions)
	}
	if e.ElapsedMS < 5000 {
		t.Errorf("%s was given up after %v ms", e.Address, e.ElapsedMS)
	}
}

// A server that is slow is not dead: it is asked with all the time there is,
// after the others.
func TestSlowIsNotDead(t *testing.T) {
	f := usualServer()
	bubble(t, func(t *testing.T) {
		n := &neighbourhood{dead: func(int) bool { return false }, link: *to(func(c net.Conn) {
			time.Sleep(2 * time.Second)
			f.answer(c)
		})}
		for i, e := range survey(t, n, 20).records {
			if e.Status != results.Complete || len(e.Failures) > 0 {
				t.Errorf("%d: %s, %+v", i, e.Status, e.Failures)
			}
		}
	})
}

// Who was slow when it was looked at comes before those who take a connection and say
// nothing: these have their further questions when all else is done.
func TestSlowComesBeforeSilent(t *testing.T) {
	f := usualServer()
	bubble(t, func(t *testing.T) {
		const count = 400
		silent := func(i int) bool { return i%2 == 0 }
		slow, quick := to(func(c net.Conn) { time.Sleep(1200 * time.Millisecond); f.answer(c) }), to(f.answer)
		var asked sync.Map
		mute := to(func(c net.Conn) { io.Copy(io.Discard, c) })
		connect := func(ctx context.Context, a netip.AddrPort, deadline time.Time) (net.Conn, error) {
			if silent(numberOf(a)) {
				return mute.connect(ctx, a, deadline)
			}
			if _, before := asked.LoadOrStore(a, true); !before {
				return slow.connect(ctx, a, deadline)
			}
			return quick.connect(ctx, a, deadline)
		}
		got := surveyBy(t, connect, silent, count)
		t.Logf("the slow after %v, all after %v", got.living, got.whole)
		if got.living > got.whole/2 {
			t.Errorf("the slow are finished after %v of %v", got.living, got.whole)
		}
		for i, e := range got.records {
			if want := map[bool]results.Status{true: results.Failed, false: results.Complete}[silent(i)]; e.Status != want {
				t.Errorf("%d is %s, not %s: %+v", i, e.Status, want, e.Failures)
			}
			if silent(i) && (len(e.Failures) != 1 || e.Failures[0].Kind != results.KindTimeout || e.Failures[0].Count != 3 || e.Connections != 5 || e.ElapsedMS < 10000) {
				t.Errorf("%d: %d connections, %v ms, %+v", i, e.Connections, e.ElapsedMS, e.Failures)
			}
		}
	})
}

// Silence costs a deadline nothing: every endpoint has its record.
func TestDeadUntilTheDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := &neighbourhood{link: *to(usualServer().answer), dead: func(int) bool { return true }}
		var paths []inventory.Path
		for i := range 300 {
			paths = append(paths, target(netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:%d", i%200+1, 443+i/200))))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		count := 0
		New(dial.New(dial.Options{Connect: n.connect}), Options{}).Run(ctx, paths, func(e *results.Endpoint) error {
			count++
			if e.Status != results.Failed {
				t.Errorf("%s", e.Status)
			}
			return nil
		})
		if count != len(paths) {
			t.Errorf("%d records of %d", count, len(paths))
		}
	})
}
