package scanner

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
)

// certificate is self-signed for a name with a key.
func certificate(t testing.TB, name string, key crypto.Signer, more ...pkix.Extension) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtraExtensions: more,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serveTLS is crypto/tls with a configuration.
func serveTLS(t *testing.T, cfg *tls.Config) netip.AddrPort {
	t.Helper()
	return serveEach(t, cfg, func(conn net.Conn) { conn.(*tls.Conn).Handshake() })
}

func keys(t testing.TB) (ec, rs, ed crypto.Signer) {
	t.Helper()
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return ecKey, rsaKey, edKey
}

// Every certificate that a server has is found, by kind of key and by name (its own,
// none, one that is nobody's), in
// TLS 1.2 in the clear and in TLS 1.3 through the encrypted flight, whatever
// group the server insists on.
func TestEveryChain(t *testing.T) {
	ec, rs, ed := keys(t)
	named := []tls.Certificate{certificate(t, "portal.example", ec), certificate(t, "portal.example", rs), certificate(t, "portal.example", ed)}
	fallback, unnamed := certificate(t, "default.example", ec), certificate(t, "unnamed.example", ec)
	for _, c := range []struct {
		name    string
		version uint16
		group   tls.CurveID
	}{
		{"TLS 1.2", tls.VersionTLS12, tls.CurveP256},
		{"TLS 1.3 X25519", tls.VersionTLS13, tls.X25519},
		{"TLS 1.3 P-256", tls.VersionTLS13, tls.CurveP256},
		{"TLS 1.3 P-384", tls.VersionTLS13, tls.CurveP384},
		{"TLS 1.3 P-521", tls.VersionTLS13, tls.CurveP521},
		{"TLS 1.3 X25519MLKEM768", tls.VersionTLS13, tls.X25519MLKEM768},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			addr := serveTLS(t, &tls.Config{
				MinVersion: c.version, MaxVersion: c.version, CurvePreferences: []tls.CurveID{c.group},
				GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
					if h.ServerName == "" {
						return &unnamed, nil
					}
					for _, cert := range named {
						if h.ServerName == "portal.example" && h.SupportsCertificate(&cert) == nil {
							return &cert, nil
						}
					}
					return &fallback, nil
				},
			})
			e := scanChainsOf(t, addr)
			if e.Status != results.Complete {
				t.Errorf("status %s, failures %+v, undetermined %+v", e.Status, e.Failures, e.Undetermined)
			}
			want := map[string][]tls.Certificate{"portal.example": named, "": {unnamed}, results.Nobody: {fallback}}
			found := 0
			for name, certs := range want {
				for _, cert := range certs {
					if !shows(e, name, cert.Certificate[0]) {
						t.Errorf("the %T certificate for name %q was not found", cert.PrivateKey, name)
						continue
					}
					found++
				}
			}
			if found == 5 && len(e.Chains) != 5 {
				t.Errorf("%d chains, want 5: %+v", len(e.Chains), e.Chains)
			}
			if own := e.OwnChains(); len(own) != 3 {
				t.Errorf("%d chains for clients of the endpoint, want 3: %+v", len(own), own)
			}
		})
	}
}

// A chain that a server of TLS 1.2 shows and cannot sign with is nobody's: here that of
// another name, to who wants EdDSA.
func TestChainThatCannotSign(t *testing.T) {
	ec, rs, _ := keys(t)
	certs := []tls.Certificate{certificate(t, "other.example", ec), certificate(t, "portal.example", rs), certificate(t, "portal.example", ec)}
	e := scanChainsOf(t, serveTLS(t, &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: certs}))
	if own := e.OwnChains(); len(own) != 2 || own[0].HostnameMatch != results.Yes || own[1].HostnameMatch != results.Yes {
		t.Errorf("%+v", own)
	}
	if !shows(e, "", certs[0].Certificate[0]) {
		t.Error("what is shown without a name was not found")
	}
}

// Keys of one kind are told apart: on several curves, RSA's for PSS alone.
func TestEveryCurve(t *testing.T) {
	var certs []tls.Certificate
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, certificate(t, "portal.example", key))
	}
	_, rs, _ := keys(t)
	certs = append(certs, certificate(t, "portal.example", rs))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			e := scanChainsOf(t, serveTLS(t, &tls.Config{MaxVersion: version, Certificates: certs}))
			for _, cert := range certs {
				if !shows(e, "portal.example", cert.Certificate[0]) {
					t.Errorf("the certificate on %v was not found", cert.PrivateKey.(crypto.Signer).Public())
				}
			}
			if len(e.Chains) != len(certs) || e.Status != results.Complete {
				t.Errorf("%d chains, %s; failures %+v", len(e.Chains), e.Status, e.Failures)
			}
		})
	}
}

func shows(e *results.Endpoint, name string, der []byte) bool {
	for _, c := range e.Chains {
		if c.ServerName == name && bytes.Equal(c.Certificates[0].DER, der) {
			return true
		}
	}
	return false
}

func scanChainsOf(t *testing.T, addr netip.AddrPort) *results.Endpoint {
	t.Helper()
	p := target(addr)
	p.ServerName = "portal.example"
	var got *results.Endpoint
	New(dial.New(dial.Options{Timeout: 10 * time.Second}), Options{Aspects: []Aspect{AspectVersions, AspectCertificates}}).
		Run(t.Context(), []inventory.Path{p}, func(e *results.Endpoint) error { got = e; return nil })
	return got
}

// A server that cuts its connection in the middle of the certificates leaves
// them unknown, not absent.
func TestHalfAChain(t *testing.T) {
	ec, _, _ := keys(t)
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate(t, "portal.example", ec)}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				tls.Server(&shortConn{conn, 160}, cfg).HandshakeContext(context.Background())
			}()
		}
	}()
	e := scanChainsOf(t, netip.MustParseAddrPort(l.Addr().String()))
	if e.Status != results.Partial || len(e.Chains) != 0 || e.Versions[results.TLSv12] != results.Yes {
		t.Errorf("status %s, versions %v, %d chains", e.Status, e.Versions, len(e.Chains))
	}
	if len(e.Failures) == 0 || e.Failures[0].Stage != results.StageHandshake {
		t.Errorf("failures %+v, want some in the handshake", e.Failures)
	}
}

// shortConn writes so many bytes and then no more.
type shortConn struct {
	net.Conn
	left int
}

func (c *shortConn) Write(b []byte) (int, error) {
	n := min(len(b), c.left)
	c.left -= n
	if _, err := c.Conn.Write(b[:n]); err != nil {
		return 0, err
	}
	if n < len(b) {
		return n, net.ErrClosed
	}
	return n, nil
}

// A server that has no certificate for whom lists schemes of certificates' own
// signatures shows it to others.
func TestSchemesOfCertificatesDisliked(t *testing.T) {
	const signatureAlgorithmsCert = 50
	ec, _, _ := keys(t)
	config := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate(t, "portal.example", ec)}}
	refusing := config.Clone()
	refusing.CurvePreferences = []tls.CurveID{0x9999} // which nobody has
	config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(h.Extensions, signatureAlgorithmsCert) {
			return refusing, nil
		}
		return nil, nil
	}
	e := scanFake(t, serveTLS(t, config), dial.Options{}, Options{Aspects: []Aspect{AspectCertificates}})
	if len(e.Chains) != 1 || e.Status != results.Complete {
		t.Errorf("%s, %d chains, failures %+v", e.Status, len(e.Chains), e.Failures)
	}
}
