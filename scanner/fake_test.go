package scanner

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
	"shakedown/scanner/wire"
)

// fake is a server of hellos: it chooses by a policy of its own and does no
// cryptography. Its answer to a hello can be replaced, to misbehave.
type fake struct {
	suites      map[uint16][]uint16 // by version, the server's order
	groups      []uint16            // of TLS 1.3, the server's order
	serverFirst bool                // the server's order decides
	refuse      []byte              // what a refusal sends; nil closes without a word
	reply       func(conn net.Conn, hello *wire.ClientHello, n int64) (handled bool)

	raw func(conn net.Conn, first []byte) (handled bool) // sees what is no TLS hello, too

	hellos atomic.Int64
}

func alertBytes(description byte) []byte { return []byte{21, 3, 1, 0, 2, 2, description} }

// serve starts the server and returns its address.
func (f *fake) serve(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.answer(conn)
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

func (f *fake) answer(conn net.Conn) {
	defer conn.Close()
	first := make([]byte, 1<<14)
	n, err := conn.Read(first)
	if err != nil || f.raw != nil && f.raw(conn, first[:n]) {
		return
	}
	hello, err := readHello(io.MultiReader(bytes.NewReader(first[:n]), conn))
	if err != nil {
		conn.Write(alertBytes(70))
		return
	}
	if f.reply != nil && f.reply(conn, hello, f.hellos.Add(1)) {
		return
	}
	conn.Write(f.choose(hello))
}

// choose is the answer of an honest server.
func (f *fake) choose(hello *wire.ClientHello) []byte {
	version, ok := f.version(hello)
	if !ok {
		return alertBytes(70)
	}
	suite, ok := f.pick(f.suites[version], hello.Suites)
	if !ok {
		return f.refuse
	}
	if version < wire.TLS13 {
		h := wire.ServerHello{Version: version, Suite: suite}
		if version == wire.SSL30 || wire.LookupSuite(suite).Kx != "ECDHE" {
			return wire.Records(version, h.Marshal())
		}
		curve, ok := f.pick([]uint16{0x001D, 0x0017}, hello.Groups())
		if !ok {
			return f.refuse
		}
		return wire.Records(version, slices.Concat(h.Marshal(), keyExchange(curve)))
	}
	group, ok := f.pick(f.groups, hello.Groups())
	if !ok {
		return f.refuse
	}
	return wire.Records(wire.TLS12, wire.Retry(hello.SessionID, suite, group).Marshal())
}

// keyExchange is a ServerKeyExchange on a curve, with a signature of one byte.
func keyExchange(curve uint16) []byte {
	return []byte{12, 0, 0, 10, 3, byte(curve >> 8), byte(curve), 1, 4, 8, 4, 0, 1, 9}
}

func (f *fake) version(hello *wire.ClientHello) (uint16, bool) {
	best := uint16(0)
	for v := range f.suites {
		offered := v <= hello.Version
		if vs := hello.Versions(); vs != nil {
			offered = slices.Contains(vs, v)
		}
		if offered {
			best = max(best, v)
		}
	}
	return best, best > 0
}

func (f *fake) pick(mine, theirs []uint16) (uint16, bool) {
	first, second := theirs, mine
	if f.serverFirst {
		first, second = mine, theirs
	}
	for _, id := range first {
		if slices.Contains(second, id) {
			return id, true
		}
	}
	return 0, false
}

func readHello(r io.Reader) (*wire.ClientHello, error) {
	var p wire.Parser
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		if err != nil {
			return nil, err
		}
		p.Feed(buf[:n])
		m, err := p.Next()
		if errors.Is(err, wire.ErrMore) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return wire.ParseClientHello(m.Body)
	}
}

// scanFake scans an address with every aspect but certificates, of which a
// fake has none.
func scanFake(t *testing.T, addr netip.AddrPort, dialing dial.Options, opt Options) *results.Endpoint {
	t.Helper()
	if dialing.Timeout == 0 {
		dialing.Timeout = 10 * time.Second
	}
	if opt.Aspects == nil {
		opt.Aspects = []Aspect{AspectVersions, AspectSuites, AspectPreference, AspectGroups}
	}
	var got *results.Endpoint
	err := New(dial.New(dialing), opt).Run(t.Context(), []inventory.Path{target(addr)}, func(e *results.Endpoint) error {
		got = e
		return nil
	})
	if err != nil || got == nil {
		t.Fatalf("no record: %v", err)
	}
	return got
}

func target(addr netip.AddrPort) inventory.Path {
	return inventory.Path{Service: "s", Name: "p", Target: addr.String(), Host: addr.Addr().String(), Port: addr.Port()}
}

func ids(suites []results.Suite) []string {
	out := []string{}
	for _, s := range suites {
		out = append(out, s.ID)
	}
	return out
}

func hexes(vs []uint16) []string {
	out := []string{}
	for _, v := range vs {
		out = append(out, wire.ID(v))
	}
	return out
}
