// Lean: what the lean clients of one path share.

package client

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"shakedown/scanner/wire"
)

// Lean is the lean client of one path with one Ask. Its sessions do the
// handshakes.
type Lean struct {
	cfg   Config
	kind  ShareKind
	faces []face
	hold  time.Duration
	get   []byte        // the request
	begun atomic.Uint64 // handshakes, to pick those whose signature is checked
}

// face is what a handshake begins with.
type face struct {
	shares []share // of every group that is offered
	first  []share // of those, what the first ClientHello brings
	hello  *hello
}

// kemKeys is how many keys of ML-KEM a client goes round. A server that saw but
// one would learn it: which values it rejects while it expands a key (FIPS 203,
// algorithm 7) is all that its processor has to guess in an encapsulation, and of
// one key it knows that by heart, which saves it a tenth. Of 64 it learns nothing.
const kemKeys = 64

// NewLean prepares a lean client: key shares are made and the ClientHello is
// marshalled here, once.
func NewLean(cfg Config, kind ShareKind) (*Lean, error) {
	l := &Lean{cfg: cfg.withDefaults(), kind: kind}
	faces := 1
	if slices.ContainsFunc(l.cfg.Ask.groups(), hasKEM) {
		faces = kemKeys
	}
	for i := range faces {
		f, err := newFace(l.cfg, kind, byte(i))
		if err != nil {
			return nil, err
		}
		l.faces = append(l.faces, f)
	}
	if l.hold = holdFor(l.faces[0].first); cfg.Ask.Version == wire.TLS12 {
		l.hold = holdFor(nil) // there the key comes later
	}
	l.get = getRequest(l.cfg.ServerName, l.cfg.Request)
	return l, nil
}

func newFace(cfg Config, kind ShareKind, key byte) (f face, err error) {
	for _, group := range cfg.Ask.groups() {
		s, err := newShare(kind, group, key)
		if err != nil {
			return f, err
		}
		f.shares = append(f.shares, s)
	}
	if f.first = f.shares[:1]; cfg.Ask.Retry {
		// No share at all asks for a HelloRetryRequest (RFC 8446 §4.2.8).
		f.first = nil
	}
	f.hello = newHello(cfg, f.first, nil, nil)
	return f, nil
}

// Shares tells how the client exchanges keys.
func (l *Lean) Shares() ShareKind { return l.kind }

// Session returns a new Handshaker of this client.
func (l *Lean) Session(seed uint64) *Session {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	return &Session{l: l, face: &l.faces[0], random: rand.NewChaCha8(key)}
}

// Hold is how long after a connect the ClientHello is to be sent: when an ordinary
// client sends it.
func (l *Lean) Hold() time.Duration { return l.hold }

// next gives the next handshake its face, and reports whether its signature is to
// be checked: the first, then one in cfg.VerifySample.
func (l *Lean) next() (*face, bool) {
	n := l.begun.Add(1) - 1
	return &l.faces[n%uint64(len(l.faces))], n%uint64(l.cfg.VerifySample) == 0
}

// offers reports whether a suite, group or scheme is in a list of the hello.
func offers(list []uint16, id uint16) bool { return slices.Contains(list, id) }
