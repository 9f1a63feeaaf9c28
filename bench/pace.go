// Pacing: to be at an instant, to some microseconds, without burning a processor.

package bench

import (
	"context"
	"io"
	"time"
)

// A timer of the Go runtime is late by up to a millisecond, as its poller counts
// in those. So wait leaves the last part to the kernel's clock, whose sleep ends
// within some 50 µs, and looks at the clock for the very last.
const (
	coarse = 1500 * time.Microsecond
	fine   = 60 * time.Microsecond
)

// wait returns at an instant, false if ctx ended before.
func (c clock) wait(ctx context.Context, until time.Duration) bool {
	if left := until - c.now(); left > coarse {
		t := time.NewTimer(left - coarse)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return false
		case <-t.C:
		}
	}
	for {
		left := until - c.now()
		switch {
		case left <= 0:
			return ctx.Err() == nil
		case c.sleep != nil:
			c.sleep(left)
		case left > fine:
			nap(left - fine)
		}
	}
}

// timeoutOf names the error of a dial that ran out of its own time.
func timeoutOf(ctx context.Context, err error) error {
	if ctx.Err() == context.DeadlineExceeded {
		return errTimeout
	}
	return err
}

// What connections can meet with beside the kernel's errors.
var (
	errTimeout error = timeoutError{}
	errEOF           = io.EOF
)

// timeoutError is what a handshake meets whose time is over.
type timeoutError struct{}

func (timeoutError) Error() string   { return "no answer in time" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }
