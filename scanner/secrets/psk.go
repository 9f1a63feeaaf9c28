// Resumption: what a session leaves to its successors, in TLS 1.3 a pre-shared
// key (RFC 8446 §2.2), in TLS 1.2 its master secret.

package secrets

// ResumptionSecret is what the tickets of a TLS 1.3 connection are bound to; the
// transcript ends with the client's Finished (RFC 8446 §7.1).
func (k *Schedule) ResumptionSecret() []byte {
	n := k.suite.HashSize()
	return k.e.expandLabel(nil, k.current[:n], "res master", k.Transcript(), n)
}

// PSK is the key of one ticket (RFC 8446 §4.6.1).
func (k *Schedule) PSK(resumption, nonce []byte) []byte {
	n := k.suite.HashSize()
	// A nonce has up to 255 bytes, more than a label's buffer: expandLabel grows
	// a copy then.
	return k.e.expandLabel(nil, resumption, "resumption", nonce, n)
}

// Binder proves that a PSK is known; the transcript is the ClientHello up to its
// binders (RFC 8446 §4.2.11.2). It is valid until the next call of any method.
func (k *Schedule) Binder(psk []byte) []byte {
	n := k.suite.HashSize()
	binder := k.e.expandLabel(k.out[:0], k.early(psk), "res binder", k.e.empty, n)
	key := k.e.expandLabel(k.keys[:0], binder, "finished", nil, n)
	return k.e.mac.mac(k.out[:0], key, k.Transcript())
}

// AgreeResumed is Agree for a handshake that a PSK resumes.
func (k *Schedule) AgreeResumed(psk, shared []byte) {
	n := k.suite.HashSize()
	salt := k.e.expandLabel(k.out[:0], k.early(psk), "derived", k.e.empty, n)
	k.e.mac.mac(k.current[:0], salt, shared)
	k.traffic = &k.handshake
	k.derive("c hs traffic", "s hs traffic", n)
}

// early is the secret that a PSK begins with.
func (k *Schedule) early(psk []byte) []byte {
	n := k.suite.HashSize()
	clear(k.keys[:n])
	return k.e.mac.mac(k.seed[:0], k.keys[:n], psk)
}

// MasterSecret is what a session of TLS 1.2 is resumed with.
func (k *Schedule) MasterSecret() []byte { return append([]byte(nil), k.current[:masterSize]...) }

// Resume takes TLS 1.2 to the master secret of the session that it resumes.
func (k *Schedule) Resume(master []byte) { copy(k.current[:masterSize], master) }
