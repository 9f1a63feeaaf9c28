// Talk: what is said in the clear before TLS begins, read within bounds and
// without losing a byte of what comes after.

package dial

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"shakedown/results"
)

const (
	// maxTalk is the most that a peer may say before TLS. A whole SMTP greeting
	// is a few hundred bytes.
	maxTalk = 64 << 10
	// maxLine is the longest line; RFC 5321 §4.5.3.1.5 has 512.
	maxLine = 4 << 10
	// maxTold is how much of a peer's words stands in a failure.
	maxTold = 200
)

// breach is what a peer said that ends an exchange.
type breach struct {
	kind results.FailureKind
	text string
}

func (b *breach) Error() string { return b.text }

func declined(format string, args ...any) error {
	return &breach{results.KindDeclined, fmt.Sprintf(format, args...)}
}

func malformed(format string, args ...any) error {
	return &breach{results.KindMalformed, fmt.Sprintf(format, args...)}
}

// told makes a peer's words safe and short enough for a failure.
func told(words string) string {
	if len(words) > maxTold {
		return strconv.QuoteToASCII(words[:maxTold]) + "..."
	}
	return strconv.QuoteToASCII(words)
}

// talk is a conversation over a connection.
type talk struct {
	conn net.Conn
	in   *bufio.Reader
	left int // bytes that the peer may still say
}

func newTalk(conn net.Conn) *talk {
	t := &talk{conn: conn, left: maxTalk}
	t.in = bufio.NewReaderSize(talkReader{t}, maxLine)
	return t
}

// talkReader reads a connection up to the talk's limit.
type talkReader struct{ t *talk }

func (r talkReader) Read(b []byte) (int, error) {
	if r.t.left == 0 {
		return 0, &breach{results.KindLimit, fmt.Sprintf("more than %d bytes before TLS", maxTalk)}
	}
	n, err := r.t.conn.Read(b[:min(len(b), r.t.left)])
	r.t.left -= n
	return n, err
}

func (t *talk) send(b []byte) error {
	_, err := t.conn.Write(b)
	return err
}

func (t *talk) say(line string) error { return t.send([]byte(line + "\r\n")) }

// line reads one line, without its end. A bare LF ends a line too.
func (t *talk) line() (string, error) {
	b, err := t.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", &breach{results.KindLimit, fmt.Sprintf("a line of more than %d bytes: %s", maxLine, told(string(b)))}
	case err != nil:
		return "", err
	}
	return strings.TrimSuffix(string(b[:len(b)-1]), "\r"), nil
}

// take reads n bytes.
func (t *talk) take(n int) ([]byte, error) {
	if n > maxTalk {
		return nil, &breach{results.KindLimit, fmt.Sprintf("a message of %d bytes before TLS", n)}
	}
	b := make([]byte, n)
	_, err := io.ReadFull(t.in, b)
	return b, err
}

// silent checks that the peer said no more than was read: after the go-ahead
// the next word is ours, in TLS. What stands here was slipped in.
func (t *talk) silent() error {
	if n := t.in.Buffered(); n > 0 {
		b, _ := t.in.Peek(n)
		return malformed("%d bytes in the clear after the go-ahead for TLS: %s", n, told(string(b)))
	}
	return nil
}

// rest is the connection with what was read too much put before it.
func (t *talk) rest() net.Conn {
	n := t.in.Buffered()
	if n == 0 {
		return t.conn
	}
	b, _ := t.in.Peek(n)
	return &prefixed{t.conn, b}
}

// prefixed is a connection whose first bytes were read already.
type prefixed struct {
	net.Conn
	before []byte
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.before) == 0 {
		return p.Conn.Read(b)
	}
	n := copy(b, p.before)
	p.before = p.before[n:]
	return n, nil
}
