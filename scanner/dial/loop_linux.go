// Loop: what has happened on sockets, from an epoll of their own. That is one
// file to the Go runtime, so that it wakes once for all that happened together.

package dial

import (
	"context"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// loop looks after the sockets of a dialer.
type loop struct {
	epoll int // wakes us for all that happens
	socks *roll
}

// roll is who is told what happened. It is apart from the loop, which goes when
// nobody can open sockets with it any more.
type roll struct {
	mu      sync.Mutex
	all     []*socket // by number; nil where there is none
	free    []int32
	visited bool // somebody looks at a crowd
	watched bool // somebody looks at the time
}

// systemTCP connects over TCP. The loop is made with the first connection.
func systemTCP() func(context.Context, netip.AddrPort, time.Time) (net.Conn, error) {
	made := sync.OnceValues(newLoop)
	return func(ctx context.Context, address netip.AddrPort, deadline time.Time) (net.Conn, error) {
		if address.Addr().Zone() != "" { // only package net knows the numbers of zones
			return netTCP(ctx, address, deadline)
		}
		l, err := made()
		if err != nil {
			return nil, err
		}
		s, err := l.openSocket(ctx, address, deadline)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}

func newLoop() (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // else os would not have it waited for
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	l := &loop{epoll: fd, socks: &roll{}}
	go l.socks.run(raw)
	runtime.AddCleanup(l, func(f *os.File) { f.Close() }, file)
	return l, nil
}

// run tells sockets what happened, until the epoll is closed.
func (r *roll) run(raw syscall.RawConn) {
	var events [128]unix.EpollEvent
	raw.Read(func(fd uintptr) bool {
		for {
			n := epollNow(int(fd), events[:])
			r.tell(events[:n])
			if n < len(events) {
				return false // wait for more
			}
		}
	})
}

func (r *roll) tell(events []unix.EpollEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range events {
		if s := r.all[events[i].Fd]; s != nil { // it was not closed meanwhile
			s.happened(events[i].Events)
		}
	}
}

// happened tells both sides of events, which have the same numbers for epoll and poll.
// An error or the end is for either. What came too late, for one that had the number
// before, does no harm: who is nudged only looks. Hold the roll's mu.
func (s *socket) happened(events uint32) {
	if events&^unix.EPOLLOUT != 0 {
		s.in.nudge()
	}
	if events&^(unix.EPOLLIN|unix.EPOLLRDHUP) != 0 {
		s.out.nudge()
	}
}

// enter gives a socket a number, if it has none, and a side what to wait for.
func (r *roll) enter(s *socket, of *side, events uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.wanted |= events
	if of.ready == nil {
		of.ready = make(chan struct{}, 1)
	}
	if s.number >= 0 {
		return
	}
	if len(r.free) == 0 {
		r.free = append(r.free, int32(len(r.all)))
		r.all = append(r.all, nil)
	}
	s.number = r.free[len(r.free)-1]
	r.free = r.free[:len(r.free)-1]
	r.all[s.number] = s
	if !r.watched {
		r.watched = true
		go r.watch()
	}
}

// promptness is how late who waits may be told that the time is over. One look at all
// of them takes less than a timer for each.
const promptness = 20 * time.Millisecond

// watch looks at the time now and then, for as long as there are sockets.
func (r *roll) watch() {
	var all []*socket
	for r.list(&all) {
		for _, s := range all {
			s.remind()
		}
		clear(all)
		time.Sleep(promptness)
	}
}

// list lists the sockets, and reports whether there are any; if not, nobody looks at the
// time any more.
func (r *roll) list(all *[]*socket) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	*all = (*all)[:0]
	for _, s := range r.all {
		if s != nil {
			*all = append(*all, s)
		}
	}
	r.watched = len(*all) > 0
	return r.watched
}

// forget has nothing looked for on a socket.
func (r *roll) forget(s *socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.wanted = 0
}

// leave takes the number back.
func (r *roll) leave(s *socket) {
	if s.number < 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[s.number] = nil
	r.free = append(r.free, s.number)
}

// watch changes the events that are looked for on a socket; each is told of once.
func (l *loop) watch(s *socket, now uint32) error {
	if !s.gathered && now&unix.EPOLLIN != 0 {
		l.gather(s)
	}
	if s.gathered {
		return nil
	}
	op := unix.EPOLL_CTL_ADD
	if s.added {
		op = unix.EPOLL_CTL_MOD
	}
	s.added = true
	return unix.EpollCtl(l.epoll, op, s.fd, &unix.EpollEvent{Events: now | unix.EPOLLET&0xffffffff, Fd: s.number})
}
