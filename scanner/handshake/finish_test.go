package handshake

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func ecCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return selfSigned(t, key, &key.PublicKey)
}

func rsaCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	return selfSigned(t, rsaKey(), &rsaKey().PublicKey)
}

func selfSigned(t *testing.T, private, public any) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "portal.example"}, DNSNames: []string{"portal.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

// served starts a server that does serve to each connection.
func served(t *testing.T, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { defer conn.Close(); serve(conn) })
		}
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

// tlsServer is Go's own server, which reads one request and answers it.
func tlsServer(t *testing.T, config *tls.Config) netip.AddrPort {
	return served(t, func(conn net.Conn) {
		c := tls.Server(conn, config)
		buf := make([]byte, 256)
		if n, err := c.Read(buf); err != nil || n == 0 {
			return
		}
		c.Write([]byte("HTTP/1.0 200 OK\r\n\r\n"))
		c.Close()
	})
}

// finish carries out one handshake with an address.
func finish(t *testing.T, addr netip.AddrPort, o Offer, timeout time.Duration) Outcome {
	t.Helper()
	lane := dial.New(dial.Options{Timeout: timeout}).Lane(dial.Direct(addr))
	defer lane.Release()
	conn, f := lane.Open(t.Context())
	if f != nil {
		t.Fatalf("connecting: %+v", f)
	}
	defer conn.Close()
	return Finish(conn, o)
}

var request = []byte("HEAD / HTTP/1.0\r\n\r\n")

// Every suite that Go's server can be made to choose is finished, in every
// version: an implementation that is not ours agrees on each.
func TestFinishesEverySuite(t *testing.T) {
	finished := 0
	for _, version := range []uint16{wire.TLS10, wire.TLS11, wire.TLS12, wire.TLS13} {
		for _, id := range Finishable(version) {
			s := wire.LookupSuite(id)
			if !goHas(id) {
				continue
			}
			config := &tls.Config{MinVersion: version, MaxVersion: version, CipherSuites: []uint16{id}}
			config.Certificates = []tls.Certificate{rsaCertificate(t)}
			if s.Auth == "ECDSA" {
				config.Certificates = []tls.Certificate{ecCertificate(t)}
			}
			addr := tlsServer(t, config)
			got := finish(t, addr, Offer{Version: version, Suites: []uint16{id}, Group: x25519, ServerName: "portal.example"}, 10*time.Second)
			if !got.Finished || got.Suite != id || got.Resumed {
				t.Errorf("%s %s: %+v", wire.VersionName(version), s.Name, got)
			}
			finished++
		}
	}
	if finished < 30 {
		t.Errorf("only %d handshakes were tried", finished)
	}
}

func goHas(id uint16) bool {
	return slices.ContainsFunc(slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()), func(s *tls.CipherSuite) bool { return s.ID == id })
}

// Every group that crypto/tls has works in TLS 1.3, and a ticket of each resumes.
func TestGroupsAndPSK(t *testing.T) {
	config := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{ecCertificate(t)}}
	addr := tlsServer(t, config)
	for _, group := range []uint16{x25519, secp256r1, secp384r1, secp521r1, x25519MLKEM768, 0x11EB, 0x11ED} {
		for _, suite := range Finishable(wire.TLS13) {
			if !goHas(suite) {
				continue
			}
			o := Offer{Version: wire.TLS13, Suites: []uint16{suite}, Group: group, ServerName: "portal.example", Request: request}
			first := finish(t, addr, o, 10*time.Second)
			if !first.Finished || !first.Answered || first.Sessions.ByTicket == nil {
				t.Fatalf("%s, %s: %+v", wire.ID(group), wire.ID(suite), first)
			}
			o.Resume = first.Sessions.ByTicket
			if again := finish(t, addr, o, 10*time.Second); !again.Finished || !again.Resumed || !again.Answered {
				t.Errorf("%s, %s, resumed: %+v", wire.ID(group), wire.ID(suite), again)
			}
		}
	}
}

// A ticket that another server made is no reason to fail: the handshake is a
// full one.
func TestForeignTicket(t *testing.T) {
	for _, version := range []uint16{wire.TLS12, wire.TLS13} {
		server := func() netip.AddrPort {
			return tlsServer(t, &tls.Config{MinVersion: version, MaxVersion: version, Certificates: []tls.Certificate{ecCertificate(t)}})
		}
		o := Offer{Version: version, Suites: Resumable(version), Group: x25519, Ticket: true, ServerName: "portal.example", Request: request}
		first := finish(t, server(), o, 10*time.Second)
		if first.Sessions.ByTicket == nil {
			t.Fatalf("%s: no ticket: %+v", wire.VersionName(version), first)
		}
		o.Resume = first.Sessions.ByTicket
		if got := finish(t, server(), o, 10*time.Second); !got.Finished || got.Resumed {
			t.Errorf("%s: %+v", wire.VersionName(version), got)
		}
	}
}

func TestTicket12(t *testing.T) {
	addr := tlsServer(t, &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{ecCertificate(t)}})
	o := Offer{Version: wire.TLS12, Suites: Resumable(wire.TLS12), Ticket: true}
	first := finish(t, addr, o, 10*time.Second)
	if !first.Finished || first.Sessions.ByTicket == nil {
		t.Fatalf("%+v", first)
	}
	o.Resume = first.Sessions.ByTicket
	if again := finish(t, addr, o, 10*time.Second); !again.Finished || !again.Resumed {
		t.Errorf("resumed: %+v", again)
	}
}

// A client certificate is shown where it is wanted, and what a server says
// without one is told.
func TestClientCertificate(t *testing.T) {
	for _, c := range []struct {
		version uint16
		suites  []uint16
	}{{wire.TLS11, []uint16{0xC013}}, {wire.TLS12, []uint16{0xC02F}}, {wire.TLS12, []uint16{0xC013}}, {wire.TLS13, Finishable(wire.TLS13)}} {
		version := c.version
		for name, own := range map[string]tls.Certificate{"ECDSA": ecCertificate(t), "RSA": rsaCertificate(t)} {
			seen := make(chan int, 4)
			addr := tlsServer(t, &tls.Config{
				MinVersion: version, MaxVersion: version, Certificates: []tls.Certificate{rsaCertificate(t)}, ClientAuth: tls.RequireAnyClientCert,
				VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error { seen <- len(raw); return nil },
			})
			o := Offer{Version: version, Suites: c.suites, Group: x25519, Certificate: &own, Request: request}
			got := finish(t, addr, o, 10*time.Second)
			if !got.Finished || !got.Asked || len(seen) != 1 {
				t.Errorf("%s %s: %+v", wire.VersionName(version), name, got)
			}
			o.Certificate = nil
			got = finish(t, addr, o, 10*time.Second)
			if !got.Asked || got.Failure.Kind != results.KindAlert || got.Refused() {
				t.Errorf("%s without a certificate: %+v", wire.VersionName(version), got)
			}
			if version == wire.TLS13 && got.Failure.Alert != "certificate_required" {
				t.Errorf("alert %s", got.Failure.Alert)
			}
		}
	}
}

// Whatever a server does after it chose, the exchange ends within its time and
// says what happened.
func TestRudeServers(t *testing.T) {
	hello12 := func(c net.Conn) []byte {
		buf := make([]byte, 4096)
		c.Read(buf)
		return wire.Records(wire.TLS12, (&wire.ServerHello{Version: wire.TLS12, Suite: 0xC02F}).Marshal())
	}
	cases := map[string]struct {
		serve   func(net.Conn)
		kind    results.FailureKind
		stage   results.Stage
		refused bool
	}{
		"silence after ServerHello": {func(c net.Conn) { c.Write(hello12(c)); io.Copy(io.Discard, c) }, results.KindTimeout, results.StageHandshake, false},
		"close after ServerHello":   {func(c net.Conn) { c.Write(hello12(c)) }, results.KindEOF, results.StageHandshake, true},
		"alert after ServerHello": {func(c net.Conn) {
			c.Write(append(hello12(c), 21, 3, 3, 0, 2, 2, 51))
		}, results.KindAlert, results.StageHandshake, true},
		"alert before": {func(c net.Conn) { hello12(c); c.Write([]byte{21, 3, 3, 0, 2, 2, 40}) }, results.KindAlert, results.StageHello, false},
		"no TLS":       {func(c net.Conn) { hello12(c); c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, results.KindLimit, results.StageHello, false},
		"another suite": {func(c net.Conn) {
			hello12(c)
			c.Write(wire.Records(wire.TLS12, (&wire.ServerHello{Version: wire.TLS12, Suite: 0x0005}).Marshal()))
		}, results.KindMalformed, results.StageHello, false},
		"done without a key": {func(c net.Conn) {
			c.Write(append(hello12(c), wire.Records(wire.TLS12, []byte{14, 0, 0, 0})...))
		}, results.KindMalformed, results.StageHandshake, false},
		"staples without end": {func(c net.Conn) {
			c.Write(hello12(c))
			big := wire.Records(wire.TLS12, append([]byte{22, 0, 0x30, 0}, make([]byte, 0x3000)...))
			for {
				if _, err := c.Write(big); err != nil {
					return
				}
			}
		}, results.KindLimit, results.StageHandshake, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := finish(t, served(t, c.serve), Offer{Version: wire.TLS12, Suites: []uint16{0xC02F}}, time.Second)
			if got.Finished || got.Failure.Kind != c.kind || got.Failure.Stage != c.stage || got.Refused() != c.refused {
				t.Errorf("%+v, refused %t", got, got.Refused())
			}
		})
	}
}

// A ChangeCipherSpec is skipped in an encrypted flight, but not without end.
func TestEndlessChangeCipherSpec(t *testing.T) {
	f := &Flight{}
	for range maxHidden {
		f.Feed([]byte{20, 3, 3, 0, 1, 1})
	}
	if _, err := f.Next(); err != wire.ErrMore {
		t.Errorf("%d of them: %v", maxHidden, err)
	}
	f.Feed([]byte{20, 3, 3, 0, 1, 1})
	if _, err := f.Next(); !errors.Is(err, wire.ErrLimit) {
		t.Errorf("one more: %v", err)
	}
}

// A client's chain that is larger than a record is sent in several.
func TestLargeClientCertificate(t *testing.T) {
	own := ecCertificate(t)
	for len(slices.Concat(own.Certificate...)) < 40<<10 {
		own.Certificate = append(own.Certificate, own.Certificate[0])
	}
	config := &tls.Config{Certificates: []tls.Certificate{ecCertificate(t)}, ClientAuth: tls.RequireAnyClientCert}
	for _, version := range []uint16{wire.TLS12, wire.TLS13} {
		config.MinVersion, config.MaxVersion = version, version
		offer := Offer{Version: version, Suites: Resumable(version), Group: x25519, Certificate: &own, Request: []byte("?"), Listen: true}
		if got := finish(t, tlsServer(t, config.Clone()), offer, 10*time.Second); !got.Finished || got.Failure.Kind == results.KindAlert {
			t.Errorf("%s: %+v", wire.VersionName(version), got)
		}
	}
}

// meddler passes a real server's bytes on and may change the server's records.
func meddler(t *testing.T, config *tls.Config, change func(record []byte, n int) [][]byte) netip.AddrPort {
	behind := tlsServer(t, config)
	return served(t, func(front net.Conn) {
		back, err := net.Dial("tcp", behind.String())
		if err != nil {
			t.Error(err)
			return
		}
		defer back.Close()
		go func() { io.Copy(back, front); back.Close() }()
		header := make([]byte, 5)
		for n := 0; ; n++ {
			if _, err := io.ReadFull(back, header); err != nil {
				return
			}
			record := append(slices.Clone(header), make([]byte, int(header[3])<<8|int(header[4]))...)
			if _, err := io.ReadFull(back, record[5:]); err != nil {
				return
			}
			for _, r := range change(record, n) {
				if _, err := front.Write(r); err != nil {
					return
				}
			}
		}
	})
}

// A Finished that does not verify, or does not even decrypt, finishes nothing
// and proves nothing.
func TestGarbledFinished(t *testing.T) {
	for _, c := range []struct {
		version, suite uint16
	}{{wire.TLS12, 0xC02B}, {wire.TLS12, 0xC009}, {wire.TLS13, 0x1301}} {
		config := &tls.Config{MinVersion: c.version, MaxVersion: c.version, CipherSuites: []uint16{c.suite}, Certificates: []tls.Certificate{ecCertificate(t)}}
		protected := false
		addr := meddler(t, config, func(record []byte, _ int) [][]byte {
			if protected || record[0] == 23 {
				record[len(record)-1] ^= 1
			}
			protected = protected || record[0] == 20
			return [][]byte{record}
		})
		got := finish(t, addr, Offer{Version: c.version, Suites: []uint16{c.suite}, Group: x25519}, 5*time.Second)
		if got.Finished || got.Refused() || got.Failure.Kind != results.KindMalformed {
			t.Errorf("%s %s: %+v", wire.VersionName(c.version), wire.ID(c.suite), got)
		}
	}
}

// Who listens hears the tickets that come unasked, and takes silence for nothing.
func TestListen(t *testing.T) {
	offer := Offer{Version: wire.TLS13, Suites: []uint16{0x1301}, Group: x25519, Listen: true}
	for _, tickets := range []bool{true, false} {
		got := finish(t, tlsServer(t, &tls.Config{Certificates: []tls.Certificate{ecCertificate(t)}, SessionTicketsDisabled: !tickets}), offer, 10*time.Second)
		if !got.Finished || got.Failure.Kind != "" || got.Answered || (got.Sessions.ByTicket != nil) != tickets {
			t.Errorf("tickets %t: %+v", tickets, got)
		}
	}
}

// A server that says nothing but tickets is heard once.
func TestEndlessTickets(t *testing.T) {
	ticket := slices.Concat([]byte{4, 0, 0, 13 + 4}, make([]byte, 8), []byte{0}, []byte{0, 4, 1, 2, 3, 4}, []byte{0, 0})
	if _, err := wire.ParseNewSessionTicket(ticket[4:]); err != nil {
		t.Fatal(err)
	}
	c := &client{line: line{tls13: true}}
	lane := dial.New(dial.Options{Timeout: 2 * time.Second}).Lane(dial.Direct(served(t, func(conn net.Conn) {
		for {
			if _, err := conn.Write(wire.Records(wire.TLS12, slices.Repeat(ticket, 300))); err != nil {
				return
			}
		}
	})))
	defer lane.Release()
	conn, f := lane.Open(t.Context())
	if f != nil {
		t.Fatal(f)
	}
	defer conn.Close()
	c.conn = conn
	// Nothing of it is asked for: it is skipped within the parser's bounds.
	var err error
	for n := 0; err == nil; n++ {
		_, err = c.message()
	}
	if got := c.failure(results.StageRequest, err); got.Kind != results.KindLimit {
		t.Errorf("%+v", got)
	}
}

// A server whose key is not that of its certificate finishes nothing.
func TestForeignSignature(t *testing.T) {
	for _, version := range []uint16{wire.TLS12, wire.TLS13} {
		good, other := ecCertificate(t), ecCertificate(t)
		liar := tls.Certificate{Certificate: other.Certificate, PrivateKey: good.PrivateKey}
		addr := tlsServer(t, &tls.Config{MinVersion: version, MaxVersion: version, Certificates: []tls.Certificate{liar}})
		got := finish(t, addr, Offer{Version: version, Suites: Resumable(version), Group: x25519}, 5*time.Second)
		if got.Finished || got.Refused() || got.Failure.Kind != results.KindMalformed {
			t.Errorf("%s: %+v", wire.VersionName(version), got)
		}
	}
}

// An Ed25519 key signs what has no hash of its own.
func TestEd25519(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{wire.TLS12, wire.TLS13} {
		addr := tlsServer(t, &tls.Config{MinVersion: version, MaxVersion: version, Certificates: []tls.Certificate{selfSigned(t, private, public)}})
		own := selfSigned(t, private, public)
		got := finish(t, addr, Offer{Version: version, Suites: Resumable(version), Group: x25519, Certificate: &own}, 5*time.Second)
		if !got.Finished {
			t.Errorf("%s: %+v", wire.VersionName(version), got)
		}
	}
}
