// Session: what a finished handshake leaves to be resumed.

package handshake

import (
	"time"

	ztls "github.com/zmap/zcrypto/tls"
)

// Session can be offered to a server to go on with. It holds a secret: it is
// kept in memory for the next question, and goes into no record.
type Session struct {
	Ticket    []byte // nil: the server keeps the session under its id
	EarlyData uint32 // TLS 1.3: how much may be sent ahead
	version   uint16
	suite     uint16
	id        []byte
	secret    []byte // TLS 1.2: the master secret; TLS 1.3: the PSK
	extended  bool   // TLS 1.2: the master secret is of RFC 7627
	ageAdd    uint32
	received  time.Time
	legacy    *ztls.ClientSessionState // of a handshake by zcrypto, and all there is then but version and suite
}

// ID is the name that the server gave to a session that it keeps itself.
func (s *Session) ID() []byte { return s.id }

// Suite is the suite that the session was made with.
func (s *Session) Suite() uint16 { return s.suite }

// Version is the version that the session was made with.
func (s *Session) Version() uint16 { return s.version }

// Sessions is what one handshake left.
type Sessions struct {
	ByID     *Session // TLS 1.2
	ByTicket *Session
}
