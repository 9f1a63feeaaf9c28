package scanner

import (
	"net"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"shakedown/results"
)

// same holds what was found against what is there.
func same(t *testing.T, got, want *results.Endpoint) {
	t.Helper()
	if got.Status != results.Complete || len(got.Failures) > 0 {
		t.Errorf("status %s, failures %+v", got.Status, got.Failures)
	}
	if !reflect.DeepEqual(got.Versions, want.Versions) || !reflect.DeepEqual(got.Suites, want.Suites) || !reflect.DeepEqual(got.Groups, want.Groups) {
		t.Errorf("got  %v %v %v\nwant %v %v %v", got.Versions, got.Suites, got.Groups, want.Versions, want.Suites, want.Groups)
	}
}

const series3 = "versions,suites,preference,groups"

// atOnce is what a server near by shows.
func atOnce(t *testing.T, serve func(net.Conn)) (e *results.Endpoint) {
	bubble(t, func(t *testing.T) { e = scanOver(t, to(serve), series3, 1).record })
	return e
}

// Connections that are opened ahead are of the budget, and counted.
func TestAheadIsOfTheBudget(t *testing.T) {
	serve := nginx(t).serve
	want := atOnce(t, serve)
	for _, width := range []int{1, 2, 3, 8, 20} {
		bubble(t, func(t *testing.T) {
			l := to(serve)
			got := scanOver(t, l, series3, width)
			same(t, got.record, want)
			if most := l.mostInFlight.Load(); most > int64(width) {
				t.Errorf("%d in flight of %d", most, width)
			}
			if opened := l.opened.Load(); int64(got.connections) != opened {
				t.Errorf("%d connections are told, %d were opened", got.connections, opened)
			}
			time.Sleep(time.Second)
			if left := l.inFlight.Load(); left != 0 {
				t.Errorf("%d connections are left open", left)
			}
		})
	}
}

// A server that closes a connection on which nothing is said at once has said
// nothing by it.
func TestConnectionsThatDieWaiting(t *testing.T) {
	serve := nginx(t).serve
	want := atOnce(t, serve)
	for name, refuse := range map[string][]byte{"alert": alertBytes(40), "close": nil} {
		t.Run(name, func(t *testing.T) {
			server := nginx(t)
			server.refuse = refuse
			bubble(t, func(t *testing.T) {
				var died atomic.Int32
				l := to(func(c net.Conn) {
					c.SetReadDeadline(time.Now().Add(roundTrip / 10))
					first := &tape{Conn: c}
					if _, err := first.Read(make([]byte, 1)); err != nil {
						died.Add(1)
						c.Close()
						return
					}
					c.SetReadDeadline(time.Time{})
					time.Sleep(roundTrip / 5) // to think: meanwhile the next connection waits
					server.serve(first.again())
				})
				got := scanOver(t, l, series3, 8)
				same(t, got.record, want)
				if died.Load() == 0 {
					t.Error("no connection waited: this test tests nothing")
				}
				if opened := l.opened.Load(); int64(got.connections) != opened {
					t.Errorf("%d connections are told, %d were opened", got.connections, opened)
				}
			})
		})
	}
}

// A server that serves one connection after the other, and each until the
// client has gone, is not kept waiting by connections without a question.
func TestOneAfterTheOther(t *testing.T) {
	server := nginx(t)
	want := atOnce(t, server.serve)
	bubble(t, func(t *testing.T) {
		queue := make(chan net.Conn, 1000)
		defer close(queue)
		go func() {
			for c := range queue {
				held := &lingering{Conn: c}
				server.serve(held)
				held.untilGone()
			}
		}()
		got := scanOver(t, &link{accept: func(c net.Conn) { queue <- c }}, series3, 8)
		same(t, got.record, want)
		// Each answer takes the server a round trip, until our farewell arrives.
		if bound := 1.3*float64(got.connections) + 10; got.rounds > bound {
			t.Errorf("%.1f round trips for %d connections, at most %.1f are due", got.rounds, got.connections, bound)
		}
	})
}

// lingering stays open until the client has gone.
type lingering struct{ net.Conn }

func (lingering) Close() error { return nil }

func (c lingering) untilGone() {
	for err := error(nil); err == nil; {
		_, err = c.Read(make([]byte, 100))
	}
	c.Conn.Close()
}

// A server that turns away what is more than three at once is found out.
func TestThreeAtOnce(t *testing.T) {
	server := nginx(t)
	want := atOnce(t, server.serve)
	bubble(t, func(t *testing.T) {
		var turned atomic.Int64
		places := make(chan bool, 3)
		l := to(func(c net.Conn) {
			select {
			case places <- true:
				held := lingering{c}
				server.serve(held)
				held.untilGone()
				<-places
			default:
				turned.Add(1)
				c.Close()
			}
		})
		same(t, scanOver(t, l, series3, 8).record, want)
		if turned.Load() == 0 {
			t.Error("the server turned nobody away: this test tests nothing")
		}
	})
}
