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
drawn by lot, after %v each of warming up; both answer %v after they hear, as over a network, and say goodbye as long after that (Java: a sixteenth of the rate, an eighth of the blocks, each eight
times as long, four times the warming up); the server has a processor of its own%s. The server's cost is the processor time of all its processes and threads
(clock_gettime of their clocks, nanoseconds; what an idle server uses is in it) divided by the handshakes; of it the medians of the blocks are given. The ratio is Hodges' and Lehmann's estimate
from the logarithms of the pairs' ratios, its 95 %% interval that of Wilcoxon's signed ranks: as the lot lets what befalls a block befall either client alike, it is exact whatever else the machine
does. *Equal*: the interval lies within 0.95 to 1.05, and both clients negotiated the same.%s

| stack | version | shape | negotiated | key shares | lean µs | stock µs | lean ÷ stock | 95 %% interval | blocks | equal |
|---|---|---|---|---|--:|--:|--:|---|--:|---|
`

const control = `
Control: the stock client beside itself, by the same method, where the truth is 1. Of twenty such intervals nineteen are to hold it.

| stack | version | negotiated | one µs | other µs | one ÷ other | 95 % interval | blocks | holds 1 |
|---|---|---|--:|--:|--:|---|--:|---|
`

// reasons is what the table taught, and stands below it.
const reasons = `
What makes a client cost its server more or less, its messages being the same:

- *When they come.* A server that has nothing to read sleeps, and has to be woken. So the lean client says what crypto/tls says, in the same segments, at the same
  instants (its ClientHello offers less and is 50 to 72 bytes shorter): a ClientHello as long after the connect as crypto/tls takes to make it and its key (70 µs in TLS 1.2, 90 with P-256, 110 with X25519, 170 with X25519MLKEM768; without
  that, nginx did 8 % less, HAProxy and gnutls-serv 5 %), close_notify 25 µs after the Finished, FIN 7 µs after that. Closed loops do not wait: there is always something for a server to do.
- *How soon it answers.* This the lean client does not copy, as it would falsify what it measures: on loopback its Finished comes 40 µs after the server's flight, that of crypto/tls
  after 140 to 250. From a distance both find the server asleep; beside it, a Go server is not yet, and did 7 % less for the lean client in TLS 1.3 (P-256: 0.929, 0.909 – 0.950), nginx 2 %,
  gnutls-serv the same. (A profile of the Go server has the whole difference in wake-ups, most of them of its monitor thread.) Hence the reaction above, for both; -reaction 0 is without.
- *How soon it leaves.* gnutls-serv is at its tickets for 60 µs after a Finished. crypto/tls's close_notify came within them, the lean client's, whenever its thread was late, when they were
  said and the server slept: that and what follows next cost it 5 to 8 % more in TLS 1.3. Hence the reaction before a goodbye too. The tickets are there by then, which neither client reads, so that both connections
  end by a reset in TLS 1.3, as those of clients do that leave while tickets are still on their way.
- *Whom it wakes.* On plain loopback who sends does the receiver's part too, as far as waking it. gnutls-serv says ServerHello and the rest in two segments: the lean client, being
  quick, is presumably asleep again in between, while crypto/tls computes; that cost the server 1 to 3 % in TLS 1.3 (X25519: 1.029, 1.020 – 1.038; with the clients' processor taking in what arrives 0.998,
  0.992 – 1.004). Over a network no server wakes its clients.
- *What a processor learns.* One key of ML-KEM for all handshakes made an encapsulation a tenth cheaper (49, not 55 µs): which values its expansion rejects is what its
  branches depend on. A server saw no difference between 64 keys that take turns and 4096. That its vector is zero saves nothing.
- *Which run it is.* Of 195 stretches of 20 pairs of the control 182 intervals held 1, by ranks as by Student's t, which has them 8 % longer. But an interval speaks of one run of a server. Of five runs on a busy machine, each ± 0.009, nginx came to 0.970, 1.001, 0.996, 0.995 and 0.993 in TLS 1.3 with X25519, and to
  0.984, 1.007, 0.999, 1.010 and 1.006 in TLS 1.2 with P-256.
- *Java* takes 24 ms for a handshake without its second compiler, so that its row speaks of the arithmetic: being woken once more would not be seen.
`

func write(ctx context.Context, file string, o options, rows []row) error {
	var b strings.Builder
	fmt.Fprintf(&b, heading, runtime.Version(), runtime.GOOS, runtime.GOARCH, debian(ctx), o.rate, o.blocks, o.block, o.warm, o.reaction, takenIn(o), settings(rows))
	var shapes, controls []row
	for _, r := range rows {
		if r.shape.control() {
			controls = append(controls, r)
			continue
		}
		shapes = append(shapes, r)
		fmt.Fprintf(&b, "| %s (%s) | %s | %s | %s | %s | %.0f | %.0f | %.3f | %.3f – %.3f | %d | %s |\n",
			r.stack, r.library, r.version, r.shape.name, r.got(), r.shares, r.candidate, r.stock, r.ratio, r.low, r.high, len(r.pairs), answer(r.equal()))
	}
	b.WriteString(verdict(shapes))
	if len(controls) > 0 {
		b.WriteString(control)
	}
	for _, r := range controls {
		fmt.Fprintf(&b, "| %s (%s) | %s | %s | %.0f | %.0f | %.3f | %.3f – %.3f | %d | %s |\n",
			r.stack, r.library, r.version, r.got(), r.candidate, r.stock, r.ratio, r.low, r.high, len(r.pairs), answer(r.low <= 1 && 1 <= r.high))
	}
	b.WriteString(reasons)
	if file == "" {
		_, err := io.WriteString(os.Stdout, b.String())
		return err
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

func answer(yes bool) string {
	if yes {
		return "yes"
	}
	return "**no**"
}

// got is what was negotiated.
func (r row) got() string {
	n := r.negotiated
	text := fmt.Sprintf("%s %s %s", n.Suite, n.Group, n.SignatureScheme)
	if r.other != "" {
		text += "; " + r.other
	}
	return text
}

// verdict says what the rows show, and of those that are not equal why.
func verdict(rows []row) string {
	equal := 0
	var unlike, apart, open []string
	for _, r := range rows {
		name := r.stack + " " + r.shape.name
		switch {
		case r.equal():
			equal++
		case r.other != "":
			unlike = append(unlike, name)
		case r.low > high || r.high < low:
			apart = append(apart, name)
		default:
			open = append(open, fmt.Sprintf("%s (by %.3f)", name, max(low-r.low, r.high-high)))
		}
	}
	text := fmt.Sprintf("\n%d of %d shapes are shown to be equal.", equal, len(rows))
	for _, why := range []struct {
		text  string
		names []string
	}{
		{"The clients did not negotiate the same", unlike},
		{"The whole interval lies outside the bounds, so that the work differs by more than 5 %", apart},
		{"The interval reaches over a bound, and neither that the work is equal nor that it is not is shown", open},
	} {
		if len(why.names) > 0 {
			text += fmt.Sprintf("\n%s: %s.", why.text, strings.Join(why.names, ", "))
		}
	}
	return text + "\n"
}

// writeBlocks writes what each block cost, for whoever wants to judge the intervals.
func writeBlocks(file string, rows []row) error {
	if file == "" {
		return nil
	}
	b := []byte("stack,shape,candidate,pair,stock_us,candidate_us,first\n")
	for _, r := range rows {
		for i, p := range r.pairs {
			first := [2]string{"stock", "candidate"}[p.first]
			b = fmt.Appendf(b, "%s,%s,%s,%d,%.3f,%.3f,%s\n", r.stack, r.shape.name, r.shape.candidate, i, p.cost[0], p.cost[1], first)
		}
	}
	return os.WriteFile(file, b, 0o644)
}

// takenIn says whose work it is to take in what arrives.
func takenIn(o options) string {
	if o.steered {
		return ",\nand what arrives on either side is taken in by the clients', as from a network card"
	}
	return ",\nbut what it sends it also takes in for the clients, as there were no rights or processors to have that done elsewhere"
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
