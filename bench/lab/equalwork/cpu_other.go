//go:build !linux

package main

import (
	"context"
	"errors"
	"time"
)

func cpuOf(int) (time.Duration, error) {
	return 0, errors.New("a server's processor time is read on Linux alone")
}

func again(context.Context) (int, bool, error) { return 0, false, nil }

func steer(context.Context) (bool, error) { return false, nil }

func pin(int) (bool, error) { return false, nil }

func prefer(int) {}
