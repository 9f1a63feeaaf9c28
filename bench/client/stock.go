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
	cfg    Config
	config *tls.Config
	get    []byte
	conn   *tls.Conn
	wire   stamped
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
		CurvePreferences:   curves(a.groups()),
		// Offers session tickets like any client, and never uses one.
		ClientSessionCache: forgetful{},
	}
	if cfg.ALPN != "" {
		config.NextProtos = []string{cfg.ALPN}
	}
	switch {
	case a.Scheme != 0:
		return nil, errors.New("crypto/tls offers a fixed list of signature schemes: drop --signature, or use --client lean")
	case a.Suite != 0 && a.Version == wire.TLS13:
		return nil, errors.New("crypto/tls offers a fixed list of TLS 1.3 suites: drop --suite, or use --client lean")
	case a.Version == wire.TLS12:
		config.CipherSuites = a.suites()
	}
	return &Stock{cfg: cfg, config: config, get: getRequest(cfg.ServerName, cfg.Request)}, nil
}

func curves(groups []uint16) []tls.CurveID {
	var ids []tls.CurveID
	for _, g := range groups {
		ids = append(ids, tls.CurveID(g))
	}
	return ids
}

// forgetful is a session cache that never has a session.
type forgetful struct{}

func (forgetful) Get(string) (*tls.ClientSessionState, bool) { return nil, false }
func (forgetful) Put(string, *tls.ClientSessionState)        {}

// Handshake makes a handshake, and the request if there is one.
func (c *Stock) Handshake(conn net.Conn, now Clock, s *Sample) {
	c.wire = stamped{Conn: conn, now: now}
	c.conn = tls.Client(&c.wire, c.config)
	err := c.conn.Handshake()
	s.Hello, s.ServerHello, s.Token = c.wire.wrote1, c.wire.hello, c.wire.token
	if err == nil {
		s.Done = c.wire.wroteN
		if c.cfg.Ask.Version == wire.TLS12 {
			s.Done = c.wire.readN // the server's Finished comes last
		}
		s.Shape = shapeOf(c.conn.ConnectionState())
		if c.cfg.Request != "" {
			err = c.request(now, s)
		}
	}
	if err != nil {
		s.Failure = failure(s.stage(), c.fault(err), c.cfg.Classify)
	}
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
	if s.FirstByte != 0 {
		return // it has answered a request
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
	if c.cfg.Closing == ByFIN && c.conn != nil {
		c.conn.Close()
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
	return Shape{
		Version: state.Version,
		Suite:   state.CipherSuite,
		Group:   uint16(state.CurveID),
		Scheme:  scheme,
		Resumed: state.DidResume,
		Retry:   state.HelloRetryRequest,
		ALPN:    state.NegotiatedProtocol,
	}
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
}

func (c *stamped) Write(b []byte) (int, error) {
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
