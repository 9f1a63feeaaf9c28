// Package handshake carries handshakes further than the hello: to the
// certificates of TLS 1.3, which travel encrypted. It sends no application
// data and judges no certificate.
package handshake

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"

	"shakedown/results"
	"shakedown/scanner/dial"
)

// errSeen stops a handshake that has shown its certificates.
var errSeen = errors.New("certificates seen")

// Certificates makes a TLS 1.3 handshake over conn as far as the server's
// certificates and returns them as DER, as sent. Without a serverName it sends
// no SNI.
func Certificates(ctx context.Context, conn net.Conn, serverName string) ([][]byte, *results.Failure) {
	var seen [][]byte
	client := tls.Client(conn, &tls.Config{
		ServerName: serverName, MinVersion: tls.VersionTLS13,
		InsecureSkipVerify: true, // chains are judged elsewhere, with all their faults
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			seen = raw
			return errSeen
		},
	})
	err := client.HandshakeContext(ctx)
	if len(seen) > 0 {
		return seen, nil
	}
	f := dial.Classify(results.StageHandshake, err)
	var alert tls.AlertError
	if errors.As(err, &alert) {
		f.Kind, f.Alert = results.KindAlert, alert.Error()
	} else if f.Kind == results.KindInternal {
		f.Kind = results.KindMalformed // crypto/tls refused what it read
	}
	return nil, &f
}
