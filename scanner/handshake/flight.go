// Flight: the encrypted part of a TLS 1.3 server's first flight, opened.

package handshake

import (
	"fmt"
	"sync"

	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

// Flight reads what a server sends after its ServerHello: EncryptedExtensions,
// perhaps a CertificateRequest, Certificate and on (RFC 8446 §2). Feed it what
// arrives, then take messages by Next until that returns wire.ErrMore.
type Flight struct {
	keys   secrets.Schedule
	half   secrets.Half
	in     []byte
	inner  wire.Parser // of the records as they are inside
	hidden hidden
}

// maxProtected is the most that a protected record may carry (RFC 8446 §5.2).
const maxProtected = 1<<14 + 256

// Open agrees on keys from both hellos, as handshake messages with their
// headers; before them may stand the first hello and the HelloRetryRequest that
// answered it. An error says that the server's share or suite cannot be used.
func (k *Key) Open(client, server []byte, hello *wire.ServerHello, before ...[]byte) (*Flight, error) {
	suite, ok := secrets.Lookup(hello.Suite)
	if !ok || !suite.TLS13() {
		return nil, fmt.Errorf("suite %s cannot be opened here", wire.ID(hello.Suite))
	}
	share, _ := hello.KeyShare()
	if share.Group != k.Share.Group {
		return nil, errShare
	}
	shared, err := k.agree(share.Data)
	if err != nil {
		return nil, err
	}
	f := &Flight{}
	f.keys.Start(suite)
	restart(&f.keys, before)
	f.keys.Write(client)
	f.keys.Write(server)
	f.keys.Agree(shared)
	if err := f.keys.Key(&f.half, secrets.Server); err != nil {
		return nil, err
	}
	return f, nil
}

// restart begins a transcript with what was said before a second hello, if there was one
// (RFC 8446 §4.4.1).
func restart(keys *secrets.Schedule, before [][]byte) {
	for i, m := range before {
		if keys.Write(m); i == 0 {
			keys.Retry()
		}
	}
}

// Suites lists the suites that a flight can be opened in. The slice is shared:
// do not change it.
func Suites() []uint16 { return suites() }

var suites = sync.OnceValue(func() []uint16 {
	var ids []uint16
	for _, s := range wire.Suites() {
		if suite, ok := secrets.Lookup(uint16(s.ID)); ok && suite.TLS13() {
			ids = append(ids, uint16(s.ID))
		}
	}
	return ids
})

// Feed adds bytes that arrived.
func (f *Flight) Feed(b []byte) { f.in = append(f.in, b...) }

// Next returns the next message, as wire.Parser.Next does.
func (f *Flight) Next() (wire.Message, error) {
	for {
		m, err := f.inner.Next()
		if err != wire.ErrMore {
			return m, err
		}
		if err := f.record(); err != nil {
			return wire.Message{}, err
		}
	}
}

// record opens one record and hands what is inside to the inner parser.
func (f *Flight) record() error {
	if len(f.in) < 5 {
		return wire.ErrMore
	}
	kind, n := wire.ContentType(f.in[0]), int(f.in[3])<<8|int(f.in[4])
	if n > maxProtected {
		return fmt.Errorf("%w: a protected record of %d bytes", wire.ErrLimit, n)
	}
	if len(f.in) < 5+n {
		return wire.ErrMore
	}
	record := f.in[: 5+n : 5+n]
	f.in = f.in[5+n:]
	switch kind {
	case wire.ChangeCipherSpec: // for middleboxes alone (RFC 8446 §D.4)
		return f.hidden.add()
	case wire.AlertRecord: // in the clear: the server could not go on
		f.inner.Feed(record)
		return nil
	case wire.ApplicationData:
		inside, plaintext, err := f.half.Open(record)
		if err != nil {
			return fmt.Errorf("%w: a record that does not decrypt", wire.ErrMalformed)
		}
		f.inner.Feed([]byte{inside, 3, 3, byte(len(plaintext) >> 8), byte(len(plaintext))})
		f.inner.Feed(plaintext)
		return nil
	}
	return fmt.Errorf("%w: a record of type %d in an encrypted flight", wire.ErrMalformed, kind)
}
