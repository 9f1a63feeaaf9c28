package chain

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// now is the time of every test.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// rsaKey is made once for a run: it takes a while.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func ecKey(curve elliptic.Curve) *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

func edKey() ed25519.PrivateKey {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

// entity is a certificate with its key.
type entity struct {
	x   *x509.Certificate
	key crypto.Signer
}

type edit func(*x509.Certificate)

// newCA makes a CA that is signed by issuer, or by itself where that is nil.
func newCA(t testing.TB, name string, issuer *entity, edits ...edit) *entity {
	return newCAWith(t, name, ecKey(elliptic.P256()), issuer, edits...)
}

func newCAWith(t testing.TB, name string, key crypto.Signer, issuer *entity, edits ...edit) *entity {
	return sign(t, &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.AddDate(-5, 0, 0),
		NotAfter:              now.AddDate(5, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}, key, issuer, edits)
}

// newLeaf makes a certificate for www.example.
func newLeaf(t testing.TB, issuer *entity, edits ...edit) *entity {
	return newLeafWith(t, ecKey(elliptic.P256()), issuer, edits...)
}

func newLeafWith(t testing.TB, key crypto.Signer, issuer *entity, edits ...edit) *entity {
	return sign(t, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "leaf"},
		NotBefore:   now.AddDate(0, 0, -30),
		NotAfter:    now.AddDate(0, 0, 60),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"www.example"},
	}, key, issuer, edits)
}

func sign(t testing.TB, x *x509.Certificate, key crypto.Signer, issuer *entity, edits []edit) *entity {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	x.SerialNumber = serial
	for _, e := range edits {
		e(x)
	}
	parent, parentKey := x, key
	if issuer != nil {
		// A forger's key is not the issuer's; CreateCertificate wants them equal.
		named := *issuer.x
		named.PublicKey = issuer.key.Public()
		parent, parentKey = &named, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, x, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &entity{made, key}
}

func valid(from, to time.Time) edit {
	return func(x *x509.Certificate) { x.NotBefore, x.NotAfter = from, to }
}

func withNames(dns ...string) edit { return func(x *x509.Certificate) { x.DNSNames = dns } }

func withIP(ip string) edit {
	return func(x *x509.Certificate) { x.IPAddresses = append(x.IPAddresses, net.ParseIP(ip)) }
}

func withUsage(usages ...x509.ExtKeyUsage) edit {
	return func(x *x509.Certificate) { x.ExtKeyUsage = usages }
}

func withKeyUsage(u x509.KeyUsage) edit { return func(x *x509.Certificate) { x.KeyUsage = u } }

func withPathLen(n int) edit {
	return func(x *x509.Certificate) { x.MaxPathLen, x.MaxPathLenZero = n, n == 0 }
}

func withExtension(e pkix.Extension) edit {
	return func(x *x509.Certificate) { x.ExtraExtensions = append(x.ExtraExtensions, e) }
}

func withSubject(name pkix.Name) edit { return func(x *x509.Certificate) { x.Subject = name } }

// notCA makes a certificate that issues though it may not.
func notCA(x *x509.Certificate) { x.IsCA = false }

// chainOf gives certificates as they would be sent.
func chainOf(entities ...*entity) [][]byte {
	var ders [][]byte
	for _, e := range entities {
		ders = append(ders, e.x.Raw)
	}
	return ders
}

// rootsOf trusts these and nobody else.
func rootsOf(entities ...*entity) *Roots {
	r := &Roots{}
	for _, e := range entities {
		r.files = append(r.files, parse(e.x.Raw))
	}
	return r
}

// writePEM writes certificates to a file of the test.
func writePEM(t testing.TB, name string, entities ...*entity) string {
	t.Helper()
	var text []byte
	for _, e := range entities {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.x.Raw})...)
	}
	return writeFile(t, name, text)
}

func writeFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The fields of a TBSCertificate by their place, in a certificate of version 3.
const (
	tbsSerial    = 1
	tbsAlgorithm = 2
	tbsKey       = 6
)

// remake puts other fields into a certificate and has it signed anew by
// whatever signer gives for the bytes. It makes what crypto/x509 would not.
func remake(t testing.TB, der []byte, algorithm []byte, signer func(tbs []byte) []byte, fields map[int][]byte) []byte {
	t.Helper()
	in := cryptobyte.String(der)
	var whole, tbs cryptobyte.String
	if !in.ReadASN1(&whole, cbasn1.SEQUENCE) || !whole.ReadASN1(&tbs, cbasn1.SEQUENCE) {
		t.Fatal("not a certificate")
	}
	newTBS := sequence(t, func(b *cryptobyte.Builder) {
		for i := 0; !tbs.Empty(); i++ {
			var field cryptobyte.String
			var tag cbasn1.Tag
			if !tbs.ReadAnyASN1Element(&field, &tag) {
				t.Fatal("not a TBSCertificate")
			}
			if i == tbsAlgorithm {
				field = algorithm
			}
			if other, ok := fields[i]; ok {
				field = other
			}
			b.AddBytes(field)
		}
	})
	return sequence(t, func(b *cryptobyte.Builder) {
		b.AddBytes(newTBS)
		b.AddBytes(algorithm)
		b.AddASN1BitString(signer(newTBS))
	})
}

func sequence(t testing.TB, fill func(*cryptobyte.Builder)) []byte {
	t.Helper()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, fill)
	der, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// signing signs with a key and a hash.
func signing(t testing.TB, key crypto.Signer, opts crypto.SignerOpts) func([]byte) []byte {
	return func(tbs []byte) []byte {
		digest := tbs
		if h := opts.HashFunc(); h != 0 {
			w := h.New()
			w.Write(tbs)
			digest = w.Sum(nil)
		}
		signature, err := key.Sign(rand.Reader, digest, opts)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
}
