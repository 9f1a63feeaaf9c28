// Loop: a load of lean clients on Linux. A few threads, each with its own epoll
// and its own share of the connections, do everything: pacing, sockets,
// handshakes. No connection has a goroutine, nobody wakes anybody, and between an
// instant and what is to happen at it stand as few system calls as can be.

package bench

import (
	"context"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"shakedown/bench/client"
	"shakedown/results"
	"shakedown/scanner/dial"
)

// loop is a load of one path.
type loop struct {
	clock    clock
	timeout  time.Duration
	awake    time.Duration
	hold     time.Duration // between a connect and its ClientHello
	reaction time.Duration // between what is heard and the answer
	closing  client.Closing
	request  bool
	sources  *sources
	proxied  string // version of the PROXY protocol header; "" for none
	address  netip.AddrPort
	remote   endpoint // the same for the kernel
	classify client.Classify
	fresh    func() *client.Session
	threads  []*thread
}

// newLoop prepares a load of lean clients; nil if it cannot reach the address.
func newLoop(c clock, plan Plan, path Path, lean *client.Lean, classify client.Classify) (load, error) {
	remote, ok := newEndpoint(path.Address)
	if !ok {
		return nil, nil
	}
	l := &loop{
		clock: c, remote: remote, timeout: plan.Timeout, awake: awake(plan), hold: lean.Hold(), reaction: plan.Reaction,
		closing: plan.Closing, request: plan.Request != "", classify: classify,
		sources: newSources(plan, path.Address.Addr()), proxied: path.ProxyProtocol, address: path.Address,
	}
	var mu sync.Mutex
	seed := plan.Seed
	l.fresh = func() *client.Session {
		mu.Lock()
		defer mu.Unlock()
		seed++
		return lean.Session(seed)
	}
	for range threads(plan) {
		t, err := newThread(l)
		if err != nil {
			l.close()
			return nil, err
		}
		l.threads = append(l.threads, t)
	}
	return l, nil
}

// addrPortOf is an address from the kernel.
func addrPortOf(a unix.Sockaddr) netip.AddrPort {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}

// awake is how long before an arrival is due its thread wakes up and looks at the
// clock, as the kernel wakes a sleeper some 50 µs late: not so long that it would
// cost more than a twentieth of a processor.
func awake(p Plan) time.Duration {
	if p.Rate == 0 {
		return 0
	}
	return min(60*time.Microsecond, time.Duration(float64(time.Second)/p.peak()/20))
}

func (l *loop) processors() int { return len(l.threads) }

func (l *loop) close() {
	for _, t := range l.threads {
		t.close()
	}
}

func (l *loop) stamped() (kernel, process int) {
	for _, t := range l.threads {
		kernel += t.stamps.kernel
		process += t.stamps.process
	}
	return kernel, process
}

// run deals the connections out to the threads, in turn.
func (l *loop) run(ctx context.Context, s slice) []client.Sample {
	var work sync.WaitGroup
	n := len(l.threads)
	for i, t := range l.threads {
		share := s
		share.slots = (s.slots + n - 1 - i) / n
		if s.open() {
			share.due = make([]time.Duration, 0, len(s.due)/n+1)
			for j := i; j < len(s.due); j += n {
				share.due = append(share.due, s.due[j])
			}
			share.resume = nil
			for j := i; j < len(s.resume); j += n {
				share.resume = append(share.resume, s.resume[j])
			}
		}
		t.mix = newMix(s.ratio, s.seed, uint64(i))
		work.Go(func() { t.run(ctx, share) })
	}
	work.Wait()
	var all []client.Sample
	for _, t := range l.threads {
		all = append(all, t.samples...)
	}
	return all
}

// thread is one thread's share of a load. What it has made it keeps from one block
// to the next.
type thread struct {
	*loop
	slice
	queue   *queue
	stamps  *stamps
	flights flights
	next    int             // the next arrival
	mix     *mix            // closed loop: which are to be resumed
	free    time.Duration   // since when there has been a free slot
	resting []time.Duration // closed loop: until when slots pause that failed
	failed  int             // closed loop: failures in a row
	silent  []silence       // connections whose words are held back
	leaving []*flight       // connections that outlive their handshakes, in the order of their leaving
	samples []client.Sample
	reads   [batch]read
}

// batch is how many connections are looked at in one turn; starts, how many begin
// before that.
const (
	batch  = 64
	starts = 4
)

// read is what one connection had to say, and when.
type read struct {
	flight *flight
	n      int
	err    error
	at     time.Duration
	buffer [8 << 10]byte // holds a usual server's flight
}

func newThread(l *loop) (*thread, error) {
	q, err := newQueue()
	if err != nil {
		return nil, err
	}
	return &thread{loop: l, queue: q, stamps: newStamps()}, nil
}

func (t *thread) close() {
	t.queue.close()
	t.stamps.close()
}

// run carries out a slice.
func (t *thread) run(ctx context.Context, s slice) {
	// Who waits for instants has a thread alone. Else it is shared, as the runtime,
	// which lets nobody run for more than 10 ms, changes threads for one that is not.
	if s.open() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		precise()
	}
	t.slice, t.next, t.free, t.resting, t.failed, t.silent, t.samples = s, 0, 0, t.resting[:0], 0, t.silent[:0], t.samples[:0]
	stop := context.AfterFunc(ctx, t.queue.wake)
	defer stop()
	for ctx.Err() == nil {
		now := t.clock.now()
		t.expire(now)
		t.speak(now)
		t.begin(now)
		t.depart(now) // last, as nobody waits for it
		if t.over(now) || now >= t.cut {
			break
		}
		t.turn()
	}
	t.abandon()
}

// over reports whether nothing is in flight and nothing is to come.
func (t *thread) over(now time.Duration) bool {
	switch {
	case t.flights.n > 0, len(t.leaving) > 0:
		return false
	case t.open():
		return t.next == len(t.due)
	default:
		return t.ended(now)
	}
}

// upcoming is when the next connection is due, false if there is none or no slot
// for it.
func (t *thread) upcoming(now time.Duration) (time.Duration, bool) {
	switch {
	case t.flights.n+len(t.resting) >= t.slots:
		return 0, false
	case !t.open():
		return now, !t.ended(now)
	case t.next == len(t.due):
		return 0, false
	}
	return t.due[t.next], true
}

// begin starts what is due.
func (t *thread) begin(now time.Duration) {
	t.rested(now)
	for range starts {
		due, ok := t.upcoming(now)
		if !ok || due > now {
			return
		}
		t.start(due, t.resumes())
		now = t.clock.now()
	}
}

// resumes takes the next connection off the list and says whether it is to be
// resumed.
func (t *thread) resumes() bool {
	if !t.open() {
		return t.mix.next()
	}
	t.next++
	return t.resumed(t.next - 1)
}

// rested lets slots go on whose pause is over.
func (t *thread) rested(now time.Duration) {
	kept := t.resting[:0]
	for _, until := range t.resting {
		if until > now {
			kept = append(kept, until)
		}
	}
	t.resting = kept
}

// start begins a connection.
func (t *thread) start(due time.Duration, resume bool) {
	f := t.flights.take(t.fresh)
	f.sample = client.Sample{Due: due, Ready: max(due, t.free), Resume: resume}
	f.session.Start(&f.sample)
	t.connect(f)
}

// connect sends the SYN. On loopback the connection is there when the call
// returns: then the ClientHello goes out at once.
func (t *thread) connect(f *flight) {
	var err error
	f.sample.Start = t.clock.now()
	f.deadline = f.sample.Start + t.timeout
	if f.fd, err = t.remote.socket(); err != nil {
		f.fd = -1
		t.fail(f, err)
		return
	}
	// Else what we say behind our Finished would wait for its acknowledgement.
	setOption(f.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	t.stamps.ask(f.fd)
	if err = t.sources.bind(f.fd); err != nil {
		t.fail(f, err)
		return
	}
	f.sample.Start = t.clock.now()
	err = t.remote.connect(f.fd)
	at := t.clock.now()
	switch {
	case err != nil && err != unix.EINPROGRESS && err != unix.EINTR:
		t.fail(f, err)
	case t.stamps.established(f.fd):
		t.connected(f, at)
	default:
		f.connecting = true
		if err = t.queue.add(f.fd, f.number, unix.EPOLLOUT); err != nil {
			t.fail(f, err)
		}
	}
}

// connected sends the ClientHello, or sees to it that it is sent.
func (t *thread) connected(f *flight, at time.Duration) {
	f.sample.Connected = at
	if d, ok := t.stamps.trip(); ok {
		f.sample.Connected = min(f.sample.Start+d, at)
	}
	if t.open() {
		t.keepSilent(f, t.clock.now()+t.hold)
	} else if !t.greet(f) {
		return
	}
	watch := t.queue.add
	if f.connecting {
		f.connecting, watch = false, t.queue.change
	}
	if err := watch(f.fd, f.number, once); err != nil {
		t.fail(f, err)
	}
}

// greet sends the ClientHello, behind a PROXY protocol header where one is
// wanted: in one segment, so that the header does not wait for an
// acknowledgement.
func (t *thread) greet(f *flight) bool {
	if t.proxied == "" {
		return t.flush(f)
	}
	local, err := unix.Getsockname(f.fd)
	if err != nil {
		t.fail(f, err)
		return false
	}
	header := dial.ProxyHeader(t.proxied, addrPortOf(local), t.address)
	return t.send(f, append(header, f.session.Pending()...))
}

// flush writes what is pending, false if that failed.
func (t *thread) flush(f *flight) bool {
	out := f.session.Pending()
	return out == nil || t.send(f, out)
}

// send writes what is pending.
func (t *thread) send(f *flight, out []byte) bool {
	at := t.clock.now()
	n, err := send(f.fd, out)
	if err == nil && n < len(out) {
		err = unix.ENOBUFS // a few hundred bytes into an empty buffer
	}
	if err != nil {
		t.fail(f, err)
		return false
	}
	f.session.Written(at)
	return true
}

// turn waits until something arrives or is due, and deals with what arrived. All
// that is there is read before any of it is worked on, so that the instants of
// the last do not contain the work on the first.
func (t *thread) turn() {
	events := t.wait()
	now, got := t.stamps.turn(t.clock), 0
	for i := range events {
		f := t.flights.all[events[i].Fd]
		if f.connecting {
			t.established(f, now)
			continue
		}
		r := &t.reads[got]
		r.flight = f
		r.n, r.at, r.err = t.stamps.read(f.fd, r.buffer[:], t.clock)
		got++
	}
	for i := range got {
		t.advance(&t.reads[i])
	}
}

// wait returns what has happened, at the latest when there is something to do
// without. For the last moments before a connection is due, or is to close, it
// stays awake.
func (t *thread) wait() []unix.EpollEvent {
	alarm := t.alarm()
	for {
		now := t.clock.now()
		sleep := alarm - now
		due, ok := t.soon(now)
		if ok {
			sleep = min(sleep, due-t.awake-now)
		}
		events := t.queue.wait(sleep)
		now = t.clock.now()
		if len(events) > 0 || t.queue.woken || now >= alarm || ok && now >= due {
			return events
		}
	}
}

// soon is the next instant that is kept to the microsecond.
func (t *thread) soon(now time.Duration) (time.Duration, bool) {
	due, ok := t.upcoming(now)
	if len(t.leaving) == 0 || t.awake < pause {
		return due, ok
	}
	if leaves := t.leaving[0].leaves; !ok || leaves < due {
		return leaves, true
	}
	return due, true
}

// alarm is when there is something to do beside starting connections.
func (t *thread) alarm() time.Duration {
	at := t.cut
	if f := t.flights.oldest; f != nil {
		at = min(at, f.deadline)
	} else if !t.open() {
		at = min(at, t.until)
	}
	for _, until := range t.resting {
		at = min(at, until)
	}
	if len(t.leaving) > 0 {
		at = min(at, t.leaving[0].leaves+patience)
	}
	for _, s := range t.silent {
		at = min(at, s.until)
	}
	return at
}

// established looks how a connect that took its time went.
func (t *thread) established(f *flight, at time.Duration) {
	if !t.stamps.established(f.fd) {
		code, err := unix.GetsockoptInt(f.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && code != 0 {
			err = unix.Errno(code)
		}
		if err != nil {
			t.fail(f, err)
			return
		}
	}
	t.connected(f, at)
}

// advance takes a handshake as far as what arrived lets it go.
func (t *thread) advance(r *read) {
	f := r.flight
	switch {
	case r.err == unix.EAGAIN, r.err == unix.EINTR:
		t.listen(f)
		return
	case f.lingering:
		t.linger(r)
		return
	case r.err != nil:
		t.fail(f, r.err)
		return
	case r.n == 0:
		t.fail(f, errEOF)
		return
	}
	if err := f.session.Feed(r.buffer[:r.n], r.at); err != nil {
		t.fail(f, err)
		return
	}
	if t.reaction > 0 && f.session.Pending() != nil {
		t.keepSilent(f, r.at+t.reaction)
		return
	}
	t.proceed(f)
}

// proceed says what a handshake has to say, and waits for what is next.
func (t *thread) proceed(f *flight) {
	if !t.flush(f) {
		return
	}
	if f.session.Complete() && f.sample.Request == 0 {
		if err := f.session.Ask(); err != nil {
			t.fail(f, err)
			return
		}
		if !t.flush(f) {
			return
		}
	}
	if !f.session.Over() {
		t.listen(f)
		return
	}
	t.failed = 0
	t.part(f)
}

// listen waits for what else a connection has to say.
func (t *thread) listen(f *flight) {
	err := t.queue.change(f.fd, f.number, once)
	switch {
	case err == nil:
	case f.lingering: // its handshake is made and counted
		t.leave(f)
	default:
		t.fail(f, err)
	}
}

// part ends a connection whose handshake is over, or keeps it until the server
// has said what is still wanted: tickets, or that it has our Finished before a
// reset.
func (t *thread) part(f *flight) {
	if f.lingering = f.session.Collect(); f.lingering {
		t.listen(f)
		return
	}
	if t.closing == client.ByRST && f.session.Unheard() {
		f.lingering = true
		t.farewell(f)
		t.listen(f)
		return
	}
	t.leave(f)
}

// linger takes what comes on such a connection. Whatever becomes of it, the
// handshake is made and counted.
func (t *thread) linger(r *read) {
	f := r.flight
	if f.session.Collecting() && r.err == nil && r.n > 0 &&
		f.session.Feed(r.buffer[:r.n], r.at) == nil && f.session.Collecting() {
		t.listen(f)
		return
	}
	t.leave(f)
}

// goodbye says close_notify, or makes the end an RST.
func (t *thread) goodbye(f *flight) {
	if t.closing == client.ByRST {
		unix.SetsockoptLinger(f.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		return
	}
	t.farewell(f)
}

func (t *thread) farewell(f *flight) {
	if out, err := f.session.Goodbye(); err == nil {
		send(f.fd, out) // the handshake is over, whatever comes of this
	}
}

// fail ends a connection with a failure.
func (t *thread) fail(f *flight, err error) {
	if f.sample.Connected == 0 {
		failure := t.classify(results.StageConnect, err)
		f.sample.Failure = &failure
	} else {
		f.session.Fail(err)
	}
	if !t.open() {
		t.failed++
		t.resting = append(t.resting, t.clock.now()+backoff(t.failed))
	}
	t.end(f)
}

// expire fails what is out of time.
func (t *thread) expire(now time.Duration) {
	for f := t.flights.oldest; f != nil && f.deadline <= now; f = t.flights.oldest {
		if f.lingering {
			t.end(f)
			continue
		}
		t.fail(f, errTimeout)
	}
}

// end closes a connection and keeps its sample.
func (t *thread) end(f *flight) {
	if f.fd >= 0 {
		hangUp(f.fd)
	}
	t.keep(f)
	t.flights.idle = append(t.flights.idle, f)
}

// keep takes a flight's sample and gives its slot to the next.
func (t *thread) keep(f *flight) {
	t.samples = append(t.samples, f.sample)
	if t.flights.n == t.slots {
		t.free = t.clock.now()
	}
	t.flights.give(f)
}

// abandon cuts off what is in flight, and counts what never began.
func (t *thread) abandon() {
	t.depart(forever)
	for f := t.flights.oldest; f != nil; f = t.flights.oldest {
		if !f.lingering {
			f.sample.Done = 0
		}
		t.end(f)
	}
	if t.open() {
		for _, due := range t.due[t.next:] {
			t.samples = append(t.samples, client.Sample{Due: due})
		}
	}
}

// flight is one connection in flight.
type flight struct {
	number     int32
	fd         int
	session    *client.Session
	sample     client.Sample
	deadline   time.Duration
	connecting bool
	lingering  bool          // its handshake is over, and the server still has to say something
	silent     time.Duration // it has something to say, and this is when
	leaves     time.Duration // its handshake is over, and from this on it may close
	before     *flight       // in the order of their beginning
	after      *flight
}

// flights are the connections in flight, and the memory of those that were.
type flights struct {
	all            []*flight // by number
	idle           []*flight
	oldest, newest *flight
	n              int
}

// take makes a flight the newest.
func (s *flights) take(fresh func() *client.Session) *flight {
	if len(s.idle) == 0 {
		f := &flight{number: int32(len(s.all)), session: fresh()}
		s.all = append(s.all, f)
		s.idle = append(s.idle, f)
	}
	f := s.idle[len(s.idle)-1]
	s.idle = s.idle[:len(s.idle)-1]
	f.connecting, f.lingering, f.before, f.after = false, false, s.newest, nil
	if s.newest != nil {
		s.newest.after = f
	} else {
		s.oldest = f
	}
	s.newest = f
	s.n++
	return f
}

// give takes a flight out of the order. Its memory is free once it is idle.
func (s *flights) give(f *flight) {
	f.silent = 0
	if f.before != nil {
		f.before.after = f.after
	} else {
		s.oldest = f.after
	}
	if f.after != nil {
		f.after.before = f.before
	} else {
		s.newest = f.before
	}
	s.n--
}
