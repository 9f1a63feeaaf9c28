// Half: the protection of one side's records.

package secrets

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
)

// Half protects the records of one side, in their order.
type Half struct {
	suite Suite
	aead  cipher.AEAD
	iv    [nonceSize]byte
	nonce [nonceSize]byte
	aad   [13]byte
	seq   uint64
}

func (h *Half) set(s Suite, key, iv []byte) (err error) {
	h.suite, h.seq = s, 0
	copy(h.iv[:], iv)
	h.aead, err = s.aead(key)
	return err
}

const (
	headerSize      = 5
	tagSize         = 16
	explicitSize    = 8
	applicationData = 23
	// maxPlaintext bounds what a record may hold (RFC 8446 §5.1).
	maxPlaintext = 1 << 14
)

// What may be wrong with a protected record.
var (
	ErrRecord   = errors.New("a record does not decrypt")
	ErrOverflow = errors.New("a record holds more than a record may")
)

// Seal appends a whole record with its header to dst. plaintext must be no longer
// than 2^14 bytes and must not overlap dst's tail.
func (h *Half) Seal(dst []byte, contentType byte, plaintext []byte) []byte {
	if h.suite.tls13 {
		return h.seal13(dst, contentType, plaintext)
	}
	at := len(dst)
	dst = append(dst, contentType, 3, 3, 0, 0)
	if h.suite.explicitNonce() {
		dst = binary.BigEndian.AppendUint64(dst, h.seq)
	}
	dst = h.aead.Seal(dst, h.nextNonce(h.seq), plaintext, h.aad12(contentType, len(plaintext)))
	binary.BigEndian.PutUint16(dst[at+3:], uint16(len(dst)-at-headerSize))
	h.seq++
	return dst
}

// seal13 hides the content type behind the plaintext (RFC 8446 §5.2).
func (h *Half) seal13(dst []byte, contentType byte, plaintext []byte) []byte {
	at := len(dst)
	n := len(plaintext) + 1 + h.aead.Overhead()
	dst = append(dst, applicationData, 3, 3, byte(n>>8), byte(n))
	dst = append(dst, plaintext...)
	dst = append(dst, contentType)
	body := dst[at+headerSize:]
	copy(h.aad[:headerSize], dst[at:])
	sealed := h.aead.Seal(body[:0], h.nextNonce(h.seq), body, h.aad[:headerSize])
	h.seq++
	return append(dst[:at+headerSize], sealed...)
}

// Open decrypts a whole record, header included, in its own memory, and returns
// its content type and plaintext.
func (h *Half) Open(record []byte) (contentType byte, plaintext []byte, err error) {
	if len(record) < headerSize {
		return 0, nil, ErrRecord
	}
	if h.suite.tls13 {
		return h.open13(record)
	}
	contentType, body := record[0], record[headerSize:]
	seq := h.seq
	if h.suite.explicitNonce() {
		if len(body) < explicitSize {
			return 0, nil, ErrRecord
		}
		seq, body = binary.BigEndian.Uint64(body), body[explicitSize:]
	}
	if len(body) < tagSize {
		return 0, nil, ErrRecord
	}
	plaintext, err = h.aead.Open(body[:0], h.nextNonce(seq), body, h.aad12(contentType, len(body)-tagSize))
	if err != nil {
		return 0, nil, ErrRecord
	}
	h.seq++
	if len(plaintext) > maxPlaintext {
		return 0, nil, ErrOverflow
	}
	return contentType, plaintext, nil
}

// open13 finds the content type behind the plaintext and its padding
// (RFC 8446 §5.4).
func (h *Half) open13(record []byte) (byte, []byte, error) {
	body := record[headerSize:]
	if record[0] != applicationData || len(body) <= h.aead.Overhead() {
		return 0, nil, ErrRecord
	}
	copy(h.aad[:headerSize], record)
	b, err := h.aead.Open(body[:0], h.nextNonce(h.seq), body, h.aad[:headerSize])
	if err != nil {
		return 0, nil, ErrRecord
	}
	h.seq++
	n := len(b)
	for n > 0 && b[n-1] == 0 {
		n--
	}
	switch {
	case n == 0:
		return 0, nil, ErrRecord
	case n-1 > maxPlaintext:
		return 0, nil, ErrOverflow
	}
	return b[n-1], b[:n-1], nil
}

// nextNonce is the nonce of a record: TLS 1.3 and ChaCha20 xor the sequence
// number into the IV (RFC 8446 §5.3, RFC 7905 §2); GCM of TLS 1.2 puts the
// explicit part, for which we too send the sequence number, behind the salt.
func (h *Half) nextNonce(seq uint64) []byte {
	h.nonce = h.iv
	tail := h.nonce[nonceSize-8:]
	if h.suite.explicitNonce() {
		binary.BigEndian.PutUint64(tail, seq)
	} else {
		binary.BigEndian.PutUint64(tail, binary.BigEndian.Uint64(tail)^seq)
	}
	return h.nonce[:]
}

// aad12 is the additional data of TLS 1.2 (RFC 5246 §6.2.3.3).
func (h *Half) aad12(contentType byte, n int) []byte {
	binary.BigEndian.PutUint64(h.aad[:], h.seq)
	h.aad[8], h.aad[9], h.aad[10] = contentType, 3, 3
	h.aad[11], h.aad[12] = byte(n>>8), byte(n)
	return h.aad[:]
}
