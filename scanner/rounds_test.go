package scanner

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
	"shakedown/scanner/wire"
)

// A stack is a server in kind: what it accepts, and what of it is as with the
// real one. Its handshakes of TLS 1.3 with a key share are crypto/tls's.
type stack struct {
	fake
	certs map[string]tls.Certificate // by what a suite is signed with
}

// serve answers one connection.
func (s *stack) serve(conn net.Conn) {
	defer conn.Close()
	heard := &tape{Conn: conn}
	hello, err := readHello(heard)
	switch {
	case err != nil:
		conn.Write(alertBytes(70))
	case len(hello.Shares()) > 0:
		cfg := &tls.Config{CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP521, tls.CurveP384}}
		for _, c := range s.certs {
			cfg.Certificates = append(cfg.Certificates, c)
		}
		tls.Server(heard.again(), cfg).Handshake()
	default:
		conn.Write(s.answer(hello))
	}
}

// answer adds to an old ServerHello the certificate that goes with it.
func (s *stack) answer(hello *wire.ClientHello) []byte {
	version, _ := s.version(hello)
	suite, ok := s.pick(s.suites[version], hello.Suites)
	info := wire.LookupSuite(suite)
	cert := s.certs[info.Auth].Certificate
	if !ok || version >= wire.TLS13 || len(cert) == 0 {
		return s.choose(hello)
	}
	h := wire.ServerHello{Version: version, Suite: suite}
	flight := slices.Concat(h.Marshal(), certificateMessage(cert[0]))
	if info.Kx == "ECDHE" {
		group, ok := s.pick(s.groups[:min(5, len(s.groups))], hello.Groups())
		if !ok {
			return s.refuse
		}
		flight = append(flight, keyExchange(group)...)
	}
	return wire.Records(version, flight)
}

func certificateMessage(der []byte) []byte {
	u24 := func(n int) []byte { return []byte{byte(n >> 16), byte(n >> 8), byte(n)} }
	body := slices.Concat(u24(len(der)+3), u24(len(der)), der)
	return slices.Concat([]byte{11}, u24(len(body)), body)
}

// tape keeps what was read, to be read again.
type tape struct {
	net.Conn
	kept []byte
}

func (t *tape) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.kept = append(t.kept, b[:n]...)
	return n, err
}

func (t *tape) again() net.Conn { return &rewound{t.Conn, t.kept} }

type rewound struct {
	net.Conn
	before []byte
}

func (r *rewound) Read(b []byte) (int, error) {
	if len(r.before) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.before)
	r.before = r.before[n:]
	return n, nil
}

// nginx is Debian's with its defaults: one RSA certificate, TLS 1.2 and 1.3, and
// the client's order.
func nginx(t testing.TB) *stack {
	_, rs, _ := keys(t)
	return &stack{
		fake: fake{
			suites: map[uint16][]uint16{
				wire.TLS12: {
					0xC030, 0xCCA8, 0xC061, 0xC02F, 0xC060, 0xC028, 0xC077, 0xC027, 0xC076, 0xC014, 0xC013, 0x009D, 0xC0A1, 0xC09D,
					0xC051, 0x009C, 0xC0A0, 0xC09C, 0xC050, 0x003D, 0x00C0, 0x003C, 0x00BA, 0x0035, 0x0084, 0x002F, 0x0041,
				},
				wire.TLS13: {0x1302, 0x1303, 0x1301},
			},
			groups: []uint16{0x001D, 0x0017, 0x001E, 0x0019, 0x0018, 0x0100, 0x0101, 0x0102, 0x0103, 0x0104}, refuse: alertBytes(40),
		},
		certs: map[string]tls.Certificate{"RSA": certificate(t, "nginx.example", rs)},
	}
}

// ecNginx is the same with an ECDSA certificate.
func ecNginx(t testing.TB) *stack {
	ec, _, _ := keys(t)
	s := nginx(t)
	s.suites[wire.TLS12] = []uint16{
		0xC02C, 0xCCA9, 0xC0AF, 0xC0AD, 0xC05D, 0xC02B, 0xC0AE, 0xC0AC, 0xC05C, 0xC024, 0xC073, 0xC023, 0xC072, 0xC00A, 0xC009,
	}
	s.certs = map[string]tls.Certificate{"ECDSA": certificate(t, "nginx.example", ec)}
	return s
}

// wideNginx has everything that Debian's OpenSSL has, two certificates, and an
// order of its own.
func wideNginx(t testing.TB) *stack {
	ec, _, _ := keys(t)
	s := nginx(t)
	s.serverFirst = true
	s.certs["ECDSA"] = certificate(t, "nginx.example", ec)
	old := []uint16{0xC00A, 0xC014, 0xC019, 0xC009, 0xC013, 0xC018, 0x0035, 0x0084, 0x002F, 0x0041, 0xC006, 0xC010, 0xC015, 0x0002, 0x0001}
	s.suites[wire.TLS10], s.suites[wire.TLS11] = old, old
	s.suites[wire.TLS12] = []uint16{
		0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC0AF, 0xC0AD, 0xC05D, 0xC061, 0xC02B, 0xC02F, 0xC0AE, 0xC0AC, 0xC05C, 0xC060, 0xC024, 0xC028, 0xC073,
		0xC077, 0xC023, 0xC027, 0xC072, 0xC076, 0xC00A, 0xC014, 0xC019, 0xC009, 0xC013, 0xC018, 0x009D, 0xC0A1, 0xC09D, 0xC051, 0x009C, 0xC0A0,
		0xC09C, 0xC050, 0x003D, 0x00C0, 0x003C, 0x00BA, 0x0035, 0x0084, 0x002F, 0x0041, 0xC006, 0xC010, 0xC015, 0x003B, 0x0002, 0x0001,
	}
	return s
}

// goServer is crypto/tls with its defaults and two certificates.
func goServer(t testing.TB) func(net.Conn) {
	return goServerWith(t, nil)
}

// wideGo is crypto/tls with every suite that it has.
func wideGo(t testing.TB) func(net.Conn) {
	var suites []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		suites = append(suites, s.ID)
	}
	return goServerWith(t, suites)
}

func goServerWith(t testing.TB, suites []uint16) func(net.Conn) {
	ec, rs, _ := keys(t)
	cfg := &tls.Config{
		Certificates: []tls.Certificate{certificate(t, "go.example", rs), certificate(t, "go.example", ec)},
		MinVersion:   tls.VersionTLS10, CipherSuites: suites,
	}
	return func(conn net.Conn) {
		defer conn.Close()
		server := tls.Server(conn, cfg)
		if server.Handshake() == nil {
			io.Copy(io.Discard, server)
		}
	}
}

// timed is what a scan took.
type timed struct {
	rounds      float64
	connections int
	record      *results.Endpoint
}

// scanOver scans what a link leads to.
func scanOver(t testing.TB, l *link, aspects string, perEndpoint int) timed {
	t.Helper()
	wanted, err := ParseAspects(aspects)
	if err != nil {
		t.Fatal(err)
	}
	d := dial.New(dial.Options{Connect: l.connect, PerEndpoint: perEndpoint, Timeout: 10 * time.Second})
	began := time.Now()
	var got timed
	err = New(d, Options{Aspects: wanted}).Run(t.Context(), []inventory.Path{target(netip.MustParseAddrPort("192.0.2.1:443"))}, func(e *results.Endpoint) error {
		got = timed{float64(time.Since(began)) / float64(roundTrip), e.Connections, e}
		return nil
	})
	if err != nil || got.record == nil {
		t.Fatalf("no record: %v", err)
	}
	return got
}

// bubble runs a scan on a clock of its own, until all that is under way arrived.
func bubble(t *testing.T, run func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		run(t)
		time.Sleep(time.Minute)
	})
}

const (
	onlySuites  = "versions,suites"
	withOrder   = "versions,suites,preference"
	likeSslscan = "versions,suites,groups,certificates"
	allButPath  = "versions,suites,preference,groups,signatures,certificates,protocol"
)

// roundTrips are the scans of which it is known how many round trips and
// connections they may take, with eight connections in flight. No clock but the
// link's is in that.
func roundTrips(t testing.TB) []roundTripCase {
	return []roundTripCase{
		{"nginx", nginx(t).serve, onlySuites, 14, 30 + 10},
		{"nginx", nginx(t).serve, withOrder, 18, 30 + 15},
		{"nginx", nginx(t).serve, likeSslscan, 16, 49},
		{"nginx, EC", ecNginx(t).serve, likeSslscan, 13, 37},
		{"wide nginx", wideNginx(t).serve, onlySuites, 27, 83 + 15},
		{"wide nginx", wideNginx(t).serve, withOrder, 51, 2*83 + 10},
		{"wide nginx", wideNginx(t).serve, likeSslscan, 31, 111},
		{"Go", goServer(t), onlySuites, 13, 24 + 13},
		{"Go", goServer(t), withOrder, 18, 2 * 26},
		{"Go", goServer(t), likeSslscan, 17, 49},
		{"Go", goServer(t), allButPath, 35, 108},
		{"wide Go", wideGo(t), onlySuites, 19, 47 + 15},
		{"wide Go", wideGo(t), withOrder, 30, 2*47 + 10},
		{"wide Go", wideGo(t), likeSslscan, 21, 73},
	}
}

type roundTripCase struct {
	server      string
	serve       func(net.Conn)
	aspects     string
	rounds      float64
	connections int
}

func TestRoundTrips(t *testing.T) {
	for _, c := range roundTrips(t) {
		bubble(t, func(t *testing.T) {
			got := scanOver(t, to(c.serve), c.aspects, 8)
			t.Logf("%s, %s: %.1f round trips, %d connections", c.server, c.aspects, got.rounds, got.connections)
			if got.rounds > c.rounds || got.connections > c.connections || got.record.Status != results.Complete {
				t.Errorf("at most %v round trips and %d connections are due; status %s", c.rounds, c.connections, got.record.Status)
			}
		})
	}
}

// BenchmarkRoundTrips takes the same on the real clock, with what this machine
// needs for its part.
func BenchmarkRoundTrips(b *testing.B) {
	for _, c := range roundTrips(b) {
		b.Run(c.server+"/"+c.aspects, func(b *testing.B) {
			rounds, connections := 0.0, 0
			for b.Loop() {
				got := scanOver(b, to(c.serve), c.aspects, 8)
				rounds, connections = rounds+got.rounds, connections+got.connections
			}
			b.ReportMetric(rounds/float64(b.N), "rounds")
			b.ReportMetric(float64(connections)/float64(b.N), "connections")
		})
	}
}
