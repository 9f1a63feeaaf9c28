// Key shares that cost the client next to nothing.

package client

import (
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/sha3"
	"errors"
	"fmt"
	"strings"
	"time"
)

// share is a client's share of a key exchange, and how it turns the server's
// answer into the shared secret. It is made before any clock starts and used for
// every handshake; it is safe for concurrent use.
type share struct {
	group  uint16
	public []byte
	// agree appends the shared secret to dst.
	agree func(dst, server []byte) ([]byte, error)
}

// ShareKind is how a lean client exchanges keys.
type ShareKind string

// The kinds. A unit share is a group's base point, as a private key of 1 would
// make it: the shared secret is then the server's own public share, which costs
// the client nothing and the server exactly what any client costs it. (For
// ML-KEM see unitKEM.) A reused share is an ordinary one that was made once: for
// servers that refuse unit shares.
const (
	UnitShares   ShareKind = "unit"
	ReusedShares ShareKind = "reused"
)

var errShare = errors.New("the server's key share has a wrong length or form")

// newShare makes a share. Of the unit keys of ML-KEM there are many: key is which.
func newShare(kind ShareKind, group uint16, key byte) (share, error) {
	switch group {
	case groupX25519, groupP256, groupP384, groupP521:
		return newECShare(kind, group)
	case groupX25519MLKEM768:
		return newHybrid(kind, group, groupX25519, key)
	case groupP256MLKEM768:
		return newHybrid(kind, group, groupP256, key)
	}
	return share{}, fmt.Errorf("the lean client cannot use the group %s; it can use %s: ask for one of them, or use --client stock",
		groupName(group), strings.Join(names(leanGroups(), groupName), ", "))
}

// hasKEM reports whether a group has a part of ML-KEM.
func hasKEM(group uint16) bool { return group == groupX25519MLKEM768 || group == groupP256MLKEM768 }

// holdFor is how long a ClientHello waits after its connect: as long as crypto/tls
// takes to make it and the keys for the shares that it brings, less what the lean
// client takes. On a usual processor crypto/tls takes 70 µs in TLS 1.2, and in TLS 1.3
// 90 with a key of P-256, 110 with one of X25519, 170 with X25519MLKEM768; the lean
// client takes 20, and a sleeper wakes some 30 late.
func holdFor(shares []share) time.Duration {
	hold := 20 * time.Microsecond
	for _, s := range shares {
		hold += keyTimes()[s.group]
	}
	return hold
}

// keyTimes are what a key of a group adds to that.
func keyTimes() map[uint16]time.Duration {
	return map[uint16]time.Duration{
		groupP256:           20 * time.Microsecond,
		groupX25519:         40 * time.Microsecond,
		groupP256MLKEM768:   80 * time.Microsecond,
		groupX25519MLKEM768: 100 * time.Microsecond,
		groupP384:           110 * time.Microsecond,
		groupP521:           310 * time.Microsecond,
	}
}

// leanGroups lists every group that newShare knows.
func leanGroups() []uint16 {
	return append(defaultGroups(), groupX25519MLKEM768, groupP256MLKEM768)
}

func newECShare(kind ShareKind, group uint16) (share, error) {
	curve, size := curveOf(group)
	if kind == UnitShares {
		return share{group, basePoint(group, size), unitAgree(group, size)}, nil
	}
	key, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		return share{}, fmt.Errorf("making a key share of %s: %w", groupName(group), err)
	}
	return share{group, key.PublicKey().Bytes(), ecdhAgree(curve, key)}, nil
}

// basePoint is a group's base point as a key share: an uncompressed point
// (SP 800-186 §3.2.1), of X25519 u = 9 (RFC 7748 §4.1).
func basePoint(group uint16, size int) []byte {
	if group == groupX25519 {
		return append([]byte{9}, make([]byte, size-1)...)
	}
	curve := map[uint16]elliptic.Curve{groupP256: elliptic.P256(), groupP384: elliptic.P384(), groupP521: elliptic.P521()}[group].Params()
	point := append([]byte{4}, make([]byte, 2*size)...)
	curve.Gx.FillBytes(point[1 : 1+size])
	curve.Gy.FillBytes(point[1+size:])
	return point
}

// curveOf gives a group's curve and the bytes of its shared secret.
func curveOf(group uint16) (ecdh.Curve, int) {
	switch group {
	case groupP256:
		return ecdh.P256(), 32
	case groupP384:
		return ecdh.P384(), 48
	case groupP521:
		return ecdh.P521(), 66
	}
	return ecdh.X25519(), 32
}

// unitAgree takes the shared secret from the server's share: u of X25519, x of an
// uncompressed point (RFC 8446 §7.4.2).
func unitAgree(group uint16, size int) func(dst, server []byte) ([]byte, error) {
	if group == groupX25519 {
		return func(dst, server []byte) ([]byte, error) {
			if len(server) != size {
				return nil, errShare
			}
			return append(dst, server...), nil
		}
	}
	return func(dst, server []byte) ([]byte, error) {
		if len(server) != 1+2*size || server[0] != 4 {
			return nil, errShare
		}
		return append(dst, server[1:1+size]...), nil
	}
}

func ecdhAgree(curve ecdh.Curve, key *ecdh.PrivateKey) func(dst, server []byte) ([]byte, error) {
	return func(dst, server []byte) ([]byte, error) {
		peer, err := curve.NewPublicKey(server)
		if err != nil {
			return nil, errShare
		}
		secret, err := key.ECDH(peer)
		if err != nil {
			return nil, errShare
		}
		return append(dst, secret...), nil
	}
}

// newHybrid joins a share of ML-KEM-768 with one of a curve: in X25519MLKEM768
// ML-KEM comes first, in SecP256r1MLKEM768 the curve (draft-ietf-tls-ecdhe-mlkem
// §3).
func newHybrid(kind ShareKind, group, curve uint16, key byte) (share, error) {
	kem, err := newKEM(kind, key)
	if err != nil {
		return share{}, fmt.Errorf("making a key share of %s: %w", groupName(group), err)
	}
	ec, err := newECShare(kind, curve)
	if err != nil {
		return share{}, err
	}
	if group == groupP256MLKEM768 {
		return concat(group, ec, kem, len(ec.public)), nil
	}
	return concat(group, kem, ec, mlkem.CiphertextSize768), nil
}

// concat joins two shares; the server's answer to the first has split bytes.
func concat(group uint16, a, b share, split int) share {
	return share{
		group:  group,
		public: append(append([]byte(nil), a.public...), b.public...),
		agree: func(dst, server []byte) ([]byte, error) {
			if len(server) < split {
				return nil, errShare
			}
			dst, err := a.agree(dst, server[:split])
			if err != nil {
				return nil, err
			}
			return b.agree(dst, server[split:])
		},
	}
}

func newKEM(kind ShareKind, number byte) (share, error) {
	if kind == UnitShares {
		return unitKEM(number), nil
	}
	key, err := mlkem.GenerateKey768()
	if err != nil {
		return share{}, err
	}
	return share{public: key.EncapsulationKey().Bytes(), agree: func(dst, server []byte) ([]byte, error) {
		secret, err := key.Decapsulate(server)
		if err != nil {
			return nil, errShare
		}
		return append(dst, secret...), nil
	}}, nil
}

// Sizes of ML-KEM-768 (FIPS 203 §8): its key is the vector t̂ and the seed ρ, its
// ciphertext u and v, where v has 256 coefficients of four bits.
const (
	kemT = 1152
	kemU = 960
	kemV = 128
)

// unitKEM is an ML-KEM-768 key whose vector t̂ is zero. Encapsulation adds t̂·y to
// the message, so here the message itself stands in v, each bit as 0 or q/2 with
// a little noise (FIPS 203, algorithm 14), and is read by rounding. The shared
// secret is the first half of SHA3-512(message ‖ SHA3-256(key)) (algorithm 17).
// Keys differ in ρ, which may be anything.
func unitKEM(key byte) share {
	public := make([]byte, mlkem.EncapsulationKeySize768)
	rho := sha3.Sum256([]byte{key})
	copy(public[kemT:], rho[:])
	sum := sha3.Sum256(public)
	return share{public: public, agree: func(dst, server []byte) ([]byte, error) {
		if len(server) != kemU+kemV {
			return nil, errShare
		}
		var in [64]byte
		for i, pair := range server[kemU:] {
			in[i/4] |= (bit(pair&15) | bit(pair>>4)<<1) << (i % 4 * 2)
		}
		copy(in[32:], sum[:])
		out := sha3.Sum512(in[:])
		return append(dst, out[:32]...), nil
	}}
}

// bit reads a coefficient that was compressed to four bits: 8 stands for q/2.
func bit(c byte) byte { return (c + 4) >> 3 & 1 }
