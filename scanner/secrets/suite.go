// Package secrets is the arithmetic between a TLS key exchange and its records:
// transcripts, key schedules, Finished messages and record protection of TLS 1.2
// (AEAD suites) and TLS 1.3, from bytes to bytes.
//
// It opens no connection, parses no message and checks no certificate. It keeps
// secrets no longer than its values live but takes no care to wipe them: it is
// for probing and measuring one's own servers, not for carrying what matters.
package secrets

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// Suite is what a cipher suite means to a key schedule and to records.
type Suite struct {
	ID     uint16
	tls13  bool
	sha384 bool
	chacha bool
	key    int // bytes of an AEAD key
	ccm    int // bytes of a tag of CCM; 0 if it is another
}

// Lookup finds a suite; false if its records cannot be protected here.
func Lookup(id uint16) (Suite, bool) {
	for _, s := range suites {
		if s.ID == id {
			return s, true
		}
	}
	return Suite{}, false
}

// suites are those of TLS 1.3 (RFC 8446 §B.4), then the AEAD suites of TLS 1.2
// (RFC 5288, 5289, 7905) but CCM, whatever their key exchange.
var suites = [...]Suite{
	{ID: 0x1301, tls13: true, key: 16},
	{ID: 0x1302, tls13: true, key: 32, sha384: true},
	{ID: 0x1303, tls13: true, key: 32, chacha: true},
	{ID: 0x1304, tls13: true, key: 16, ccm: 16},
	{ID: 0x1305, tls13: true, key: 16, ccm: 8},
	{ID: 0xC02B, key: 16},
	{ID: 0xC02C, key: 32, sha384: true},
	{ID: 0xC02F, key: 16},
	{ID: 0xC030, key: 32, sha384: true},
	{ID: 0xCCA8, key: 32, chacha: true},
	{ID: 0xCCA9, key: 32, chacha: true},
	{ID: 0x009C, key: 16},
	{ID: 0x009D, key: 32, sha384: true},
	{ID: 0x009E, key: 16},
	{ID: 0x009F, key: 32, sha384: true},
	{ID: 0xCCAA, key: 32, chacha: true},
}

// TLS13 reports whether the suite is one of TLS 1.3.
func (s Suite) TLS13() bool { return s.tls13 }

// HashSize is the length of the suite's hash, and so of its secrets.
func (s Suite) HashSize() int {
	if s.sha384 {
		return sha512.Size384
	}
	return sha256.Size
}

func (s Suite) newHash() hash.Hash {
	if s.sha384 {
		return sha512.New384()
	}
	return sha256.New()
}

func (s Suite) aead(key []byte) (cipher.AEAD, error) {
	if s.chacha {
		return chacha20poly1305.New(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("record key: %w", err)
	}
	if s.ccm > 0 {
		return ccm{block, s.ccm}, nil
	}
	return cipher.NewGCM(block)
}

// fixedIV is how much of a record's nonce comes from the key schedule; in GCM of
// TLS 1.2 the other eight bytes travel with the record (RFC 5288 §3).
func (s Suite) fixedIV() int {
	if s.explicitNonce() {
		return 4
	}
	return nonceSize
}

func (s Suite) explicitNonce() bool { return !s.tls13 && !s.chacha }

const nonceSize = 12
