// proc(5) stat, as it is and as it could be.

package lab

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const rest = " S 1 77 78 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 99 100"
	for _, tc := range []struct {
		in   string
		want stat
		ok   bool
	}{
		{"42 (nginx)" + rest, stat{'S', 78, 123456}, true},
		{"42 (a) Z (b)" + rest, stat{'S', 78, 123456}, true},
		{"42 (two\nlines)" + rest, stat{'S', 78, 123456}, true},
		{"", stat{}, false},
		{"42 (nginx) S 1 77", stat{}, false},
		{"42 nginx" + rest, stat{}, false},
		{"42 (nginx) S 1 77 x 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 99", stat{}, false},
	} {
		got, ok := parseStat([]byte(tc.in))
		if ok != tc.ok || ok && got != tc.want {
			t.Errorf("%q: %+v, %v", tc.in, got, ok)
		}
	}
}

func TestParseSchedstat(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"34474341 52318 12\n": 34474341, "7": 7, "": 0, "x 1 2": 0, "-5 1 2": 0, "99999999999999999999 1 2": 1<<63 - 1,
	} {
		if got := parseSchedstat([]byte(in)); got != want {
			t.Errorf("%q: %d, not %d", in, got, want)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("42 (nginx) S 1 77 78 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 99 100"))
	f.Add([]byte(")"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if st, ok := parseStat(b); ok && st.state == 0 {
			t.Errorf("%q has no state", b)
		}
	})
}
