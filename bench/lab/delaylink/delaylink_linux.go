// Package delaylink gives this process a second network namespace that is a
// fixed round trip away: two TUN devices, and between them every packet is held
// for half of it, SYN and ACK too. It is what netem's delay does, for kernels
// without netem. It keeps the order, shapes no bandwidth and loses nothing on
// purpose.
//
// The namespaces have no names, and the devices are in them: nothing can clash
// with another run's, and the kernel removes all when the processes end.
package delaylink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// The two ends, of the block that is set aside for benchmarks (RFC 2544), as
// the servers' addresses ought to be.
const serverEnd, clientEnd = "198.19.255.1", "198.19.255.2"

// queueLength is of packets, on each device: Linux' 500 overflow when some
// hundred connections are opened at once.
const queueLength = "20000"

// Link joins the namespace of this process to one for clients.
type Link struct {
	client  *os.File // the namespace
	devices []*os.File
	carry   sync.WaitGroup
	lost    atomic.Int64
}

// Local makes every address of a prefix this namespace's own, on its loopback
// device. The process must be in a namespace that was made for it.
func Local(ctx context.Context, servers netip.Prefix) error {
	return commands(ctx, "link set lo up", "route add local "+servers.String()+" dev lo")
}

// Open makes the clients' namespace; the prefix is reached through the link.
func Open(ctx context.Context, roundTrip time.Duration, servers netip.Prefix) (*Link, error) {
	l := &Link{}
	err := errors.Join(l.openServer(ctx), l.openClient(ctx, servers))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making a link with a delay: %w", err), l.Close())
	}
	l.carry.Go(func() { l.pipe(l.devices[0], l.devices[1], roundTrip/2) })
	l.carry.Go(func() { l.pipe(l.devices[1], l.devices[0], roundTrip/2) })
	return l, nil
}

// Run calls f on a thread in the clients' namespace: the connections that f
// opens and the programs that it starts are there. What f runs in goroutines is
// not.
func (l *Link) Run(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(l.client.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering the clients' namespace: %w", err)
		}
		return f()
	})
}

// Lost counts packets that a device did not take.
func (l *Link) Lost() int64 { return l.lost.Load() }

// Close takes the link down.
func (l *Link) Close() error {
	var errs []error
	for _, d := range l.devices {
		errs = append(errs, d.Close())
	}
	l.carry.Wait()
	if l.client != nil {
		errs = append(errs, l.client.Close())
	}
	return errors.Join(errs...)
}

func (l *Link) openServer(ctx context.Context) error {
	return l.device(ctx, serverEnd, clientEnd)
}

func (l *Link) openClient(ctx context.Context, servers netip.Prefix) error {
	return onThread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("making the clients' namespace (it needs root): %w", err)
		}
		if l.client, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return err
		}
		if err := l.device(ctx, clientEnd, serverEnd); err != nil {
			return err
		}
		return commands(ctx, "link set lo up", "route add "+servers.String()+" via "+serverEnd)
	})
}

// deviceName is of both: each is alone in its namespace.
const deviceName = "delay0"

func (l *Link) device(ctx context.Context, own, peer string) error {
	d, err := tun(deviceName)
	if err != nil {
		return err
	}
	l.devices = append(l.devices, d)
	return commands(ctx, "link set "+deviceName+" txqueuelen "+queueLength+" up", "addr add "+own+" peer "+peer+" dev "+deviceName)
}

// tun makes a device in the thread's namespace, of packets without a header.
func tun(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening /dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("making the TUN device (it needs root): %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

type packet struct {
	due   time.Time
	bytes []byte
}

// mostPackets is what a link holds in one direction.
const mostPackets = 1 << 16

// pipe ends when a device is closed.
func (l *Link) pipe(from, to *os.File, delay time.Duration) {
	queue := make(chan packet, mostPackets)
	l.carry.Go(func() {
		for p := range queue {
			if wait := time.Until(p.due); wait > 0 {
				time.Sleep(wait)
			}
			if _, err := to.Write(p.bytes); err != nil {
				l.lost.Add(1)
			}
		}
	})
	defer close(queue)
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		queue <- packet{time.Now().Add(delay), bytes.Clone(buffer[:n])}
	}
}

// onThread runs f on a thread that ends with it, so that no other goroutine
// ever sees its namespace.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		done <- f()
	}()
	return <-done
}

// commands are of ip(8), in the thread's namespace.
func commands(ctx context.Context, lines ...string) error {
	for _, line := range lines {
		if out, err := exec.CommandContext(ctx, "ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", line, err, bytes.TrimSpace(out))
		}
	}
	return nil
}
