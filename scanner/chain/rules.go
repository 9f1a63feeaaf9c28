// The rules that the certificates of a path are held to (RFC 5280 §6.1).

package chain

import (
	"crypto/x509"
	"slices"
	"time"

	"shakedown/results"
)

// pathProblems judges a path but for its signatures, end and name constraints.
func pathProblems(p path, at time.Time) problems {
	found := problems{}
	for i, c := range p.certs {
		anchor := p.anchored && i == len(p.certs)-1
		validity(c, at, found)
		if c.key.weak() {
			found.add(results.WeakKey)
		}
		// An anchor is trusted for its key, whoever signed it.
		if c.signature.broken && !anchor {
			found.add(results.WeakSignature)
		}
		if c.misshapen() || !anchor && c.badSerial() {
			found.add(results.Malformed)
		}
		if c.unknownCritical {
			found.add(results.UnknownCriticalExtension)
		}
		if !c.servesTLS {
			found.add(results.BadUsage)
		}
		if i > 0 {
			authority(c, anchor, below(p.certs[:i]), found)
		}
	}
	leaf := p.certs[0]
	if !leafUsage(leaf) || len(p.certs) > 1 && leaf.signsWithoutBeingCA() {
		found.add(results.BadUsage)
	}
	if len(p.certs) > 1 && leaf.claimsTooMuch() {
		found.add(results.ConstraintViolation)
	}
	if tooLong(p) {
		found.add(results.BadValidity)
	}
	return found
}

// validity compares in whole seconds, as certificates give them.
func validity(c *cert, at time.Time, found problems) {
	at = at.Truncate(time.Second)
	if at.Before(c.x.NotBefore) {
		found.add(results.NotYetValid)
	}
	if at.After(c.x.NotAfter) {
		found.add(results.Expired)
	}
	if c.x.NotAfter.Before(c.x.NotBefore) {
		found.add(results.BadValidity)
	}
}

// below counts the intermediates under a CA as its path length constraint does:
// without the leaf and without the self-issued (RFC 5280 §4.2.1.9).
func below(certs []*cert) int {
	n := 0
	for _, c := range certs[1:] {
		if !c.selfIssued() {
			n++
		}
	}
	return n
}

// authority holds a certificate that issued another to what a CA must be
// (RFC 5280 §6.1.4 k-n). Roots of version 1 have no extensions to say so.
func authority(c *cert, anchor bool, below int, found problems) {
	x := c.x
	old := anchor && x.Version < 3
	if !old && !(x.BasicConstraintsValid && x.IsCA) {
		found.add(results.ConstraintViolation)
	}
	limited := x.BasicConstraintsValid && x.IsCA && (x.MaxPathLen > 0 || x.MaxPathLenZero)
	if limited && below > x.MaxPathLen {
		found.add(results.ConstraintViolation)
	}
	if c.hasKeyUsage && x.KeyUsage&x509.KeyUsageCertSign == 0 {
		found.add(results.BadUsage)
	}
}

// leafUsage reports whether key usage lets the leaf do what TLS needs: sign
// the handshake, or with RSA decrypt the premaster secret (RFC 5246 §7.4.2).
func leafUsage(leaf *cert) bool {
	if !leaf.hasKeyUsage {
		return true
	}
	wanted := x509.KeyUsageDigitalSignature
	if leaf.key.kind == keyRSA {
		wanted |= x509.KeyUsageKeyEncipherment
	}
	return leaf.x.KeyUsage&wanted != 0
}

// servesTLS reports whether the extended key usage, if there is one, holds
// serverAuth. Clients ask it of every certificate of a path, for a CA's usages
// bound those of what it issues (CA/B Forum Baseline Requirements §7.1.2.10.6).
func servesTLS(x *x509.Certificate) bool {
	return extension(x, 37) == nil ||
		slices.Contains(x.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(x.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// unknownCritical reports whether x holds a critical extension that is not
// known here (RFC 5280 §4.2). Policies are known, though not judged.
func unknownCritical(x *x509.Certificate) bool {
	known := []string{
		"2.5.29.14", "2.5.29.35", // subject and authority key identifier
		"2.5.29.15", "2.5.29.37", // key usage, extended key usage
		"2.5.29.17", "2.5.29.19", "2.5.29.30", // alternative names, basic and name constraints
		"2.5.29.32", "2.5.29.33", "2.5.29.36", "2.5.29.54", // policies, mappings, constraints, inhibit
		"2.5.29.31", "1.3.6.1.5.5.7.1.1", // where revocation and issuer are found
	}
	for _, e := range x.Extensions {
		if e.Critical && !slices.Contains(known, e.Id.String()) {
			return true
		}
	}
	return false
}

// tooLong reports whether the leaf is valid for longer than the CA/Browser
// Forum allows (Baseline Requirements §6.3.2), by its date of issue.
//
// The Forum binds public CAs only, so its limits are for paths that end in one
// of the system's anchors. A private CA is free; but Apple's systems, for one,
// refuse its leaves too when they are valid for more than 825 days
// (support.apple.com/103769), so that much is asked of every anchor. A leaf
// that is itself an anchor was chosen as it is, and one that leads to no
// anchor is untrusted anyway: nobody limits those.
//
// The last second is one of the validity (RFC 5280 §4.1.2.5), and since ballot SC-31
// whatever is more than a day of 86,400 seconds counts as another day. Limits in months,
// which came before, and Apple's were not meant so finely.
func tooLong(p path) bool {
	if !p.anchored || len(p.certs) == 1 {
		return false
	}
	leaf := p.certs[0].x
	days, limited := maxDays(leaf.NotBefore)
	if !limited {
		return false
	}
	if !p.last().public {
		days = max(days, 825)
	}
	valid := leaf.NotAfter.Sub(leaf.NotBefore)
	if days <= inDays {
		valid += time.Second
	}
	return valid > time.Duration(days)*24*time.Hour
}

// inDays is the longest limit that counts days to the second.
const inDays = 398

// maxDays is the longest validity of a leaf that is issued on a day: ballots
// 193 (825 days), SC-31 (398) and SC-081 (200, 100, 47); before them the
// Baseline Requirements allowed 39 months, at first 60. None limits what was
// issued before the first of them was in force.
func maxDays(issued time.Time) (days int, limited bool) {
	for _, limit := range []struct {
		year  int
		month time.Month
		day   int
		days  int
	}{
		{2029, time.March, 15, 47},
		{2027, time.March, 15, 100},
		{2026, time.March, 15, 200},
		{2020, time.September, 1, inDays},
		{2018, time.March, 1, 825},
		{2015, time.April, 1, 1188},
		{2012, time.July, 1, 1827},
	} {
		if !issued.Before(time.Date(limit.year, limit.month, limit.day, 0, 0, 0, 0, time.UTC)) {
			return limit.days, true
		}
	}
	return 0, false
}
