// The table of all that was measured.

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

const heading = `# What a client costs its server

Made by ` + "`make equalwork`" + ` (%s, %s/%s, %s). Each server runs alone on loopback with one P-256 certificate and, Java apart, otherwise as it comes. The lean client
and the stock one (crypto/tls, no verification) make full handshakes at the same rate, %v a second at the same instants, in %d blocks each of %v, a pair side by side in an order
drawn by lot, after %v each of warming up; both answer %v after they hear, as over a network (Java: a sixteenth of the rate, blocks twice as long, four times the warming up); the server has a processor of its own. The server's cost is the processor time of all its processes and threads
(clock_gettime of their clocks, nanoseconds; what an idle server uses is in it) divided by the handshakes. The ratio is the geometric mean of the blocks' ratios with its 95 %% interval
(Student's t over the paired logarithms). *Equal*: the interval lies within 0.95 to 1.05, and both clients negotiated the same.%s

| stack | version | shape | negotiated | key shares | lean µs | stock µs | lean ÷ stock | 95 %% interval | blocks | equal |
|---|---|---|---|---|--:|--:|--:|---|--:|---|
`

// reasons is what the table taught, and stands below it.
const reasons = `
What makes a client cost its server more or less, its messages being the same:

- *When they come.* A server that has nothing to read sleeps, and has to be woken. So the lean client says what crypto/tls says, in the same segments, at the same
  instants: a ClientHello as long after the connect as crypto/tls takes to make it and its key (70 µs in TLS 1.2, 90 with P-256, 110 with X25519, 170 with X25519MLKEM768; without
  that, nginx did 8 % less, HAProxy and gnutls-serv 5 %), close_notify 25 µs after the Finished, FIN 7 µs after that (with 200 µs gnutls-serv did 6 % more: it had said its last words,
  and slept). Closed loops do not wait: there is always something for a server to do.
- *How soon it answers.* This the lean client does not copy, as it would falsify what it measures: on loopback its Finished comes 40 µs after the server's flight, that of crypto/tls
  after 140 to 250. From a distance both find the server asleep; beside it, a Go server is not yet, and did 7 % less for the lean client in TLS 1.3 (P-256: 0.929, 0.909 – 0.950), nginx 2 %,
  gnutls-serv the same. (A profile of the Go server has the whole difference in wake-ups, most of them of its monitor thread.) Hence the reaction above, for both; -reaction 0 is without.
- *What a processor learns.* One key of ML-KEM for all handshakes made an encapsulation a tenth cheaper (49, not 55 µs): which values its expansion rejects is what its
  branches depend on. A server saw no difference between 64 keys that take turns and 4096. That its vector is zero saves nothing.
- *Java* takes 24 ms for a handshake without its second compiler, so that its row speaks of the arithmetic: being woken once more would not be seen.
`

func write(ctx context.Context, file string, o options, rows []row) error {
	var b strings.Builder
	fmt.Fprintf(&b, heading, runtime.Version(), runtime.GOOS, runtime.GOARCH, debian(ctx), o.rate, o.blocks, o.block, o.warm, o.reaction, settings(rows))
	for _, r := range rows {
		n := r.negotiated
		got := fmt.Sprintf("%s %s %s", n.Suite, n.Group, n.SignatureScheme)
		if r.other != "" {
			got += "; " + r.other
		}
		equal := "yes"
		if !r.equal() {
			equal = "**no**"
		}
		c := r.comparison
		fmt.Fprintf(&b, "| %s (%s) | %s | %s | %s | %s | %.0f | %.0f | %.3f | %.3f – %.3f | %d | %s |\n",
			r.stack, r.library, r.version, r.shape.name, got, r.shares, r.lean, r.stock, c.Ratio, c.RatioLow, c.RatioHigh, c.Blocks, equal)
	}
	b.WriteString(reasons)
	if file == "" {
		_, err := io.WriteString(os.Stdout, b.String())
		return err
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

// settings says how servers are configured that do not run as they come.
func settings(rows []row) string {
	said, text := map[string]bool{}, ""
	for _, r := range rows {
		if r.setting != "" && !said[r.stack] {
			said[r.stack] = true
			text += fmt.Sprintf("\n%s runs as `%s`.", r.stack, r.setting)
		}
	}
	return text
}

// debian is the distribution's name.
func debian(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "lsb_release", "-ds").Output()
	if err == nil && len(out) > 0 {
		return strings.TrimSpace(string(out))
	}
	text, _ := os.ReadFile("/etc/debian_version")
	return "Debian " + strings.TrimSpace(string(text))
}
