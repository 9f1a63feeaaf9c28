// Checks of the keys themselves: RSA keys that can be factored, and keys that
// several endpoints hold.

package profiles

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"shakedown/results"
)

func keyChecks() []check {
	asks := []string{"certificates", "suites"}
	return []check{
		{
			name: "rsa-sound", about: "no RSA key shows the mark of ROCA, close primes or a small exponent", aspects: asks, ofChain: true,
			expected: func(Rule) string { return "RSA keys without a known flaw of their making" },
			judge:    func(f *facts, r Rule) verdict { return f.everyCert(r, soundness) },
		},
		{
			name: "key-not-shared", about: "the key is not held by another service", aspects: asks, together: true,
			expected: func(Rule) string { return "a key that no other service holds" },
			among: func(f *facts, held keyHolders) verdict {
				return f.sharing(held, func(k *holders) []string {
					return slices.DeleteFunc(slices.Clone(k.services), func(s string) bool { return s == f.e.Service })
				})
			},
		},
		{
			name: "key-not-on-sslv2", about: "no other endpoint with the same key accepts SSLv2", aspects: asks, together: true,
			expected: func(Rule) string { return "no other endpoint with this key that accepts SSLv2" },
			among: func(f *facts, held keyHolders) verdict {
				return f.sharing(held, func(k *holders) []string {
					return slices.DeleteFunc(slices.Clone(k.sslv2), func(s string) bool { return s == f.place() })
				})
			},
		},
	}
}

// holders are those who hold a key, each named once.
type holders struct {
	services []string
	sslv2    []string // endpoints that accept SSLv2
	named    map[string]bool
}

// keyHolders finds the holders of a key by its hash.
type keyHolders map[string]*holders

func heldKeys(all []*facts) keyHolders {
	held := keyHolders{}
	for _, f := range all {
		for _, key := range f.keys() {
			k := held[key]
			if k == nil {
				k = &holders{named: map[string]bool{}}
				held[key] = k
			}
			k.name(&k.services, "service "+f.e.Service, f.e.Service)
			if f.version(results.SSLv2) == results.Yes {
				k.name(&k.sslv2, f.place(), f.place())
			}
		}
	}
	return held
}

func (k *holders) name(list *[]string, key, name string) {
	if !k.named[key] {
		k.named[key] = true
		*list = append(*list, name)
	}
}

func (f *facts) place() string { return bounded(f.e.Service + "/" + f.e.Path + " " + f.e.Address) }

// sharing fails where a key of the endpoint is held by others that a test
// picks.
func (f *facts) sharing(held keyHolders, pick func(*holders) []string) verdict {
	keys := f.keys()
	if len(keys) == 0 {
		return weigh(nil, append(f.unseenCerts(), "the key was not read"), "")
	}
	var bad []string
	for _, key := range keys {
		if with := pick(held[key]); len(with) > 0 {
			bad = append(bad, "the same key is held by "+describe(with))
		}
	}
	return weigh(bad, nil, "none among the endpoints of this run")
}

// keys are the hashes of the endpoint's public keys.
func (f *facts) keys() []string {
	var out []string
	for _, c := range f.certs {
		if c.parsed != nil {
			sum := sha256.Sum256(c.parsed.RawSubjectPublicKeyInfo)
			out = append(out, hex.EncodeToString(sum[:]))
		}
	}
	return out
}

func soundness(_ *facts, c cert, _ Rule) (bad, open, good string) {
	key := c.rsaKey()
	switch {
	case c.leaf.KeyType == "":
		return "", "a certificate's key was not read", ""
	case c.leaf.KeyType != "RSA":
		return "", "", ""
	case key == nil:
		return "", "an RSA key was not read", ""
	}
	var flaws []string
	if hasROCA(key) {
		flaws = append(flaws, "made as ROCA keys are (CVE-2017-15361)")
	}
	if hasClosePrimes(key) {
		flaws = append(flaws, "its primes are close to each other (CVE-2022-26320)")
	}
	if key.E < 65537 {
		flaws = append(flaws, fmt.Sprintf("public exponent %d, below 65537", key.E))
	}
	if len(flaws) > 0 {
		return "RSA key " + strings.Join(flaws, ", "), "", ""
	}
	return "", "", "RSA key without such a mark"
}

// hasROCA tells keys of Infineon's library: both primes are k·M + (65537^a mod
// M) with M a product of small primes, so modulo each of these the modulus is a
// power of 65537 (Nemec et al., CCS 2017, section 4). By chance a sound key
// looks so once in about 2^27.
func hasROCA(key *rsa.PublicKey) bool {
	for _, p := range []int64{3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167} {
		want := new(big.Int).Mod(key.N, big.NewInt(p)).Int64()
		power, found := int64(1), want == 1
		for power = 65537 % p; !found && power != 1; power = power * 65537 % p {
			found = power == want
		}
		if !found {
			return false
		}
	}
	return true
}

// fermatRounds are enough for primes that a faulty generator took side by side;
// of independent primes not even 2^500 would find any.
const fermatRounds = 100

// hasClosePrimes tries Fermat's factorization: n = a² - b² with a just above √n.
func hasClosePrimes(key *rsa.PublicKey) bool {
	a := new(big.Int).Sqrt(key.N)
	if new(big.Int).Mul(a, a).Cmp(key.N) == 0 {
		return true
	}
	for range fermatRounds {
		a.Add(a, big.NewInt(1))
		square := new(big.Int).Sub(new(big.Int).Mul(a, a), key.N)
		b := new(big.Int).Sqrt(square)
		if new(big.Int).Mul(b, b).Cmp(square) == 0 {
			return true
		}
	}
	return false
}
