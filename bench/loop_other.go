//go:build !linux

// Without epoll the pool makes the lean clients' connections too.

package bench

import "shakedown/bench/client"

func newLoop(clock, Plan, Path, *client.Lean, client.Classify) (load, error) { return nil, nil }
