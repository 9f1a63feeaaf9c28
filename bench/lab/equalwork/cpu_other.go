//go:build !linux

package main

import (
	"errors"
	"time"
)

func cpuOf(int) (time.Duration, error) {
	return 0, errors.New("a server's processor time is read on Linux alone")
}

func pin(int) (bool, error) { return false, nil }

func prefer(int) {}
