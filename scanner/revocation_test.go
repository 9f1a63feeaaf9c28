package scanner

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"shakedown/results"
	"shakedown/scanner/chain"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
)

// authority issues certificates and answers for them.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a certificate under an authority; nil signs with its own key.
func issue(t testing.TB, by *authority, template *x509.Certificate) *authority {
	t.Helper()
	key := newKey(t)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(48*time.Hour)
	if template.IsCA {
		template.BasicConstraintsValid, template.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	}
	parent := &authority{template, key}
	if by != nil {
		parent = by
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, key.Public(), parent.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

func newAuthority(t testing.TB) *authority {
	return issue(t, nil, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, IsCA: true})
}

func leafTemplate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(42), Subject: pkix.Name{CommonName: "portal.example"}, DNSNames: []string{"portal.example"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

// response is an OCSP response about serial 42.
func (a *authority) response(t *testing.T, status int, change func(*ocsp.Response)) []byte {
	t.Helper()
	r := ocsp.Response{Status: status, SerialNumber: big.NewInt(42), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour), RevokedAt: time.Now().Add(-2 * time.Hour)}
	signer := a
	if change != nil {
		change(&r)
	}
	der, err := ocsp.CreateResponse(a.cert, signer.cert, r, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// crl is a list of revoked serial numbers.
func (a *authority) crl(t *testing.T, next time.Time, serials ...int64) []byte {
	t.Helper()
	return a.crlWith(t, nil, next, serials...)
}

func (a *authority) crlWith(t *testing.T, extensions []pkix.Extension, next time.Time, serials ...int64) []byte {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(3), ThisUpdate: next.Add(-24 * time.Hour), NextUpdate: next, ExtraExtensions: extensions}
	for _, s := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(s), RevocationTime: time.Now().Add(-time.Hour)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// publisher answers each path with what is set for it, and counts.
func publisher(t *testing.T, pages map[string]func(http.ResponseWriter, *http.Request)) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page := pages[r.URL.Path]; page != nil {
			page(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func says(body []byte) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); w.Write(body) }
}

// scanChain scans a server with a chain under a root.
func scanChain(t *testing.T, root, leaf *authority, staple []byte, opt Options, between ...*authority) *results.Endpoint {
	t.Helper()
	file := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	roots, err := chain.OnlyRoots([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	own := tls.Certificate{Certificate: [][]byte{leaf.cert.Raw}, PrivateKey: leaf.key}
	for _, b := range between {
		own.Certificate = append(own.Certificate, b.cert.Raw)
	}
	own.OCSPStaple = staple
	config := &tls.Config{Certificates: []tls.Certificate{own}}
	opt.Roots = func(inventory.Path) *chain.Roots { return roots }
	e := scanFake(t, serveGo(t, "127.0.0.1:0", config), dial.Options{Timeout: 2 * time.Second}, opt)
	if len(e.Chains) == 0 {
		t.Fatalf("no chain: %+v", e.Failures)
	}
	return e
}

// verdict is what of a record revocation decides.
type verdict struct {
	trusted results.Answer
	revoked bool
	status  results.Status
	kind    results.FailureKind // "" for no failure
}

func verdictOf(e *results.Endpoint) verdict {
	v := verdict{trusted: e.Chains[0].Trusted, revoked: slices.Contains(e.Chains[0].Problems, results.Revoked), status: e.Status}
	for _, f := range e.Failures {
		if f.Stage == results.StageRequest {
			v.kind = f.Kind
		}
	}
	return v
}

var (
	standsGood = verdict{results.Yes, false, results.Complete, ""}
	isRevoked  = verdict{results.No, true, results.Complete, ""}
)

func notKnown(kind results.FailureKind) verdict {
	return verdict{results.Unknown, false, results.Partial, kind}
}

// Good is said only of a fresh answer by one who may give it; whatever else
// comes leaves the chain unknown, with the reason.
func TestOCSP(t *testing.T) {
	root := newAuthority(t)
	stranger := newAuthority(t)
	delegate := func(usage ...x509.ExtKeyUsage) *authority {
		return issue(t, root, &x509.Certificate{SerialNumber: big.NewInt(9), Subject: pkix.Name{CommonName: "responder"}, ExtKeyUsage: usage})
	}
	delegated := func(by *authority) []byte {
		der, err := ocsp.CreateResponse(root.cert, by.cert, ocsp.Response{
			Status: ocsp.Good, SerialNumber: big.NewInt(42), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour), Certificate: by.cert,
		}, by.key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	for name, c := range map[string]struct {
		page func(http.ResponseWriter, *http.Request)
		want verdict
	}{
		"good":            {says(root.response(t, ocsp.Good, nil)), standsGood},
		"revoked":         {says(root.response(t, ocsp.Revoked, nil)), isRevoked},
		"not known":       {says(root.response(t, ocsp.Unknown, nil)), notKnown(results.KindMalformed)},
		"stale":           {says(root.response(t, ocsp.Good, func(r *ocsp.Response) { r.NextUpdate = time.Now().Add(-time.Hour) })), notKnown(results.KindMalformed)},
		"of another":      {says(root.response(t, ocsp.Good, func(r *ocsp.Response) { r.SerialNumber = big.NewInt(43) })), notKnown(results.KindMalformed)},
		"by a stranger":   {says(stranger.response(t, ocsp.Good, nil)), notKnown(results.KindMalformed)},
		"by a delegate":   {says(delegated(delegate(x509.ExtKeyUsageOCSPSigning))), standsGood},
		"by another leaf": {says(delegated(delegate(x509.ExtKeyUsageServerAuth))), notKnown(results.KindMalformed)},
		"garbage":         {says([]byte("garbage")), notKnown(results.KindMalformed)},
		"try later":       {says(ocsp.TryLaterErrorResponse), notKnown(results.KindMalformed)},
		"an error":        {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 500) }, notKnown(results.KindMalformed)},
		"without end": {func(w http.ResponseWriter, _ *http.Request) {
			for block := make([]byte, 4096); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}, notKnown(results.KindLimit)},
		"redirected": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/ocsp", http.StatusTemporaryRedirect)
		}, notKnown(results.KindInternal)},
		"silence": {func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); <-r.Context().Done() }, notKnown(results.KindTimeout)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := publisher(t, map[string]func(http.ResponseWriter, *http.Request){"/ocsp": c.page})
			template := leafTemplate()
			template.OCSPServer = []string{s.URL + "/ocsp"}
			e := scanChain(t, root, issue(t, root, template), nil, Options{Aspects: []Aspect{AspectVersions}, Revocation: true})
			if got := verdictOf(e); got != c.want {
				t.Errorf("got %+v, want %+v; %+v", got, c.want, e.Failures)
			}
		})
	}
}

func TestCRL(t *testing.T) {
	root, stranger := newAuthority(t), newAuthority(t)
	soon := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		body []byte
		want verdict
	}{
		"not listed":    {root.crl(t, soon, 7, 43), standsGood},
		"listed":        {root.crl(t, soon, 7, 42), isRevoked},
		"stale":         {root.crl(t, time.Now().Add(-time.Hour), 7), notKnown(results.KindMalformed)},
		"by a stranger": {stranger.crl(t, soon), notKnown(results.KindMalformed)},
		"garbage":       {[]byte(strings.Repeat("x", 100)), notKnown(results.KindMalformed)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := publisher(t, map[string]func(http.ResponseWriter, *http.Request){"/crl": says(c.body)})
			template := leafTemplate()
			template.OCSPServer = []string{s.URL + "/gone"} // OCSP without an answer: the CRL counts
			template.CRLDistributionPoints = []string{"ldap://directory.example/", s.URL + "/crl"}
			e := scanChain(t, root, issue(t, root, template), nil, Options{Aspects: []Aspect{AspectVersions}, Revocation: true})
			if got := verdictOf(e); got != c.want {
				t.Errorf("got %+v, want %+v; %+v", got, c.want, e.Failures)
			}
		})
	}
}

// An authority between is asked about too, and each certificate once.
func TestRevokedIntermediate(t *testing.T) {
	root := newAuthority(t)
	var asked atomic.Int32
	pages := map[string]func(http.ResponseWriter, *http.Request){"/root.crl": func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Write(root.crl(t, time.Now().Add(time.Hour), 5))
	}}
	s := publisher(t, pages)
	between := issue(t, root, &x509.Certificate{SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: "issuing"}, IsCA: true, CRLDistributionPoints: []string{s.URL + "/root.crl"}})
	pages["/crl"] = says(between.crl(t, time.Now().Add(time.Hour)))
	template := leafTemplate()
	template.CRLDistributionPoints = []string{s.URL + "/crl"}
	e := scanChain(t, root, issue(t, between, template), nil, Options{Aspects: []Aspect{AspectVersions}, Revocation: true}, between)
	if got := verdictOf(e); got != isRevoked || asked.Load() != 1 {
		t.Errorf("got %+v, want %+v, asked %d times; %+v", got, isRevoked, asked.Load(), e.Failures)
	}
}

// A certificate that names nobody to ask is unknown, unless it says that it is
// never revoked; one that is not trusted is not asked about.
func TestNobodyToAsk(t *testing.T) {
	root := newAuthority(t)
	opt := Options{Aspects: []Aspect{AspectVersions}, Revocation: true}
	if got := verdictOf(scanChain(t, root, issue(t, root, leafTemplate()), nil, opt)); got != notKnown(results.KindInternal) {
		t.Errorf("nobody named: %+v", got)
	}
	never := leafTemplate()
	never.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 56}, Value: []byte{5, 0}}}
	if got := verdictOf(scanChain(t, root, issue(t, root, never), nil, opt)); got != standsGood {
		t.Errorf("never revoked: %+v", got)
	}
	stranger := newAuthority(t)
	asked := publisher(t, map[string]func(http.ResponseWriter, *http.Request){"/": func(http.ResponseWriter, *http.Request) {
		t.Error("a stranger's address was asked")
	}})
	template := leafTemplate()
	template.OCSPServer = []string{asked.URL + "/"}
	if got := verdictOf(scanChain(t, root, issue(t, stranger, template), nil, opt)); got.trusted != results.No || got.revoked {
		t.Errorf("not trusted: %+v", got)
	}
}

// A staple is judged when it is seen, and saves the question when it is asked.
func TestStaple(t *testing.T) {
	root := newAuthority(t)
	leaf := issue(t, root, leafTemplate())
	aspects := []Aspect{AspectVersions, AspectCertificates, AspectProtocol}
	e := scanChain(t, root, leaf, root.response(t, ocsp.Revoked, nil), Options{Aspects: aspects})
	if got := verdictOf(e); got != isRevoked || e.Protocol.OCSPStaple != results.Yes {
		t.Errorf("revoked by a staple: %+v", got)
	}
	e = scanChain(t, root, leaf, root.response(t, ocsp.Good, nil), Options{Aspects: aspects, Revocation: true})
	if got := verdictOf(e); got != standsGood {
		t.Errorf("good by a staple: %+v", got)
	}
	e = scanChain(t, root, leaf, newAuthority(t).response(t, ocsp.Revoked, nil), Options{Aspects: aspects})
	if got := verdictOf(e); got != standsGood {
		t.Errorf("a stranger's staple: %+v", got)
	}
}
