// SSLv2: its own hello and answer, which share nothing with later versions.

package wire

import (
	"encoding/binary"
	"fmt"
)

// V2Hello is a CLIENT-HELLO of SSLv2 (draft-hickman-netscape-ssl-00 §2.5) that
// offers cipher kinds of three bytes each.
func V2Hello(kinds []uint32, challenge [16]byte) []byte {
	var b builder
	b.vector(2, func(b *builder) {
		b.u8(1) // MSG-CLIENT-HELLO
		b.u16(SSL20)
		b.u16(uint16(3 * len(kinds)))
		b.u16(0) // no session id
		b.u16(uint16(len(challenge)))
		for _, k := range kinds {
			b.bytes([]byte{byte(k >> 16), byte(k >> 8), byte(k)})
		}
		b.bytes(challenge[:])
	})
	b[0] |= 0x80 // two-byte header, no padding
	return b
}

// V2ServerHello is a SERVER-HELLO of SSLv2 (§2.6): every cipher kind that the
// server shares with the client, and its certificate.
type V2ServerHello struct {
	Kinds       []uint32
	Certificate []byte
}

// ParseV2ServerHello reads the first record of an SSLv2 server from all bytes
// that arrived. It returns ErrMore while the record is not whole, and
// ErrNotTLS for bytes that are no SSLv2 answer (a TLS alert, say).
func ParseV2ServerHello(in []byte) (*V2ServerHello, error) {
	if len(in) < 3 {
		return nil, ErrMore
	}
	header, length := 2, int(binary.BigEndian.Uint16(in)&0x7FFF)
	if in[0]&0x80 == 0 { // three-byte header: fourteen bits of length, then padding
		header, length = 3, length&0x3FFF
	}
	if len(in) > header && in[header] != 4 {
		return nil, fmt.Errorf("%w: no SSLv2 SERVER-HELLO", ErrNotTLS)
	}
	if len(in) < header+length {
		return nil, ErrMore
	}
	r := reader{b: append([]byte(nil), in[header:header+length]...)}
	r.take(3) // type, session-id-hit, certificate type
	version := r.u16()
	certLen, kindsLen, idLen := int(r.u16()), int(r.u16()), int(r.u16())
	h := &V2ServerHello{Certificate: r.take(certLen)}
	kinds := r.take(kindsLen)
	r.take(idLen)
	if r.failed || version != SSL20 || kindsLen%3 != 0 {
		return nil, fmt.Errorf("%w: SSLv2 SERVER-HELLO", ErrMalformed)
	}
	for ; len(kinds) > 0; kinds = kinds[3:] {
		h.Kinds = append(h.Kinds, uint32(kinds[0])<<16|uint32(kinds[1])<<8|uint32(kinds[2]))
	}
	return h, nil
}
