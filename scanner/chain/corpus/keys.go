// Keys from a seed. The standard library makes none from a given source any
// more, for good reasons that do not hold for keys which protect nothing.

package corpus

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"
	"math/rand/v2"
)

// key signs, and is written into certificates as spki.
type key struct {
	signer crypto.Signer
	spki   []byte
}

func keyOf(signer crypto.Signer) *key {
	spki, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		panic(fmt.Sprintf("corpus: a key that cannot be written: %v", err))
	}
	return &key{signer, spki}
}

func ecKey(source *rand.ChaCha8, curve elliptic.Curve) *key {
	for {
		scalar := make([]byte, (curve.Params().BitSize+7)/8)
		source.Read(scalar)
		if curve == elliptic.P521() {
			scalar[0] &= 1
		}
		if k, err := ecdsa.ParseRawPrivateKey(curve, scalar); err == nil {
			return keyOf(k)
		}
	}
}

func edKey(source *rand.ChaCha8) *key {
	seed := make([]byte, ed25519.SeedSize)
	source.Read(seed)
	return keyOf(ed25519.NewKeyFromSeed(seed))
}

// rsaKey has a modulus of just these bits.
func rsaKey(source *rand.ChaCha8, bits int) *key {
	const e = 65537
	one := big.NewInt(1)
	for {
		p, q := prime(source, (bits+1)/2), prime(source, bits/2)
		n := new(big.Int).Mul(p, q)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(big.NewInt(e), phi)
		if n.BitLen() != bits || d == nil || p.Cmp(q) == 0 {
			continue
		}
		k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: e}, D: d, Primes: []*big.Int{p, q}}
		k.Precompute()
		return keyOf(k)
	}
}

// prime has its two highest bits set, so that two make a modulus of full size.
func prime(source *rand.ChaCha8, bits int) *big.Int {
	raw := make([]byte, (bits+7)/8)
	for {
		source.Read(raw)
		p := new(big.Int).SetBytes(raw)
		p.Rsh(p, uint(len(raw)*8-bits))
		p.SetBit(p, bits-1, 1).SetBit(p, bits-2, 1).SetBit(p, 0, 1)
		if p.ProbablyPrime(0) {
			return p
		}
	}
}
