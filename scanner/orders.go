// Orders: those in which servers usually have their suites, as a first guess.

package scanner

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"shakedown/scanner/wire"
)

// usualRank is the usual order of accepted suites that agrees best with what the
// server chose.
func usualRank(accepted []uint16, seen []offer) func(uint16) int {
	seen = only(accepted, seen)
	var best func(uint16) int
	least := -1
	for _, rank := range usualRanks() {
		if n := disagreements(seen, rank); least < 0 || n < least {
			best, least = rank, n
		}
	}
	return best
}

// only leaves of what was offered some ids.
func only(ids []uint16, seen []offer) []offer {
	wanted := map[uint16]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	kept := make([]offer, len(seen))
	for i, o := range seen {
		kept[i].choice = o.choice
		for _, id := range o.ids {
			if wanted[id] {
				kept[i].ids = append(kept[i].ids, id)
			}
		}
	}
	return kept
}

// disagreements counts what a ranking has before a choice that the server made in
// spite of it.
func disagreements(seen []offer, rank func(uint16) int) int {
	n := 0
	for _, o := range seen {
		chosen := rank(o.choice)
		for _, id := range o.ids {
			n += asInt(rank(id) < chosen)
		}
	}
	return n
}

// usualOrder sorts suites as most servers do, for those that have no order of
// their own.
func usualOrder(ids []uint16) []uint16 {
	rank := usualRanks()[0]
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b uint16) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	return ids
}

// usualRanks are the orders that servers usually have, as functions that place
// a suite: OpenSSL's and those made from it, with long keys first; Mozilla's and
// Go's, with short ones first; AWS's, where the length of the key comes before
// all else; Go's own.
// Some choose the certificate first: each order comes also with all of RSA before
// all of ECDSA, and the other way round.
var usualRanks = sync.OnceValue(func() (ranks []func(uint16) int) {
	var (
		longFirst  = []string{"_256_ CHACHA20", "_128_"}
		shortFirst = []string{"_128_", "_256_", "CHACHA20"}
	)
	by := func(lengths []string, lengthWeight int) func(uint16) int {
		return placed(func(s *wire.SuiteInfo) int { return place(s, lengths, lengthWeight) })
	}
	plain := []func(uint16) int{by(longFirst, 1<<9), by(shortFirst, 1<<9), by(shortFirst, 1<<13), placed(placeOfGo)}
	ranks = slices.Clone(plain)
	for _, first := range []string{"RSA", "ECDSA"} {
		for _, rank := range plain {
			ranks = append(ranks, func(id uint16) int { return rank(id) + 1<<20*asInt(authOf(id) != first) })
		}
	}
	return ranks
})

// placed places suites, each when it is asked for the first time: of all that
// there are a server has few.
func placed(place func(*wire.SuiteInfo) int) func(uint16) int {
	var mu sync.Mutex
	places := map[uint16]int{}
	return func(id uint16) int {
		mu.Lock()
		defer mu.Unlock()
		at, known := places[id]
		if !known {
			at = place(wire.LookupSuite(id))
			places[id] = at
		}
		return at
	}
}

// place puts what encrypts before what does not, ephemeral before static,
// authenticated encryption before CBC, newer hashes first; key lengths in the
// order and with the weight given; then by cipher, key exchange and signature.
func place(s *wire.SuiteInfo, lengths []string, lengthWeight int) int {
	return 1<<16*position(s.Strength, "aead cbc tls13 rc4 64bit low export anon", "null") +
		1<<15*position(s.Kx, "ECDHE DHE any") +
		1<<12*position(s.Strength, "aead tls13") +
		1<<10*position(s.Name+"$", "SHA256$ SHA384$ _GCM_ POLY1305 CCM", "SHA$") +
		lengthWeight*position(s.Name, lengths...) +
		1<<5*position(s.Name, "_AES_256_GCM _AES_128_GCM", "CHACHA20", "AES_256_CBC AES_128_CBC", "CCM_8", "CCM", "ARIA", "CAMELLIA") +
		1<<3*position(s.Kx, "ECDHE", "DHE") +
		position(s.Auth, "ECDSA", "DSS", "RSA")
}

// placeOfGo is crypto/tls's for clients that do not begin with AES-GCM, which ours
// seldom do: what is off by default stands last.
func placeOfGo(s *wire.SuiteInfo) int {
	off := []string{"_3DES_", "_CBC_SHA256", "_RC4_"}
	return 1<<16*((position(s.Name, off...)+1)%(len(off)+1)) +
		1<<15*position(s.Kx, "ECDHE any") +
		1<<12*position(s.Strength, "aead tls13") +
		1<<9*position(s.Name, "CHACHA20", "_128_", "_256_") +
		position(s.Auth, "ECDSA", "DSS", "RSA")
}

// position is the first of some lists of words, spaces between, of which a text
// contains a word; their number if it contains none.
func position(text string, lists ...string) int {
	return max(slices.IndexFunc(append(lists, ""), func(list string) bool {
		return list == "" || slices.ContainsFunc(strings.Fields(list), func(word string) bool { return strings.Contains(text, word) })
	}), 0)
}
