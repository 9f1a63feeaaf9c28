package client_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"shakedown/bench/client"
	"shakedown/bench/internal/tlstest"
	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

// forge is a server that makes its flight byte by byte, so that any part of it
// can be wrong. It needs no key exchange: to a client whose share is the base
// point the shared secret is whatever the server sends as its own.
type forge struct {
	t       *testing.T
	session *client.Session
	sample  *client.Sample
	k       secrets.Schedule
	write   secrets.Half
	read    secrets.Half
	hello   []byte // the client's, as a message
	random  [32]byte
	share   []byte
}

const (
	suite13   = 0x1301
	suite12   = 0xC02B // ECDHE-ECDSA, for the P-256 certificate
	groupX    = 0x001D
	schemeP   = 0x0403
	instant   = 3 * time.Second
	helloAt   = time.Second
	finalByte = 4 * time.Second
)

func newForge(t *testing.T, version uint16, sample int) *forge {
	config := client.Config{ServerName: tlstest.Name, Ask: client.Ask{Version: version}, Request: "/", VerifySample: sample, Classify: dial.Classify}
	f := &forge{t: t, session: session(t, config, client.UnitShares), sample: &client.Sample{}}
	for i := range f.random {
		f.random[i] = byte(i)
	}
	f.share = bytes.Repeat([]byte{5}, 32)
	f.begin()
	return f
}

// begin starts another handshake of the session.
func (f *forge) begin() {
	*f.sample = client.Sample{}
	f.session.Start(f.sample)
	f.hello = f.sent()[5:]
}

// sent is what the client has to write, as written.
func (f *forge) sent() []byte {
	out := bytes.Clone(f.session.Pending())
	f.session.Written(helloAt)
	return out
}

// message is a handshake message.
func message(kind wire.HandshakeType, body ...[]byte) []byte {
	all := bytes.Join(body, nil)
	return append([]byte{byte(kind), byte(len(all) >> 16), byte(len(all) >> 8), byte(len(all))}, all...)
}

// plain is an unprotected record.
func plain(kind wire.ContentType, body []byte) []byte {
	return append([]byte{byte(kind), 3, 3, byte(len(body) >> 8), byte(len(body))}, body...)
}

func u16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }

// vector puts a length of size bytes before what it counts.
func vector(size int, parts ...[]byte) []byte {
	all := bytes.Join(parts, nil)
	length := binary.BigEndian.AppendUint32(nil, uint32(len(all)))
	return append(length[4-size:], all...)
}

func extension(number int, body []byte) []byte { return append(u16(number), vector(2, body)...) }

// alpnOf says which protocol a server chose.
func alpnOf(name string) []byte { return extension(16, vector(2, vector(1, []byte(name)))) }

// serverHello13 is a ServerHello of TLS 1.3, whose keys the forge takes on.
func (f *forge) serverHello13() []byte {
	sh := message(wire.ServerHelloType, u16(0x0303), f.random[:], vector(1, f.hello[39:71]), u16(suite13), []byte{0},
		vector(2, extension(43, u16(0x0304)), extension(51, append(u16(groupX), vector(2, f.share)...))))
	suite, _ := secrets.Lookup(suite13)
	f.k.Start(suite)
	f.k.Write(f.hello)
	f.k.Write(sh)
	f.k.Agree(f.share)
	f.must(f.k.Key(&f.write, secrets.Server))
	f.must(f.k.Key(&f.read, secrets.Client))
	return plain(wire.Handshake, sh)
}

func (f *forge) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// seal protects messages in one record; they are in the transcript already.
func (f *forge) seal(messages ...[]byte) []byte {
	return f.write.Seal(nil, byte(wire.Handshake), bytes.Join(messages, nil))
}

// say adds a message to the transcript.
func (f *forge) say(m []byte) []byte {
	f.k.Write(m)
	return m
}

func (f *forge) extensions() []byte { return f.say(message(wire.EncryptedExtensionsType, vector(2))) }

func (f *forge) certificate13() []byte {
	der := tlstest.Certificate("p256").Certificate[0]
	return f.say(message(wire.CertificateType, vector(1), vector(3, vector(3, der), vector(2))))
}

func (f *forge) certificateVerify() []byte {
	content := append(bytes.Repeat([]byte{' '}, 64), "TLS 1.3, server CertificateVerify\x00"...)
	return f.say(message(wire.CertificateVerifyType, u16(schemeP), vector(2, f.sign(append(content, f.k.Transcript()...)))))
}

func (f *forge) sign(content []byte) []byte {
	digest := sha256.Sum256(content)
	signature, err := tlstest.Certificate("p256").PrivateKey.(crypto.Signer).Sign(rand.Reader, digest[:], crypto.SHA256)
	f.must(err)
	return signature
}

func (f *forge) finished() []byte {
	return f.say(message(wire.FinishedType, f.k.Finished(secrets.Server)))
}

// flight13 is all that follows ServerHello, as one record.
func (f *forge) flight13() []byte {
	return f.seal(f.extensions(), f.certificate13(), f.certificateVerify(), f.finished())
}

// feed gives the client bytes in pieces of a size.
func (f *forge) feed(b []byte, size int) error {
	for len(b) > 0 {
		n := min(size, len(b))
		if err := f.session.Feed(bytes.Clone(b[:n]), instant); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// clientDone13 checks the client's Finished.
func (f *forge) clientDone13() {
	f.t.Helper()
	out := f.sent()
	if !bytes.HasPrefix(out, []byte{20, 3, 3, 0, 1, 1}) {
		f.t.Fatalf("the client's second flight begins with % x, want ChangeCipherSpec", out[:min(len(out), 8)])
	}
	kind, text, err := f.read.Open(out[6:])
	if err != nil || kind != 22 || !bytes.Equal(text, message(wire.FinishedType, f.k.Finished(secrets.Client))) {
		f.t.Errorf("the client's Finished: type %d, % x, %v", kind, text, err)
	}
	if !f.session.Complete() || f.sample.Done != helloAt || f.sample.ServerHello != instant {
		f.t.Errorf("complete %v, sample %+v", f.session.Complete(), f.sample)
	}
}

// A handshake comes out the same however the server's bytes are cut up, and
// whether or not tickets follow at once.
func TestForged13(t *testing.T) {
	ticket := message(wire.NewSessionTicketType, make([]byte, 40))
	for _, size := range []int{1, 2, 5, 100, 1 << 14} {
		for _, early := range []bool{false, true} {
			f := newForge(t, wire.TLS13, 1)
			for range 2 { // a session is used again
				b := append(f.serverHello13(), plain(wire.ChangeCipherSpec, []byte{1})...)
				b = append(b, f.flight13()...)
				f.k.Master()
				f.must(f.k.Key(&f.write, secrets.Server))
				if early {
					b = append(b, f.seal(ticket, ticket)...)
				}
				f.must(f.feed(b, size))
				f.clientDone13()
				f.answer(early, ticket, size)
				f.begin()
			}
		}
	}
}

// answer takes the client's request and responds.
func (f *forge) answer(early bool, ticket []byte, size int) {
	f.t.Helper()
	f.must(f.session.Ask())
	f.must(f.k.Key(&f.read, secrets.Client))
	kind, request, err := f.read.Open(f.sent())
	if err != nil || kind != 23 || !strings.HasPrefix(string(request), "GET / HTTP/1.1\r\nHost: "+tlstest.Name+"\r\n") {
		f.t.Errorf("the request: type %d, %q, %v", kind, request, err)
	}
	if !early {
		f.must(f.feed(f.seal(ticket), size))
	}
	if f.session.Over() {
		f.t.Error("a ticket was taken for a response")
	}
	if err := f.session.Feed(f.write.Seal(nil, 23, []byte("HTTP/1.1 200 OK\r\n")), finalByte); err != nil {
		f.t.Fatal(err)
	}
	if !f.session.Over() || f.sample.FirstByte != finalByte || f.sample.Request != helloAt {
		f.t.Errorf("after the response: over %v, sample %+v", f.session.Over(), f.sample)
	}
	goodbye, err := f.session.Goodbye()
	f.must(err)
	if kind, text, err := f.read.Open(bytes.Clone(goodbye)); err != nil || kind != 21 || !bytes.Equal(text, []byte{1, 0}) {
		f.t.Errorf("goodbye: type %d, % x, %v", kind, text, err)
	}
}

// The first of the response's bytes count, not those that complete its record.
func TestFirstByte(t *testing.T) {
	f := newForge(t, wire.TLS13, 1)
	f.must(f.feed(append(f.serverHello13(), f.flight13()...), 1<<14))
	f.sent()
	f.must(f.session.Ask())
	f.sent()
	f.k.Master()
	f.must(f.k.Key(&f.write, secrets.Server))
	response := f.write.Seal(nil, 23, bytes.Repeat([]byte{'x'}, 1000))
	f.must(f.session.Feed(bytes.Clone(response[:3]), finalByte))
	f.must(f.session.Feed(bytes.Clone(response[3:700]), finalByte+1))
	if f.session.Over() {
		t.Error("over before the record is whole: it may be anything yet")
	}
	f.must(f.session.Feed(bytes.Clone(response[700:]), finalByte+2))
	if f.sample.FirstByte != finalByte {
		t.Errorf("first byte at %v, want %v", f.sample.FirstByte, finalByte)
	}
}

// What a server may do wrong in TLS 1.3, and what is made of it.
func TestWrong13(t *testing.T) {
	alert := []byte{2, 40}
	for _, c := range []struct {
		name string
		make func(f *forge) []byte
		kind results.FailureKind
		say  string
	}{
		{"a wrong Finished", func(f *forge) []byte {
			b := f.serverHello13()
			ee, cert, cv := f.extensions(), f.certificate13(), f.certificateVerify()
			verify := bytes.Clone(f.k.Finished(secrets.Server))
			verify[31] ^= 1
			return append(b, f.seal(ee, cert, cv, message(wire.FinishedType, verify))...)
		}, results.KindMalformed, "Finished does not fit"},
		{"an empty Finished", func(f *forge) []byte {
			return append(f.serverHello13(), f.seal(f.extensions(), f.certificate13(), f.certificateVerify(), message(wire.FinishedType))...)
		}, results.KindMalformed, "Finished does not fit"},
		{"a wrong signature", func(f *forge) []byte {
			b := f.serverHello13()
			ee, cert := f.extensions(), f.certificate13()
			cv := f.say(message(wire.CertificateVerifyType, u16(schemeP), vector(2, f.sign([]byte("something else")))))
			return append(b, f.seal(ee, cert, cv, f.finished())...)
		}, results.KindMalformed, "does not verify with the key"},
		{"a scheme that was not offered", func(f *forge) []byte {
			b := f.serverHello13()
			return append(b, f.seal(f.extensions(), f.certificate13(), message(wire.CertificateVerifyType, u16(0x0203), vector(2)))...)
		}, results.KindMalformed, "was not offered"},
		{"a protocol that was not offered", func(f *forge) []byte {
			return append(f.serverHello13(), f.seal(message(wire.EncryptedExtensionsType, vector(2, alpnOf("h2"))))...)
		}, results.KindMalformed, `the protocol "h2", which was not offered`},
		{"no Certificate", func(f *forge) []byte {
			return append(f.serverHello13(), f.seal(f.extensions(), f.finished())...)
		}, results.KindMalformed, "another was due"},
		{"an empty chain", func(f *forge) []byte {
			return append(f.serverHello13(), f.seal(f.extensions(), message(wire.CertificateType, vector(1), vector(3)))...)
		}, results.KindMalformed, "without a certificate"},
		{"Finished twice over", func(f *forge) []byte {
			return append(f.serverHello13(), f.seal(f.finished())...)
		}, results.KindMalformed, "another was due"},
		{"the flight in the clear", func(f *forge) []byte {
			return append(f.serverHello13(), plain(wire.Handshake, f.extensions())...)
		}, results.KindMalformed, "does not decrypt"},
		{"a forged record", func(f *forge) []byte {
			b := append(f.serverHello13(), f.flight13()...)
			b[len(b)-1] ^= 1
			return b
		}, results.KindMalformed, "does not decrypt"},
		{"more behind ServerHello in its record", func(f *forge) []byte {
			b := f.serverHello13()
			b = append(b, 8, 0, 0, 2, 0, 0)
			b[4] += 6
			return b
		}, results.KindMalformed, "change of keys"},
		{"data before Finished", func(f *forge) []byte {
			return append(f.serverHello13(), f.write.Seal(nil, 23, []byte("early"))...)
		}, results.KindMalformed, "before the end"},
		{"an alert inside a message", func(f *forge) []byte {
			b := append(f.serverHello13(), f.seal([]byte{8, 0, 0, 9, 0})...)
			return append(b, f.write.Seal(nil, 21, alert)...)
		}, results.KindMalformed, "inside a handshake message"},
		{"an alert for an answer", func(f *forge) []byte { return plain(wire.AlertRecord, alert) }, results.KindAlert, "handshake_failure"},
		{"a protected alert", func(f *forge) []byte {
			return append(f.serverHello13(), f.write.Seal(nil, 21, alert)...)
		}, results.KindAlert, "handshake_failure"},
		{"close_notify in the middle", func(f *forge) []byte {
			return append(f.serverHello13(), f.write.Seal(nil, 21, []byte{1, 0})...)
		}, results.KindAlert, "close_notify"},
		{"half an alert", func(f *forge) []byte { return plain(wire.AlertRecord, alert[:1]) }, results.KindMalformed, "alert"},
		{"HTTP", func(f *forge) []byte { return []byte("HTTP/1.1 400 Bad Request\r\n\r\n") }, results.KindNotTLS, "HTTP/1."},
		{"one byte that is not TLS", func(f *forge) []byte { return []byte("S") }, results.KindNotTLS, "not TLS"},
		{"a record of another kind", func(f *forge) []byte { return plain(24, []byte{1}) }, results.KindNotTLS, "not TLS"},
		{"a record that is too long", func(f *forge) []byte { return []byte{22, 3, 3, 0xFF, 0xFF} }, results.KindLimit, "65535"},
		{"a message that is too long", func(f *forge) []byte { return plain(wire.Handshake, []byte{2, 0xFF, 0xFF, 0xFF}) }, results.KindLimit, "16777215"},
		{"an empty handshake record", func(f *forge) []byte { return plain(wire.Handshake, nil) }, results.KindMalformed, "empty"},
		{"records without end", func(f *forge) []byte {
			return bytes.Repeat(plain(wire.ChangeCipherSpec, []byte{1}), 5000)
		}, results.KindLimit, "4096 records"},
		{"ChangeCipherSpec of another kind", func(f *forge) []byte { return plain(wire.ChangeCipherSpec, []byte{2}) }, results.KindMalformed, "ChangeCipherSpec"},
		{"a ServerHello without a share", func(f *forge) []byte {
			return plain(wire.Handshake, message(wire.ServerHelloType, u16(0x0303), f.random[:], vector(1), u16(suite13), []byte{0}, vector(2, extension(43, u16(0x0304)))))
		}, results.KindMalformed, "without a key share"},
		{"a share of another length", func(f *forge) []byte {
			f.share = f.share[1:]
			return f.serverHello13()
		}, results.KindMalformed, "key share"},
		{"TLS 1.2", func(f *forge) []byte {
			return plain(wire.Handshake, message(wire.ServerHelloType, u16(0x0303), f.random[:], vector(1), u16(suite12), []byte{0}))
		}, results.KindMalformed, "0x0303, which was not offered"},
		{"a suite that was not offered", func(f *forge) []byte {
			return plain(wire.Handshake, message(wire.ServerHelloType, u16(0x0303), f.random[:], vector(1), u16(0x1304), []byte{0}, vector(2, extension(43, u16(0x0304)))))
		}, results.KindMalformed, "TLS_AES_128_CCM_SHA256, which was not offered"},
		{"half a ServerHello", func(f *forge) []byte {
			return plain(wire.Handshake, message(wire.ServerHelloType, u16(0x0303), f.random[:20]))
		}, results.KindMalformed, "ServerHello"},
		{"a retry for the group that was offered", func(f *forge) []byte { return retry(groupX) }, results.KindMalformed, "that was offered"},
		{"a retry for a group that was not", func(f *forge) []byte { return retry(0x0100) }, results.KindMalformed, "ffdhe2048, which was not offered"},
		{"a second retry", func(f *forge) []byte { return append(retry(0x17), retry(0x18)...) }, results.KindMalformed, "second"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{1 << 20, 7} {
				f := newForge(t, wire.TLS13, 1)
				err := f.feed(c.make(f), size)
				if err == nil {
					t.Fatal("it passed")
				}
				f.session.Fail(err)
				got := f.sample.Failure
				if got.Kind != c.kind || !strings.Contains(got.Detail+got.Alert, c.say) {
					t.Errorf("in pieces of %d: %+v, want kind %s and %q", size, *got, c.kind, c.say)
				}
			}
		})
	}
}

// However it is cut up, a handshake may not take more than half a megabyte.
func TestBytesWithoutEnd(t *testing.T) {
	f := newForge(t, wire.TLS12, 100)
	f.begin() // the second handshake, whose certificate is not looked at
	b := f.flight12(nil)
	certificate := bytes.Index(b, []byte{byte(wire.CertificateType), 0})
	f.must(f.feed(plain(wire.Handshake, b[5:certificate]), 1<<14))
	chain := message(wire.CertificateType, make([]byte, 1<<18))
	endless := append(chain, message(wire.ServerKeyExchangeType, make([]byte, 1<<18))...)
	var err error
	for len(endless) > 0 && err == nil {
		n := min(len(endless), 1<<14)
		err = f.feed(plain(wire.Handshake, endless[:n]), 1<<14)
		endless = endless[n:]
	}
	if err == nil {
		t.Fatal("it passed")
	}
	if f.session.Fail(err); f.sample.Failure.Kind != results.KindLimit {
		t.Errorf("%+v, want kind %s", *f.sample.Failure, results.KindLimit)
	}
}

// retry is a HelloRetryRequest for a group.
func retry(group int) []byte {
	magic := sha256.Sum256([]byte("HelloRetryRequest"))
	return plain(wire.Handshake, message(wire.ServerHelloType, u16(0x0303), magic[:], vector(1), u16(suite13), []byte{0},
		vector(2, extension(43, u16(0x0304)), extension(51, u16(group)))))
}

// The signature is looked at in the handshakes of the sample, and only there.
func TestVerifySample(t *testing.T) {
	f := newForge(t, wire.TLS13, 3)
	var failed []int
	for i := range 7 {
		b := f.serverHello13()
		ee, cert := f.extensions(), f.certificate13()
		cv := f.say(message(wire.CertificateVerifyType, u16(schemeP), vector(2, f.sign([]byte("something else")))))
		if f.feed(append(b, f.seal(ee, cert, cv, f.finished())...), 1<<14) != nil {
			failed = append(failed, i)
		}
		f.begin()
	}
	if len(failed) != 3 || failed[0] != 0 || failed[1] != 3 || failed[2] != 6 {
		t.Errorf("of one in 3, the handshakes %v were checked", failed)
	}
}

// serverHello12 is the server's first flight of TLS 1.2.
func (f *forge) flight12(sign func(params []byte) []byte) []byte {
	suite, _ := secrets.Lookup(suite12)
	f.k.Start(suite)
	f.k.Write(f.hello)
	params := append([]byte{3}, append(u16(groupX), vector(1, f.share)...)...)
	signed := append(append(bytes.Clone(f.hello[6:38]), f.random[:]...), params...)
	if sign == nil {
		sign = func([]byte) []byte { return f.sign(signed) }
	}
	return plain(wire.Handshake, bytes.Join([][]byte{
		f.say(message(wire.ServerHelloType, u16(0x0303), f.random[:], vector(1), u16(suite12), []byte{0}, vector(2, extension(23, nil), extension(35, nil)))),
		f.say(message(wire.CertificateType, vector(3, vector(3, tlstest.Certificate("p256").Certificate[0])))),
		f.say(message(wire.ServerKeyExchangeType, params, u16(schemeP), vector(2, sign(params)))),
		f.say(message(wire.ServerHelloDoneType)),
	}, nil))
}

// clientFlight12 takes what the client says, checks its Finished, and comes to
// the same keys.
func (f *forge) clientFlight12() {
	f.t.Helper()
	out := f.sent()
	n := 5 + (int(out[3])<<8 | int(out[4]))
	f.k.Write(out[5:n])
	f.k.Premaster(f.share, nil, nil, true)
	f.must(f.k.Keys(&f.read, &f.write, f.hello[6:38], f.random[:]))
	if !bytes.Equal(out[n:n+6], []byte{20, 3, 3, 0, 1, 1}) {
		f.t.Fatalf("behind ClientKeyExchange: % x", out[n:n+6])
	}
	_, finished, err := f.read.Open(out[n+6:])
	want := message(wire.FinishedType, f.k.Finished(secrets.Client))
	if err != nil || !bytes.Equal(finished, want) {
		f.t.Fatalf("the client's Finished: % x, %v, want % x", finished, err, want)
	}
	f.k.Write(want)
}

func TestForged12(t *testing.T) {
	for _, size := range []int{1, 3, 100, 1 << 14} {
		f := newForge(t, wire.TLS12, 1)
		for range 2 {
			f.must(f.feed(f.flight12(nil), size))
			f.clientFlight12()
			b := plain(wire.Handshake, f.say(message(wire.NewSessionTicketType, make([]byte, 4), vector(2, make([]byte, 20)))))
			b = append(b, plain(wire.ChangeCipherSpec, []byte{1})...)
			f.must(f.feed(append(b, f.seal(f.finished())...), size))
			if !f.session.Complete() || f.sample.Done != instant {
				t.Errorf("complete %v, sample %+v", f.session.Complete(), f.sample)
			}
			f.begin()
		}
	}
}

// What a server may do wrong in TLS 1.2.
func TestWrong12(t *testing.T) {
	ccs := plain(wire.ChangeCipherSpec, []byte{1})
	for _, c := range []struct {
		name string
		make func(f *forge) error
		kind results.FailureKind
		say  string
	}{
		{"a wrong Finished", func(f *forge) error {
			f.must(f.feed(f.flight12(nil), 1<<14))
			f.clientFlight12()
			verify := bytes.Clone(f.k.Finished(secrets.Server))
			verify[0] ^= 1
			return f.feed(append(bytes.Clone(ccs), f.seal(message(wire.FinishedType, verify))...), 1<<14)
		}, results.KindMalformed, "Finished does not fit"},
		{"a Finished in the clear", func(f *forge) error {
			f.must(f.feed(f.flight12(nil), 1<<14))
			f.clientFlight12()
			return f.feed(plain(wire.Handshake, f.finished()), 1<<14)
		}, results.KindMalformed, "another was due"},
		{"a wrong signature", func(f *forge) error {
			return f.feed(f.flight12(func([]byte) []byte { return f.sign([]byte("something else")) }), 1<<14)
		}, results.KindMalformed, "does not verify with the key"},
		{"ChangeCipherSpec too soon", func(f *forge) error { return f.feed(ccs, 1<<14) }, results.KindMalformed, "out of turn"},
		{"a group that was not offered", func(f *forge) error {
			f.share = bytes.Repeat([]byte{1}, 32)
			b := f.flight12(nil)
			at := bytes.Index(b, append([]byte{3}, u16(groupX)...))
			b[at+2] = 0x1E // x448
			return f.feed(b, 1<<14)
		}, results.KindMalformed, "X448, which was not offered"},
		{"a protocol that was not offered", func(f *forge) error {
			return f.feed(plain(wire.Handshake, message(wire.ServerHelloType, u16(0x0303), f.random[:], vector(1), u16(suite12), []byte{0}, vector(2, alpnOf("h2")))), 1<<14)
		}, results.KindMalformed, `the protocol "h2", which was not offered`},
		{"TLS 1.3", func(f *forge) error {
			return f.feed(plain(wire.Handshake, message(wire.ServerHelloType, u16(0x0303), f.random[:], vector(1), u16(suite13), []byte{0}, vector(2, extension(43, u16(0x0304))))), 1<<14)
		}, results.KindMalformed, "0x0304, which was not offered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newForge(t, wire.TLS12, 1)
			err := c.make(f)
			if err == nil {
				t.Fatal("it passed")
			}
			f.session.Fail(err)
			if got := f.sample.Failure; got.Kind != c.kind || !strings.Contains(got.Detail, c.say) {
				t.Errorf("%+v, want kind %s and %q", *got, c.kind, c.say)
			}
		})
	}
}

// A warning does not end a TLS 1.2 handshake; a server with several names may
// send one.
func TestWarning12(t *testing.T) {
	f := newForge(t, wire.TLS12, 1)
	const warning, unrecognizedName = 1, 112
	f.must(f.feed(plain(wire.AlertRecord, []byte{warning, unrecognizedName}), 1<<14))
	f.must(f.feed(f.flight12(nil), 1<<14))
	f.clientFlight12()
}

// Whatever a server sends, the session neither panics nor takes in more than it
// may.
func FuzzSession(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK"), uint8(3), false)
	f.Add(retry(0x17), uint8(9), false)
	f.Add(plain(wire.Handshake, message(wire.ServerHelloType, u16(0x0303), make([]byte, 32), vector(1), u16(suite12), []byte{0})), uint8(1), true)
	f.Fuzz(func(t *testing.T, b []byte, size uint8, old bool) {
		version := uint16(wire.TLS13)
		if old {
			version = wire.TLS12
		}
		forged := newForge(t, version, 1)
		err := forged.feed(b, int(size)+1)
		if forged.session.Complete() {
			t.Fatal("complete by bytes without keys")
		}
		if err != nil {
			forged.session.Fail(err)
			if forged.sample.Failure.Kind == results.KindInternal {
				t.Fatalf("the peer's doing is taken for ours: %+v", *forged.sample.Failure)
			}
		}
	})
}

// A true flight with a byte changed fails, or does not get to the end.
func FuzzFlight(f *testing.F) {
	f.Add(uint16(0), byte(1))
	f.Add(uint16(300), byte(0x80))
	f.Fuzz(func(t *testing.T, at uint16, change byte) {
		forged := newForge(t, wire.TLS13, 1)
		b := append(forged.serverHello13(), forged.flight13()...)
		b[int(at)%len(b)] ^= change
		err := forged.feed(b, 1000)
		forged.session.Written(helloAt)
		if change != 0 && err == nil && forged.session.Complete() {
			// The minor version of a record in the clear is not authenticated, and
			// means nothing.
			if i := int(at) % len(b); i != 2 {
				t.Fatalf("byte %d of %d changed by %#x, and nobody noticed", i, len(b), change)
			}
		}
		if change == 0 && (err != nil || !forged.session.Complete()) {
			t.Fatal(errors.Join(errors.New("the unchanged flight fails"), err))
		}
	})
}

// A server that resumes what nobody offered, or goes on with other terms than the
// session was made on, is no resumed handshake and no full one.
func TestWrongResumption(t *testing.T) {
	psk := func(index int) []byte { return extension(41, u16(index)) }
	hello13 := func(f *forge, exts ...[]byte) []byte {
		all := append([][]byte{extension(43, u16(0x0304)), extension(51, append(u16(groupX), vector(2, f.share)...))}, exts...)
		return plain(wire.Handshake, message(wire.ServerHelloType, u16(0x0303), f.random[:], vector(1, f.hello[39:71]), u16(suite13), []byte{0}, vector(2, all...)))
	}
	f := newForge(t, wire.TLS13, 1)
	for _, index := range []int{0, 1} {
		err := f.feed(hello13(f, psk(index)), 1<<14)
		if err == nil || !strings.Contains(err.Error(), "resumes a session that was not offered") || f.sample.Shape.Resumed {
			t.Errorf("index %d: %v, %+v", index, err, f.sample.Shape)
		}
		f.begin()
	}
}

// A resumed handshake of TLS 1.2, forged: the echo of our session id decides,
// whatever was offered, and a wrong Finished ends it.
func TestForgedResumption12(t *testing.T) {
	ask := client.Ask{Version: wire.TLS12, Resume: 1}
	for _, c := range []struct {
		name    string
		change  func(f *forge, id []byte) (suite int, echo []byte, extended bool)
		spoil   bool
		say     string
		resumed bool
	}{
		{"as it should be", func(_ *forge, id []byte) (int, []byte, bool) { return suite12, id, true }, false, "", true},
		{"a wrong Finished", func(_ *forge, id []byte) (int, []byte, bool) { return suite12, id, true }, true, "Finished does not fit", true},
		{"another suite", func(_ *forge, id []byte) (int, []byte, bool) { return 0xC02C, id, true }, false, "resumes with the suite", false},
		{"another kind of master secret", func(_ *forge, id []byte) (int, []byte, bool) { return suite12, id, false }, false, "master secret", false},
		{"no echo", func(_ *forge, id []byte) (int, []byte, bool) { return suite12, id[1:], true }, false, "out of turn", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := client.Config{ServerName: tlstest.Name, Ask: ask, Classify: dial.Classify, Wallet: client.NewWallet(ask)}
			f := &forge{t: t, session: session(t, config, client.UnitShares), sample: &client.Sample{}, share: bytes.Repeat([]byte{5}, 32)}
			f.begin()
			f.must(f.feed(f.flight12(nil), 1<<14))
			f.clientFlight12()
			ticket := f.say(message(wire.NewSessionTicketType, make([]byte, 4), vector(2, make([]byte, 20))))
			ccs := plain(wire.ChangeCipherSpec, []byte{1})
			f.must(f.feed(append(append(plain(wire.Handshake, ticket), ccs...), f.seal(f.finished())...), 1<<14))
			master := f.k.MasterSecret()

			*f.sample = client.Sample{Resume: true}
			f.session.Start(f.sample)
			f.hello = f.sent()[5:]
			id := bytes.Clone(f.hello[39 : 39+32])
			number, echo, extended := c.change(f, id)
			suite, _ := secrets.Lookup(uint16(number))
			f.k.Start(suite)
			f.k.Write(f.hello)
			var exts [][]byte
			if extended {
				exts = append(exts, extension(23, nil))
			}
			sh := f.say(message(wire.ServerHelloType, u16(0x0303), f.random[:], vector(1, echo), u16(number), []byte{0}, vector(2, exts...)))
			f.k.Resume(master)
			f.must(f.k.Keys(&f.read, &f.write, f.hello[6:38], f.random[:]))
			verify := bytes.Clone(f.k.Finished(secrets.Server))
			if c.spoil {
				verify[3] ^= 1
			}
			finished := message(wire.FinishedType, verify)
			err := f.feed(append(append(plain(wire.Handshake, sh), ccs...), f.seal(finished)...), 1<<14)
			if (err == nil) != (c.say == "") || err != nil && !strings.Contains(err.Error(), c.say) {
				t.Fatalf("%v, want %q", err, c.say)
			}
			if f.sample.Shape.Resumed != c.resumed || !f.sample.Offered {
				t.Errorf("%+v", *f.sample)
			}
			if err != nil {
				return
			}
			f.k.Write(finished)
			out := f.sent()
			if _, text, err := f.read.Open(out[6:]); err != nil || !bytes.Equal(text, message(wire.FinishedType, f.k.Finished(secrets.Client))) {
				t.Errorf("the client's Finished: % x, %v", text, err)
			}
			if !f.session.Complete() || f.sample.Done != helloAt {
				t.Errorf("complete %v, %+v: done is when our Finished is written", f.session.Complete(), *f.sample)
			}
		})
	}
}
