// Package handshake carries a TLS handshake past its hello. It opens the
// encrypted flight of a TLS 1.3 server, where certificates travel (Key, Flight);
// and it finishes whole handshakes over a connection that it is given (Finish),
// by our own hand where the session may be resumed, by zcrypto where suites are
// old. It judges no certificate.
package handshake

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/cloudflare/circl/dh/x448"

	"shakedown/scanner/wire"
)

// Groups that a Key can be of and that have a name here.
const (
	x25519         uint16 = 0x001D
	secp256r1      uint16 = 0x0017
	secp384r1      uint16 = 0x0018
	secp521r1      uint16 = 0x0019
	groupX448      uint16 = 0x001E
	curveSM2       uint16 = 0x0029
	ffdhe2048      uint16 = 0x0100
	ffdhe8192      uint16 = 0x0104
	x25519MLKEM768 uint16 = 0x11EC
)

// Groups lists the groups of TLS 1.3 that NewKey knows, most usual first.
func Groups() []uint16 {
	return []uint16{x25519, secp256r1, secp384r1, secp521r1, x25519MLKEM768, 0x11EB, 0x11ED, 0x0201, 0x0202, 0x0200, groupX448}
}

// SlowGroups lists further ones, that cost either side much or are computed slowly
// here: for servers that have none of Groups.
func SlowGroups() []uint16 {
	return []uint16{ffdhe2048, 0x001F, 0x0020, 0x0021, curveSM2, 0x11EE, 0x0101, 0x0102, 0x0103, ffdhe8192}
}

var errShare = errors.New("the server's key share does not fit its group")

// Key is our side of a key exchange.
type Key struct {
	Share wire.KeyShare
	agree func(server []byte) ([]byte, error)
}

// NewKey makes a key of a group: one of Groups, of SlowGroups or of TLS 1.2.
func NewKey(group uint16) (*Key, error) {
	switch group {
	case x25519:
		return onlyX25519()
	case secp256r1:
		return newP256()
	case secp384r1:
		return newP384()
	case secp521r1:
		return newECKey(group, ecdh.P521())
	case groupX448:
		return newX448()
	case x25519MLKEM768:
		return newHybridKey(group, true, newKEM768, newX25519)
	case 0x11EB: // SecP256r1MLKEM768
		return newHybridKey(group, false, newKEM768, newP256)
	case 0x11ED: // SecP384r1MLKEM1024
		return newHybridKey(group, false, newKEM1024, newP384)
	case 0x11EE: // curveSM2MLKEM768
		return newHybridKey(group, false, newKEM768, newSM2)
	case 0x0200:
		return newKEMKey(group, newKEM512)
	case 0x0201:
		return newKEMKey(group, newKEM768)
	case 0x0202:
		return newKEMKey(group, newKEM1024)
	case 0x001A, 0x001B, 0x001C, 0x001F, 0x0020, 0x0021, curveSM2: // Brainpool's in TLS 1.2 and 1.3
		return newCurveKey(group)
	}
	if group >= ffdhe2048 && group <= ffdhe8192 {
		return newFiniteKey(group)
	}
	return nil, fmt.Errorf("no key exchange of group %s here", wire.ID(group))
}

// onlyX25519 is the key of nearly every exchange. What a scan says is no secret, so
// that one is enough for a process: it costs as much to make as a connection.
var onlyX25519 = sync.OnceValues(newX25519)

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

func newX448() (*Key, error) {
	var private, public x448.Key
	if _, err := rand.Read(private[:]); err != nil {
		return nil, err
	}
	x448.KeyGen(&public, &private)
	return &Key{wire.KeyShare{Group: groupX448, Data: public[:]}, func(server []byte) ([]byte, error) {
		var theirs, shared x448.Key
		if len(server) != copy(theirs[:], server) || len(server) != len(theirs) || !x448.Shared(&shared, &private, &theirs) {
			return nil, errShare
		}
		return shared[:], nil
	}}, nil
}
