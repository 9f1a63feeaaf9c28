// CRLs: whether a list says that a certificate is revoked, or that it is not. A list
// that covers only some certificates, or some reasons, says no of nothing else
// (RFC 5280 §5.2.5).

package scanner

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"shakedown/results"
)

// revocationList is what is kept of a CRL.
type revocationList struct {
	scope    scope
	from, to time.Time
	delta    bool     // it tells what changed since another (RFC 5280 §5.2.4)
	revoked  []string // as serialOf gives them, sorted
}

// readCRL reads a list that an issuer signed.
func readCRL(body []byte, issuer *x509.Certificate) (*revocationList, error) {
	list, err := x509.ParseRevocationList(body)
	if err != nil {
		return nil, fmt.Errorf("reading the CRL: %w", err)
	}
	if err := list.CheckSignatureFrom(issuer); err != nil {
		return nil, fmt.Errorf("the CRL's signature: %w", err)
	}
	l := &revocationList{from: list.ThisUpdate, to: list.NextUpdate, delta: hasExtension(list.Extensions, asn1.ObjectIdentifier{2, 5, 29, 27})}
	if l.scope, err = readScope(list.Extensions); err != nil {
		return nil, err
	}
	if l.scope.indirect { // a serial number may be another authority's
		return nil, errors.New("an indirect CRL, of several authorities")
	}
	const removed = 8 // from an older list: it stands good again (RFC 5280 §5.3.1)
	for _, e := range list.RevokedCertificateEntries {
		if e.ReasonCode != removed {
			l.revoked = append(l.revoked, serialOf(e.SerialNumber))
		}
	}
	slices.Sort(l.revoked)
	return l, nil
}

// serialOf writes a serial number down in few bytes.
func serialOf(n *big.Int) string {
	if n.Sign() < 0 {
		return "-" + string(n.Bytes())
	}
	return string(n.Bytes())
}

// says looks a certificate of the list's issuer up.
func (l *revocationList) says(c *x509.Certificate, now time.Time) (results.Answer, error) {
	_, listed := slices.BinarySearch(l.revoked, serialOf(c.SerialNumber))
	switch {
	case listed:
		return results.Yes, nil
	case !fresh(l.from, l.to, now):
		return "", fmt.Errorf("the CRL is for %s to %s", l.from.Format(time.RFC3339), l.to.Format(time.RFC3339))
	case l.delta:
		return "", errors.New("a delta CRL where a whole one is due")
	}
	if err := l.scope.covers(c); err != nil {
		return "", err
	}
	return results.No, nil
}

// What is kept of the lists of one run. What is more is fetched whenever it is needed.
const (
	maxLists   = 1024
	maxSerials = 2 << 20 // in all of them
)

// lists are the CRLs of a run, each read once, and fetched until it came.
type lists struct {
	reading sync.Mutex // one at a time: a large one takes much memory meanwhile
	mu      sync.Mutex // guards what follows
	known   map[string]fetched
	serials int
}

// fetched is a list, or why there is none.
type fetched struct {
	*revocationList
	failure results.Failure
}

// list gets what an issuer publishes at an address.
func (r *registrar) list(ctx context.Context, url string, issuer *x509.Certificate) fetched {
	sum := sha256.Sum256(issuer.Raw)
	key := url + " " + string(sum[:])
	got, _, _ := r.once.Do(key, func() (any, error) {
		r.lists.mu.Lock()
		known, ok := r.lists.known[key]
		r.lists.mu.Unlock()
		if !ok {
			known = r.fetchList(ctx, url, issuer)
			if known.revocationList != nil || known.failure.Kind == results.KindMalformed { // another try may fare better
				r.lists.keep(key, known)
			}
		}
		return known, nil
	})
	return got.(fetched)
}

func (r *registrar) fetchList(ctx context.Context, url string, issuer *x509.Certificate) fetched {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fetched{failure: doubtful(url, err).failure}
	}
	body, f := r.fetch(request, maxCRL)
	if f != nil {
		return fetched{failure: *f}
	}
	r.lists.reading.Lock()
	defer r.lists.reading.Unlock()
	list, err := readCRL(body, issuer)
	if err != nil {
		return fetched{failure: doubtful(url, err).failure}
	}
	return fetched{revocationList: list}
}

// keep remembers a list, if there is room.
func (l *lists) keep(key string, got fetched) {
	l.mu.Lock()
	defer l.mu.Unlock()
	size := 0
	if got.revocationList != nil {
		size = len(got.revoked)
	}
	if len(l.known) < maxLists && l.serials+size <= maxSerials {
		l.serials += size
		put(&l.known, key, got)
	}
}

// scope is what a CRL speaks of: its issuing distribution point (RFC 5280 §5.2.5).
type scope struct {
	points                                         []string // URLs; nil: whichever
	users, authorities, attributes, some, indirect bool
}

// readScope reads the scope among a CRL's extensions. A list with a critical
// extension that is not known here is not to be used (RFC 5280 §5.2).
func readScope(extensions []pkix.Extension) (s scope, err error) {
	for _, e := range extensions {
		switch {
		case e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 28}):
			if !s.parse(e.Value) {
				return s, errors.New("the CRL's issuing distribution point cannot be read")
			}
		case e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 20}), e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 27}), e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 35}):
		case e.Critical:
			return s, fmt.Errorf("the CRL has the critical extension %s, which is not known here", e.Id)
		}
	}
	return s, nil
}

func (s *scope) parse(der cryptobyte.String) bool {
	var all, point, name, reasons cryptobyte.String
	var named, full, only bool
	tag := func(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific() }
	ok := der.ReadASN1(&all, cbasn1.SEQUENCE) && all.ReadOptionalASN1(&point, &named, tag(0).Constructed()) &&
		point.ReadOptionalASN1(&name, &full, tag(0).Constructed()) &&
		readFlag(&all, &s.users, tag(1)) && readFlag(&all, &s.authorities, tag(2)) && all.ReadOptionalASN1(&reasons, &only, tag(3)) &&
		readFlag(&all, &s.indirect, tag(4)) && readFlag(&all, &s.attributes, tag(5)) && all.Empty()
	s.some = only
	if named {
		s.points = []string{}
	}
	for ok && full && !name.Empty() {
		var general cryptobyte.String
		var kind cbasn1.Tag
		if ok = name.ReadAnyASN1(&general, &kind); kind == tag(6) {
			s.points = append(s.points, string(general))
		}
	}
	return ok
}

// readFlag reads a BOOLEAN DEFAULT FALSE with an implicit tag.
func readFlag(in *cryptobyte.String, flag *bool, tag cbasn1.Tag) bool {
	var value cryptobyte.String
	var there bool
	if !in.ReadOptionalASN1(&value, &there, tag) || there && len(value) != 1 {
		return false
	}
	*flag = there && value[0] != 0
	return true
}

// covers says why the list tells nothing of a certificate that is not on it; nil if
// it does.
func (s scope) covers(c *x509.Certificate) error {
	switch {
	case s.some:
		return errors.New("the CRL is of some reasons alone")
	case s.attributes, s.users && c.IsCA, s.authorities && !c.IsCA:
		return errors.New("the CRL is of other kinds of certificates")
	case s.points != nil && !slices.ContainsFunc(s.points, func(p string) bool { return slices.Contains(c.CRLDistributionPoints, p) }):
		return errors.New("the CRL is of another distribution point than the certificate names")
	}
	return nil
}
