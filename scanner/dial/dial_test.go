package dial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"shakedown/results"
)

// What failed as before says the same, from whichever port of ours.
func TestClassifyLasts(t *testing.T) {
	tcp := func(port int) *net.TCPAddr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: port} }
	for _, wrap := range []func(error) error{
		func(err error) error { return err },
		func(err error) error { return fmt.Errorf("the greeting: %w", err) },
	} {
		var said [2]string
		for i := range said {
			err := &net.OpError{Op: "read", Net: "tcp", Source: tcp(40000 + i), Addr: tcp(443), Err: os.ErrDeadlineExceeded}
			said[i] = Classify(results.StageHello, wrap(err)).Detail
		}
		if said[0] != said[1] || !strings.Contains(said[0], "192.0.2.7:443") || !strings.Contains(said[0], "timeout") {
			t.Errorf("%q and %q", said[0], said[1])
		}
	}
}

func TestClassify(t *testing.T) {
	op := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}
	}
	for _, c := range []struct {
		err  error
		want results.FailureKind
	}{
		{op(syscall.ECONNREFUSED), results.KindRefused},
		{op(syscall.EHOSTUNREACH), results.KindUnreachable},
		{op(syscall.ENETUNREACH), results.KindUnreachable},
		{op(syscall.EPERM), results.KindUnreachable},
		{op(syscall.ECONNRESET), results.KindReset},
		{op(syscall.EPIPE), results.KindReset},
		{op(syscall.ETIMEDOUT), results.KindTimeout},
		{op(syscall.EMFILE), results.KindInternal},
		{op(syscall.EADDRNOTAVAIL), results.KindInternal},
		{os.ErrDeadlineExceeded, results.KindTimeout},
		{fmt.Errorf("reading: %w", os.ErrDeadlineExceeded), results.KindTimeout},
		{io.EOF, results.KindEOF},
		{io.ErrUnexpectedEOF, results.KindEOF},
		{context.Canceled, results.KindDeadline},
		{context.DeadlineExceeded, results.KindDeadline},
		{&net.DNSError{Name: "x.invalid", IsNotFound: true}, results.KindDNS},
		{&net.DNSError{Name: "x.invalid", IsTimeout: true}, results.KindDNS},
		{errors.New("something else"), results.KindInternal},
	} {
		if got := Classify(results.StageConnect, c.err); got.Kind != c.want || got.Count != 1 || got.Stage != results.StageConnect {
			t.Errorf("%v: got %+v, want kind %s", c.err, got, c.want)
		}
	}
}

// A dial that runs into its deadline is a timeout, although net's error also
// claims to be context.DeadlineExceeded.
func TestDialDeadlineIsTimeout(t *testing.T) {
	past := time.Now().Add(-time.Second)
	_, err := systemTCP()(t.Context(), netip.MustParseAddrPort("127.0.0.1:9"), past)
	if f := Classify(results.StageConnect, err); f.Kind != results.KindTimeout {
		t.Errorf("got %+v, want a timeout", f)
	}
}

// pipes connects to nothing: it hands out ends of pipes and counts.
func pipes(opened chan<- struct{}) func(context.Context, netip.AddrPort, time.Time) (net.Conn, error) {
	return func(context.Context, netip.AddrPort, time.Time) (net.Conn, error) {
		opened <- struct{}{}
		a, _ := net.Pipe()
		return a, nil
	}
}

func TestLaneBudget(t *testing.T) {
	opened := make(chan struct{}, 10)
	d := New(Options{PerEndpoint: 2, Connect: pipes(opened)})
	lane := d.Lane(Direct(netip.MustParseAddrPort("127.0.0.1:1")))
	first, _ := lane.Open(t.Context())
	second, _ := lane.Open(t.Context())
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, f := lane.Open(cancelled); f == nil || f.Kind != results.KindDeadline {
		t.Errorf("a third connection over a budget of two: got %+v, want to wait until the run ends", f)
	}
	second.Close()
	second.Close() // twice gives back only one place
	third, f := lane.Open(t.Context())
	if f != nil {
		t.Fatalf("after a place was freed: %+v", f)
	}
	if _, f := lane.Open(cancelled); f == nil {
		t.Error("closing twice freed two places")
	}
	first.Close()
	third.Close()
	alone, f := lane.OpenAlone(t.Context(), time.Second)
	if f != nil {
		t.Fatalf("alone on an idle lane: %+v", f)
	}
	if _, f := lane.Open(cancelled); f == nil {
		t.Error("another connection beside one that is alone")
	}
	alone.Close()
	if got := d.Opened(); got != 4 || len(opened) != 4 {
		t.Errorf("counted %d connections, opened %d, want 4", got, len(opened))
	}
}

// The end of the run ends an exchange that waits for its peer.
func TestRunEndsExchange(t *testing.T) {
	d := New(Options{Timeout: time.Hour, Connect: pipes(make(chan struct{}, 1))})
	ctx, cancel := context.WithCancel(t.Context())
	c, f := d.Lane(Direct(netip.MustParseAddrPort("127.0.0.1:1"))).Open(ctx)
	if f != nil {
		t.Fatal(f)
	}
	defer c.Close()
	cancel()
	_, err := c.Read(make([]byte, 1)) // would wait for an hour
	if got := c.Failure(results.StageHello, err); got.Kind != results.KindDeadline {
		t.Errorf("got %+v, want deadline", got)
	}
}

func TestLanesAreForgotten(t *testing.T) {
	d := New(Options{})
	a := d.Lane(Direct(netip.MustParseAddrPort("127.0.0.1:1")))
	b := d.Lane(Direct(netip.MustParseAddrPort("127.0.0.1:1")))
	if a.share != b.share {
		t.Error("two shares of one address")
	}
	a.Release()
	b.Release()
	if len(d.shares) != 0 {
		t.Errorf("%d shares are remembered", len(d.shares))
	}
}

func TestResolver(t *testing.T) {
	pin := netip.MustParseAddr("192.0.2.7")
	r := SystemResolver(AnyFamily, map[string][]netip.Addr{"portal.example": {pin}})
	for host, want := range map[string]string{"portal.example": "192.0.2.7", "::ffff:192.0.2.9": "192.0.2.9", "2001:db8::1": "2001:db8::1"} {
		addrs, err := r(t.Context(), host)
		if err != nil || len(addrs) != 1 || addrs[0].String() != want {
			t.Errorf("%s: got %v, %v, want %s", host, addrs, err, want)
		}
	}
}
