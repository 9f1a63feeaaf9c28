package scanner

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// roundTrip is how far away the servers of these tests are.
const roundTrip = 20 * time.Millisecond

// link leads to a server that is a round trip away. Connecting takes one, and
// so does every word and its answer; nothing else takes time.
type link struct {
	accept       func(net.Conn) // called when a connection arrives; it must close it
	opened       atomic.Int64
	inFlight     atomic.Int64
	mostInFlight atomic.Int64
}

// to leads to a server that serves all connections side by side.
func to(serve func(net.Conn)) *link {
	return &link{accept: func(c net.Conn) { go serve(c) }}
}

func (l *link) connect(ctx context.Context, _ netip.AddrPort, _ time.Time) (net.Conn, error) {
	l.opened.Add(1)
	l.mostInFlight.Store(max(l.mostInFlight.Load(), l.inFlight.Add(1)))
	select {
	case <-time.After(roundTrip):
	case <-ctx.Done():
		l.inFlight.Add(-1)
		return nil, ctx.Err()
	}
	near, far := delayed(roundTrip / 2)
	go func() {
		time.Sleep(roundTrip / 2) // the last word of the handshake of TCP
		l.accept(far)
	}()
	return &linked{Conn: near, link: l}, nil
}

type linked struct {
	net.Conn
	link *link
	once sync.Once
}

func (c *linked) Close() error {
	c.once.Do(func() { c.link.inFlight.Add(-1) })
	return c.Conn.Close()
}

// delayed is a connection on which everything takes so long one way.
func delayed(way time.Duration) (near, far net.Conn) {
	near, left := net.Pipe()
	right, far := net.Pipe()
	go carry(left, right, way)
	go carry(right, left, way)
	return near, far
}

// carry brings what is written at one end to the other, later.
func carry(from, to net.Conn, way time.Duration) {
	type parcel struct {
		due   time.Time
		bytes []byte // none is the end
	}
	parcels := make(chan parcel, 1000)
	go func() {
		defer to.Close()
		for p := range parcels {
			time.Sleep(time.Until(p.due))
			if len(p.bytes) > 0 {
				to.Write(p.bytes)
			}
		}
	}()
	defer close(parcels)
	for {
		buf := make([]byte, 1<<14)
		n, err := from.Read(buf)
		parcels <- parcel{time.Now().Add(way), buf[:n]}
		if err != nil {
			return
		}
	}
}
