// Package client makes TLS handshakes to be measured: Lean is our own minimal
// TLS 1.2 and 1.3 client, Stock is crypto/tls.
//
// USE IT ONLY AGAINST SERVERS THAT YOU OWN. Lean has no secrecy: its key shares
// are the groups' base points, so that whoever sees the connection can read it,
// and it trusts any certificate. That is what makes it cheap enough not to be
// the thing that is measured. Never send through it what is not public.
//
// It is no attack tool. Every handshake is completed: both Finished messages are
// exchanged, and the server's is verified, always. There is no mode that stops
// half-way, and none will be added.
//
// The package opens no connections and keeps no schedule; package bench does.
package client

import (
	"crypto/tls"
	"encoding/binary"
	"net"
	"runtime"
	"time"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// Sample is one handshake: when it passed which point, what it negotiated, and
// how it failed if it did. Instants are counted from the beginning of the run; 0
// is a point that was not reached.
//
// What is sent is stamped as the call that sends it is made, what is received
// as soon as the call that received it has returned. (A call that sends may
// return late: on loopback the peer can run first.)
type Sample struct {
	Due         time.Duration // when the connection was to start
	Ready       time.Duration // when there was a free slot for it as well
	Start       time.Duration // SYN
	Connected   time.Duration // established
	Hello       time.Duration // first ClientHello
	ServerHello time.Duration // final ServerHello
	Done        time.Duration // handshake complete: see results.Phases
	Request     time.Duration // request
	FirstByte   time.Duration // first bytes of the response

	// Token is the first bytes of the first ClientHello's random: who sees the
	// connection elsewhere can tell by it which handshake that was.
	Token uint64

	Resume  bool // asked of this handshake: to be a resumed one
	Offered bool // there was a session to offer for that
	Shape   Shape
	Leaf    uint64 // of those whose signature was checked: how the SHA-256 of the server's certificate begins
	Failure *results.Failure
}

// tokenAt is where the random begins in a first ClientHello as it is sent.
const tokenAt = recordHeader + messageHeader + 2

// Token reads a Token off the first bytes of a connection; 0 if they are no
// ClientHello.
func Token(b []byte) uint64 {
	if len(b) < tokenAt+8 || b[0] != byte(wire.Handshake) || b[recordHeader] != byte(wire.ClientHelloType) {
		return 0
	}
	return binary.BigEndian.Uint64(b[tokenAt:])
}

// Clock tells the time since the beginning of the run.
type Clock func() time.Duration

// Handshaker makes one handshake after another, each on a connection of its own.
// It is for one goroutine at a time.
type Handshaker interface {
	// Handshake fills in the sample from Hello on, Failure too. The connection
	// bears a deadline. It is left open: Close ends it.
	Handshake(conn net.Conn, now Clock, s *Sample)
	// Close ends the connection of the latest handshake.
	Close(conn net.Conn)
}

// Confirmer is a Handshaker that can make sure of a handshake afterwards.
type Confirmer interface {
	// Confirm waits, after a handshake without a request, until the server has
	// closed or spoken: in TLS 1.3 a server may still refuse what the client sent
	// last, a missing certificate for example, when for the client the handshake
	// is over. It costs a round trip, so it is for a path's first handshake.
	Confirm(conn net.Conn, now Clock, s *Sample)
}

// Classify names a network error that came up at a stage.
type Classify func(results.Stage, error) results.Failure

// Config is what all handshakes with a path have in common.
type Config struct {
	ServerName   string // SNI; "" for none
	Ask          Ask
	ALPN         string // a protocol to offer; "" for none
	Request      string // path of an HTTP/1.1 GET after the handshake; "" for none
	VerifySample int    // check the certificate's signature in 1 of so many; 0 is 100
	Closing      Closing
	Classify     Classify
	Wallet       *Wallet          // what can be resumed; nil if nothing is to be
	SessionIDs   bool             // TLS 1.2: ask for no tickets, resume by session id
	Certificate  *tls.Certificate // our own, for a server that asks; nil if there is none
	Reaction     time.Duration    // how long after what it answers an answer comes at the soonest, and after all of it a goodbye
	// Sleep sleeps to some µs; nil stays awake, which keeps a processor busy and drives
	// what else there is to do to the server's.
	Sleep func(time.Duration)
}

// parts returns when a handshake's goodbye may be said.
func (c Config) parts(now Clock, s *Sample) { c.await(now, max(s.Done, s.FirstByte)+c.Reaction) }

// sleepless is how long before an instant one stays awake, as sleep may end late.
const sleepless = 60 * time.Microsecond

// await returns at an instant.
func (c Config) await(now Clock, instant time.Duration) {
	for left := instant - now(); left > 0; left = instant - now() {
		if c.Sleep != nil && left > sleepless {
			c.Sleep(left - sleepless)
		} else {
			runtime.Gosched()
		}
	}
}

// Closing is how a connection ends.
type Closing uint8

// The ways to end a connection. ByFIN is the default: close_notify, then FIN, as
// clients do, so that the server's accounts (finished requests, reset counters
// of a load balancer) stay those of ordinary traffic. Its price is a port in
// TIME_WAIT for a minute: 28,232 ports of Linux's default range, one source and
// one address make 470 connections a second, for as long as one likes. ByRST
// leaves no TIME_WAIT. Where our Finished was the last word it says close_notify
// and waits for the server's next one, so that the reset never overtakes the
// handshake.
const (
	ByFIN Closing = iota
	ByRST
)

const defaultVerifySample = 100

func (c Config) withDefaults() Config {
	if c.VerifySample <= 0 {
		c.VerifySample = defaultVerifySample
	}
	return c
}

// stage is the step that a handshake was in when it went wrong.
func (s *Sample) stage() results.Stage {
	switch {
	case s.ServerHello == 0:
		return results.StageHello
	case s.Done == 0:
		return results.StageHandshake
	default:
		return results.StageRequest
	}
}

// fault is something that a peer did and that our own reading of TLS, not the
// network, told us.
type fault struct {
	kind   results.FailureKind
	alert  string
	detail string
}

func (f *fault) Error() string { return f.detail }

// failure makes a sample's failure of an error: a fault of the peer, or one of
// the network's.
func failure(stage results.Stage, err error, classify Classify) *results.Failure {
	if f, ok := err.(*fault); ok {
		return &results.Failure{Stage: stage, Kind: f.kind, Alert: f.alert, Count: 1, Detail: f.detail}
	}
	f := classify(stage, err)
	return &f
}
