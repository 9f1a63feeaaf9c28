// Diffie-Hellman: the parameters that a server's DHE suites use, and whether many
// others use the same: a prime that is shared is broken for all at once
// (https://weakdh.org).

package scanner

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"math/big"
	"strings"
	"sync"

	"shakedown/results"
	"shakedown/scanner/wire"
)

//go:embed primes.tsv
var primesTSV string

// unlisted names a prime that is none of the shared ones.
const unlisted = "unlisted"

// sharedPrime is one that many servers use.
type sharedPrime struct {
	name string
	safe results.Answer
}

// sharedPrimes are by the SHA-256 of p; they are read when first asked for.
var sharedPrimes = sync.OnceValue(func() map[string]sharedPrime {
	primes := map[string]sharedPrime{}
	for line := range strings.Lines(primesTSV) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			continue // the comment
		}
		safe := results.No
		if f[2] == "safe" {
			safe = results.Yes
		}
		primes[f[1]] = sharedPrime{f[0], safe}
	}
	return primes
})

// diffieHellman asks what DHE suites use: those for export apart, which have
// parameters of their own. The weaker ones are told.
func (p *protocolScan) diffieHellman(ctx context.Context) {
	export := func(s *wire.SuiteInfo) bool { return strings.Contains(s.Name, "_EXPORT") }
	for _, suites := range [][]uint16{
		suitesWith(p.suites, func(s *wire.SuiteInfo) bool { return s.Kx == "DHE" && !export(s) }),
		suitesWith(p.suites, func(s *wire.SuiteInfo) bool { return s.Kx == "DHE" && export(s) }),
	} {
		if len(suites) == 0 {
			continue
		}
		q := p.question(suites)
		q.until = untilKeyExchange
		if p.fieldless {
			q.groups = unnamed(q.groups)
		}
		switch got := p.ask.ask(ctx, &q); {
		case got.outcome == accepted && len(got.keyExchange.DHPrime) > 0:
			weaker := parametersOf(got.keyExchange)
			p.set(func(f *results.Protocol) { weaker.keep(f) })
		case got.outcome == accepted, !got.settled():
			p.set(func(*results.Protocol) { p.open = true })
		}
	}
}

// parameters are what there is to know of a prime and its generator.
type parameters struct {
	bits          int
	prime         string
	safe, trivial results.Answer
}

func parametersOf(k *wire.KeyExchange) parameters {
	p, g := new(big.Int).SetBytes(k.DHPrime), new(big.Int).SetBytes(k.Generator)
	d := parameters{bits: p.BitLen(), prime: unlisted, trivial: results.No}
	digest := sha256.Sum256(k.DHPrime)
	if shared, ok := sharedPrimes()[hex.EncodeToString(digest[:])]; ok {
		d.prime, d.safe = shared.name, shared.safe
	} else {
		d.safe = isSafe(p)
	}
	// 0, 1 and p-1 generate at most two values (RFC 2631 §2.1.5).
	last := new(big.Int).Sub(p, big.NewInt(1))
	if g.Mod(g, p); g.BitLen() < 2 || g.Cmp(last) == 0 {
		d.trivial = results.Yes
	}
	return d
}

// keep writes parameters down, unless weaker ones are there.
func (d parameters) keep(f *results.Protocol) {
	if f.DHBits == 0 || d.bits < f.DHBits {
		f.DHBits, f.DHPrime, f.DHPrimeSafe, f.DHGeneratorTrivial = d.bits, d.prime, d.safe, d.trivial
	}
}

// mostTested bounds the primes that are tested here, for the time it takes.
const mostTested = 4096

// isSafe says whether p and (p-1)/2 are prime; no answer where p is too large to
// be tested.
func isSafe(p *big.Int) results.Answer {
	const rounds = 2 // beside the test that Go always makes
	switch half := new(big.Int).Rsh(p, 1); {
	case p.BitLen() > mostTested:
		return ""
	case half.ProbablyPrime(rounds) && p.ProbablyPrime(rounds):
		return results.Yes
	}
	return results.No
}
