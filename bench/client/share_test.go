package client

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"testing"
	"time"

	"shakedown/scanner/wire"
)

// A server's key exchange with a share gives what the share's owner gets, for
// every group and both kinds. Unit shares of ML-KEM read a message out of noise:
// that is tried often.
func TestShares(t *testing.T) {
	for _, kind := range []ShareKind{UnitShares, ReusedShares} {
		for _, group := range leanGroups() {
			s, err := newShare(kind, group, 0)
			if err != nil {
				t.Fatal(err)
			}
			n := 5
			if group == groupX25519MLKEM768 && kind == UnitShares {
				n = 1000
			}
			for range n {
				answer, want := serverSide(t, group, s.public)
				got, err := s.agree([]byte("before"), answer)
				if err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
					t.Fatalf("%s %s: got %x, %v, want %x after what was there", kind, groupName(group), got, err, want)
				}
			}
			answer, _ := serverSide(t, group, s.public)
			for _, bad := range [][]byte{nil, answer[:1], answer[1:], append(bytes.Clone(answer), 0)} {
				if _, err := s.agree(nil, bad); err == nil {
					t.Errorf("%s %s: an answer of %d bytes passes for one of %d", kind, groupName(group), len(bad), len(answer))
				}
			}
		}
	}
}

// serverSide is what a server makes of a client's share: its answer and the
// shared secret (RFC 8446 §7.4.2, draft-ietf-tls-ecdhe-mlkem §3).
func serverSide(t *testing.T, group uint16, public []byte) (answer, secret []byte) {
	t.Helper()
	switch group {
	case groupX25519MLKEM768:
		n := mlkem.EncapsulationKeySize768
		kem, kemSecret := encapsulate(t, public[:n])
		ec, ecSecret := serverSide(t, groupX25519, public[n:])
		return append(kem, ec...), append(kemSecret, ecSecret...)
	case groupP256MLKEM768:
		ec, ecSecret := serverSide(t, groupP256, public[:65])
		kem, kemSecret := encapsulate(t, public[65:])
		return append(ec, kem...), append(ecSecret, kemSecret...)
	}
	curve, _ := curveOf(group)
	key, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := curve.NewPublicKey(public)
	if err != nil {
		t.Fatalf("%s: the share is no public key: %v", groupName(group), err)
	}
	secret, err = key.ECDH(peer)
	if err != nil {
		t.Fatalf("%s: %v", groupName(group), err)
	}
	return key.PublicKey().Bytes(), secret
}

func encapsulate(t *testing.T, public []byte) (ciphertext, secret []byte) {
	key, err := mlkem.NewEncapsulationKey768(public)
	if err != nil {
		t.Fatalf("ML-KEM: the share is no key: %v", err)
	}
	secret, ciphertext = key.Encapsulate()
	return ciphertext, secret
}

// A unit share is the base point: what a private key of 1 would have.
func TestUnitShareIsBasePoint(t *testing.T) {
	for _, group := range []uint16{groupP256, groupP384, groupP521} {
		s, err := newShare(UnitShares, group, 0)
		if err != nil {
			t.Fatal(err)
		}
		curve, size := curveOf(group)
		one := make([]byte, size)
		one[size-1] = 1
		key, err := curve.NewPrivateKey(one)
		if err != nil || !bytes.Equal(s.public, key.PublicKey().Bytes()) {
			t.Errorf("%s: % x, %v", groupName(group), s.public[:8], err)
		}
	}
	// X25519 has no private key of 1, but times the base point any key gives
	// its own public key.
	s, _ := newShare(UnitShares, groupX25519, 0)
	base, _ := ecdh.X25519().NewPublicKey(s.public)
	key, _ := ecdh.X25519().GenerateKey(rand.Reader)
	if got, err := key.ECDH(base); err != nil || !bytes.Equal(got, key.PublicKey().Bytes()) {
		t.Errorf("X25519: %x, %v", got, err)
	}
}

func TestUnknownGroup(t *testing.T) {
	if _, err := newShare(UnitShares, 0x0100, 0); err == nil {
		t.Error("a share of ffdhe2048 was made")
	}
}

// A server sees no key of ML-KEM again before kemKeys handshakes are over; other
// unit shares are always the same.
func TestFaces(t *testing.T) {
	for group, want := range map[uint16]int{groupX25519MLKEM768: kemKeys, groupP256MLKEM768: kemKeys, groupX25519: 1, groupP256: 1} {
		l, err := NewLean(Config{Ask: Ask{Version: wire.TLS13, Group: group}}, UnitShares)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		s := l.Session(1)
		for range 3 * kemKeys {
			s.Start(&Sample{})
			share := s.face.first[0].public
			if !bytes.Contains(s.Pending(), share) {
				t.Fatalf("%s: the ClientHello has another share than its session", groupName(group))
			}
			seen[string(share)] = true
		}
		if len(seen) != want {
			t.Errorf("%s: %d different shares, want %d", groupName(group), len(seen), want)
		}
	}
}

// A ClientHello of TLS 1.3 waits for its key, and two keys take longer than one.
func TestHold(t *testing.T) {
	hold := func(a Ask) time.Duration {
		l, err := NewLean(Config{Ask: a}, UnitShares)
		if err != nil {
			t.Fatal(err)
		}
		return l.Hold()
	}
	least := hold(Ask{Version: wire.TLS12, Group: groupP384})
	for _, a := range []Ask{
		{Version: wire.TLS13, Group: groupP256},
		{Version: wire.TLS13, Group: groupX25519},
		{Version: wire.TLS13, Group: groupP256MLKEM768},
		{Version: wire.TLS13, Group: groupX25519MLKEM768},
		{Version: wire.TLS13, Group: groupP384},
		{Version: wire.TLS13, Group: groupP521},
	} {
		if held := hold(a); held <= least {
			t.Errorf("%s waits for %v, no longer than what is made sooner, %v", groupName(a.Group), held, least)
		} else {
			least = held
		}
	}
	if hold(Ask{Version: wire.TLS13, Retry: true}) != hold(Ask{Version: wire.TLS12}) {
		t.Error("a ClientHello without a share waits for one")
	}
}
