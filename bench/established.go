// Established: what the load on a path does to connections that are there already,
// which a free worker cannot take over from one that waits for an HSM. A few are kept
// alive and asked for the same as the load's own, before each block, when nothing else is
// asked of the path, and during it. A request counts from the instant at which it was
// due, so that one that waits behind another on its connection counts in full.

package bench

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"shakedown/bench/stats"
)

// keptAlive connections: enough that the workers of a usual server each have some.
const keptAlive = 8

// established are a path's connections that are kept alive, by their number; one
// that is not there is nil.
type established struct {
	*bystanders
	config  *tls.Config
	request string
	seeds   *rand.Rand // its own: both watch at the same time
	conns   [keptAlive]*regular
}

// regular is one of them.
type regular struct {
	net.Conn
	answers *bufio.Reader
	left    *io.LimitedReader // how much of an answer is still taken
}

// mostAnswer is the longest answer, its head included, after which a connection is
// asked again.
const mostAnswer = 1 << 20

// regulars are there only where something can be asked of them.
func (b *bystanders) regulars(p Plan, path Path) *established {
	if b == nil || p.Request == "" || path.ProxyProtocol != "" {
		return nil
	}
	config := &tls.Config{InsecureSkipVerify: true, ServerName: path.ServerName, NextProtos: []string{"http/1.1"}}
	return &established{
		bystanders: b, config: config, seeds: rand.New(rand.NewPCG(b.rng.Uint64(), 1)),
		request: fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", p.Request, path.ServerName),
	}
}

// watch asks on every connection, between two instants, at random ones.
func (e *established) watch(ctx context.Context, from, to time.Duration) *stats.Histogram {
	if e == nil {
		return nil
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	took := &stats.Histogram{}
	for i := range e.conns {
		rng := rand.New(rand.NewPCG(e.seeds.Uint64(), uint64(i)))
		all.Go(func() {
			e.keep(ctx, i)
			for at := from; ; {
				at += time.Duration(rng.ExpFloat64() / bystanderRate * keptAlive * float64(time.Second))
				if at >= to || !e.clock.wait(ctx, at) {
					return
				}
				if d, ok := e.ask(ctx, i, at); ok {
					mu.Lock()
					took.Record(d)
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return took
}

// ask makes the request that was due, false if that says nothing of the server: a
// connection that it has closed is only opened anew. One that is not answered in time
// counts with that time.
func (e *established) ask(ctx context.Context, i int, due time.Duration) (time.Duration, bool) {
	c := e.conns[i]
	if c == nil {
		e.keep(ctx, i)
		return 0, false
	}
	c.SetDeadline(time.Now().Add(e.timeout))
	again, err := c.get(e.request)
	took := e.clock.now() - due
	late := errors.Is(err, os.ErrDeadlineExceeded)
	if err != nil || !again {
		c.Close()
		e.conns[i] = nil
		e.keep(ctx, i)
	}
	if late {
		return max(took, e.timeout), true
	}
	return took, err == nil
}

func newRegular(conn net.Conn) *regular {
	left := &io.LimitedReader{R: conn}
	return &regular{conn, bufio.NewReader(left), left}
}

// get asks and takes the answer, and says whether the connection can be asked again.
func (c *regular) get(request string) (again bool, err error) {
	c.left.N = mostAnswer
	if _, err := io.WriteString(c, request); err != nil {
		return false, err
	}
	r, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return false, err
	}
	defer r.Body.Close()
	if _, err = io.Copy(io.Discard, r.Body); c.left.N == 0 {
		return false, nil // it has answered, and at length
	}
	return !r.Close, err
}

// keep opens a connection that is not there; if that fails, it is not there.
func (e *established) keep(ctx context.Context, i int) {
	if e.conns[i] != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	raw, err := e.dial(ctx, e.address)
	if err != nil {
		return
	}
	conn := tls.Client(raw, e.config)
	if conn.HandshakeContext(ctx) != nil {
		raw.Close()
		return
	}
	e.conns[i] = newRegular(conn)
}

func (e *established) close() {
	if e == nil {
		return
	}
	for _, c := range e.conns {
		if c != nil {
			c.Close()
		}
	}
}
