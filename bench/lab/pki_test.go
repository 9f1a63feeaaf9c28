// The certificates are right, or wrong in the way that was asked for.

package lab

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"log"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPKI(t *testing.T) {
	var logged bytes.Buffer
	defer log.SetOutput(log.Writer())
	log.SetOutput(&logged)
	pki, err := NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []KeyType{ECDSA, RSA} {
		testLeaf(t, pki, key)
		testExpired(t, pki, key)
		testSelfSigned(t, pki, key)
	}
	if logged.Len() > 0 {
		t.Errorf("cfssl wrote to the log: %s", &logged)
	}
}

func testLeaf(t *testing.T, pki *PKI, key KeyType) {
	c, err := pki.Issue(Leaf{Names: []string{"a.test", "*.b.test", "192.0.2.1"}, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.test", "x.b.test", "192.0.2.1"} {
		if err := verifyAt(pki, c, name, time.Now()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := c.Leaf.NotAfter.Sub(c.Leaf.NotBefore); got != leafValidity || time.Now().Before(c.Leaf.NotBefore) {
		t.Errorf("valid for %v from %v", got, c.Leaf.NotBefore)
	}
	if _, ok := c.Leaf.PublicKey.(*rsa.PublicKey); ok != (key == RSA) {
		t.Errorf("%q gave a %T", key, c.Leaf.PublicKey)
	}
	pair, err := c.TLS()
	if err != nil || len(pair.Certificate) != 2 || bytes.Equal(pair.Certificate[1], pki.Root.Raw) {
		t.Errorf("the chain has %d certificates, %v", len(pair.Certificate), err)
	}
}

func testExpired(t *testing.T, pki *PKI, key KeyType) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	c, err := pki.Expired(Leaf{Names: []string{"a.test"}, Key: key}, now)
	if err != nil {
		t.Fatal(err)
	}
	if want := now.AddDate(0, 0, -10); !c.Leaf.NotAfter.Equal(want) || c.Leaf.NotBefore.After(want) {
		t.Errorf("valid from %v to %v, want to %v", c.Leaf.NotBefore, c.Leaf.NotAfter, want)
	}
	if err := c.Leaf.CheckSignatureFrom(pki.Issuing); err != nil {
		t.Error(err)
	}
}

func testSelfSigned(t *testing.T, pki *PKI, key KeyType) {
	c, err := SelfSigned(Leaf{Names: []string{"a.test"}, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Leaf.CheckSignature(c.Leaf.SignatureAlgorithm, c.Leaf.RawTBSCertificate, c.Leaf.Signature); err != nil {
		t.Error(err)
	}
	var unknown x509.UnknownAuthorityError
	if err := verifyAt(pki, c, "a.test", time.Now()); !errors.As(err, &unknown) {
		t.Errorf("got %v, want an unknown authority", err)
	}
	if err := c.Leaf.VerifyHostname("a.test"); err != nil {
		t.Error(err)
	}
	if _, err := c.TLS(); err != nil {
		t.Error(err)
	}
}

func verifyAt(pki *PKI, c Certificate, name string, at time.Time) error {
	between := x509.NewCertPool()
	between.AppendCertsFromPEM(c.Chain)
	_, err := c.Leaf.Verify(x509.VerifyOptions{Roots: pki.Pool(), Intermediates: between, DNSName: name, CurrentTime: at})
	return err
}

func TestLeafNeedsAName(t *testing.T) {
	pki, err := NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	_, issued := pki.Issue(Leaf{})
	_, selfSigned := SelfSigned(Leaf{})
	for _, err := range []error{issued, selfSigned} {
		if err == nil || !strings.Contains(err.Error(), "at least one name") {
			t.Errorf("got %v", err)
		}
	}
}

// A token's key signs as a key in memory does, and errors do not show the PIN.
func TestTokenKey(t *testing.T) {
	token, err := NewToken(t.Context(), Place{Dir: filepath.Join(t.TempDir(), "a token")})
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("what is signed"))
	for _, kind := range []KeyType{ECDSA, RSA} {
		key, err := token.Generate(t.Context(), "key-"+kind.short(), kind)
		if err != nil {
			t.Fatal(err)
		}
		c, err := SelfSigned(Leaf{Names: []string{"a.test"}, Signer: key})
		if err != nil {
			t.Fatal(err)
		}
		signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Leaf.CheckSignature(c.Leaf.SignatureAlgorithm, []byte("what is signed"), signature); err != nil {
			t.Errorf("%s: %v", key.label, err)
		}
		if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA1); err == nil {
			t.Errorf("%s signs SHA-1", key.label)
		}
	}
	right := token.pin
	token.pin = newPIN()
	_, err = token.Generate(t.Context(), "more", ECDSA)
	if err == nil || !strings.Contains(err.Error(), "CKR_PIN_INCORRECT") || strings.Contains(err.Error(), token.pin) || strings.Contains(err.Error(), right) {
		t.Errorf("with a wrong PIN: %v", err)
	}
	if _, err := NewToken(t.Context(), Place{Dir: filepath.Join(t.TempDir(), "a#b")}); err == nil {
		t.Error("a folder that SoftHSM cannot use was taken")
	}
}
