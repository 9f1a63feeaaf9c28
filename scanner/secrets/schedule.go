// Schedule: the transcript and the secrets of one handshake.

package secrets

import (
	"crypto/subtle"
	"errors"
	"hash"
)

// Side is the end of a connection that a key or a Finished message belongs to.
type Side uint8

// The sides.
const (
	Client Side = iota
	Server
)

// Schedule follows one handshake: Start with its suite, Write every handshake
// message as it passes, and ask for secrets at the points that the RFCs name.
// Its zero value is ready, and it can be started again for the next handshake:
// then nearly nothing is allocated.
type Schedule struct {
	suite     Suite
	engines   [2]*engine   // SHA-256, SHA-384
	e         *engine      // of the suite
	current   [64]byte     // TLS 1.3: the secret that the schedule has reached; TLS 1.2: the master secret
	handshake [2][64]byte  // TLS 1.3: handshake traffic secrets by side
	traffic   *[2][64]byte // TLS 1.3: the latest traffic secrets
	app       [2][64]byte
	known     [2]bool  // which of app were derived already
	end       [64]byte // the transcript that app is bound to
	hash      [64]byte
	out       [64]byte
	keys      [128]byte
	seed      [64]byte
}

// engine is what depends on the hash alone.
type engine struct {
	*mac
	transcript hash.Hash
	empty      []byte // the hash of nothing
	salt       []byte // Derive-Secret(Early Secret without a PSK, "derived", ""): the same for every handshake
}

func newEngine(s Suite) *engine {
	e := &engine{mac: newMAC(s), transcript: s.newHash()}
	e.empty = e.transcript.Sum(nil)
	zeros := make([]byte, s.HashSize())
	early := e.mac.mac(nil, zeros, zeros)
	e.salt = e.expandLabel(nil, early, "derived", e.empty, s.HashSize())
	return e
}

// Start begins a handshake with an empty transcript.
func (k *Schedule) Start(s Suite) {
	i := 0
	if s.sha384 {
		i = 1
	}
	if k.engines[i] == nil {
		k.engines[i] = newEngine(s)
	}
	k.suite, k.e = s, k.engines[i]
	k.e.transcript.Reset()
}

// Suite is the suite that the handshake was started with.
func (k *Schedule) Suite() Suite { return k.suite }

// Write adds a handshake message, header included, to the transcript.
func (k *Schedule) Write(message []byte) { k.e.transcript.Write(message) }

// Transcript is the hash of what was written so far. It is valid until the next
// call of any method.
func (k *Schedule) Transcript() []byte { return k.e.transcript.Sum(k.hash[:0]) }

// Retry puts a message_hash in the place of the first ClientHello, which must be
// all that was written: a HelloRetryRequest follows (RFC 8446 §4.4.1).
func (k *Schedule) Retry() {
	sum := k.Transcript()
	k.e.transcript.Reset()
	k.e.transcript.Write(append(k.out[:0], 254, 0, 0, byte(len(sum))))
	k.e.transcript.Write(sum)
}

// Agree takes TLS 1.3 from the key exchange's shared secret to the handshake
// traffic secrets; the transcript ends with ServerHello (RFC 8446 §7.1).
func (k *Schedule) Agree(shared []byte) {
	n := k.suite.HashSize()
	k.e.mac.mac(k.current[:0], k.e.salt, shared)
	k.traffic = &k.handshake
	k.derive("c hs traffic", "s hs traffic", n)
}

// Master takes TLS 1.3 to the application traffic secrets; the transcript ends
// with the server's Finished. Each is derived when its Key is asked for, as who
// only says goodbye needs one.
func (k *Schedule) Master() {
	n := k.suite.HashSize()
	salt := k.e.expandLabel(k.out[:0], k.current[:n], "derived", k.e.empty, n)
	clear(k.keys[:n])
	k.e.mac.mac(k.current[:0], salt, k.keys[:n])
	k.e.transcript.Sum(k.end[:0])
	k.traffic, k.known = &k.app, [2]bool{}
}

func (k *Schedule) derive(client, server string, n int) {
	h := k.Transcript()
	k.e.expandLabel(k.traffic[Client][:0], k.current[:n], client, h, n)
	k.e.expandLabel(k.traffic[Server][:0], k.current[:n], server, h, n)
}

// Key sets up the protection of one side's records from its latest TLS 1.3
// traffic secret (RFC 8446 §7.3).
func (k *Schedule) Key(h *Half, side Side) error {
	secret := k.latest(side)
	key := k.e.expandLabel(k.keys[:0], secret, "key", nil, k.suite.key)
	iv := k.e.expandLabel(k.out[:0], secret, "iv", nil, nonceSize)
	return h.set(k.suite, key, iv)
}

// latest is one side's latest traffic secret.
func (k *Schedule) latest(side Side) []byte {
	n := k.suite.HashSize()
	if k.traffic == &k.app && !k.known[side] {
		label := "c ap traffic"
		if side == Server {
			label = "s ap traffic"
		}
		k.e.expandLabel(k.app[side][:0], k.current[:n], label, k.end[:n], n)
		k.known[side] = true
	}
	return k.traffic[side][:n]
}

// Finished is the verify_data of one side's Finished message over what was
// written so far (RFC 8446 §4.4.4). It is valid until the next call of any method.
func (k *Schedule) Finished(side Side) []byte {
	if !k.suite.tls13 {
		return k.finished12(side)
	}
	n := k.suite.HashSize()
	key := k.e.expandLabel(k.keys[:0], k.handshake[side][:n], "finished", nil, n)
	return k.e.mac.mac(k.out[:0], key, k.Transcript())
}

// ErrFinished says that a Finished message does not fit the transcript: someone
// saw another handshake than we did.
var ErrFinished = errors.New("the Finished message does not verify")

// Verify checks the verify_data of one side's Finished message.
func (k *Schedule) Verify(side Side, verifyData []byte) error {
	if subtle.ConstantTimeCompare(k.Finished(side), verifyData) != 1 {
		return ErrFinished
	}
	return nil
}

// Premaster takes TLS 1.2 from the key exchange to the master secret: over the
// transcript up to ClientKeyExchange if extended (RFC 7627 §4), else over both
// randoms (RFC 5246 §8.1).
func (k *Schedule) Premaster(premaster, clientRandom, serverRandom []byte, extended bool) {
	if extended {
		k.e.prf(k.current[:0], premaster, "extended master secret", k.Transcript(), masterSize)
		return
	}
	seed := append(append(k.seed[:0], clientRandom...), serverRandom...)
	k.e.prf(k.current[:0], premaster, "master secret", seed, masterSize)
}

const masterSize = 48

// Keys sets up the records of both sides of TLS 1.2 from the master secret
// (RFC 5246 §6.3). AEAD suites have no MAC keys.
func (k *Schedule) Keys(client, server *Half, clientRandom, serverRandom []byte) error {
	key, iv := k.suite.key, k.suite.fixedIV()
	seed := append(append(k.seed[:0], serverRandom...), clientRandom...)
	b := k.e.prf(k.keys[:0], k.current[:masterSize], "key expansion", seed, 2*key+2*iv)
	if err := client.set(k.suite, b[:key], b[2*key:2*key+iv]); err != nil {
		return err
	}
	return server.set(k.suite, b[key:2*key], b[2*key+iv:])
}

func (k *Schedule) finished12(side Side) []byte {
	label := "client finished"
	if side == Server {
		label = "server finished"
	}
	return k.e.prf(k.out[:0], k.current[:masterSize], label, k.Transcript(), 12)
}
