// CCM: AES in counter mode with a CBC-MAC, as TLS 1.3 uses it (RFC 5116 §5.3, RFC
// 6655 §4, RFC 3610). The standard library does not have it.

package secrets

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// ccm is the AEAD with nonces of twelve bytes and data of less than 0xFF00.
type ccm struct {
	block cipher.Block
	tag   int // bytes
}

const (
	ccmBlock  = 16
	ccmLength = 15 - nonceSize // bytes of a message's length, and of a block's number
)

func (c ccm) NonceSize() int { return nonceSize }
func (c ccm) Overhead() int  { return c.tag }

func (c ccm) Seal(dst, nonce, plaintext, data []byte) []byte {
	mac := c.mac(nonce, plaintext, data)
	stream := c.stream(nonce)
	stream.XORKeyStream(mac[:], mac[:])
	at := len(dst)
	dst = append(dst, plaintext...)
	stream.XORKeyStream(dst[at:], dst[at:])
	return append(dst, mac[:c.tag]...)
}

func (c ccm) Open(dst, nonce, ciphertext, data []byte) ([]byte, error) {
	n := len(ciphertext) - c.tag
	if n < 0 {
		return nil, ErrRecord
	}
	var sealed [ccmBlock]byte
	copy(sealed[:], ciphertext[n:])
	stream := c.stream(nonce)
	stream.XORKeyStream(sealed[:], sealed[:])
	at := len(dst)
	dst = append(dst, ciphertext[:n]...)
	stream.XORKeyStream(dst[at:], dst[at:])
	mac := c.mac(nonce, dst[at:], data)
	if subtle.ConstantTimeCompare(mac[:c.tag], sealed[:c.tag]) == 0 {
		return nil, ErrRecord
	}
	return dst, nil
}

// stream begins with the block that hides the MAC; the message's follow.
func (c ccm) stream(nonce []byte) cipher.Stream {
	first := [ccmBlock]byte{ccmLength - 1}
	copy(first[1:], nonce)
	return cipher.NewCTR(c.block, first[:])
}

// mac is over the lengths, the data and the message, each filled up to a block.
func (c ccm) mac(nonce, message, data []byte) (sum [ccmBlock]byte) {
	binary.BigEndian.PutUint32(sum[ccmBlock-4:], uint32(len(message)))
	copy(sum[1:], nonce)
	sum[0] = byte((c.tag-2)/2<<3 | ccmLength - 1)
	if len(data) > 0 {
		sum[0] |= 1 << 6
	}
	c.block.Encrypt(sum[:], sum[:])
	if len(data) > 0 {
		c.absorb(&sum, append(binary.BigEndian.AppendUint16(nil, uint16(len(data))), data...))
	}
	c.absorb(&sum, message)
	return sum
}

func (c ccm) absorb(sum *[ccmBlock]byte, b []byte) {
	for len(b) > 0 {
		n := subtle.XORBytes(sum[:], sum[:], b[:min(len(b), ccmBlock)])
		c.block.Encrypt(sum[:], sum[:])
		b = b[n:]
	}
}
