// A Session on a net.Conn.

package client

import (
	"net"
	"time"

	"shakedown/results"
)

var (
	_ Handshaker = (*Session)(nil)
	_ Confirmer  = (*Session)(nil)
)

// readSize holds a usual server's flight in one read.
const readSize = 8 << 10

// Handshake makes a handshake, and the request if there is one.
func (s *Session) Handshake(conn net.Conn, now Clock, sample *Sample) {
	s.now = now
	s.Start(sample)
	err := s.drive(conn, now, s.Complete)
	if err == nil {
		err = s.Ask()
	}
	if err == nil {
		err = s.drive(conn, now, s.Over)
	}
	if err != nil {
		s.Fail(err)
		return
	}
	if s.Collect() {
		// The handshake is over and counted; what comes of the ticket is not.
		conn.SetReadDeadline(time.Now().Add(patience))
		s.drive(conn, now, func() bool { return !s.Collecting() })
	}
}

// patience is how long a ticket is waited for.
const patience = time.Second

// drive writes what is pending and feeds what arrives until something is over.
func (s *Session) drive(conn net.Conn, now Clock, over func() bool) error {
	if s.buffer == nil {
		s.buffer = make([]byte, readSize)
	}
	var heard time.Duration
	for {
		if out := s.Pending(); out != nil {
			if heard > 0 {
				s.l.cfg.await(now, heard+s.l.cfg.Reaction)
			}
			at := now()
			if _, err := conn.Write(out); err != nil {
				return err
			}
			s.Written(at)
		}
		if over() {
			return nil
		}
		n, err := conn.Read(s.buffer)
		heard = now()
		if n > 0 {
			err = s.Feed(s.buffer[:n], heard)
		}
		if err != nil {
			return err
		}
	}
}

// Close ends the connection as the client is to.
func (s *Session) Close(conn net.Conn) {
	if s.Complete() && s.sample.Failure == nil {
		switch {
		case s.l.cfg.Closing == ByFIN:
			s.l.cfg.parts(s.now, s.sample)
			s.goodbye(conn)
		case s.Unheard():
			s.goodbye(conn)
			conn.Read(s.buffer)
		}
	}
	closeConn(conn, s.l.cfg.Closing)
}

func (s *Session) goodbye(conn net.Conn) error {
	out, err := s.Goodbye()
	if err != nil {
		return err
	}
	_, err = conn.Write(out)
	s.out = s.out[:0]
	return err
}

// Confirm waits for the server's last word.
func (s *Session) Confirm(conn net.Conn, now Clock, sample *Sample) {
	if s.answered || s.collected {
		return // it has spoken
	}
	if s.applicationKeys() != nil {
		return
	}
	s.goodbye(conn) // may fail if the server has refused already: then its alert is here
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	err := s.drive(conn, now, func() bool { return s.answered })
	// A server that closes without a word, or by reset since we did not wait for
	// its tickets, has accepted what we sent.
	if f, ok := err.(*fault); ok && f.alert != "close_notify" {
		sample.Failure = failure(results.StageHandshake, f, s.l.cfg.Classify)
	}
}

// closeConn closes a connection by FIN or by RST.
func closeConn(conn net.Conn, how Closing) {
	if l, ok := conn.(interface{ SetLinger(int) error }); ok && how == ByRST {
		l.SetLinger(0)
	}
	conn.Close()
}

// getRequest is the request for a path.
func getRequest(host, path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: shakedown-bench\r\nConnection: close\r\n\r\n")
}
