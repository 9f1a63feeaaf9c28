// Flows: when, on the wire, the connections to a server passed which point. From
// bytes and instants; it does no I/O.

package calibrate

import (
	"encoding/binary"
	"time"

	"shakedown/bench/client"
	"shakedown/scanner/wire"
)

// flow is one connection's instants on the wire, by the wall clock; 0 is a point
// that was not seen.
type flow struct {
	syn, synack time.Duration
	hello       time.Duration // first ClientHello
	serverHello time.Duration // final ServerHello
	changed     time.Duration // the client's ChangeCipherSpec in TLS 1.2
	done        time.Duration // the handshake is complete at the client
	token       uint64
	tls13       bool
}

// flows are the connections of one server's port.
type flows struct {
	port uint16
	open map[uint16]*flow // by the client's port
	done map[uint64]*flow // by token
}

// maxFlows bounds what is kept: a calibration makes some thousands.
const maxFlows = 1 << 18

func newFlows(port uint16) *flows {
	return &flows{port: port, open: map[uint16]*flow{}, done: map[uint64]*flow{}}
}

const (
	flagSYN = 2
	flagACK = 16
)

// packet takes one IPv4 packet, perhaps cut off at its end. What is not as it
// should be is passed over.
func (s *flows) packet(b []byte, at time.Duration) {
	if len(b) < 20 || b[0]>>4 != 4 || b[9] != 6 {
		return
	}
	ip := int(b[0]&15) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if ip < 20 || len(b) < ip+20 {
		return
	}
	tcp := b[ip:]
	from, to, flags := binary.BigEndian.Uint16(tcp), binary.BigEndian.Uint16(tcp[2:]), tcp[13]
	head := int(tcp[12]>>4) * 4
	if head < 20 || len(tcp) < head {
		return
	}
	payload := tcp[head:]
	if n := total - ip - head; total != 0 && n >= 0 && n < len(payload) {
		payload = payload[:n]
	}
	if from == s.port {
		s.toClient(to, flags, payload, at)
	} else if to == s.port {
		s.toServer(from, flags, payload, at)
	}
}

func (s *flows) toServer(port uint16, flags byte, payload []byte, at time.Duration) {
	if flags&(flagSYN|flagACK) == flagSYN {
		if old := s.open[port]; (old == nil || old.synack != 0) && len(s.done) < maxFlows {
			s.open[port] = &flow{syn: at} // one that is sent again counts from the first
		}
		return
	}
	f := s.open[port]
	switch {
	case f == nil || len(payload) == 0:
	case f.hello == 0:
		f.hello, f.token = at, client.Token(payload)
		s.done[f.token] = f
	case f.serverHello == 0: // a second ClientHello
	case f.tls13 && f.done == 0 && has(payload, wire.ApplicationData):
		f.done = at
	case !f.tls13 && f.changed == 0 && has(payload, wire.ChangeCipherSpec):
		f.changed = at
	}
}

func (s *flows) toClient(port uint16, flags byte, payload []byte, at time.Duration) {
	f := s.open[port]
	switch {
	case f == nil:
	case flags&flagSYN != 0:
		if f.synack == 0 {
			f.synack = at
		}
	case len(payload) == 0 || f.hello == 0:
	case f.serverHello == 0:
		f.answer(payload, at)
	case f.changed != 0 && f.done == 0 && has(payload, wire.ChangeCipherSpec):
		f.done = at
	}
}

// answer looks for the final ServerHello.
func (f *flow) answer(payload []byte, at time.Duration) {
	var p wire.Parser
	p.Feed(payload)
	m, err := p.Next()
	if err != nil || m.Record != wire.Handshake || m.Handshake != wire.ServerHelloType {
		return
	}
	if h, err := wire.ParseServerHello(m.Body); err == nil && !h.IsRetry() {
		f.serverHello, f.tls13 = at, h.Selected() == wire.TLS13
	}
}

// has reports whether a segment that begins with a record has one of a type.
func has(payload []byte, kind wire.ContentType) bool {
	for len(payload) >= 5 {
		if payload[0] == byte(kind) {
			return true
		}
		n := 5 + int(binary.BigEndian.Uint16(payload[3:]))
		if n > len(payload) {
			return false
		}
		payload = payload[n:]
	}
	return false
}
