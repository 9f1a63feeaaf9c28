// Certificate chains in words: what is wrong with one, worst first, and how
// long it is still good.

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"shakedown/results"
)

// level is how much a reader should care. It orders a report; it is no verdict
// of a profile's and sets no exit code.
type level int

const (
	fine level = iota
	notable
	warning
	bad
)

// String is the level as one word, also a CSS class.
func (l level) String() string { return []string{"ok", "note", "warn", "bad"}[l] }

// soonDays is when a certificate's end becomes worth a line of its own.
const soonDays = 30

// verdict is what a reader should know about a chain.
type verdict struct {
	level level
	words []string // worst first
	left  string   // how long it is still good; "" if it is not
}

// compact is all of it in fewer words.
func (v verdict) compact() string { return strings.Replace(v.String(), " left", "", 1) }

// String is all of it, "" if no chain was seen.
func (v verdict) String() string {
	words := v.words
	if v.left != "" {
		words = append(slices.Clip(words), v.left)
	}
	return strings.Join(words, ", ")
}

// brief is what matters most, for a narrow column.
func (v verdict) brief() string {
	switch {
	case len(v.words) == 0:
		return ""
	case v.words[0] == trusted && v.level >= warning:
		return strings.TrimSuffix(v.left, " left")
	case strings.HasPrefix(v.words[0], "expired"):
		return "expired"
	}
	return v.words[0]
}

// alarm is what there is to act on.
func (v verdict) alarm() string {
	if len(v.words) > 0 && v.words[0] == trusted {
		return v.left
	}
	return strings.Join(v.words, ", ")
}

const trusted = "trusted"

// worstOf is the verdict on the worst of an endpoint's chains.
func worstOf(chains []results.Chain, at time.Time) verdict {
	worst := verdict{}
	for i := range chains {
		if v := wordsOf(&chains[i], at); worst.words == nil || v.level > worst.level {
			worst = v
		}
	}
	return worst
}

// wordsOf says what a chain's record says, seen from the time of observation.
func wordsOf(c *results.Chain, at time.Time) verdict {
	v := verdict{}
	for _, p := range byWeight(c.Problems) {
		v.add(problemLevel(p), problemWords(p, c, at))
	}
	if c.OCSPStaple == results.No && len(c.Certificates) > 0 && c.Certificates[0].MustStaple {
		v.add(warning, "must be stapled, and is not")
	}
	if v.level < warning {
		v.trust(c)
	}
	v.validity(c, at)
	return v
}

func (v *verdict) add(l level, words string) {
	v.level = max(v.level, l)
	v.words = append(v.words, words)
}

func (v *verdict) trust(c *results.Chain) {
	switch {
	case len(c.Certificates) == 0:
		v.add(warning, "no certificate sent")
	case c.Trusted == results.Yes && c.HostnameMatch == results.Unknown:
		v.add(warning, "trusted, name match unknown")
	case c.Trusted == results.Yes && c.SelfSigned == results.SelfSignedLeaf:
		v.words = append([]string{"self-signed, itself a trust anchor"}, v.words...)
	case c.Trusted == results.Yes:
		v.words = append([]string{trusted}, v.words...)
	case c.Trusted == results.Unknown:
		v.add(warning, "trust unknown")
	case c.Trusted == results.No:
		v.add(bad, "not trusted")
	}
}

// validity adds the days left, unless the problems have told it already.
func (v *verdict) validity(c *results.Chain, at time.Time) {
	end, leaf := firstEnd(c)
	if end.IsZero() || has(c, results.Expired) || has(c, results.NotYetValid) {
		return
	}
	days := daysBetween(at, end)
	words := plural(days, "day") + " left"
	if !leaf {
		words += " (an issuer's)"
	}
	v.left = words
	if days < soonDays {
		v.level = max(v.level, warning)
	}
}

// firstEnd is when the first of the leaf and its issuers expires, and whether
// that is the leaf. A root that was sent counts for nothing: clients have
// their own.
func firstEnd(c *results.Chain) (end time.Time, leaf bool) {
	for i, cert := range c.Certificates {
		root := i > 0 && cert.Subject == cert.Issuer
		if cert.NotAfter.IsZero() || root {
			continue
		}
		if end.IsZero() || cert.NotAfter.Before(end) {
			end, leaf = cert.NotAfter, i == 0
		}
	}
	return end, leaf
}

// daysBetween counts whole days, rounded down.
func daysBetween(from, to time.Time) int {
	return int(math.Floor(to.Sub(from).Hours() / 24))
}

func has(c *results.Chain, p results.Problem) bool { return slices.Contains(c.Problems, p) }

// byWeight orders problems by what a reader should hear first.
func byWeight(problems []results.Problem) []results.Problem {
	order := []results.Problem{
		results.Revoked, results.Expired, results.NotYetValid, results.SelfSignedProblem, results.NameMismatch,
		results.UnknownAuthority, results.Incomplete, results.BadSignature, results.KeyMismatch, results.Malformed,
		results.WeakKey, results.WeakSignature, results.BadUsage, results.ConstraintViolation,
		results.UnknownCriticalExtension, results.BadValidity, results.WrongOrder, results.ExtraCertificate, results.RootSent,
	}
	sorted := slices.Clone(problems)
	slices.SortStableFunc(sorted, func(a, b results.Problem) int {
		return cmp.Compare(slices.Index(order, a), slices.Index(order, b))
	})
	return sorted
}

func problemLevel(p results.Problem) level {
	switch p {
	case results.WrongOrder, results.RootSent, results.ExtraCertificate:
		return notable
	}
	return bad
}

func problemWords(p results.Problem, c *results.Chain, at time.Time) string {
	switch p {
	case results.Expired:
		return expiredWords(c, at)
	case results.NotYetValid:
		return notYetWords(c, at)
	case results.SelfSignedProblem:
		return "self-signed"
	case results.UnknownAuthority:
		return "issuer not trusted"
	case results.Incomplete:
		return "issuer not sent"
	case results.WrongOrder:
		return "sent in the wrong order"
	case results.RootSent:
		return "root sent needlessly"
	case results.ExtraCertificate:
		return "extra certificate sent"
	case results.BadValidity:
		return "validity period not allowed"
	case results.BadSignature:
		return "signature does not verify"
	case results.KeyMismatch:
		return "key does not fit"
	case results.BadUsage:
		return "usage not allowed"
	}
	return clean(strings.ReplaceAll(string(p), "_", " ")) // the others say it themselves
}

func expiredWords(c *results.Chain, at time.Time) string {
	for i, cert := range c.Certificates {
		if cert.NotAfter.IsZero() || !cert.NotAfter.Before(at) {
			continue
		}
		ago := "expired today"
		if days := daysBetween(cert.NotAfter, at); days > 0 {
			ago = fmt.Sprintf("expired %s ago", plural(days, "day"))
		}
		if i > 0 {
			ago += " (an issuer's)"
		}
		return ago
	}
	return "expired"
}

func notYetWords(c *results.Chain, at time.Time) string {
	for _, cert := range c.Certificates {
		if cert.NotBefore.After(at) {
			return "not valid before " + cert.NotBefore.UTC().Format(time.DateOnly)
		}
	}
	return "not yet valid"
}

// keyWords is a certificate's key, as RSA 2048.
func keyWords(c results.Cert) string {
	switch {
	case c.KeyType == "":
		return "unknown key"
	case c.KeyBits == 0 || strings.HasPrefix(c.KeyType, "Ed"):
		return clean(c.KeyType)
	}
	return fmt.Sprintf("%s %d", clean(c.KeyType), c.KeyBits)
}

// short is the beginning of a fingerprint, enough to tell certificates apart.
func short(sha256 string) string {
	return clean(sha256[:min(len(sha256), 12)])
}
