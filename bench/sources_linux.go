// Sources on Linux: a port is found when the destination is known, so that each
// source has its whole range towards each of them.

package bench

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// ipLocalPortRange bounds a socket's own choice of ports, since Linux 6.3.
const ipLocalPortRange = 51

// sources gives connections their own ends, in turn.
type sources struct {
	list []netip.Addr
	next atomic.Uint64
	port int // both ends of the range, as the kernel wants them; 0 leaves it open
}

func newSources(p Plan, to netip.Addr) *sources {
	return &sources{list: sourcesFor(p, to), port: int(p.Ports.High)<<16 | int(p.Ports.Low)}
}

// take returns the next source, an invalid one if the system is to choose.
func (s *sources) take() netip.Addr {
	if len(s.list) == 0 {
		return netip.Addr{}
	}
	return s.list[s.next.Add(1)%uint64(len(s.list))]
}

// bind gives a socket its end.
func (s *sources) bind(fd int) error {
	if err := s.confine(fd); err != nil {
		return err
	}
	from := s.take()
	if !from.IsValid() {
		return nil
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return err
	}
	address, _ := sockaddr(netip.AddrPortFrom(from, 0))
	return unix.Bind(fd, address)
}

func (s *sources) confine(fd int) error {
	if s.port == 0 {
		return nil
	}
	return unix.SetsockoptInt(fd, unix.SOL_IP, ipLocalPortRange, s.port)
}

// dial opens a connection without what a Dialer does for long-lived ones.
func (s *sources) dial(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1, Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		if err := c.Control(func(fd uintptr) { failed = s.bind(int(fd)) }); err != nil {
			return err
		}
		return failed
	}}
	return d.DialContext(ctx, "tcp", address.String())
}

// checkPorts refuses a range that the kernel cannot hold a socket to.
func checkPorts(p Ports) error {
	if p == (Ports{}) {
		return nil
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return fmt.Errorf("preparing source ports: %w", err)
	}
	defer unix.Close(fd)
	s := sources{port: int(p.High)<<16 | int(p.Low)}
	if err := s.confine(fd); err != nil {
		return fmt.Errorf("source ports %d-%d: %w; a range needs Linux 6.3 or newer", p.Low, p.High, err)
	}
	return nil
}
