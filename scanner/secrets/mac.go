// HMAC, HKDF-Expand-Label and the TLS 1.2 PRF over one pair of hashes that is
// used again and again: a load client derives a dozen secrets per handshake, and
// crypto/hmac would allocate both hashes for each.

package secrets

import (
	"encoding/binary"
	"hash"
)

// mac computes HMACs (RFC 2104). It keeps its two hashes and its buffers from
// one computation to the next.
type mac struct {
	inner, outer hash.Hash
	pad          [128]byte // as long as the longer block, SHA-384's
	sum          [64]byte
	a            [64]byte
	label        [maxLabel]byte
}

func newMAC(s Suite) *mac { return &mac{inner: s.newHash(), outer: s.newHash()} }

// start keys both hashes. No TLS key is longer than a hash block but a TLS 1.2
// premaster secret of a large group may be: then its hash is the key.
func (m *mac) start(key []byte) {
	size := m.inner.BlockSize()
	pad := m.pad[:size]
	if len(key) > size {
		m.inner.Reset()
		m.inner.Write(key)
		key = m.inner.Sum(m.sum[:0])
	}
	n := copy(pad, key)
	clear(pad[n:])
	for i := range pad {
		pad[i] ^= 0x36
	}
	m.inner.Reset()
	m.inner.Write(pad)
	for i := range pad {
		pad[i] ^= 0x36 ^ 0x5c
	}
	m.outer.Reset()
	m.outer.Write(pad)
}

// finish appends the HMAC of what was written to inner since start.
func (m *mac) finish(dst []byte) []byte {
	m.outer.Write(m.inner.Sum(m.sum[:0]))
	return m.outer.Sum(dst)
}

// mac appends HMAC(key, data) to dst.
func (m *mac) mac(dst, key, data []byte) []byte {
	m.start(key)
	m.inner.Write(data)
	return m.finish(dst)
}

// maxLabel holds an HkdfLabel: the longest label and a hash as context.
const maxLabel = 2 + 1 + 32 + 1 + 64 + 1

// expandLabel appends HKDF-Expand-Label(secret, label, context, n) to dst
// (RFC 8446 §7.1). Nothing that TLS 1.3 derives is longer than its hash, so
// HKDF-Expand is one HMAC (RFC 5869 §2.3).
func (m *mac) expandLabel(dst, secret []byte, label string, context []byte, n int) []byte {
	if n > m.inner.Size() {
		panic("secrets: a TLS 1.3 secret longer than its hash")
	}
	b := binary.BigEndian.AppendUint16(m.label[:0], uint16(n))
	b = append(b, byte(len("tls13 ")+len(label)))
	b = append(b, "tls13 "...)
	b = append(b, label...)
	b = append(b, byte(len(context)))
	b = append(b, context...)
	b = append(b, 1) // the first and only block of HKDF-Expand
	at := len(dst)
	return m.mac(dst, secret, b)[:at+n]
}

// prf appends n bytes of the TLS 1.2 PRF (RFC 5246 §5) to dst.
func (m *mac) prf(dst, secret []byte, label string, seed []byte, n int) []byte {
	m.start(secret)
	m.seed(label, seed)
	a := m.finish(m.a[:0]) // A(1)
	end := len(dst) + n
	for len(dst) < end {
		m.start(secret)
		m.inner.Write(a)
		m.seed(label, seed)
		if dst = m.finish(dst); len(dst) < end {
			a = m.mac(m.a[:0], secret, a)
		}
	}
	return dst[:end]
}

// seed writes label and seed; the label goes by way of a buffer that is ours, as
// what a hash.Hash is given would be moved to the heap.
func (m *mac) seed(label string, seed []byte) {
	m.inner.Write(append(m.label[:0], label...))
	m.inner.Write(seed)
}
