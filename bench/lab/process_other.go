//go:build !linux

// Where there is no /proc, there is no lab.

package lab

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"time"
)

var errLinux = errors.New("the lab runs on Linux only")

type process struct{}

func launch(*exec.Cmd, bool, func(process) error) (process, chan struct{}, error) {
	return process{}, nil, errLinux
}

func (process) alive() bool                       { return false }
func (process) end(context.Context, string) error { return nil }
func (process) cpu(string) (time.Duration, error) { return 0, errLinux }
func (process) pid() int                          { return 0 }
func lock(*os.File) error                         { return errLinux }
func converse(context.Context, *exec.Cmd, []string) ([]byte, error) {
	return nil, errLinux
}
