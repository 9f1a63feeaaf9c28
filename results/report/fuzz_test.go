package report

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"shakedown/results"
)

// FuzzReport renders whatever parses as a run: a record may say anything, and a
// report must come of it, without control characters and within its width.
func FuzzReport(f *testing.F) {
	for _, run := range []Run{scanRun(), benchRun(), fleetRun(3)} {
		for _, rec := range run.Records {
			line, err := results.Marshal(rec)
			if err != nil {
				f.Fatal(err)
			}
			if len(line) < 6000 {
				f.Add(string(line))
			}
		}
	}
	f.Add(`{"record":"chain","file":"a.pem","certificates":[{"subject":"\u001b[2J"}],"problems":["expired","what"]}`)
	f.Add(`{"record":"finding","service":"s","path":"p","rule":"r","status":"fail","severity":"high"}`)
	f.Add(`{"record":"trial","valid":true,"phases":{"handshake":{"n":1,"p50_us":1e300,"p90_us":1e300,"p99_us":1e300,"p999_us":1e300,"max_us":1e300}}}`)
	f.Add(`{"record":"comparison","ratio":1e300,"ratio_low":1e-300,"ratio_high":1e300,"margin":1e9}`)
	f.Add(`{"record":"novel","x":1}`)
	header := `{"record":"header","schema":"shakedown/1","started_at":"2026-03-14T09:30:00Z","command":"scan"}` + "\n"
	f.Fuzz(func(t *testing.T, line string) {
		line = strings.ReplaceAll(line, "\n", " ")
		run, err := Read("fuzzed", strings.NewReader(header+line+"\n"+line+"\n"))
		if err != nil {
			return
		}
		for _, width := range []int{40, 80} {
			text := rendered(t, "text", Options{Width: width, Verbose: true}, run)
			for out := range strings.Lines(text) {
				out = strings.TrimSuffix(out, "\n")
				if cellWidth(out) > width {
					t.Errorf("wider than %d: %q", width, out)
				}
				for _, r := range out {
					if !unicode.IsPrint(r) {
						t.Errorf("%U in %q", r, out)
					}
				}
			}
		}
		page := rendered(t, "html", Options{}, run)
		if n := strings.Count(page, "<script"); n != 1 {
			t.Errorf("%d scripts", n)
		}
		if bytes.ContainsAny([]byte(page), "\x1b\x00") || strings.Contains(page, "\u202e") {
			t.Error("control characters in the page")
		}
		body, _, _ := strings.Cut(page, "<script>")
		for _, none := range []string{"NaN", "+Inf", "-Inf"} {
			if at := strings.Index(body, none); at >= 0 && !strings.Contains(line, none) {
				t.Errorf("a number that is none: %q", body[max(0, at-80):at+20])
			}
		}
	})
}
