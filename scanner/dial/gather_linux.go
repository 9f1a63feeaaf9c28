// Gather: where many answers are waited for, those that come soon after one another
// are taken together. To be woken for each takes as much as a third of all that is
// done for a connection, and while others are under way a little delay holds up
// nothing. Nor are such sockets watched one by one: all are looked at, which costs
// less than to have the kernel take each on a list and off again.

package dial

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	// throng is how many sockets make a crowd.
	throng = 48
	// gathering is how long answers to a crowd are gathered at least, and longest at
	// most: where fewer than a handful came meanwhile, the server is busy, or far.
	gathering, longest = 2 * time.Millisecond, 8 * time.Millisecond
	handful            = 12
	// glance is about fifty times what it takes to look at one socket of a crowd: a
	// large one is looked at less often.
	glance = 4 * time.Microsecond
)

// gather has the answers to a socket gathered if many others are waited for.
func (l *loop) gather(s *socket) {
	if first, ok := l.socks.join(s); ok && first {
		go l.socks.visit()
	}
}

// visit looks now and then at the sockets of a crowd, until there are none.
func (r *roll) visit() {
	var fds []unix.PollFd
	var socks []*socket
	for pause := gathering; r.crowd(&fds, &socks); {
		came := pollNow(fds)
		if came > 0 {
			r.tellCrowd(fds, socks)
		}
		clear(socks)
		pause = nextPause(pause, came)
		time.Sleep(max(pause, time.Duration(len(fds))*glance))
	}
}

// nextPause is how long to wait until the next look, going by how many answers the last
// one found.
func nextPause(pause time.Duration, came int) time.Duration {
	switch {
	case came < handful:
		return min(2*pause, longest)
	case came > 3*handful:
		return max(pause/2, gathering)
	}
	return pause
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
	first, r.visited = !r.visited, true
	return first, true
}

// crowd lists the sockets of a crowd, and reports whether there are any; if not, nobody
// looks at them any more.
func (r *roll) crowd(fds *[]unix.PollFd, socks *[]*socket) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	*fds, *socks = (*fds)[:0], (*socks)[:0]
	for _, s := range r.all {
		if s != nil && s.gathered {
			*fds = append(*fds, unix.PollFd{Fd: int32(s.fd), Events: int16(s.wanted)})
			*socks = append(*socks, s)
		}
	}
	r.visited = len(*fds) > 0
	return r.visited
}

// tellCrowd tells sockets what happened. One that was closed meanwhile, whose number
// another file may have by now, does not mind.
func (r *roll) tellCrowd(fds []unix.PollFd, socks []*socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, s := range socks {
		if happened := fds[i].Revents; happened != 0 {
			s.happened(uint32(uint16(happened)))
		}
	}
}
