// What it costs to try a password: files say themselves how much work to do.

package chain

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Honest files ask for some ten thousand rounds, at most a few million. Scrypt
// takes its numbers in memory too: at most 256 MB.
const (
	maxRounds  = 1 << 26 // times the length of the key
	maxScrypt  = 1 << 21 // N·r·p
	maxNesting = 12
)

var errCostly = errors.New("it asks for too much work to try a password: write it anew with fewer rounds")

// tooCostly looks for the parameters of key derivations, wherever they stand: a
// salt and then numbers (RFC 8018 §A.2, RFC 7914 §7, RFC 7292 §4 and §C).
func tooCostly(der []byte, nesting int) bool {
	in := cryptobyte.String(der)
	salted, numbers, product := false, 0, 1
	for !in.Empty() {
		var value cryptobyte.String
		var tag cbasn1.Tag
		whole := in
		if !in.ReadAnyASN1(&value, &tag) {
			return false
		}
		switch {
		case tag == cbasn1.INTEGER && salted:
			var n uint32
			if !whole.ReadASN1Integer(&n) || n > maxRounds {
				return true
			}
			numbers++
			product = min(product*int(max(n, 1)), 1<<40)
		case tag&0x20 != 0 || tag == cbasn1.OCTET_STRING:
			salted = salted || tag == cbasn1.OCTET_STRING
			if nesting > 0 && tooCostly(value, nesting-1) {
				return true
			}
		}
	}
	return numbers > 2 && product > maxScrypt || product > maxRounds
}
