package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	tests := []struct{ in, want string }{
		{"CN=portal.example", "CN=portal.example"},
		{"CN=Bäckerei 東京", "CN=Bäckerei 東京"},
		{"\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"a\nb\tc\r", `a\x0ab\x09c\x0d`},
		{"C1 \u009b31m", `C1 \x9b31m`},
		{"evil\u202egnp.exe", `evil\u202egnp.exe`},
		{"zero\u200bwidth \u2028", `zero\u200bwidth \u2028`},
		{"tag \U000e0041", `tag \U000e0041`},
		{"bad \xff utf-8", `bad \xff utf-8`},
		{"real \ufffd", "real \ufffd"},
		{"z\u0301\u0301\u0301", "z\u0301\u0301" + `\u0301`},
		{strings.Repeat("x", 250), strings.Repeat("x", 240) + "… (10 more bytes)"},
	}
	for _, tt := range tests {
		if got := clean(tt.in); got != tt.want {
			t.Errorf("clean(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("CN=\x1b]0;title\x07\u202e")
	f.Fuzz(func(t *testing.T, in string) {
		got := clean(in)
		if !utf8.ValidString(got) {
			t.Fatalf("clean(%q) is not UTF-8: %q", in, got)
		}
		for _, r := range got {
			if !unicode.IsPrint(r) {
				t.Fatalf("clean(%q) lets %U through", in, r)
			}
		}
		if n := utf8.RuneCountInString(got); n > 10*maxShown+40 {
			t.Fatalf("clean gives %d runes", n)
		}
	})
}
