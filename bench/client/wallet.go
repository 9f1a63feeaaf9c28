// Wallet: what a path's server has handed out to be resumed with.

package client

import (
	"crypto/tls"
	"sync"
	"time"
)

// Wallet holds sessions that can be resumed, for all handshakers of one path. In
// TLS 1.3 a ticket is taken out and used once (RFC 8446 §C.4); a session of
// TLS 1.2 stays in until the server refuses it. It is safe for concurrent use.
type Wallet struct {
	mu     sync.Mutex
	single bool // TLS 1.3
	want   int
	kept   []*session // oldest first
	gives  [2]bool    // whether full and resumed handshakes are known to bring tickets
	earned int
}

// session is one thing to resume.
type session struct {
	received time.Duration
	lifetime time.Duration
	stock    *tls.ClientSessionState // of the stock client; the rest is the lean one's

	ticket   []byte // nil: the server keeps the session under its id
	id       []byte
	suite    uint16
	secret   []byte // TLS 1.2: the master secret; TLS 1.3: the PSK
	extended bool   // TLS 1.2: the master secret is of RFC 7627
	ageAdd   uint32
	hello    *hello // TLS 1.2: the ClientHello that offers it
}

// Bounds on what a wallet keeps of a server.
const (
	maxWallet   = 1 << 16
	maxTicket   = 8 << 10 // a ClientHello must fit a record
	maxLifetime = 7 * 24 * time.Hour
)

// NewWallet makes an empty wallet for a path that is asked for some resumed
// handshakes; nil, which is a wallet too, for one that is not.
func NewWallet(ask Ask) *Wallet {
	if ask.Resume == 0 {
		return nil
	}
	return &Wallet{single: ask.Version != tls.VersionTLS12, want: 1, gives: [2]bool{true, true}}
}

// Want sets how many sessions are to be held: while there are fewer, connections
// stay open until their tickets have come. Of TLS 1.2 one is enough.
func (w *Wallet) Want(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.want = 1; w.single {
		w.want = min(max(n, 1), maxWallet)
	}
}

// Single reports whether a session can be resumed only once.
func (w *Wallet) Single() bool { return w.single }

// Full reports whether as many sessions are held as are wanted.
func (w *Wallet) Full() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.kept) >= w.want
}

// Earned is how many sessions were put in so far.
func (w *Wallet) Earned() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.earned
}

// Learn says that handshakes of a kind brought no session: nobody waits for
// theirs any more.
func (w *Wallet) Learn(resumed, gives bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gives[kind(resumed)] = gives
}

// Renews reports whether resumed handshakes bring new sessions.
func (w *Wallet) Renews() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gives[kind(true)]
}

func kind(resumed bool) int {
	if resumed {
		return 1
	}
	return 0
}

// wants reports whether a handshake is to wait for what it may bring.
func (w *Wallet) wants(resumed bool) bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.kept) < w.want && w.gives[kind(resumed)]
}

// put adds a session.
func (w *Wallet) put(s *session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.earned++
	if len(w.kept) < maxWallet {
		w.kept = append(w.kept, s)
	}
}

// take returns the session that has waited longest and is not out of date, nil if
// there is none.
func (w *Wallet) take(now time.Duration) *session {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.kept) > 0 {
		s := w.kept[0]
		if old := now-s.received >= s.lifetime; old || w.single {
			w.kept[0] = nil
			w.kept = w.kept[1:]
			if old {
				continue
			}
		}
		return s
	}
	return nil
}

// refused takes a session out that the server did not resume.
func (w *Wallet) refused(s *session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.kept {
		if other == s {
			w.kept = append(w.kept[:i], w.kept[i+1:]...)
			return
		}
	}
}

// lifetime bounds what a server says of its ticket in seconds. In TLS 1.2 zero
// leaves it open (RFC 5077 §3.3).
func lifetime(seconds uint32) time.Duration {
	if seconds == 0 {
		return maxLifetime
	}
	return min(time.Duration(seconds)*time.Second, maxLifetime)
}
