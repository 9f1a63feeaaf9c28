// Parser: records and handshake messages out of whatever a server sends.

package wire

import (
	"errors"
	"fmt"
)

// Message is one handshake message, alert or other record of a server.
type Message struct {
	Record    ContentType
	Handshake HandshakeType // of a handshake record
	// Body is a handshake message without its header, or a record's fragment.
	// It is valid until the next Feed.
	Body []byte
	// Raw is a handshake message with its header.
	Raw []byte
}

// Bounds on what one exchange may bring. A chain of 200 kB passes; a server
// that sends without end, or empty records without end, does not.
const (
	maxMessage = 1 << 18
	maxTotal   = 1 << 19
	maxRecords = 4096
	// maxCiphertext is the most that any record may carry (RFC 5246 §6.2.3).
	maxCiphertext = maxFragment + 2048
)

// What a Parser can say of bytes that are no message.
var (
	ErrMore      = errors.New("more bytes are needed")
	ErrNotTLS    = errors.New("not TLS")
	ErrMalformed = errors.New("malformed")
	ErrLimit     = errors.New("more than a server may send")
)

// Parser reads the plain-text records of one connection: Feed it what arrives,
// then take messages by Next until that returns ErrMore. Its zero value is
// ready.
type Parser struct {
	in      []byte // bytes that are not yet a whole record
	hs      []byte // handshake bytes that are not yet a whole message
	total   int
	records int
	version uint16 // of the latest record
	err     error
}

// Lend gives the parser memory for what it is fed: a usual answer then takes no
// other. It is the parser's for as long as that is used.
func (p *Parser) Lend(b []byte) { p.in = b[:0] }

// Feed adds bytes that arrived.
func (p *Parser) Feed(b []byte) {
	p.total += len(b)
	p.in = append(p.in, b...)
}

// RecordVersion is the version that the latest record bore, 0 before the first.
func (p *Parser) RecordVersion() uint16 { return p.version }

// Rest is what was fed and not yet taken as messages: after a ServerHello of
// TLS 1.3, the encrypted records.
func (p *Parser) Rest() []byte { return p.in }

// Next returns the next message. ErrMore asks for more bytes; an error that
// wraps ErrNotTLS, ErrMalformed or ErrLimit is final.
func (p *Parser) Next() (Message, error) {
	for p.err == nil {
		if m, ok := p.handshake(); ok || p.err != nil {
			return m, p.err
		}
		m, err := p.record()
		if err != nil {
			if !errors.Is(err, ErrMore) {
				p.err = err
			}
			return Message{}, err
		}
		if m.Record != Handshake {
			return m, nil
		}
		if len(p.hs) == 0 {
			p.hs = m.Body // it cannot grow into what stands behind it
		} else {
			p.hs = append(p.hs, m.Body...)
		}
	}
	return Message{}, p.err
}

// handshake takes a whole handshake message from what was put together.
func (p *Parser) handshake() (Message, bool) {
	if len(p.hs) < 4 {
		return Message{}, false
	}
	n := int(p.hs[1])<<16 | int(p.hs[2])<<8 | int(p.hs[3])
	if n > maxMessage {
		p.err = fmt.Errorf("%w: a handshake message of %d bytes", ErrLimit, n)
		return Message{}, false
	}
	if len(p.hs) < 4+n {
		return Message{}, false
	}
	raw := p.hs[: 4+n : 4+n]
	p.hs = p.hs[4+n:]
	return Message{Record: Handshake, Handshake: HandshakeType(raw[0]), Body: raw[4:], Raw: raw}, true
}

// record takes one record.
func (p *Parser) record() (Message, error) {
	if len(p.in) > 0 && p.records == 0 {
		if err := looksLikeTLS(p.in); err != nil {
			return Message{}, err
		}
	}
	if len(p.in) < 5 {
		return Message{}, p.more()
	}
	kind, version := ContentType(p.in[0]), uint16(p.in[1])<<8|uint16(p.in[2])
	n := int(p.in[3])<<8 | int(p.in[4])
	if kind < ChangeCipherSpec || kind > ApplicationData || version>>8 != 3 && !bareAlert(p.in) {
		return Message{}, fmt.Errorf("%w: a record of type %d, version 0x%04X", ErrMalformed, kind, version)
	}
	if n > maxCiphertext {
		return Message{}, fmt.Errorf("%w: a record of %d bytes", ErrLimit, n)
	}
	if len(p.in) < 5+n {
		return Message{}, p.more()
	}
	if p.records++; p.records > maxRecords {
		return Message{}, fmt.Errorf("%w: more than %d records", ErrLimit, maxRecords)
	}
	if len(p.hs) > 0 && kind != Handshake {
		return Message{}, fmt.Errorf("%w: a record of type %d inside a handshake message", ErrMalformed, kind)
	}
	p.version = version
	body := p.in[5 : 5+n : 5+n]
	p.in = p.in[5+n:]
	return Message{Record: kind, Body: body}, nil
}

// more is ErrMore while the peer may send more, else ErrLimit.
func (p *Parser) more() error {
	if p.total > maxTotal {
		return fmt.Errorf("%w: %d bytes without an answer", ErrLimit, p.total)
	}
	return ErrMore
}

// looksLikeTLS judges the first bytes of a stream: enough to tell a TLS
// server's from an HTTP server's or a greeting.
func looksLikeTLS(b []byte) error {
	kind := ContentType(b[0])
	if kind < ChangeCipherSpec || kind > ApplicationData || len(b) > 1 && b[1] != 3 && !bareAlert(b) {
		return fmt.Errorf("%w: it begins with %q", ErrNotTLS, b[:min(len(b), 24)])
	}
	return nil
}

// bareAlert reports whether a stream begins like a record of one alert, whatever
// version it bears: who refuses before a version is chosen may bear none (0x0000,
// BearSSL). RFC 8446 §5.1 has the version ignored.
func bareAlert(b []byte) bool {
	return ContentType(b[0]) == AlertRecord && (len(b) < 5 || b[3] == 0 && b[4] == 2)
}
