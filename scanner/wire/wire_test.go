package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"reflect"
	"slices"
	"testing"

	"crypto/tls"

	"shakedown/results"
)

// A hello that we compose is what a TLS stack that is not ours reads.
func TestClientHelloAsReadByCryptoTLS(t *testing.T) {
	h := ClientHello{
		Version: TLS12, Suites: []uint16{0xC02F, 0x1301, 0x009C},
		Extensions: []Extension{
			ServerName("portal.example"), SupportedGroups([]uint16{0x11EC, 0x001D}), ECPointFormats(),
			SignatureAlgorithms([]uint16{0x0403, 0x0804}), ALPN([]string{"h2", "http/1.1"}),
			SupportedVersions(TLS13, TLS12), KeyShares(), ExtendedMasterSecret(), RenegotiationInfo(),
		},
	}
	client, server := net.Pipe()
	go func() {
		client.Write(Records(TLS10, h.Marshal()))
		io.Copy(io.Discard, client)
	}()
	var got *tls.ClientHelloInfo
	stop := errors.New("seen")
	tls.Server(server, &tls.Config{GetConfigForClient: func(i *tls.ClientHelloInfo) (*tls.Config, error) {
		got = i
		return nil, stop
	}}).Handshake()
	server.Close()
	if got == nil {
		t.Fatal("crypto/tls could not read the hello")
	}
	if got.ServerName != "portal.example" || !slices.Equal(got.CipherSuites, h.Suites) ||
		!slices.Equal(got.SupportedProtos, []string{"h2", "http/1.1"}) ||
		!slices.Equal(got.SupportedVersions, []uint16{TLS13, TLS12}) ||
		!slices.Equal(got.SupportedCurves, []tls.CurveID{0x11EC, 0x001D}) ||
		!slices.Equal(got.SignatureSchemes, []tls.SignatureScheme{0x0403, 0x0804}) {
		t.Errorf("crypto/tls read %+v", got)
	}
}

func TestClientHelloRoundTrip(t *testing.T) {
	h := &ClientHello{
		Version: TLS12, SessionID: []byte{1, 2}, Suites: []uint16{0x1301}, Compressions: []byte{0},
		Extensions: []Extension{
			ServerName("a.example"), SupportedGroups([]uint16{29}), SignatureAlgorithms([]uint16{0x0403}),
			SupportedVersions(TLS13), KeyShares(KeyShare{29, []byte{9}}),
		},
	}
	got, err := ParseClientHello(h.Marshal()[4:])
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, h) {
		t.Errorf("got %+v\nwant %+v", got, h)
	}
	if got.ServerName() != "a.example" || !slices.Equal(got.Groups(), []uint16{29}) || !slices.Equal(got.Schemes(), []uint16{0x0403}) ||
		!slices.Equal(got.Versions(), []uint16{TLS13}) || !reflect.DeepEqual(got.Shares(), []KeyShare{{29, []byte{9}}}) {
		t.Errorf("fields: %q %v %v %v %v", got.ServerName(), got.Groups(), got.Schemes(), got.Versions(), got.Shares())
	}
	old := &ClientHello{Version: SSL30, Suites: []uint16{5}, Compressions: []byte{0}}
	if got, err := ParseClientHello(old.Marshal()[4:]); err != nil || got.Extensions != nil {
		t.Errorf("a hello without extensions: %+v, %v", got, err)
	}
}

func TestRetry(t *testing.T) {
	h, err := ParseServerHello(Retry([]byte{7}, 0x1302, 0x0017).Marshal()[4:])
	if err != nil {
		t.Fatal(err)
	}
	share, ok := h.KeyShare()
	if !h.IsRetry() || h.Selected() != TLS13 || h.Suite != 0x1302 || !ok || share.Group != 0x0017 {
		t.Errorf("got %+v, share %+v %v", h, share, ok)
	}
}

// Whatever the boundaries at which bytes arrive and records are cut, the
// messages are the same.
func TestParserAtEveryBoundary(t *testing.T) {
	hello := (&ServerHello{Version: TLS12, Suite: 0xC02F, Extensions: []Extension{RenegotiationInfo()}}).Marshal()
	cert := []byte{byte(CertificateType), 0, 0, 3, 0, 0, 0}
	flight := slices.Concat(hello, cert)
	for cut := 1; cut < len(flight); cut++ {
		stream := slices.Concat(Records(TLS12, flight[:cut]), Records(TLS12, flight[cut:]), []byte{21, 3, 3, 0, 2, 2, 40})
		for chunk := range 8 {
			var p Parser
			var got []Message
			for rest := stream; len(rest) > 0; {
				n := min(chunk+1, len(rest))
				p.Feed(rest[:n])
				rest = rest[n:]
				for {
					m, err := p.Next()
					if errors.Is(err, ErrMore) {
						break
					}
					if err != nil {
						t.Fatalf("cut %d, chunks of %d: %v", cut, chunk+1, err)
					}
					m.Raw, m.Body = bytes.Clone(m.Raw), bytes.Clone(m.Body)
					got = append(got, m)
				}
			}
			if len(got) != 3 || !bytes.Equal(got[0].Raw, hello) || !bytes.Equal(got[1].Raw, cert) || got[2].Record != AlertRecord {
				t.Fatalf("cut %d, chunks of %d: got %+v", cut, chunk+1, got)
			}
		}
	}
}

// An alert is understood whichever version its record bears, byte by byte.
func TestAlertWithoutVersion(t *testing.T) {
	var p Parser
	in := []byte{21, 0, 0, 0, 2, 2, 70}
	for i := range in {
		p.Feed(in[i : i+1])
		switch m, err := p.Next(); {
		case i < len(in)-1 && !errors.Is(err, ErrMore):
			t.Errorf("after %d bytes: %v", i+1, err)
		case i == len(in)-1 && (err != nil || m.Record != AlertRecord || !bytes.Equal(m.Body, []byte{2, 70})):
			t.Errorf("%+v, %v", m, err)
		}
	}
}

func TestParserRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"HTTP":                       {[]byte("HTTP/1.1 400 Bad Request\r\n"), ErrNotTLS},
		"one letter":                 {[]byte("H"), ErrNotTLS},
		"SSH":                        {[]byte("SSH-2.0-OpenSSH_9.2\r\n"), ErrNotTLS},
		"SMTP":                       {[]byte("220 mail.example ESMTP\r\n"), ErrNotTLS},
		"record type but no version": {[]byte{22, 9, 9, 0, 0}, ErrNotTLS},
		"no alert and no version":    {[]byte{21, 0, 0, 0, 9}, ErrNotTLS},
		"a record too large":         {[]byte{22, 3, 3, 0x48, 0x01}, ErrLimit},
		"a message too large":        {[]byte{22, 3, 3, 0, 4, 2, 0xFF, 0xFF, 0xFF}, ErrLimit},
		"garbage after a record":     {append([]byte{21, 3, 3, 0, 2, 1, 112}, "GARBAGE"...), ErrMalformed},
		"alert inside a message":     {[]byte{22, 3, 3, 0, 4, 2, 0, 0, 9, 21, 3, 3, 0, 2, 2, 40}, ErrMalformed},
	} {
		var p Parser
		p.Feed(c.in)
		var err error
		for range 3 {
			if _, err = p.Next(); err != nil {
				break
			}
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestParserBoundsEndlessInput(t *testing.T) {
	for name, unit := range map[string][]byte{
		"empty records":    {22, 3, 3, 0, 0},
		"one huge message": append([]byte{22, 3, 3, 0x40, 0}, make([]byte, 1<<14)...),
	} {
		var p Parser
		first := []byte{22, 3, 3, 0, 4, 11, 3, 0xFF, 0xFF} // a Certificate of almost 256 kB
		p.Feed(first)
		var err error = ErrMore
		fed := 0
		for ; errors.Is(err, ErrMore) && fed < 4<<20; fed += len(unit) {
			p.Feed(unit)
			_, err = p.Next()
		}
		if fed >= 4<<20 {
			t.Errorf("%s: still reading after %d bytes", name, fed)
		}
	}
}

func TestCertificateMessages(t *testing.T) {
	msg := []byte{0, 0, 9, 0, 0, 2, 0xAA, 0xBB, 0, 0, 1, 0xCC}
	certs, err := ParseCertificate(msg)
	if err != nil || !reflect.DeepEqual(certs, [][]byte{{0xAA, 0xBB}, {0xCC}}) {
		t.Errorf("got % x, %v", certs, err)
	}
	certs, err = ParseCertificate(append([]byte{0, 0, 9}, []byte{0, 0, 2, 0xAA, 0xBB, 0, 0, 5, 0xCC}...))
	if err == nil || len(certs) != 1 {
		t.Errorf("a chain that breaks off: got % x, %v; want its first certificate and an error", certs, err)
	}
	msg13 := []byte{0, 0, 0, 13, 0, 0, 1, 0xAA, 0, 0, 0, 0, 2, 0xBB, 0xCC, 0, 0}
	certs, _, err = ParseCertificate13(msg13)
	if err != nil || !reflect.DeepEqual(certs, [][]byte{{0xAA}, {0xBB, 0xCC}}) {
		t.Errorf("TLS 1.3: got % x, %v", certs, err)
	}
}

func TestKeyExchange(t *testing.T) {
	ecdhe, dhe, anon := LookupSuite(0xC02F), LookupSuite(0x0033), LookupSuite(0xC018)
	k, err := ParseKeyExchange([]byte{3, 0, 29, 2, 1, 2, 8, 4, 0, 1, 9}, ecdhe, TLS12)
	if err != nil || k.Group != 29 || k.Scheme != 0x0804 || !bytes.Equal(k.Params, []byte{3, 0, 29, 2, 1, 2}) {
		t.Errorf("ECDHE: %+v, %v", k, err)
	}
	k, err = ParseKeyExchange([]byte{0, 3, 0, 0xAB, 0xCD, 0, 1, 2, 0, 1, 7, 0, 1, 9}, dhe, TLS11)
	if err != nil || !bytes.Equal(k.DHPrime, []byte{0xAB, 0xCD}) || k.Scheme != 0 {
		t.Errorf("DHE before TLS 1.2: %+v, %v", k, err)
	}
	if k, err = ParseKeyExchange([]byte{3, 0, 23, 1, 4}, anon, TLS12); err != nil || k.Group != 23 || k.Signature != nil {
		t.Errorf("anonymous: %+v, %v", k, err)
	}
}

func TestSSLv2(t *testing.T) {
	hello := V2Hello([]uint32{0x010080, 0x0700C0}, [16]byte{})
	if hello[0] != 0x80 || int(hello[1]) != len(hello)-2 || hello[2] != 1 {
		t.Errorf("client hello: % x", hello)
	}
	body := []byte{4, 0, 1, 0, 2, 0, 1, 0, 3, 0, 2, 0xCE, 0x01, 0x00, 0x80, 0xAA, 0xBB}
	in := append([]byte{0x80, byte(len(body))}, body...)
	for n := range in {
		if _, err := ParseV2ServerHello(in[:n]); !errors.Is(err, ErrMore) {
			t.Fatalf("after %d bytes: %v, want more", n, err)
		}
	}
	h, err := ParseV2ServerHello(in)
	if err != nil || !slices.Equal(h.Kinds, []uint32{0x010080}) || !bytes.Equal(h.Certificate, []byte{0xCE}) {
		t.Errorf("got %+v, %v", h, err)
	}
	if _, err := ParseV2ServerHello([]byte{21, 3, 0, 0, 2, 2, 40}); !errors.Is(err, ErrNotTLS) {
		t.Errorf("a TLS alert: %v, want no SSLv2", err)
	}
}

func TestRegistry(t *testing.T) {
	if n := len(Suites()); n != 433 {
		t.Errorf("%d suites, want 354 registered and 79 others", n)
	}
	seen := map[uint32]bool{}
	for _, s := range Suites() {
		if seen[s.ID] {
			t.Errorf("%s twice", ID(uint16(s.ID)))
		}
		seen[s.ID] = true
	}
	if s := LookupSuite(0xC02F); s.Name != "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" || s.OpenSSL != "ECDHE-RSA-AES128-GCM-SHA256" || s.Kx != "ECDHE" || s.Auth != "RSA" {
		t.Errorf("0xC02F: %+v", s)
	}
	if s := LookupSuite(0xCC13); s.Name != "" || s.Registered {
		t.Errorf("an unregistered suite: %+v", s)
	}
	for name, want := range map[string]uint16{"P-256": 0x17, "x25519": 0x1D, "X25519": 0x1D, "prime256v1": 0x17, "x25519mlkem768": 0x11EC} {
		if g, ok := GroupNamed(name); !ok || g.ID != want {
			t.Errorf("group %s: %+v", name, g)
		}
	}
	if AlertName(40) != "handshake_failure" || AlertName(250) != "alert_250" {
		t.Error("alert names")
	}
	for _, v := range results.Versions() {
		if VersionName(VersionNumber(v)) != v {
			t.Errorf("version %s", v)
		}
	}
}

func FuzzParser(f *testing.F) {
	f.Add(Records(TLS12, (&ServerHello{Version: TLS12, Suite: 0xC02F}).Marshal()), byte(3))
	f.Add([]byte{21, 3, 3, 0, 2, 2, 40}, byte(1))
	f.Fuzz(func(t *testing.T, in []byte, chunk byte) {
		var p Parser
		for n := int(chunk) + 1; len(in) > 0; in = in[min(n, len(in)):] {
			p.Feed(in[:min(n, len(in))])
			for {
				m, err := p.Next()
				if err != nil {
					break
				}
				if m.Record == Handshake && len(m.Raw) != len(m.Body)+4 {
					t.Fatalf("message %+v", m)
				}
			}
		}
	})
}

func FuzzServerMessages(f *testing.F) {
	f.Add((&ServerHello{Version: TLS12, Suite: 0x1301, Extensions: []Extension{KeyShares()}}).Marshal())
	f.Add([]byte{3, 0, 29, 2, 1, 2, 8, 4, 0, 1, 9})
	f.Fuzz(func(t *testing.T, in []byte) {
		if h, err := ParseServerHello(in); err == nil {
			h.KeyShare()
			h.Cookie()
			h.ALPN()
			again, err := ParseServerHello(h.Marshal()[4:])
			if err != nil || !reflect.DeepEqual(again, h) {
				t.Fatalf("not the same after a round trip: %+v, %+v, %v", h, again, err)
			}
		}
		if h, err := ParseClientHello(in); err == nil {
			h.ServerName()
			h.Groups()
			h.Shares()
		}
		ParseCertificate(in)
		ParseCertificate13(in)
		ParseAlert(in)
		ParseEncryptedExtensions(in)
		ParseCertificateVerify(in)
		ParseCertificateRequest(in, TLS13)
		ParseCertificateRequest(in, TLS12)
		ParseCertificateRequest(in, TLS10)
		ParseV2ServerHello(in)
		for _, id := range []uint16{0xC02F, 0x0033, 0xC018, 0x002F} {
			ParseKeyExchange(in, LookupSuite(id), TLS12)
		}
	})
}

// A server that trusts what its system does names all of them: none is left out.
func TestManyAuthorities(t *testing.T) {
	const many = 300
	var body builder
	body.vector(1, func(b *builder) { *b = append(*b, 1) })
	body.vector(2, func(b *builder) { b.u16(0x0403) })
	body.vector(2, func(b *builder) {
		for range many {
			b.vector(2, func(b *builder) { *b = append(*b, 0x30, 0) })
		}
	})
	if got, err := ParseCertificateRequest(body, TLS12); err != nil || len(got) != many {
		t.Errorf("%d authorities of %d, %v", len(got), many, err)
	}
}
