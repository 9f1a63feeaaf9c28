package calibrate

import (
	"encoding/binary"
	"testing"
	"time"

	"shakedown/bench/client"
)

const (
	serverPort = 443
	clientPort = 50000
)

// segment is an IPv4 packet with a TCP segment.
func segment(from, to uint16, flags byte, payload ...byte) []byte {
	b := make([]byte, 40, 40+len(payload))
	b[0], b[9] = 0x45, 6
	binary.BigEndian.PutUint16(b[2:], uint16(40+len(payload)))
	binary.BigEndian.PutUint16(b[20:], from)
	binary.BigEndian.PutUint16(b[22:], to)
	b[32], b[33] = 5<<4, flags
	return append(b, payload...)
}

// record is a TLS record.
func record(kind byte, body ...byte) []byte {
	return append([]byte{kind, 3, 3, byte(len(body) >> 8), byte(len(body))}, body...)
}

// hello is a ClientHello as far as it matters here.
func hello(token byte) []byte {
	body := make([]byte, 60)
	body[0] = 1
	body[6] = token
	return record(22, body...)
}

// serverHello chooses a version by extension, as TLS 1.3 does, or not.
func serverHello(tls13 bool) []byte {
	body := append([]byte{3, 3}, make([]byte, 32)...)
	body = append(body, 0, 0x13, 0x01, 0)
	if tls13 {
		body = append(body, 0, 6, 0, 43, 0, 2, 3, 4)
	}
	return record(22, append([]byte{2, 0, 0, byte(len(body))}, body...)...)
}

// handshake feeds the packets of a connection, 10 µs apart.
func (s *flows) handshake(packets ...[]byte) {
	for i, p := range packets {
		s.packet(p, time.Duration(i+1)*10*time.Microsecond)
	}
}

func up(flags byte, payload ...byte) []byte {
	return segment(clientPort, serverPort, flags, payload...)
}
func down(flags byte, payload ...byte) []byte {
	return segment(serverPort, clientPort, flags, payload...)
}

func TestFlows(t *testing.T) {
	secret, change := record(23, 1, 2, 3), record(20, 1)
	for _, c := range []struct {
		name    string
		packets [][]byte
		want    [3]time.Duration // connect, server_hello, handshake
	}{
		{"TLS 1.3", [][]byte{
			up(2), down(18), up(16), up(24, hello(1)...), down(16), down(24, append(serverHello(true), secret...)...), up(16),
			up(24, append(change, secret...)...), up(24, secret...), up(17),
		}, [3]time.Duration{10, 20, 40}},
		{"TLS 1.2", [][]byte{
			up(2), down(18), up(16), up(24, hello(1)...), down(24, serverHello(false)...), up(24, append(record(22, 16, 0, 0, 0), change...)...),
			down(16), down(24, append(change, record(22, 1)...)...), down(24, change...),
		}, [3]time.Duration{10, 10, 40}},
		{"a SYN that is sent again", [][]byte{
			up(2), up(2), down(18), up(16), up(24, hello(1)...), down(24, serverHello(true)...), up(24, secret...),
		}, [3]time.Duration{20, 10, 20}},
		{"a port that is used again", [][]byte{
			up(2), down(18), up(24, hello(2)...), up(17), up(2), down(18), up(24, hello(1)...), down(24, serverHello(true)...), up(24, secret...),
		}, [3]time.Duration{10, 10, 20}},
	} {
		s := newFlows(serverPort)
		s.handshake(c.packets...)
		// A client that reports nothing is off by what passed on the wire.
		d := s.compare([]client.Sample{{Token: client.Token(hello(1))}})
		for i, phase := range wirePhases() {
			if got := d.by[phase]; len(got) != 1 || got[0] != -float64(c.want[i]) {
				t.Errorf("%s: %s %v, want %d µs on the wire", c.name, phase, got, c.want[i])
			}
		}
	}
}

// A handshake of which a part was not captured is missing, not zero.
func TestFlowsIncomplete(t *testing.T) {
	s := newFlows(serverPort)
	s.handshake(up(2), down(18), up(24, hello(1)...), down(24, serverHello(true)...))
	d := s.compare([]client.Sample{{Token: client.Token(hello(1))}, {Token: client.Token(hello(7))}})
	if d.missing != 2 || len(d.by) != 0 {
		t.Errorf("%+v, want two that are missing", d)
	}
	if tooFew(d, "connect") == nil {
		t.Error("nothing was captured, and that is enough")
	}
}

func FuzzFlows(f *testing.F) {
	f.Add(up(2), down(18), up(24, hello(1)...), down(24, serverHello(true)...))
	f.Add([]byte{}, []byte{0x45}, up(24, 22, 3, 3, 255, 255), down(24, record(22, 2, 0, 0, 1, 0)...))
	f.Fuzz(func(t *testing.T, a, b, c, d []byte) {
		s := newFlows(serverPort)
		s.handshake(a, b, c, d)
		if len(s.done) > 4 || len(s.open) > 4 {
			t.Errorf("%d and %d flows of four packets", len(s.open), len(s.done))
		}
	})
}
