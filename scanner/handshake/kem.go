// KEMs: the post-quantum groups, by themselves and beside a curve.

package handshake

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"slices"

	"github.com/cloudflare/circl/kem/mlkem/mlkem512"

	"shakedown/scanner/wire"
)

// kem is our side of an encapsulation (FIPS 203).
type kem struct {
	public      []byte
	ciphertext  int // bytes
	decapsulate func(ciphertext []byte) ([]byte, error)
}

func newKEM512() (kem, error) {
	public, private, err := mlkem512.GenerateKeyPair(nil)
	if err != nil {
		return kem{}, err
	}
	packed := make([]byte, mlkem512.PublicKeySize)
	public.Pack(packed)
	return kem{packed, mlkem512.CiphertextSize, func(ciphertext []byte) ([]byte, error) {
		shared := make([]byte, mlkem512.SharedKeySize)
		private.DecapsulateTo(shared, ciphertext)
		return shared, nil
	}}, nil
}

func newKEM768() (kem, error) {
	private, err := mlkem.GenerateKey768()
	if err != nil {
		return kem{}, err
	}
	return kem{private.EncapsulationKey().Bytes(), mlkem.CiphertextSize768, private.Decapsulate}, nil
}

func newKEM1024() (kem, error) {
	private, err := mlkem.GenerateKey1024()
	if err != nil {
		return kem{}, err
	}
	return kem{private.EncapsulationKey().Bytes(), mlkem.CiphertextSize1024, private.Decapsulate}, nil
}

// newKEMKey is ML-KEM by itself (draft-ietf-tls-mlkem §4).
func newKEMKey(group uint16, generate func() (kem, error)) (*Key, error) {
	k, err := generate()
	if err != nil {
		return nil, err
	}
	return &Key{wire.KeyShare{Group: group, Data: k.public}, func(server []byte) ([]byte, error) {
		if len(server) != k.ciphertext {
			return nil, errShare
		}
		return k.decapsulate(server)
	}}, nil
}

// newHybridKey is ML-KEM beside a curve: what stands first in the share stands first
// in the secret too (draft-ietf-tls-ecdhe-mlkem §4).
func newHybridKey(group uint16, kemFirst bool, generate func() (kem, error), newCurve func() (*Key, error)) (*Key, error) {
	k, err := newKEMKey(group, generate)
	if err != nil {
		return nil, err
	}
	c, err := newCurve()
	if err != nil {
		return nil, err
	}
	first, second := c, k
	if kemFirst {
		first, second = k, c
	}
	return &Key{wire.KeyShare{Group: group, Data: slices.Concat(first.Share.Data, second.Share.Data)}, func(server []byte) ([]byte, error) {
		n := len(c.Share.Data) // as long as the server's
		if kemFirst {
			n = len(server) - n
		}
		if n < 0 || n > len(server) {
			return nil, errShare
		}
		one, err := first.agree(server[:n])
		if err != nil {
			return nil, err
		}
		other, err := second.agree(server[n:])
		return slices.Concat(one, other), err
	}}, nil
}

func newX25519() (*Key, error) { return newECKey(x25519, ecdh.X25519()) }
func newP256() (*Key, error)   { return newECKey(secp256r1, ecdh.P256()) }
func newP384() (*Key, error)   { return newECKey(secp384r1, ecdh.P384()) }
func newSM2() (*Key, error)    { return newCurveKey(curveSM2) }
