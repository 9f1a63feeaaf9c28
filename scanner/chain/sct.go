// Signed certificate timestamps inside a certificate.

package chain

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
)

// HasSCT reports whether a certificate carries timestamps of Certificate
// Transparency logs (RFC 6962 §3.3).
func HasSCT(der []byte) bool {
	c := parse(der)
	list := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}
	return c.x != nil && slices.ContainsFunc(c.x.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(list) })
}
