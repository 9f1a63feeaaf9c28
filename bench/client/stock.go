// Stock: crypto/tls, with its phases taken on the wire.

package client

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"time"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// Stock makes handshakes with crypto/tls, without checking certificate chains.
// It is the yardstick for Lean: what an ordinary client costs, and costs its
// server.
type Stock struct {
	cfg     Config
	config  *tls.Config
	get     []byte
	conn    *tls.Conn
	wire    stamped
	sample  *Sample  // of the handshake at hand
	got     bool     // it brought something to resume
	offered *session // what it is to resume
	made    uint64   // handshakes, to pick those whose certificate is looked at
}

var (
	_ Handshaker = (*Stock)(nil)
	_ Confirmer  = (*Stock)(nil)
)

// NewStock prepares a stock client. An Ask that crypto/tls cannot be held to is
// refused.
func NewStock(cfg Config) (*Stock, error) {
	cfg = cfg.withDefaults()
	a := cfg.Ask
	config := &tls.Config{
		InsecureSkipVerify: true,
		MinVersion:         a.Version,
		MaxVersion:         a.Version,
		ServerName:         cfg.ServerName,
		CurvePreferences:   curves(a),
	}
	if cfg.Certificate != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cfg.Certificate, nil }
	}
	if cfg.ALPN != "" {
		config.NextProtos = []string{cfg.ALPN}
	}
	switch {
	case a.Scheme != 0:
		return nil, errors.New("crypto/tls offers a fixed list of signature schemes: drop --signature, or use --client lean")
	case a.Suite != 0 && a.Version == wire.TLS13:
		return nil, errors.New("crypto/tls offers a fixed list of TLS 1.3 suites: drop --suite, or use --client lean")
	case a.Retry:
		return nil, errors.New("crypto/tls always offers a key share: drop --hello-retry, or use --client lean")
	case cfg.SessionIDs:
		return nil, errors.New("crypto/tls resumes by tickets alone: drop --session-ids, or use --client lean")
	case a.Version == wire.TLS12:
		config.CipherSuites = a.suites()
	}
	c := &Stock{cfg: cfg, config: config, get: getRequest(cfg.ServerName, cfg.Request)}
	// Offers session tickets like any client, and uses one when it is told to.
	config.ClientSessionCache = stockCache{c}
	return c, nil
}

// curves are the groups to offer. crypto/tls orders them itself, X25519 first:
// only behind that can others stand without being preferred.
func curves(a Ask) []tls.CurveID {
	groups := a.groups()
	if a.Group != 0 && a.Group != groupX25519 {
		groups = groups[:1]
	}
	var ids []tls.CurveID
	for _, g := range groups {
		ids = append(ids, tls.CurveID(g))
	}
	return ids
}

// stockCache is the session cache of a stock client: its path's wallet.
type stockCache struct{ *Stock }

func (c stockCache) Get(string) (*tls.ClientSessionState, bool) {
	if !c.sample.Resume {
		return nil, false
	}
	s := c.cfg.Wallet.take(c.wire.now())
	if c.offered, c.sample.Offered = s, s != nil; s == nil {
		return nil, false
	}
	return s.stock, true
}

// Put hears of every ticket. crypto/tls checks its lifetime itself.
func (c stockCache) Put(_ string, state *tls.ClientSessionState) {
	if state == nil {
		return
	}
	c.got = true
	if !c.cfg.Wallet.wants(c.sample.Shape.Resumed) {
		return
	}
	c.cfg.Wallet.put(&session{received: c.wire.now(), lifetime: maxLifetime, stock: state})
}

// Handshake makes a handshake, and the request if there is one.
func (c *Stock) Handshake(conn net.Conn, now Clock, s *Sample) {
	c.wire = stamped{Conn: conn, now: now, cfg: &c.cfg}
	c.conn = tls.Client(&c.wire, c.config)
	c.sample, c.got, c.offered = s, false, nil
	err := c.conn.Handshake()
	s.Hello, s.ServerHello, s.Token = c.wire.wrote1, c.wire.hello, c.wire.token
	if err == nil {
		c.done(s)
		if c.cfg.Request != "" {
			err = c.request(now, s)
		}
	}
	if err != nil {
		s.Failure = failure(s.stage(), c.fault(err), c.cfg.Classify)
		return
	}
	c.collect(conn)
}

// done notes what a finished handshake was.
func (c *Stock) done(s *Sample) {
	state := c.conn.ConnectionState()
	s.Shape = shapeOf(state)
	s.Done = c.wire.wroteN
	if c.cfg.Ask.Version == wire.TLS12 && !state.DidResume {
		s.Done = c.wire.readN // the server's Finished comes last
	}
	if c.offered != nil && !state.DidResume {
		c.cfg.Wallet.refused(c.offered)
	}
	if c.made++; (c.made-1)%uint64(c.cfg.VerifySample) == 0 && !state.DidResume {
		s.Leaf = mark(state.PeerCertificates[0].Raw)
	}
}

// collect waits for the tickets of TLS 1.3, which crypto/tls takes in as it reads.
func (c *Stock) collect(conn net.Conn) {
	resumed := c.sample.Shape.Resumed
	if c.got || c.cfg.Ask.Version == wire.TLS12 || c.sample.FirstByte != 0 || !c.cfg.Wallet.wants(resumed) {
		return
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	c.wire.enough = func() bool { return c.got }
	c.conn.Read(make([]byte, 1))
	c.wire.enough = nil
}

func (c *Stock) request(now Clock, s *Sample) error {
	if _, err := c.conn.Write(c.get); err != nil {
		return err
	}
	s.Request = c.wire.wroteN
	if _, err := bufio.NewReaderSize(c.conn, 512).ReadByte(); err != nil {
		return err
	}
	s.FirstByte = c.wire.readN
	return nil
}

// Confirm waits for the server's last word.
func (c *Stock) Confirm(_ net.Conn, _ Clock, s *Sample) {
	if s.FirstByte != 0 || c.got {
		return // it has spoken
	}
	c.conn.CloseWrite() // may fail if the server has refused already: then its alert is here
	if _, err := c.conn.Read(make([]byte, 1)); err == nil {
		return
	} else if f, ok := c.fault(err).(*fault); ok {
		s.Failure = failure(results.StageHandshake, f, c.cfg.Classify)
	}
}

// Close ends the connection. tls.Conn's own Close sends close_notify.
func (c *Stock) Close(conn net.Conn) {
	switch {
	case c.conn == nil:
	case c.cfg.Closing == ByFIN:
		c.cfg.parts(c.wire.now, c.sample)
		c.conn.Close()
	case c.sample.Failure == nil && c.sample.Done != 0 && c.sample.FirstByte == 0 && !c.got:
		// Our Finished was the last word: the reset must not overtake it.
		c.conn.CloseWrite()
		conn.Read(make([]byte, 1))
	}
	closeConn(conn, c.cfg.Closing)
}

// shapeOf is what crypto/tls says was negotiated. The signature scheme it keeps
// in a field for its own tests: where that is missing the scheme stays unknown.
func shapeOf(state tls.ConnectionState) Shape {
	var scheme uint16
	if v := reflect.ValueOf(state).FieldByName("testingOnlyPeerSignatureAlgorithm"); v.IsValid() && v.CanUint() {
		scheme = uint16(v.Uint())
	}
	s := Shape{
		Version: state.Version,
		Suite:   state.CipherSuite,
		Group:   uint16(state.CurveID),
		Scheme:  scheme,
		Resumed: state.DidResume,
		Retry:   state.HelloRetryRequest,
		ALPN:    state.NegotiatedProtocol,
	}
	if s.Resumed {
		// crypto/tls repeats what the session began with. Here nobody signed, and
		// TLS 1.2 exchanged no keys.
		if s.Scheme = 0; s.Version == wire.TLS12 {
			s.Group = 0
		}
	}
	return s
}

// fault tells what crypto/tls reports of the peer from errors of the network.
func (c *Stock) fault(err error) error {
	var op *net.OpError
	var header tls.RecordHeaderError
	var network net.Error
	switch {
	case errors.As(err, &op) && op.Op == "remote error":
		// The alert's type is crypto/tls's own; its kind is a uint8.
		if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
			name := wire.AlertName(uint8(v.Uint()))
			return &fault{kind: results.KindAlert, alert: name, detail: "the server sent the alert " + name}
		}
	case errors.As(err, &op) && op.Op == "local error": // what crypto/tls complains of to the server
		return &fault{kind: results.KindMalformed, detail: strings.TrimPrefix(op.Err.Error(), "tls: ")}
	case errors.As(err, &header) && c.wire.hello == 0 && !looksLikeTLS(header.RecordHeader):
		return &fault{kind: results.KindNotTLS, detail: fmt.Sprintf("the answer is not TLS: it begins with %q", header.RecordHeader[:])}
	case errors.As(err, &network), c.wire.failed:
		return err
	case strings.HasPrefix(err.Error(), "tls: "):
		return &fault{kind: results.KindMalformed, detail: strings.TrimPrefix(err.Error(), "tls: ")}
	}
	return err
}

func looksLikeTLS(header [5]byte) bool { return !notTLS(header[:]) }

// stamped is a connection that notes when what passed: so the phases are
// intervals on the wire, and the making of keys before the first write is not in
// them.
type stamped struct {
	net.Conn
	now    Clock
	wrote1 time.Duration // first write
	wroteN time.Duration // latest write
	readN  time.Duration // latest read
	hello  time.Duration // final ServerHello
	head   []byte        // the beginning of the server's words, until ServerHello
	token  uint64        // of the ClientHello
	done   bool          // final ServerHello was seen
	failed bool          // the network failed, not TLS
	cfg    *Config
	enough func() bool // what was to be read has been; nil while that is not known
}

var errEnough = errors.New("all that was to be read has been")

func (c *stamped) Write(b []byte) (int, error) {
	if c.readN > 0 {
		c.cfg.await(c.now, c.readN+c.cfg.Reaction)
	}
	c.wroteN = c.now()
	if c.wrote1 == 0 {
		c.wrote1 = c.wroteN
		c.token = Token(b)
	}
	n, err := c.Conn.Write(b)
	c.failed = c.failed || err != nil
	return n, err
}

func (c *stamped) Read(b []byte) (int, error) {
	if c.enough != nil && c.enough() {
		return 0, errEnough
	}
	n, err := c.Conn.Read(b)
	c.readN = c.now()
	c.failed = c.failed || err != nil
	if !c.done {
		c.look(b[:n])
	}
	return n, err
}

// look finds the final ServerHello among the server's first bytes. What it does
// not understand it leaves to crypto/tls.
func (c *stamped) look(b []byte) {
	c.head = append(c.head, b...)
	var p wire.Parser
	p.Feed(c.head)
	for {
		m, err := p.Next()
		if err != nil {
			c.done = !errors.Is(err, wire.ErrMore)
			return
		}
		if m.Record == wire.Handshake && m.Handshake == wire.ServerHelloType {
			h, err := wire.ParseServerHello(m.Body)
			if err == nil && !h.IsRetry() {
				c.hello, c.done = c.readN, true
				return
			}
		}
	}
}
