package chain

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cloudflare/circl/sign/ed448"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"
	"golang.org/x/crypto/cryptobyte"

	"shakedown/results"
)

// A few problems by short names, for the table.
const (
	expired     = results.Expired
	notYet      = results.NotYetValid
	validityBad = results.BadValidity
	selfSigned  = results.SelfSignedProblem
	unknownCA   = results.UnknownAuthority
	incomplete  = results.Incomplete
	wrongOrder  = results.WrongOrder
	rootSent    = results.RootSent
	extra       = results.ExtraCertificate
	mismatch    = results.NameMismatch
	weakKey     = results.WeakKey
	weakSig     = results.WeakSignature
	badSig      = results.BadSignature
	keyMismatch = results.KeyMismatch
	badUsage    = results.BadUsage
	violation   = results.ConstraintViolation
	unknownCrit = results.UnknownCriticalExtension
	malformed   = results.Malformed

	yes, no, unknown = results.Yes, results.No, results.Unknown
)

func is(problems ...results.Problem) []results.Problem {
	if problems == nil {
		return []results.Problem{}
	}
	slices.Sort(problems)
	return problems
}

// TestProblems has a chain for each problem, and the good chain beside it.
func TestProblems(t *testing.T) {
	root := newCA(t, "Root", nil)
	inter := newCA(t, "Intermediate", root)
	leaf := newLeaf(t, inter)
	direct := newLeaf(t, root)
	pinned := newLeaf(t, nil)
	other := newCA(t, "Other Root", nil)
	poison := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 3}, Critical: true, Value: asn1.NullBytes}
	shifted := valid(now.AddDate(0, 0, 10), now.AddDate(0, 0, -10))

	under := func(edits ...edit) (*entity, *entity) { // an intermediate and its leaf
		ca := newCA(t, "Edited Intermediate", root, edits...)
		return newLeaf(t, ca), ca
	}
	edited := func(edits ...edit) [][]byte {
		leaf, ca := under(edits...)
		return chainOf(leaf, ca)
	}
	leafWith := func(edits ...edit) [][]byte { return chainOf(newLeaf(t, inter, edits...), inter) }
	excluding := func(name string) edit { return func(x *x509.Certificate) { x.ExcludedDNSDomains = []string{name} } }
	dayAfter := func(n int) edit { return valid(now.AddDate(0, 0, -1), now.AddDate(0, 0, n-1)) }

	for _, c := range []struct {
		name    string
		sent    [][]byte
		roots   *Roots // root, where nil
		opt     Options
		want    []results.Problem
		trusted results.Answer
		self    results.SelfSigned
	}{
		{name: "good", sent: chainOf(leaf, inter), want: is(), trusted: yes},
		{name: "good, straight from the root", sent: chainOf(direct), want: is(), trusted: yes},
		{name: "good, the intermediate is the anchor", sent: chainOf(leaf), roots: rootsOf(inter), want: is(), trusted: yes},
		{name: "good, the leaf is the anchor", sent: chainOf(leaf), roots: rootsOf(leaf), want: is(), trusted: yes},
		{name: "good, a pinned self-signed leaf", sent: chainOf(pinned), roots: rootsOf(pinned), want: is(), trusted: yes, self: "leaf"},
		{name: "good, with its key", sent: chainOf(leaf, inter), opt: Options{Key: leaf.key.Public()}, want: is(), trusted: yes},

		{name: "expired leaf", sent: leafWith(valid(now.AddDate(0, 0, -90), now.Add(-time.Second))), want: is(expired), trusted: no},
		{name: "leaf in its last second", sent: leafWith(valid(now.AddDate(0, 0, -90), now)), want: is(), trusted: yes},
		{name: "expired intermediate", sent: edited(valid(now.AddDate(-5, 0, 0), now.AddDate(0, 0, -1))), want: is(expired), trusted: no},
		{name: "expired root", sent: chainOf(leaf, inter), opt: Options{At: now.AddDate(6, 0, 0)}, want: is(expired), trusted: no},
		{name: "leaf of tomorrow", sent: leafWith(dayAfter(30), valid(now.Add(time.Second), now.AddDate(0, 0, 30))), want: is(notYet), trusted: no},
		{name: "ends before it starts", sent: leafWith(shifted), want: is(validityBad, expired, notYet), trusted: no},
		{name: "too long, even for a private CA", sent: leafWith(dayAfter(826)), want: is(validityBad), trusted: no},
		{name: "long, as a private CA may", sent: leafWith(dayAfter(825)), want: is(), trusted: yes},
		{name: "long, but pinned", sent: chainOf(newLeaf(t, nil, dayAfter(4000))), roots: rootsOf(), want: is(selfSigned), trusted: no, self: "leaf"},

		{name: "self-signed leaf", sent: chainOf(pinned), want: is(selfSigned), trusted: no, self: "leaf"},
		{name: "self-signed leaf, twice", sent: chainOf(pinned, pinned), want: is(selfSigned, extra), trusted: no, self: "leaf"},
		{name: "self-signed leaf and its anchor's name", sent: chainOf(newLeaf(t, nil, withSubject(root.x.Subject))), want: is(selfSigned), trusted: no, self: "leaf"},
		{name: "another root, not sent", sent: chainOf(leaf, inter), roots: rootsOf(other), want: is(unknownCA), trusted: no},
		{name: "another root, sent", sent: chainOf(leaf, inter, root), roots: rootsOf(other), want: is(unknownCA, rootSent), trusted: no, self: "root"},
		{name: "another root, sent, straight", sent: chainOf(direct, root), roots: rootsOf(other), want: is(unknownCA, rootSent), trusted: no, self: "root"},
		{name: "another root of the same name", sent: chainOf(direct), roots: rootsOf(newCA(t, "Root", nil)), want: is(unknownCA), trusted: no},
		{name: "no anchors at all", sent: chainOf(leaf, inter), roots: rootsOf(), want: is(unknownCA), trusted: no},
		{name: "intermediate not sent", sent: chainOf(leaf), want: is(incomplete), trusted: no},
		{name: "intermediate not sent, root sent", sent: chainOf(leaf, root), want: is(incomplete, rootSent, extra), trusted: no, self: "root"},
		{name: "gap above an intermediate", sent: func() [][]byte {
			low := newCA(t, "Lower", newCA(t, "Middle", root))
			return chainOf(newLeaf(t, low), low, root)
		}(), want: is(incomplete, rootSent, extra), trusted: no, self: "root"},

		{name: "root sent", sent: chainOf(leaf, inter, root), want: is(rootSent), trusted: yes, self: "root"},
		{name: "wrong order", sent: func() [][]byte {
			low := newCA(t, "Lower", inter)
			return chainOf(newLeaf(t, low), inter, low)
		}(), want: is(wrongOrder), trusted: yes},
		{name: "wrong order, root first", sent: chainOf(leaf, root, inter), want: is(wrongOrder, rootSent), trusted: yes, self: "root"},
		{name: "leaf last", sent: chainOf(inter, leaf), want: is(wrongOrder, badUsage, mismatch, validityBad), opt: Options{ServerName: "www.example"}, trusted: no},
		{name: "extra certificate", sent: chainOf(leaf, inter, newCA(t, "Unrelated", newCA(t, "Its Root", nil))), want: is(extra), trusted: yes},
		{name: "extra, another leaf", sent: chainOf(leaf, inter, newLeaf(t, inter, withSubject(pkix.Name{CommonName: "second"}))), want: is(extra), trusted: yes},
		{name: "extra, the same again", sent: chainOf(leaf, inter, inter), want: is(extra), trusted: yes},

		{name: "another name", sent: chainOf(leaf, inter), opt: Options{ServerName: "api.example"}, want: is(mismatch), trusted: yes},
		{name: "only a common name", sent: leafWith(withNames(), withSubject(pkix.Name{CommonName: "www.example"})), opt: Options{ServerName: "www.example"}, want: is(mismatch), trusted: yes},
		{name: "another key", sent: chainOf(leaf, inter), opt: Options{Key: inter.key.Public()}, want: is(keyMismatch), trusted: no},
		{name: "key of another kind", sent: chainOf(leaf, inter), opt: Options{Key: rsaKey().Public()}, want: is(keyMismatch), trusted: no},

		{name: "weak RSA leaf", sent: chainOf(newLeafWith(t, weakRSA(t), inter), inter), want: is(weakKey), trusted: no},
		{name: "weak RSA anchor", sent: func() [][]byte { return chainOf(newLeaf(t, weakRoot(t))) }(), roots: rootsOf(weakRoot(t)), want: is(weakKey), trusted: no},
		{name: "P-224 is not weak", sent: chainOf(newLeafWith(t, ecKey(elliptic.P224()), inter), inter), want: is(), trusted: yes},
		{name: "not for servers", sent: leafWith(withUsage(x509.ExtKeyUsageClientAuth)), want: is(badUsage), trusted: no},
		{name: "for anything", sent: leafWith(withUsage(x509.ExtKeyUsageAny)), want: is(), trusted: yes},
		{name: "usage not said", sent: leafWith(withUsage(), withKeyUsage(0)), want: is(), trusted: yes},
		{name: "leaf may not sign", sent: leafWith(withKeyUsage(x509.KeyUsageKeyEncipherment)), want: is(badUsage), trusted: no},
		{name: "RSA leaf may encipher", sent: chainOf(newLeafWith(t, rsaKey(), inter, withKeyUsage(x509.KeyUsageKeyEncipherment)), inter), want: is(), trusted: yes},
		{name: "CA may not sign certificates", sent: edited(withKeyUsage(x509.KeyUsageCRLSign)), want: is(badUsage), trusted: no},
		{name: "CA of clients only", sent: edited(withUsage(x509.ExtKeyUsageClientAuth)), want: is(badUsage), trusted: no},
		{name: "CA of servers", sent: edited(withUsage(x509.ExtKeyUsageServerAuth)), want: is(), trusted: yes},
		{name: "a leaf as CA", sent: edited(notCA), want: is(violation), trusted: no},
		{name: "a CA that does not say so", sent: edited(func(x *x509.Certificate) { x.BasicConstraintsValid = false }), want: is(violation), trusted: no},
		{name: "path too long", sent: func() [][]byte {
			top := newCA(t, "Top", root, withPathLen(0))
			low := newCA(t, "Lower", top)
			return chainOf(newLeaf(t, low), low, top)
		}(), want: is(violation), trusted: no},
		{name: "path as long as it may be", sent: func() [][]byte {
			top := newCA(t, "Top", root, withPathLen(1))
			low := newCA(t, "Lower", top, withPathLen(0))
			return chainOf(newLeaf(t, low), low, top)
		}(), want: is(), trusted: yes},
		{name: "self-issued are not counted", sent: func() [][]byte {
			top := newCA(t, "Roll-over", root, withPathLen(0))
			next := newCA(t, "Roll-over", top)
			return chainOf(newLeaf(t, next), next, top)
		}(), want: is(), trusted: yes},
		{name: "name excluded", sent: edited(excluding("example")), want: is(violation), trusted: no},
		{name: "another name excluded", sent: edited(excluding("elsewhere.example")), want: is(), trusted: yes},
		{name: "unknown critical extension", sent: leafWith(withExtension(poison)), want: is(unknownCrit), trusted: no},
		{name: "unknown critical extension of a CA", sent: edited(withExtension(poison)), want: is(unknownCrit), trusted: no},
		{name: "unknown extension", sent: leafWith(withExtension(pkix.Extension{Id: poison.Id, Value: poison.Value})), want: is(), trusted: yes},

		{name: "nothing that parses", sent: [][]byte{[]byte("hello")}, want: is(malformed), trusted: no},
		{name: "nothing", sent: nil, want: is(malformed), trusted: no},
		{name: "trailing bytes", sent: [][]byte{append(slices.Clone(leaf.x.Raw), 0), inter.x.Raw}, want: is(malformed), trusted: no},
		{name: "garbage beside", sent: append(chainOf(leaf, inter), []byte{0x30, 0x03, 0x02, 0x01, 0x01}), want: is(malformed), trusted: no},

		{name: "many at once", sent: chainOf(newLeafWith(t, weakRSA(t), inter, withUsage(x509.ExtKeyUsageClientAuth), valid(now.AddDate(0, 0, -90), now.AddDate(0, 0, -1)))),
			opt: Options{ServerName: "api.example"}, want: is(weakKey, badUsage, expired, incomplete, mismatch), trusted: no},
	} {
		t.Run(c.name, func(t *testing.T) {
			opt := c.opt
			if opt.Roots = c.roots; c.roots == nil {
				opt.Roots = rootsOf(root)
			}
			if opt.At.IsZero() {
				opt.At = now
			}
			if c.self == "" {
				c.self = results.SelfSignedNo
			}
			got := Judge(c.sent, opt)
			if !reflect.DeepEqual(got.Problems, c.want) || got.Trusted != c.trusted || got.SelfSigned != c.self {
				t.Errorf("got  %v, trusted %s, self-signed %s\nwant %v, trusted %s, self-signed %s",
					got.Problems, got.Trusted, got.SelfSigned, c.want, c.trusted, c.self)
			}
			if len(got.Certificates) != len(c.sent) {
				t.Errorf("%d certificates in the record, %d sent", len(got.Certificates), len(c.sent))
			}
		})
	}
}

func weakRSA(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var weakRootOnce sync.Once
var weakRootMade *entity

func weakRoot(t testing.TB) *entity {
	weakRootOnce.Do(func() { weakRootMade = newCAWith(t, "Weak Root", weakRSA(t), nil) })
	return weakRootMade
}

// The algorithms that crypto/x509 will not sign or verify with.
func TestSignatures(t *testing.T) {
	id := func(hexOID string, null bool) []byte {
		oid, err := hex.DecodeString(hexOID)
		if err != nil {
			t.Fatal(err)
		}
		return sequence(t, func(b *cryptobyte.Builder) {
			b.AddASN1(6, func(b *cryptobyte.Builder) { b.AddBytes(oid) })
			if null {
				b.AddASN1NULL()
			}
		})
	}
	// RSASSA-PSS without parameters means SHA-1, MGF1 with SHA-1, 20 bytes.
	pssSHA1 := sequence(t, func(b *cryptobyte.Builder) {
		b.AddBytes([]byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10, 0x30, 0})
	})
	small, err := smallRSA(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		key       crypto.Signer
		algorithm []byte
		opts      crypto.SignerOpts
		want      []results.Problem
	}{
		{"SHA256-RSA", rsaKey(), id("2a864886f70d01010b", true), crypto.SHA256, is()},
		{"SHA512-RSA", rsaKey(), id("2a864886f70d01010d", true), crypto.SHA512, is()},
		{"SHA224-RSA", rsaKey(), id("2a864886f70d01010e", true), crypto.SHA224, is()},
		{"SHA1-RSA", rsaKey(), id("2a864886f70d010105", true), crypto.SHA1, is(weakSig)},
		{"MD5-RSA", rsaKey(), id("2a864886f70d010104", true), crypto.MD5, is(weakSig)},
		{"SHA1-RSAPSS", rsaKey(), pssSHA1, &rsa.PSSOptions{Hash: crypto.SHA1, SaltLength: 20}, is(weakSig)},
		{"ECDSA-SHA1", ecKey(elliptic.P256()), id("2a8648ce3d0401", false), crypto.SHA1, is(weakSig)},
		{"ECDSA-SHA224", ecKey(elliptic.P256()), id("2a8648ce3d040301", false), crypto.SHA224, is()},
		{"ECDSA-SHA512", ecKey(elliptic.P521()), id("2a8648ce3d040304", false), crypto.SHA512, is()},
		{"ECDSA-SHA3-256", ecKey(elliptic.P256()), id("60864801650304030a", false), crypto.SHA3_256, is()},
		{"Ed25519", edKey(), id("2b6570", false), crypto.Hash(0), is()},
		{"SHA256-RSA", small, id("2a864886f70d01010b", true), crypto.SHA256, is(weakKey)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("GODEBUG", "rsa1024min=0") // to make the small key's certificate
			root := newCAWith(t, "Root", c.key, nil)
			der := remake(t, newLeaf(t, root).x.Raw, c.algorithm, signing(t, c.key, c.opts), nil)
			got := Judge([][]byte{der}, Options{Roots: rootsOf(root), At: now})
			if !reflect.DeepEqual(got.Problems, c.want) || got.Certificates[0].SignatureAlgorithm != c.name {
				t.Errorf("got %v, %s; want %v", got.Problems, got.Certificates[0].SignatureAlgorithm, c.want)
			}
			if want := map[bool]results.Answer{true: yes, false: no}[len(c.want) == 0]; got.Trusted != want {
				t.Errorf("trusted %s, want %s", got.Trusted, want)
			}

			der[len(der)-1] ^= 1 // the signature's last bit
			got = Judge([][]byte{der}, Options{Roots: rootsOf(root), At: now})
			if !slices.Contains(got.Problems, badSig) || got.Trusted != no {
				t.Errorf("after a change: %v, trusted %s", got.Problems, got.Trusted)
			}
		})
	}
}

func smallRSA(t *testing.T) (*rsa.PrivateKey, error) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	return rsa.GenerateKey(rand.Reader, 768)
}

// RSA-PSS as crypto/x509 writes it, and with a key that is for PSS only (RFC
// 4055 §1.2), which it cannot verify with.
func TestPSS(t *testing.T) {
	signPSS := func(x *x509.Certificate) { x.SignatureAlgorithm = x509.SHA256WithRSAPSS }
	root := newCAWith(t, "Root", rsaKey(), nil, signPSS)
	leaf := newLeaf(t, root, signPSS)
	got := Judge(chainOf(leaf), Options{Roots: rootsOf(root), At: now})
	if got.Trusted != yes || got.Certificates[0].SignatureAlgorithm != "SHA256-RSAPSS" {
		t.Errorf("got %v, %s", got.Problems, got.Certificates[0].SignatureAlgorithm)
	}

	spki := sequence(t, func(b *cryptobyte.Builder) {
		b.AddBytes([]byte{0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10})
		b.AddASN1BitString(x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey))
	})
	pssOptions := &rsa.PSSOptions{Hash: crypto.SHA256, SaltLength: 32}
	der := remake(t, root.x.Raw, signatureAlgorithmOf(root.x.Raw), signing(t, rsaKey(), pssOptions), map[int][]byte{tbsKey: spki})
	anchor := &Roots{files: []*cert{parse(der)}}
	got = Judge(chainOf(leaf), Options{Roots: anchor, At: now})
	if got.Trusted != yes || anchor.files[0].key.kind != keyRSA || anchor.files[0].key.bits != 2048 {
		t.Errorf("under a PSS-only key: %v, trusted %s", got.Problems, got.Trusted)
	}
}

// A key that we have no code for makes trust unknown, not refuted.
func TestUnverifiable(t *testing.T) {
	root := newCA(t, "Root", nil)
	secp256k1 := sequence(t, func(b *cryptobyte.Builder) {
		b.AddBytes([]byte{0x30, 16, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 10})
		b.AddASN1BitString(append([]byte{4}, make([]byte, 64)...))
	})
	p192 := sequence(t, func(b *cryptobyte.Builder) {
		b.AddBytes([]byte{0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1})
		b.AddASN1BitString(append([]byte{4}, make([]byte, 48)...))
	})
	withKey := func(e *entity, spki []byte) []byte {
		return remake(t, e.x.Raw, signatureAlgorithmOf(e.x.Raw), signing(t, root.key, crypto.SHA256), map[int][]byte{tbsKey: spki})
	}
	inter := newCA(t, "Intermediate", root)
	sameSignature := signatureAlgorithmOf(inter.x.Raw)
	bySecp256k1 := remake(t, newLeaf(t, inter).x.Raw, sameSignature, func([]byte) []byte { return make([]byte, 70) }, nil)
	selfSecp256k1 := remake(t, newLeaf(t, nil).x.Raw, sameSignature, func([]byte) []byte { return make([]byte, 70) }, map[int][]byte{tbsKey: secp256k1})

	for _, c := range []struct {
		name    string
		sent    [][]byte
		want    []results.Problem
		trusted results.Answer
		auth    string
		keyType string
		bits    int
	}{
		{"a secp256k1 leaf of a known CA", [][]byte{withKey(newLeaf(t, root), secp256k1)}, is(), yes, "ECDSA", "ECDSA", 256},
		{"a P-192 leaf", [][]byte{withKey(newLeaf(t, root), p192)}, is(weakKey), no, "ECDSA", "ECDSA", 192},
		{"under a secp256k1 CA", [][]byte{bySecp256k1, withKey(inter, secp256k1)}, is(), unknown, "ECDSA", "ECDSA", 256},
		{"a secp256k1 leaf that names itself", [][]byte{selfSecp256k1}, is(unknownCA), no, "ECDSA", "ECDSA", 256},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Judge(c.sent, Options{Roots: rootsOf(root), At: now})
			if !reflect.DeepEqual(got.Problems, c.want) || got.Trusted != c.trusted {
				t.Errorf("got %v, trusted %s; want %v, %s", got.Problems, got.Trusted, c.want, c.trusted)
			}
			leaf := got.Certificates[0]
			if got.Auth != c.auth || leaf.KeyType != c.keyType || leaf.KeyBits != c.bits {
				t.Errorf("got %s, %s %d", got.Auth, leaf.KeyType, leaf.KeyBits)
			}
		})
	}
}

// Signatures that crypto/x509 does not know verify, and one with a changed bit does not.
func TestNewerSignatures(t *testing.T) {
	root := newCA(t, "Root", nil)
	for _, c := range []struct {
		name, auth string
		bits       int
		oid        []byte
		generate   func() (public []byte, sign crypto.Signer)
	}{
		{"Ed448", "EdDSA", 456, []byte{6, 3, 0x2b, 0x65, 0x71}, func() ([]byte, crypto.Signer) {
			public, private, _ := ed448.GenerateKey(rand.Reader)
			return public, private
		}},
		{"ML-DSA-44", "ML-DSA", 0, mldsaOID(17), func() ([]byte, crypto.Signer) {
			public, private, _ := mldsa44.GenerateKey(rand.Reader)
			return public.Bytes(), private
		}},
		{"ML-DSA-65", "ML-DSA", 0, mldsaOID(18), func() ([]byte, crypto.Signer) {
			public, private, _ := mldsa65.GenerateKey(rand.Reader)
			return public.Bytes(), private
		}},
		{"ML-DSA-87", "ML-DSA", 0, mldsaOID(19), func() ([]byte, crypto.Signer) {
			public, private, _ := mldsa87.GenerateKey(rand.Reader)
			return public.Bytes(), private
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			public, private := c.generate()
			algorithm := sequence(t, func(b *cryptobyte.Builder) { b.AddBytes(c.oid) })
			spki := sequence(t, func(b *cryptobyte.Builder) {
				b.AddBytes(algorithm)
				b.AddASN1BitString(public)
			})
			sign := signing(t, private, crypto.Hash(0))
			changed := func(tbs []byte) []byte {
				signature := slices.Clone(sign(tbs))
				signature[20] ^= 1
				return signature
			}
			inter := newCA(t, "Intermediate", root)
			ca := remake(t, inter.x.Raw, signatureAlgorithmOf(inter.x.Raw), signing(t, root.key, crypto.SHA256), map[int][]byte{tbsKey: spki})
			leaf := newLeaf(t, inter).x.Raw
			own := map[int][]byte{tbsKey: spki}
			for name, w := range map[string]struct {
				sent    [][]byte
				want    []results.Problem
				trusted results.Answer
			}{
				"signs":         {[][]byte{remake(t, leaf, algorithm, sign, nil), ca}, is(), yes},
				"a bit changed": {[][]byte{remake(t, leaf, algorithm, changed, nil), ca}, is(results.BadSignature), no},
				"signs itself":  {[][]byte{remake(t, newLeaf(t, nil).x.Raw, algorithm, sign, own)}, is(selfSigned), no},
			} {
				got := Judge(w.sent, Options{Roots: rootsOf(root), At: now})
				if !reflect.DeepEqual(got.Problems, w.want) || got.Trusted != w.trusted {
					t.Errorf("%s: %v, trusted %s; want %v, %s", name, got.Problems, got.Trusted, w.want, w.trusted)
				}
				self := got.Certificates[0]
				if name == "signs itself" && (got.Auth != c.auth || self.KeyType != c.name || self.KeyBits != c.bits || self.SignatureAlgorithm != c.name) {
					t.Errorf("got %s, %s %d, %s", got.Auth, self.KeyType, self.KeyBits, self.SignatureAlgorithm)
				}
			}
		})
	}
}

// mldsaOID is one of the numbers of ML-DSA (RFC 9881 §2).
func mldsaOID(n byte) []byte { return []byte{6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, n} }

// A signature decides what is self-signed, never the names.
func TestSelfSignedIsCryptographic(t *testing.T) {
	root := newCA(t, "Root", nil)
	pinned := newLeaf(t, nil)
	broken := slices.Clone(pinned.x.Raw)
	broken[len(broken)-1] ^= 1
	// Signed with its own key, though it names another issuer.
	posing := newLeafWith(t, pinned.key, &entity{x: root.x, key: pinned.key})
	for _, c := range []struct {
		name string
		der  []byte
		self results.SelfSigned
		want []results.Problem
	}{
		{"names itself and is", pinned.x.Raw, results.SelfSignedLeaf, is(selfSigned)},
		{"names itself and is not", broken, results.SelfSignedNo, is(badSig)},
		{"names another and is", posing.x.Raw, results.SelfSignedLeaf, is(selfSigned)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Judge([][]byte{c.der}, Options{Roots: rootsOf(root), At: now})
			if got.SelfSigned != c.self || !reflect.DeepEqual(got.Problems, c.want) || got.Trusted != no {
				t.Errorf("got %s %v, trusted %s", got.SelfSigned, got.Problems, got.Trusted)
			}
		})
	}
}

// A signature that does not verify is not an unknown authority, unless the key
// identifiers say that another key of that name was meant.
func TestBadSignature(t *testing.T) {
	root := newCA(t, "Root", nil)
	inter := newCA(t, "Intermediate", root)
	forged := newLeaf(t, &entity{x: inter.x, key: ecKey(elliptic.P256())})
	got := Judge(chainOf(forged, inter), Options{Roots: rootsOf(root), At: now})
	if !reflect.DeepEqual(got.Problems, is(badSig)) || got.Trusted != no {
		t.Errorf("got %v, trusted %s", got.Problems, got.Trusted)
	}
	twin := newCA(t, "Intermediate", root)
	got = Judge(chainOf(forged, twin), Options{Roots: rootsOf(root), At: now})
	if !reflect.DeepEqual(got.Problems, is(extra, incomplete)) {
		t.Errorf("beside a CA of the same name: %v", got.Problems)
	}
}

// A root that was cross-signed by another is reached in two ways; one good way
// is enough, whatever is wrong with the other.
func TestCrossSigned(t *testing.T) {
	old, young := newCA(t, "Old Root", nil), newCA(t, "Young Root", nil)
	long := valid(now.AddDate(-5, 0, 0), now.AddDate(5, 0, 0))
	past := valid(now.AddDate(-5, 0, 0), now.AddDate(0, 0, -1))
	cross := newCAWith(t, "Young Root", young.key, old, long)
	lapsed := newCAWith(t, "Young Root", young.key, old, past)
	inter := newCA(t, "Intermediate", young)
	leaf := newLeaf(t, inter)
	for _, c := range []struct {
		name    string
		sent    [][]byte
		roots   *Roots
		want    []results.Problem
		trusted results.Answer
	}{
		{"both known", chainOf(leaf, inter, cross), rootsOf(old, young), is(), yes},
		{"old known", chainOf(leaf, inter, cross), rootsOf(old), is(), yes},
		{"young known", chainOf(leaf, inter, cross), rootsOf(young), is(), yes},
		{"lapsed, young known", chainOf(leaf, inter, lapsed), rootsOf(old, young), is(), yes},
		{"lapsed, old known", chainOf(leaf, inter, lapsed), rootsOf(old), is(expired), no},
		{"lapsed before a good one", chainOf(leaf, inter, lapsed, cross), rootsOf(old), is(), yes},
		{"with the old root", chainOf(leaf, inter, cross, old), rootsOf(young), is(rootSent), yes},
		{"neither known", chainOf(leaf, inter, cross), rootsOf(), is(unknownCA), no},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Judge(c.sent, Options{Roots: c.roots, At: now})
			if !reflect.DeepEqual(got.Problems, c.want) || got.Trusted != c.trusted {
				t.Errorf("got %v, trusted %s; want %v, %s", got.Problems, got.Trusted, c.want, c.trusted)
			}
		})
	}
}

// What the standard library refuses as a whole is still described, judged as
// far as it goes, and called malformed.
func TestMalformedButReadable(t *testing.T) {
	root := newCA(t, "Root", nil)
	leaf := newLeaf(t, root, valid(now.AddDate(0, 0, -90), now.AddDate(0, 0, -1)))
	negative := remake(t, leaf.x.Raw, signatureAlgorithmOf(leaf.x.Raw), signing(t, root.key, crypto.SHA256),
		map[int][]byte{tbsSerial: {2, 1, 0xfb}})
	if _, err := x509.ParseCertificate(negative); err == nil {
		t.Fatal("the library reads a negative serial number: this test needs another fault")
	}
	got := Judge([][]byte{negative}, Options{ServerName: "www.example", Roots: rootsOf(root), At: now})
	if !reflect.DeepEqual(got.Problems, is(malformed, expired)) || got.Trusted != no || got.HostnameMatch != yes {
		t.Errorf("got %v, trusted %s, name %s", got.Problems, got.Trusted, got.HostnameMatch)
	}
	if c := got.Certificates[0]; c.Serial != "-05" || c.Subject != "CN=leaf" || c.KeyType != "ECDSA" || !c.NotAfter.Equal(leaf.x.NotAfter) {
		t.Errorf("described as %+v", c)
	}
	got = Judge([][]byte{negative}, Options{ServerName: "api.example", Roots: rootsOf(root), At: now})
	if got.HostnameMatch != unknown {
		t.Errorf("name %s, want unknown: it may stand in what could not be read", got.HostnameMatch)
	}
}

func TestUnreadable(t *testing.T) {
	got := Judge([][]byte{{1, 2, 3}}, Options{ServerName: "www.example", Roots: rootsOf(), At: now})
	want := results.Chain{
		ServerName: "www.example", Trusted: no, SelfSigned: results.SelfSignedNo, HostnameMatch: unknown, Problems: is(malformed),
		Certificates: []results.Cert{{
			SHA256: "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81", DER: []byte{1, 2, 3},
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDescription(t *testing.T) {
	root := newCAWith(t, "Root", rsaKey(), nil, withSubject(pkix.Name{
		Country: []string{"DE"}, Organization: []string{"Ä, B+C"}, CommonName: "Root",
	}))
	leaf := newLeaf(t, root, withNames("www.example", "*.example"), withIP("192.0.2.1"), withIP("2001:db8::1"), func(x *x509.Certificate) {
		x.SerialNumber.SetInt64(0x0abc)
	})
	got := Judge(chainOf(leaf, root), Options{Roots: rootsOf(root), At: now})
	want := results.Cert{
		Subject: "CN=leaf", Issuer: `CN=Root,O=Ä\, B\+C,C=DE`, Serial: "0abc",
		DNSNames: []string{"www.example", "*.example"}, IPAddresses: []string{"192.0.2.1", "2001:db8::1"},
		NotBefore: leaf.x.NotBefore, NotAfter: leaf.x.NotAfter,
		KeyType: "ECDSA", KeyBits: 256, SignatureAlgorithm: "SHA256-RSA", DER: leaf.x.Raw, SHA256: got.Certificates[0].SHA256,
	}
	if !reflect.DeepEqual(got.Certificates[0], want) {
		t.Errorf("got  %+v\nwant %+v", got.Certificates[0], want)
	}
	if r := got.Certificates[1]; got.Auth != "ECDSA" || r.KeyType != "RSA" || r.KeyBits != 2048 || r.Subject != r.Issuer {
		t.Errorf("got %s and %+v", got.Auth, r)
	}
}

// The limits of the CA/Browser Forum are for the anchors of the system.
func TestPublicValidity(t *testing.T) {
	root := newCA(t, "Public Root", nil, valid(time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)))
	t.Setenv("SSL_CERT_FILE", writePEM(t, "system.pem", root))
	t.Setenv("SSL_CERT_DIR", t.TempDir())
	roots, err := LoadRoots(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		issued string
		days   int
	}{
		{"2017-06-01", 1188}, {"2019-06-01", 825}, {"2020-08-31", 825}, {"2020-09-01", 398}, {"2026-03-14", 398},
		{"2026-03-15", 200}, {"2027-03-15", 100}, {"2029-03-15", 47},
	} {
		from, err := time.Parse(time.DateOnly, c.issued)
		if err != nil {
			t.Fatal(err)
		}
		most := from.AddDate(0, 0, c.days)
		if c.days <= inDays { // the last second counts
			most = most.Add(-time.Second)
		}
		for _, d := range []struct {
			until time.Time
			want  []results.Problem
		}{{most, is()}, {most.Add(time.Second), is(validityBad)}} {
			leaf := newLeaf(t, root, valid(from, d.until))
			got := Judge(chainOf(leaf), Options{Roots: roots, At: from.AddDate(0, 0, 1)})
			if !reflect.DeepEqual(got.Problems, d.want) {
				t.Errorf("issued %s, valid until %s: %v, want %v", c.issued, d.until, got.Problems, d.want)
			}
		}
	}
}

// Hostile chains cost a bounded time: without bounds this test would not end.
func TestBounds(t *testing.T) {
	root := newCA(t, "Root", nil)
	ring := make([]*entity, 60) // sixty CAs of one name, each of which could have issued each
	for i := range ring {
		ring[i] = newCA(t, "Ring", nil)
	}
	sent := []*entity{newLeaf(t, ring[0])}
	for i := range ring {
		x := newCAWith(t, "Ring", ring[i].key, &entity{x: ring[(i+1)%len(ring)].x, key: ring[(i+1)%len(ring)].key},
			func(x *x509.Certificate) { x.SubjectKeyId = []byte{1} })
		sent = append(sent, x)
	}
	got := Judge(chainOf(sent...), Options{Roots: rootsOf(root), At: now})
	if got.Trusted == yes {
		t.Errorf("trusted: %v", got.Problems)
	}

	many := slices.Repeat(chainOf(newLeaf(t, root)), maxCertificates+5)
	got = Judge(many, Options{Roots: rootsOf(root), At: now})
	if len(got.Certificates) != len(many) || !slices.Contains(got.Problems, malformed) || got.Trusted != no {
		t.Errorf("%d certificates, %v", len(got.Certificates), got.Problems)
	}
	if last := got.Certificates[len(many)-1]; last.Subject != "" || last.SHA256 == "" || len(last.DER) == 0 {
		t.Errorf("beyond the bound: %+v", last)
	}

	var names []string
	for i := range 3000 {
		names = append(names, fmt.Sprintf("n%d.example", i))
	}
	constrained := newCA(t, "Constrained", root, func(x *x509.Certificate) {
		for i := range 3000 {
			x.ExcludedDNSDomains = append(x.ExcludedDNSDomains, fmt.Sprintf("x%d.example", i))
		}
	})
	got = Judge(chainOf(newLeaf(t, constrained, withNames(names...)), constrained), Options{Roots: rootsOf(root), At: now})
	if !reflect.DeepEqual(got.Problems, is(violation)) {
		t.Errorf("nine million comparisons: %v", got.Problems)
	}
}

// TestWorkIsCounted: a maze of 12 levels with 8 twins each has 8^11 ways, and
// costs no more than the bounds say.
func TestWorkIsCounted(t *testing.T) {
	const levels, twins = 12, 8
	keys := make([]*ecdsa.PrivateKey, levels+1)
	for i := range keys {
		keys[i] = ecKey(elliptic.P256())
	}
	sent := []*entity{newLeaf(t, newCAWith(t, "Level 0", keys[0], nil))}
	for i := range levels {
		for range twins {
			sent = append(sent, newCAWith(t, fmt.Sprint("Level ", i), keys[i], newCAWith(t, fmt.Sprint("Level ", i+1), keys[i+1], nil)))
		}
	}
	g := newGraph(parseAll(chainOf(sent...), parse), rootsOf(newCA(t, "Root", nil)))
	if got := g.best(now); got.anchored {
		t.Errorf("an exit: %v", got.problems)
	}
	if g.verified > maxChecks || g.steps > maxSteps*(twins+1) {
		t.Errorf("%d signatures, %d steps", g.verified, g.steps)
	}
}

// Random hierarchies, with random faults, judged as crypto/x509 judges them.
func TestAgreesWithCryptoX509(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(1, 2))
	chance := func(percent int) bool { return rng.IntN(100) < percent }
	fault := func() edit {
		switch {
		case chance(85):
			return func(*x509.Certificate) {}
		case chance(20):
			return valid(now.AddDate(-1, 0, 0), now.AddDate(0, 0, -1))
		case chance(25):
			return withPathLen(rng.IntN(2))
		case chance(30):
			return withUsage([]x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}[rng.IntN(2)])
		case chance(40):
			return func(x *x509.Certificate) { x.PermittedDNSDomains = []string{[]string{"example", "other"}[rng.IntN(2)]} }
		case chance(60):
			return func(x *x509.Certificate) {
				_, net4, _ := net.ParseCIDR("192.0.2.0/24")
				x.ExcludedIPRanges = []*net.IPNet{net4}
			}
		}
		return notCA
	}
	trustedCount := 0
	for range 400 {
		cas := []*entity{newCA(t, "CA 0", nil, fault())}
		for i := range 2 + rng.IntN(6) {
			key := ecKey(elliptic.P256())
			name := fmt.Sprintf("CA %d", i+1)
			if twin := cas[rng.IntN(len(cas))]; chance(30) { // a cross-sign
				key, name = twin.key.(*ecdsa.PrivateKey), twin.x.Subject.CommonName
			}
			issuer := cas[rng.IntN(len(cas))]
			if chance(15) || issuer.x.Subject.CommonName == name {
				issuer = nil
			}
			cas = append(cas, newCAWith(t, name, key, issuer, fault()))
		}
		leaf := newLeaf(t, cas[rng.IntN(len(cas))], withIP("192.0.2.9"), func(x *x509.Certificate) {
			if f := fault(); !chance(50) {
				ca := x.IsCA
				f(x)
				x.IsCA, x.MaxPathLen, x.MaxPathLenZero = ca, 0, false
				x.PermittedDNSDomains, x.ExcludedIPRanges = nil, nil
			}
		})
		trusted := []*entity{cas[rng.IntN(len(cas))], cas[0]}
		sent := []*entity{leaf}
		pool, others := x509.NewCertPool(), x509.NewCertPool()
		for _, r := range trusted {
			pool.AddCert(r.x)
		}
		for _, i := range rng.Perm(len(cas)) {
			if chance(85) {
				sent = append(sent, cas[i])
				others.AddCert(cas[i].x)
			}
		}
		_, err := leaf.x.Verify(x509.VerifyOptions{Roots: pool, Intermediates: others, CurrentTime: now})
		got := Judge(chainOf(sent...), Options{Roots: rootsOf(trusted...), At: now})
		if (err == nil) != (got.Trusted == yes) {
			t.Errorf("crypto/x509: %v; here: trusted %s, %v", err, got.Trusted, got.Problems)
		}
		if got.Trusted == yes {
			trustedCount++
		}
	}
	if trustedCount < 40 || trustedCount > 360 {
		t.Errorf("%d of 400 are trusted: the mix tests little", trustedCount)
	}
}

func FuzzJudge(f *testing.F) {
	root := newCA(f, "Root", nil)
	inter := newCA(f, "Intermediate", root, func(x *x509.Certificate) { x.PermittedDNSDomains = []string{"example"} })
	leaf := newLeaf(f, inter, withIP("192.0.2.1"))
	rsaLeaf := newLeafWith(f, rsaKey(), root)
	for _, chain := range [][][]byte{chainOf(leaf, inter), chainOf(rsaLeaf, root), chainOf(newLeaf(f, nil)), {{0x30, 0}}} {
		f.Add(slices.Concat(chain...))
	}
	roots := rootsOf(root)
	pool := x509.NewCertPool()
	pool.AddCert(root.x)
	f.Fuzz(func(t *testing.T, data []byte) {
		var sent [][]byte
		for rest := cryptobyte.String(data); !rest.Empty(); {
			var one cryptobyte.String
			if !rest.ReadASN1Element(&one, 0x30) {
				one, rest = rest, nil
			}
			sent = append(sent, one)
		}
		got := Judge(sent, Options{ServerName: "www.example", Roots: roots, At: now})
		if len(got.Certificates) != len(sent) || got.Problems == nil || !slices.IsSorted(got.Problems) {
			t.Fatalf("half a record: %+v", got)
		}
		if got.Trusted != yes {
			return
		}
		if namesDifferInWriting(sent, roots) {
			return // crypto/x509 compares bytes
		}
		others := x509.NewCertPool()
		for _, der := range sent[1:] {
			if x, err := x509.ParseCertificate(der); err == nil {
				others.AddCert(x)
			}
		}
		x, err := x509.ParseCertificate(sent[0])
		if err != nil {
			t.Fatalf("trusted, but it does not parse: %v", err)
		}
		if _, err := x.Verify(x509.VerifyOptions{Roots: pool, Intermediates: others, CurrentTime: now}); err != nil {
			t.Fatalf("trusted, but crypto/x509 says: %v", err)
		}
	})
}

// namesDifferInWriting reports whether an issuer's name is also written
// otherwise, as RFC 5280 §7.1 allows.
func namesDifferInWriting(sent [][]byte, roots *Roots) bool {
	certs := append(parseAll(sent, parse), roots.files...)
	for _, a := range certs {
		for _, b := range certs {
			if a.x != nil && b.x != nil && a.issuer == b.subject && !bytes.Equal(a.x.RawIssuer, b.x.RawSubject) {
				return true
			}
		}
	}
	return false
}

func BenchmarkJudge(b *testing.B) {
	root := newCA(b, "Root", nil)
	inter := newCAWith(b, "Intermediate", rsaKey(), root)
	sent := chainOf(newLeaf(b, inter), inter, root)
	roots := rootsOf(root)
	opt := Options{ServerName: "www.example", Roots: roots, At: now}
	for b.Loop() {
		if c := Judge(sent, opt); c.Trusted != results.Yes {
			b.Fatal(c.Problems)
		}
	}
}
