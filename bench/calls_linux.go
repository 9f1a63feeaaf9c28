// Calls: the system calls of a connection, made without the Go runtime's
// knowledge. None of them sleeps, so it need not know. If it did, its monitor
// would every so often find the thread inside one and take its processor away,
// since a thread that makes handshakes never comes by the scheduler, and would
// then look again every 20 µs for a while: at a thousand handshakes a second
// that is more wake-ups than the handshakes have.

package bench

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// endpoint is an address as the kernel wants it.
type endpoint struct {
	family int
	v4     unix.RawSockaddrInet4
	v6     unix.RawSockaddrInet6
}

// newEndpoint is an address for the kernel; false if it has a zone, which only
// package net can look up.
func newEndpoint(a netip.AddrPort) (endpoint, bool) {
	port := [2]byte{byte(a.Port() >> 8), byte(a.Port())} // the network's order
	switch ip := a.Addr().Unmap(); {
	case ip.Zone() != "":
		return endpoint{}, false
	case ip.Is4():
		e := endpoint{family: unix.AF_INET, v4: unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: ip.As4()}}
		*(*[2]byte)(unsafe.Pointer(&e.v4.Port)) = port
		return e, true
	default:
		e := endpoint{family: unix.AF_INET6, v6: unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: ip.As16()}}
		*(*[2]byte)(unsafe.Pointer(&e.v6.Port)) = port
		return e, true
	}
}

// raw is where the address stands in memory, and its size.
func (e *endpoint) raw() (unsafe.Pointer, uintptr) {
	if e.family == unix.AF_INET {
		return unsafe.Pointer(&e.v4), unix.SizeofSockaddrInet4
	}
	return unsafe.Pointer(&e.v6), unix.SizeofSockaddrInet6
}

func (e *endpoint) socket() (int, error) {
	fd, _, errno := unix.RawSyscall(unix.SYS_SOCKET, uintptr(e.family),
		unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	return int(fd), failed(errno)
}

func (e *endpoint) connect(fd int) error {
	at, size := e.raw()
	_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(at), size)
	return failed(errno)
}

func (e *endpoint) bind(fd int) error {
	at, size := e.raw()
	_, _, errno := unix.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(at), size)
	return failed(errno)
}

// setOption sets an option that is a number.
func setOption(fd, level, name int, value int32) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name),
		uintptr(unsafe.Pointer(&value)), unsafe.Sizeof(value), 0)
	return failed(errno)
}

// send writes to a connection.
func send(fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_NOSIGNAL, 0, 0)
	return int(n), failed(errno)
}

// receive reads from a connection.
func receive(fd int, into *unix.Msghdr) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(into)), 0)
	return int(n), failed(errno)
}

// describe asks the kernel what it knows of a connection.
func describe(fd int, info *unix.TCPInfo) error {
	size := uint32(unsafe.Sizeof(*info))
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(info)), uintptr(unsafe.Pointer(&size)), 0)
	return failed(errno)
}

// watch tells an epoll of a connection.
func watch(epoll, how, fd int, event unix.EpollEvent) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epoll), uintptr(how), uintptr(fd), uintptr(unsafe.Pointer(&event)), 0, 0)
	return failed(errno)
}

// hangUp closes a connection. Without SO_LINGER the kernel does not wait for
// what is still to be sent.
func hangUp(fd int) { unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// failed is a call's error. (A unix.Errno of 0 in an error is not nil.)
func failed(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
