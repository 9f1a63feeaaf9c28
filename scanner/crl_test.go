package scanner

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"shakedown/results"
)

// point is an issuing distribution point: URLs, and further fields as DER.
func point(fields string, urls ...string) pkix.Extension {
	var names []byte
	for _, u := range urls {
		names = append(names, tlv(0x86, []byte(u))...)
	}
	var body []byte
	if len(urls) > 0 {
		body = tlv(0xA0, tlv(0xA0, names))
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: tlv(0x30, append(body, fields...))}
}

// tlv is DER of less than 256 bytes.
func tlv(tag byte, body []byte) []byte {
	if len(body) > 127 {
		return slices.Concat([]byte{tag, 0x81, byte(len(body))}, body)
	}
	return slices.Concat([]byte{tag, byte(len(body))}, body)
}

// A list that does not cover a certificate does not say that it stands good; one that
// lists it says that it is revoked.
func TestScopeOfCRL(t *testing.T) {
	const users, authorities, reasons, indirect, attributes = "\x81\x01\xff", "\x82\x01\xff", "\x83\x02\x06\x40", "\x84\x01\xff", "\x85\x01\xff"
	root := newAuthority(t)
	soon := time.Now().Add(time.Hour)
	unknown := notKnown(results.KindMalformed)
	for name, c := range map[string]struct {
		extension pkix.Extension // URL stands for the list's own
		serials   []int64
		want      verdict
	}{
		"this point":              {point("", "URL"), nil, standsGood},
		"one of two points":       {point("", "http://other.example/", "URL"), nil, standsGood},
		"another point":           {point("", "http://other.example/crl"), nil, unknown},
		"another point, listed":   {point("", "http://other.example/crl"), []int64{42}, isRevoked},
		"servers alone":           {point(users, "URL"), nil, standsGood},
		"authorities alone":       {point(authorities), nil, unknown},
		"attributes alone":        {point(attributes), nil, unknown},
		"some reasons":            {point(reasons), nil, unknown},
		"some reasons, listed":    {point(reasons), []int64{42}, isRevoked},
		"of several":              {point(indirect), []int64{42}, unknown},
		"a point that is garbage": {pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Value: []byte("garbage")}, nil, unknown},
		"an empty point":          {point(""), nil, standsGood},
		"critical and unknown":    {pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}, nil, unknown},
		"unknown, not critical":   {pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{5, 0}}, nil, standsGood},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages := map[string]func(http.ResponseWriter, *http.Request){}
			s := publisher(t, pages)
			if strings.Contains(string(c.extension.Value), "URL") {
				c.extension = namedAt(c.extension, s.URL+"/crl")
			}
			pages["/crl"] = says(root.crlWith(t, []pkix.Extension{c.extension}, soon, c.serials...))
			template := leafTemplate()
			template.CRLDistributionPoints = []string{s.URL + "/crl"}
			e := scanChain(t, root, issue(t, root, template), nil, Options{Aspects: []Aspect{AspectVersions}, Revocation: true})
			if got := verdictOf(e); got != c.want {
				t.Errorf("got %+v, want %+v; %+v", got, c.want, e.Failures)
			}
		})
	}
}

// namedAt puts a list's own address in its place.
func namedAt(e pkix.Extension, url string) pkix.Extension {
	var fields string
	if i := strings.Index(string(e.Value), "\x81\x01\xff"); i >= 0 {
		fields = string(e.Value[i:])
	}
	if strings.Contains(string(e.Value), "http://other.example/") {
		return point(fields, "http://other.example/", url)
	}
	return point(fields, url)
}

// FuzzScope reads any extension as a CRL's scope.
func FuzzScope(f *testing.F) {
	f.Add(point("\x81\x01\xff", "http://other.example/").Value)
	f.Add(point("\x83\x02\x06\x40").Value)
	f.Fuzz(func(t *testing.T, der []byte) {
		var s scope
		if ok := s.parse(der); ok && len(s.points) > len(der) {
			t.Errorf("%d points in %d bytes", len(s.points), len(der))
		}
	})
}
