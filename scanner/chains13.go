// Chains of a server that speaks TLS 1.3 alone, where certificates travel
// encrypted: a handshake is carried as far as the certificates.

package scanner

import (
	"context"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/handshake"
)

// scanChains13 asks for the chain under each name.
func scanChains13(ctx context.Context, a *asker, names []string) []sentChain {
	var sent []sentChain
	for _, name := range names {
		var certs [][]byte
		var failure *results.Failure
		f := a.connect(ctx, a.lane.Open, func(c *dial.Conn) { certs, failure = handshake.Certificates(ctx, c, name) })
		if f == nil {
			f = failure
		}
		switch {
		case f == nil:
			sent = append(sent, sentChain{name, certs})
		case name != "" || f.Kind != results.KindAlert: // without a name, an alert says that names are required
			a.note(answer{failure: *f})
		}
	}
	return sent
}
