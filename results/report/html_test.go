package report

import (
	"os"
	"testing"
)

func TestHTMLWrites(t *testing.T) {
	page := rendered(t, "html", Options{}, scanRun(), benchRun())
	if f := os.Getenv("REPORT_OUT"); f != "" {
		os.WriteFile(f, []byte(page), 0o644)
	}
	t.Log(len(page))
}
