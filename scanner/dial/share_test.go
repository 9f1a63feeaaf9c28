package dial

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"shakedown/results"
)

// line opens pipes whose far ends answer with one byte, until told to fail.
type line struct {
	fail     atomic.Bool
	opened   []time.Time
	mu       sync.Mutex
	inFlight atomic.Int64
	most     atomic.Int64
}

func (l *line) connect(context.Context, netip.AddrPort, time.Time) (net.Conn, error) {
	l.mu.Lock()
	l.opened = append(l.opened, time.Now())
	l.mu.Unlock()
	if l.fail.Load() {
		return nil, syscall.ECONNREFUSED
	}
	l.most.Store(max(l.most.Load(), l.inFlight.Add(1)))
	near, far := net.Pipe()
	go func() {
		far.Write([]byte{1})
		far.Read(make([]byte, 1)) // until it is closed
		far.Close()
	}()
	return &counted{near, l}, nil
}

type counted struct {
	net.Conn
	line *line
}

func (c *counted) Close() error {
	c.line.inFlight.Add(-1)
	return c.Conn.Close()
}

// use opens a connection, reads its answer, keeps it for a while and closes it.
func use(ctx context.Context, lane *Lane, keep time.Duration) *results.Failure {
	c, f := lane.Open(ctx)
	if f != nil {
		return f
	}
	defer c.Close()
	c.Read(make([]byte, 1))
	time.Sleep(keep)
	return nil
}

func useMany(ctx context.Context, lane *Lane, n int, keep time.Duration) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() { use(ctx, lane, keep) })
	}
	all.Wait()
}

func testLane(l *line, opt Options) *Lane {
	opt.Connect = l.connect
	return New(opt).Lane(Direct(netip.MustParseAddrPort("192.0.2.1:443")))
}

// An address that refuses from the beginning is as it is; one that refuses
// after it answered has too many connections.
func TestShareBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{}
		lane := testLane(l, Options{PerEndpoint: 8})
		l.fail.Store(true)
		useMany(t.Context(), lane, 20, 0)
		if lane.share.limit != 8 {
			t.Errorf("a limit of %d at an address that never answered, want 8", lane.share.limit)
		}
		l.fail.Store(false)
		useMany(t.Context(), lane, 8, time.Second)
		if got := l.most.Load(); got != 8 {
			t.Errorf("%d at once, want the budget of 8", got)
		}
		l.fail.Store(true)
		useMany(t.Context(), lane, 6, 0) // a burst counts once
		if lane.share.limit != 4 {
			t.Errorf("a limit of %d after a burst of refusals, want 4", lane.share.limit)
		}
		l.fail.Store(false)
		l.most.Store(0)
		useMany(t.Context(), lane, 16, time.Second)
		if got := l.most.Load(); got != 4 {
			t.Errorf("%d at once after that, want 4", got)
		}
		for range 3 {
			useMany(t.Context(), lane, 8, time.Second)
			lane.Crowded()
		}
		if lane.share.limit != 1 {
			t.Errorf("a limit of %d, want 1", lane.share.limit)
		}
		for range 10 {
			lane.Crowded()
			useMany(t.Context(), lane, 1, 0)
		}
		if lane.share.limit < 1 {
			t.Errorf("a limit of %d: nothing can be asked", lane.share.limit)
		}
		useMany(t.Context(), lane, 8*(1+2+3+4+5+6+7), time.Second)
		if lane.share.limit != 8 {
			t.Errorf("a limit of %d after many answers, want the budget of 8 again", lane.share.limit)
		}
		useMany(t.Context(), lane, 100, 0)
		if lane.share.limit != 8 {
			t.Errorf("a limit of %d, more than the budget", lane.share.limit)
		}
	})
}

// A server that resets what it refuses is not full: resets after the connection
// stands leave the budget as it is, unless someone knows better.
func TestResetsAreAnswers(t *testing.T) {
	addr := listen(t, "127.0.0.1:0", func(c net.Conn) {
		hears(c, "hello")
		c.(*net.TCPConn).SetLinger(0)
	})
	lane := New(Options{PerEndpoint: 8}).Lane(Direct(addr))
	lane.share.answered()
	for range 20 {
		c, f := lane.Open(t.Context())
		if f != nil {
			t.Fatalf("%+v", f)
		}
		c.Write([]byte("hello"))
		_, err := c.Read(make([]byte, 1))
		if f := c.Failure(results.StageHello, err); f.Kind != results.KindReset {
			t.Fatalf("%+v", f)
		}
		c.Close()
	}
	if lane.share.limit != 8 || lane.share.losses != 0 {
		t.Errorf("a limit of %d after %d losses, want the budget of 8", lane.share.limit, lane.share.losses)
	}
}

// The wait after failures grows, is bounded, and ends where hope does.
func TestSharePauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{}
		lane := testLane(l, Options{PerEndpoint: 1})
		useMany(t.Context(), lane, 1, 0)
		l.fail.Store(true)
		began := time.Now()
		use(t.Context(), lane, 0) // who tries again as long as there is hope
		use(t.Context(), lane, 0)
		var waits []time.Duration
		for i, at := range l.opened[2:] {
			waits = append(waits, at.Sub(l.opened[i+1]))
		}
		ms := time.Millisecond
		want := []time.Duration{5 * ms, 10 * ms, 20 * ms, 40 * ms, 80 * ms, 160 * ms, 320 * ms, 640 * ms, 1280 * ms, 2000 * ms, 0}
		if !slices.Equal(waits, want) {
			t.Errorf("waited %v, want %v", waits, want)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("a dead address took %v", took)
		}
		// What was long enough is not begun anew, but for one that may be down alone.
		lane.share.answered()
		lane.share.lost(time.Now())
		if got := lane.share.pause; got != wary {
			t.Errorf("waits %v after the first failure, want %v", got, wary)
		}
		lane.share.lost(lane.share.lostAt.Add(-ms)) // begun before the other failed
		if got := lane.share.losses; got != 1 {
			t.Errorf("%d failures, want those together to be one", got)
		}
		// The end of the run ends a wait.
		lane.share.losses, lane.share.pause = 6, 160*ms
		lane.share.left = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*ms)
		defer cancel()
		before := time.Now()
		if f := use(ctx, lane, 0); f == nil || f.Kind != results.KindDeadline || time.Since(before) != 10*ms {
			t.Errorf("got %+v after %v, want the deadline after 10ms", f, time.Since(before))
		}
		if lane.share.in != 0 {
			t.Errorf("%d places were not given back", lane.share.in)
		}
	})
}

// One who wants to be alone comes to it, although others keep coming.
func TestAloneIsNotStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{}
		lane := testLane(l, Options{PerEndpoint: 4})
		var others sync.WaitGroup
		others.Go(func() { useMany(t.Context(), lane, 100, time.Second) })
		synctest.Wait() // four are in, the others wait
		time.Sleep(1500 * time.Millisecond)
		began := time.Now()
		others.Go(func() {
			c, f := lane.OpenAlone(t.Context(), time.Minute)
			if f != nil {
				t.Errorf("%+v", f)
				return
			}
			if got := l.inFlight.Load(); got != 1 {
				t.Errorf("%d connections beside one that is alone", got-1)
			}
			time.Sleep(time.Second)
			if got := l.inFlight.Load(); got != 1 {
				t.Errorf("%d connections beside one that is alone", got-1)
			}
			c.Close()
			// Of those who came before, it waits for all; nobody came after.
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("waited %v", took)
			}
		})
		others.Wait()
		if lane.share.in != 0 || len(lane.share.queue) != 0 {
			t.Errorf("%d in, %d waiting at the end", lane.share.in, len(lane.share.queue))
		}
	})
}

// Those who give up waiting leave no trace.
func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{}
		lane := testLane(l, Options{PerEndpoint: 1})
		var all sync.WaitGroup
		for i := range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*100*time.Millisecond)
			defer cancel()
			all.Go(func() { use(ctx, lane, time.Second) })
		}
		all.Wait()
		if lane.share.in != 0 || len(lane.share.queue) != 0 || l.inFlight.Load() != 0 {
			t.Errorf("%d in, %d waiting, %d open at the end", lane.share.in, len(lane.share.queue), l.inFlight.Load())
		}
		if f := use(t.Context(), lane, 0); f != nil {
			t.Errorf("%+v", f)
		}
	})
}

// The rate holds over all addresses together and to the microsecond, for rates
// below and above one a second.
func TestRate(t *testing.T) {
	for _, rate := range []float64{0.5, 10, 250, 3000} {
		synctest.Test(t, func(t *testing.T) {
			l := &line{}
			d := New(Options{PerEndpoint: 100, Concurrency: 100, Rate: rate, Connect: l.connect})
			began := time.Now()
			var all sync.WaitGroup
			for i := range 100 {
				lane := d.Lane(Direct(netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 7)}), 443)))
				all.Go(func() { use(t.Context(), lane, 0) })
			}
			all.Wait()
			interval := time.Duration(float64(time.Second) / rate)
			for i, at := range l.opened {
				want := time.Duration(i) * interval
				if off := at.Sub(began) - want; off < -time.Microsecond || off > time.Microsecond {
					t.Fatalf("rate %v: connection %d after %v, want %v", rate, i, at.Sub(began), want)
				}
			}
			// After a rest there is no burst to make up for it.
			time.Sleep(100 * interval)
			rested := time.Now()
			lane := d.Lane(Direct(netip.MustParseAddrPort("192.0.2.9:443")))
			for range 3 {
				use(t.Context(), lane, 0)
			}
			if took := time.Since(rested); took < 2*interval-time.Microsecond {
				t.Errorf("rate %v: three connections in %v", rate, took)
			}
		})
	}
}

// Who waits is let in by what comes after: urgent ones first, then those of a
// series, then others, each in the order in which they came.
func TestUrgentFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := testLane(&line{}, Options{PerEndpoint: 1})
		first, f := lane.Open(t.Context())
		if f != nil {
			t.Fatal(f)
		}
		var order []string
		wait := func(name string, open func(context.Context) (*Conn, *results.Failure)) {
			go func() {
				c, f := open(t.Context())
				if f != nil {
					t.Error(f)
					return
				}
				order = append(order, name)
				c.Close()
			}()
			synctest.Wait()
		}
		wait("in order", lane.Open)
		wait("of a series", lane.OpenFirst)
		wait("urgent", lane.OpenUrgent)
		wait("urgent too", lane.OpenUrgent)
		first.Close()
		synctest.Wait()
		if want := []string{"urgent", "urgent too", "of a series", "in order"}; !slices.Equal(order, want) {
			t.Errorf("%q, want %q", order, want)
		}
	})
}

// Who waits for what is held back is in nobody's way who is to be alone, and who
// is alone stays so when that has come.
func TestPatientBesideAlone(t *testing.T) {
	s := newShare(4)
	let := func(turn turn) bool { return s.apply(nil, turn).ready == nil }
	waits := func(w *waiter) bool {
		select {
		case <-w.ready:
			return false
		default:
			return true
		}
	}
	if !let(patiently) || !let(inOrder) {
		t.Fatal("no room at all")
	}
	sole := s.apply(nil, alone)
	if !waits(sole) {
		t.Error("alone beside one in order")
	}
	s.leave(inOrder)
	if waits(sole) {
		t.Fatal("who is patient is in the way")
	}
	other := s.apply(nil, inOrder)
	s.leave(patiently)
	if !waits(other) {
		t.Error("another beside who is alone")
	}
	s.leave(alone)
	if waits(other) || s.in != 1 || s.held != 0 {
		t.Errorf("waits %t, in %d, held %d", waits(other), s.in, s.held)
	}
}
