// Words for facts: failures, shapes, lists, counts and times as people say them.

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"shakedown/results"
)

// plural is a count with its noun.
func plural(n int, noun string) string {
	if n == 1 || n == -1 {
		return fmt.Sprintf("%d %s", n, noun)
	}
	switch {
	case strings.HasSuffix(noun, "s"), strings.HasSuffix(noun, "x"):
		noun += "es"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%s %s", grouped(n), noun)
}

// grouped writes a whole number in groups of three, as 14,992.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// list joins names as a sentence does, at most limit of them (0: all).
func list(names []string, limit int) string {
	if limit > 0 && len(names) > limit+1 {
		return strings.Join(names[:limit], ", ") + fmt.Sprintf(" and %d more", len(names)-limit)
	}
	switch n := len(names); n {
	case 0:
		return "none"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

// failureWords says what happened in an exchange, without its count.
func failureWords(f results.Failure) string {
	what := map[results.FailureKind]string{
		results.KindDNS:         "the name does not resolve",
		results.KindRefused:     "connection refused",
		results.KindUnreachable: "address unreachable",
		results.KindTimeout:     "no answer in time",
		results.KindReset:       "connection reset",
		results.KindEOF:         "connection closed without an answer",
		results.KindNotTLS:      "the answer is not TLS",
		results.KindMalformed:   "malformed answer",
		results.KindAlert:       "alert " + clean(cmp.Or(f.Alert, "of unknown kind")),
		results.KindLimit:       "sent more than a peer may",
		results.KindDeclined:    "declined",
		results.KindDeadline:    "the run's time was over",
		results.KindInternal:    "a fault of shakedown's own",
	}[f.Kind]
	what = cmp.Or(what, clean(string(f.Kind)))
	switch f.Kind {
	case results.KindDNS, results.KindRefused, results.KindUnreachable: // these name their stage
		return what
	}
	return what + " (" + clean(string(f.Stage)) + ")"
}

// failuresWords lists failures with counts, most frequent first.
func failuresWords(fs []results.Failure) string {
	sorted := slices.Clone(fs)
	slices.SortStableFunc(sorted, func(a, b results.Failure) int { return cmp.Compare(b.Count, a.Count) })
	words := make([]string, len(sorted))
	for i, f := range sorted {
		words[i] = fmt.Sprintf("%s × %s", grouped(f.Count), failureWords(f))
	}
	return strings.Join(words, ", ")
}

func failureCount(fs []results.Failure) int {
	n := 0
	for _, f := range fs {
		n += f.Count
	}
	return n
}

// shapeWords names a shape by what is set in it.
func shapeWords(s results.Shape) string {
	words := []string{string(s.Version), s.Suite, s.Group, s.SignatureScheme}
	if s.Resumed != nil {
		words = append(words, map[bool]string{true: "resumed", false: "full"}[*s.Resumed])
	}
	if s.HelloRetry != nil && *s.HelloRetry {
		words = append(words, "hello retry")
	}
	if s.ALPN != "" {
		words = append(words, "ALPN "+s.ALPN)
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	return clean(strings.Join(words, ", "))
}

// askedWords names what a trial asked for: of a mix also its ratio.
func askedWords(t *results.Trial) string { return mixtureWords(t.Asked, t.ResumeRatio) }

// mixtureWords names a shape and, of a mix, its ratio.
func mixtureWords(s results.Shape, resumed float64) string {
	words := shapeWords(s)
	if s.Resumed == nil && resumed > 0 {
		words += fmt.Sprintf(", %.3g %% resumed", 100*resumed)
	}
	return words
}

// undeterminedWords lists what is unknown about an endpoint; in full, or as
// counts.
func undeterminedWords(u results.Undetermined, full bool) []string {
	var words []string
	for _, v := range u.Versions {
		words = append(words, clean(string(v)))
	}
	if len(words) == len(results.Versions()) {
		words = []string{"every version"}
	}
	words = append(words, unknownIDs("suite", u.Suites, full)...)
	words = append(words, unknownIDs("group", u.Groups, full)...)
	return append(words, unknownIDs("signature scheme", u.SignatureSchemes, full)...)
}

func unknownIDs(noun string, byVersion map[results.Version][]string, full bool) []string {
	var words []string
	for _, v := range versionsIn(byVersion) {
		ids := byVersion[v]
		switch {
		case slices.Contains(ids, "*"):
			words = append(words, fmt.Sprintf("every %s of %s", noun, clean(string(v))))
		case full:
			words = append(words, fmt.Sprintf("%s of %s (%s)", plural(len(ids), noun), clean(string(v)), clean(strings.Join(ids, " "))))
		default:
			words = append(words, fmt.Sprintf("%s of %s", plural(len(ids), noun), clean(string(v))))
		}
	}
	return words
}

// versionsIn lists a map's versions, newest first; those without a name of
// ours last.
func versionsIn[T any](m map[results.Version]T) []results.Version {
	known := results.Versions()
	out := make([]results.Version, 0, len(m))
	for v := range m {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b results.Version) int {
		return cmp.Or(cmp.Compare(slices.Index(known, b), slices.Index(known, a)), cmp.Compare(a, b))
	})
	return out
}

// suiteName is a suite's IANA name, or its id.
func suiteName(s results.Suite) string {
	return clean(cmp.Or(s.Name, s.ID+" (unregistered)"))
}

// significant writes a number with three significant digits.
func significant(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case a >= 99.95:
		return grouped(int(math.Round(v)))
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 0.9995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a == 0:
		return "0"
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// rate writes a rate a second.
func rate(v float64) string {
	if v >= 100 && v == math.Trunc(v) {
		return grouped(int(v))
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// milliseconds writes microseconds as milliseconds.
func milliseconds(us float64) string { return significant(us / 1000) }

func moment(t time.Time) string {
	if t.IsZero() {
		return "unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func date(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format(time.DateOnly)
}
