// Tap: what a server chose, read from its ServerHello on the way to a client
// that is not ours. A client tells what it finished; that a server chose a suite
// and then failed on it, only the wire tells.

package stacks

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"

	"shakedown/results"
)

// tap passes connections on to a server and keeps what the server chose.
type tap struct {
	listener net.Listener
	server   string
	wg       sync.WaitGroup
	mu       sync.Mutex
	chosen   Pairs
}

// newTap listens on loopback.
func newTap(ctx context.Context, server string) (*tap, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &tap{listener: l, server: server, chosen: Pairs{}}
	t.wg.Go(t.accept)
	return t, nil
}

func (t *tap) address() string { return t.listener.Addr().String() }

// close ends the tap and gives what was chosen.
func (t *tap) close() Pairs {
	t.listener.Close()
	t.wg.Wait()
	return t.chosen
}

func (t *tap) accept() {
	for {
		client, err := t.listener.Accept()
		if err != nil {
			return
		}
		t.wg.Go(func() { t.pass(client) })
	}
}

// pass carries one connection until either side ends it.
func (t *tap) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", t.server)
	if err != nil {
		return
	}
	t.wg.Go(func() {
		io.Copy(server, client)
		server.Close()
	})
	seen := &head{}
	io.Copy(client, io.TeeReader(server, seen))
	server.Close()
	if pair, ok := choice(seen.bytes); ok {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.chosen[pair] = false
	}
}

// head keeps the beginning of a stream.
type head struct{ bytes []byte }

func (h *head) Write(b []byte) (int, error) {
	if room := 1<<14 - len(h.bytes); room > 0 {
		h.bytes = append(h.bytes, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

// choice reads version and suite of a ServerHello that comes first, in one
// record (RFC 8446 §4.1.3); a HelloRetryRequest names the same suite.
func choice(stream []byte) (p Pair, ok bool) {
	const record, header, random = 5, 4, 32
	if len(stream) < record+header+2+random+1 || stream[0] != 22 || stream[record] != 2 {
		return p, false
	}
	hello := stream[record+header:]
	version, rest := binary.BigEndian.Uint16(hello), hello[2+random:]
	if len(rest) < 1+int(rest[0])+5 {
		return p, false
	}
	rest = rest[1+int(rest[0]):]
	p.Suite = binary.BigEndian.Uint16(rest)
	if version == 0x0303 && binary.BigEndian.Uint16(rest) >= 0x1301 && binary.BigEndian.Uint16(rest) <= 0x1305 {
		version = 0x0304
	}
	p.Version = map[uint16]results.Version{
		0x0300: results.SSLv3, 0x0301: results.TLSv10, 0x0302: results.TLSv11, 0x0303: results.TLSv12, 0x0304: results.TLSv13,
	}[version]
	return p, p.Version != ""
}
