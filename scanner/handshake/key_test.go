package handshake

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/cloudflare/circl/kem/mlkem/mlkem512"

	"shakedown/scanner/wire"
)

// Both sides of an exchange agree, and a share of another size or off its curve is
// none.
func TestKeysAgree(t *testing.T) {
	for _, group := range slices.Concat(Groups(), SlowGroups(), ecGroups()) {
		t.Run(wire.LookupGroup(group).Name, func(t *testing.T) {
			t.Parallel()
			ours := newKey(t, group)
			share, want := respond(t, ours.Share)
			if got, err := ours.agree(share); err != nil || !bytes.Equal(got, want) {
				t.Errorf("agreed on %x, %v; want %x", got, err, want)
			}
			if n := wire.LookupGroup(group).ClientShare; len(ours.Share.Data) != n {
				t.Errorf("a share of %d bytes, want %d", len(ours.Share.Data), n)
			}
			for _, bad := range [][]byte{nil, share[1:], append(slices.Clone(share), 0)} {
				if _, err := ours.agree(bad); !errors.Is(err, errShare) {
					t.Errorf("a share of %d bytes: %v", len(bad), err)
				}
			}
		})
	}
}

func newKey(t *testing.T, group uint16) *Key {
	t.Helper()
	k, err := NewKey(group)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// respond is the server's side: its share, and the secret.
func respond(t *testing.T, client wire.KeyShare) (share, secret []byte) {
	t.Helper()
	beside := func(curve uint16, curveFirst bool, size int) (share, secret []byte) {
		n := len(client.Data) - size
		if !curveFirst {
			n = size
		}
		first, second := client.Data[:n], client.Data[n:]
		point, packed := first, second
		if !curveFirst {
			point, packed = second, first
		}
		pointShare, pointSecret := respond(t, wire.KeyShare{Group: curve, Data: point})
		kemSecret, ciphertext := encapsulate(t, packed)
		if curveFirst {
			return slices.Concat(pointShare, ciphertext), slices.Concat(pointSecret, kemSecret)
		}
		return slices.Concat(ciphertext, pointShare), slices.Concat(kemSecret, pointSecret)
	}
	switch client.Group {
	case 0x0200, 0x0201, 0x0202:
		secret, share = encapsulate(t, client.Data)
		return share, secret
	case x25519MLKEM768:
		return beside(x25519, false, mlkem.EncapsulationKeySize768)
	case 0x11EB:
		return beside(secp256r1, true, mlkem.EncapsulationKeySize768)
	case 0x11ED:
		return beside(secp384r1, true, mlkem.EncapsulationKeySize1024)
	case 0x11EE:
		return beside(curveSM2, true, mlkem.EncapsulationKeySize768)
	}
	theirs := newKey(t, client.Group)
	secret, err := theirs.agree(client.Data)
	if err != nil {
		t.Fatal(err)
	}
	return theirs.Share.Data, secret
}

func encapsulate(t *testing.T, public []byte) (secret, ciphertext []byte) {
	t.Helper()
	var err error
	switch len(public) {
	case mlkem512.PublicKeySize:
		var k mlkem512.PublicKey
		err = k.Unpack(public)
		secret, ciphertext = make([]byte, mlkem512.SharedKeySize), make([]byte, mlkem512.CiphertextSize)
		k.EncapsulateTo(ciphertext, secret, nil)
	case mlkem.EncapsulationKeySize768:
		k, failed := mlkem.NewEncapsulationKey768(public)
		if err = failed; err == nil {
			secret, ciphertext = k.Encapsulate()
		}
	default:
		k, failed := mlkem.NewEncapsulationKey1024(public)
		if err = failed; err == nil {
			secret, ciphertext = k.Encapsulate()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return secret, ciphertext
}

// The arithmetic of curves, held against crypto/ecdh's.
func TestCurveArithmetic(t *testing.T) {
	number := func(s string) *big.Int { n, _ := new(big.Int).SetString(s, 16); return n }
	p256 := curve{ // SEC 2 §2.4.2
		p: number("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
		a: number("ffffffff00000001000000000000000000000000fffffffffffffffffffffffc"),
		b: number("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"),
		base: point{
			number("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
			number("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
		},
	}
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	got := p256.marshal(p256.times(p256.base, new(big.Int).SetBytes(private.Bytes())))
	if want := private.PublicKey().Bytes(); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
	if p256.times(p256.base, number("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")).x != nil {
		t.Error("the base point times its order is not at infinity")
	}
}

// The curves are those of their standards: their base points lie on them, and RFC
// 7027 appendix A.1 has a key of the first.
func TestCurves(t *testing.T) {
	for _, c := range curves() {
		if _, ok := c.unmarshal(c.marshal(c.base)); !ok || !c.p.ProbablyPrime(20) {
			t.Errorf("%v: the base point lies elsewhere, or p is no prime", c.groups)
		}
	}
	private, _ := new(big.Int).SetString("81DB1EE100150FF2EA338D708271BE38300CB54241D79950F77B063039804F1D", 16)
	public, _ := new(big.Int).SetString("44106E913F92BC02A1705D9953A8414DB95E1AAA49E81D9E85F929A8E3100BE5", 16)
	if c := curves()[0]; c.times(c.base, private).x.Cmp(public) != 0 {
		t.Error("not the public key of RFC 7027")
	}
}

// A point that is not on the curve is no share.
func TestPointOffCurve(t *testing.T) {
	k := newKey(t, curveSM2)
	share := slices.Clone(k.Share.Data)
	share[len(share)-1] ^= 1
	if _, err := k.agree(share); !errors.Is(err, errShare) {
		t.Errorf("agreed: %v", err)
	}
}

// The smallest prime is safe, as RFC 7919 appendix A says.
func TestFinitePrime(t *testing.T) {
	p := ffdheOf(ffdhe2048).prime()
	if half := new(big.Int).Rsh(p, 1); p.BitLen() != 2048 || !p.ProbablyPrime(4) || !half.ProbablyPrime(4) {
		t.Errorf("%x is no safe prime of 2048 bits", p)
	}
}
