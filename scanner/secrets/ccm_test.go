package secrets

import (
	"bytes"
	"crypto/aes"
	"testing"
)

// Example 3 of NIST SP 800-38C, which has nonces of this length.
func TestCCM(t *testing.T) {
	count := func(from, n int) (b []byte) {
		for i := range n {
			b = append(b, byte(from+i))
		}
		return b
	}
	block, err := aes.NewCipher(count(0x40, 16))
	must(t, err)
	aead, nonce, data := ccm{block, 8}, count(0x10, 12), count(0, 20)
	want := unhex(t, "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951")
	if got := aead.Seal(nil, nonce, count(0x20, 24), data); !bytes.Equal(got, want) {
		t.Errorf("sealed as %x, not %x", got, want)
	}
	if got, err := aead.Open(nil, nonce, want, data); err != nil || !bytes.Equal(got, count(0x20, 24)) {
		t.Errorf("opened as %x, %v", got, err)
	}
	for i := range want {
		if got, err := aead.Open(nil, nonce, flip(want, i), data); err == nil || got != nil {
			t.Errorf("byte %d changed: opened as %x", i, got)
		}
	}
	if _, err := aead.Open(nil, nonce, want[:7], data); err == nil {
		t.Error("less than a tag was opened")
	}
}

// Records of every suite of TLS 1.3 come out as they went in, in their own memory.
func TestRecordsOfEverySuite(t *testing.T) {
	for _, s := range suites {
		if !s.TLS13() {
			continue
		}
		var one, other Half
		must(t, one.set(s, make([]byte, s.key), make([]byte, nonceSize)))
		must(t, other.set(s, make([]byte, s.key), make([]byte, nonceSize)))
		for _, n := range []int{0, 1, 15, 16, 17, maxPlaintext} {
			typ, got, err := other.Open(one.Seal(nil, 22, bytes.Repeat([]byte{7}, n)))
			if err != nil || typ != 22 || len(got) != n {
				t.Errorf("%#x: %d bytes came out as %d of type %d, %v", s.ID, n, len(got), typ, err)
			}
		}
	}
}
