package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A small recorded run, in whole lines.
const (
	recordedHeader   = `{"record":"header","schema":"shakedown/1","tool_version":"0.1.0","started_at":"2026-03-14T09:30:00Z","command":"scan"}` + "\n"
	recordedEndpoint = `{"record":"endpoint","service":"portal","path":"alb","target":"portal.example:443","address":"192.0.2.1:443","status":"failed","connections":2,"elapsed_ms":1.5,"failures":[{"stage":"connect","kind":"refused","count":2}],"versions":{"TLSv1.3":"unknown"},"undetermined":{"versions":["TLSv1.3"]}}` + "\n"
	recordedTrailer  = `{"record":"trailer","records":1,"complete":true,"exit_code":3,"ended_at":"2026-03-14T09:30:01Z"}` + "\n"
)

// reported runs the verb report in a folder of its own.
func reported(t *testing.T, files map[string]string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"report"}, args...), strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestReport(t *testing.T) {
	whole := recordedHeader + recordedEndpoint + recordedTrailer
	bench := strings.Replace(recordedHeader, `"scan"`, `"bench"`, 1) + strings.Replace(recordedTrailer, `"records":1`, `"records":0`, 1)
	tests := []struct {
		name   string
		files  map[string]string
		stdin  string
		args   string
		code   int
		stdout string // what it must contain; "" = it must be empty
		stderr string
	}{
		{"text", map[string]string{"a": whole}, "", "a", 0, "connection refused", ""},
		{"standard input", nil, whole, "-", 0, "connection refused", ""},
		{"json", map[string]string{"a": whole}, "", "a --format json", 0, recordedEndpoint, ""},
		{"merged", map[string]string{"a": whole, "b": bench}, "", "a b", 0, "b (bench, 2026-03-14 09:30 UTC)", ""},
		{"partial", map[string]string{"a": recordedHeader + recordedEndpoint}, "", "a", 0, "partial: the run has no trailer", ""},
		{"partial as json", map[string]string{"a": recordedHeader + recordedEndpoint}, "", "a --format json", 0, `"complete":false,"exit_code":3`, ""},
		{"cut in a line", map[string]string{"a": recordedHeader + recordedEndpoint[:40]}, "", "a", 0, "partial: the run has no trailer", ""},
		{"html to standard output", map[string]string{"a": whole}, "", "a --format html", 0, "<!DOCTYPE html>", ""},
		{"html file", map[string]string{"a": whole}, "", "a --html out.html", 0, "", ""},
		{"output file", map[string]string{"a": whole}, "", "a --output out.html --format html", 0, "", ""},
		{"both", map[string]string{"a": whole}, "", "a --html out.html --format text", 0, "connection refused", ""},
		{"a file for each format", map[string]string{"a": whole}, "", "a --junit j --sarif s --markdown m --csv c --prometheus p --html out.html", 0, "", ""},
		{"one file for two formats", map[string]string{"a": whole}, "", "a --junit x --csv x", 2, "", "--junit and --csv name the same file x"},
		{"a planned rate", map[string]string{"a": whole}, "", "a --planned-rate 2000", 0, "connection refused", ""},
		{"a planned rate of nothing", map[string]string{"a": whole}, "", "a --planned-rate -1", 2, "", "give handshakes a second"},
		{"a planned rate without a number", map[string]string{"a": whole}, "", "a --planned-rate NaN", 2, "", "give handshakes a second"},
		{"no runs", nil, "", "", 2, "", "a recorded run is needed"},
		{"no such file", nil, "", "a", 2, "", "no such file"},
		{"empty file", map[string]string{"a": ""}, "", "a", 2, "", "reading a: no records"},
		{"not a record", map[string]string{"a": recordedHeader + "{]\n" + recordedTrailer}, "", "a", 2, "", "reading a: line 2: not a JSON object"},
		{"another schema", map[string]string{"a": strings.Replace(whole, "shakedown/1", "shakedown/9", 1)}, "", "a", 2, "", `reading a: line 1: schema "shakedown/9"`},
		{"another schema beside a good one", map[string]string{"a": whole, "b": strings.Replace(whole, "shakedown/1", "shakedown/9", 1)}, "", "a b", 2, "", "reading b: line 1"},
		{"unknown format", map[string]string{"a": whole}, "", "a --format pdf", 2, "", "use one of text, json, html"},
		{"twice standard input", nil, whole, "- -", 2, "", "- can be given once"},
		{"unwritable", map[string]string{"a": whole}, "", "a --html no/such/folder.html", 2, "", "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := reported(t, tt.files, tt.stdin, strings.Fields(tt.args)...)
			if code != tt.code {
				t.Errorf("exit %d, want %d: %s", code, tt.code, stderr)
			}
			if !strings.Contains(stdout, tt.stdout) || tt.stdout == "" && stdout != "" {
				t.Errorf("standard output lacks %q:\n%s", tt.stdout, stdout)
			}
			if !strings.Contains(stderr, tt.stderr) || tt.stderr == "" && stderr != "" {
				t.Errorf("standard error lacks %q:\n%s", tt.stderr, stderr)
			}
			if strings.Contains(stdout, "\x1b") {
				t.Error("colours, though standard output is no terminal")
			}
			for name, begin := range map[string]string{"--junit j": "<?xml", "--sarif s": "{", "--markdown m": "## shakedown", "--csv c": "record,service", "--prometheus p": "# HELP"} {
				content, err := os.ReadFile(name[len(name)-1:])
				if strings.Contains(tt.args, name) && (err != nil || !bytes.HasPrefix(content, []byte(begin))) {
					t.Errorf("%s: %v, begins with %.20q", name, err, content)
				}
			}
			if strings.Contains(tt.args, "out.html") {
				page, err := os.ReadFile(filepath.Join(".", "out.html"))
				if err != nil || !bytes.HasPrefix(page, []byte("<!DOCTYPE html>")) {
					t.Errorf("no page was written: %v", err)
				}
			}
		})
	}
}
