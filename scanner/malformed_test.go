package scanner

import (
	"net"
	"slices"
	"testing"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// A certificate excuses nothing that comes after it: a ServerKeyExchange that cannot be
// read breaks nothing, and denies nothing of what it should have told.
func TestMalformedKeyExchange(t *testing.T) {
	_, rs, _ := keys(t)
	der := certificate(t, "portal.example", rs).Certificate[0]
	for suite, exchange := range map[uint16][]byte{
		0xC02F: {12, 0, 0, 4, 1, 0, 0, 1}, // a curve that is given by its coefficients
		0x009E: {12, 0, 0, 2, 1, 0},       // half the length of a prime
	} {
		f := &fake{suites: map[uint16][]uint16{wire.TLS12: {suite}}, refuse: alertBytes(40)}
		f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
			if hello.Versions() != nil || !slices.Contains(hello.Suites, suite) {
				return false
			}
			h := wire.ServerHello{Version: wire.TLS12, Suite: suite}
			conn.Write(wire.Records(wire.TLS12, slices.Concat(h.Marshal(), certificateMessage(der), exchange, []byte{14, 0, 0, 0})))
			return true
		}
		e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectSuites, AspectGroups, AspectSignatures, AspectCertificates, AspectProtocol}})
		if got := ids(e.Suites[results.TLSv12]); !slices.Equal(got, []string{wire.ID(suite)}) || len(e.Chains) != 1 {
			t.Errorf("0x%04X: suites %v, %d chains", suite, got, len(e.Chains))
		}
		open := e.Undetermined
		if suite == 0xC02F && (!slices.Contains(open.Groups[results.TLSv12], "0x001D") || !slices.Contains(open.SignatureSchemes[results.TLSv12], "0x0804")) || e.Status != results.Partial {
			t.Errorf("0x%04X: %s, undetermined %+v", suite, e.Status, open)
		}
		if !slices.ContainsFunc(e.Failures, func(f results.Failure) bool {
			return f.Kind == results.KindMalformed && f.Stage == results.StageHandshake
		}) {
			t.Errorf("0x%04X: failures %+v", suite, e.Failures)
		}
		if suite == 0xC02F && e.Protocol.ClientCertificateRequested != results.No { // the flight is whole
			t.Errorf("a client certificate is requested: %q", e.Protocol.ClientCertificateRequested)
		}
	}
}

// What an answer does not say is not denied by it: no group, and no scheme, as the one
// that was chosen.
func TestNothingChosen(t *testing.T) {
	nothing := wire.Retry(nil, 0x1301, 0)
	nothing.Extensions = append(nothing.Extensions[:1], wire.Cookie([]byte("again")))
	none := wire.Retry(nil, 0x1301, 0)
	none.Extensions = none.Extensions[:1]
	for name, c := range map[string]struct {
		by   enumerator
		got  answer
		open bool
	}{
		"groups, a suite without one":   {groupsIn(wire.TLS12, "", nil), answer{hello: &wire.ServerHello{Suite: 0x009C}}, true},
		"groups, one without a number":  {groupsIn(wire.TLS12, "", nil), answer{hello: &wire.ServerHello{}, keyExchange: &wire.KeyExchange{}}, true},
		"groups, a cookie alone":        {groupsIn(wire.TLS13, "", nil), answer{hello: nothing}, true},
		"groups, none in common":        {groupsIn(wire.TLS13, "", nil), answer{hello: none}, false},
		"groups, another":               {groupsIn(wire.TLS12, "", nil), answer{hello: &wire.ServerHello{}, keyExchange: &wire.KeyExchange{Group: 7}}, false},
		"schemes, no ServerKeyExchange": {schemesOfSuites("", nil), answer{hello: &wire.ServerHello{}}, true},
		"schemes, nothing signed":       {schemesOfSuites("", nil), answer{hello: &wire.ServerHello{}, keyExchange: &wire.KeyExchange{}}, true},
		"schemes, another":              {schemesOfSuites("", nil), answer{hello: &wire.ServerHello{}, keyExchange: &wire.KeyExchange{Scheme: 7}}, false},
	} {
		c.got.outcome = accepted
		e := &elimination{enumerator: c.by, rest: []uint16{0x0403, 0x001D}}
		e.take(&c.got)
		if open := len(e.undetermined()) == 2; !e.done() || open != c.open || e.away == c.open {
			t.Errorf("%s: undetermined %v, away %t", name, e.undetermined(), e.away)
		}
	}
}

// A CertificateVerify that cannot be read is none by a scheme of which nobody heard.
func TestMalformedCertificateVerify(t *testing.T) {
	q := usual(wire.TLS13, "", []uint16{0x1301})
	q.until = untilSignature
	l := listener{q: &q, got: &answer{outcome: accepted, hello: &wire.ServerHello{}, certs: [][]byte{{0x30, 0}}}}
	done := l.encrypted(wire.Message{Record: wire.Handshake, Handshake: wire.CertificateVerifyType, Body: []byte{8, 4, 0, 9}})
	if !done || l.got.outcome != failed || l.got.failure.Kind != results.KindMalformed {
		t.Errorf("done %t, %+v", done, l.got)
	}
}

// Compression that nobody offered is no answer.
func TestCompressionNobodyOffered(t *testing.T) {
	h := wire.ServerHello{Version: wire.TLS12, Suite: 0xC02F, Compression: 1}
	q := usual(wire.TLS12, "", []uint16{0xC02F})
	for _, offered := range [][]byte{nil, {1, 0}} {
		q.compressions = offered
		l := listener{q: &q, got: new(answer)}
		if done := l.feed(wire.Records(wire.TLS12, h.Marshal())); !done || (l.got.outcome == accepted) != (offered != nil) {
			t.Errorf("offered %v: done %t, %+v", offered, done, l.got)
		}
	}
}

// In TLS 1.3 the level of an alert says nothing (RFC 8446 §6); a server that turns to an
// older version may begin with a warning.
func TestLevelOfAlert(t *testing.T) {
	for name, c := range map[string]struct {
		version uint16
		hello   *wire.ServerHello
		alert   byte
		done    bool
		outcome outcome
	}{
		"a refusal":                 {wire.TLS13, nil, 40, true, refused},
		"before an older version":   {wire.TLS13, nil, unrecognizedName, false, failed},
		"trouble after the hello":   {wire.TLS13, &wire.ServerHello{}, 80, true, failed},
		"a refusal after the hello": {wire.TLS13, &wire.ServerHello{}, 40, true, refused},
		"a warning of TLS 1.2":      {wire.TLS12, nil, unrecognizedName, false, failed},
		"a warning after its hello": {wire.TLS12, &wire.ServerHello{}, unrecognizedName, false, failed},
		"one that may be a warning": {wire.TLS12, nil, 40, false, failed},
	} {
		q := usual(c.version, "", []uint16{0x1301})
		l := listener{q: &q, got: &answer{hello: c.hello}}
		if done := l.alert([]byte{1, c.alert}); done != c.done || l.got.outcome != c.outcome || done && c.outcome == failed && l.got.failure.Kind != results.KindAlert {
			t.Errorf("%s: done %t, %+v", name, done, l.got)
		}
	}
}
