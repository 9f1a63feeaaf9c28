package scanner

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"testing"

	"shakedown/scanner/wire"
)

// leafFor is a certificate for a key, as DER.
func (ca *authority) leafFor(t testing.TB, public any) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, leafTemplate(), ca.cert, public, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestCurveOf(t *testing.T) {
	ca := newAuthority(t)
	certificate := func(public any) []byte { return ca.leafFor(t, public) }
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := wire.GroupNamed(curve.Params().Name)
		der := certificate(key.Public())
		if got := curveOf(der); got == 0 || got != want.ID {
			t.Errorf("%s: got %s, want %s", curve.Params().Name, wire.ID(got), wire.ID(want.ID))
		}
		if got := kindOf(der); got != ecdsaKey {
			t.Errorf("%s: a key of kind %q", curve.Params().Name, got)
		}
		for n := range der {
			curveOf(der[:n]) // half a certificate is none, and no crash
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if der := certificate(key.Public()); curveOf(der) != 0 || kindOf(der) != rsaKey {
		t.Errorf("an RSA key is on curve %s, of kind %q", wire.ID(curveOf(der)), kindOf(der))
	}
	pss := bytes.Replace(certificate(key.Public()), []byte{0x0d, 1, 1, 1, 5, 0}, []byte{0x0d, 1, 1, 10, 5, 0}, 1)
	if got := leafKeyOf(pss).keyType; got != "rsa-pss" {
		t.Errorf("a key of RSA-PSS is of type %q", got)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if der := certificate(edwards); curveOf(der) != 0 || kindOf(der) != edwardsKey {
		t.Errorf("an Ed25519 key is on curve %s, of kind %q", wire.ID(curveOf(der)), kindOf(der))
	}
}

// The kinds of key that TLS 1.3 alone has, in certificates that crypto/x509 cannot
// make: a stock key's algorithm, rewritten.
func TestKindOfNewerKeys(t *testing.T) {
	ca := newAuthority(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, leafTemplate(), ca.cert, key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	p256 := []byte{0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}
	mldsa := func(n byte) []byte { // padded with an octet string to the same length
		return []byte{0x30, 19, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, n, 4, 6, 0, 0, 0, 0, 0, 0}
	}
	sm2 := []byte{0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d}
	pss := []byte{0x30, 19, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10, 4, 6, 0, 0, 0, 0, 0, 0}
	ed448 := []byte{0x30, 19, 6, 3, 0x2b, 0x65, 0x71, 4, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	for _, c := range []struct {
		algorithm []byte
		want      keyKind
	}{{pss, rsaKey}, {ed448, edwardsKey}, {mldsa(16), ""}, {mldsa(17), mldsaKey}, {mldsa(18), mldsaKey}, {mldsa(19), mldsaKey}, {sm2, sm2Key}} {
		if got := kindOf(bytes.Replace(der, p256, c.algorithm, 1)); got != c.want {
			t.Errorf("% x: a key of kind %q, want %q", c.algorithm, got, c.want)
		}
	}
}

// What is read without the rest says the same as crypto/x509, where that reads the
// certificate at all.
func FuzzLeafKey(f *testing.F) {
	ca := newAuthority(f)
	f.Add(ca.leafFor(f, newKey(f).Public()))
	f.Add(ca.cert.Raw)
	f.Fuzz(func(t *testing.T, der []byte) {
		kind, curve := kindOf(der), curveOf(der)
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		want := map[x509.PublicKeyAlgorithm]keyKind{x509.RSA: rsaKey, x509.ECDSA: ecdsaKey, x509.Ed25519: edwardsKey}[c.PublicKeyAlgorithm]
		if want != "" && kind != want {
			t.Errorf("a key of kind %q, not %q", kind, want)
		}
		if public, ok := c.PublicKey.(*ecdsa.PublicKey); ok {
			if group, _ := wire.GroupNamed(public.Curve.Params().Name); group.ID != curve {
				t.Errorf("on curve %s, not %s", wire.ID(curve), public.Curve.Params().Name)
			}
		}
	})
}

// A key leaves the schemes by which it cannot sign; one that was shown though it
// cannot sign by any that was offered takes its kind with it.
func TestBeyond(t *testing.T) {
	ca := newAuthority(t)
	p256 := ca.leafFor(t, newKey(t).Public())
	const ecdsa256, ecdsa384, pssRSA, pss, ed25519 = 0x0403, 0x0503, 0x0804, 0x0809, 0x0807
	for _, c := range []struct{ offered, left []uint16 }{
		{[]uint16{ecdsa256, ecdsa384, pssRSA, pss, ed25519}, []uint16{ecdsa384, pssRSA, pss, ed25519}},
		{[]uint16{ecdsa256}, []uint16{}},
		{[]uint16{ecdsa384, ed25519}, []uint16{ed25519}},
		{[]uint16{pss, ed25519}, []uint16{pss, ed25519}},
	} {
		if got := beyond(c.offered, p256); !slices.Equal(got, c.left) {
			t.Errorf("beyond %x: %x, want %x", c.offered, got, c.left)
		}
	}
}
