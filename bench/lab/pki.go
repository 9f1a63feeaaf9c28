// The lab's certificates, all made by cfssl's packages: a root, an issuing
// authority under it, leaves, and leaves that are wrong on purpose.

package lab

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	"github.com/cloudflare/cfssl/config"
	"github.com/cloudflare/cfssl/csr"
	"github.com/cloudflare/cfssl/helpers"
	"github.com/cloudflare/cfssl/initca"
	"github.com/cloudflare/cfssl/log"
	"github.com/cloudflare/cfssl/selfsign"
	"github.com/cloudflare/cfssl/signer"
	"github.com/cloudflare/cfssl/signer/local"
)

// PKI is a certificate authority for tests: a root that clients trust and an
// authority under it that signs the leaves, as public ones do.
type PKI struct {
	Root    *x509.Certificate
	Issuing *x509.Certificate
	signer  *local.Signer
}

// KeyType is what a leaf's key is.
type KeyType string

// The zero value is ECDSA: it is made in no time.
const (
	ECDSA KeyType = "" // P-256
	RSA   KeyType = "rsa-2048"
)

// Leaf says what certificate is wanted. The zero value of each field is good:
// a P-256 key, valid from five minutes ago for ninety days.
type Leaf struct {
	Names               []string // DNS names and IP addresses; the first is also the common name
	Key                 KeyType
	NotBefore, NotAfter time.Time
	Signer              crypto.Signer // a key that is elsewhere, such as in a token; Key is not used then
}

// Certificate is a chain as a server sends it, with its key.
type Certificate struct {
	Leaf  *x509.Certificate
	Chain []byte // PEM, leaf first, without the root
	Key   []byte // PEM; nil where the key is in a token
	Token *Token // holds the key where it is not in a file
	Label string // of the key in the token
}

// leafValidity is well inside what the CA/Browser Forum allows.
const leafValidity = 90 * 24 * time.Hour

// cfssl writes a line to the standard logger for every signature.
var quietCFSSL = sync.OnceFunc(func() { log.Level = log.LevelFatal + 1 })

// NewPKI makes a new root and an issuing authority.
func NewPKI() (*PKI, error) {
	quietCFSSL()
	root, rootSigner, err := newRoot()
	if err != nil {
		return nil, fmt.Errorf("making the root certificate: %w", err)
	}
	issuing, issuer, err := newIssuing(root, rootSigner)
	if err != nil {
		return nil, fmt.Errorf("making the issuing certificate: %w", err)
	}
	return &PKI{Root: root, Issuing: issuing, signer: issuer}, nil
}

// RootPEM is the root as a file of trust anchors.
func (p *PKI) RootPEM() []byte { return helpers.EncodeCertificatePEM(p.Root) }

// Pool holds the root alone.
func (p *PKI) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.Root)
	return pool
}

// Issue gives a leaf signed by the issuing authority.
func (p *PKI) Issue(l Leaf) (Certificate, error) {
	request, key, err := l.request()
	if err != nil {
		return Certificate{}, fmt.Errorf("requesting a certificate for %q: %w", l.Names, err)
	}
	leaf, err := p.signer.Sign(signer.SignRequest{
		Hosts: l.Names, Request: string(request), NotBefore: l.NotBefore, NotAfter: l.NotAfter,
	})
	if err != nil {
		return Certificate{}, fmt.Errorf("signing the certificate for %q: %w", l.Names, err)
	}
	c, err := certificate(append(leaf, helpers.EncodeCertificatePEM(p.Issuing)...), key)
	if k, ok := l.Signer.(*TokenKey); ok {
		c.Token, c.Label = k.token, k.label
	}
	return c, err
}

// Expired gives a leaf whose time ran out ten days before now.
func (p *PKI) Expired(l Leaf, now time.Time) (Certificate, error) {
	l.NotAfter = now.AddDate(0, 0, -10)
	l.NotBefore = l.NotAfter.Add(-leafValidity)
	return p.Issue(l)
}

// SelfSigned gives a leaf that is its own issuer. Its validity is cfssl's:
// from five minutes ago for ninety days.
func SelfSigned(l Leaf) (Certificate, error) {
	quietCFSSL()
	request, key, err := l.request()
	if err != nil {
		return Certificate{}, fmt.Errorf("requesting a certificate for %q: %w", l.Names, err)
	}
	priv := l.Signer
	if priv == nil {
		if priv, err = helpers.ParsePrivateKeyPEM(key); err != nil {
			return Certificate{}, err
		}
	}
	leaf, err := selfsign.Sign(priv, request, serverProfile())
	if err != nil {
		return Certificate{}, fmt.Errorf("self-signing the certificate for %q: %w", l.Names, err)
	}
	return certificate(leaf, key)
}

// TLS is the certificate for a server written in Go.
func (c Certificate) TLS() (tls.Certificate, error) { return tls.X509KeyPair(c.Chain, c.Key) }

// request is the signed request, and the new key unless the leaf brings one.
func (l Leaf) request() (request, key []byte, err error) {
	if len(l.Names) == 0 {
		return nil, nil, fmt.Errorf("a leaf needs at least one name")
	}
	r := &csr.CertificateRequest{CN: l.Names[0], Hosts: l.Names, KeyRequest: l.Key.request()}
	if l.Signer != nil {
		request, err = csr.Generate(l.Signer, r)
		return request, nil, err
	}
	return csr.ParseRequest(r)
}

func (k KeyType) request() *csr.KeyRequest {
	if k == RSA {
		return &csr.KeyRequest{A: "rsa", S: 2048}
	}
	return &csr.KeyRequest{A: "ecdsa", S: 256}
}

func certificate(chain, key []byte) (Certificate, error) {
	leaf, err := helpers.ParseCertificatePEM(bytes.SplitAfter(chain, []byte("-----END CERTIFICATE-----\n"))[0])
	return Certificate{Leaf: leaf, Chain: chain, Key: key}, err
}

func newRoot() (*x509.Certificate, *local.Signer, error) {
	pem, _, key, err := initca.New(&csr.CertificateRequest{
		CN: "Shakedown Lab Root", Names: []csr.Name{{O: "Shakedown Lab"}}, KeyRequest: ECDSA.request(),
	})
	if err != nil {
		return nil, nil, err
	}
	cert, err := helpers.ParseCertificatePEM(pem)
	if err != nil {
		return nil, nil, err
	}
	s, err := newSigner(key, cert, issuingProfile())
	return cert, s, err
}

func newIssuing(root *x509.Certificate, rootSigner *local.Signer) (*x509.Certificate, *local.Signer, error) {
	request, key, err := csr.ParseRequest(&csr.CertificateRequest{
		CN: "Shakedown Lab Issuing", Names: []csr.Name{{O: "Shakedown Lab"}}, KeyRequest: ECDSA.request(),
	})
	if err != nil {
		return nil, nil, err
	}
	pem, err := rootSigner.Sign(signer.SignRequest{Request: string(request)})
	if err != nil {
		return nil, nil, err
	}
	cert, err := helpers.ParseCertificatePEM(pem)
	if err != nil {
		return nil, nil, err
	}
	s, err := newSigner(key, cert, serverProfile())
	return cert, s, err
}

func newSigner(key []byte, cert *x509.Certificate, profile *config.SigningProfile) (*local.Signer, error) {
	priv, err := helpers.ParsePrivateKeyPEM(key)
	if err != nil {
		return nil, err
	}
	return local.NewSigner(priv, cert, signer.DefaultSigAlgo(priv), &config.Signing{Default: profile})
}

func serverProfile() *config.SigningProfile {
	return &config.SigningProfile{
		Usage: []string{"digital signature", "key encipherment", "server auth"}, Expiry: leafValidity,
	}
}

func issuingProfile() *config.SigningProfile {
	return &config.SigningProfile{
		Usage: []string{"cert sign", "crl sign"}, Expiry: 2 * 365 * 24 * time.Hour,
		CAConstraint: config.CAConstraint{IsCA: true, MaxPathLenZero: true},
	}
}

// short names the key type in labels and file names.
func (k KeyType) short() string {
	if k == RSA {
		return "rsa"
	}
	return "ec"
}
