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
	list []endpoint
	next atomic.Uint64
	port int32 // both ends of the range, as the kernel wants them; 0 leaves it open
}

func newSources(p Plan, to netip.Addr) *sources {
	s := &sources{port: portRange(p.Ports)}
	for _, a := range sourcesFor(p, to) {
		e, _ := newEndpoint(netip.AddrPortFrom(a.WithZone(""), 0))
		s.list = append(s.list, e)
	}
	return s
}

// portRange is a range as the kernel wants it.
func portRange(p Ports) int32 { return int32(uint32(p.High)<<16 | uint32(p.Low)) }

// take returns the next source, nil if the system is to choose.
func (s *sources) take() *endpoint {
	if len(s.list) == 0 {
		return nil
	}
	return &s.list[s.next.Add(1)%uint64(len(s.list))]
}

// bind gives a socket its end.
func (s *sources) bind(fd int) error {
	if err := s.confine(fd); err != nil {
		return err
	}
	from := s.take()
	if from == nil {
		return nil
	}
	if err := setOption(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return err
	}
	return from.bind(fd)
}

func (s *sources) confine(fd int) error {
	if s.port == 0 {
		return nil
	}
	return setOption(fd, unix.SOL_IP, ipLocalPortRange, s.port)
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
	s := sources{port: portRange(p)}
	if err := s.confine(fd); err != nil {
		return fmt.Errorf("source ports %d-%d: %w; a range needs Linux 6.3 or newer", p.Low, p.High, err)
	}
	return nil
}
