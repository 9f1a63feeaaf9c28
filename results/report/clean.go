// Text from peers made safe to show: what a certificate or an answer says is
// hostile, and a report must not be rearranged or coloured by it.

package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown bounds one text of a peer's, in runes.
const maxShown = 240

// maxMarks bounds the combining marks on one character.
const maxMarks = 2

// Clean makes a text safe to print, for verbs that print a little of their own.
func Clean(s string) string { return clean(s) }

// clean shows a text on one line: control characters, escapes, line
// separators, and everything that reorders or hides text (Unicode's Cf: bidi
// overrides, zero-width characters, tags) appear as \xNN or \uNNNN.
func clean(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	marks, shown := 0, 0
	for i, r := range s {
		if shown == maxShown {
			fmt.Fprintf(&b, "… (%d more bytes)", len(s)-i)
			break
		}
		shown++
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r) && marks <= maxMarks:
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

func plain(s string) bool {
	if len(s) > maxShown {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
