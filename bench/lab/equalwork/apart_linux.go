// Apart: a network of our own, in which the clients' processor takes in what arrives, as
// it would from a network card. On plain loopback who sends does the receiver's part as
// well, up to waking it: a server would pay for a client that sleeps oftener.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// again runs this program in a network and a view of the file system of its own, where
// every thread is in them, and all that it starts. The answer is its exit code; false if
// that is not allowed, and nothing has happened.
func again(ctx context.Context) (code int, done bool, err error) {
	runtime.LockOSThread() // the signal of death is of the thread
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", append([]string{"-apart"}, os.Args[1:]...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	err = cmd.Run()
	if errors.Is(err, syscall.EPERM) {
		return 0, false, nil
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), true, nil
	}
	return 0, true, err
}

// steer makes the clients' processor take in what arrives on the loopback of our own
// network (Documentation/networking/scaling, Receive Packet Steering); false if there is
// but one.
func steer(ctx context.Context) (bool, error) {
	cpu, ok, err := processor(clients)
	if err != nil || !ok {
		return false, err
	}
	if out, err := exec.CommandContext(ctx, "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return false, fmt.Errorf("ip link set lo up: %w: %s", err, bytes.TrimSpace(out))
	}
	// /sys shows the network of whoever mounted it.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return false, fmt.Errorf("keeping mounts to ourselves: %w", err)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return false, fmt.Errorf("mounting /sys: %w", err)
	}
	const knob = "/sys/class/net/lo/queues/rx-0/rps_cpus"
	return true, os.WriteFile(knob, []byte(mask(cpu)), 0o644)
}

// mask names one processor as the kernel reads sets of them: hexadecimal words of 32,
// the highest first.
func mask(cpu int) string {
	text := fmt.Sprintf("%x", uint32(1)<<(cpu%32))
	for range cpu / 32 {
		text += ",00000000"
	}
	return text
}
