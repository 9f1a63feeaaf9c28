package scanner

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"maps"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"shakedown/results"
	"shakedown/scanner/dial"
)

// Timestamps of Certificate Transparency come in a certificate, in an extension of
// the handshake, or in the staple (RFC 6962 §3.3), in every version.
func TestTimestamps(t *testing.T) {
	ec, _, _ := keys(t)
	plain := certificate(t, "portal.example", ec)
	timestamps := []byte("no client of ours reads them")
	inside, err := asn1.Marshal(timestamps)
	if err != nil {
		t.Fatal(err)
	}
	shown := plain
	shown.SignedCertificateTimestamps = [][]byte{timestamps}
	stapled, bare := plain, plain
	stapled.OCSPStaple = stapleOf(t, plain, ec, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 5}, Value: inside})
	bare.OCSPStaple = stapleOf(t, plain, ec)
	for name, c := range map[string]struct {
		cert        tls.Certificate
		staple, sct results.Answer
	}{
		"nowhere":            {plain, results.No, results.No},
		"in an extension":    {shown, results.No, results.Yes},
		"in the staple":      {stapled, results.Yes, results.Yes},
		"a staple without":   {bare, results.Yes, results.No},
		"in the certificate": {certificate(t, "portal.example", ec, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: inside}), results.No, results.Yes},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(name+" "+tls.VersionName(version), func(t *testing.T) {
				addr := serveTLS(t, &tls.Config{MinVersion: version, MaxVersion: version, Certificates: []tls.Certificate{c.cert}})
				e := scanFake(t, addr, dial.Options{}, Options{Aspects: []Aspect{AspectProtocol}})
				if p := e.Protocol; p.OCSPStaple != c.staple || p.SCT != c.sct {
					t.Errorf("staple %s, timestamps %s; want %s, %s", p.OCSPStaple, p.SCT, c.staple, c.sct)
				}
			})
		}
	}
}

// stapleOf is the response of an authority that is the certificate's own key.
func stapleOf(t *testing.T, cert tls.Certificate, key crypto.Signer, more ...pkix.Extension) []byte {
	t.Helper()
	x, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	der, err := ocsp.CreateResponse(x, x, ocsp.Response{
		SerialNumber: x.SerialNumber, Status: ocsp.Good, ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour), ExtraExtensions: more,
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// A certificate says by itself whether it must be stapled (RFC 7633).
func TestMustStaple(t *testing.T) {
	ec, _, _ := keys(t)
	feature := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}
	for name, c := range map[string]struct {
		value []byte
		must  bool
	}{
		"status_request":    {[]byte{0x30, 3, 2, 1, 5}, true},
		"status_request_v2": {[]byte{0x30, 6, 2, 1, 23, 2, 1, 17}, true},
		"another extension": {[]byte{0x30, 3, 2, 1, 23}, false},
		"none":              {[]byte{0x30, 0}, false},
		"not a list":        {[]byte{2, 1, 5}, false},
		"half a list":       {[]byte{0x30, 3, 2, 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			cert := certificate(t, "portal.example", ec, pkix.Extension{Id: feature, Value: c.value})
			e := scanChainsOf(t, serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}))
			if len(e.Chains) != 1 || e.Chains[0].Certificates[0].MustStaple != c.must {
				t.Errorf("want must-staple %t in %+v", c.must, e.Chains)
			}
		})
	}
}

// Each certificate has its own staple, or none: that one has one does not say that
// the other has.
func TestStapleOfEach(t *testing.T) {
	ec, rs, _ := keys(t)
	ecCert, rsaCert := certificate(t, "portal.example", ec), certificate(t, "portal.example", rs)
	stapled := rsaCert
	stapled.OCSPStaple = stapleOf(t, rsaCert, rs)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for name, c := range map[string]struct {
			certs []tls.Certificate
			all   results.Answer
			each  map[string]results.Answer
		}{
			"one of two": {[]tls.Certificate{ecCert, stapled}, results.No, map[string]results.Answer{"ECDSA": results.No, "RSA": results.Yes}},
			"the other":  {[]tls.Certificate{stapled, ecCert}, results.No, map[string]results.Answer{"ECDSA": results.No, "RSA": results.Yes}},
			"alone":      {[]tls.Certificate{stapled}, results.Yes, map[string]results.Answer{"RSA": results.Yes}},
		} {
			t.Run(name+" "+tls.VersionName(version), func(t *testing.T) {
				addr := serveTLS(t, &tls.Config{MinVersion: version, MaxVersion: version, Certificates: c.certs})
				e := scanFake(t, addr, dial.Options{}, Options{Aspects: []Aspect{AspectSuites, AspectCertificates, AspectProtocol}})
				each := map[string]results.Answer{}
				for _, chain := range e.Chains {
					if e.Owns(&chain) {
						each[chain.Auth] = chain.OCSPStaple
					}
				}
				if e.Protocol.OCSPStaple != c.all || !maps.Equal(each, c.each) {
					t.Errorf("%s, each %v; want %s, %v", e.Protocol.OCSPStaple, each, c.all, c.each)
				}
			})
		}
	}
}
