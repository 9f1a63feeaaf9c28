// Classify: the one place that says what a network error means.

package dial

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"shakedown/results"
)

// Classify names a network error. Code switches on the kind; the error's text
// is kept as detail for people.
func Classify(stage results.Stage, err error) results.Failure {
	return results.Failure{Stage: stage, Kind: kind(err), Count: 1, Detail: lasting(err)}
}

// lasting is an error's text without our own port, which is another each time:
// what failed as it did before says the same.
func lasting(err error) string {
	op := new(net.OpError)
	if !errors.As(err, &op) || op.Source == nil {
		return err.Error()
	}
	without := *op
	without.Source = nil
	return strings.Replace(err.Error(), op.Error(), without.Error(), 1)
}

func kind(err error) results.FailureKind {
	var said *breach
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &said):
		return said.kind
	case errors.Is(err, context.Canceled), err == context.DeadlineExceeded: // a net timeout claims to be one too
		return results.KindDeadline
	case errors.As(err, &dns):
		return results.KindDNS
	case is(err, syscall.ECONNREFUSED):
		return results.KindRefused
	case is(err, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN, syscall.EACCES, syscall.EPERM, syscall.EAFNOSUPPORT):
		return results.KindUnreachable // EACCES and EPERM: a local firewall's word
	case is(err, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED):
		return results.KindReset
	case is(err, syscall.ETIMEDOUT), errors.Is(err, os.ErrDeadlineExceeded):
		return results.KindTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return results.KindEOF
	case errors.As(err, &timeout) && timeout.Timeout():
		return results.KindTimeout
	}
	// No descriptors, no ports, no memory, or a bug: ours, not the server's.
	return results.KindInternal
}

func is(err error, errnos ...syscall.Errno) bool {
	for _, errno := range errnos {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
