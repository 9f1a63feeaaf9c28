// Package wire turns TLS messages into bytes and bytes into TLS messages: any
// ClientHello out; ServerHello, HelloRetryRequest, Certificate,
// ServerKeyExchange, Alert and SSLv2 in. It also names the code points.
//
// It does no I/O and no cryptography and reads no clock. It puts on the wire
// exactly what it is told, whether or not that is a sensible thing to say, and
// it trusts nothing that it reads: every length is checked and bounded.
package wire

import "shakedown/results"

// Protocol version numbers (RFC 8446 §4.2.1; SSLv2 as in its ServerHello).
const (
	SSL20 uint16 = 0x0002
	SSL30 uint16 = 0x0300
	TLS10 uint16 = 0x0301
	TLS11 uint16 = 0x0302
	TLS12 uint16 = 0x0303
	TLS13 uint16 = 0x0304
)

// ContentType is the type of a record (RFC 8446 §5.1).
type ContentType uint8

// The content types.
const (
	ChangeCipherSpec ContentType = 20
	AlertRecord      ContentType = 21
	Handshake        ContentType = 22
	ApplicationData  ContentType = 23
)

// HandshakeType is the type of a handshake message (RFC 8446 §4, RFC 5246 §7.4).
type HandshakeType uint8

// The handshake types.
const (
	HelloRequestType        HandshakeType = 0
	ClientHelloType         HandshakeType = 1
	ServerHelloType         HandshakeType = 2
	NewSessionTicketType    HandshakeType = 4
	EncryptedExtensionsType HandshakeType = 8
	CertificateType         HandshakeType = 11
	ServerKeyExchangeType   HandshakeType = 12
	CertificateRequestType  HandshakeType = 13
	ServerHelloDoneType     HandshakeType = 14
	CertificateVerifyType   HandshakeType = 15
	ClientKeyExchangeType   HandshakeType = 16
	FinishedType            HandshakeType = 20
	CertificateStatusType   HandshakeType = 22
)

// VersionName gives a version number its name; "" if it is none of ours.
func VersionName(v uint16) results.Version {
	switch v {
	case SSL20:
		return results.SSLv2
	case SSL30:
		return results.SSLv3
	case TLS10:
		return results.TLSv10
	case TLS11:
		return results.TLSv11
	case TLS12:
		return results.TLSv12
	case TLS13:
		return results.TLSv13
	}
	return ""
}

// VersionNumber is the inverse of VersionName; 0 if the name is none of ours.
func VersionNumber(v results.Version) uint16 {
	for _, n := range []uint16{SSL20, SSL30, TLS10, TLS11, TLS12, TLS13} {
		if VersionName(n) == v {
			return n
		}
	}
	return 0
}
