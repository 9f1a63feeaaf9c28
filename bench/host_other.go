//go:build !linux

// What is known about the process and the host where it is not Linux: little.

package bench

import "time"

func nap(d time.Duration)    { time.Sleep(d) }
func cpuTime() time.Duration { return 0 }
func descriptors() int       { return 256 }
