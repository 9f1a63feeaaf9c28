// Records: what both sides say to each other over one connection, in the clear
// and then protected.

package handshake

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

// line carries the messages of one connection. The parser bounds what the peer
// may send in all; the connection's deadline, how long it may take.
type line struct {
	conn   *dial.Conn
	parser wire.Parser   // of the records as they are inside
	in     *secrets.Half // nil in the clear
	out    *secrets.Half
	tls13  bool
	buf    [5 + maxProtected + 2048]byte
	hidden hidden
}

// hidden counts the ChangeCipherSpec records of a TLS 1.3 server, which are for
// middleboxes and skipped.
type hidden int

// maxHidden is how many of them are: one may come (RFC 8446 §5).
const maxHidden = 16

func (h *hidden) add() error {
	if *h++; *h > maxHidden {
		return fmt.Errorf("%w: ChangeCipherSpec again and again", wire.ErrLimit)
	}
	return nil
}

// fatal is an alert that ended the connection.
type fatal uint8

func (a fatal) Error() string { return "the server sent the alert " + wire.AlertName(uint8(a)) }

// errClosed is a close_notify.
var errClosed = fmt.Errorf("the server closed the connection (close_notify): %w", io.EOF)

// message returns the next handshake message, or whatever else the peer sends
// that is neither an alert nor a ChangeCipherSpec for middleboxes.
func (l *line) message() (wire.Message, error) {
	for {
		m, err := l.parser.Next()
		switch {
		case errors.Is(err, wire.ErrMore):
			if err := l.record(); err != nil {
				return wire.Message{}, err
			}
			continue
		case err != nil:
			return wire.Message{}, err
		case m.Record != wire.AlertRecord:
			return m, nil
		}
		if err := l.alert(m.Body); err != nil {
			return wire.Message{}, err
		}
	}
}

// alert says whether an alert ends the connection. In TLS 1.3 all do
// (RFC 8446 §6), before it the fatal ones.
func (l *line) alert(body []byte) error {
	a, err := wire.ParseAlert(body)
	switch {
	case err != nil:
		return err
	case a.Description == 0:
		return errClosed
	case a.Fatal || l.tls13:
		return fatal(a.Description)
	}
	return nil
}

// record reads one record and hands what is inside to the parser.
func (l *line) record() error {
	if _, err := io.ReadFull(l.conn, l.buf[:5]); err != nil {
		return err
	}
	kind, n := wire.ContentType(l.buf[0]), int(l.buf[3])<<8|int(l.buf[4])
	if 5+n > len(l.buf) {
		return fmt.Errorf("%w: a record of %d bytes", wire.ErrLimit, n)
	}
	record := l.buf[:5+n]
	if _, err := io.ReadFull(l.conn, record[5:]); err != nil {
		return err
	}
	switch {
	case l.tls13 && kind == wire.ChangeCipherSpec: // RFC 8446 §D.4
		return l.hidden.add()
	case l.in == nil, l.tls13 && kind == wire.AlertRecord: // the server could not go on
		l.parser.Feed(record)
		return nil
	}
	inside, plaintext, err := l.in.Open(record)
	if err != nil {
		return fmt.Errorf("%w: %v", wire.ErrMalformed, err)
	}
	l.parser.Feed([]byte{inside, 3, 3, byte(len(plaintext) >> 8), byte(len(plaintext))})
	l.parser.Feed(plaintext)
	return nil
}

// say appends messages as records of the current protection, each of at most 2^14
// bytes (RFC 8446 §5.1).
func (l *line) say(dst []byte, kind wire.ContentType, message []byte) []byte {
	if l.out != nil {
		for part := range slices.Chunk(message, 1<<14) {
			dst = l.out.Seal(dst, byte(kind), part)
		}
		return dst
	}
	if kind == wire.Handshake {
		return append(dst, wire.Records(wire.TLS12, message)...)
	}
	return append(append(dst, byte(kind), 3, 3, byte(len(message)>>8), byte(len(message))), message...)
}

// failure names what stopped the handshake.
func (l *line) failure(stage results.Stage, err error) results.Failure {
	f := results.Failure{Stage: stage, Count: 1, Detail: err.Error()}
	var alert fatal
	switch {
	case errors.As(err, &alert):
		f.Kind, f.Alert, f.Detail = results.KindAlert, wire.AlertName(uint8(alert)), ""
	case errors.Is(err, wire.ErrLimit):
		f.Kind = results.KindLimit
	case errors.Is(err, wire.ErrNotTLS):
		f.Kind = results.KindNotTLS
	case errors.Is(err, wire.ErrMalformed), errors.Is(err, secrets.ErrFinished), errors.Is(err, errShare):
		f.Kind = results.KindMalformed
	default:
		return l.conn.Failure(stage, err)
	}
	return f
}
