// Tap: what passes on the loopback interface, with the kernel's instants, from a
// packet socket. It needs privilege (CAP_NET_RAW) and listens only.

package calibrate

import (
	"errors"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// tap is an open packet socket.
type tap struct {
	fd      int
	flows   *flows
	buffer  [snap]byte
	control [64]byte
}

const (
	snap     = 2048     // of each packet: a ServerHello stands at the beginning
	tapSpace = 64 << 20 // for packets that wait to be read
)

// openTap listens for TCP packets to and from one address of this host.
func openTap(address netip.AddrPort) (*tap, error) {
	lo, err := loopback()
	if err != nil {
		return nil, err
	}
	// Protocol 0 hears nothing, until bind and with the filter in place.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return nil, errors.New("capturing packets needs privilege: run as root, or give the program CAP_NET_RAW")
	}
	if err != nil {
		return nil, fmt.Errorf("opening a packet socket: %w", err)
	}
	t := &tap{fd: fd, flows: newFlows(address.Port())}
	if err := t.prepare(lo, address.Port()); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("preparing the packet socket: %w", err)
	}
	return t, nil
}

func loopback() (int, error) {
	all, err := net.Interfaces()
	if err != nil {
		return 0, fmt.Errorf("looking for the loopback interface: %w", err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Index, nil
		}
	}
	return 0, errors.New("this host has no loopback interface")
}

func (t *tap) prepare(index int, port uint16) error {
	filter, err := bpf.Assemble(onlyPort(uint32(port)))
	if err != nil {
		return err
	}
	program := make([]unix.SockFilter, len(filter))
	for i, f := range filter {
		program[i] = unix.SockFilter{Code: f.Op, Jt: f.Jt, Jf: f.Jf, K: f.K}
	}
	protocol := bits.ReverseBytes16(unix.ETH_P_IP) // network order
	return errors.Join(
		unix.SetsockoptSockFprog(t.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}),
		unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, tapSpace),
		// A packet passes twice, out and in, a microsecond apart: once is enough.
		unix.SetsockoptInt(t.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.Bind(t.fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: index}),
	)
}

// onlyPort passes IPv4 TCP packets of a port: from it, or to it.
func onlyPort(port uint32) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: 9, Size: 1},
		bpf.JumpIf{Val: unix.IPPROTO_TCP, SkipFalse: 6},
		bpf.LoadMemShift{Off: 0},
		bpf.LoadIndirect{Off: 0, Size: 2},
		bpf.JumpIf{Val: port, SkipTrue: 2},
		bpf.LoadIndirect{Off: 2, Size: 2},
		bpf.JumpIf{Val: port, SkipFalse: 1},
		bpf.RetConstant{Val: snap},
		bpf.RetConstant{Val: 0},
	}
}

// drain reads what has passed so far.
func (t *tap) drain() error {
	for {
		n, control, _, _, err := unix.Recvmsg(t.fd, t.buffer[:], t.control[:], 0)
		switch {
		case err == unix.EAGAIN:
			return nil
		case err == unix.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("reading captured packets: %w", err)
		}
		if at, ok := stampOf(t.control[:control]); ok {
			t.flows.packet(t.buffer[:n], at)
		}
	}
}

func stampOf(control []byte) (time.Duration, bool) {
	if len(control) < unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) {
		return 0, false
	}
	head := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	if head.Level != unix.SOL_SOCKET || head.Type != unix.SO_TIMESTAMPNS {
		return 0, false
	}
	return time.Duration((*unix.Timespec)(unsafe.Pointer(&control[unix.CmsgLen(0)])).Nano()), true
}

// dropped is how many packets were lost for want of space, since it was last asked.
func (t *tap) dropped() int {
	s, err := unix.GetsockoptTpacketStats(t.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	return int(s.Drops)
}

func (t *tap) close() { unix.Close(t.fd) }
