package scanner

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
)

func goCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), DNSNames: []string{"portal.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serveGo is Go's own server on an address.
func serveGo(t *testing.T, address string, config *tls.Config) netip.AddrPort {
	t.Helper()
	return serveTold(t, address, config, func(c *tls.Conn) {
		if n, _ := c.Read(make([]byte, 512)); n > 0 {
			c.Write([]byte("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n"))
		}
		c.Close()
	})
}

// serveTold is Go's own server, which does as it is told with each connection.
func serveTold(t *testing.T, address string, config *tls.Config, serve func(*tls.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(tls.Server(conn, config))
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// scanAddresses scans all addresses of a name.
func scanAddresses(t *testing.T, opt Options, addrs ...netip.AddrPort) []*results.Endpoint {
	t.Helper()
	resolver := func(context.Context, string) ([]netip.Addr, error) {
		var out []netip.Addr
		for _, a := range addrs {
			out = append(out, a.Addr())
		}
		return out, nil
	}
	opt.AllAddresses = true
	var got []*results.Endpoint
	path := inventory.Path{Service: "s", Name: "p", Host: "portal.example", ServerName: "portal.example", Port: addrs[0].Port()}
	err := New(dial.New(dial.Options{Resolver: resolver, Timeout: 10 * time.Second}), opt).Run(t.Context(), []inventory.Path{path}, func(e *results.Endpoint) error {
		got = append(got, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Go's server makes tickets but keeps no sessions, and offers no early data.
func TestSessionsOfGo(t *testing.T) {
	for _, c := range []struct {
		tickets bool
		want    results.Protocol
	}{
		{true, results.Protocol{ResumptionID: "no", ResumptionTicket: "yes", ResumptionPSK: "yes", EarlyData: "no"}},
		{false, results.Protocol{ResumptionID: "no", ResumptionTicket: "no", ResumptionPSK: "no", EarlyData: "no"}},
	} {
		addr := serveGo(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{goCertificate(t)}, SessionTicketsDisabled: !c.tickets})
		e := scanFake(t, addr, dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectProtocol}})
		p := e.Protocol
		if p.ResumptionID != c.want.ResumptionID || p.ResumptionTicket != c.want.ResumptionTicket || p.ResumptionPSK != c.want.ResumptionPSK || p.EarlyData != c.want.EarlyData {
			t.Errorf("tickets %t: id %s, ticket %s, psk %s, early data %s; failures %+v", c.tickets, p.ResumptionID, p.ResumptionTicket, p.ResumptionPSK, p.EarlyData, e.Failures)
		}
		if e.Status != results.Complete {
			t.Errorf("status %s, %+v", e.Status, e.Failures)
		}
	}
}

// Where no suite is newer than CBC and RSA's key exchange, sessions are still told of.
func TestSessionsOfOldSuites(t *testing.T) {
	_, rsa, _ := keys(t)
	own := certificate(t, "portal.example", rsa)
	for name, c := range map[string]struct {
		version uint16
		suites  []uint16
		off     bool
		want    results.Answer
	}{
		"RSA key exchange":          {tls.VersionTLS12, []uint16{0x009C, 0x002F}, false, results.Yes},
		"CBC":                       {tls.VersionTLS12, []uint16{0xC013}, false, results.Yes},
		"TLS 1.1":                   {tls.VersionTLS11, nil, false, results.Yes},
		"TLS 1.0":                   {tls.VersionTLS10, nil, false, results.Yes},
		"RSA key exchange, none":    {tls.VersionTLS12, []uint16{0x009C, 0x002F}, true, results.No},
		"TLS 1.0, none":             {tls.VersionTLS10, nil, true, results.No},
		"TLS 1.2 with newer suites": {tls.VersionTLS12, nil, false, results.Yes},
	} {
		t.Run(name, func(t *testing.T) {
			addr := serveGo(t, "127.0.0.1:0", &tls.Config{
				Certificates: []tls.Certificate{own}, SessionTicketsDisabled: c.off,
				MinVersion: tls.VersionTLS10, MaxVersion: c.version, CipherSuites: c.suites,
			})
			e := scanFake(t, addr, dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectSuites, AspectProtocol}})
			p := e.Protocol // crypto/tls keeps no sessions by id
			if p.ResumptionTicket != c.want || p.ResumptionID != results.No || p.ResumptionPSK != "" || e.Status != results.Complete {
				t.Errorf("%s, %+v, want tickets %q; failures %+v", e.Status, p, c.want, e.Failures)
			}
		})
	}
}

// A server that wants a certificate leaves its sessions unknown without one, and
// the record says why.
func TestSessionsBehindClientCertificates(t *testing.T) {
	own := goCertificate(t)
	addr := serveGo(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{goCertificate(t)}, ClientAuth: tls.RequireAnyClientCert})
	opt := Options{Aspects: []Aspect{AspectVersions, AspectProtocol}, Complete: true}
	e := scanFake(t, addr, dial.Options{}, opt)
	told := false
	for _, f := range e.Failures {
		told = told || f.Kind == results.KindAlert && f.Alert == "certificate_required"
	}
	if e.Protocol.ResumptionPSK != results.Unknown || e.Protocol.ResumptionTicket != results.Unknown || e.Status != results.Partial || !told {
		t.Errorf("psk %s, ticket %s, status %s, failures %+v", e.Protocol.ResumptionPSK, e.Protocol.ResumptionTicket, e.Status, e.Failures)
	}
	opt.Certificate = &own
	e = scanFake(t, addr, dial.Options{}, opt)
	if e.Protocol.ResumptionPSK != results.Yes || e.Protocol.ResumptionTicket != results.Yes || e.Status != results.Complete {
		t.Errorf("with a certificate: psk %s, ticket %s, status %s, failures %+v", e.Protocol.ResumptionPSK, e.Protocol.ResumptionTicket, e.Status, e.Failures)
	}
	for version, suites := range e.Suites {
		for _, s := range suites {
			if s.Completes != results.Yes {
				t.Errorf("%s %s completes: %q", version, s.Name, s.Completes)
			}
		}
	}
}

// Addresses that share their ticket keys go on with each other's sessions,
// others do not.
func TestTicketsBetweenAddresses(t *testing.T) {
	certificate := goCertificate(t)
	keys := [][32]byte{{1}, {1}, {3}}
	var addrs []netip.AddrPort
	for i, key := range keys {
		config := &tls.Config{Certificates: []tls.Certificate{certificate}}
		config.SetSessionTicketKeys([][32]byte{key})
		address := "127.0.0.1:0"
		if i > 0 {
			address = strings.Replace(addrs[0].String(), "127.0.0.1", netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + i)}).String(), 1)
		}
		addrs = append(addrs, serveGo(t, address, config))
	}
	got := scanAddresses(t, Options{Aspects: []Aspect{AspectVersions, AspectPath}}, addrs...)
	if len(got) != len(addrs) {
		t.Fatalf("%d records", len(got))
	}
	for i, e := range got {
		if e.Address != addrs[i].String() || len(e.PathFacts.TicketsFrom) != 2 {
			t.Fatalf("%s: %+v", e.Address, e.PathFacts)
		}
		for j, from := range addrs {
			want := results.No
			if keys[i] == keys[j] {
				want = results.Yes
			}
			if got := e.PathFacts.TicketsFrom[from.String()]; i != j && got != want {
				t.Errorf("a session of %s at %s: %s, want %s", from, e.Address, got, want)
			}
		}
		if e.Protocol.ResumptionPSK != "" {
			t.Error("a fact of the protocol, which was not asked")
		}
	}
}

// A session of TLS 1.2 goes on beside newer ones at an address that has no other
// version, and not where its suite is unknown for want of a certificate: that is no,
// though nobody asked for suites.
func TestTicketsBetweenUnlikeAddresses(t *testing.T) {
	ec, rs, _ := keys(t)
	ecCert, rsaCert := certificate(t, "portal.example", ec), certificate(t, "portal.example", rs)
	configs := []*tls.Config{
		{Certificates: []tls.Certificate{ecCert}},
		{Certificates: []tls.Certificate{ecCert}, MaxVersion: tls.VersionTLS12},
		{Certificates: []tls.Certificate{rsaCert}, MaxVersion: tls.VersionTLS12},
	}
	var addrs []netip.AddrPort
	for i, config := range configs {
		config.SetSessionTicketKeys([][32]byte{{1}})
		address := "127.0.0.1:0"
		if i > 0 {
			address = strings.Replace(addrs[0].String(), "127.0.0.1", netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + i)}).String(), 1)
		}
		addrs = append(addrs, serveGo(t, address, config))
	}
	want := [][]results.Answer{{"", results.Yes, results.No}, {results.Yes, "", results.No}, {results.No, results.No, ""}}
	for i, e := range scanAddresses(t, Options{Aspects: []Aspect{AspectVersions, AspectPath}}, addrs...) {
		for j, from := range addrs {
			if got := e.PathFacts.TicketsFrom[from.String()]; got != want[i][j] {
				t.Errorf("a session of %s at %s: %q, want %q", from, e.Address, got, want[i][j])
			}
		}
		if e.Status != results.Complete {
			t.Errorf("%s: %s, failures %+v", e.Address, e.Status, e.Failures)
		}
	}
}

// A server that hangs up on HEAD is asked with GET: what it does then tells what it
// has no ticket for.
func TestServerWithoutHEAD(t *testing.T) {
	config := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{goCertificate(t)}, SessionTicketsDisabled: true}
	addr := serveTold(t, "127.0.0.1:0", config, func(c *tls.Conn) {
		request := make([]byte, 512)
		if n, _ := c.Read(request); bytes.HasPrefix(request[:n], []byte("GET ")) {
			c.Write([]byte("HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=300\r\n\r\n"))
		}
		c.NetConn().Close() // without a goodbye
	})
	e := scanFake(t, addr, dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectProtocol}})
	p := e.Protocol
	if p.ResumptionPSK != results.No || p.EarlyData != results.No || p.HSTS == nil || *p.HSTS != 300 || len(e.Failures) > 0 {
		t.Errorf("psk %s, early data %s, HSTS %v; failures %+v", p.ResumptionPSK, p.EarlyData, p.HSTS, e.Failures)
	}
}

// A server that breaks off whatever is offered by ALPN is asked without: of its
// sessions all is known. What it would choose is not, and the record is partial.
func TestServerWithoutALPN(t *testing.T) {
	config := &tls.Config{Certificates: []tls.Certificate{goCertificate(t)}, GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if len(h.SupportedProtos) > 0 {
			return nil, errors.New("which of them?") // internal_error
		}
		return nil, nil
	}}
	for version, want := range map[uint16]results.Protocol{
		tls.VersionTLS12: {ResumptionTicket: results.Yes},
		tls.VersionTLS13: {ResumptionPSK: results.Yes, EarlyData: results.No},
	} {
		config := config.Clone()
		config.MinVersion, config.MaxVersion = version, version
		e := scanFake(t, serveGo(t, "127.0.0.1:0", config), dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectProtocol}})
		p := e.Protocol
		if p.ALPN != nil || e.Status != results.Partial {
			t.Errorf("%s: ALPN %v, status %s", tls.VersionName(version), p.ALPN, e.Status)
		}
		if p.ResumptionTicket != want.ResumptionTicket || p.ResumptionPSK != want.ResumptionPSK || p.EarlyData != want.EarlyData {
			t.Errorf("%s: ticket %q, psk %q, early data %q; want %+v", tls.VersionName(version), p.ResumptionTicket, p.ResumptionPSK, p.EarlyData, want)
		}
	}
}

// A server that never says anything to a request, and has no ticket, stays unknown.
func TestSilentServer(t *testing.T) {
	config := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{goCertificate(t)}, SessionTicketsDisabled: true}
	addr := serveTold(t, "127.0.0.1:0", config, func(c *tls.Conn) {
		for err := error(nil); err == nil; {
			_, err = c.Read(make([]byte, 512))
		}
	})
	e := scanFake(t, addr, dial.Options{Timeout: 500 * time.Millisecond}, Options{Aspects: []Aspect{AspectVersions, AspectProtocol}})
	if p := e.Protocol; p.ResumptionPSK != results.Unknown || p.EarlyData != results.Unknown {
		t.Errorf("psk %s, early data %s", p.ResumptionPSK, p.EarlyData)
	}
}
