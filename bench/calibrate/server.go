// Server: TLS servers on loopback whose times are known, in a process of their
// own, so that their processor time is not the generator's.

package calibrate

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"shakedown/bench/stats"
)

const nappers = 16

const serverName = "calibrate.invalid"

// Serve is the server process: a line of Schedules comes in, a line of addresses
// goes out, one server each. From then on each line is an order to a server and
// has one line of answer: see obey. It ends when nothing more can come.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	// Who naps holds a processor of the runtime until its monitor notices, which can
	// take 10 ms: there are enough for all who nap at once.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + nappers))
	lines := bufio.NewScanner(in)
	if !lines.Scan() {
		return fmt.Errorf("reading the schedules: %w", io.ErrUnexpectedEOF)
	}
	var schedules []Schedule
	if err := json.Unmarshal(lines.Bytes(), &schedules); err != nil {
		return fmt.Errorf("reading the schedules: %w", err)
	}
	servers, err := listen(ctx, schedules)
	if err != nil {
		return err
	}
	defer closeAll(servers)
	var addresses []string
	for _, s := range servers {
		addresses = append(addresses, s.listener.Addr().String())
	}
	if _, err := fmt.Fprintln(out, strings.Join(addresses, " ")); err != nil {
		return fmt.Errorf("saying where it listens: %w", err)
	}
	for lines.Scan() {
		answer, err := obey(servers, lines.Text())
		if err != nil {
			return err
		}
		fmt.Fprintln(out, answer)
	}
	return lines.Err()
}

// obey carries out an order. "burden I NS" makes server I work so much more on
// every handshake; "late I" asks by how much it answered later than it was to, in
// the 99th of a hundred handshakes since it was asked before.
func obey(servers []*server, order string) (int64, error) {
	var i int
	var ns int64
	if _, err := fmt.Sscanf(order, "burden %d %d", &i, &ns); err == nil && i >= 0 && i < len(servers) {
		servers[i].extra.Store(ns)
		return ns, nil
	}
	if _, err := fmt.Sscanf(order, "late %d", &i); err == nil && i >= 0 && i < len(servers) {
		return int64(servers[i].lateness()), nil
	}
	return 0, fmt.Errorf("the order %q is not known", order)
}

// server is one listener.
type server struct {
	Schedule
	listener net.Listener
	config   *tls.Config
	began    time.Time
	nap      func(time.Duration)
	count    atomic.Int64
	extra    atomic.Int64 // ns
	mu       sync.Mutex
	late     stats.Histogram
}

// lateness is the p99 of how late it answered, and forgets it.
func (s *server) lateness() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	late := s.late.Quantile(0.99)
	s.late.Reset()
	return late
}

func listen(ctx context.Context, schedules []Schedule) ([]*server, error) {
	certificate, err := selfSigned()
	if err != nil {
		return nil, err
	}
	var servers []*server
	for _, schedule := range schedules {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			closeAll(servers)
			return nil, fmt.Errorf("listening on loopback: %w", err)
		}
		s := &server{Schedule: schedule, listener: l, began: time.Now(), nap: nap,
			config: &tls.Config{Certificates: []tls.Certificate{certificate}}}
		servers = append(servers, s)
		go s.accept()
	}
	return servers, nil
}

func closeAll(servers []*server) {
	for _, s := range servers {
		s.listener.Close()
	}
}

func (s *server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		go s.serve(conn)
	}
}

// patience bounds how long a client may take.
const patience = 30 * time.Second

func (s *server) serve(conn net.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.Copy(io.Discard, tls.Server(&held{Conn: conn, server: s, n: int(s.count.Add(1)) - 1}, s.config))
}

// held is a connection whose first answer waits until it is due. The handshake
// has been computed by then, so that the waiting is all of the answer's time.
type held struct {
	net.Conn
	server *server
	n      int
	heard  time.Duration
	free   bool
}

func (c *held) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.heard == 0 {
		c.heard = time.Since(c.server.began)
	}
	return n, err
}

func (c *held) Write(b []byte) (int, error) {
	if !c.free {
		c.free = true
		c.server.await(c.server.due(c.n, c.heard))
		spin(time.Duration(c.server.extra.Load()))
	}
	return c.Conn.Write(b)
}

// await returns at an instant of the server: by a timer of the runtime, which may
// be late by a millisecond, and the rest by the kernel's clock.
func (s *server) await(until time.Duration) {
	const rest = 1500 * time.Microsecond
	if left := until - time.Since(s.began); left > rest {
		time.Sleep(left - rest)
	}
	left := until - time.Since(s.began)
	for ; left > 0; left = until - time.Since(s.began) {
		if s.Stall > 0 {
			time.Sleep(left) // as many wait for it as a stall holds: no thread for each
		} else {
			s.nap(left)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late.Record(-left)
}

// spin works for a while.
func spin(d time.Duration) {
	if d <= 0 {
		return
	}
	for began := time.Now(); time.Since(began) < d; {
	}
}

// selfSigned is a certificate of its own for one process: nobody checks it.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: serverName}, DNSNames: []string{serverName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// remote is the server process as its parent sees it.
type remote struct {
	in        io.WriteCloser
	out       *bufio.Reader
	wait      func() error
	addresses []netip.AddrPort
}

// start starts the server process.
func start(ctx context.Context, spawn Spawn, schedules ...Schedule) (*remote, error) {
	in, out, wait, err := spawn(ctx)
	if err != nil {
		return nil, fmt.Errorf("starting the server to calibrate against: %w", err)
	}
	r := &remote{in: in, out: bufio.NewReader(out), wait: wait}
	text, err := json.Marshal(schedules)
	if err == nil {
		_, err = fmt.Fprintf(in, "%s\n", text)
	}
	line := ""
	if err == nil {
		line, err = r.out.ReadString('\n')
	}
	for _, f := range strings.Fields(line) {
		var a netip.AddrPort
		if a, err = netip.ParseAddrPort(f); err != nil {
			break
		}
		r.addresses = append(r.addresses, a)
	}
	if err == nil && len(r.addresses) != len(schedules) {
		err = fmt.Errorf("%d addresses came for %d servers", len(r.addresses), len(schedules))
	}
	if err != nil {
		r.stop()
		return nil, fmt.Errorf("starting the server to calibrate against: %w", err)
	}
	return r, nil
}

// burden makes one of the servers work more on every handshake.
func (r *remote) burden(i int, d time.Duration) error {
	_, err := r.order("burden %d %d", i, d.Nanoseconds())
	return err
}

// late asks a server how late it was.
func (r *remote) late(i int) (time.Duration, error) { return r.order("late %d", i) }

func (r *remote) order(format string, args ...any) (time.Duration, error) {
	if _, err := fmt.Fprintf(r.in, format+"\n", args...); err != nil {
		return 0, fmt.Errorf("speaking to the server: %w", err)
	}
	line, err := r.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("hearing from the server: %w", err)
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("hearing from the server: %w", err)
	}
	return time.Duration(ns), nil
}

func (r *remote) stop() {
	r.in.Close()
	r.wait()
}
