// Question: one ClientHello and how much of the answer is waited for. One
// connection carries one question.

package scanner

import (
	"cmp"
	"crypto/rand"
	"slices"
	"sync"
	"unsafe"

	"shakedown/scanner/handshake"
	"shakedown/scanner/wire"
)

// until says how much of a server's flight a question needs.
type until int

const (
	untilHello       until = iota // ServerHello, HelloRetryRequest or alert: no public-key work is waited for
	untilExtensions               // TLS 1.3, takes a key: EncryptedExtensions
	untilCertificate              // in TLS 1.3 this takes a key
	untilKeyExchange              // TLS 1.2 and older, DHE and ECDHE
	untilSignature                // TLS 1.3, takes a key: CertificateVerify
	untilDone                     // TLS 1.2 and older: ServerHelloDone
)

// question is a hello of one version. What it offers is kept, so that an
// answer can be held against it.
type question struct {
	version    uint16
	serverName string // "" sends no SNI
	stranger   bool   // it is asked under a name that is not the endpoint's own, or under none: to be refused for that is an answer
	suites     []uint16
	groups     []uint16
	schemes    []uint16
	ofCerts    []uint16       // schemes of certificates' own signatures; nil: those above
	key        *handshake.Key // TLS 1.3; none asks for a HelloRetryRequest
	until      until
	suffices   bool   // a hello is answer enough, if no more comes
	session    []byte // up to TLS 1.2: to go on with, made without an extended master secret (RFC 7627 §5.3)

	// What is not usual. A legacy version that is not the question's own, other
	// compressions than none, suites that only signal, more extensions.
	legacy       uint16
	compressions []byte
	signals      []uint16
	extra        []wire.Extension
}

// hello composes the hello: as a handshake message, and in records as it goes on
// the wire; in the memory that it is lent, if that is enough and the hello is not
// needed for longer, as one with a key is. The session id stands in its own.
func (q *question) hello(lent []byte) (session, message, records []byte) {
	if q.key != nil {
		lent = nil
	}
	if session = q.session; q.version == wire.TLS13 {
		// It, and the record version of TLS 1.0, are for middleboxes (RFC 8446 §5.1, §D.4).
		session = make([]byte, 32)
		rand.Read(session)
	}
	room := rooms.Get().(*[usualExtensions]wire.Extension)
	h := wire.ClientHello{
		Version: cmp.Or(q.legacy, min(q.version, wire.TLS12)), SessionID: session, Suites: q.suites, Compressions: q.compressions,
	}
	rand.Read(h.Random[:])
	if len(q.signals) > 0 {
		h.Suites = slices.Concat(q.suites, q.signals)
	}
	if q.version > wire.SSL30 {
		h.Extensions = q.extensions(room[:0])
	}
	message, records = h.Record(min(q.version, wire.TLS10), lent)
	clear(room[:])
	rooms.Put(room)
	return session, message, records
}

// usualExtensions is how many extensions a hello has at most, but for extra ones.
const usualExtensions = 9

// rooms are for lists of extensions until they are written.
var rooms = sync.Pool{New: func() any { return new([usualExtensions]wire.Extension) }}

// extensions adds those of the hello to a list, one by one: this is where a
// goroutine's stack is deepest.
func (q *question) extensions(list []wire.Extension) []wire.Extension {
	if q.serverName != "" {
		list = append(list, wire.ServerName(q.serverName))
	}
	if q.session == nil {
		list = append(list, wire.ExtendedMasterSecret())
	}
	list = append(list, wire.RenegotiationInfo())
	list = append(list, q.groupsExtension())
	list = append(list, wire.ECPointFormats())
	if q.version >= wire.TLS12 {
		list = append(list, q.schemesExtension())
	}
	if len(q.ofCerts) > 0 {
		list = append(list, wire.SignatureAlgorithmsCert(q.ofCerts))
	}
	if q.version == wire.TLS13 {
		list = append(list, wire.SupportedVersions(wire.TLS13))
		list = append(list, wire.PSKModes())
		list = append(list, q.sharesExtension())
	}
	return append(list, q.extra...)
}

// groupsExtension offers the groups. As nearly all questions offer all that there are,
// the list of these is written once.
func (q *question) groupsExtension() wire.Extension {
	if all := offersOf(q.version); sameList(q.groups, all.groups) {
		return all.groupsWritten
	}
	return wire.SupportedGroups(q.groups)
}

// schemesExtension offers the schemes, likewise.
func (q *question) schemesExtension() wire.Extension {
	if all := offersOf(q.version); sameList(q.schemes, all.schemes) {
		return all.schemesWritten
	}
	return wire.SignatureAlgorithms(q.offeredSchemes())
}

// sameList reports whether two lists are one in memory.
func sameList(a, b []uint16) bool {
	return len(a) == len(b) && unsafe.SliceData(a) == unsafe.SliceData(b)
}

// offeredSchemes adds to the schemes of TLS 1.3 those of PKCS #1 v1.5 where RSA is
// asked for at all: they are for certificates alone (RFC 8446 §4.2.3), and some
// servers (HAProxy) show an RSA certificate only to clients that offer them.
func (q *question) offeredSchemes() []uint16 {
	pss := []uint16{0x0804, 0x0805, 0x0806} // rsa_pss_rsae
	if q.version != wire.TLS13 || slices.Contains(q.schemes, 0x0401) || !slices.ContainsFunc(q.schemes, func(id uint16) bool { return slices.Contains(pss, id) }) {
		return q.schemes
	}
	return slices.Concat(q.schemes, []uint16{0x0401, 0x0501, 0x0601}) // rsa_pkcs1
}

func (q *question) sharesExtension() wire.Extension {
	if q.key == nil {
		return wire.KeyShares()
	}
	return wire.KeyShares(q.key.Share)
}

// usual is the question of a version that offers all groups and schemes.
func usual(version uint16, serverName string, suites []uint16) question {
	return question{
		version: version, serverName: serverName, suites: suites,
		groups: groupsOf(version), schemes: schemesOf(version),
	}
}
