// What resumes a session of TLS 1.3: the pre_shared_key extension and the
// tickets that it offers.

package wire

import (
	"encoding/binary"
	"fmt"
)

const (
	extPreSharedKey uint16 = 41
	extEarlyData    uint16 = 42
)

// PreSharedKey offers one ticket, with zeros for a binder of n bytes: it must be
// the hello's last extension, so that the binder is the hello's end
// (RFC 8446 §4.2.11).
func PreSharedKey(ticket []byte, age uint32, n int) Extension {
	return extension(extPreSharedKey, func(b *builder) {
		b.vector(2, func(b *builder) {
			b.vector(2, func(b *builder) { b.bytes(ticket) })
			*b = binary.BigEndian.AppendUint32(*b, age)
		})
		b.vector(2, func(b *builder) {
			b.vector(1, func(b *builder) { b.bytes(make([]byte, n)) })
		})
	})
}

// PreSharedKey is which of the offered tickets the server resumes.
func (h *ServerHello) PreSharedKey() (index uint16, ok bool) {
	b, ok := h.extension(extPreSharedKey)
	r := reader{b: b}
	index = r.u16()
	return index, ok && !r.failed
}

// NewSessionTicket is a ticket of TLS 1.3 (RFC 8446 §4.6.1).
type NewSessionTicket struct {
	Lifetime, AgeAdd uint32
	Nonce, Ticket    []byte
	MaxEarlyData     uint32 // 0 where early data is not offered
}

// ParseNewSessionTicket reads the body of a NewSessionTicket of TLS 1.3.
func ParseNewSessionTicket(body []byte) (*NewSessionTicket, error) {
	r := reader{b: append([]byte(nil), body...)}
	t := &NewSessionTicket{Lifetime: r.u32(), AgeAdd: r.u32(), Nonce: r.vector(1), Ticket: r.vector(2)}
	if early, ok := find(r.extensions(), extEarlyData); ok {
		max := reader{b: early}
		t.MaxEarlyData = max.u32()
		r.failed = r.failed || max.failed
	}
	if r.failed || len(r.b) > 0 || len(t.Ticket) == 0 {
		return nil, fmt.Errorf("%w: NewSessionTicket of %d bytes", ErrMalformed, len(body))
	}
	return t, nil
}

func (r *reader) u32() uint32 { return uint32(r.u16())<<16 | uint32(r.u16()) }
