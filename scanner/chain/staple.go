// What a certificate says of OCSP staples, and what a staple carries.

package chain

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/ocsp"
)

// mustStaple reports whether the TLS feature extension asks for a staple: it lists
// status_request, or the later form of it (RFC 7633 §4).
func mustStaple(x *x509.Certificate) bool {
	feature := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}
	i := slices.IndexFunc(x.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(feature) })
	if i < 0 {
		return false
	}
	in := cryptobyte.String(x.Extensions[i].Value)
	var list cryptobyte.String
	if !in.ReadASN1(&list, cbasn1.SEQUENCE) {
		return false
	}
	const statusRequest, statusRequestV2 = 5, 17
	for !list.Empty() {
		var extension uint
		if !list.ReadASN1Integer(&extension) {
			return false
		}
		if extension == statusRequest || extension == statusRequestV2 {
			return true
		}
	}
	return false
}

// StapleHasSCT reports whether an OCSP response carries timestamps of Certificate
// Transparency logs (RFC 6962 §3.3).
func StapleHasSCT(response []byte) bool {
	list := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 5}
	r, err := ocsp.ParseResponse(response, nil)
	return err == nil && slices.ContainsFunc(r.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(list) })
}
