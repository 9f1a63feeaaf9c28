// Socket: a TCP connection without package net. A scan opens thousands that live
// for one question each; here such a one costs seven short system calls, and none
// that the Go runtime would start its monitor thread for: none of them ever waits.

package dial

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a net.Conn that ends with its context.
type socket struct {
	loop   *loop
	remote netip.AddrPort
	ctx    context.Context

	mu       sync.Mutex
	fd       int    // -1 when it is closed
	number   int32  // in the roll; -1 before anything was waited for
	watched  uint32 // what is looked for
	added    bool   // to the epoll
	wanted   uint32 // as watched; guarded by the roll's mu, as is
	gathered bool   // whether it is looked at now and then
	spoken   bool   // something was sent
	in, out  side
}

// side is one direction of a connection.
type side struct {
	ready    chan struct{} // something may have happened; nil before it was waited for
	deadline time.Time
}

// nudge makes who waits for this side look again.
func (s *side) nudge() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// errAgain says that a call would have to wait.
const errAgain = unix.EAGAIN

// openSocket connects. It gives up at the deadline and when ctx ends.
func (l *loop) openSocket(ctx context.Context, remote netip.AddrPort, deadline time.Time) (*socket, error) {
	s := &socket{loop: l, remote: remote, ctx: ctx, number: -1}
	s.out.deadline = deadline
	var err error
	if s.fd, err = newTCP(remote); err != nil {
		return nil, s.failure("dial", "socket", err)
	}
	for {
		err = s.connect()
		if err == errAgain {
			s.wait(&s.out)
			continue
		} else if err == nil {
			return s, nil
		}
		if err != nil {
			s.Close()
			return nil, s.failure("dial", "connect", err)
		}
	}
}

// connect begins to connect or, called again, asks how that went: on this machine
// it is there at once.
func (s *socket) connect() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.over(&s.out); err != nil {
		return err
	}
	err := connect(s.fd, s.remote)
	if err == unix.EINPROGRESS || err == unix.EINTR {
		err = connect(s.fd, s.remote)
	}
	switch err {
	case nil, unix.EISCONN:
		s.unwatch()
		return s.itself()
	case unix.EALREADY, unix.EINPROGRESS, unix.EINTR:
		return s.watch(&s.out, unix.EPOLLOUT)
	}
	return err
}

// firstOwn is the first of the ports that the kernel gives to who connects, if it
// was not told otherwise.
const firstOwn = 32768

// itself refuses a connection to itself: where nobody listens on a port of this
// machine, the kernel may have chosen that very port for our end (RFC 9293
// §3.5, simultaneous open).
func (s *socket) itself() error {
	if s.remote.Port() >= firstOwn && localAddress(s.fd) == unmapped(s.remote) {
		return unix.ECONNREFUSED
	}
	return nil
}

// over is why a side can no longer be used, nil if it can. Hold mu.
func (s *socket) over(side *side) error {
	switch {
	case s.fd < 0:
		return net.ErrClosed
	case s.ctx.Err() != nil, !side.deadline.IsZero() && !time.Now().Before(side.deadline):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// watch has the loop look for events on a side, and returns errAgain. Hold mu.
func (s *socket) watch(side *side, events uint32) error {
	if s.watched&events == events {
		return errAgain
	}
	s.loop.socks.enter(s, side, events)
	if err := s.loop.watch(s, s.watched|events); err != nil {
		return err
	}
	s.watched |= events
	return errAgain
}

// unwatch looks for nothing on a socket any more that was waited for: that it can be
// written to would be told for ever. Hold mu.
func (s *socket) unwatch() {
	if s.watched != 0 {
		s.watched = 0
		s.loop.socks.forget(s)
	}
}

// wait waits until something may have happened on a side, or its time is over.
func (s *socket) wait(side *side) { <-side.ready }

// remind tells who waits for a side whose time is over.
func (s *socket) remind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, side := range []*side{&s.in, &s.out} {
		if s.over(side) != nil {
			side.nudge()
		}
	}
}

// Read reads what is there, and waits for it.
func (s *socket) Read(b []byte) (int, error) {
	for waited := false; ; waited = true {
		n, err := s.receive(b, waited)
		switch {
		case err == errAgain:
			s.wait(&s.in)
			continue
		case err == nil && n == 0 && len(b) > 0:
			return 0, io.EOF
		case err == nil:
			return n, nil
		}
		if err != nil {
			return 0, s.failure("read", "read", err)
		}
	}
}

// receive reads what is there. The first time it only has the loop look for it:
// what was asked just now is not answered yet.
// Who has waited gets what came in time, however late it is now.
func (s *socket) receive(b []byte, waited bool) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.over(&s.in); err != nil && (s.fd < 0 || !waited) {
		return 0, err
	}
	if s.watched&unix.EPOLLIN == 0 {
		return 0, s.watch(&s.in, unix.EPOLLIN|unix.EPOLLRDHUP)
	}
	n, err := receive(s.fd, b)
	if err == errAgain {
		if late := s.over(&s.in); late != nil {
			err = late
		}
	}
	return n, err
}

// Write writes all of b.
func (s *socket) Write(b []byte) (int, error) {
	sent := 0
	for {
		n, err := s.send(b[sent:])
		sent += n
		if err == errAgain {
			s.wait(&s.out)
			continue
		} else if err == nil && sent == len(b) {
			return sent, nil
		}
		if err != nil {
			return sent, s.failure("write", "write", err)
		}
	}
}

func (s *socket) send(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.over(&s.out); err != nil {
		return 0, err
	}
	if s.spoken { // the second word is not to wait for the acknowledgement of the first
		unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	n, err := send(s.fd, b)
	s.spoken = true
	if err == errAgain {
		return 0, s.watch(&s.out, unix.EPOLLOUT)
	}
	return n, err
}

// Close closes the connection. Who waits for it is told.
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fd < 0 {
		return net.ErrClosed
	}
	s.loop.socks.leave(s)
	err := closeSocket(s.fd)
	s.fd = -1
	s.in.nudge()
	s.out.nudge()
	return err
}

// SetDeadline sets both deadlines.
func (s *socket) SetDeadline(t time.Time) error {
	s.SetReadDeadline(t)
	return s.SetWriteDeadline(t)
}

// SetReadDeadline ends reading at an instant.
func (s *socket) SetReadDeadline(t time.Time) error { return s.end(&s.in, t) }

// SetWriteDeadline ends writing at an instant.
func (s *socket) SetWriteDeadline(t time.Time) error { return s.end(&s.out, t) }

func (s *socket) end(side *side, t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fd < 0 {
		return net.ErrClosed
	}
	side.deadline = t
	side.nudge()
	return nil
}

// LocalAddr is our end, as far as the kernel still knows it.
func (s *socket) LocalAddr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return net.TCPAddrFromAddrPort(localAddress(s.fd))
}

// RemoteAddr is the other end.
func (s *socket) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.remote) }

func (s *socket) endsWithContext() {}

// failure puts an error in package net's words.
func (s *socket) failure(op, call string, err error) error {
	if errno, ok := err.(unix.Errno); ok {
		err = os.NewSyscallError(call, errno)
	}
	told := &net.OpError{Op: op, Net: "tcp", Addr: s.RemoteAddr(), Err: err}
	if op != "dial" {
		told.Source = s.LocalAddr()
	}
	return told
}
