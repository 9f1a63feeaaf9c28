package scanner

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
)

// crowded serves a fake that takes only so many connections at once and turns
// the others away.
func crowded(t *testing.T, f *fake, most int64, greet func(net.Conn) bool, turnAway func(net.Conn)) (addr netip.AddrPort, turned *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	turned = new(atomic.Int64)
	var in atomic.Int64
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if in.Add(1) > most {
				in.Add(-1)
				turned.Add(1)
				turnAway(conn)
				conn.Close()
				continue
			}
			go func() {
				defer in.Add(-1)
				if greet == nil || greet(conn) {
					f.answer(conn)
				}
				io.Copy(io.Discard, conn) // in until the client has gone
				conn.Close()
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String()), turned
}

func resetting(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0) }

// finish closes as politely as can be: with all read, and no reset.
func finish(conn net.Conn) {
	conn.(*net.TCPConn).CloseWrite()
	go io.Copy(io.Discard, conn)
}

// speakSMTP greets and goes on to TLS.
func speakSMTP(conn net.Conn) bool {
	in := bufio.NewReader(conn)
	fmt.Fprint(conn, "220 mx\r\n")
	in.ReadString('\n')
	fmt.Fprint(conn, "250-mx\r\n250 STARTTLS\r\n")
	line, err := in.ReadString('\n')
	fmt.Fprint(conn, "220 go\r\n")
	return err == nil && strings.HasPrefix(line, "STARTTLS")
}

// A server that takes few connections at once is found out and asked less at
// once. Its record is whole, and the same as without a limit: to be full is not
// to refuse.
func TestConnectionLimit(t *testing.T) {
	for _, refuse := range []string{"alert", "close"} {
		f := usualServer()
		if refuse == "close" {
			f.refuse = nil
		}
		want := scanFake(t, f.serve(t), dial.Options{PerEndpoint: 8}, Options{})
		for name, c := range map[string]struct {
			most     int64
			scheme   string
			greet    func(net.Conn) bool
			turnAway func(net.Conn)
		}{
			"two, resets":   {2, "", nil, resetting},
			"two, closes":   {2, "", nil, finish},
			"one, resets":   {1, "", nil, resetting},
			"two, SMTP 421": {2, "smtp", speakSMTP, func(c net.Conn) { fmt.Fprint(c, "421 too many connections\r\n") }},
		} {
			t.Run(refuse+"/"+name, func(t *testing.T) {
				addr, turned := crowded(t, f, c.most, c.greet, c.turnAway)
				path := target(addr)
				path.Scheme = c.scheme
				got := scanOne(t, path, dial.Options{PerEndpoint: 8, Timeout: 20 * time.Second})
				if got.Status != results.Complete || len(got.Failures) > 0 && refuse == "alert" {
					t.Errorf("status %s, failures %+v", got.Status, got.Failures)
				}
				if !reflect.DeepEqual(got.Versions, want.Versions) || !reflect.DeepEqual(got.Suites, want.Suites) || !reflect.DeepEqual(got.Groups, want.Groups) {
					t.Errorf("got  %v %v %v\nwant %v %v %v", got.Versions, got.Suites, got.Groups, want.Versions, want.Suites, want.Groups)
				}
				if turned.Load() == 0 {
					t.Error("the server turned nobody away: this test tests nothing")
				}
				t.Logf("%d of %d connections were turned away", turned.Load(), got.Connections)
			})
		}
	}
}

// scanOne scans one path by the aspects of scanFake.
func scanOne(t *testing.T, p inventory.Path, dialing dial.Options) *results.Endpoint {
	t.Helper()
	opt := Options{Aspects: []Aspect{AspectVersions, AspectSuites, AspectPreference, AspectGroups}}
	var got *results.Endpoint
	err := New(dial.New(dialing), opt).Run(t.Context(), []inventory.Path{p}, func(e *results.Endpoint) error {
		got = e
		return nil
	})
	if err != nil || got == nil {
		t.Fatalf("no record: %v", err)
	}
	return got
}

// Of a server that takes only so many connections a second and turns the others away,
// the record is whole, and the same as without a limit, at a pace that the limit
// allows; to turn away is never to refuse.
func TestRateLimit(t *testing.T) {
	const perSecond, atOnce = 20, 5
	for _, refuse := range []string{"alert", "close"} {
		for name, c := range map[string]struct {
			scheme   string
			greet    func(net.Conn) bool
			turnAway func(net.Conn)
		}{
			"refuses":  {"", nil, nil},
			"closes":   {"", nil, func(net.Conn) {}},
			"SMTP 421": {"smtp", speakSMTP, func(c net.Conn) { fmt.Fprint(c, "421 too many connections\r\n") }},
		} {
			if refuse == "close" && name == "closes" {
				continue // there one close is like another
			}
			t.Run(refuse+"/"+name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					f := usualServer()
					if refuse == "close" {
						f.refuse = nil
					}
					path := inventory.Path{Service: "s", Name: "p", Target: "192.0.2.1:443", Host: "192.0.2.1", Port: 443}
					free := to(func(conn net.Conn) { f.answer(conn) })
					want := scanOne(t, path, dial.Options{PerEndpoint: 8, Connect: free.connect})

					var turned atomic.Int64
					var mu sync.Mutex
					tokens, last := float64(atOnce), time.Now()
					full := func() bool {
						mu.Lock()
						defer mu.Unlock()
						tokens, last = min(atOnce, tokens+perSecond*time.Since(last).Seconds()), time.Now()
						if tokens < 1 {
							turned.Add(1)
							return true
						}
						tokens--
						return false
					}
					limited := to(func(conn net.Conn) {
						defer conn.Close()
						if c.turnAway != nil && full() {
							c.turnAway(conn)
						} else if c.greet == nil || c.greet(conn) {
							f.answer(conn)
						}
					})
					connect := func(ctx context.Context, to netip.AddrPort, deadline time.Time) (net.Conn, error) {
						if c.turnAway == nil && full() {
							return nil, syscall.ECONNREFUSED
						}
						return limited.connect(ctx, to, deadline)
					}
					path.Scheme = c.scheme
					began := time.Now()
					got := scanOne(t, path, dial.Options{PerEndpoint: 8, Connect: connect})
					took := time.Since(began)
					if denied := wanting(f, got); len(denied) > 0 {
						t.Errorf("denied %v", denied)
					}
					if name == "closes" { // as others do to refuse: some may stay unknown
						return
					}
					if got.Status != results.Complete {
						t.Errorf("status %s, failures %+v", got.Status, got.Failures)
					}
					if !reflect.DeepEqual(got.Versions, want.Versions) || !reflect.DeepEqual(got.Suites, want.Suites) || !reflect.DeepEqual(got.Groups, want.Groups) {
						t.Errorf("got  %v %v %v\nwant %v %v %v", got.Versions, got.Suites, got.Groups, want.Versions, want.Suites, want.Groups)
					}
					if turned.Load() == 0 || took > time.Minute {
						t.Errorf("%d of %d turned away in %v", turned.Load(), got.Connections, took)
					}
					t.Logf("%d connections, %d turned away, %v; without a limit %d", got.Connections, turned.Load(), took, want.Connections)
				})
			})
		}
	}
}

// A path that never comes to TLS is no sign that its neighbour at the same address has too
// many connections: neither waits for the other.
func TestNeighbourInTheWrongTongue(t *testing.T) {
	f := usualServer()
	addr, _ := crowded(t, f, 1000, speakSMTP, resetting)
	right, wrong := target(addr), target(addr)
	right.Scheme, wrong.Scheme = "smtp", "imap"
	got := map[string]*results.Endpoint{}
	right.Name, wrong.Name = "right", "wrong"
	err := New(dial.New(dial.Options{}), Options{Aspects: []Aspect{AspectVersions, AspectSuites}}).Run(t.Context(), []inventory.Path{right, wrong}, func(e *results.Endpoint) error {
		got[e.Path] = e
		return nil
	})
	if err != nil || got["right"].Status != results.Complete || got["wrong"].Connections > 20 {
		t.Errorf("%v; right: %s; wrong: %s, %d connections", err, got["right"].Status, got["wrong"].Status, got["wrong"].Connections)
	}
}
