// Servers that misbehave, each in one way.

package tlstest

import (
	"crypto/tls"
	"io"
	"net"
	"sync/atomic"
)

// Rude is a way to misbehave towards a connection. The connection is closed when
// it returns.
type Rude func(net.Conn)

// Silent reads and says nothing.
func Silent(conn net.Conn) { io.Copy(io.Discard, conn) }

// Hangup closes as soon as it has heard something.
func Hangup(conn net.Conn) { conn.Read(make([]byte, 1<<14)) }

// Reset resets as soon as it has heard something.
func Reset(conn net.Conn) {
	conn.Read(make([]byte, 1<<14))
	conn.(*net.TCPConn).SetLinger(0)
}

// HTTP is a web server that expects no TLS.
func HTTP(conn net.Conn) {
	conn.Read(make([]byte, 1<<14))
	io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
}

// Alert refuses with handshake_failure.
func Alert(conn net.Conn) {
	conn.Read(make([]byte, 1<<14))
	conn.Write([]byte{21, 3, 3, 0, 2, 2, 40})
}

// Endless sends records that mean nothing until nobody takes them.
func Endless(conn net.Conn) {
	conn.Read(make([]byte, 1<<14))
	for {
		if _, err := conn.Write([]byte{20, 3, 3, 0, 1, 1}); err != nil {
			return
		}
	}
}

// Half begins like a server with a config, and after n bytes is silent.
func Half(config *tls.Config, n int) Rude {
	return func(conn net.Conn) {
		tls.Server(&cutConn{Conn: conn, left: n}, config).Handshake()
		Silent(conn)
	}
}

// Writes begins like a server with a config, and after n flights is silent, while
// it reads on.
func Writes(config *tls.Config, n int) Rude {
	return func(conn net.Conn) {
		server := tls.Server(&muteConn{Conn: conn, left: n}, config)
		if server.Handshake() == nil {
			server.Read(make([]byte, 4096))
		}
		Silent(conn)
	}
}

// muteConn writes so many times and then pretends.
type muteConn struct {
	net.Conn
	left int
}

func (c *muteConn) Write(b []byte) (int, error) {
	if c.left--; c.left < 0 {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Corrupt serves with a config, and changes the last byte of all flights but the
// first n.
func Corrupt(config *tls.Config, n int) Rude {
	return func(conn net.Conn) { tls.Server(&corruptConn{conn, n}, config).Handshake() }
}

type corruptConn struct {
	net.Conn
	good int
}

func (c *corruptConn) Write(b []byte) (int, error) {
	if c.good--; c.good >= 0 {
		return c.Conn.Write(b)
	}
	changed := append([]byte(nil), b...)
	changed[len(b)-1] ^= 1
	return c.Conn.Write(changed)
}

// cutConn writes so many bytes and then pretends.
type cutConn struct {
	net.Conn
	left int
}

func (c *cutConn) Write(b []byte) (int, error) {
	n := min(c.left, len(b))
	c.left -= n
	if _, err := c.Conn.Write(b[:n]); err != nil {
		return 0, err
	}
	return len(b), nil
}

// ServeSome serves like Serve, but every nth connection, the first few apart, is
// dealt with by rude.
func ServeSome(t tester, config *tls.Config, few, n int, rude Rude) *Server {
	s := newServer()
	var count atomic.Int64
	s.Addr = Listen(t, func(conn net.Conn) {
		if i := int(count.Add(1)) - few; i > 0 && i%n == 0 {
			rude(conn)
			return
		}
		s.serve(tls.Server(conn, config))
	})
	return s
}
