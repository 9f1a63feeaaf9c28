// Signature schemes: with which ones a server signs, in TLS 1.2 as its
// ServerKeyExchange says, in TLS 1.3 as its CertificateVerify says.

package scanner

import (
	"context"
	"slices"

	"shakedown/results"
	"shakedown/scanner/handshake"
	"shakedown/scanner/wire"
)

// scanSchemes enumerates the schemes of TLS 1.2 or 1.3, given the suites that
// the version accepts. It is nil where no suite makes the server sign. The
// server signs once for each scheme that it accepts: there is no cheaper way to
// see what it would do.
func scanSchemes(ctx context.Context, a *asker, version uint16, serverName string, suites []uint16) (*elimination, *results.Failure) {
	var by enumerator
	if version == wire.TLS13 {
		group, f := usableGroup(ctx, a, serverName, suites)
		if f != nil {
			return nil, f
		}
		by = schemesIn13(serverName, suites, group)
	} else {
		signed := suitesWith(suites, func(s wire.SuiteInfo) bool {
			return (s.Kx == "ECDHE" || s.Kx == "DHE") && (s.Auth == "RSA" || s.Auth == "ECDSA" || s.Auth == "DSS")
		})
		if len(signed) == 0 {
			return nil, nil
		}
		by = schemesIn12(serverName, signed)
	}
	e := &elimination{enumerator: by, rest: schemesOf(version)}
	e.run(ctx, a)
	return e, nil
}

func schemesIn12(serverName string, suites []uint16) enumerator {
	return enumerator{
		ask: func(offered []uint16) question {
			q := usual(wire.TLS12, serverName, suites)
			q.schemes, q.until = offered, untilKeyExchange
			return q
		},
		chosen: func(got answer) uint16 { return got.keyExchange.Scheme },
	}
}

func schemesIn13(serverName string, suites []uint16, group uint16) enumerator {
	suites = slices.DeleteFunc(slices.Clone(suites), func(id uint16) bool { return !slices.Contains(handshake.Suites(), id) })
	return enumerator{
		ask: func(offered []uint16) question {
			q := usual(wire.TLS13, serverName, suites)
			q.groups, q.schemes, q.until = []uint16{group}, offered, untilSignature
			// A key that cannot be made makes a hello without a share; its
			// HelloRetryRequest is then the failure that the record names.
			q.key, _ = handshake.NewKey(group)
			return q
		},
		chosen: func(got answer) uint16 { return got.scheme },
	}
}
