package scanner

import (
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
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

// A server that answers no hello that asks for a staple is asked without: whether
// it wants a client certificate is known all the same, and of a staple nothing.
func TestStapleNotToBeAskedFor(t *testing.T) {
	const statusRequest = 5
	ec, _, _ := keys(t)
	cert := certificate(t, "portal.example", ec)
	addr := serveTLS(t, &tls.Config{
		MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert,
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			if slices.Contains(h.Extensions, statusRequest) {
				return nil, errors.New("what is that?")
			}
			return nil, nil
		},
	})
	e := scanFake(t, addr, dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectSuites, AspectProtocol}})
	if e.Protocol.ClientCertificateRequested != results.Yes || e.Protocol.OCSPStaple != results.Unknown {
		t.Errorf("requested %s, staple %s", e.Protocol.ClientCertificateRequested, e.Protocol.OCSPStaple)
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
	addr := f.serve(t)
	dialer := dial.New(dial.Options{})
	routes, failure := dialer.Routes(t.Context(), dial.Target{Host: addr.Addr().String(), Port: addr.Port()})
	if failure != nil {
		t.Fatal(failure)
	}
	lane := dialer.Lane(routes[0])
	defer lane.Release()
	a := newAsker(lane, 10*time.Second, false)
	if got := a.ask(t.Context(), usual(wire.TLS12, "", candidates(wire.TLS12))); got.settled() {
		t.Errorf("without a control: %+v", got)
	}
	if got := a.ask(t.Context(), usual(wire.TLS12, "portal.example", candidates(wire.TLS12))); got.outcome != accepted {
		t.Fatalf("with a name: %+v", got)
	}
	if got := a.ask(t.Context(), usual(wire.TLS12, "", candidates(wire.TLS12))); got.outcome != refused {
		t.Errorf("without a name: %+v, want a refusal", got)
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
