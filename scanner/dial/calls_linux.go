// Calls: the system calls of sockets, past the Go runtime. That is right for
// calls that never wait, as none does on a non-blocking socket: to the runtime, a
// thread in one of them is just busy.

package dial

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newTCP makes a non-blocking socket for an address.
func newTCP(remote netip.AddrPort) (int, error) {
	family := unix.AF_INET6
	if remote.Addr().Unmap().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return -1, err
	}
	return fd, nil
}

func connect(fd int, remote netip.AddrPort) error {
	ip := remote.Addr().Unmap()
	if ip.Is4() {
		a := unix.RawSockaddrInet4{Family: unix.AF_INET, Port: networkOrder(remote.Port()), Addr: ip.As4()}
		_, err := call(unix.SYS_CONNECT, fd, unsafe.Pointer(&a), unsafe.Sizeof(a), 0)
		return err
	}
	a := unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: networkOrder(remote.Port()), Addr: ip.As16()}
	_, err := call(unix.SYS_CONNECT, fd, unsafe.Pointer(&a), unsafe.Sizeof(a), 0)
	return err
}

// networkOrder is a number whose bytes in memory are those of port, highest first.
func networkOrder(port uint16) uint16 {
	return binary.NativeEndian.Uint16([]byte{byte(port >> 8), byte(port)})
}

// epollNow gives what has happened, without waiting.
func epollNow(fd int, events []unix.EpollEvent) int {
	n, err := call(unix.SYS_EPOLL_PWAIT, fd, unsafe.Pointer(unsafe.SliceData(events)), uintptr(len(events)), 0)
	if err != nil { // a signal came between, or it was closed
		return 0
	}
	return n
}

// noTime is how long pollNow waits.
var noTime unix.Timespec

// pollNow looks at sockets, without waiting, and says how many have something to tell.
func pollNow(fds []unix.PollFd) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)), uintptr(unsafe.Pointer(&noTime)), 0, 0, 0)
	if errno != 0 { // a signal came between
		return 0
	}
	return int(n)
}

func closeSocket(fd int) error {
	_, err := call(unix.SYS_CLOSE, fd, nil, 0, 0)
	return err
}

// call makes a system call whose last arguments are nothing.
func call(number uintptr, fd int, p unsafe.Pointer, n, flags uintptr) (int, error) {
	r, _, errno := unix.RawSyscall6(number, uintptr(fd), uintptr(p), n, flags, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// localAddress is our end of a connection, none if the kernel knows it no more.
func localAddress(fd int) netip.AddrPort {
	a, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}
	}
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}
