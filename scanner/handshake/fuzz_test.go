package handshake

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"context"

	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// replay is a connection on which a server's bytes are already there.
type replay struct {
	net.Conn
	in []byte
}

func (r *replay) Read(b []byte) (int, error) {
	if len(r.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.in)
	r.in = r.in[n:]
	return n, nil
}

func (r *replay) Write(b []byte) (int, error)     { return len(b), nil }
func (r *replay) SetDeadline(time.Time) error     { return nil }
func (r *replay) SetReadDeadline(time.Time) error { return nil }
func (r *replay) Close() error                    { return nil }

// Whatever a server sends after its hello, in the clear, nothing is finished by
// it and nothing breaks.
func FuzzFinish(f *testing.F) {
	hello := wire.Records(wire.TLS12, (&wire.ServerHello{Version: wire.TLS12, Suite: 0xC02F}).Marshal())
	f.Add(slices.Concat(hello, wire.Records(wire.TLS12, []byte{12, 0, 0, 3, 3, 0, 29, 14, 0, 0, 0})), uint8(0))
	f.Add(wire.Records(wire.TLS12, (&wire.ServerHello{Version: wire.TLS12, Suite: 0x002F}).Marshal()), uint8(1))
	f.Add(hello, uint8(2))
	f.Fuzz(func(t *testing.T, in []byte, which uint8) {
		offers := []Offer{
			{Version: wire.TLS12, Suites: []uint16{0xC02F}, Ticket: true},
			{Version: wire.TLS11, Suites: []uint16{0x002F}},
			{Version: wire.TLS13, Suites: []uint16{0x1301}, Group: x25519},
		}
		d := dial.New(dial.Options{Connect: func(context.Context, netip.AddrPort, time.Time) (net.Conn, error) {
			return &replay{in: in}, nil
		}})
		lane := d.Lane(dial.Direct(netip.MustParseAddrPort("127.0.0.1:1")))
		defer lane.Release()
		conn, failure := lane.Open(t.Context())
		if failure != nil {
			t.Fatal(failure)
		}
		defer conn.Close()
		if got := Finish(conn, offers[int(which)%len(offers)]); got.Finished || got.Failure.Kind == "" {
			t.Errorf("%+v", got)
		}
	})
}

// What stands inside a protected record is no less a stranger's.
func FuzzTickets(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 1, 9})
	f.Fuzz(func(t *testing.T, body []byte) {
		c := &client{server: &wire.ServerHello{Suite: 0xC02F}}
		c.ticket12(body)
		requestContext(body)
		wire.ParseCertificateStatus(body)
		if got, err := wire.ParseNewSessionTicket(body); err == nil && len(got.Ticket) == 0 {
			t.Error("a ticket of nothing")
		}
	})
}
