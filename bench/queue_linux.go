// Queue: what has happened on a thread's connections, from epoll.

package bench

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

type queue struct {
	epoll  int
	bell   int  // eventfd
	woken  bool // by the bell
	coarse bool // the kernel has no epoll_pwait2
	events [batch]unix.EpollEvent
}

// once asks to be told of one arrival. What comes behind the last word of a
// handshake, the tickets of TLS 1.3, then wakes nobody.
const once = unix.EPOLLIN | unix.EPOLLONESHOT

// maxSleep is the longest that a thread is out of the runtime's sight.
const maxSleep = 100 * time.Millisecond

// bellNumber marks the bell among the flights' numbers.
const bellNumber = -1

func newQueue() (*queue, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("preparing the load: epoll: %w", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return nil, fmt.Errorf("preparing the load: eventfd: %w", err)
	}
	q := &queue{epoll: epoll, bell: bell}
	if err := q.add(bell, bellNumber, unix.EPOLLIN); err != nil {
		q.close()
		return nil, fmt.Errorf("preparing the load: epoll: %w", err)
	}
	return q, nil
}

func (q *queue) close() {
	unix.Close(q.epoll)
	unix.Close(q.bell)
}

// wake rings the bell: the run is over. It is for other threads to call.
func (q *queue) wake() { unix.Write(q.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

func (q *queue) add(fd int, number int32, events uint32) error {
	return watch(q.epoll, unix.EPOLL_CTL_ADD, fd, unix.EpollEvent{Events: events, Fd: number})
}

func (q *queue) change(fd int, number int32, events uint32) error {
	return watch(q.epoll, unix.EPOLL_CTL_MOD, fd, unix.EpollEvent{Events: events, Fd: number})
}

// wait waits for a time at most and returns what happened, the bell apart. The
// result is valid until the next call.
func (q *queue) wait(d time.Duration) []unix.EpollEvent {
	n := q.poll(max(d, 0))
	events := q.events[:max(n, 0)]
	for i := range events {
		if events[i].Fd == bellNumber {
			q.woken = true
			events[i] = events[len(events)-1]
			return events[:len(events)-1]
		}
	}
	return events
}

// poll sleeps in the kernel without the Go runtime's knowledge. With it, every
// wake-up from a sleep would start its monitor thread, which then polls for a
// while: at some hundred handshakes a second that takes more processor time than
// the handshakes. The runtime reaches the thread all the same: its signals end
// the sleep. So that nobody has to wait for a processor of the runtime that a
// sleeper holds, Run gives it one more for each thread.
func (q *queue) poll(d time.Duration) int {
	if d = min(d, maxSleep); !q.coarse {
		ts := unix.NsecToTimespec(int64(d))
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(q.epoll), uintptr(unsafe.Pointer(&q.events[0])),
			uintptr(len(q.events)), uintptr(unsafe.Pointer(&ts)), 0, 0)
		if errno != unix.ENOSYS {
			return int(int32(n))
		}
		q.coarse = true // before Linux 5.11
	}
	if d > 0 {
		ts := unix.NsecToTimespec(int64(d))
		unix.Ppoll([]unix.PollFd{{Fd: int32(q.epoll), Events: unix.POLLIN}}, &ts, nil)
	}
	n, err := unix.EpollWait(q.epoll, q.events[:], 0)
	if err != nil {
		return 0 // interrupted by a signal: the caller comes again
	}
	return n
}

// precise makes the kernel wake this thread when it was told to, not up to 50 µs
// later to save power.
func precise() { unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) }
