package scanner

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"net"
	"slices"
	"testing"

	"shakedown/results"
	"shakedown/scanner/handshake"
	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

// messages gives the next handshake message of a client.
func messages(t *testing.T, conn net.Conn) func() []byte {
	var p wire.Parser
	buf := make([]byte, 4096)
	return func() []byte {
		for {
			m, err := p.Next()
			if err == nil && m.Record == wire.Handshake {
				return slices.Clone(m.Raw)
			}
			n, readErr := conn.Read(buf)
			if !errors.Is(err, wire.ErrMore) || readErr != nil {
				t.Errorf("no hello: %v, %v", err, readErr)
				return nil
			}
			p.Feed(buf[:n])
		}
	}
}

// cookieRetry is a HelloRetryRequest that wants nothing but its cookie back.
func cookieRetry(sessionID []byte) []byte {
	retry := wire.Retry(sessionID, 0x1301, 0)
	retry.Extensions = append(retry.Extensions[:1], wire.Cookie([]byte("show that you are there")))
	return retry.Marshal()
}

// A server that keeps no state before it knows where the client is asks for the same
// hello with a cookie (RFC 8446 §4.1.4), and then shows what it shows to others; one that
// asks again and again does not.
func TestCookie(t *testing.T) {
	der := goCertificate(t).Certificate[0]
	for name, endless := range map[string]bool{"once": false, "again and again": true} {
		f := &fake{raw: func(conn net.Conn, first []byte) bool {
			next := messages(t, &rewound{conn, first})
			one := next()
			hello, err := wire.ParseClientHello(one[4:])
			if err != nil {
				t.Error(err)
				return true
			}
			retry := cookieRetry(hello.SessionID)
			conn.Write(slices.Concat(wire.Records(wire.TLS12, retry), []byte{20, 3, 3, 0, 1, 1}))
			two := next()
			again, err := wire.ParseClientHello(two[4:])
			if err != nil || again.Random != hello.Random || !bytes.Contains(two, []byte("show that you are there")) || len(again.Extensions) != len(hello.Extensions)+1 {
				t.Errorf("the second hello: %v, %+v", err, again)
			}
			if endless {
				conn.Write(wire.Records(wire.TLS12, retry))
				return true
			}
			key, _ := ecdh.X25519().GenerateKey(rand.Reader)
			public, _ := ecdh.X25519().NewPublicKey(again.Shares()[0].Data)
			shared, _ := key.ECDH(public)
			h := wire.Retry(hello.SessionID, 0x1301, x25519)
			h.Random = [32]byte{1}
			h.Extensions[1] = wire.Extension{Type: 51, Body: slices.Concat([]byte{0, x25519, 0, 32}, key.PublicKey().Bytes())}
			var keys secrets.Schedule
			suite, _ := secrets.Lookup(0x1301)
			keys.Start(suite)
			keys.Write(one)
			keys.Retry()
			for _, m := range [][]byte{retry, two, h.Marshal()} {
				keys.Write(m)
			}
			keys.Agree(shared)
			var out secrets.Half
			if err := keys.Key(&out, secrets.Server); err != nil {
				t.Error(err)
			}
			u24 := func(n int) []byte { return []byte{byte(n >> 16), byte(n >> 8), byte(n)} }
			list := slices.Concat(u24(len(der)), der, []byte{0, 0})
			body := slices.Concat([]byte{0}, u24(len(list)), list)
			flight := slices.Concat([]byte{8, 0, 0, 2, 0, 0}, []byte{11}, u24(len(body)), body)
			conn.Write(out.Seal(wire.Records(wire.TLS12, h.Marshal()), 22, flight))
			return true
		}}
		a := askerOf(t, f.serve(t))
		got := a.exchange(t.Context(), new(chainQuestion13("", []uint16{0x1301}, x25519, chainSchemes())), a.lane.Open)
		switch {
		case endless && (got.outcome != failed || got.failure.Kind != results.KindMalformed):
			t.Errorf("%s: %+v", name, got)
		case !endless && (got.outcome != accepted || got.hello.IsRetry() || len(got.certs) != 1 || !bytes.Equal(got.certs[0], der)):
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// After a cookie the suite is that of the HelloRetryRequest (RFC 8446 §4.1.4), and a cookie
// that fits into no hello is none.
func TestCookieThatIsNotKept(t *testing.T) {
	key, err := handshake.NewKey(x25519)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cookie int
		suite  uint16
		wants  bool
	}{"another suite": {8, 0x1302, true}, "too long": {1<<15 + 1, 0x1301, false}} {
		q := usual(wire.TLS13, "", []uint16{0x1301, 0x1302})
		q.key, q.until = key, untilCertificate
		l := listener{q: &q, got: new(answer)}
		l.session, l.sent, _ = q.hello(nil)
		retry := wire.Retry(l.session, 0x1301, 0)
		retry.Extensions = append(retry.Extensions[:1], wire.Cookie(make([]byte, c.cookie)))
		done := l.feed(wire.Records(wire.TLS12, retry.Marshal()))
		if c.wants {
			h := wire.Retry(l.session, c.suite, x25519)
			h.Random = [32]byte{1}
			h.Extensions[1] = wire.Extension{Type: 51, Body: slices.Concat([]byte{0, x25519, 0, 32}, make([]byte, 32))}
			done = l.feed(wire.Records(wire.TLS12, h.Marshal()))
		}
		if got := l.got; !done || got.outcome != failed || got.failure.Kind != results.KindMalformed {
			t.Errorf("%s: done %v, %+v", name, done, got)
		}
	}
}
