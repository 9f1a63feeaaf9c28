// Stamps: when the kernel saw what a connection received, and how long its SYN
// was under way. A thread that is woken looks at the clock some 20 to 70 µs after
// a packet came, and a call of connect lasts longer than the exchange that it
// waits for; the kernel's own instants know nothing of either.

package bench

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stamps reads connections of one thread together with the kernel's instants.
type stamps struct {
	keeper  int // a socket that keeps the kernel stamping between connections
	on      bool
	offset  time.Duration // of the wall clock against the run's
	steady  bool          // offset was the same in the turn before
	message unix.Msghdr
	vector  unix.Iovec
	control [128]byte
	info    unix.TCPInfo

	kernel, process int // instants by their source
}

// stamping asks for software receive stamps (Documentation/networking/timestamping).
const stamping = unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE

// newStamps finds out whether the kernel gives stamps. The first socket that asks
// for them makes the kernel patch its own code, and so does the last that no
// longer does: one of our own stays, so that no connection is either.
func newStamps() *stamps {
	s := &stamps{keeper: -1}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return s
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, stamping) != nil {
		unix.Close(fd)
		return s
	}
	s.keeper, s.on = fd, true
	return s
}

func (s *stamps) close() {
	if s.keeper >= 0 {
		unix.Close(s.keeper)
		s.keeper = -1
	}
}

// ask makes the kernel stamp what a connection receives.
func (s *stamps) ask(fd int) {
	if s.on {
		setOption(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, stamping)
	}
}

// maxStep is how far the wall clock may seem to move against the run's between two
// turns: both are steered alike, and only somebody who sets the wall clock moves
// it. The two cannot be read at once, hence some microseconds.
const maxStep = 10 * time.Microsecond

// turn begins a turn, and returns its instant. What is read in it came after the
// turn before began; had the wall clock been set in between, stamps could be from
// before, and are not used.
func (s *stamps) turn(c clock) time.Duration {
	at := time.Now()
	now := at.Sub(c.begin)
	offset := time.Duration(at.UnixNano()) - now
	s.steady = (offset - s.offset).Abs() < maxStep
	s.offset = offset
	return now
}

// read reads a connection and returns when what it read arrived: the stamp of
// its last bytes, or the clock's instant after the call.
func (s *stamps) read(fd int, into []byte, c clock) (n int, at time.Duration, err error) {
	s.vector.Base = &into[0]
	s.vector.SetLen(len(into))
	s.message = unix.Msghdr{Iov: &s.vector, Iovlen: 1, Control: &s.control[0]}
	s.message.SetControllen(len(s.control))
	n, err = receive(fd, &s.message)
	now := c.now()
	if err != nil {
		return 0, now, err
	}
	if stamp, ok := s.stamp(now); ok && n > 0 {
		s.kernel++
		return n, stamp, nil
	}
	s.process++
	return n, now, nil
}

// stamp finds the kernel's instant in the control messages of a read.
func (s *stamps) stamp(now time.Duration) (time.Duration, bool) {
	if !s.steady || s.message.Controllen < unix.SizeofCmsghdr {
		return 0, false
	}
	head := (*unix.Cmsghdr)(unsafe.Pointer(&s.control[0]))
	if head.Level != unix.SOL_SOCKET || head.Type != unix.SO_TIMESTAMPING || int(head.Len) < unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) {
		return 0, false
	}
	wall := (*unix.Timespec)(unsafe.Pointer(&s.control[unix.CmsgLen(0)]))
	at := time.Duration(wall.Nano()) - s.offset
	return at, wall.Nano() != 0 && at > 0 && at <= now
}

// established reports whether a connection is there already, as it is on loopback
// when the call that sent its SYN returns.
func (s *stamps) established(fd int) bool {
	if describe(fd, &s.info) != nil {
		s.info = unix.TCPInfo{}
	}
	return s.info.State != 0 && s.info.State != tcpSynSent && s.info.State != tcpClose
}

// States of a connection (include/net/tcp_states.h).
const (
	tcpSynSent = 2
	tcpClose   = 7
)

// trip is how long the SYN was under way of the connection that was last found
// established, by the kernel's own measurement; false where it has none, as after
// a SYN that was sent again: the first one counts, and only the clock saw it.
func (s *stamps) trip() (time.Duration, bool) {
	if s.info.Total_retrans > 0 || s.info.Rtt == 0 {
		return 0, false
	}
	return time.Duration(s.info.Rtt) * time.Microsecond, true
}
