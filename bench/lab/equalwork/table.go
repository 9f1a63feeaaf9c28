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
drawn by lot, after %v each of warming up (Java: a sixteenth of the rate, blocks twice as long, four times the warming up); the server has a processor of its own. The server's cost is the processor time of all its processes and threads
(clock_gettime of their clocks, nanoseconds; what an idle server uses is in it) divided by the handshakes. The ratio is the geometric mean of the blocks' ratios with its 95 %% interval
(Student's t over the paired logarithms). *Equal*: the interval lies within 0.95 to 1.05, and both clients negotiated the same.%s

| stack | version | shape | negotiated | key shares | lean µs | stock µs | lean ÷ stock | 95 %% interval | blocks | equal |
|---|---|---|---|---|--:|--:|--:|---|--:|---|
`

// reasons is what the table taught, and stands below it.
const reasons = `
What makes a client cost its server more or less, its messages being the same:

- *When they come.* A server that has nothing to read sleeps, and is woken once more. When a lean ClientHello of X25519MLKEM768 came at once after its connect, a
  Go server was spared that (0.955, 0.945 – 0.966): an ordinary client makes its key first, for 0.1 ms. Now the lean one waits as long, in X25519MLKEM768,
  SecP256r1MLKEM768 and P-384; a key of X25519 or P-256 is made before most servers have accepted. When close_notify and FIN came with the Finished, nginx was woken 2.0
  times for a handshake, not 2.95 times as by crypto/tls (0.900 – 0.943): now connections are kept for 200 µs.
- *What a processor learns.* One key of ML-KEM for all handshakes made an encapsulation a tenth cheaper (49, not 55 µs): which values its expansion rejects is what its
  branches depend on. A server saw no difference between 64 keys that take turns and 4096. That its vector is zero saves nothing.
- *Java* takes 24 ms for a handshake without its second compiler, so that its row speaks of the arithmetic: being woken once more would not be seen.
`

func write(ctx context.Context, file string, o options, rows []row) error {
	var b strings.Builder
	fmt.Fprintf(&b, heading, runtime.Version(), runtime.GOOS, runtime.GOARCH, debian(ctx), o.rate, o.blocks, o.block, o.warm, settings(rows))
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
