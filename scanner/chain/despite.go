// Certificates that are right, and that crypto/x509 refuses all the same.

package chain

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// parseDespite reads a certificate of which the library refuses a part that is
// no fault: a curve that it does not know, or CRL distribution points that are
// named relative to their issuer (RFC 5280 §4.2.1.13). It is read with another
// key in that one's place, and without those.
func parseDespite(der []byte) *x509.Certificate {
	in := cryptobyte.String(der)
	var whole, tbs cryptobyte.String
	if !in.ReadASN1(&whole, cbasn1.SEQUENCE) || !whole.ReadASN1Element(&tbs, cbasn1.SEQUENCE) {
		return nil
	}
	changed, spki, points := readable(tbs)
	if changed == nil {
		return nil
	}
	x, err := x509.ParseCertificate(join(cbasn1.SEQUENCE, changed, whole))
	if err != nil {
		return nil
	}
	if spki != nil {
		x.RawSubjectPublicKeyInfo, x.PublicKey = spki, nil
	}
	x.Extensions = append(x.Extensions, points...)
	x.Raw, x.RawTBSCertificate = der, tbs
	return x
}

// readable is a TBSCertificate in which the library reads all, with what was
// replaced in it; nil if it needs none of that.
func readable(tbs cryptobyte.String) (changed, spki []byte, points []pkix.Extension) {
	var fields, before, key cryptobyte.String
	if !tbs.ReadASN1(&fields, cbasn1.SEQUENCE) || !skipToKey(&fields, &before) || !fields.ReadASN1Element(&key, cbasn1.SEQUENCE) {
		return nil, nil, nil
	}
	written := []byte(key)
	if readKey(key).unknownCurve {
		spki, written = key, stockKey()
	}
	rest, points := withoutPoints(fields)
	if spki == nil && points == nil {
		return nil, nil, nil
	}
	return join(cbasn1.SEQUENCE, before, written, rest), spki, points
}

// withoutPoints takes well-formed CRL distribution points out of the fields
// behind the key.
func withoutPoints(fields cryptobyte.String) (rest []byte, points []pkix.Extension) {
	tag := cbasn1.Tag(3).ContextSpecific().Constructed()
	for !fields.Empty() {
		var field, list, extensions cryptobyte.String
		var found cbasn1.Tag
		if !fields.ReadAnyASN1Element(&field, &found) {
			return append(rest, fields...), nil
		}
		kept := []byte{}
		if whole := field; found == tag && whole.ReadASN1(&list, tag) && list.ReadASN1(&extensions, cbasn1.SEQUENCE) {
			for !extensions.Empty() {
				var one cryptobyte.String
				if !extensions.ReadASN1Element(&one, cbasn1.SEQUENCE) {
					return append(rest, field...), nil
				}
				if e, ok := readPoints(one); ok {
					points = append(points, e)
				} else {
					kept = append(kept, one...)
				}
			}
			field = join(tag, join(cbasn1.SEQUENCE, kept))
		}
		rest = append(rest, field...)
	}
	return rest, points
}

// readPoints reads an extension if it is CRL distribution points: a sequence of
// sequences, of which each has a field that it may have.
func readPoints(der cryptobyte.String) (pkix.Extension, bool) {
	var e pkix.Extension
	var value cryptobyte.String
	var one cryptobyte.String
	points := asn1.ObjectIdentifier{2, 5, 29, 31}
	if !der.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&e.Id) || !e.Id.Equal(points) ||
		!one.ReadOptionalASN1Boolean(&e.Critical, cbasn1.BOOLEAN, false) || !one.ReadASN1(&value, cbasn1.OCTET_STRING) || !one.Empty() {
		return e, false
	}
	e.Value = value
	return e, eachSequence(value, func(point *cryptobyte.String) bool {
		empty := point.Empty()
		ok := true
		for n := range uint8(3) {
			ok = ok && (point.SkipOptionalASN1(cbasn1.Tag(n).ContextSpecific()) && point.SkipOptionalASN1(cbasn1.Tag(n).ContextSpecific().Constructed()))
		}
		return ok && !empty && point.Empty()
	})
}

// join is one element of DER around others.
func join(tag cbasn1.Tag, parts ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, part := range parts {
			b.AddBytes(part)
		}
	})
	der, err := b.Bytes()
	if err != nil {
		return nil
	}
	return der
}

// skipToKey moves past what stands before the key in a TBSCertificate (RFC
// 5280 §4.1): version, serial, algorithm, issuer, validity, subject.
func skipToKey(fields, before *cryptobyte.String) bool {
	all := *fields
	ok := fields.SkipOptionalASN1(cbasn1.Tag(0).Constructed().ContextSpecific()) && fields.SkipASN1(cbasn1.INTEGER)
	for range 4 {
		ok = ok && fields.SkipASN1(cbasn1.SEQUENCE)
	}
	*before = all[:len(all)-len(*fields)]
	return ok
}
