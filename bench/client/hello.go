// The ClientHello of a lean client, marshalled once per path.

package client

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"shakedown/scanner/wire"
)

// hello is a ClientHello as a record, ready but for its random parts.
type hello struct {
	record []byte
	random int // where the 32 random bytes begin
	id     int // where a session id of random bytes begins; 0 if there is none
	exts   int // where the length of the extensions stands
}

const (
	recordHeader    = 5
	messageHeader   = 4
	randomSize      = 32
	sessionIDSize   = 32
	extSigAlgsCert  = 50 // signature_algorithms_cert
	extPreSharedKey = 41
	recordTLS10     = 0x0301
	legacyVersion12 = 0x0303
)

// newHello builds the ClientHello of a path. retry is nil, or the
// HelloRetryRequest that it answers; shares is what it offers then. resume is
// nil, or the session of TLS 1.2 that it offers; those of TLS 1.3 come with
// offer.
func newHello(cfg Config, shares []share, retry *wire.ServerHello, resume *session) *hello {
	h := wire.ClientHello{
		Version:    legacyVersion12,
		Suites:     cfg.Ask.suites(),
		Extensions: extensions(cfg, shares, retry, resume),
	}
	// A random session id: in TLS 1.3 for middleboxes, as every usual client
	// (RFC 8446 §D.4); in TLS 1.2 with a ticket, so that the server can show by
	// its echo that it resumes (RFC 5077 §3.4).
	fresh := cfg.Ask.Version == wire.TLS13 || resume != nil && resume.ticket != nil
	if fresh {
		h.SessionID = make([]byte, sessionIDSize)
	} else if resume != nil {
		h.SessionID = resume.id
	}
	version := uint16(recordTLS10)
	if retry != nil {
		version = legacyVersion12
	}
	out := &hello{record: wire.Records(version, h.Marshal()), random: recordHeader + messageHeader + 2}
	at := out.random + randomSize + 1
	if fresh {
		out.id = at
	}
	out.exts = at + len(h.SessionID) + 2 + 2*len(h.Suites) + 2 // and one way to compress
	return out
}

// extensions lists what an ordinary client of the version sends. Session tickets
// are welcome even where none is used: making them is part of a server's work.
func extensions(cfg Config, shares []share, retry *wire.ServerHello, resume *session) []wire.Extension {
	a := cfg.Ask
	var exts []wire.Extension
	if name := cfg.ServerName; name != "" && !isIP(name) {
		exts = append(exts, wire.ServerName(name))
	}
	exts = append(exts, wire.SupportedGroups(a.groups()), wire.SignatureAlgorithms(a.schemes()))
	if a.Scheme != 0 {
		// The asked scheme is for the handshake; certificates may be signed by any.
		certs := wire.SignatureAlgorithms(defaultSchemes())
		exts = append(exts, wire.Extension{Type: extSigAlgsCert, Body: certs.Body})
	}
	if cfg.ALPN != "" {
		exts = append(exts, wire.ALPN([]string{cfg.ALPN}))
	}
	if a.Version == wire.TLS12 {
		return append(exts, extensions12(cfg, resume)...)
	}
	exts = append(exts, wire.SupportedVersions(wire.TLS13), wire.PSKModes())
	if retry != nil {
		if cookie := retry.Cookie(); cookie != nil {
			exts = append(exts, wire.Cookie(cookie))
		}
	}
	var entries []wire.KeyShare
	for _, s := range shares {
		entries = append(entries, wire.KeyShare{Group: s.group, Data: s.public})
	}
	return append(exts, wire.KeyShares(entries...))
}

func extensions12(cfg Config, resume *session) []wire.Extension {
	exts := []wire.Extension{wire.ECPointFormats(), wire.ExtendedMasterSecret(), wire.RenegotiationInfo()}
	if cfg.SessionIDs {
		return exts
	}
	var ticket []byte
	if resume != nil {
		ticket = resume.ticket
	}
	return append(exts, wire.SessionTicket(ticket))
}

// offer appends a ticket of TLS 1.3 to a ClientHello, as its last extension
// (RFC 8446 §4.2.11), and returns it with the place of the binder, which is still
// zeros.
func (h *hello) offer(record []byte, s *session, age time.Duration, size int) (_ []byte, binder int) {
	before := len(record)
	n := len(s.ticket)
	record = binary.BigEndian.AppendUint16(record, extPreSharedKey)
	record = binary.BigEndian.AppendUint16(record, uint16(2+2+n+4+2+1+size))
	record = binary.BigEndian.AppendUint16(record, uint16(2+n+4))
	record = binary.BigEndian.AppendUint16(record, uint16(n))
	record = append(record, s.ticket...)
	record = binary.BigEndian.AppendUint32(record, uint32(age.Milliseconds())+s.ageAdd)
	record = append(record, 0, byte(1+size), byte(size))
	record = append(record, make([]byte, size)...)
	grown := len(record) - before
	for _, at := range []int{recordHeader - 2, recordHeader + messageHeader - 2, h.exts} {
		binary.BigEndian.PutUint16(record[at:], binary.BigEndian.Uint16(record[at:])+uint16(grown))
	}
	return record, len(record) - size
}

// bindersHeader stands before the only binder: the lengths of the list and of the
// binder.
const bindersHeader = 3

// isIP: a literal address is no server name (RFC 6066 §3).
func isIP(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// write puts the ClientHello into dst's memory, with fresh random bytes.
func (h *hello) write(dst []byte, fresh func([]byte)) []byte {
	dst = append(dst[:0], h.record...)
	fresh(dst[h.random : h.random+randomSize])
	if h.id != 0 {
		fresh(dst[h.id : h.id+sessionIDSize])
	}
	return dst
}

// repeat is write with the random bytes of a first ClientHello, as the answer to
// a HelloRetryRequest must have them (RFC 8446 §4.1.2).
func (h *hello) repeat(first []byte) []byte {
	again := append([]byte(nil), h.record...)
	copy(again[h.random:h.random+randomSize], first[h.random:])
	copy(again[h.id:h.id+sessionIDSize], first[h.id:])
	return again
}

// find returns the share of a group.
func find(shares []share, group uint16) (share, bool) {
	i := slices.IndexFunc(shares, func(s share) bool { return s.group == group })
	if i < 0 {
		return share{}, false
	}
	return shares[i], true
}
