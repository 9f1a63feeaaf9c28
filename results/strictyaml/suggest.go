// The words to tell mistakes with: what was written, and what was likely meant.

package strictyaml

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxKnown = 24  // words that are listed
	maxWord  = 256 // bytes of a word that is worth a guess
)

// Suggestion is what s was likely meant to be, sought when it is told.
type Suggestion struct {
	s     string
	known []string
}

// Suggest names the known word that is nearest to s, else some of them.
func Suggest(s string, known []string) Suggestion { return Suggestion{s, known} }

func (g Suggestion) String() string {
	if word, ok := g.nearest(); ok {
		return fmt.Sprintf("did you mean %q?", word)
	}
	if more := len(g.known) - maxKnown; more > 6 {
		return fmt.Sprintf("it can be %s, or %d more", strings.Join(g.known[:maxKnown], ", "), more)
	}
	return "it can be " + strings.Join(g.known, ", ")
}

// nearest differs by at most three letters, and never by all.
func (g Suggestion) nearest() (word string, ok bool) {
	if len(g.s) > maxWord {
		return "", false
	}
	least, s := 4, strings.ToLower(g.s)
	for _, known := range g.known {
		k := strings.ToLower(known)
		if abs(len(k)-len(s)) >= least {
			continue // they differ by that much at least
		}
		if d := Distance(s, k); d < least && d < max(2, len(k)) {
			word, least, ok = known, d, true
		}
	}
	return word, ok
}

func abs(n int) int { return max(n, -n) }

// Distance is Levenshtein's.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Quote makes a text of a file safe and short enough for a message.
func Quote(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "..."
	}
	if Printable(s) {
		return strconv.Quote(s)
	}
	return strconv.QuoteToASCII(s)
}

// Printable says whether s is text that does nothing to a terminal.
func Printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
