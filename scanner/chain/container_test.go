package chain

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/youmark/pkcs8"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"
)

// says is a password that is asked for.
func says(password string) func() (string, error) {
	return func() (string, error) { return password, nil }
}

// unasked fails where a password is asked for that nothing needs.
func unasked() (string, error) { return "", errors.New("a password was asked for") }

func TestSplit(t *testing.T) {
	root := newCA(t, "Root", nil)
	leaf := newLeaf(t, root)
	sent := chainOf(leaf, root)
	text := PEM(sent)
	modern, err := pkcs12.Modern.Encode(leaf.key, leaf.x, []*x509.Certificate{root.x}, "sesame")
	if err != nil {
		t.Fatal(err)
	}
	// The key is the leaf's, though the leaf stands second.
	shuffled, err := pkcs12.Passwordless.Encode(leaf.key, root.x, []*x509.Certificate{leaf.x}, "")
	if err != nil {
		t.Fatal(err)
	}
	store, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{root.x}, "sesame")
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(leaf.key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})
	broken := []byte("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")
	p7 := carrying(t, sent)
	trusted := pem.EncodeToMemory(&pem.Block{Type: "TRUSTED CERTIFICATE", Bytes: append(slices.Clone(leaf.x.Raw), 0x30, 0)})
	for _, c := range []struct {
		name     string
		data     []byte
		password func() (string, error)
		want     [][]byte
		err      string
	}{
		{"PEM", text, unasked, sent, ""},
		{"PEM with words around it", append([]byte("subject=leaf\n"), text...), unasked, sent, ""},
		{"PEM with lines of Windows", bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")), unasked, sent, ""},
		{"PEM with the key in it, as HAProxy wants", append(slices.Clone(keyPEM), text...), unasked, sent, ""},
		{"PEM of which one block is broken", append(slices.Clone(broken), text...), unasked, append([][]byte{broken}, sent...), ""},
		{"PEM without an end", text[:len(text)-30], unasked, [][]byte{sent[0], text[bytes.LastIndex(text, []byte("-----BEGIN")) : len(text)-30]}, ""},
		{"OpenSSL's trusted certificate", trusted, unasked, sent[:1], ""},
		{"DER", leaf.x.Raw, unasked, sent[:1], ""},
		{"DER, one behind the other", bytes.Join(sent, nil), unasked, sent, ""},
		{"DER, cut short", leaf.x.Raw[:200], unasked, [][]byte{leaf.x.Raw[:200]}, ""},
		{"PKCS#7", p7, unasked, sent, ""},
		{"PKCS#7 as PEM", pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: p7}), unasked, sent, ""},
		{"PKCS#7, cut short", p7[:len(p7)-5], unasked, [][]byte{p7[:len(p7)-5]}, ""},
		{"PKCS#12", modern, says("sesame"), sent, ""},
		{"PKCS#12 without a password, its leaf last", shuffled, unasked, sent, ""},
		{"PKCS#12 with a wrong password", modern, says("basil"), nil, ErrPassword.Error()},
		{"PKCS#12, the trust store of Java", store, says("sesame"), sent[1:], ""},
		{"PKCS#12 when nobody can be asked", modern, unasked, nil, "a password was asked for"},
		{"a key", sec1, unasked, nil, "it holds a private key and no certificate"},
		{"a key as PEM", keyPEM, unasked, nil, "it holds no certificate"},
		{"text, a certificate that does not parse", []byte("hello"), unasked, [][]byte{[]byte("hello")}, ""},
		{"nothing", nil, unasked, nil, "it is empty"},
		{"too much", make([]byte, maxFile+1), unasked, nil, "larger than 16 MB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Split(c.data, c.password)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %s", err, c.err)
				}
				return
			}
			if err != nil || !slices.EqualFunc(got, c.want, bytes.Equal) {
				t.Errorf("%d certificates, %v; want %d", len(got), err, len(c.want))
			}
		})
	}
}

// carrying is PKCS#7 that only carries certificates (RFC 2315 §9.1).
func carrying(t testing.TB, ders [][]byte) []byte {
	tagged := cbasn1.Tag(0).ContextSpecific().Constructed()
	return sequence(t, func(b *cryptobyte.Builder) {
		b.AddBytes([]byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2})
		b.AddASN1(tagged, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes([]byte{2, 1, 1, 0x31, 0, 0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1})
				b.AddASN1(tagged, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(ders, nil)) })
				b.AddBytes([]byte{0x31, 0})
			})
		})
	})
}

func TestReadKey(t *testing.T) {
	ec, rsa, ed := ecKey(elliptic.P384()), rsaKey(), edKey()
	must := func(der []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	ec8 := must(x509.MarshalPKCS8PrivateKey(ec))
	sealed := must(pkcs8.MarshalPrivateKey(ec, []byte("sesame"), nil))
	//lint:ignore SA1019 such keys are in use
	old, err := x509.EncryptPEMBlock(&zeros{}, "EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ec)), []byte("sesame"), x509.PEMCipherAES128)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		data     []byte
		password func() (string, error)
		want     []byte
		err      string
	}{
		{"EC, PKCS#8", block("PRIVATE KEY", ec8), unasked, spki(t, ec.Public()), ""},
		{"EC, PKCS#8, DER", ec8, unasked, spki(t, ec.Public()), ""},
		{"EC, SEC 1", block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ec))), unasked, spki(t, ec.Public()), ""},
		{"EC, SEC 1, behind its parameters", append(block("EC PARAMETERS", []byte{6, 5, 0x2b, 0x81, 4, 0, 34}), block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ec)))...), unasked, spki(t, ec.Public()), ""},
		{"RSA, PKCS#1", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsa)), unasked, spki(t, rsa.Public()), ""},
		{"RSA, PKCS#1, DER", x509.MarshalPKCS1PrivateKey(rsa), unasked, spki(t, rsa.Public()), ""},
		{"RSA, PKCS#8", block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(rsa))), unasked, spki(t, rsa.Public()), ""},
		{"Ed25519", block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(ed))), unasked, spki(t, ed.Public()), ""},
		{"a public key", block("PUBLIC KEY", spki(t, rsa.Public())), unasked, spki(t, rsa.Public()), ""},
		{"PKCS#8, encrypted", block("ENCRYPTED PRIVATE KEY", sealed), says("sesame"), spki(t, ec.Public()), ""},
		{"PKCS#8, encrypted, DER", sealed, says("sesame"), spki(t, ec.Public()), ""},
		{"PKCS#8, another password", sealed, says("basil"), nil, ErrPassword.Error()},
		{"PEM, encrypted", pem.EncodeToMemory(old), says("sesame"), spki(t, ec.Public()), ""},
		{"PEM, another password", pem.EncodeToMemory(old), says("basil"), nil, ErrPassword.Error()},
		{"nobody to ask", sealed, unasked, nil, "a password was asked for"},
		{"a certificate", block("CERTIFICATE", newLeaf(t, nil).x.Raw), unasked, nil, "it holds no key"},
		{"nothing", nil, unasked, nil, "it holds no key"},
		{"half a key", ec8[:30], unasked, nil, "reading a private key"},
		{"work for years", costly(t), says("sesame"), nil, "asks for too much work"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ReadKey(c.data, c.password)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(spki(t, got), c.want) {
				t.Error("another key")
			}
		})
	}
}

// costly is an encrypted key (RFC 8018 §A.2) that asks for two billion rounds.
func costly(t *testing.T) []byte {
	return sequence(t, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes([]byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13}) // PBES2
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddBytes([]byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12}) // PBKDF2
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1OctetString([]byte("salt"))
						b.AddASN1Int64(1<<31 - 1)
					})
				})
			})
		})
		b.AddASN1OctetString(make([]byte, 64))
	})
}

type zeros struct{}

func (*zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func spki(t *testing.T, public any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func FuzzSplit(f *testing.F) {
	root := newCA(f, "Root", nil)
	sent := chainOf(newLeaf(f, root), root)
	f.Add(PEM(sent))
	f.Add(bytes.Join(sent, nil))
	f.Add(carrying(f, sent))
	f.Add([]byte("-----BEGIN PKCS7-----\n-----END PKCS7-----"))
	f.Add([]byte{0x30, 5, 2, 1, 3, 0x30, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		ders, err := Split(data, says("sesame"))
		if (err == nil) != (len(ders) > 0) {
			t.Fatalf("%d certificates, %v", len(ders), err)
		}
		size := 0
		for _, der := range ders {
			size += len(der)
		}
		if size > 2*len(data) { // base64 shrinks, and PKCS#12 does not grow
			t.Fatalf("%d bytes came out of %d", size, len(data))
		}
		if err == nil {
			InOrder(ders, Options{Roots: rootsOf(root), At: now})
		}
	})
}

func FuzzReadKey(f *testing.F) {
	ec8, err := x509.MarshalPKCS8PrivateKey(ecKey(elliptic.P256()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ec8)
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: ec8}))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----"))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := ReadKey(data, says("sesame"))
		if (err == nil) != (key != nil) {
			t.Fatalf("key %v, error %v", key, err)
		}
	})
}
