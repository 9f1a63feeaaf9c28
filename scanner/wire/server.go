// What a server says: ServerHello, HelloRetryRequest, Certificate,
// ServerKeyExchange, CertificateRequest and Alert, parsed.

package wire

import (
	"encoding/binary"
	"fmt"
)

// ServerHello is a ServerHello or HelloRetryRequest (RFC 8446 §4.1.3, §4.1.4).
type ServerHello struct {
	Version     uint16 // legacy_version
	Random      [32]byte
	SessionID   []byte
	Suite       uint16
	Compression uint8
	Extensions  []Extension
}

// retryRandom marks a HelloRetryRequest: SHA-256 of that word (RFC 8446 §4.1.3).
var retryRandom = [32]byte{
	0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
	0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
}

// ParseServerHello reads the body of a ServerHello message. The result keeps
// no reference to it.
func ParseServerHello(body []byte) (*ServerHello, error) {
	r := reader{b: append([]byte(nil), body...)}
	h := &ServerHello{Version: r.u16()}
	copy(h.Random[:], r.take(32))
	h.SessionID = r.vector(1)
	h.Suite = r.u16()
	h.Compression = r.u8()
	if !r.failed && len(r.b) > 0 { // no extensions block at all is allowed
		h.Extensions = r.extensions()
	}
	if r.failed || len(r.b) > 0 || len(h.SessionID) > 32 {
		return nil, fmt.Errorf("%w: ServerHello of %d bytes", ErrMalformed, len(body))
	}
	return h, nil
}

// Marshal gives the handshake message, its four-byte header included.
func (h *ServerHello) Marshal() []byte {
	var b builder
	b.u8(uint8(ServerHelloType))
	b.vector(3, func(b *builder) {
		b.u16(h.Version)
		b.bytes(h.Random[:])
		b.vector(1, func(b *builder) { b.bytes(h.SessionID) })
		b.u16(h.Suite)
		b.u8(h.Compression)
		b.extensions(h.Extensions)
	})
	return b
}

// Retry is a HelloRetryRequest of TLS 1.3 that chooses a suite and asks for a
// share of a group (RFC 8446 §4.1.4).
func Retry(sessionID []byte, suite, group uint16) *ServerHello {
	return &ServerHello{Version: TLS12, Random: retryRandom, SessionID: sessionID, Suite: suite, Extensions: []Extension{
		extension(extSupportedVersions, func(b *builder) { b.u16(TLS13) }),
		extension(extKeyShare, func(b *builder) { b.u16(group) }),
	}}
}

// IsRetry reports whether this is a HelloRetryRequest.
func (h *ServerHello) IsRetry() bool { return h.Random == retryRandom }

// Selected is the version that the server chose: supported_versions where it
// stands, else legacy_version.
func (h *ServerHello) Selected() uint16 {
	if b, ok := h.extension(extSupportedVersions); ok && len(b) == 2 {
		return binary.BigEndian.Uint16(b)
	}
	return h.Version
}

// KeyShare is the server's share, or in a HelloRetryRequest the group that it
// asks for, without data. ok is false without a well-formed extension.
func (h *ServerHello) KeyShare() (share KeyShare, ok bool) {
	b, ok := h.extension(extKeyShare)
	if !ok {
		return KeyShare{}, false
	}
	r := reader{b: b}
	share.Group = r.u16()
	if !h.IsRetry() {
		share.Data = r.vector(2)
	}
	return share, !r.failed && len(r.b) == 0
}

// Cookie is what a HelloRetryRequest wants to have back, nil if nothing.
func (h *ServerHello) Cookie() []byte {
	b, _ := h.extension(extCookie)
	r := reader{b: b}
	return r.vector(2)
}

// HasCookie reports whether there is a cookie that fits into another hello.
func (h *ServerHello) HasCookie() bool {
	n := len(h.Cookie())
	return 0 < n && n <= maxCookie
}

// maxCookie is more than any server sends: OpenSSL's are of some hundred bytes.
const maxCookie = 1 << 15

// ALPN is the protocol that was chosen, "" if none.
func (h *ServerHello) ALPN() string { return ALPNOf(h.Extensions) }

// HasExtendedMasterSecret reports whether the server took the extension of RFC 7627.
func (h *ServerHello) HasExtendedMasterSecret() bool { return h.has(extExtendedMasterSecret) }

// HasEncryptThenMAC reports whether the server took the extension of RFC 7366.
func (h *ServerHello) HasEncryptThenMAC() bool { return h.has(extEncryptThenMAC) }

// HasRenegotiationInfo reports whether the server took the extension of RFC 5746.
func (h *ServerHello) HasRenegotiationInfo() bool { return h.has(extRenegotiationInfo) }

// HasSessionTicket reports whether the server will send a ticket (RFC 5077).
func (h *ServerHello) HasSessionTicket() bool { return h.has(extSessionTicket) }

// HasStatusRequest reports whether the server will send a CertificateStatus.
func (h *ServerHello) HasStatusRequest() bool { return h.has(extStatusRequest) }

func (h *ServerHello) has(number uint16) bool { _, ok := h.extension(number); return ok }

func (h *ServerHello) extension(number uint16) ([]byte, bool) { return find(h.Extensions, number) }

// find is the body of the first extension of a number.
func find(exts []Extension, number uint16) ([]byte, bool) {
	for _, e := range exts {
		if e.Type == number {
			return e.Body, true
		}
	}
	return nil, false
}

// maxCertificates bounds a chain as it is sent.
const maxCertificates = 100

// ParseCertificate reads the body of a Certificate message of TLS 1.2 and
// older (RFC 5246 §7.4.2): the DER of each certificate as sent. What could be
// read before a fault comes with the error.
func ParseCertificate(body []byte) ([][]byte, error) {
	r := reader{b: append([]byte(nil), body...)}
	list := reader{b: r.vector(3)}
	var certs [][]byte
	for !list.failed && len(list.b) > 0 && len(certs) < maxCertificates {
		if der := list.vector(3); !list.failed {
			certs = append(certs, der)
		}
	}
	return certs, certificateFault(r, list)
}

// ParseCertificate13 reads the body of a Certificate message of TLS 1.3
// (RFC 8446 §4.4.2): the DER of each certificate, and the extensions of the leaf.
func ParseCertificate13(body []byte) (certs [][]byte, leaf []Extension, err error) {
	r := reader{b: append([]byte(nil), body...)}
	r.vector(1) // certificate_request_context
	list := reader{b: r.vector(3)}
	for !list.failed && len(list.b) > 0 && len(certs) < maxCertificates {
		der := list.vector(3)
		exts := list.extensions()
		if list.failed {
			break
		}
		if len(certs) == 0 {
			leaf = exts
		}
		certs = append(certs, der)
	}
	return certs, leaf, certificateFault(r, list)
}

// ParseCertificateVerify reads the body of a CertificateVerify message
// (RFC 8446 §4.4.3) as far as its signature scheme.
func ParseCertificateVerify(body []byte) (scheme uint16, err error) {
	r := reader{b: body}
	scheme = r.u16()
	r.vector(2)
	if r.failed || len(r.b) > 0 {
		return 0, fmt.Errorf("%w: CertificateVerify of %d bytes", ErrMalformed, len(body))
	}
	return scheme, nil
}

func certificateFault(outer, list reader) error {
	switch {
	case outer.failed || len(outer.b) > 0 || list.failed:
		return fmt.Errorf("%w: Certificate message", ErrMalformed)
	case len(list.b) > 0:
		return fmt.Errorf("%w: more than %d certificates", ErrLimit, maxCertificates)
	}
	return nil
}

// ParseEncryptedExtensions reads the body of an EncryptedExtensions message
// (RFC 8446 §4.3.1).
func ParseEncryptedExtensions(body []byte) ([]Extension, error) {
	r := reader{b: append([]byte(nil), body...)}
	exts := r.extensions()
	if r.failed || len(r.b) > 0 {
		return nil, fmt.Errorf("%w: EncryptedExtensions of %d bytes", ErrMalformed, len(body))
	}
	return exts, nil
}

// ParseCertificateRequest reads the body of a CertificateRequest of a version:
// the authorities whose certificates are wanted, as DER of their names; none
// means any (RFC 5246 §7.4.4, RFC 8446 §4.3.2 and §4.2.4). Servers that trust what
// their system does name well over a hundred; the list is of 64 kB at most.
func ParseCertificateRequest(body []byte, version uint16) (authorities [][]byte, err error) {
	r := reader{b: append([]byte(nil), body...)}
	r.vector(1) // certificate_types; in TLS 1.3 the context
	var names []byte
	switch {
	case version == TLS13:
		if block, ok := find(r.extensions(), extCertificateAuthorities); ok {
			list := reader{b: block}
			names = list.vector(2)
			r.failed = r.failed || list.failed
		}
	case version == TLS12:
		r.vector(2) // supported_signature_algorithms
		fallthrough
	default:
		names = r.vector(2)
	}
	list := reader{b: names}
	for !list.failed && len(list.b) > 0 {
		authorities = append(authorities, list.vector(2))
	}
	if r.failed || list.failed {
		return nil, fmt.Errorf("%w: CertificateRequest of %d bytes", ErrMalformed, len(body))
	}
	return authorities, nil
}

// ALPNOf is the one protocol that an ALPN extension among exts names, "" if none.
func ALPNOf(exts []Extension) string {
	b, _ := find(exts, extALPN)
	r := reader{b: b}
	list := reader{b: r.vector(2)}
	return string(list.vector(1))
}

// HasStaple reports whether an OCSP staple is among a certificate's extensions
// of TLS 1.3 (RFC 8446 §4.4.2.1).
func HasStaple(exts []Extension) bool { _, ok := find(exts, extStatusRequest); return ok }

// Staple is the OCSP response among a certificate's extensions of TLS 1.3, nil
// without a well-formed one.
func Staple(exts []Extension) []byte {
	b, _ := find(exts, extStatusRequest)
	return ParseCertificateStatus(b)
}

// ParseCertificateStatus is the OCSP response in the body of a CertificateStatus
// (RFC 6066 §8), nil without a well-formed one.
func ParseCertificateStatus(body []byte) []byte {
	r := reader{b: append([]byte(nil), body...)}
	kind, response := r.u8(), r.vector(3)
	if r.failed || kind != 1 || len(r.b) > 0 {
		return nil
	}
	return response
}

// HasSCT reports whether signed certificate timestamps are among exts.
func HasSCT(exts []Extension) bool { _, ok := find(exts, extSCT); return ok }

// KeyExchange is what a ServerKeyExchange of TLS 1.2 and older shows.
type KeyExchange struct {
	Group     uint16 // named curve of ECDHE, 0 for DHE
	Point     []byte // the server's public value
	DHPrime   []byte // DHE: p, without leading zeros
	Generator []byte // DHE: g, likewise
	Scheme    uint16 // TLS 1.2: the signature scheme, 0 if unsigned or older
	Params    []byte // what the signature covers, after both randoms
	Signature []byte
}

// ParseKeyExchange reads the body of a ServerKeyExchange for a suite whose key
// exchange is DHE or ECDHE (RFC 5246 §7.4.3, RFC 8422 §5.4).
func ParseKeyExchange(body []byte, suite *SuiteInfo, version uint16) (*KeyExchange, error) {
	all := append([]byte(nil), body...)
	r := reader{b: all}
	k := &KeyExchange{}
	switch suite.Kx {
	case "ECDHE":
		if kind := r.u8(); kind == 3 { // named_curve
			k.Group = r.u16()
		} else {
			return nil, fmt.Errorf("%w: ServerKeyExchange with curve type %d", ErrMalformed, kind)
		}
		k.Point = r.vector(1)
	case "DHE":
		k.DHPrime = trimZeros(r.vector(2))
		k.Generator = trimZeros(r.vector(2))
		k.Point = r.vector(2)
	default:
		return nil, fmt.Errorf("%w: ServerKeyExchange for key exchange %s", ErrMalformed, suite.Kx)
	}
	k.Params = all[:len(all)-len(r.b)]
	if suite.Auth != "anon" {
		if version >= TLS12 {
			k.Scheme = r.u16()
		}
		k.Signature = r.vector(2)
	}
	if r.failed || len(r.b) > 0 {
		return nil, fmt.Errorf("%w: ServerKeyExchange of %d bytes", ErrMalformed, len(body))
	}
	return k, nil
}

func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

// Alert is an alert (RFC 8446 §6).
type Alert struct {
	Fatal       bool
	Description uint8
}

// ParseAlert reads the fragment of an alert record.
func ParseAlert(body []byte) (Alert, error) {
	if len(body) != 2 || body[0] != 1 && body[0] != 2 {
		return Alert{}, fmt.Errorf("%w: alert % x", ErrMalformed, body[:min(len(body), 8)])
	}
	return Alert{Fatal: body[0] == 2, Description: body[1]}, nil
}

// reader takes big-endian fields and vectors off a slice. After a field that
// is not there it has failed, and gives zeros.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) take(n int) []byte {
	if r.failed || len(r.b) < n {
		r.failed = true
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) u8() uint8 {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if v := r.take(2); v != nil {
		return binary.BigEndian.Uint16(v)
	}
	return 0
}

// vector takes a vector whose length stands before it in size bytes.
func (r *reader) vector(size int) []byte {
	n := 0
	for _, c := range r.take(size) {
		n = n<<8 | int(c)
	}
	return r.take(n)
}

// u16s takes a vector of 16-bit numbers; a half one fails.
func (r *reader) u16s(size int) []uint16 {
	list := reader{b: r.vector(size)}
	var out []uint16
	for !list.failed && len(list.b) > 0 {
		if v := list.u16(); !list.failed {
			out = append(out, v)
		}
	}
	r.failed = r.failed || list.failed
	return out
}

func (r *reader) extensions() []Extension {
	block := reader{b: r.vector(2)}
	exts := make([]Extension, 0, 4) // of a server; a client's are more
	for !block.failed && len(block.b) > 0 {
		exts = append(exts, Extension{block.u16(), block.vector(2)})
	}
	r.failed = r.failed || block.failed
	return exts
}
