//go:build linux

package delaylink

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// inside marks the copy of the test that runs in a namespace of its own.
const inside = "DELAYLINK_TEST_INSIDE"

// TestRoundTrip opens connections over the link: none is quicker than the round
// trip, and beside the link there is no delay.
func TestRoundTrip(t *testing.T) {
	if os.Getenv(inside) == "" {
		again(t)
		return
	}
	const roundTrip = 30 * time.Millisecond
	servers := netip.MustParsePrefix("198.18.0.0/16")
	if err := Local(t.Context(), servers); err != nil {
		t.Fatal(err)
	}
	link, err := Open(t.Context(), roundTrip, servers)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	address := net.JoinHostPort("198.18.3.4", port)

	var took time.Duration
	err = link.Run(func() error { took, err = connect(address); return err })
	if err != nil || took < roundTrip {
		t.Errorf("over the link: connected in %v, %v; want no less than %v", took, err, roundTrip)
	}
	if _, err := connect(address); err != nil {
		t.Errorf("beside the link: %v", err)
	}
	if err := link.Run(func() error { _, err := net.InterfaceByName(deviceName); return err }); err != nil {
		t.Errorf("the device is not in the clients' namespace: %v", err)
	}
	if n := link.Lost(); n != 0 {
		t.Errorf("%d packets lost", n)
	}
	if err := link.Close(); err != nil {
		t.Error(err)
	}
	if _, err := net.InterfaceByName(deviceName); err == nil {
		t.Error("the device is still there after Close")
	}
}

// connect opens a connection on this very thread, where net.Dial might not.
func connect(address string) (time.Duration, error) {
	to := netip.MustParseAddrPort(address)
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer syscall.Close(fd)
	begun := time.Now()
	err = syscall.Connect(fd, &syscall.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
	return time.Since(begun), err
}

// again runs the test in a new namespace. Where that is not allowed, being told
// so is what is tested.
func again(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	_, noTUN := os.Stat("/dev/net/tun")
	if errors.Is(err, syscall.EPERM) || noTUN != nil {
		_, err := Open(t.Context(), time.Millisecond, netip.MustParsePrefix("198.18.0.0/16"))
		if err == nil {
			t.Error("a link was made without the right to")
		}
		return
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
