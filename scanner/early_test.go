package scanner

import (
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// A question that was put early and is not wanted does not outlive the scan, nor does
// the scan wait for its answer or tell that it was broken off.
func TestEarlyQuestionEndsWithItsScan(t *testing.T) {
	const timeout = 20 * time.Second
	f := usualServer()
	delete(f.suites, wire.TLS13)
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		if !slices.Contains(hello.Versions(), wire.TLS13) || slices.Contains(hello.Suites, 0x1301) {
			return false
		}
		conn.Read(make([]byte, 1)) // until the client ends it
		return true
	}
	began := time.Now()
	e := scanFake(t, f.serve(t), dial.Options{PerEndpoint: 8, Timeout: timeout}, Options{Aspects: []Aspect{AspectVersions, AspectSuites}})
	stacks := make([]byte, 1<<20)
	if stacks := string(stacks[:runtime.Stack(stacks, true)]); strings.Contains(stacks, "putEarly") {
		t.Error("a question is still under way")
	}
	if took := time.Since(began); took >= timeout || e.Status != results.Complete || len(e.Failures) > 0 {
		t.Errorf("after %s: %s, failures %+v", took, e.Status, e.Failures)
	}
}
