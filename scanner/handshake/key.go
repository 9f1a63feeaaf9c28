// Package handshake carries a TLS handshake past its hello. It opens the
// encrypted flight of a TLS 1.3 server, where certificates travel (Key, Flight);
// and it finishes whole handshakes over a connection that it is given (Finish),
// by our own hand where the session may be resumed, by zcrypto where suites are
// old. It judges no certificate.
package handshake

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"

	"shakedown/scanner/wire"
)

// The groups that a Key can be of, most usual first.
const (
	x25519         uint16 = 0x001D
	secp256r1      uint16 = 0x0017
	secp384r1      uint16 = 0x0018
	secp521r1      uint16 = 0x0019
	x25519MLKEM768 uint16 = 0x11EC
)

// Groups lists the groups that NewKey knows, most usual first.
func Groups() []uint16 { return []uint16{x25519, secp256r1, secp384r1, secp521r1, x25519MLKEM768} }

var errShare = errors.New("the server's key share does not fit its group")

// Key is our side of a key exchange.
type Key struct {
	Share wire.KeyShare
	agree func(server []byte) ([]byte, error)
}

// NewKey makes a key of one of Groups.
func NewKey(group uint16) (*Key, error) {
	switch group {
	case x25519:
		return onlyX25519()
	case secp256r1:
		return newECKey(group, ecdh.P256())
	case secp384r1:
		return newECKey(group, ecdh.P384())
	case secp521r1:
		return newECKey(group, ecdh.P521())
	case x25519MLKEM768:
		return newHybridKey()
	}
	return nil, fmt.Errorf("no key exchange of group %s here", wire.ID(group))
}

// onlyX25519 is the key of nearly every exchange. What a scan says is no secret, so
// that one is enough for a process: it costs as much to make as a connection.
var onlyX25519 = sync.OnceValues(func() (*Key, error) { return newECKey(x25519, ecdh.X25519()) })

func newECKey(group uint16, curve ecdh.Curve) (*Key, error) {
	private, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return &Key{wire.KeyShare{Group: group, Data: private.PublicKey().Bytes()}, func(server []byte) ([]byte, error) {
		public, err := curve.NewPublicKey(server)
		if err != nil {
			return nil, errShare
		}
		return private.ECDH(public)
	}}, nil
}

// newHybridKey is X25519MLKEM768: the ML-KEM part stands first
// (draft-ietf-tls-ecdhe-mlkem §4).
func newHybridKey() (*Key, error) {
	private, err := mlkem.GenerateKey768()
	if err != nil {
		return nil, err
	}
	curve, err := newECKey(x25519, ecdh.X25519())
	if err != nil {
		return nil, err
	}
	public := slices.Concat(private.EncapsulationKey().Bytes(), curve.Share.Data)
	return &Key{wire.KeyShare{Group: x25519MLKEM768, Data: public}, func(server []byte) ([]byte, error) {
		if len(server) != mlkem.CiphertextSize768+32 {
			return nil, errShare
		}
		first, err := private.Decapsulate(server[:mlkem.CiphertextSize768])
		if err != nil {
			return nil, errShare
		}
		second, err := curve.agree(server[mlkem.CiphertextSize768:])
		return slices.Concat(first, second), err
	}}, nil
}
