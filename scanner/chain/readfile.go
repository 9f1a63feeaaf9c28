// Reading many small files.

package chain

import (
	"os"
	"slices"
	"syscall"
)

// readFile is os.ReadFile with a third of its system calls: os asks of each file
// whether it can be waited for, and there are 150. What is read lies in room, if
// that is large enough.
func readFile(name string, room []byte) ([]byte, error) {
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil {
		return nil, err
	}
	if stat.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return os.ReadFile(name)
	}
	data := slices.Grow(room[:0], int(min(stat.Size, maxFile)))
	data = data[:min(stat.Size, maxFile)]
	n := 0
	for n < len(data) {
		got, err := syscall.Read(fd, data[n:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || got == 0 {
			return data[:n], err
		}
		n += got
	}
	return data, nil
}
