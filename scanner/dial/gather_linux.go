// Gather: where many answers are waited for, those that come soon after one another
// are taken together. To be woken for each takes as much as a third of all that is
// done for a connection, and while others are under way a little delay holds up
// nothing.

package dial

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	// throng is how many sockets make a crowd.
	throng = 48
	// gathering is how long answers to a crowd are gathered.
	gathering = 2 * time.Millisecond
)

// gather has the answers to a socket gathered if many others are waited for.
func (l *loop) gather(s *socket) {
	first, ok := l.socks.join(s)
	if !ok {
		return
	}
	if s.watched != 0 { // so far, as one of few
		unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, s.fd, nil)
		s.watched = 0
	}
	if first {
		go l.visit()
	}
}

// visit looks now and then at the sockets of a crowd, until there are none.
func (l *loop) visit() {
	var events [128]unix.EpollEvent
	for l.socks.anyGathered() {
		time.Sleep(gathering)
		for n := len(events); n == len(events); {
			n = epollNow(l.crowded, events[:])
			l.socks.tell(events[:n])
		}
	}
}

// join makes a socket one of a crowd, if there is one. first says that nobody looks at
// them yet.
func (r *roll) join(s *socket) (first, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all)-len(r.free) < throng {
		return false, false
	}
	s.gathered = true
	r.gathered++
	first, r.visited = !r.visited, true
	return first, true
}

// anyGathered reports whether sockets are to be looked at; if none are, they are no
// longer.
func (r *roll) anyGathered() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.visited = r.gathered > 0
	return r.visited
}
