// CRLs: whether a list says that a certificate is revoked, or that it is not. A list
// that covers only some certificates, or some reasons, says no of nothing else
// (RFC 5280 §5.2.5).

package scanner

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"shakedown/results"
)

// readCRL looks a certificate up in a list that its issuer signed.
func readCRL(body []byte, c, issuer *x509.Certificate, now time.Time) (results.Answer, error) {
	list, err := x509.ParseRevocationList(body)
	if err != nil {
		return "", fmt.Errorf("reading the CRL: %w", err)
	}
	if err := list.CheckSignatureFrom(issuer); err != nil {
		return "", fmt.Errorf("the CRL's signature: %w", err)
	}
	scope, err := readScope(list.Extensions)
	switch {
	case err != nil:
		return "", err
	case scope.indirect: // a serial number may be another authority's
		return "", errors.New("an indirect CRL, of several authorities")
	case slices.ContainsFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return e.SerialNumber.Cmp(c.SerialNumber) == 0 }):
		return results.Yes, nil
	case !fresh(list.ThisUpdate, list.NextUpdate, now):
		return "", fmt.Errorf("the CRL is for %s to %s", list.ThisUpdate.Format(time.RFC3339), list.NextUpdate.Format(time.RFC3339))
	case hasExtension(list.Extensions, asn1.ObjectIdentifier{2, 5, 29, 27}): // RFC 5280 §5.2.4
		return "", errors.New("a delta CRL where a whole one is due")
	}
	if err := scope.covers(c); err != nil {
		return "", err
	}
	return results.No, nil
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
