// Lean: what the lean clients of one path share.

package client

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
)

// Lean is the lean client of one path with one Ask. Its sessions do the
// handshakes.
type Lean struct {
	cfg      Config
	kind     ShareKind
	shares   []share // of every group that is offered
	first    []share // of those, what the first ClientHello brings
	hello    *hello
	get      []byte        // the request
	verified atomic.Uint64 // counts handshakes, to pick those whose signature is checked
}

// NewLean prepares a lean client: key shares are made and the ClientHello is
// marshalled here, once.
func NewLean(cfg Config, kind ShareKind) (*Lean, error) {
	l := &Lean{cfg: cfg.withDefaults(), kind: kind}
	for _, group := range l.cfg.Ask.groups() {
		s, err := newShare(kind, group)
		if err != nil {
			return nil, err
		}
		l.shares = append(l.shares, s)
	}
	if l.first = l.shares[:1]; l.cfg.Ask.Retry {
		// No share at all asks for a HelloRetryRequest (RFC 8446 §4.2.8).
		l.first = nil
	}
	l.hello = newHello(l.cfg, l.first, nil, nil)
	l.get = getRequest(l.cfg.ServerName, l.cfg.Request)
	return l, nil
}

// Shares tells how the client exchanges keys.
func (l *Lean) Shares() ShareKind { return l.kind }

// Session returns a new Handshaker of this client.
func (l *Lean) Session(seed uint64) *Session {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	return &Session{l: l, random: rand.NewChaCha8(key)}
}

// verifyNext reports whether the next handshake's signature is to be checked:
// the first, then one in cfg.VerifySample.
func (l *Lean) verifyNext() bool {
	return (l.verified.Add(1)-1)%uint64(l.cfg.VerifySample) == 0
}

// offers reports whether a suite, group or scheme is in a list of the hello.
func offers(list []uint16, id uint16) bool { return slices.Contains(list, id) }
