package scanner

import (
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
	"shakedown/scanner/wire"
)

// broken is a server that chooses a suite which it cannot do, and then refuses
// whatever was offered with it, as mbed TLS does with ARIA where it has none.
func broken(cannot uint16, can ...uint16) *fake {
	f := &fake{suites: map[uint16][]uint16{wire.TLS10: can, wire.TLS12: can}, serverFirst: true, refuse: alertBytes(40)}
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		if !slices.Contains(hello.Suites, cannot) {
			return false
		}
		conn.Write(alertBytes(40))
		return true
	}
	return f
}

// Whatever a server chokes on, what it accepts is found: in old versions where
// the suite is odd, in the newest whichever it is.
func TestPoisonedOffers(t *testing.T) {
	can := []uint16{0xC030, 0xC02F, 0x009D, 0x009C, 0x0035, 0x002F, 0x000A}
	for _, c := range []struct {
		name     string
		cannot   uint16
		versions []results.Version
		told     results.Answer
	}{
		{"odd", 0xC060, []results.Version{results.TLSv10, results.TLSv12}, results.No}, // ECDHE_RSA ARIA
		{"unregistered", 0xFEFF, []results.Version{results.TLSv10, results.TLSv12}, results.No},
		{"common", 0xC02B, []results.Version{results.TLSv12}, results.No},  // ECDHE_ECDSA AES
		{"likely", 0xC076, []results.Version{results.TLSv12}, results.Yes}, // ECDHE_RSA CAMELLIA
	} {
		t.Run(c.name, func(t *testing.T) {
			e := scanFake(t, broken(c.cannot, can...).serve(t), dial.Options{PerEndpoint: 8}, Options{})
			for _, v := range c.versions {
				if got := ids(e.Suites[v]); !slices.Equal(got, hexes(can)) {
					t.Errorf("%s: %v, want %v", v, got, hexes(can))
				}
			}
			if got := e.Protocol.SuiteMixIntolerant; got != c.told {
				t.Errorf("intolerant of a mix of suites: %q, want %q", got, c.told)
			}
		})
	}
}

// A server that chooses a suite which it cannot do, once it is the best that is left,
// and then closes without a word, as Dovecot does with DHE where it has no
// parameters, hides nothing of what it likes less, in no version.
func TestPoisonedOrder(t *testing.T) {
	const cannot = 0x0033
	f := &fake{suites: map[uint16][]uint16{}, serverFirst: true}
	all := []uint16{0xC00A, 0xC009, 0xC014, 0xC013, cannot, 0x0035, 0x002F, 0xC018}
	for _, v := range []uint16{wire.TLS10, wire.TLS11, wire.TLS12} {
		f.suites[v] = all
	}
	f.reply = func(_ net.Conn, hello *wire.ClientHello, _ int64) bool {
		chosen, _ := f.pick(all, hello.Suites)
		return chosen == cannot
	}
	e := scanFake(t, f.serve(t), dial.Options{PerEndpoint: 8}, Options{Aspects: []Aspect{AspectSuites}})
	can := slices.Sorted(slices.Values(hexes(without(all, []uint16{cannot}))))
	for _, v := range []results.Version{results.TLSv10, results.TLSv11, results.TLSv12} {
		if got := slices.Sorted(slices.Values(ids(e.Suites[v]))); !slices.Equal(got, can) {
			t.Errorf("%s: %v, want %v", v, got, can)
		}
	}
	if e.Protocol.SuiteMixIntolerant != results.Yes || e.Status != results.Complete {
		t.Errorf("%s, intolerant of a mix of suites: %q", e.Status, e.Protocol.SuiteMixIntolerant)
	}
}

// A server that reads no more than so many suites has all of its suites found.
func TestFewSuitesRead(t *testing.T) {
	can := []uint16{0xC030, 0x009D, 0xCCAB, 0x008C} // two of them for pre-shared keys
	f := &fake{suites: map[uint16][]uint16{wire.TLS10: can, wire.TLS12: can}, serverFirst: true, refuse: alertBytes(40)}
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		if len(hello.Suites) <= 150 {
			return false
		}
		conn.Write(alertBytes(40))
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{PerEndpoint: 8}, Options{})
	for _, v := range []results.Version{results.TLSv10, results.TLSv12} {
		if got := ids(e.Suites[v]); !slices.Equal(got, hexes(can)) {
			t.Errorf("%s: %v, want %v", v, got, hexes(can))
		}
	}
	if e.Protocol.ManySuitesIntolerant != results.Yes {
		t.Errorf("it is not told: %+v", e.Protocol)
	}
}

// Versions below 1.2 in which nothing can be had, internal_error being all that is
// said, are not spoken; where something else goes well in one, or no newer one does,
// it is trouble.
func TestInternalError(t *testing.T) {
	odd := []uint16{0xC00A} // ECDHE_ECDSA, which is asked for by itself
	newer := map[uint16][]uint16{wire.TLS12: {0xC030, 0xC02F}}
	for name, c := range map[string]struct {
		speaks map[uint16][]uint16
		tls10  results.Answer
		status results.Status
	}{
		"OpenSSL's security level":  {newer, results.No, results.Complete},
		"with something that works": {map[uint16][]uint16{wire.TLS12: newer[wire.TLS12], wire.TLS10: odd}, results.Yes, results.Partial},
		"and no newer version":      {map[uint16][]uint16{wire.SSL30: {0x000A}}, results.Unknown, results.Partial},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{suites: c.speaks, refuse: alertBytes(40)}
			f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
				if hello.Version > wire.TLS11 || hello.Version == wire.SSL30 || slices.Contains(hello.Suites, odd[0]) && hello.Version == wire.TLS10 {
					return false
				}
				conn.Write(alertBytes(80))
				return true
			}
			e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectSuites}})
			if got := e.Versions[results.TLSv10]; got != c.tls10 || e.Status != c.status || len(e.Failures) == 0 {
				t.Errorf("%s, TLS 1.0 %s, want %s, %s; failures %+v", e.Status, got, c.status, c.tls10, e.Failures)
			}
		})
	}
}

// A server that has no group in common says so in its own way.
func TestNoGroupInCommon(t *testing.T) {
	unexpectedMessage := func(conn net.Conn, _ *wire.ClientHello) { conn.Write(alertBytes(10)) } // JSSE
	askForNone := func(conn net.Conn, hello *wire.ClientHello) {                                 // wolfSSL
		retry := wire.Retry(hello.SessionID, 0x1301, 0)
		retry.Extensions = retry.Extensions[:1]
		conn.Write(wire.Records(wire.TLS12, retry.Marshal()))
	}
	for name, refuse := range map[string]func(net.Conn, *wire.ClientHello){"unexpected_message": unexpectedMessage, "asks for none": askForNone} {
		t.Run(name, func(t *testing.T) {
			f := usualServer()
			f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
				version, _ := f.version(hello)
				if _, common := f.pick(f.groups, hello.Groups()); version != wire.TLS13 || common {
					return false
				}
				refuse(conn, hello)
				return true
			}
			e := scanFake(t, f.serve(t), dial.Options{}, Options{})
			var got []string
			for _, g := range e.Groups[results.TLSv13] {
				got = append(got, g.ID)
			}
			if !slices.Equal(got, hexes(f.groups)) || e.Status != results.Complete || len(e.Failures) > 0 {
				t.Errorf("groups %v, want %v; status %s, failures %+v", got, hexes(f.groups), e.Status, e.Failures)
			}
		})
	}
}

// Who chooses a suite first, and hangs up when there is no curve in common, has
// the curves that it comes to a key exchange with. One that never comes to one has
// not been shown to refuse any.
func TestNoCurveInCommon(t *testing.T) {
	curves := []uint16{0x001D, 0x0017}
	for name, c := range map[string]struct {
		able bool
		word []byte
	}{
		"able, closes": {true, nil}, "able, says decode_error": {true, alertBytes(50)},
		"never able, closes": {false, nil}, "never able, says decode_error": {false, alertBytes(50)},
	} {
		t.Run(name, func(t *testing.T) {
			able := c.able
			f := usualServer()
			delete(f.suites, wire.TLS13)
			f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
				suite, ok := f.pick(f.suites[wire.TLS12], hello.Suites)
				_, common := f.pick(curves, hello.Groups())
				if !ok || common && able || wire.LookupSuite(suite).Kx != "ECDHE" {
					return false
				}
				conn.Write(wire.Records(wire.TLS12, (&wire.ServerHello{Version: wire.TLS12, Suite: suite}).Marshal()))
				conn.Write(c.word)
				return true
			}
			e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectSuites, AspectGroups}})
			var got []string
			for _, g := range e.Groups[results.TLSv12] {
				got = append(got, g.ID)
			}
			slices.Sort(got)
			if able && (!slices.Equal(got, []string{"0x0017", "0x001D"}) || e.Status != results.Complete) {
				t.Errorf("groups %v, status %s, failures %+v", got, e.Status, e.Failures)
			}
			if !able && (len(got) > 0 || len(e.Undetermined.Groups[results.TLSv12]) == 0) {
				t.Errorf("groups %v, undetermined %+v", got, e.Undetermined)
			}
		})
	}
}

// An alert that nobody can read stands in place of a ServerHello: beside a control
// that is how picotls refuses signature schemes.
func TestSealedAlert(t *testing.T) {
	f := usualServer()
	f.refuse = slices.Concat([]byte{23, 3, 3, 0, 19}, make([]byte, 19))
	a := askerOf(t, f.serve(t))
	q := usual(wire.TLS13, "", []uint16{0x1304})
	if got := a.ask(t.Context(), &q); got.settled() {
		t.Errorf("without a control: %+v", got)
	}
	if got := a.ask(t.Context(), new(usual(wire.TLS13, "", f.suites[wire.TLS13]))); got.outcome != accepted {
		t.Fatalf("the control: %+v", got)
	}
	if got := a.ask(t.Context(), &q); got.outcome != refused {
		t.Errorf("beside a control: %+v", got)
	}
}

// internal_error tells of trouble, however often: what it answers stays unknown.
func TestTroubleIsNoRefusal(t *testing.T) {
	f := usualServer()
	f.refuse = alertBytes(80)
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if e.Status != results.Partial || len(e.Undetermined.Suites[results.TLSv12]) == 0 {
		t.Errorf("status %s, undetermined %+v", e.Status, e.Undetermined)
	}
}

// A fallback can be refused without a word.
func TestFallbackRefusedByClosing(t *testing.T) {
	f := usualServer()
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		return slices.Contains(hello.Suites, 0x5600) // TLS_FALLBACK_SCSV
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectSuites, AspectProtocol}})
	if e.Protocol.FallbackSCSV != results.Yes {
		t.Errorf("fallback_scsv is %s, want yes", e.Protocol.FallbackSCSV)
	}
}

// A server that answers no hello that asks for a staple is asked without: whether it
// wants a client certificate is known all the same, and who is refused gets no staple.
func TestStapleNotToBeAskedFor(t *testing.T) {
	const statusRequest = 5
	ec, _, _ := keys(t)
	for name, c := range map[string]struct {
		alert byte
		want  results.Answer
	}{"refused": {40, results.No}, "in trouble": {80, results.Unknown}} {
		t.Run(name, func(t *testing.T) {
			cfg := &tls.Config{
				MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12,
				Certificates: []tls.Certificate{certificate(t, "portal.example", ec)}, ClientAuth: tls.RequestClientCert,
			}
			addr := serveConns(t, func(conn net.Conn) {
				heard := &tape{Conn: conn}
				hello, err := readHello(heard)
				if err == nil && slices.ContainsFunc(hello.Extensions, func(e wire.Extension) bool { return e.Type == statusRequest }) {
					conn.Write(alertBytes(c.alert))
					return
				}
				tls.Server(heard.again(), cfg).Handshake()
			})
			e := scanFake(t, addr, dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectSuites, AspectProtocol}})
			if p := e.Protocol; p.ClientCertificateRequested != results.Yes || p.OCSPStaple != c.want || p.SCT != results.No {
				t.Errorf("requested %s, staple %s, SCT %s", p.ClientCertificateRequested, p.OCSPStaple, p.SCT)
			}
		})
	}
}

// Who is anonymous shows no certificate, and nothing that goes with one.
func TestAnonymousStaples(t *testing.T) {
	f := &fake{suites: map[uint16][]uint16{wire.TLS12: {0x003A, 0x0034}}, refuse: alertBytes(40)} // DH-anon
	e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectSuites, AspectProtocol}})
	if p := e.Protocol; p.ClientCertificateRequested != results.No || p.OCSPStaple != results.No || p.SCT != results.No {
		t.Errorf("requested %s, staple %s, SCT %s", p.ClientCertificateRequested, p.OCSPStaple, p.SCT)
	}
}

// Who needs a name may say so as crypto/tls does: beside a name that is accepted,
// internal_error refuses the want of one.
func TestNameNeeded(t *testing.T) {
	f := usualServer()
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		named := slices.ContainsFunc(hello.Extensions, func(e wire.Extension) bool { return e.Type == 0 })
		if !named {
			conn.Write(alertBytes(80))
		}
		return !named
	}
	a := askerOf(t, f.serve(t))
	if got := a.ask(t.Context(), new(usual(wire.TLS12, "", candidates(wire.TLS12)))); got.settled() {
		t.Errorf("without a control: %+v", got)
	}
	if got := a.ask(t.Context(), new(usual(wire.TLS12, "portal.example", candidates(wire.TLS12)))); got.outcome != accepted {
		t.Fatalf("with a name: %+v", got)
	}
	stranger := usual(wire.TLS12, "", candidates(wire.TLS12))
	stranger.stranger = true
	if got := a.ask(t.Context(), &stranger); got.outcome != refused {
		t.Errorf("without a name: %+v, want a refusal", got)
	}
}

// Who is told that it lacks the right name knows nothing of what is spoken to those
// who have it: nothing is refused by that but a question about names.
func TestNameUnrecognized(t *testing.T) {
	f := usualServer()
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		known := hello.ServerName() == "portal.example"
		if !known {
			conn.Write(alertBytes(112))
		}
		return !known
	}
	addr := f.serve(t)
	for name, want := range map[string]results.Answer{"": results.Unknown, "other.example": results.Unknown, "portal.example": results.Yes} {
		p := target(addr)
		p.ServerName = name
		var e *results.Endpoint
		New(dial.New(dial.Options{Timeout: 10 * time.Second}), Options{Aspects: []Aspect{AspectVersions, AspectSuites}}).
			Run(t.Context(), []inventory.Path{p}, func(got *results.Endpoint) error { e = got; return nil })
		if got := e.Versions[results.TLSv12]; got != want {
			t.Errorf("name %q: TLS 1.2 %s, want %s", name, got, want)
		}
		if want == results.Unknown && (e.Status == results.Complete || len(e.Failures) != 1 || !strings.Contains(e.Failures[0].Detail, "--sni")) {
			t.Errorf("name %q: %s, failures %+v", name, e.Status, e.Failures)
		}
	}
	stranger := usual(wire.TLS12, "", candidates(wire.TLS12))
	stranger.stranger = true
	if got := askerOf(t, addr).ask(t.Context(), &stranger); got.outcome != refused {
		t.Errorf("a stranger's question: %+v, want a refusal", got)
	}
}

// askerOf asks one address.
func askerOf(t *testing.T, addr netip.AddrPort) *asker {
	t.Helper()
	dialer := dial.New(dial.Options{})
	routes, failure := dialer.Routes(t.Context(), dial.Target{Host: addr.Addr().String(), Port: addr.Port()})
	if failure != nil {
		t.Fatal(failure)
	}
	lane := dialer.Lane(routes[0])
	t.Cleanup(lane.Release)
	return newAsker(lane, 10*time.Second, false)
}

// A close is believed behind a control alone. One who closes with a close_notify,
// as s2n-tls does, said a word of TLS: once that was shown to be a refusal it
// costs what an alert costs. One who closes without a word is asked again.
func TestClosingIsLearnt(t *testing.T) {
	farewell := []byte{21, 3, 1, 0, 2, 1, 0}
	for name, c := range map[string]struct {
		refuse        []byte
		first, second int // connections
	}{
		"alert":        {alertBytes(40), 1, 1},
		"close_notify": {farewell, 4, 1},
		"close":        {nil, 4, 3},
	} {
		t.Run(name, func(t *testing.T) {
			f := usualServer()
			f.refuse = c.refuse
			a := askerOf(t, f.serve(t))
			cost := func(suite uint16, want outcome) int {
				before := a.opened()
				if got := a.ask(t.Context(), new(usual(wire.TLS12, "", []uint16{suite}))); got.outcome != want {
					t.Errorf("0x%04X: %+v, want outcome %d", suite, got, want)
				}
				return a.opened() - before
			}
			cost(f.suites[wire.TLS12][0], accepted)
			if first, second := cost(0x0001, refused), cost(0x0002, refused); first != c.first || second != c.second {
				t.Errorf("%d connections for the first refusal and %d for the next, want %d and %d", first, second, c.first, c.second)
			}
			cost(f.suites[wire.TLS12][1], accepted)
		})
	}
}

// A goodbye to what is answered the next time is no refusal, whatever was learnt
// of closing: it was not shown to be one.
func TestGoodbyeOfTheBusy(t *testing.T) {
	f := usualServer()
	f.refuse = nil
	var busy atomic.Bool
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		if busy.Swap(false) {
			conn.Write([]byte{21, 3, 1, 0, 2, 1, 0})
			return true
		}
		return false
	}
	a := askerOf(t, f.serve(t))
	a.ask(t.Context(), new(usual(wire.TLS12, "", f.suites[wire.TLS12])))
	if got := a.ask(t.Context(), new(usual(wire.TLS12, "", []uint16{0x0001}))); got.outcome != refused {
		t.Fatalf("NULL: %+v", got)
	}
	busy.Store(true)
	if got := a.ask(t.Context(), new(usual(wire.TLS12, "", f.suites[wire.TLS12]))); got.outcome != accepted {
		t.Errorf("after a goodbye: %+v", got)
	}
}

// A server that reads no more than 32 signature schemes (LibreSSL) is asked with
// fewer, and has what it has; each question is put in vain no more than while
// nothing is known of that.
func TestFewSchemesRead(t *testing.T) {
	f := usualServer()
	var unread atomic.Int64
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		if len(hello.Schemes()) <= 32 {
			return false
		}
		unread.Add(1)
		conn.Write(alertBytes(50))
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if got := ids(e.Suites[results.TLSv13]); !slices.Equal(got, hexes(f.suites[wire.TLS13])) || e.Status != results.Complete || len(e.Failures) > 0 {
		t.Errorf("suites %v, status %s, failures %+v", got, e.Status, e.Failures)
	}
	if got := len(e.Groups[results.TLSv13]); got != len(f.groups) {
		t.Errorf("%d groups, want %d", got, len(f.groups))
	}
	if n := unread.Load(); n == 0 || n > 12 {
		t.Errorf("%d hellos that it did not read", n)
	}
	if got := e.Protocol.ManySchemesIntolerant; got != results.Yes {
		t.Errorf("intolerant of many schemes: %q", got)
	}
	other := scanFake(t, usualServer().serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectProtocol}})
	if got := other.Protocol.ManySchemesIntolerant; got != results.No {
		t.Errorf("another, intolerant of many schemes: %q", got)
	}
}

// A server that has one version, and answers in it whatever was asked, speaks no
// other.
func TestOneVersionForAll(t *testing.T) {
	f := &fake{reply: func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		if !slices.Contains(hello.Suites, 0x002F) {
			return false
		}
		h := wire.ServerHello{Version: wire.TLS10, Suite: 0x002F}
		conn.Write(wire.Records(wire.TLS10, h.Marshal()))
		return true
	}, refuse: alertBytes(40)}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectSuites}})
	for v, got := range e.Versions {
		if want := yesNo(v == results.TLSv10); string(got) != want {
			t.Errorf("%s is %s, want %s", v, got, want)
		}
	}
	if e.Status != results.Complete || !slices.Equal(ids(e.Suites[results.TLSv10]), []string{"0x002F"}) {
		t.Errorf("status %s, suites %v, failures %+v", e.Status, e.Suites, e.Failures)
	}
}

// What encrypt-then-MAC is for, a server need not have: then there is no such
// fact, whether its suites were asked for or not.
func TestNothingToEncryptThenMAC(t *testing.T) {
	f := &fake{suites: map[uint16][]uint16{wire.TLS12: {0xC02F, 0xC030}}, serverFirst: true, refuse: alertBytes(40)}
	addr := f.serve(t)
	for _, aspects := range [][]Aspect{{AspectVersions, AspectProtocol}, {AspectVersions, AspectSuites, AspectProtocol}} {
		if e := scanFake(t, addr, dial.Options{}, Options{Aspects: aspects}); e.Protocol.EncryptThenMAC != "" {
			t.Errorf("%v: encrypt_then_mac is %q", aspects, e.Protocol.EncryptThenMAC)
		}
	}
}

// A server of TLS 1.3 that refuses whoever sends no key share has all that it has,
// whether it asks for another share (MatrixSSL) or refuses that too. Of groups without
// keys here nothing is known then.
func TestShareWanted(t *testing.T) {
	for name, retries := range map[string]bool{"asks for another": true, "never asks": false} {
		t.Run(name, func(t *testing.T) {
			f := usualServer()
			f.groups = []uint16{0x001D, 0x0017, 0x0018, 0x0100, 0x0022}
			found := len(f.groups)
			if !retries {
				found-- // GC256A
			}
			f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
				version, _ := f.version(hello)
				suite, suited := f.pick(f.suites[wire.TLS13], hello.Suites)
				group, common := f.pick(f.groups, hello.Groups())
				if version != wire.TLS13 || !suited || !common {
					return false
				}
				shares := hello.Shares()
				i := slices.IndexFunc(shares, func(s wire.KeyShare) bool { return slices.Contains(f.groups, s.Group) })
				switch {
				case len(shares) == 0 || i < 0 && !retries:
					conn.Write(alertBytes(40))
				case i < 0:
					conn.Write(wire.Records(wire.TLS12, wire.Retry(hello.SessionID, suite, group).Marshal()))
				default:
					h := wire.Retry(hello.SessionID, suite, shares[i].Group)
					h.Random = [32]byte{1}
					h.Extensions[1] = wire.Extension{Type: 51, Body: []byte{byte(shares[i].Group >> 8), byte(shares[i].Group), 0, 1, 4}}
					conn.Write(wire.Records(wire.TLS12, h.Marshal()))
				}
				return true
			}
			e := scanFake(t, f.serve(t), dial.Options{}, Options{})
			got := e.Groups[results.TLSv13]
			if want := hexes(f.suites[wire.TLS13]); !slices.Equal(ids(e.Suites[results.TLSv13]), want) || len(got) != found || slices.Contains(e.Undetermined.Groups[results.TLSv13], "0x0022") == retries || (e.Status == results.Complete) != retries {
				t.Errorf("%s: suites %v, want %v; groups %v; undetermined %+v; failures %+v", e.Status, ids(e.Suites[results.TLSv13]), want, got, e.Undetermined, e.Failures)
			}
		})
	}
}
