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
