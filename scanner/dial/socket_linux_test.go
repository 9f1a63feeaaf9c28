package dial

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"shakedown/results"
)

// opened connects a socket to a server that does what is told with its end.
func opened(t *testing.T, ctx context.Context, listener string, serve func(net.Conn)) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", listener)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		if c, err := l.Accept(); err == nil {
			serve(c)
			c.Close()
		}
	}()
	conn, err := systemTCP()(ctx, netip.MustParseAddrPort(l.Addr().String()), time.Now().Add(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, ok := conn.(*socket); !ok {
		t.Fatalf("%T is no socket", conn)
	}
	if conn.RemoteAddr().String() != l.Addr().String() || conn.LocalAddr().Network() != "tcp" {
		t.Errorf("from %v to %v, want to %v", conn.LocalAddr(), conn.RemoteAddr(), l.Addr())
	}
	return conn
}

// blocks is for servers that wait for the client to go.
func blocks(c net.Conn) { io.Copy(io.Discard, c) }

// More than any buffer holds goes both ways at once.
func TestSocketCarriesMuch(t *testing.T) {
	for _, listener := range []string{"127.0.0.1:0", "[::1]:0"} {
		conn := opened(t, t.Context(), listener, func(c net.Conn) { io.Copy(c, c) })
		sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
		wrote := make(chan error, 1)
		go func() { _, err := conn.Write(sent); wrote <- err }()
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%s: what came back is not what was sent: %v", listener, err)
		}
		if err := <-wrote; err != nil {
			t.Errorf("%s: %v", listener, err)
		}
	}
}

// Who waits on a socket is told of whatever ends the wait.
func TestSocketStopsWaiting(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(net.Conn, context.CancelFunc)
		want error
	}{
		"deadline": {func(c net.Conn, _ context.CancelFunc) { c.SetDeadline(time.Now().Add(time.Millisecond)) }, os.ErrDeadlineExceeded},
		"past":     {func(c net.Conn, _ context.CancelFunc) { c.SetReadDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
		"close":    {func(c net.Conn, _ context.CancelFunc) { c.Close() }, net.ErrClosed},
		"context":  {func(_ net.Conn, cancel context.CancelFunc) { cancel() }, os.ErrDeadlineExceeded},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		conn := opened(t, ctx, "127.0.0.1:0", blocks)
		failed := make(chan error, 1)
		go func() { _, err := conn.Read(make([]byte, 1)); failed <- err }()
		c.end(conn, cancel)
		if err := <-failed; !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Reading gives what came before the end, and then the end.
func TestSocketReadsToTheEnd(t *testing.T) {
	conn := opened(t, t.Context(), "127.0.0.1:0", func(c net.Conn) { c.Write([]byte("word")) })
	if got, err := io.ReadAll(conn); string(got) != "word" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	reset := opened(t, t.Context(), "127.0.0.1:0", func(c net.Conn) {
		io.ReadFull(c, make([]byte, 1))
		c.(*net.TCPConn).SetLinger(0)
	})
	reset.Write([]byte{1})
	_, err := reset.Read(make([]byte, 1))
	if f := Classify(results.StageHello, err); f.Kind != results.KindReset {
		t.Errorf("%v is taken for %s", err, f.Kind)
	}
}

// What package net says of a failure, a socket says too.
func TestSocketFailsLikeNet(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	address := netip.MustParseAddrPort(l.Addr().String())
	soon := time.Now().Add(10 * time.Second)
	for _, c := range []struct {
		address netip.AddrPort
		until   time.Time
		want    results.FailureKind
	}{
		{address, soon, results.KindRefused},
		{address, time.Now().Add(-time.Second), results.KindTimeout},
		{netip.MustParseAddrPort("255.255.255.255:443"), soon, results.KindUnreachable},
	} {
		_, ours := systemTCP()(t.Context(), c.address, c.until)
		_, theirs := netTCP(t.Context(), c.address, c.until)
		if ours == nil || theirs == nil || ours.Error() != theirs.Error() || Classify("", ours).Kind != c.want {
			t.Errorf("%v: %v, package net says %v, want %s", c.address, ours, theirs, c.want)
		}
	}
}

// A server that lets nobody in keeps us waiting until the deadline, or until it
// lets us in after all.
func TestSocketWaitsToConnect(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	address, open := localAddress(fd), systemTCP()
	first, err := open(t.Context(), address, time.Now().Add(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close() // the queue is full
	_, err = open(t.Context(), address, time.Now().Add(20*time.Millisecond))
	if f := Classify(results.StageConnect, err); f.Kind != results.KindTimeout {
		t.Errorf("got %+v, want a timeout", f)
	}
	second := make(chan error, 1)
	go func() {
		c, err := open(t.Context(), address, time.Now().Add(30*time.Second))
		if err == nil {
			err = c.Close()
		}
		second <- err
	}()
	for range 2 {
		taken, _, err := unix.Accept(fd)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(taken)
	}
	if err := <-second; err != nil {
		t.Errorf("let in at last: %v", err)
	}
}

// In a crowd every answer arrives too, whether a socket was looked at by itself
// before or not; when all are gone nobody looks any more.
func TestSocketsOfACrowd(t *testing.T) {
	l, err := newLoop()
	if err != nil {
		t.Fatal(err)
	}
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	const many = 3 * throng
	all := make([]*socket, many)
	for i := range all {
		s, err := l.openSocket(t.Context(), netip.MustParseAddrPort(server.Addr().String()), time.Now().Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.receive(make([]byte, 1), false); err != errAgain {
			t.Fatalf("socket %d: %v before anything was said", i, err)
		}
		all[i] = s
	}
	for i, s := range all {
		want := []byte{byte(i)}
		if _, err := s.Write(want); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 1)
		if _, err := io.ReadFull(s, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("socket %d: %v, %v", i, got, err)
		}
	}
	var fds []unix.PollFd
	var crowd []*socket
	l.socks.crowd(&fds, &crowd)
	if want := many - throng + 1; len(crowd) != want {
		t.Errorf("%d sockets of %d are gathered, not %d", len(crowd), many, want)
	}
	for _, s := range all {
		s.Close()
	}
	if l.socks.crowd(&fds, &crowd) {
		t.Errorf("%d sockets are still looked at", len(crowd))
	}
}

// What was waited for among few is told of in a crowd.
func TestSocketJoinsACrowd(t *testing.T) {
	conn := opened(t, t.Context(), "127.0.0.1:0", func(c net.Conn) { io.Copy(c, c) })
	s := conn.(*socket)
	s.mu.Lock()
	s.watch(&s.out, unix.EPOLLOUT)
	s.loop.socks.mu.Lock()
	s.loop.socks.all = append(s.loop.socks.all, make([]*socket, throng)...) // others
	s.loop.socks.mu.Unlock()
	s.mu.Unlock()
	if _, err := s.Write([]byte("?")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, make([]byte, 1)); err != nil || !s.gathered {
		t.Errorf("gathered: %v, %v", s.gathered, err)
	}
}

// A server that answers seldom is looked at seldom, one that answers often is again.
func TestPauseOfACrowd(t *testing.T) {
	pause := gathering
	for _, c := range []struct {
		came int
		want time.Duration
	}{{handful, gathering}, {0, 2 * gathering}, {handful - 1, longest}, {0, longest}, {2 * handful, longest}, {4 * handful, longest / 2}, {99, gathering}, {99, gathering}} {
		if pause = nextPause(pause, c.came); pause != c.want {
			t.Errorf("after %d answers: %v, want %v", c.came, pause, c.want)
		}
	}
}

// That a connection is there is told once: who waits for an answer then is not told for
// ever that it can be written to.
func TestConnectedIsToldOnce(t *testing.T) {
	s := opened(t, t.Context(), "127.0.0.1:0", func(c net.Conn) { c.Read(make([]byte, 1)) }).(*socket)
	s.mu.Lock()
	s.watch(&s.out, unix.EPOLLOUT) // as one does that is not there at once
	s.mu.Unlock()
	if err := s.connect(); err != nil {
		t.Fatal(err)
	}
	s.loop.socks.mu.Lock()
	s.loop.socks.all = append(s.loop.socks.all, make([]*socket, throng)...) // others
	s.loop.socks.mu.Unlock()
	if _, err := s.receive(make([]byte, 1), false); err != errAgain {
		t.Fatal(err)
	}
	var fds []unix.PollFd
	var socks []*socket
	if s.loop.socks.crowd(&fds, &socks); len(fds) != 1 || pollNow(fds) != 0 {
		t.Errorf("of an idle socket poll tells %+v", fds)
	}
}
