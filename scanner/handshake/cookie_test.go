package handshake

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

// A server that wants a cookie back has the same hello again, with a binder that covers
// what was said before (RFC 8446 §4.1.4, §4.2.11.2), and the handshake is finished.
func TestCookie(t *testing.T) {
	suite, _ := secrets.Lookup(0x1301)
	psk := bytes.Repeat([]byte{7}, suite.HashSize())
	addr := served(t, func(conn net.Conn) {
		next := func(p wire.Parser) (raw []byte, h *wire.ClientHello) {
			buf := make([]byte, 4096)
			for {
				m, err := p.Next()
				if err == nil {
					h, err = wire.ParseClientHello(m.Body)
				}
				if err == nil {
					return slices.Clone(m.Raw), h
				}
				n, readErr := conn.Read(buf)
				if !errors.Is(err, wire.ErrMore) || readErr != nil {
					t.Errorf("no hello: %v, %v", err, readErr)
					return make([]byte, 100), &wire.ClientHello{}
				}
				p.Feed(buf[:n])
			}
		}
		one, hello := next(wire.Parser{})
		retry := wire.Retry(hello.SessionID, 0x1301, 0)
		retry.Extensions = append(retry.Extensions[:1], wire.Cookie([]byte("cookie")))
		conn.Write(slices.Concat(wire.Records(wire.TLS12, retry.Marshal()), []byte{20, 3, 3, 0, 1, 1}))
		two, again := next(wire.Parser{})
		if len(again.Extensions) != len(hello.Extensions)+1 || again.Random != hello.Random || !bytes.Contains(two, []byte("cookie")) {
			t.Errorf("the second hello: %+v", again)
			return
		}
		var keys secrets.Schedule
		begin := func(messages ...[]byte) {
			keys.Start(suite)
			keys.Write(one)
			keys.Retry()
			for _, m := range messages {
				keys.Write(m)
			}
		}
		begin(retry.Marshal(), two[:len(two)-suite.HashSize()-3])
		if binder := keys.Binder(psk); !bytes.HasSuffix(two, binder) {
			t.Errorf("the binder is not %x", binder)
		}
		share, shared := respond(t, again.Shares()[0])
		h := wire.Retry(hello.SessionID, 0x1301, x25519)
		h.Random = [32]byte{1}
		h.Extensions[1] = wire.Extension{Type: 51, Body: slices.Concat([]byte{0, byte(x25519), 0, 32}, share)}
		h.Extensions = append(h.Extensions, wire.Extension{Type: 41, Body: []byte{0, 0}}) // the first PSK
		begin(retry.Marshal(), two, h.Marshal())
		keys.AgreeResumed(psk, shared)
		var out secrets.Half
		if err := keys.Key(&out, secrets.Server); err != nil {
			t.Error(err)
		}
		extensions := []byte{8, 0, 0, 2, 0, 0}
		keys.Write(extensions)
		flight := slices.Concat(extensions, handshakeMessage(wire.FinishedType, keys.Finished(secrets.Server)))
		conn.Write(out.Seal(wire.Records(wire.TLS12, h.Marshal()), 22, flight))
		conn.Read(make([]byte, 1024))
	})
	session := &Session{Ticket: []byte("ticket"), version: wire.TLS13, suite: 0x1301, secret: psk, received: time.Now()}
	got := finish(t, addr, Offer{Version: wire.TLS13, Suites: []uint16{0x1301}, Group: x25519, Resume: session}, 5*time.Second)
	if !got.Finished || !got.Resumed {
		t.Errorf("%+v", got)
	}
}
