// The ClientHello of a lean client, marshalled once per path.

package client

import (
	"net/netip"
	"slices"

	"shakedown/scanner/wire"
)

// hello is a ClientHello as a record, ready but for its random parts.
type hello struct {
	record []byte
	random int // where the 32 random bytes begin
	id     int // where a TLS 1.3 session id begins; 0 if there is none
}

const (
	recordHeader    = 5
	messageHeader   = 4
	randomSize      = 32
	sessionIDSize   = 32
	extSigAlgsCert  = 50 // signature_algorithms_cert
	recordTLS10     = 0x0301
	legacyVersion12 = 0x0303
)

// newHello builds the ClientHello of a path. retry is nil, or the
// HelloRetryRequest that it answers; share is what it offers then.
func newHello(cfg Config, shares []share, retry *wire.ServerHello) *hello {
	h := wire.ClientHello{
		Version:    legacyVersion12,
		Suites:     cfg.Ask.suites(),
		Extensions: extensions(cfg, shares, retry),
	}
	tls13 := cfg.Ask.Version == wire.TLS13
	if tls13 {
		// Middlebox compatibility, as every usual client (RFC 8446 §D.4).
		h.SessionID = make([]byte, sessionIDSize)
	}
	version := uint16(recordTLS10)
	if retry != nil {
		version = legacyVersion12
	}
	out := &hello{record: wire.Records(version, h.Marshal()), random: recordHeader + messageHeader + 2}
	if tls13 {
		out.id = out.random + randomSize + 1
	}
	return out
}

// extensions lists what an ordinary client of the version sends. Session tickets
// are welcome, although not used: making them is part of a server's work.
func extensions(cfg Config, shares []share, retry *wire.ServerHello) []wire.Extension {
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
		return append(exts, wire.ECPointFormats(), wire.ExtendedMasterSecret(),
			wire.SessionTicket(nil), wire.RenegotiationInfo())
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
