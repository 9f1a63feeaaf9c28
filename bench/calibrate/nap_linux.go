package calibrate

import (
	"time"

	"golang.org/x/sys/unix"
)

// nap sleeps by the kernel's clock.
func nap(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	unix.Nanosleep(&t, nil)
}
