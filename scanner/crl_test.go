package scanner

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
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

// A list is fetched and read once in a run, whichever certificates it is asked about,
// and by whatever issuer it is not signed it tells nothing.
func TestListOnce(t *testing.T) {
	root, stranger := newAuthority(t), newAuthority(t)
	var asked atomic.Int32
	body := root.crl(t, time.Now().Add(time.Hour), 7, 300, 42, -5)
	s := publisher(t, map[string]func(http.ResponseWriter, *http.Request){"/crl": func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Write(body)
	}})
	r := newRegistrar(t.Context(), dial.New(dial.Options{}), time.Now)
	var wg sync.WaitGroup
	for serial, want := range map[int64]results.Answer{1: results.No, 7: results.Yes, 42: results.Yes, 43: results.No, 300: results.Yes, 5: results.No} {
		template := leafTemplate()
		template.SerialNumber, template.CRLDistributionPoints = big.NewInt(serial), []string{s.URL + "/crl"}
		leaf := issue(t, root, template)
		wg.Go(func() {
			if got := r.ask(t.Context(), leaf.cert, root.cert, nil); got.revoked != want {
				t.Errorf("serial %d: %+v, want %s", serial, got, want)
			}
		})
	}
	wg.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("it was fetched %d times", n)
	}
	template := leafTemplate()
	template.CRLDistributionPoints = []string{s.URL + "/crl"}
	for range 2 {
		if got := r.ask(t.Context(), issue(t, stranger, template).cert, stranger.cert, nil); got.revoked != results.Unknown || asked.Load() != 2 {
			t.Errorf("of another issuer: %+v, fetched %d times", got, asked.Load())
		}
	}
}

// Lists are kept within bounds.
func TestListsKept(t *testing.T) {
	var l lists
	for i := range maxLists + 1 {
		l.keep(fmt.Sprint(i), fetched{})
	}
	if len(l.known) != maxLists {
		t.Errorf("%d lists", len(l.known))
	}
	l = lists{serials: maxSerials - 1}
	l.keep("large", fetched{revocationList: &revocationList{revoked: []string{"1", "2"}}})
	l.keep("small", fetched{revocationList: &revocationList{revoked: []string{"1"}}})
	if len(l.known) != 1 || l.serials != maxSerials {
		t.Errorf("%d lists of %d serials", len(l.known), l.serials)
	}
}

// A delta that takes a certificate off its list does not revoke it, and by itself does
// not tell that it stands good; one that puts it there revokes it.
func TestDelta(t *testing.T) {
	root := newAuthority(t)
	now := time.Now()
	for reason, want := range map[int]results.Answer{8: "", 1: results.Yes} {
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
			Number: big.NewInt(3), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour),
			ExtraExtensions:           []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}},
			RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(42), RevocationTime: now.Add(-time.Hour), ReasonCode: reason}},
		}, root.cert, root.key)
		if err != nil {
			t.Fatal(err)
		}
		list, err := readCRL(der, root.cert)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := list.says(issue(t, root, leafTemplate()).cert, now); got != want || (err == nil) != (want == results.Yes) {
			t.Errorf("reason %d: %q, want %q; %v", reason, got, want, err)
		}
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
