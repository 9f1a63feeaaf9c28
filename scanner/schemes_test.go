package scanner

import (
	"crypto/tls"
	"net"
	"slices"
	"testing"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// A server may keep back a certificate whose issuer's signature the client, by
// its hello, does not understand (RFC 8446 §4.2.3). What it signs with, and the
// certificate, are found all the same: by signature_algorithms_cert, or where a
// server does not know that, by company in signature_algorithms.
func TestCertificateOfAnotherIssuer(t *testing.T) {
	const extension = 50 // signature_algorithms_cert
	ec, rs, _ := keys(t)
	cert, other := certificate(t, "portal.example", rs), certificate(t, "portal.example", ec)
	alone := func(h *tls.ClientHelloInfo) bool {
		return slices.Contains(h.SignatureSchemes, tls.ECDSAWithP256AndSHA256)
	}
	reads := map[string]func(*tls.ClientHelloInfo) bool{
		"schemes alone": alone,
		"the extension": func(h *tls.ClientHelloInfo) bool { return slices.Contains(h.Extensions, extension) || alone(h) },
	}
	for name, verifies := range reads {
		for version, want := range map[uint16][]string{
			tls.VersionTLS12: {"0x0401", "0x0501", "0x0601", "0x0804", "0x0805", "0x0806"},
			tls.VersionTLS13: {"0x0804", "0x0805", "0x0806"},
		} {
			t.Run(name+", "+tls.VersionName(version), func(t *testing.T) {
				t.Parallel()
				addr := serveTLS(t, &tls.Config{
					MinVersion: version, MaxVersion: version,
					GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
						if verifies(h) && h.SupportsCertificate(&cert) == nil {
							return &cert, nil
						}
						return &other, nil
					},
				})
				e := scanFake(t, addr, dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectSuites, AspectSignatures, AspectCertificates}})
				var got []string
				for _, s := range e.SignatureSchemes[results.Version(wire.VersionName(version))] {
					got = append(got, s.ID)
				}
				for _, id := range want {
					if !slices.Contains(got, id) {
						t.Errorf("%s is missing from %v", id, got)
					}
				}
				if name == "the extension" && !shows(e, "", cert.Certificate[0]) {
					t.Error("the chain is missing")
				}
			})
		}
	}
}

// Where suites of a kind got no answer, nobody could ask for its schemes: none of them is
// denied.
func TestSchemesOfUnansweredSuites(t *testing.T) {
	f := usualServer()
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		ofECDSA := slices.ContainsFunc(hello.Suites, func(id uint16) bool { return authOf(id) == "ECDSA" })
		if hello.Versions() != nil || !ofECDSA {
			return false
		}
		conn.Write([]byte("what is that?"))
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectSuites, AspectSignatures}})
	if open := e.Undetermined.SignatureSchemes[results.TLSv12]; !slices.Contains(open, "0x0403") || len(e.SignatureSchemes[results.TLSv12]) == 0 {
		t.Errorf("schemes %v, undetermined %v", e.SignatureSchemes[results.TLSv12], open)
	}
}
