// ClientHello and its extensions, as bytes.

package wire

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// ClientHello is a ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2) as it
// shall stand on the wire: nothing is added, ordered or left out.
type ClientHello struct {
	Version      uint16 // legacy_version
	Random       [32]byte
	SessionID    []byte
	Suites       []uint16
	Compressions []byte      // nil: the null method alone
	Extensions   []Extension // nil: no extensions block at all, as before TLS 1.0's extensions
}

// Extension is one extension of a hello: its number and its body.
type Extension struct {
	Type uint16
	Body []byte
}

// Extension numbers that the package builds or reads.
const (
	extServerName             uint16 = 0
	extStatusRequest          uint16 = 5
	extSupportedGroups        uint16 = 10
	extECPointFormats         uint16 = 11
	extSignatureAlgorithms    uint16 = 13
	extALPN                   uint16 = 16
	extSCT                    uint16 = 18
	extEncryptThenMAC         uint16 = 22
	extExtendedMasterSecret   uint16 = 23
	extSessionTicket          uint16 = 35
	extSupportedVersions      uint16 = 43
	extCookie                 uint16 = 44
	extPSKModes               uint16 = 45
	extCertificateAuthorities uint16 = 47
	extSchemesOfCertificates  uint16 = 50
	extKeyShare               uint16 = 51
	extPadding                uint16 = 21
	extRenegotiationInfo      uint16 = 0xFF01
)

// Marshal gives the handshake message, its four-byte header included.
func (h *ClientHello) Marshal() []byte { return h.append(make(builder, 0, h.room())) }

// Record gives the handshake message as it is, and in the records of a version. It
// uses the memory that it is lent, if that is enough; nil is none.
func (h *ClientHello) Record(version uint16, lent []byte) (message, records []byte) {
	b := builder(lent)
	if need := recordHeader + h.room(); cap(b) < need {
		b = make(builder, 0, need)
	}
	b = h.append(b[:recordHeader])
	message = b[recordHeader:]
	if len(message) > maxFragment {
		return message, Records(version, message)
	}
	b[0], b[1], b[2], b[3], b[4] = byte(Handshake), byte(version>>8), byte(version), byte(len(message)>>8), byte(len(message))
	return message, b
}

// recordHeader is the length of what stands before a record's fragment.
const recordHeader = 5

func (h *ClientHello) append(b builder) builder {
	b = append(b, byte(ClientHelloType))
	b, whole := b.begin(3)
	b = append(binary.BigEndian.AppendUint16(b, h.Version), h.Random[:]...)
	b = b.counted(1, h.SessionID)
	b, suites := b.begin(2)
	for _, id := range h.Suites {
		b = binary.BigEndian.AppendUint16(b, id)
	}
	b.end(suites, 2)
	if h.Compressions == nil {
		b = append(b, 1, 0)
	} else {
		b = b.counted(1, h.Compressions)
	}
	if h.Extensions != nil {
		var block int
		b, block = b.begin(2)
		for _, e := range h.Extensions {
			b = binary.BigEndian.AppendUint16(b, e.Type)
			b = b.counted(2, e.Body)
		}
		b.end(block, 2)
	}
	b.end(whole, 3)
	return b
}

// room is a little more than what the message takes.
func (h *ClientHello) room() int {
	n := 64 + len(h.SessionID) + 2*len(h.Suites) + len(h.Compressions)
	for _, e := range h.Extensions {
		n += 4 + len(e.Body)
	}
	return n
}

// ParseClientHello reads the body of a ClientHello message. The result keeps no
// reference to it.
func ParseClientHello(body []byte) (*ClientHello, error) {
	r := reader{b: append([]byte(nil), body...)}
	h := &ClientHello{Version: r.u16()}
	copy(h.Random[:], r.take(32))
	h.SessionID = r.vector(1)
	h.Suites = r.u16s(2)
	h.Compressions = r.vector(1)
	if !r.failed && len(r.b) > 0 {
		h.Extensions = r.extensions()
	}
	if r.failed || len(r.b) > 0 || len(h.SessionID) > 32 {
		return nil, fmt.Errorf("%w: ClientHello of %d bytes", ErrMalformed, len(body))
	}
	return h, nil
}

// ServerName is the host name that the client asks for, "" if none.
func (h *ClientHello) ServerName() string {
	list := h.list(extServerName, 2)
	if list.u8() != 0 {
		return ""
	}
	return string(list.vector(2))
}

// Groups lists the groups that the client offers.
func (h *ClientHello) Groups() []uint16 { r := h.field(extSupportedGroups); return r.u16s(2) }

// Schemes lists the signature schemes that the client offers.
func (h *ClientHello) Schemes() []uint16 { r := h.field(extSignatureAlgorithms); return r.u16s(2) }

// Versions lists the versions of supported_versions; nil without it.
func (h *ClientHello) Versions() []uint16 { r := h.field(extSupportedVersions); return r.u16s(1) }

// Shares lists the key shares that the client sends.
func (h *ClientHello) Shares() []KeyShare {
	list := h.list(extKeyShare, 2)
	var shares []KeyShare
	for !list.failed && len(list.b) > 0 {
		shares = append(shares, KeyShare{list.u16(), list.vector(2)})
	}
	return shares
}

// list reads the one vector that an extension consists of.
func (h *ClientHello) list(number uint16, size int) reader {
	r := h.field(number)
	return reader{b: r.vector(size)}
}

func (h *ClientHello) field(number uint16) reader {
	body, _ := find(h.Extensions, number)
	return reader{b: body}
}

// maxFragment is the most that a record of plain text may carry (RFC 8446 §5.1).
const maxFragment = 1 << 14

// Records puts handshake messages into records of a version, as few as hold
// them.
func Records(version uint16, message []byte) []byte {
	b := make(builder, 0, len(message)+5)
	for {
		n := min(len(message), maxFragment)
		b.u8(uint8(Handshake))
		b.u16(version)
		b.vector(2, func(b *builder) { b.bytes(message[:n]) })
		if message = message[n:]; len(message) == 0 {
			return b
		}
	}
}

// KeyShare is one entry of a key_share extension (RFC 8446 §4.2.8).
type KeyShare struct {
	Group uint16
	Data  []byte
}

// ServerName is the server_name extension with one host name (RFC 6066 §3).
func ServerName(host string) Extension {
	return extension(extServerName, func(b *builder) {
		b.vector(2, func(b *builder) {
			b.u8(0) // host_name
			b.vector(2, func(b *builder) { b.bytes([]byte(host)) })
		})
	})
}

// SupportedGroups is the supported_groups extension (RFC 8446 §4.2.7), in
// TLS 1.2 and older elliptic_curves (RFC 8422 §5.1.1).
func SupportedGroups(groups []uint16) Extension { return codePoints(extSupportedGroups, groups) }

// ECPointFormats offers uncompressed points, the only format left (RFC 8422 §5.1.2).
func ECPointFormats() Extension {
	return Extension{extECPointFormats, uncompressed}
}

// SignatureAlgorithms is the signature_algorithms extension (RFC 8446 §4.2.3).
func SignatureAlgorithms(schemes []uint16) Extension {
	return codePoints(extSignatureAlgorithms, schemes)
}

// codePoints is an extension that is a list of them.
func codePoints(number uint16, ids []uint16) Extension {
	b := make(builder, 0, 2+2*len(ids))
	b, at := b.begin(2)
	for _, id := range ids {
		b = binary.BigEndian.AppendUint16(b, id)
	}
	b.end(at, 2)
	return Extension{number, b}
}

// SignatureAlgorithmsCert is the signature_algorithms_cert extension
// (RFC 8446 §4.2.3): with what certificates may be signed.
func SignatureAlgorithmsCert(schemes []uint16) Extension {
	e := SignatureAlgorithms(schemes)
	e.Type = extSchemesOfCertificates
	return e
}

// ALPN is the application_layer_protocol_negotiation extension (RFC 7301 §3.1).
func ALPN(protocols []string) Extension {
	return extension(extALPN, func(b *builder) {
		b.vector(2, func(b *builder) {
			for _, p := range protocols {
				b.vector(1, func(b *builder) { b.bytes([]byte(p)) })
			}
		})
	})
}

// SupportedVersions is the supported_versions extension (RFC 8446 §4.2.1).
func SupportedVersions(versions ...uint16) Extension {
	if len(versions) == 1 && versions[0] == TLS13 {
		return Extension{extSupportedVersions, newestAlone}
	}
	return extension(extSupportedVersions, func(b *builder) {
		b.vector(1, func(b *builder) { b.u16s(versions) })
	})
}

// KeyShares is the key_share extension. Without shares it asks for a
// HelloRetryRequest (RFC 8446 §4.2.8).
func KeyShares(shares ...KeyShare) Extension {
	if len(shares) == 0 {
		return Extension{extKeyShare, noShares}
	}
	return extension(extKeyShare, func(b *builder) {
		b.vector(2, func(b *builder) {
			for _, s := range shares {
				b.u16(s.Group)
				b.vector(2, func(b *builder) { b.bytes(s.Data) })
			}
		})
	})
}

// PSKModes offers pre-shared keys with (EC)DHE (RFC 8446 §4.2.9).
func PSKModes() Extension { return Extension{extPSKModes, pskWithDHE} }

// Cookie returns the cookie of a HelloRetryRequest (RFC 8446 §4.2.2).
func Cookie(cookie []byte) Extension {
	return extension(extCookie, func(b *builder) {
		b.vector(2, func(b *builder) { b.bytes(cookie) })
	})
}

// ExtendedMasterSecret is the extension of RFC 7627 §5.1.
func ExtendedMasterSecret() Extension { return Extension{Type: extExtendedMasterSecret} }

// EncryptThenMAC is the extension of RFC 7366 §2.
func EncryptThenMAC() Extension { return Extension{Type: extEncryptThenMAC} }

// RenegotiationInfo is the empty extension of a first handshake (RFC 5746 §3.4).
func RenegotiationInfo() Extension { return Extension{extRenegotiationInfo, firstHandshake} }

// SessionTicket offers a ticket, or support alone if it is empty (RFC 5077 §3.2).
func SessionTicket(ticket []byte) Extension { return Extension{extSessionTicket, ticket} }

// StatusRequest asks for an OCSP staple (RFC 6066 §8).
func StatusRequest() Extension { return Extension{extStatusRequest, []byte{1, 0, 0, 0, 0}} }

// SignedCertificateTimestamps asks for SCTs (RFC 6962 §3.3.1).
func SignedCertificateTimestamps() Extension { return Extension{Type: extSCT} }

// Padding makes a hello longer by n bytes and four (RFC 7685 §3).
func Padding(n int) Extension { return Extension{extPadding, make([]byte, n)} }

// GREASE is an extension that no server knows (RFC 8701 §3.1).
func GREASE() Extension { return Extension{0x0A0A, []byte{0}} }

// Bodies that are always the same. Nobody changes them.
var (
	uncompressed   = []byte{1, 0}
	pskWithDHE     = []byte{1, 1}
	firstHandshake = []byte{0}
	newestAlone    = []byte{2, 3, 4}
	noShares       = []byte{0, 0}
)

func extension(number uint16, body func(*builder)) Extension {
	b := make(builder, 0, 16)
	body(&b)
	return Extension{number, b}
}

// builder appends big-endian fields and length-prefixed vectors.
type builder []byte

func (b *builder) u8(v uint8)     { *b = append(*b, v) }
func (b *builder) u16(v uint16)   { *b = binary.BigEndian.AppendUint16(*b, v) }
func (b *builder) bytes(v []byte) { *b = append(*b, v...) }

func (b *builder) u16s(vs []uint16) {
	*b = slices.Grow(*b, 2*len(vs))
	for _, v := range vs {
		b.u16(v)
	}
}

// extensions appends a block of extensions, nothing at all if it is nil.
func (b *builder) extensions(exts []Extension) {
	if exts == nil {
		return
	}
	b.vector(2, func(b *builder) {
		for _, e := range exts {
			b.u16(e.Type)
			b.vector(2, func(b *builder) { b.bytes(e.Body) })
		}
	})
}

// vector appends what fill appends, after its length in size bytes.
func (b *builder) vector(size int, fill func(*builder)) {
	var at int
	*b, at = b.begin(size)
	fill(b)
	b.end(at, size)
}

// begin leaves room for the length of a vector, in size bytes; end fills it in.
func (b builder) begin(size int) (grown builder, at int) {
	return append(b, 0, 0, 0)[:len(b)+size], len(b)
}

// counted appends bytes after their length.
func (b builder) counted(size int, body []byte) builder {
	b, at := b.begin(size)
	b = append(b, body...)
	b.end(at, size)
	return b
}

// end makes what stands behind at a vector. A body that its length cannot express
// is a mistake of the caller's.
func (b builder) end(at, size int) {
	n := len(b) - at - size
	if n >= 1<<(8*size) {
		panic("wire: vector too long")
	}
	for i := range size {
		b[at+i] = byte(n >> (8 * (size - 1 - i)))
	}
}
