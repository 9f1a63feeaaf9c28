//go:build !linux

package calibrate

import "time"

func nap(d time.Duration) { time.Sleep(d) }
