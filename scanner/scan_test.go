package scanner

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
	"shakedown/scanner/wire"
)

// usualServer speaks TLS 1.2 and 1.3 in an order that nobody would guess.
func usualServer() *fake {
	return &fake{
		suites: map[uint16][]uint16{
			wire.TLS12: {0x009C, 0xC02F, 0x0035, 0xC030, 0xC013, 0x0005},
			wire.TLS13: {0x1303, 0x1301},
		},
		groups: []uint16{0x0018, 0x11EC, 0x001D}, serverFirst: true, refuse: alertBytes(40),
	}
}

func TestServerOrder(t *testing.T) {
	f := usualServer()
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if e.Status != results.Complete || len(e.Failures) > 0 {
		t.Errorf("status %s, failures %+v", e.Status, e.Failures)
	}
	for v, want := range map[results.Version]results.Answer{
		results.SSLv2: "no", results.SSLv3: "no", results.TLSv10: "no", results.TLSv11: "no", results.TLSv12: "yes", results.TLSv13: "yes",
	} {
		if e.Versions[v] != want {
			t.Errorf("%s: %s, want %s", v, e.Versions[v], want)
		}
	}
	if got, want := ids(e.Suites[results.TLSv12]), hexes(f.suites[wire.TLS12]); !slices.Equal(got, want) {
		t.Errorf("suites of TLS 1.2: %v, want %v", got, want)
	}
	if got, want := ids(e.Suites[results.TLSv13]), hexes(f.suites[wire.TLS13]); !slices.Equal(got, want) {
		t.Errorf("suites of TLS 1.3: %v, want %v", got, want)
	}
	var groups []string
	for _, g := range e.Groups[results.TLSv13] {
		groups = append(groups, g.ID)
	}
	if want := hexes(f.groups); !slices.Equal(groups, want) {
		t.Errorf("groups: %v, want %v", groups, want)
	}
	if e.Preference[results.TLSv12] != "server" || e.Preference[results.TLSv13] != "server" || e.GroupPreference[results.TLSv13] != "server" {
		t.Errorf("preference %v, of groups %v", e.Preference, e.GroupPreference)
	}
	if _, asked := e.Suites[results.TLSv11]; asked {
		t.Error("suites of a version that is not spoken")
	}
}

func TestClientOrder(t *testing.T) {
	f := usualServer()
	f.serverFirst = false
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if e.Preference[results.TLSv12] != "client" || e.GroupPreference[results.TLSv13] != "client" {
		t.Errorf("preference %v, of groups %v", e.Preference, e.GroupPreference)
	}
	if len(e.Suites[results.TLSv12]) != 6 || e.Status != results.Complete {
		t.Errorf("suites %v, status %s", e.Suites, e.Status)
	}
}

// A server that keeps its order but lets ChaCha20 through when the client puts
// it first is neither the server's nor the client's.
func TestMixedOrder(t *testing.T) {
	f := &fake{suites: map[uint16][]uint16{wire.TLS12: {0xC02F, 0xC030, 0xCCA8, 0x009C}}, serverFirst: true, refuse: alertBytes(40)}
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		first := slices.IndexFunc(hello.Suites, func(id uint16) bool { return slices.Contains(f.suites[wire.TLS12], id) })
		if v, _ := f.version(hello); v != wire.TLS12 || first < 0 || hello.Suites[first] != 0xCCA8 {
			return false
		}
		h := wire.ServerHello{Version: wire.TLS12, Suite: 0xCCA8}
		conn.Write(wire.Records(wire.TLS12, h.Marshal()))
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if got := e.Preference[results.TLSv12]; got != results.PreferenceMixed {
		t.Errorf("preference %s, want mixed", got)
	}
	if len(e.Suites[results.TLSv12]) != 4 {
		t.Errorf("suites %v", ids(e.Suites[results.TLSv12]))
	}
}

// A server that chooses its kind of certificate by itself, and among its suites by
// the client's order (Erlang), follows neither's order alone. Static ECDH is for an
// EC key, whatever that is signed with.
func TestCertificateBeforeClientOrder(t *testing.T) {
	rsa := []uint16{0xC02F, 0xC013, 0x002F, 0x000A}
	for name, ec := range map[string][]uint16{
		"ECDSA":                       {0xC02B, 0xC006}, // one that usual orders put first, and one they put last
		"ECDSA, static ECDH with RSA": {0xC02B, 0xC00B},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{suites: map[uint16][]uint16{wire.TLS12: slices.Concat(rsa, ec)}, refuse: alertBytes(40)}
			f.reply = func(_ net.Conn, hello *wire.ClientHello, _ int64) bool {
				some := slices.DeleteFunc(slices.Clone(hello.Suites), func(id uint16) bool { return !slices.Contains(ec, id) })
				if len(some) > 0 {
					hello.Suites = some
				}
				return false
			}
			e := scanFake(t, f.serve(t), dial.Options{}, Options{})
			if got := e.Preference[results.TLSv12]; got != results.PreferenceMixed || len(e.Suites[results.TLSv12]) != len(rsa)+len(ec) {
				t.Errorf("preference %s, suites %v", got, ids(e.Suites[results.TLSv12]))
			}
		})
	}
}

// Whatever a server's set and order, the scan finds both, and it stays within
// its bound of connections, although every hope and guess is in vain.
func TestRandomServers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	all := candidates(wire.TLS12)
	for range 12 {
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		f := &fake{suites: map[uint16][]uint16{}, serverFirst: true, refuse: alertBytes(40)}
		pairs := 0
		for _, v := range []uint16{wire.SSL30, wire.TLS10, wire.TLS12} {
			if n := r.IntN(40); n > 0 {
				f.suites[v] = slices.Clone(all[:n])
				pairs += n
			}
		}
		if pairs == 0 {
			continue
		}
		e := scanFake(t, f.serve(t), dial.Options{PerEndpoint: 8}, Options{})
		for v, want := range f.suites {
			if got := ids(e.Suites[wire.VersionName(v)]); !slices.Equal(got, hexes(want)) {
				t.Errorf("%s: got %v, want %v", wire.VersionName(v), got, hexes(want))
			}
		}
		if bound := 4*pairs + 20; e.Connections > bound {
			t.Errorf("%d connections for %d pairs, want at most %d", e.Connections, pairs, bound)
		}
	}
}

// A server that closes on what it does not speak, without a word, has refused:
// the control question between shows that it is alive.
func TestCloseIsRefusalBesideControl(t *testing.T) {
	f := usualServer()
	f.refuse = nil
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		_, ok := f.version(hello)
		return !ok // closes
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if e.Status != results.Complete || e.Versions[results.TLSv10] != "no" || len(e.Suites[results.TLSv12]) != 6 {
		t.Errorf("status %s, versions %v, suites %v, failures %+v", e.Status, e.Versions, ids(e.Suites[results.TLSv12]), e.Failures)
	}
}

// Silence is never a no.
func TestSilenceIsUnknown(t *testing.T) {
	f := usualServer()
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		if len(f.choose(hello)) == 7 { // an alert: swallow it
			conn.Read(make([]byte, 1)) // until the client gives up
			return true
		}
		return false
	}
	e := scanFake(t, f.serve(t), dial.Options{Timeout: 150 * time.Millisecond}, Options{})
	if e.Status != results.Partial {
		t.Errorf("status %s, want partial", e.Status)
	}
	if e.Versions[results.TLSv12] != "yes" || e.Versions[results.TLSv10] != "unknown" {
		t.Errorf("versions %v", e.Versions)
	}
	if !slices.Contains(e.Undetermined.Versions, results.TLSv10) || len(e.Undetermined.Suites[results.TLSv12]) == 0 {
		t.Errorf("undetermined %+v", e.Undetermined)
	}
	if slices.Contains(e.Undetermined.Suites[results.TLSv12], "0x009C") {
		t.Error("a suite that was accepted is called undetermined")
	}
	if len(e.Failures) != 1 || e.Failures[0].Kind != results.KindTimeout || e.Failures[0].Stage != results.StageHello {
		t.Errorf("failures %+v", e.Failures)
	}
}

// One failure now and then is asked again and leaves no trace in the facts.
func TestSecondAsking(t *testing.T) {
	for name, misbehave := range map[string]func(net.Conn){
		"close":          func(net.Conn) {},
		"reset":          reset,
		"internal_error": func(c net.Conn) { c.Write(alertBytes(80)) },
		"garbage":        func(c net.Conn) { c.Write([]byte("garbage, no TLS at all")) },
	} {
		t.Run(name, func(t *testing.T) {
			f := usualServer()
			var seen sync.Map
			f.reply = func(conn net.Conn, hello *wire.ClientHello, n int64) bool {
				question := fmt.Sprint(hello.Version, hello.Versions(), hello.Suites, hello.Groups(), hello.Schemes())
				if _, again := seen.LoadOrStore(question, true); again || n%3 > 0 {
					return false
				}
				misbehave(conn)
				return true
			}
			e := scanFake(t, f.serve(t), dial.Options{PerEndpoint: 1}, Options{})
			if e.Status != results.Complete || len(e.Suites[results.TLSv12]) != 6 || len(e.Groups[results.TLSv13]) != 3 {
				t.Errorf("status %s, suites %v, undetermined %+v, failures %+v", e.Status, ids(e.Suites[results.TLSv12]), e.Undetermined, e.Failures)
			}
		})
	}
}

func reset(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }

// TestMisbehaviour scans servers that never give a usable answer: each is
// named rightly, and nothing is guessed.
func TestMisbehaviour(t *testing.T) {
	hello := wire.ServerHello{Version: wire.TLS12, Suite: 0xC02F}
	whole := wire.Records(wire.TLS12, hello.Marshal())
	for _, c := range []struct {
		name  string
		reply func(net.Conn)
		kind  results.FailureKind
	}{
		{"silence", func(c net.Conn) { c.Read(make([]byte, 1)) }, results.KindTimeout},
		{"closes", func(net.Conn) {}, results.KindEOF},
		{"resets", reset, results.KindReset},
		{"speaks HTTP", func(c net.Conn) { c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, results.KindNotTLS},
		{"half a record", func(c net.Conn) { c.Write(whole[:len(whole)-3]); c.Read(make([]byte, 1)) }, results.KindTimeout},
		{"half a record, then closes", func(c net.Conn) { c.Write(whole[:len(whole)-3]) }, results.KindEOF},
		{"one byte, then silence", func(c net.Conn) { c.Write(whole[:1]); c.Read(make([]byte, 1)) }, results.KindTimeout},
		{"a record too large", func(c net.Conn) { c.Write([]byte{22, 3, 3, 0x7F, 0xFF}) }, results.KindLimit},
		{"a message too large", func(c net.Conn) { c.Write([]byte{22, 3, 3, 0, 4, 2, 0xFF, 0xFF, 0xFF}) }, results.KindLimit},
		{"endless warnings", func(c net.Conn) { endless(c, bytes.Repeat([]byte{21, 3, 3, 0, 2, 1, 112}, 100)) }, results.KindLimit},
		{"endless empty records", func(c net.Conn) { endless(c, bytes.Repeat([]byte{22, 3, 3, 0, 0}, 100)) }, results.KindLimit},
		{"malformed ServerHello", func(c net.Conn) { c.Write([]byte{22, 3, 3, 0, 5, 2, 0, 0, 1, 9}) }, results.KindMalformed},
		{"a suite nobody offered", func(c net.Conn) {
			h := wire.ServerHello{Version: wire.TLS12, Suite: 0x5A5A}
			c.Write(wire.Records(wire.TLS12, h.Marshal()))
		}, results.KindMalformed},
		{"a version of the future", func(c net.Conn) {
			h := wire.ServerHello{Version: 0x0309, Suite: 0xC02F}
			c.Write(wire.Records(wire.TLS12, h.Marshal()))
		}, results.KindMalformed},
		{"internal_error", func(c net.Conn) { c.Write(alertBytes(80)) }, results.KindAlert},
		{"application data", func(c net.Conn) { c.Write([]byte{23, 3, 3, 0, 1, 7}) }, results.KindMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{raw: func(conn net.Conn, _ []byte) bool { c.reply(conn); return true }}
			timeout := 10 * time.Second // of those that answer something
			if c.kind == results.KindTimeout {
				timeout = 500 * time.Millisecond
			}
			e := scanFake(t, f.serve(t), dial.Options{Timeout: timeout}, Options{})
			if e.Status != results.Failed {
				t.Errorf("status %s, versions %v, want failed", e.Status, e.Versions)
			}
			for v, got := range e.Versions {
				if got != results.Unknown {
					t.Errorf("%s: %s, want unknown", v, got)
				}
			}
			if len(e.Failures) == 0 || e.Failures[0].Kind != c.kind {
				t.Errorf("failures %+v, want kind %s", e.Failures, c.kind)
			}
			if c.kind == results.KindTimeout && e.ElapsedMS > 1500 {
				t.Errorf("took %v ms with a timeout of 500", e.ElapsedMS)
			}
		})
	}
}

// endless sends the same again until the peer has had enough.
func endless(c net.Conn, unit []byte) {
	for {
		if _, err := c.Write(unit); err != nil {
			return
		}
	}
}

// A server that answers one byte at a time is slow, not broken.
func TestOneByteAtATime(t *testing.T) {
	f := usualServer()
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		for _, b := range f.choose(hello) {
			conn.Write([]byte{b})
		}
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if e.Status != results.Complete || len(e.Suites[results.TLSv12]) != 6 {
		t.Errorf("status %s, suites %v", e.Status, ids(e.Suites[results.TLSv12]))
	}
}

func TestNothingListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	e := scanFake(t, addr, dial.Options{}, Options{})
	if e.Status != results.Failed || len(e.Failures) != 1 || e.Failures[0].Kind != results.KindRefused || e.Failures[0].Stage != results.StageConnect {
		t.Errorf("status %s, failures %+v", e.Status, e.Failures)
	}
	if e.Connections != 4 {
		t.Errorf("%d connections to a dead address, want as many as go side by side, 4", e.Connections)
	}
}

func TestUnresolved(t *testing.T) {
	var got *results.Endpoint
	p := inventory.Path{Service: "s", Name: "p", Host: "name.invalid", Port: 443}
	resolver := func(context.Context, string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Name: "name.invalid", IsNotFound: true}
	}
	err := New(dial.New(dial.Options{Resolver: resolver}), Options{}).Run(t.Context(), []inventory.Path{p}, func(e *results.Endpoint) error {
		got = e
		return nil
	})
	if err != nil || got == nil || got.Address != "" || got.Status != results.Failed || got.Connections != 0 ||
		len(got.Failures) != 1 || got.Failures[0].Kind != results.KindDNS || got.Failures[0].Stage != results.StageResolve {
		t.Errorf("got %+v, %v", got, err)
	}
}

// The deadline of the run leaves every endpoint with a record; cancelling
// leaves those that were not finished without one.
func TestRunEnds(t *testing.T) {
	stuck := &fake{reply: func(c net.Conn, _ *wire.ClientHello, _ int64) bool { c.Read(make([]byte, 1)); return true }}
	paths := []inventory.Path{target(stuck.serve(t)), target(stuck.serve(t)), target(usualServer().serve(t))}
	paths[2].Service = "answers"
	for _, c := range []struct {
		name string
		ctx  func(t *testing.T, answered <-chan struct{}) (context.Context, context.CancelFunc)
		want int
	}{
		{"deadline", func(t *testing.T, _ <-chan struct{}) (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), 300*time.Millisecond)
		}, 3},
		{"cancel", func(t *testing.T, answered <-chan struct{}) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-answered; cancel() }()
			return ctx, cancel
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			answered := make(chan struct{})
			var once sync.Once
			ctx, cancel := c.ctx(t, answered)
			defer cancel()
			var got []*results.Endpoint
			New(dial.New(dial.Options{Timeout: time.Hour}), Options{Aspects: []Aspect{AspectVersions}}).Run(ctx, paths, func(e *results.Endpoint) error {
				got = append(got, e)
				if e.Service == "answers" {
					once.Do(func() { close(answered) })
				}
				return nil
			})
			if len(got) != c.want {
				t.Fatalf("%d records, want %d", len(got), c.want)
			}
			for _, e := range got {
				if e.Service == "answers" {
					if e.Status != results.Complete {
						t.Errorf("the endpoint that answers: %s %+v", e.Status, e.Failures)
					}
				} else if e.Status != results.Failed || e.Failures[0].Kind != results.KindDeadline {
					t.Errorf("an endpoint that was cut off: %s %+v", e.Status, e.Failures)
				}
			}
		})
	}
}

// The budget of an address holds whatever is asked of it.
func TestBudgetIsKept(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	count := func(d int) {
		mu.Lock()
		defer mu.Unlock()
		now += d
		most = max(most, now)
	}
	f := usualServer()
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		count(1)
		conn.Write(f.choose(hello))
		conn.Read(make([]byte, 1)) // until the client is gone
		count(-1)
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{PerEndpoint: 3}, Options{})
	mu.Lock()
	defer mu.Unlock()
	// The server may see a connection a moment longer than the client does.
	if most > 6 || e.Status != results.Complete {
		t.Errorf("%d connections at once, status %s", most, e.Status)
	}
	if int64(e.Connections) != f.hellos.Load()+1 { // and one SSLv2, which is no hello
		t.Errorf("the record counts %d connections, the server %d", e.Connections, f.hellos.Load())
	}
}

func TestAspects(t *testing.T) {
	f := usualServer()
	addr := f.serve(t)
	e := scanFake(t, addr, dial.Options{}, Options{Aspects: []Aspect{AspectVersions}})
	if e.Suites != nil || e.Groups != nil || e.Preference != nil || e.Chains != nil || e.Versions[results.TLSv12] != "yes" {
		t.Errorf("asked for versions alone, got %+v", e)
	}
	if want := len(results.Versions()) - 2; e.Connections != want { // TLS 1.0 and SSLv3 go with TLS 1.1
		t.Errorf("%d connections for %d versions, want %d", e.Connections, len(results.Versions()), want)
	}
	if _, err := ParseAspects("versions,sweets"); err == nil || !strings.Contains(err.Error(), "sweets") {
		t.Errorf("an unknown aspect: %v", err)
	}
}

// SSLv2 has one answer, which lists its cipher kinds.
func TestSSLv2(t *testing.T) {
	f := usualServer()
	f.raw = func(conn net.Conn, first []byte) bool {
		if first[0] != 0x80 {
			return false
		}
		body := []byte{4, 0, 1, 0, 2, 0, 0, 0, 6, 0, 0, 0x01, 0x00, 0x80, 0x07, 0x00, 0xC0}
		conn.Write(append([]byte{0x80, byte(len(body))}, body...))
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if got := ids(e.Suites[results.SSLv2]); e.Versions[results.SSLv2] != "yes" || !slices.Equal(got, []string{"0x010080", "0x0700C0"}) {
		t.Errorf("SSLv2 %s with %v", e.Versions[results.SSLv2], got)
	}
	if e.Suites[results.SSLv2][0].Name != "SSL_CK_RC4_128_WITH_MD5" || e.Status != results.Complete {
		t.Errorf("%+v, status %s", e.Suites[results.SSLv2], e.Status)
	}
}

func TestArrange(t *testing.T) {
	seen := []offer{
		{ids: []uint16{1, 2, 3, 7}, choice: 3}, // 3 before 1 and 2; 7 was not accepted
		{ids: []uint16{5, 4}, choice: 5},
	}
	usual := func([]uint16, []offer) func(uint16) int { return func(id uint16) int { return int(id) } }
	if got, want := arrange([]uint16{1, 2, 3, 4, 5}, seen, usual), []uint16{3, 1, 2, 5, 4}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	contradiction := []offer{{ids: []uint16{1, 2}, choice: 1}, {ids: []uint16{1, 2}, choice: 2}}
	if got := arrange([]uint16{2, 1}, contradiction, usual); len(got) != 2 {
		t.Errorf("a contradiction: %v", got)
	}
	if got := uncertain([]uint16{3, 1, 2}, append(seen, offer{ids: []uint16{9, 2, 1}, choice: 1})); len(got) != 0 {
		t.Errorf("every tail was offered: %v are left", got)
	}
}

func FuzzListener(f *testing.F) {
	h := wire.ServerHello{Version: wire.TLS12, Suite: 0xC02F}
	f.Add(wire.Records(wire.TLS12, h.Marshal()), uint8(1))
	f.Add(wire.Records(wire.TLS12, slices.Concat(h.Marshal(), []byte{11, 0, 0, 3, 0, 0, 0}, []byte{12, 0, 0, 5, 3, 0, 29, 1, 9})), uint8(2))
	f.Add(wire.Records(wire.TLS12, slices.Concat(h.Marshal(), certificateMessage([]byte{0x30, 0}), []byte{12, 0, 0, 1, 1})), uint8(untilKeyExchange))
	f.Add(alertBytes(112), uint8(0))
	f.Fuzz(func(t *testing.T, in []byte, stop uint8) {
		for _, version := range []uint16{wire.TLS12, wire.TLS13} {
			q := usual(version, "", []uint16{0xC02F, 0x1301})
			q.until = until(stop) % (untilDone + 1)
			l := listener{q: &q, got: new(answer)}
			l.session, l.sent, _ = q.hello(nil)
			if !l.feed(in) {
				l.end(results.Failure{Stage: results.StageHello, Kind: results.KindEOF, Count: 1})
			}
			got := l.got
			switch {
			case got.outcome == accepted && (got.hello == nil || !slices.Contains(q.suites, got.hello.Suite)):
				t.Fatalf("accepted what was not offered: %+v", got)
			case got.outcome == accepted && q.until == untilKeyExchange && got.keyExchange == nil && version == wire.TLS12:
				t.Fatalf("no key exchange: %+v", got)
			case got.outcome == failed && got.failure.Kind == "":
				t.Fatalf("failed without a reason: %+v", got)
			}
		}
	})
}

func ExamplePlan() {
	paths := []inventory.Path{{Service: "portal", Name: "alb", ServerName: "portal.example"}}
	for _, p := range Plan(paths, Options{Aspects: []Aspect{AspectVersions}}) {
		fmt.Println(p.Name, p.Probes[0].Cost)
	}
	// Output: alb 6 connections, one for each version from SSLv2 to TLSv1.3
}
