//go:build linux && !race

package dial

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func receive(fd int, b []byte) (int, error) {
	return call(unix.SYS_RECVFROM, fd, unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b)), 0)
}

func send(fd int, b []byte) (int, error) {
	return call(unix.SYS_SENDTO, fd, unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b)), unix.MSG_NOSIGNAL)
}
