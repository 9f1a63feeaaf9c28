// SSLv2: whether a server speaks it, and with which cipher kinds. Its one answer
// lists all kinds that both sides know (draft-hickman-netscape-ssl-00 §2.6).

package scanner

import (
	"crypto/rand"
	"errors"
	"fmt"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// v2Question offers every cipher kind of SSLv2.
type v2Question struct{}

// maxV2Answer is the most that a record of SSLv2 can hold, and its header.
const maxV2Answer = 1<<15 + 3

func (v2Question) asked() *question { return nil }

// put sends the hello and reads the answer. A server that answers with an alert
// of TLS has refused.
func (v2Question) put(conn *dial.Conn) *answer {
	var challenge [16]byte
	rand.Read(challenge[:])
	_, writeErr := conn.Write(wire.V2Hello(v2KindIDs(), challenge))
	var in []byte
	buf := conn.Buffer()
	for {
		n, err := conn.Read(buf)
		if in = append(in, buf[:n]...); len(in) == 0 {
			if err == nil {
				continue // a reader may say nothing (io.Reader)
			}
			return unanswered(conn, errors.Join(err, writeErr))
		}
		hello, parseErr := wire.ParseV2ServerHello(in)
		switch {
		case parseErr == nil:
			return &answer{outcome: accepted, kinds: hello.Kinds}
		case wire.ContentType(in[0]) == wire.AlertRecord && len(in) >= 7:
			return inTLS(in[6])
		case wire.ContentType(in[0]) == wire.AlertRecord && err == nil:
		case !errors.Is(parseErr, wire.ErrMore), len(in) > maxV2Answer:
			return malformedV2(parseErr)
		case err != nil:
			return unanswered(conn, errors.Join(err, writeErr))
		}
	}
}

// inTLS is the answer of a server that understood nothing and said so in an
// alert of TLS. Which one does not matter, unless it tells of the server's own
// trouble.
func inTLS(description uint8) *answer {
	const internalError = 80
	if description != internalError {
		return &answer{outcome: refused, alert: description}
	}
	return &answer{failure: results.Failure{Stage: results.StageHello, Kind: results.KindAlert, Alert: wire.AlertName(description), Count: 1}}
}

func malformedV2(err error) *answer {
	return &answer{failure: results.Failure{Stage: results.StageHello, Kind: wireKind(err), Count: 1, Detail: fmt.Sprintf("SSLv2: %v", err)}}
}

func unanswered(conn *dial.Conn, err error) *answer {
	f := conn.Failure(results.StageHello, err)
	if f.Kind == results.KindEOF || f.Kind == results.KindReset {
		return &answer{outcome: closed, failure: f}
	}
	return &answer{failure: f}
}

func v2KindIDs() []uint32 {
	var ids []uint32
	for _, k := range wire.V2Kinds() {
		ids = append(ids, k.ID)
	}
	return ids
}

// v2Answer is whether SSLv2 is spoken.
func v2Answer(got *answer) results.Answer {
	return fact(got, func() bool { return true }, results.No)
}

// v2Suites gives the cipher kinds their records. A kind that was not offered is
// listed all the same: the server says that it has it.
func v2Suites(ids []uint32) []results.Suite {
	out := []results.Suite{}
	for _, id := range ids {
		s := results.Suite{ID: wire.KindID(id)}
		for _, k := range wire.V2Kinds() {
			if k.ID == id {
				s.Name, s.OpenSSL = k.Name, k.OpenSSL
			}
		}
		out = append(out, s)
	}
	return out
}
