// Revocation: whether the authority that issued a certificate has taken it back,
// by a staple, OCSP (RFC 6960) or a CRL (RFC 5280 §5). Asked on request, and
// only for chains that are trusted: the addresses to ask stand in the
// certificates, and those of a stranger's certificate could lead anywhere.

package scanner

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"
	"golang.org/x/sync/singleflight"

	"shakedown/results"
	"shakedown/scanner/chain"
	"shakedown/scanner/dial"
)

// What an authority may send, and how much of it is remembered in one run.
const (
	maxOCSP     = 64 << 10
	maxCRL      = 32 << 20
	maxSources  = 2 // of each kind, of one certificate
	maxVerdicts = 4096
)

// registrar asks authorities about certificates, each certificate once a run.
// It is safe for concurrent use.
type registrar struct {
	client *http.Client
	now    func() time.Time
	once   singleflight.Group
	lists  lists

	mu    sync.Mutex
	known map[string]standing
}

// standing is whether a certificate is revoked; failure says why that is not
// known.
type standing struct {
	revoked results.Answer
	failure results.Failure
}

// newRegistrar asks through the scan's dialer, so that its budgets and its proxy
// hold, and no other; ctx is the run's.
func newRegistrar(ctx context.Context, d *dial.Dialer, now func() time.Time) *registrar {
	transport := &http.Transport{
		DialContext:            func(_ context.Context, _, address string) (net.Conn, error) { return dialAuthority(ctx, d, address) },
		MaxResponseHeaderBytes: 64 << 10,
		DisableKeepAlives:      true,
	}
	return &registrar{
		client: &http.Client{Transport: transport, Timeout: d.Timeout(), CheckRedirect: fewRedirects},
		now:    now, known: map[string]standing{},
	}
}

func fewRedirects(_ *http.Request, via []*http.Request) error {
	if len(via) > 2 {
		return errors.New("redirected again and again")
	}
	return nil
}

// unreached is a dialer's failure as an error.
type unreached struct{ results.Failure }

func (u unreached) Error() string { return u.Detail }

func dialAuthority(ctx context.Context, d *dial.Dialer, address string) (net.Conn, error) {
	host, number, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("the port of %s: %w", address, err)
	}
	routes, f := d.Routes(ctx, dial.Target{Host: host, Port: uint16(port)})
	if f != nil {
		return nil, unreached{*f}
	}
	lane := d.Lane(routes[0])
	conn, f := lane.Open(ctx)
	if f != nil {
		lane.Release()
		return nil, unreached{*f}
	}
	return &laneConn{Conn: conn, lane: lane}, nil
}

// laneConn gives its lane back when it is closed.
type laneConn struct {
	net.Conn
	lane *dial.Lane
	once sync.Once
}

func (c *laneConn) Close() error {
	defer c.once.Do(c.lane.Release)
	return c.Conn.Close()
}

// judge asks about the chains of a record and writes down what comes of it: a
// revoked certificate makes a chain untrusted, one of which nothing could be
// learned makes it unknown.
func (r *registrar) judge(ctx context.Context, e *results.Endpoint, roots *chain.Roots, staples map[string][]byte) {
	for i := range e.Chains {
		c := &e.Chains[i]
		if c.Trusted != results.Yes {
			continue
		}
		for _, got := range r.chain(ctx, c, roots, staples) {
			switch got.revoked {
			case results.Yes:
				revoke(c)
			case results.Unknown:
				e.Failures = addFailure(e.Failures, got.failure)
				if c.Trusted == results.Yes {
					c.Trusted = results.Unknown
				}
				if e.Status == results.Complete {
					e.Status = results.Partial
				}
			}
		}
	}
}

func revoke(c *results.Chain) {
	c.Trusted = results.No
	if !slices.Contains(c.Problems, results.Revoked) {
		c.Problems = append(c.Problems, results.Revoked)
		slices.Sort(c.Problems)
	}
}

// chain asks about every certificate on the way to a trust anchor.
func (r *registrar) chain(ctx context.Context, c *results.Chain, roots *chain.Roots, staples map[string][]byte) (all []standing) {
	sent := parsed(c)
	if len(sent) == 0 {
		return []standing{{results.Unknown, unasked("the leaf could not be read")}}
	}
	at := sent[0]
	for range len(c.Certificates) + 1 {
		if roots.Has(at.Raw) {
			return all
		}
		issuer := issuerOf(at, sent, roots)
		if issuer == nil {
			return append(all, standing{results.Unknown, unasked("the issuer of " + at.Subject.String() + " is not at hand")})
		}
		all = append(all, r.ask(ctx, at, issuer, staples[string(at.Raw)]))
		at = issuer
	}
	return all
}

// parsed are the certificates that the standard library reads, the leaf first;
// none if it does not read the leaf.
func parsed(c *results.Chain) (certs []*x509.Certificate) {
	for i, one := range c.Certificates {
		x, err := x509.ParseCertificate(one.DER)
		if err != nil && i == 0 {
			return nil
		}
		if err == nil {
			certs = append(certs, x)
		}
	}
	return certs
}

// issuerOf finds who signed a certificate: a trust anchor if one did, so that
// the way ends there.
func issuerOf(c *x509.Certificate, sent []*x509.Certificate, roots *chain.Roots) *x509.Certificate {
	for _, der := range roots.Named(c.RawIssuer) {
		if x, err := x509.ParseCertificate(der); err == nil && c.CheckSignatureFrom(x) == nil {
			return x
		}
	}
	for _, x := range sent {
		if x != c && bytes.Equal(x.RawSubject, c.RawIssuer) && c.CheckSignatureFrom(x) == nil {
			return x
		}
	}
	return nil
}

// ask asks about one certificate, once a run. A staple that is good and fresh
// saves the question.
func (r *registrar) ask(ctx context.Context, c, issuer *x509.Certificate, staple []byte) standing {
	if staple != nil {
		if got := readOCSP(staple, c, issuer, r.now()); got.revoked != results.Unknown {
			return got
		}
	}
	sum := sha256.Sum256(slices.Concat(c.Raw, issuer.Raw))
	key := string(sum[:])
	r.mu.Lock()
	got, ok := r.known[key]
	r.mu.Unlock()
	if ok {
		return got
	}
	shared, _, _ := r.once.Do(key, func() (any, error) { return r.inquire(ctx, c, issuer), nil })
	got = shared.(standing)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) < maxVerdicts {
		r.known[key] = got
	}
	return got
}

// inquire asks OCSP first, as it is small, then CRLs; the first usable answer
// counts.
func (r *registrar) inquire(ctx context.Context, c, issuer *x509.Certificate) standing {
	if neverRevoked(c) {
		return standing{revoked: results.No}
	}
	last := standing{results.Unknown, unasked("neither OCSP nor a CRL over http is named for " + c.Subject.String())}
	for _, url := range sources(c.OCSPServer) {
		if last = r.ocsp(ctx, url, c, issuer); last.revoked != results.Unknown {
			return last
		}
	}
	for _, url := range sources(c.CRLDistributionPoints) {
		if last = r.crl(ctx, url, c, issuer); last.revoked != results.Unknown {
			return last
		}
	}
	return last
}

// neverRevoked reports the noRevAvail extension (RFC 9608 §2).
func neverRevoked(c *x509.Certificate) bool {
	return hasExtension(c.Extensions, asn1.ObjectIdentifier{2, 5, 29, 56})
}

// sources are the first few addresses that can be asked.
func sources(urls []string) []string {
	var out []string
	for _, url := range urls {
		if lower := strings.ToLower(url); strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") {
			out = append(out, url)
		}
	}
	return out[:min(len(out), maxSources)]
}

func (r *registrar) ocsp(ctx context.Context, url string, c, issuer *x509.Certificate) standing {
	question, err := ocsp.CreateRequest(c, issuer, nil)
	if err != nil {
		return standing{results.Unknown, unasked(err.Error())}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(question))
	if err != nil {
		return doubtful(url, err)
	}
	request.Header.Set("Content-Type", "application/ocsp-request")
	body, f := r.fetch(request, maxOCSP)
	if f != nil {
		return standing{results.Unknown, *f}
	}
	got := readOCSP(body, c, issuer, r.now())
	if got.revoked == results.Unknown {
		got.failure.Detail = url + ": " + got.failure.Detail
	}
	return got
}

// readOCSP judges a response: signed by the issuer or by one it made for that
// (RFC 6960 §4.2.2.2), about this certificate, and fresh.
func readOCSP(body []byte, c, issuer *x509.Certificate, now time.Time) standing {
	response, err := ocsp.ParseResponseForCert(body, c, issuer)
	switch {
	case err != nil:
		return doubtful("OCSP", err)
	case response.Certificate != nil && !response.Certificate.Equal(issuer) && !signsOCSP(response.Certificate, now):
		return doubtful("OCSP", errors.New("signed by one who may not"))
	case response.Status == ocsp.Revoked:
		return standing{revoked: results.Yes}
	case !fresh(response.ThisUpdate, response.NextUpdate, now):
		return doubtful("OCSP", fmt.Errorf("the answer is for %s to %s", response.ThisUpdate.Format(time.RFC3339), response.NextUpdate.Format(time.RFC3339)))
	case response.Status != ocsp.Good:
		return doubtful("OCSP", errors.New("the authority does not know the certificate"))
	}
	return standing{revoked: results.No}
}

func signsOCSP(c *x509.Certificate, now time.Time) bool {
	return slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) && !now.Before(c.NotBefore) && !now.After(c.NotAfter)
}

// fresh allows the clocks a little.
func fresh(from, to, now time.Time) bool {
	const skew = 5 * time.Minute
	return now.After(from.Add(-skew)) && (to.IsZero() || now.Before(to.Add(skew)))
}

func (r *registrar) crl(ctx context.Context, url string, c, issuer *x509.Certificate) standing {
	list := r.list(ctx, url, issuer)
	if list.revocationList == nil {
		return standing{results.Unknown, list.failure}
	}
	got, err := list.says(c, r.now())
	if err != nil {
		return doubtful(url, err)
	}
	return standing{revoked: got}
}

// fetch gets at most limit bytes from an authority.
func (r *registrar) fetch(request *http.Request, limit int64) ([]byte, *results.Failure) {
	fail := func(kind results.FailureKind, detail string) ([]byte, *results.Failure) {
		return nil, &results.Failure{Stage: results.StageRequest, Kind: kind, Count: 1, Detail: request.URL.String() + ": " + detail}
	}
	response, err := r.client.Do(request)
	if err != nil {
		var u unreached
		if errors.As(err, &u) {
			return fail(u.Kind, u.Detail)
		}
		return fail(dial.Classify(results.StageRequest, err).Kind, err.Error())
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil:
		return fail(dial.Classify(results.StageRequest, err).Kind, err.Error())
	case int64(len(body)) > limit:
		return fail(results.KindLimit, fmt.Sprintf("more than %d bytes", limit))
	case response.StatusCode != http.StatusOK:
		return fail(results.KindMalformed, response.Status)
	}
	return body, nil
}

func doubtful(from string, err error) standing {
	return standing{results.Unknown, results.Failure{Stage: results.StageRequest, Kind: results.KindMalformed, Count: 1, Detail: from + ": " + err.Error()}}
}

// unasked is a failure for which nobody was asked.
func unasked(why string) results.Failure {
	return results.Failure{Stage: results.StageRequest, Kind: results.KindInternal, Count: 1, Detail: "revocation: " + why}
}

// judgeStaples applies the staples that a scan happened to see: what they revoke
// is revoked, whether or not revocation was asked for.
func judgeStaples(e *results.Endpoint, roots *chain.Roots, staples map[string][]byte, now time.Time) {
	for i := range e.Chains {
		if sent := e.Chains[i].Certificates; len(sent) == 0 || staples[string(sent[0].DER)] == nil {
			continue
		}
		sent := parsed(&e.Chains[i])
		if len(sent) == 0 {
			continue
		}
		issuer := issuerOf(sent[0], sent, roots)
		if issuer != nil && readOCSP(staples[string(sent[0].Raw)], sent[0], issuer, now).revoked == results.Yes {
			revoke(&e.Chains[i])
		}
	}
}

func hasExtension(all []pkix.Extension, id asn1.ObjectIdentifier) bool {
	return slices.ContainsFunc(all, func(x pkix.Extension) bool { return x.Id.Equal(id) })
}
